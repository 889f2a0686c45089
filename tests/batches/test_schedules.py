"""The phases table of a book: read, refused by account, acted on alike alone and together, kept for the next phase."""

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
from trimtab.optimizer import decide

POLICY = """
[risk]
periods_per_year = 12
[phases]
steps = [[0, "50%"], [30, "25%"], [60, "25%"]]
of = "ORIGINAL"
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "turnover"
most = "30%"
"""
DAY = dt.date.fromisoformat(ON)
HEAD = ["account_id", "asset_id", "started", "gap", "done", "step", "status"]


def ago(days: int) -> str:
    return (DAY - dt.timedelta(days)).isoformat()


@pytest.fixture(params=["original", "remaining"])
def phased(tmp_path, request):
    path = tmp_path / "phased.toml"
    path.write_text(POLICY.replace("ORIGINAL", request.param))
    return path


@pytest.fixture
def midway(book, append):
    """The small book, in which some accounts are in the middle of a schedule."""
    append(
        book, "phases", HEAD,
        ["001", "GOLD", ago(10), "0.03", "0.015", "1", "started"], ["001", "TECH", ago(10), "-0.03", "", "1", ""],
        ["002", "ENERGY", ago(30), "0.02", "0.01", "1", "waiting"], ["003", "TECH", ago(90), "0.04", "0.02", "1", ""],
        ["004", "GOLD", ago(30), "-0.2", "-0.1", "", ""], ["005", "GOLD", ago(3), "0.02", "0.02", "3", "finished"],
        ["005", "GOLD", ago(9), "0.02", "0.02", "3", "cancelled"], ["006", "CASH", ago(9), "0.02", "0", "1", ""],
        ["007", "UST2", ago(10), "0.1", "0.05", "1", "started"], ["nobody", "GOLD", ago(3), "0.01", "", "", ""],
    )  # fmt: skip
    return book


def opened(book, policy, on=DAY):
    read = read_book(book)
    mandate = read.policy(read_policy(policy))
    return read, mandate, open_desk(read, mandate, on)


def test_a_chunk_of_the_partition_knows_what_the_book_knows(midway, phased, tmp_path):
    read, mandate, desk = opened(midway, phased)
    whole = {entry.id: entry for entry in read.accounts(mandate) if not isinstance(entry, Refused)}
    made = cut(read, mandate, tmp_path / "cut", 3)
    for chunk in range(made.chunks):
        for entry in read_chunk(made.folder, chunk, mandate, desk.market.universe):
            assert entry == whole[entry.id]
    assert [(p.asset, p.gap, p.done, p.step) for p in whole["001"].phases] == [
        ("GOLD", 0.03, 0.015, 1),
        ("TECH", -0.03, 0.0, 1),
    ]
    assert whole["004"].phases[0].step is None


def test_together_and_one_by_one_come_to_the_same_rows(midway, phased):
    read, mandate, desk = opened(midway, phased)
    roster = read.roster(mandate)
    together = decide_chunk(desk, roster).tables
    alone = [decide_chunk(desk, [entry]).tables for entry in roster]
    assert set(together["phases"]["status"].to_pylist()) >= {"started", "waiting", "restarted"}
    for name in ("accounts", "targets", "trades", "phases"):
        rows = pd.concat([each[name].to_pandas() for each in alone], ignore_index=True)
        pd.testing.assert_frame_equal(together[name].to_pandas(), rows, check_exact=True, check_dtype=False)


def settle(book, run_path, desk, write):
    """Put what a run traded into the holdings of tomorrow's book, and its schedules into its phases."""
    targets = pd.read_parquet(run_path / "targets.parquet")
    accounts = pd.read_parquet(run_path / "accounts.parquet").set_index("account_id")
    prices = pd.Series(desk.market.prices, desk.market.universe.assets).fillna(1.0)
    units = targets["target"] * targets["account_id"].map(accounts["nav"]) / targets["asset_id"].map(prices)
    kept = units.abs() > 1e-9
    rows = zip(targets["account_id"][kept], targets["asset_id"][kept], units[kept], strict=True)
    write(book, "holdings", [["account_id", "asset_id", "quantity"], *([a, b, repr(float(q))] for a, b, q in rows)])
    shutil.rmtree(book / "phases.parquet", ignore_errors=True)
    shutil.copytree(run_path / "phases.parquet", book / "phases.parquet")


