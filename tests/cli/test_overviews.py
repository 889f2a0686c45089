"""The page of a run: what a desk head reads, at 80 columns, for three accounts and for a million."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab.batches import Run
from trimtab.batches.impacts import Impact, net, write_impact
from trimtab.batches.stores import SCHEMAS
from trimtab.cli.overviews import show_run
from trimtab.cli.pages import page
from trimtab.demo import ON
from trimtab.optimizer import Outcome

PROVED = Outcome.OPTIMAL.value


def account(name, outcome="OPTIMAL", reason=PROVED, code="", nav=1e6, te=0.0, binding=()):
    """A row of the accounts table."""
    row = dict.fromkeys(SCHEMAS["accounts"].names) | {"account_id": name, "outcome": outcome, "code": code}
    bound = [{"limit": limit, "on": on, "bound": 0.1, "used": 0.1} for limit, on in binding]
    row |= {"reason": reason, "nav": nav, "turnover": 0.05, "cost": 10.0, "certified_te": te, "gap": te * te}
    return row | {"binding": json.dumps(bound), "relaxed": "[]"}


def trade(name, asset, side, value):
    row = dict.fromkeys(SCHEMAS["trades"].names)
    return row | {"account_id": name, "asset_id": asset, "side": side, "value": value, "cost": 0.0}


@pytest.fixture
def shown(tmp_path, capsys, monkeypatch):
    """Write a run of these rows, show it on 80 columns, and return the page."""

    def show(accounts, trades=(), impact=None, blocked=()):
        timings = [{"account_id": row["account_id"], "seconds": 0.01} for row in accounts]
        for name, rows in (("accounts", accounts), ("trades", trades), ("timings", timings)):
            pq.write_table(pa.Table.from_pylist(list(rows), SCHEMAS[name]), tmp_path / f"{name}.parquet")
        if impact is not None:
            write_impact(tmp_path, impact)
        counts = {o.name: sum(row["outcome"] == o.name for row in accounts) for o in Outcome}
        monkeypatch.setenv("COLUMNS", "80")
        show_run(page(), Run(tmp_path, "f" * 64, counts, bool(blocked), blocked))
        text = capsys.readouterr().out
        assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
        return text

    return show


def test_the_page_of_a_real_run(trimtab, book, mandate, tmp_path):
    _, out, _ = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "run")
    assert re.search(r"\d+ trades in 3 accounts; all accounts are worth [\d,]+\.", out)
    for words in (
        r"one-way turnover +[\d,]+ +\d+\.\d\d%",
        r"cost +[\d,]+ +\d+\.\d\d bp",
        r"asset +orders +bought +sold +net\n",
        r"deviation +\d +\d+\.\d% +\w+",
        r"Every ideal is less than 0\.0001 bp",
        r"Slowest: 00\d \d\.\d+ s",
    ):
        assert re.search(words, out), words


def test_like_reasons_are_one_row_with_an_example(shown):
    out = shown(
        [
            account("1", "HELD", "no trigger fired"),
            account("2", "UNSOLVED", "EQ: 5% is above 3%"),
            account("3", "UNSOLVED", "EQ: 6% is above 4%"),
            account("4", "UNSOLVED", "the computation failed", "FAILED"),
            *(account(str(i), "QUARANTINED", f"'A{i}' is no asset", "UNKNOWN_ASSET", nav=None) for i in range(5, 17)),
            account("17", "QUARANTINED", "no price", "NO_PRICE", nav=None),
        ]
    )
    assert "No trades; all accounts are worth 4,000,000." in out
    assert re.search(r"Held: 1\n.*\n +1  1 +no trigger fired", out)
    assert re.search(r"Unsolved: 3\n.*\n +2  2 +EQ: 5% is above 3%\n +1  4 +FAILED +the computation failed", out)
    assert re.search(r"Quarantined: 13\n.*\n +12  5 +UNKNOWN_ASSET +'A5' is no asset\n +1  17 +NO_PRICE +no price", out)


def test_a_held_account_that_needs_no_words_gets_none(shown):
    assert "Held: " not in shown([account("1", "HELD", Outcome.HELD.value)])


def test_limits_say_where_they_bind(shown):
    places = [("deviation", f"A{i}") for i in range(5)]
    rows = [account(str(i), binding=[*places[: i + 1], ("tracking_error", "")]) for i in range(5)]
    out = shown(rows)
    assert re.search(r"deviation +5 +100\.0% +A0 5, A1 4, A2 3 and 2 more\n +tracking error +5 +100\.0%\n", out)


def test_money_of_a_million_accounts_fits(shown):
    sums = [(f"A{i:02d}", "buy" if i % 2 else "sell", 3.3e12 / (i + 1)) for i in range(12)]
    out = shown([account("1", nav=9.9e13, te=2e-6)], [trade("1", *each) for each in sums])
    assert "Net trades by asset, the largest first, in millions" in out
    assert re.search(r"A00 +1 +0 +3,300,000 +-3,300,000", out)
    assert re.search(r"A01 +1 +1,650,000 +0 +\+1,650,000", out)
    assert "... and 4 more in trades.parquet" in out
    assert "at most: 1 0.0200 bp" in out


def test_what_the_market_feels(shown):
    trades = [trade("1", "EQ", "buy", 250.0), trade("1", "BOND", "sell", 80.0), trade("1", "GOLD", "buy", 1.0)]
    assets = net([pa.Table.from_pylist(trades, SCHEMAS["trades"])]).assets.loc[["EQ", "BOND", "GOLD"]]
    assets = assets.drop(columns=["orders", "cost"])
    assets["gross"], assets["adv"] = assets["buys"] + assets["sells"], [1000.0, 160.0, 1e6]
    assets["buy_participation"] = assets["buys"] / assets["adv"]
    assets["sell_participation"] = assets["sells"] / assets["adv"]
    assets["most"] = assets[["buy_participation", "sell_participation"]].max(axis=1)
    out = shown([account("1")], trades, Impact(assets, {"BOND": (1.0, 0.4)}))
    rows = out[out.index("Of a day's trading") :].splitlines()[2:4]
    assert [row.split() for row in rows] == [
        ["BOND", "0.00%", "50.00%", "160", "40%", "of", "sells"],  # the largest share first
        ["EQ", "25.00%", "0.00%", "1,000"],
    ]
    assert "GOLD  " not in out[out.index("Of a day's trading") :]
    small = shown([account("1")], trades, Impact(assets.loc[["GOLD"]]))
    assert "The largest part of a day's trading is 0.000%, of GOLD." in small


def test_a_blocked_run_says_so_before_its_figures(shown):
    out = shown([account("1")], blocked=("too much of EQ",)).replace("\n", " ")
    assert out.index("BLOCKED: too much of EQ. The run is sealed") < out.index("No trades")


def test_text_of_a_book_cannot_steer_the_page(shown):
    out = shown(
        [account("\x1b[2J", "UNSOLVED", "[bold]no\x1b[0m", binding=[("\x1b[1m", "\r")])],
        [trade("1", "\x1bX", "buy", 1.0)],
    )
    assert "\x1b" not in out
    assert "\r" not in out


# ------------------------------------------------------------------------------------------------ export


def test_export_writes_what_a_spreadsheet_opens(trimtab, book, mandate, tmp_path):
    run = tmp_path / "run"
    trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", run)
    status, out, err = trimtab("export", run, "--format", "csv")
    assert (status, err) == (0, "")
    assert "trades.csv" in out
    assert {f"{name}.csv" for name in SCHEMAS} <= {path.name for path in (tmp_path / "run-csv").iterdir()}
    assert trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", run)[0] == 0  # the run is untouched
    status, out, _ = trimtab("export", run, "--table", "trades", "--table", "accounts", "--out", tmp_path / "two")
    assert status == 0
    assert out.startswith("Written, 2 files:\n")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == ["accounts.csv", "trades.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{run}", "--out", "{run}/.."), "is there already"),
        (("{run}", "--table", "trade"), "did you mean 'trades'"),
        (("{book}",), "holds no run"),
        (("nowhere",), "does not exist"),
        (("{run}", "--format", "xlsx"), "csv"),
        ((), "RUN"),
    ],
)
def test_what_cannot_be_exported_is_status_2(trimtab, book, mandate, tmp_path, arguments, words):
    run = tmp_path / "run"
    trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", run)
    (tmp_path / "trades.csv").touch()
    status, out, err = trimtab("export", *(a.format(run=run, book=book) for a in arguments))
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_warnings_are_on_the_page_of_a_run(trimtab, book, mandate, tmp_path):
    with (book / "views.csv").open("a") as file:
        file.write("X1,FIN - TECH,0.02,0.5,2017-01-01,2017-02-28,me,why,active\n")
    for command in ("check", "rebalance"):
        out = () if command == "check" else ("--out", tmp_path / "run", "--workers", 1)
        status, page, _ = trimtab(command, book, "--policy", mandate, "--on", "2017-02-28", *out, columns=120)
        assert status == 0
        assert "Worth a look" in page
        assert "view X1 ended on 2017-02-28" in page
