"""The ledger's rows take the place of the book's where it knows an account, and leave alone what it does not."""

import datetime as dt
import shutil

import pyarrow as pa
import pytest

from trimtab.batches import read_book
from trimtab.batches.stores import SCHEMAS
from trimtab.constraints import read_policy
from trimtab.demo import book_path, policy_path
from trimtab.governance.clocks import CARRIED, EXTENSIONS, VIEWS
from trimtab.governance.confidences import SCHEMA
from trimtab.governance.fills import ORDERS
from trimtab.governance.handovers import hand_over

DAY = dt.date(2017, 2, 28)
HISTORY = pa.schema(
    [("account_id", pa.string()), ("asset_id", pa.string()), ("date", pa.date32()), ("weight", pa.float64())]
)


@pytest.fixture
def book(tmp_path):
    folder = shutil.copytree(book_path(), tmp_path / "book")
    (folder / "positions.csv").write_text(
        "account_id,asset_id,opened,side,note\n001,TECH,2016-01-04,over,ours\n002,TECH,2016-01-04,over,theirs\n"
    )
    (folder / "history.csv").write_text(
        "account_id,asset_id,date,weight\n001,TECH,2017-01-02,0.01\n001,TECH,2017-02-28,0.5\n002,TECH,2017-02-28,-0.02\n"
    )
    (folder / "orders.csv").write_text(
        "account_id,asset_id,quantity,status,trade_id\n001,GOLD,5,open,t1\n001,GOLD,7,open,theirs\n002,GOLD,9,open,\n"
    )
    return folder


@pytest.fixture
def derived():
    """What a ledger says that knows account 001, which stands in FIN since that day, and one trade of it."""
    tables = {name: SCHEMAS[name].empty_table() for name in CARRIED}
    position = dict.fromkeys(SCHEMAS["positions"].names) | {
        "account_id": "001", "asset_id": "FIN", "side": "over", "opened": DAY, "state": "open"
    }  # fmt: skip
    tables["positions"] = pa.Table.from_pylist([position], SCHEMAS["positions"])
    filled = {"account_id": "001", "asset_id": "FIN", "date": DAY, "weight": 0.03}
    left = {"account_id": "001", "asset_id": "GOLD", "quantity": 2.0, "status": "open", "trade_id": "t1"}
    return tables | {
        "history": pa.Table.from_pylist([filled], HISTORY),
        "orders": pa.Table.from_pylist([left], ORDERS),
        "trades": pa.table({"trade_id": ["t1", "t0"]}),
        "views": pa.Table.from_pylist([{"account_id": "001", "last_views": "sign"}], VIEWS),
        "extensions": EXTENSIONS.empty_table(),
        "confidences": SCHEMA.empty_table(),
    }


def picked(table, *columns):
    return sorted(tuple(str(row[c]) for c in columns) for row in table.to_pylist())


def test_what_the_ledger_knows_is_the_ledgers(book, derived):
    tables = hand_over(read_book(book), derived)
    assert picked(tables["positions"], "account_id", "asset_id", "opened") == [
        ("001", "FIN", "2017-02-28"),
        ("002", "TECH", "2016-01-04"),
    ]
    assert picked(tables["history"], "account_id", "date", "weight") == [
        ("001", "2017-01-02", "0.01"),  # before its first fill
        ("001", "2017-02-28", "0.03"),
        ("002", "2017-02-28", "-0.02"),
    ]
    assert picked(tables["orders"], "account_id", "quantity", "trade_id") == [
        ("001", "2", "t1"),  # 3 of the 5 were filled
        ("001", "7", "theirs"),
        ("002", "9", ""),
    ]
    assert "accounts" not in tables


def test_the_tables_read_as_a_book(book, derived, tmp_path):
    from trimtab.governance.sealings import take_in
    from trimtab.governance.snapshots import make_store

    folder = take_in(make_store(tmp_path / "s"), book, policy_path(), hand_over(read_book(book), derived))
    taken = read_book(folder)
    roster = taken.roster(taken.policy(read_policy(policy_path())))
    assert set(roster.faults) == {"024"}  # the demo book has one bad account of its own
    first = next(account for account in roster if account.id == "001")
    assert [(p.asset, p.opened) for p in first.positions] == [("FIN", DAY)]
    assert first.orders == {"GOLD": 9.0}
    assert {(t.date, t.weight) for t in first.history} == {(dt.date(2017, 1, 2), 0.01), (DAY, 0.03)}


def test_an_empty_ledger_leaves_the_book_as_it_is(book, derived):
    nothing = {name: table.slice(0, 0) for name, table in derived.items()}
    assert not hand_over(read_book(book), nothing)


def test_a_position_that_was_closed_does_not_come_back_from_the_book(book, derived):
    gone = derived | {"positions": derived["positions"].slice(0, 0)}
    assert picked(hand_over(read_book(book), gone)["positions"], "account_id") == [("002",)]


@pytest.mark.parametrize(("who", "longer"), [("001", {"001"}), ("*", {"001"}), ("002", set())])
def test_extensions_are_said_of_the_positions_they_are_for(book, derived, who, longer):
    row = {"account_id": who, "asset_id": "FIN", "side": "over", "extended_until": DAY, "approval": "extension/x"}
    tables = hand_over(read_book(book), derived | {"extensions": pa.Table.from_pylist([row], EXTENSIONS)})
    told = {r["account_id"] for r in tables["positions"].to_pylist() if r["approval"] == "extension/x"}
    assert told == longer


def test_last_views_come_where_a_trigger_asks_for_them(book, derived, tmp_path):
    mandate = tmp_path / "p.toml"
    mandate.write_text('[rebalance]\ntrigger = ["views"]\n')
    said = hand_over(read_book(book), derived, read_policy(mandate))["accounts"]
    assert dict(zip(said["account_id"].to_pylist(), said["last_views"].to_pylist(), strict=True)) == {
        name: "sign" if name == "001" else "" for name in said["account_id"].to_pylist()
    }