def test_a_schedule_that_goes_through_the_table_is_the_one_in_memory(book, phased, tmp_path, rows, write):
    for table in ("accounts", "holdings", "restrictions"):
        head, *others = rows(book, table)
        write(book, table, [head, *(row for row in others if row[0] <= "002")])
    kept, seen = {}, set()
    for k in (0, 5, 30, 60, 61):
        on = DAY + dt.timedelta(k)
        _, _, desk = opened(book, phased, on)
        done = run(book, phased, on, tmp_path / f"run{k}", workers=1)
        table = done.table("phases")
        said, targets = done.table("accounts").set_index("account_id"), done.table("targets")
        read, mandate, _ = opened(book, phased, on)
        for entry in read.accounts(mandate):
            mine = decide(desk.problem, replace(entry, phases=kept.get(entry.id, ())), desk.beliefs[entry.model], on)
            own = table[table["account_id"] == entry.id]
            assert mine.reason == said.loc[entry.id, "reason"]
            assert [p.asset for p in mine.phases] == own["asset_id"].tolist()
            for name in ("gap", "done", "step"):
                np.testing.assert_allclose([getattr(p, name) for p in mine.phases], own[name].astype(float), atol=1e-9)
            for name in ("started", "status", "next_date", "reason"):
                assert [getattr(p, name) for p in mine.phases] == [None if x is pd.NaT else x for x in own[name]]
            target = targets[targets["account_id"] == entry.id]["target"].to_numpy()
            np.testing.assert_allclose(mine.weights["target"].to_numpy(), target, atol=1e-9)
            kept[entry.id] = mine.phases
            seen |= {(k, p.status) for p in mine.phases}
        settle(book, done.path, desk, write)
    assert {(0, "started"), (5, "waiting"), (30, "continued"), (60, "finished")} <= seen
    assert not any(k == 61 and status in ("continued", "waiting") for k, status in seen)


FAULTY = [
    (["001", "SILVER", ago(1), "0.1", "", "", ""], "asset_id", "UNKNOWN_ASSET"),
    (["001", "GOLD", "01/02/2016", "0.1", "", "", ""], "started", "BAD_DATE"),
    (["001", "GOLD", "", "0.1", "", "", ""], "started", "BAD_DATE"),
    (["001", "GOLD", "2116-01-01", "0.1", "", "", ""], "started", "LOOK_AHEAD"),
    (["001", "GOLD", ago(1), "", "", "", ""], "gap", "BAD_WEIGHT"),
    (["001", "GOLD", ago(1), "12%", "", "", ""], "gap", "BAD_WEIGHT"),
    (["001", "GOLD", ago(1), "12", "", "", ""], "gap", "BAD_WEIGHT"),
    (["001", "GOLD", ago(1), "0.1", "half", "", ""], "done", "BAD_WEIGHT"),
    (["001", "GOLD", ago(1), "0.1", "", "1.5", ""], "step", "BAD_STEP"),
    (["001", "GOLD", ago(1), "0.1", "", "-1", ""], "step", "BAD_STEP"),
    (["001", "GOLD", ago(1), "0.1", "", "", "going"], "status", "BAD_STATUS"),
]


def refused(book, policy):
    read, mandate, desk = opened(book, policy)
    return decide_chunk(desk, read.roster(mandate)).tables["quarantine"].to_pylist()


@pytest.mark.parametrize("phased", ["original"], indirect=True)
@pytest.mark.parametrize(("row", "field", "code"), FAULTY, ids=[f"{f}-{c}-{k}" for k, (_, f, c) in enumerate(FAULTY)])
def test_a_bad_row_refuses_its_account_alone(book, phased, append, row, field, code):
    append(book, "phases", HEAD, row, ["002", "GOLD", ago(1), "0.1", "", "", ""])
    (fault,) = refused(book, phased)
    assert (fault["account_id"], fault["code"], fault["field"]) == ("001", code, field)


@pytest.mark.parametrize("phased", ["original"], indirect=True)
@pytest.mark.parametrize(
    ("second", "field", "code"),
    [
        (["001", "GOLD", ago(1), "0.1", "", "1", ""], "asset_id", "DUPLICATE_PHASE"),
        (["001", "TECH", ago(2), "0.1", "", "1", ""], "started", "TWO_SCHEDULES"),
        (["001", "TECH", ago(1), "0.1", "", "2", ""], "step", "TWO_SCHEDULES"),
        (["001", "TECH", ago(1), "0.1", "", "", ""], "step", "TWO_SCHEDULES"),
    ],
)
def test_an_account_has_one_schedule(book, phased, append, second, field, code):
    append(book, "phases", HEAD, ["001", "GOLD", ago(1), "0.1", "", "1", ""], second)
    (fault,) = refused(book, phased)
    assert (fault["account_id"], fault["code"], fault["field"]) == ("001", code, field)
    assert "schedule" in fault["message"] or "two rows" in fault["message"]


@pytest.mark.parametrize("phased", ["original"], indirect=True)
def test_without_phases_the_table_says_nothing(midway, phased, mandate):
    read, policy, desk = opened(midway, mandate)
    with_rows = decide_chunk(desk, read.roster(policy)).tables
    without = decide_chunk(desk, [replace(entry, phases=()) for entry in read.accounts(policy)]).tables
    assert len(with_rows["phases"]) == 0
    assert with_rows["targets"].equals(without["targets"])


def bought(book, mandate):
    read, policy, desk = opened(book, mandate)
    targets = decide_chunk(desk, read.roster(policy)).tables["targets"].to_pandas()
    return (targets["target"] - targets["current"]).groupby(targets["asset_id"]).max().drop("CASH")


def test_pace_is_read_from_the_tilts_table(book, tmp_path, append):
    mandate = tmp_path / "policy.toml"  # of limits that nobody breaks: who does is not to wait
    mandate.write_text('risk.periods_per_year = 12\nlimits = [{kind = "turnover", most = "30%"}]')
    before = bought(book, mandate)
    most = before.idxmax()
    append(book, "tilts", ["slow", "buy_pace", str(most), "0", "", "", "", "", ""])
    assert before[most] > 0.001
    assert bought(book, mandate)[most] <= 1e-12
