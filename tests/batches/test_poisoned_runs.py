"""A book of the bad input that real books hold: everything is accounted for, and nobody else notices."""

import pandas as pd
import pytest

from trimtab.batches import run
from trimtab.demo import ON

CASH = ("CASH", "1000")
# id, model, cash flow, status, risk aversion, turnover; its holdings; the code
POISON = [
    ("P01", "balanced", "0", "active", "", "", [("GLD", "1")], "UNKNOWN_ASSET"),
    ("P02", "balanced", "0", "active", "", "", [("GOLD", "1,5")], "BAD_QUANTITY"),
    ("P03", "balanced", "0", "active", "", "", [("GOLD", "1"), ("GOLD", "2")], "DUPLICATE_HOLDING"),
    ("P04", "balanced", "0", "active", "", "", [("GOLD", "inf")], "BAD_QUANTITY"),
    ("P05", "balanced", "0", "active", "", "", [("GOLD", "")], "BAD_QUANTITY"),
    ("P06", "balanced", "0", "active", "", "", [("GOLD", "9e999")], "BAD_QUANTITY"),
    ("P07", "balanced", "0", "active", "", "", [("GOLD", "9223372036854775807")], "BAD_QUANTITY"),
    ("P08", "none", "0", "active", "", "", [CASH], "UNKNOWN_MODEL"),
    ("P09", "", "0", "active", "", "", [CASH], "UNKNOWN_MODEL"),
    ("P10", "balanced", "ten", "active", "", "", [CASH], "BAD_CASH_FLOW"),
    ("P11", "balanced", "nan", "active", "", "", [CASH], "BAD_CASH_FLOW"),
    ("P12", "balanced", "-1e9", "active", "", "", [CASH], "BAD_CASH_FLOW"),
    ("P13", "balanced", "0", "Active", "", "", [CASH], "BAD_STATUS"),
    ("P14", "balanced", "0", "active", "-1", "", [CASH], "BAD_AVERSION"),
    ("P15", "balanced", "0", "active", "0", "", [CASH], "BAD_AVERSION"),
    ("P16", "balanced", "0", "active", "six", "", [CASH], "BAD_OVERRIDE"),
    ("P17", "balanced", "0", "active", "", "0.9", [CASH], "LOOSER_OVERRIDE"),
    ("P18", "balanced", "0", "active", "", "-0.1", [CASH], "BAD_OVERRIDE"),
    ("P19", "balanced", "0", "active", "", "5%", [CASH], "BAD_OVERRIDE"),
    ("P20", "balanced", "0", "active", "", "", [("CASH", "-5000")], "BAD_NAV"),
    ("P21 ", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("P22\u200b", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("P23\u00a0", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("P24\x1b[2J", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("*", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("Pe\u0301", "balanced", "0", "active", "", "", [CASH], "BAD_ID"),
    ("P28", "balanced", "0", "active", "", "", [("HELDX", "1"), ("GOLD", "x")], "UNKNOWN_ASSET"),
    ("'; DROP", "balanced", "0", "active", "", "", [("=1+1", "1")], "UNKNOWN_ASSET"),
    ("../../x", "balanced", "0", "active", "", "", [("CASH", "1"), ("USMKT", "-")], "BAD_QUANTITY"),
]


@pytest.fixture
def poisoned(book, rows, write):
    table = rows(book, "accounts")
    header = [*table[0], "risk_aversion", "turnover"]
    bad = [list(p[:6]) for p in POISON]
    good = [[*r, "", ""] for r in table[1:]]
    mixed = [row for pair in zip(bad, [*good, *[None] * len(bad)], strict=False) for row in pair if row]
    write(
        book,
        "accounts",
        [header, *mixed, ["TWICE", "growth", "0", "active", "", ""], ["TWICE", "balanced", "0", "active", "", ""]],
    )
    holdings = rows(book, "holdings")
    more = [[p[0], asset, quantity] for p in POISON for asset, quantity in p[6]]
    write(book, "holdings", [holdings[0], *more, *holdings[1:], ["STRANGER", "CASH", "5"], ["TWICE", "CASH", "5"]])
    write(book, "restrictions", [*rows(book, "restrictions"), ["RULED", "GOLD", "no_buy"], ["P01", "GOLD", "frozen"]])
    return book


def test_everything_is_accounted_for_and_the_good_ones_do_not_notice(poisoned, mandate, tmp_path, plain_run):
    done = run(poisoned, mandate, ON, tmp_path / "out")
    expected = {p[0]: p[7] for p in POISON} | {
        "TWICE": "DUPLICATE_ACCOUNT",
        "STRANGER": "UNKNOWN_ACCOUNT",
        "RULED": "UNKNOWN_ACCOUNT",
    }
    quarantine, accounts = done.table("quarantine"), done.table("accounts")
    assert dict(zip(quarantine["account_id"], quarantine["code"], strict=True)) == expected
    assert quarantine["field"].ne("").all()
    assert quarantine["message"].str.len().gt(20).all()
    assert len(accounts) == accounts["account_id"].nunique() == sum(done.counts.values()) == 8 + len(expected)
    assert done.counts["QUARANTINED"] == len(expected)
    assert accounts.set_index("account_id").loc["TWICE", "code"] == "DUPLICATE_ACCOUNT"
    assert quarantine.set_index("account_id").loc["TWICE", "field"] == "account_id"
    good = accounts[accounts["outcome"] != "QUARANTINED"].reset_index(drop=True)
    pd.testing.assert_frame_equal(good, plain_run.table("accounts"), check_exact=True)
    for name in ("targets", "trades"):
        pd.testing.assert_frame_equal(done.table(name), plain_run.table(name), check_exact=True)
    assert {p.name for p in tmp_path.iterdir()} == {"book", "out"}  # no id became a path
