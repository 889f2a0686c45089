"""The summary of a run: figures by hand, nothing that differs between runs, nothing left out."""

import json
import math
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab.batches import Run, streams, summaries
from trimtab.batches.stores import SCHEMAS
from trimtab.batches.summaries import summarise, write_summary
from trimtab.errors import RunError

PROVED = "the best weights the policy allows, proved"


def bound(limit, on="", used=0.0123456789):
    return {"limit": limit, "on": on, "bound": used, "used": used}


def account(name, outcome="OPTIMAL", **more):
    row = dict.fromkeys(SCHEMAS["accounts"].names)
    row |= {"account_id": name, "model_id": "m", "outcome": outcome, "code": "", "reason": PROVED, "relaxed": "[]"}
    row |= {"nav": 1000.0, "turnover": 0.0, "cost": 0.0, "gap": 0.0, "certified_te": 0.0}
    return row | more | {"binding": json.dumps(more.get("binding", []), ensure_ascii=False)}


def trade(name, asset, side, value, cost=0.0):
    row = dict.fromkeys(SCHEMAS["trades"].names)
    return row | {"account_id": name, "asset_id": asset, "side": side, "value": value, "cost": cost}


ACCOUNTS = [
    account("1", turnover=0.10, cost=1.5, certified_te=2e-7, gap=1e-12, binding=[bound("deviation", "EQ")]),
    account(
        "2",
        nav=3000.0,
        turnover=0.05,
        cost=0.5,
        certified_te=9e-6,
        gap=3e-9,
        binding=[bound("deviation", "EQ", 0.7), bound("deviation", "BOND", -1e-5), bound("turn}over", used=0.3)],
    ),
    account("3", "HELD", reason="no trigger fired"),
    account("4", "UNSOLVED", reason="EQ2: least 12.5% is above most 3%", certified_te=None, gap=None),
    account("5", "UNSOLVED", reason="EQ2: least 1e-05% is above most 4%", certified_te=None, gap=None),
    account("6", "UNSOLVED", reason="EQ3: least 1% is above most 0%", certified_te=None, gap=None),
    *(
        account(
            name, "QUARANTINED", code=code, reason=why, **dict.fromkeys(("nav", "turnover", "cost", "certified_te"))
        )
        for name, code, why in (("7", "BAD", "x is 'a'"), ("8", "BAD", "x is 'b'"), ("9", "WORSE", "y is 'c'"))
    ),
]
TRADES = [
    trade("1", "EQ", "buy", 100.0, 1.0),
    trade("1", "BOND", "sell", 60.0, 0.5),
    trade("2", "BOND", "sell", 150.0, 0.25),
    trade("2", "EQ", "sell", 90.0, 0.25),
]
TIMINGS = [{"account_id": str(i), "started": "", "seconds": s, "worker": ""} for i, s in enumerate((0.1, 0.3, 0.2), 1)]


def keep(folder, accounts=ACCOUNTS, trades=TRADES, timings=TIMINGS, every=None):
    """Write the tables of a run, in parts of so many rows, or as single files."""
    for name, rows in (("accounts", accounts), ("trades", trades), ("timings", timings)):
        table = pa.Table.from_pylist(rows, SCHEMAS[name])
        path = folder / f"{name}.parquet"
        if every is None:
            pq.write_table(table, path)
            continue
        path.mkdir(parents=True)
        for i in range(0, max(len(table), 1), every):
            pq.write_table(table.slice(i, every), path / f"part-{i:05d}.parquet")
    return Run(folder, "0" * 64, {}, blocked=False)


def test_figures_by_hand(tmp_path):
    summary = summarise(keep(tmp_path))
    assert summary.outcomes == {"OPTIMAL": 2, "RELAXED": 0, "HELD": 1, "UNSOLVED": 3, "QUARANTINED": 3}
    assert summary.money == {
        "nav": 8000.0,
        "turnover": 250.0,
        "cost": 2.0,
        "traded": 400.0,
        "buys": 100.0,
        "sells": 300.0,
        "orders": 4,
        "trading_accounts": 2,
    }
    assert summary.share("turnover") == 250 / 8000
    assert summary.assets.reset_index().to_dict("list") == {
        "asset_id": ["BOND", "EQ"],
        "orders": [2, 2],
        "buys": [0.0, 100.0],
        "sells": [210.0, 90.0],
        "net": [-210.0, 10.0],
        "cost": [0.75, 1.25],
    }
    assert summary.limits.to_dict("list") == {"limit": ["deviation", "turn}over"], "accounts": [2, 1]}
    assert summary.places.values.tolist() == [
        ["deviation", "EQ", 2],
        ["deviation", "BOND", 1],
        ["turn}over", "", 1],
    ]
    assert summary.reasons.values.tolist() == [
        ["OPTIMAL", "", 2, "1", PROVED],
        ["HELD", "", 1, "3", "no trigger fired"],
        ["UNSOLVED", "", 2, "4", "EQ2: least 12.5% is above most 3%"],
        ["UNSOLVED", "", 1, "6", "EQ3: least 1% is above most 0%"],
        ["QUARANTINED", "BAD", 2, "7", "x is 'a'"],
        ["QUARANTINED", "WORSE", 1, "9", "y is 'c'"],
    ]
    assert summary.uncertain["account_id"].tolist() == ["2", "1", "3"]
    assert summary.uncertain["gap"].tolist() == [3e-9, 1e-12, 0.0]
    assert summary.slowest.values.tolist() == [["2", 0.3], ["3", 0.2], ["1", 0.1]]
    assert str(summary).splitlines()[:2] == [
        "9 accounts: 2 OPTIMAL, 1 HELD, 3 UNSOLVED, 3 QUARANTINED",
        "4 trades in 2 accounts: 400 traded of 8,000, one-way turnover 3.12%, at a cost of 2 (2.50 bp)",
    ]


