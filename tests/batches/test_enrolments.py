import pytest

from trimtab.batches import Refused, read_book
from trimtab.constraints import Policy
from trimtab.errors import BookError


def enrolled(book, policy):
    return {getattr(a, "id", None) or getattr(a, "account_id", ""): a for a in read_book(book).accounts(policy)}


def account(name, model="balanced", flow="0", status="active"):
    return ("accounts", [name, model, flow, status])


def held(name, asset="CASH", quantity="1000"):
    return ("holdings", [name, asset, quantity])


def ruled(name, asset="GOLD", rule="no_buy"):
    return ("restrictions", [name, asset, rule])


ORDERS = ("orders", ["account_id", "asset_id", "quantity", "status"])
CASES = [
    ("unknown asset", [held("001", "GLD")], "001", "UNKNOWN_ASSET", "asset_id"),
    ("unknown assets in two accounts", [held("001", "GLD"), held("002", "X")], "002", "UNKNOWN_ASSET", "asset_id"),
    ("holding twice", [held("001")], "001", "DUPLICATE_HOLDING", "asset_id"),
    ("account twice", [account("001")], "001", "DUPLICATE_ACCOUNT", "account_id"),
    ("account twice, another model", [account("001", "growth")], "001", "DUPLICATE_ACCOUNT", "account_id"),
    ("comma", [account("X"), held("X", "CASH", "1,5")], "X", "BAD_QUANTITY", "quantity"),
    ("infinite", [account("X"), held("X", "CASH", "inf")], "X", "BAD_QUANTITY", "quantity"),
    ("huge", [account("X"), held("X", "CASH", "1e15")], "X", "BAD_QUANTITY", "quantity"),
    ("no quantity", [account("X"), held("X", "CASH", "")], "X", "BAD_QUANTITY", "quantity"),
    ("not in accounts", [held("X")], "X", "UNKNOWN_ACCOUNT", "account_id"),
    ("rule for nobody", [ruled("X")], "X", "UNKNOWN_ACCOUNT", "account_id"),
    ("space behind", [account("X "), held("X ")], "X ", "BAD_ID", "account_id"),
    ("zero width", [account("X\u200b"), held("X\u200b")], "X\u200b", "BAD_ID", "account_id"),
    ("two forms", [account("001 ")], "001", "ID_FORMS", "account_id"),
    ("holdings under another form", [held("001 ", "GOLD")], "001", "ID_FORMS", "account_id"),
    ("no id", [account("")], "", "BAD_ID", "account_id"),
    ("everybody", [account("*")], "*", "BAD_ID", "account_id"),
    ("very long id", [account("X" * 10_000)], "X" * 10_000, "BAD_ID", "account_id"),
    ("unknown status", [account("X", status="open")], "X", "BAD_STATUS", "status"),
    ("unknown model", [account("X", model="balancd")], "X", "UNKNOWN_MODEL", "model_id"),
    ("no model", [account("X", model="")], "X", "UNKNOWN_MODEL", "model_id"),
    ("bad flow", [account("X", flow="1.000,00")], "X", "BAD_CASH_FLOW", "cash_flow"),
    ("unknown rule", [ruled("001", rule="nobuy")], "001", "UNKNOWN_RULE", "rule"),
    ("rule on an unknown asset", [ruled("001", asset="gold")], "001", "UNKNOWN_ASSET", "asset_id"),
    ("bad order", [ORDERS, ("orders", ["001", "GOLD", "x", ""])], "001", "BAD_QUANTITY", "quantity"),
    ("order of an unknown asset", [ORDERS, ("orders", ["001", "GLD", "1", ""])], "001", "UNKNOWN_ASSET", "asset_id"),
    ("unknown order status", [ORDERS, ("orders", ["001", "GOLD", "1", "maybe"])], "001", "BAD_STATUS", "status"),
    ("order of nobody", [ORDERS, ("orders", ["X", "GOLD", "1", ""])], "X", "UNKNOWN_ACCOUNT", "account_id"),
]


@pytest.mark.parametrize(("more", "name", "code", "field"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_bad_row_refuses_its_account_and_no_other(book, policy, append, more, name, code, field):
    plain = enrolled(book, policy)
    for table, row in more:
        append(book, table, row)
    got = enrolled(book, policy)
    assert isinstance(got[name], Refused)
    assert (got[name].error.code, got[name].error.field) == (code, field)
    touched = {row[0] for _, row in more} | {name}
    assert {k: a for k, a in got.items() if k not in touched} == {k: a for k, a in plain.items() if k not in touched}
    assert set(got) == set(plain) | touched - {"account_id"}


def test_the_refusal_names_line_and_value(book, policy, append):
    append(book, "holdings", ["001", "GLD", "5"])
    error = enrolled(book, policy)["001"].error
    assert "'GLD' is not in the assets table (line 130 of holdings.csv)" in str(error)
    assert error.mend == "did you mean 'GOLD'?"
    assert error.value == "GLD"


def test_accounts_come_in_the_order_of_their_table_once_each_strangers_last(book, policy, append, rows, write):
    table = rows(book, "accounts")
    write(book, "accounts", [table[0], *reversed(table[1:]), table[3]])
    append(book, "holdings", ["stranger", "CASH", "1"])
    assert list(enrolled(book, policy)) == [*(r[0] for r in reversed(table[1:])), "stranger"]
    roster = read_book(book).roster(policy)
    assert len(roster) == len(list(roster)) == 9


def test_a_rule_of_the_desk_is_everybodys(book, policy, append):
    append(book, "restrictions", ["*", "BAA", "no_buy"])
    got = enrolled(book, policy)
    assert all(("BAA", "no_buy") in a.restrictions for a in got.values())
    assert ("ENERGY", "no_buy") in got["003"].restrictions
    append(book, "restrictions", ["*", "BAA", "never"])
    with pytest.raises(BookError, match=r"line 5 of restrictions.csv: 'never' is no rule"):
        enrolled(book, policy)


def test_only_open_orders_count_and_they_add_up(book, policy, append):
    append(
        book,
        "orders",
        ["account_id", "asset_id", "quantity", "status", "trade_id"],
        ["001", "GOLD", "5", "open", "a"],
        ["001", "GOLD", "-2", "", "b"],
        ["001", "TECH", "9", "filled", "c"],
    )
    assert dict(enrolled(book, policy)["001"].orders) == {"GOLD": 3.0}


def with_column(rows, write, book, name, values):
    table = rows(book, "accounts")
    write(book, "accounts", [[*table[0], name], *([*r, values.get(r[0], "")] for r in table[1:])])


def test_overrides_are_columns_named_as_limits(book, policy, rows, write):
    with_column(rows, write, book, "risk_aversion", {"001": "9"})
    with_column(rows, write, book, "turnover", {"001": "0.05", "002": "5%", "003": "inf"})
    got = enrolled(book, policy)
    assert dict(got["001"].overrides) == {"risk_aversion": 9.0, "turnover": 0.05}
    assert dict(got["004"].overrides) == {}
    for name in ("002", "003"):
        assert (got[name].error.code, got[name].error.field) == ("BAD_OVERRIDE", "turnover")


def test_a_column_that_is_no_limit_is_refused_for_all(book, policy, rows, write):
    with_column(rows, write, book, "turnovr", {})
    with pytest.raises(BookError, match="did you mean 'turnover'"):
        read_book(book).accounts(policy)  # at once, not when the first account is asked for


def test_the_models_of_the_book_are_the_policys(book):
    assert set(read_book(book).policy(Policy()).models) == {"conservative", "balanced", "sixty_forty", "growth"}
