"""Positions and history of a book: read, refused by account, acted on alike alone and together, kept for tomorrow."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.batches import read_book, run
from trimtab.batches.chunks import decide_chunk
from trimtab.batches.desks import open_desk
from trimtab.batches.partitions import cut, read_chunk
from trimtab.batches.rosters import Refused
from trimtab.constraints import read_policy
from trimtab.demo import ON

POLICY = """
[risk]
periods_per_year = 12
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "turnover"
per_year = "120%"
tier = 1
[[limits]]
kind = "cooldown"
days = 5
tier = 1
[[limits]]
kind = "time_limit"
life_days = 40
reversion_days = 20
open_at = "0.3%"
close_at = "5bp"
"""
DAY = dt.date.fromisoformat(ON)
HEAD = ["account_id", "asset_id", "opened", "side", "extended_until", "approval", "state"]


def ago(days: int) -> str:
    return (DAY - dt.timedelta(days)).isoformat()


@pytest.fixture
def timed(tmp_path):
    path = tmp_path / "timed.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def worn(book, append):
    """The small book, in which some accounts have leant for long and traded lately."""
    append(
        book, "positions", HEAD,
        ["001", "GOLD", ago(30), "over", "", "", "open"], ["001", "ENERGY", ago(60), "", "", "", ""],
        ["002", "ENERGY", ago(39), "under", "", "", "reverting"], ["003", "TECH", ago(45), "over", "", "", "resting"],
        ["006", "TECH", ago(45), "under", "", "", "resting"],
        ["004", "TECH", ago(45), "over", (DAY + dt.timedelta(30)).isoformat(), "minutes 12", "resting"],
        ["005", "GOLD", ago(3), "over", "", "", "closed"], ["nobody", "GOLD", ago(3), "over", "", "", "open"],
    )  # fmt: skip
    append(
        book, "history", ["account_id", "asset_id", "date", "weight"],
        ["001", "GOLD", ago(2), "0.02"], ["002", "TECH", ago(4), "-0.5"], ["002", "GOLD", ago(300), "0.65"],
        ["006", "GOLD", ago(400), "5"], ["nobody", "GOLD", ago(4), "x"],
    )  # fmt: skip
    return book


def test_a_chunk_of_the_partition_knows_what_the_book_knows(worn, timed, tmp_path):
    book = read_book(worn)
    policy = book.policy(read_policy(timed))
    universe = book.market(policy, ON).universe
    whole = {entry.id: entry for entry in book.accounts(policy) if not isinstance(entry, Refused)}
    made = cut(book, policy, tmp_path / "cut", 3)
    for chunk in range(made.chunks):
        for entry in read_chunk(made.folder, chunk, policy, universe):
            assert entry == whole[entry.id]
    assert [(p.asset, p.side, p.state) for p in whole["001"].positions] == [
        ("GOLD", "over", "open"),
        ("ENERGY", "", "open"),
    ]
    assert whole["004"].positions[0].approval == "minutes 12"
    assert [t.weight for t in whole["002"].history] == [-0.5, 0.65]


def test_together_and_one_by_one_come_to_the_same_rows(worn, timed):
    book = read_book(worn)
    policy = book.policy(read_policy(timed))
    desk = open_desk(book, policy, DAY)
    roster = book.roster(policy)
    together = decide_chunk(desk, roster).tables
    alone = [decide_chunk(desk, [entry]).tables for entry in roster]
    for name in ("accounts", "targets", "trades", "positions"):
        rows = pd.concat([each[name].to_pandas() for each in alone], ignore_index=True)
        pd.testing.assert_frame_equal(together[name].to_pandas(), rows, check_exact=True, check_dtype=False)


def test_a_run_says_what_became_of_each_position(worn, timed, tmp_path):
    done = run(worn, timed, ON, tmp_path / "out", workers=1)
    table = done.table("positions")
    assert set(table["state"]) <= {"open", "reverting", "resting", "closed"}
    assert not table.duplicated(["account_id", "asset_id", "side"]).any()
    targets = done.table("targets").set_index(["account_id", "asset_id"])
    lean = (targets["target"] - targets["strategic"]).loc[
        list(zip(table["account_id"], table["asset_id"], strict=True))
    ]
    lean = np.where(table["side"] == "over", lean, -lean)
    assert (lean <= table["allowed"].fillna(np.inf) + 1e-9).all()
    said = table.set_index(["account_id", "asset_id", "side"])
    assert said.loc[("003", "TECH", "over"), ["state", "age_days"]].tolist() == ["open", 0]  # a view of today
    assert said.loc[("006", "TECH", "under"), "state"] == "resting"
    assert said.loc[("004", "TECH", "over"), "state"] in ("open", "closed")  # approved: it lives again
    assert said.loc[("002", "ENERGY", "under"), "age_days"] == 39
    traded = done.table("trades").query("account_id == '001' and asset_id == 'GOLD'")
    assert (traded["side"] == "buy").all()  # bought two days ago: nothing the other way


def test_tomorrows_book_takes_the_table_in(worn, timed, tmp_path):
    first = run(worn, timed, ON, tmp_path / "first", workers=1)
    (worn / "positions.csv").unlink()
    shutil.copytree(first.path / "positions.parquet", worn / "positions.parquet")
    second = run(worn, timed, DAY + dt.timedelta(1), tmp_path / "second", workers=1)
    assert second.counts["QUARANTINED"] == 0
    before = first.table("positions").query("state != 'closed'").set_index(["account_id", "asset_id", "side"])
    after = second.table("positions").set_index(["account_id", "asset_id", "side"])
    both = after.join(before.add_suffix("_before"), how="inner")
    assert len(both) > 3
    assert (both["age_days"] == both["age_days_before"] + 1).all()
    assert (both["approval"] == both["approval_before"]).all()


FAULTY = [
    ("positions", ["001", "SILVER", "2016-01-01", "over", "", "", ""], "asset_id", "UNKNOWN_ASSET"),
    ("positions", ["001", "GOLD", "01/02/2016", "over", "", "", ""], "opened", "BAD_DATE"),
    ("positions", ["001", "GOLD", "", "over", "", "", ""], "opened", "BAD_DATE"),
    ("positions", ["001", "GOLD", "2016-01-01", "long", "", "", ""], "side", "BAD_SIDE"),
    ("positions", ["001", "GOLD", "2016-01-01", "over", "", "", "opened"], "state", "BAD_STATE"),
    ("positions", ["001", "GOLD", "2016-01-01", "over", "2017-09-01", "", ""], "approval", "NO_APPROVAL"),
    ("positions", ["001", "GOLD", "2116-01-01", "over", "", "", ""], "opened", "LOOK_AHEAD"),
    ("history", ["001", "SILVER", "2016-01-01", "0.1"], "asset_id", "UNKNOWN_ASSET"),
    ("history", ["001", "GOLD", "yesterday", "0.1"], "date", "BAD_DATE"),
    ("history", ["001", "GOLD", "2016-01-01", "12%"], "weight", "BAD_WEIGHT"),
    ("history", ["001", "GOLD", "2016-01-01", "50"], "weight", "BAD_WEIGHT"),
]


@pytest.mark.parametrize(("table", "row", "field", "code"), FAULTY, ids=[f"{t}-{f}-{c}" for t, _, f, c in FAULTY])
def test_a_bad_row_refuses_its_account_alone(book, timed, append, table, row, field, code):
    head = HEAD if table == "positions" else ["account_id", "asset_id", "date", "weight"]
    append(book, table, head, row)
    read = read_book(book)
    policy = read.policy(read_policy(timed))
    desk = open_desk(read, policy, DAY)
    tables = decide_chunk(desk, read.roster(policy)).tables
    assert tables["quarantine"].to_pylist()[0] | {"message": "", "value": ""} == {
        "account_id": "001", "code": code, "field": field, "message": "", "value": "",
    }  # fmt: skip
    assert len(tables["quarantine"]) == 1


def test_one_side_twice_is_refused(book, timed, append):
    append(book, "positions", HEAD, *[["001", "GOLD", ago(k), "over", "", "", ""] for k in (2, 3)])
    read = read_book(book)
    entries = list(read.accounts(read.policy(read_policy(timed))))
    assert isinstance(entries[0], Refused)
    assert entries[0].error.code == "DUPLICATE_POSITION"
    assert not any(isinstance(entry, Refused) for entry in entries[1:])


def test_positions_say_nothing_without_a_time_limit(worn, mandate):
    book = read_book(worn)
    policy = book.policy(read_policy(mandate))
    desk = open_desk(book, policy, DAY)
    with_rows = decide_chunk(desk, book.roster(policy)).tables
    bare = [replace(entry, positions=(), history=()) for entry in book.accounts(policy)]
    without = decide_chunk(desk, bare).tables
    assert len(with_rows["positions"]) == 0
    assert with_rows["targets"].equals(without["targets"])
