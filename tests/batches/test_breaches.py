"""The table `breaches`, in and out: tomorrow's book takes in what today's run says."""

from __future__ import annotations

import datetime as dt
import shutil

import pandas as pd
import pytest

from trimtab.batches import read_book, run
from trimtab.batches.chunks import decide_chunk
from trimtab.batches.desks import open_desk
from trimtab.batches.partitions import cut, read_chunk
from trimtab.batches.rosters import Refused
from trimtab.constraints import read_policy
from trimtab.demo import ON

DAY = dt.date.fromisoformat(ON)
HEAD = ["account_id", "limit", "since", "origin"]
POLICY = """
[risk]
periods_per_year = 12
[[limits]]
kind = "deviation"
most = 0.01
grandfather = true
cure_days = 20
[[limits]]
kind = "turnover"
most = 0.02
"""


def ago(days):
    return (DAY - dt.timedelta(days)).isoformat()


@pytest.fixture
def forgiving(tmp_path):
    path = tmp_path / "forgiving.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def outside(book, append):
    append(
        book, "breaches", HEAD, ["001", "deviation", ago(3), "active"], ["002", "deviation", ago(25), ""],
        ["003", "no limit of this policy", ago(9), "passive"], ["nobody", "deviation", ago(9), "passive"],
    )  # fmt: skip
    return book


def test_a_chunk_knows_what_the_book_knows_and_decides_alike(outside, forgiving, tmp_path):
    book = read_book(outside)
    policy = book.policy(read_policy(forgiving))
    desk = open_desk(book, policy, DAY)
    whole = {entry.id: entry for entry in book.accounts(policy)}
    assert [(b.limit, b.origin) for b in whole["001"].breaches] == [("deviation", "active")]
    made = cut(book, policy, tmp_path / "cut", 3)
    for chunk in range(made.chunks):
        for entry in read_chunk(made.folder, chunk, policy, desk.market.universe):
            assert entry == whole[entry.id]
    roster = book.roster(policy)
    together = decide_chunk(desk, roster).tables
    alone = [decide_chunk(desk, [entry]).tables for entry in roster]
    for name in ("accounts", "targets", "trades", "breaches"):
        rows = pd.concat([each[name].to_pandas() for each in alone], ignore_index=True)
        pd.testing.assert_frame_equal(together[name].to_pandas(), rows, check_exact=True, check_dtype=False)
    told = together["breaches"].to_pandas().set_index("account_id")
    assert told.loc["001", ["origin", "days"]].tolist() == ["active", 3]
    assert told.loc["001", "until"] == DAY + dt.timedelta(17)
    assert told.loc["003", ["origin", "days"]].tolist() == ["passive", 0]
    reason = together["accounts"].to_pandas().set_index("account_id").loc["002", "reason"]
    assert f"20 days to cure the breach of {ago(25)} are over" in reason


def test_tomorrows_book_takes_the_table_in(outside, forgiving, tmp_path):
    first = run(outside, forgiving, ON, tmp_path / "first", workers=1)
    (outside / "breaches.csv").unlink()
    shutil.copytree(first.path / "breaches.parquet", outside / "breaches.parquet")
    second = run(outside, forgiving, DAY + dt.timedelta(1), tmp_path / "second", workers=1)
    assert second.counts["QUARANTINED"] == 0
    before, after = (r.table("breaches").set_index(["account_id", "limit"]) for r in (first, second))
    assert len(before) > 3
    both = after.join(before.add_suffix("_before"), how="inner")
    assert len(both) > 3
    assert (both["days"] == both["days_before"] + 1).all()
    assert (both["since"] == both["since_before"]).all()


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        (["001", "deviation", "yesterday", ""], "since", "BAD_DATE"),
        (["001", "deviation", "", ""], "since", "BAD_DATE"),
        (["001", "deviation", "2116-01-01", ""], "since", "LOOK_AHEAD"),
        (["001", "deviation", ago(1), "market"], "origin", "BAD_ORIGIN"),
    ],
)
def test_a_bad_row_refuses_its_account_alone(book, forgiving, append, row, field, code):
    append(book, "breaches", HEAD, row)
    read = read_book(book)
    policy = read.policy(read_policy(forgiving))
    tables = decide_chunk(open_desk(read, policy, DAY), read.roster(policy)).tables
    (refused,) = tables["quarantine"].to_pylist()
    assert (refused["account_id"], refused["field"], refused["code"]) == ("001", field, code)


def test_one_limit_twice_is_refused(book, forgiving, append):
    append(book, "breaches", HEAD, *[["001", "deviation", ago(k), ""] for k in (2, 3)])
    read = read_book(book)
    entries = list(read.accounts(read.policy(read_policy(forgiving))))
    assert isinstance(entries[0], Refused)
    assert entries[0].error.code == "DUPLICATE_BREACH"
    assert not any(isinstance(entry, Refused) for entry in entries[1:])