def test_an_empty_run_sums_to_nothing(tmp_path):
    summary = summarise(keep(tmp_path, [], [], [], every=1))
    assert set(summary.outcomes.values()) == {0}
    assert set(summary.money.values()) == {0}
    assert summary.share("cost") == 0
    assert str(summary) == "0 accounts: none\nno trades"
    write_summary(tmp_path, summary)
    assert set(pd.read_parquet(tmp_path / "summary.parquet")["section"]) == {"outcomes", "money"}


def frame_of(folder, summary):
    write_summary(folder, summary)
    return (folder / "summary.parquet").read_bytes()


@pytest.mark.parametrize("every", [1, 2, 4])
def test_neither_parts_nor_pieces_nor_clocks_show_in_the_table(tmp_path, monkeypatch, every):
    plain = frame_of(tmp_path, summarise(keep(tmp_path)))
    slow = [row | {"seconds": 9.0 - row["seconds"]} for row in TIMINGS]
    assert frame_of(tmp_path, summarise(keep(tmp_path / "parts", timings=slow, every=every))) == plain
    # Pieces that end inside the nine accounts: what is carried from piece to piece is all there is.
    whole = streams.stream
    monkeypatch.setattr(summaries, "stream", lambda *asked: whole(*asked, rows=every))
    small = summarise(keep(tmp_path / "pieces", every=3))
    assert frame_of(tmp_path, replace(small, money=summarise(keep(tmp_path)).money)) == plain


def test_the_table_is_long_and_whole(tmp_path):
    summary = summarise(keep(tmp_path))
    write_summary(tmp_path, summary)
    table = pd.read_parquet(tmp_path / "summary.parquet")
    assert list(table.columns) == ["section", "rank", "key", "on", "measure", "value", "text"]
    pd.testing.assert_frame_equal(table, summary.to_frame(), check_dtype=False)
    assert "slowest" not in set(table["section"])
    assets = table[table["section"] == "assets"].pivot_table(index="key", columns="measure", values="value")
    assert assets.loc["BOND", "net"] == -210
    example = table[(table["section"] == "reasons") & (table["on"] == "WORSE") & (table["measure"] == "reason")]
    assert example["text"].tolist() == ["y is 'c'"]


def test_only_the_worst_twenty_are_kept_and_the_first_of_equals(tmp_path):
    many = [account(f"{i:03d}", certified_te=(i // 2) * 1e-9) for i in range(100)]
    listed = summarise(keep(tmp_path, many)).uncertain["account_id"].tolist()
    assert listed == [f"{i + k:03d}" for i in range(98, 78, -2) for k in (0, 1)]
    alike = [account(f"{i:03d}") for i in range(100)]
    assert summarise(keep(tmp_path, alike)).uncertain["account_id"].tolist() == [f"{i:03d}" for i in range(20)]


def test_reasons_without_end_are_counted_together(tmp_path, monkeypatch):
    monkeypatch.setattr(summaries, "_WORDINGS", 3)
    rows = [account(str(i), "UNSOLVED", reason="why " + "x" * i) for i in range(1, 11)]
    reasons = summarise(keep(tmp_path, rows)).reasons
    assert reasons["accounts"].sum() == 10
    assert reasons["reason"].tolist() == ["other reasons", "why x", "why xx", "why xxx"]


def test_text_of_a_book_is_only_text(tmp_path):
    limit = 'x", "bound": 1, "used": 1}, {"limit": "y'
    rows = [account("1", binding=[bound(limit, "é}")]), account("2", binding=[bound(limit, "é}", used=7)])]
    assert summarise(keep(tmp_path, rows)).places.values.tolist() == [[limit, "é}", 2]]


def test_the_real_run_agrees_with_its_tables(plain_run):
    summary = summarise(plain_run)
    accounts, trades = plain_run.table("accounts"), plain_run.table("trades")
    assert summary.outcomes == dict(plain_run.counts)
    assert summary.money["nav"] == pytest.approx(math.fsum(accounts["nav"]))
    assert summary.money["turnover"] == pytest.approx(math.fsum(accounts["turnover"] * accounts["nav"]))
    assert summary.money["cost"] == pytest.approx(math.fsum(trades["cost"]))
    assert summary.money["trading_accounts"] == trades["account_id"].nunique()
    assert summary.money["orders"] == len(trades)
    bindings = [{(b["limit"], b["on"]) for b in json.loads(text)} for text in accounts["binding"]]
    assert sum(map(len, bindings)) == summary.places["accounts"].sum()


def test_damage_is_named(tmp_path):
    keep(tmp_path)
    (tmp_path / "trades.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"trades\.parquet cannot be read"):
        summarise(Run(tmp_path, "", {}, blocked=False))
