"""From book to release through two people, by the command line, on both databases; then an intruder, then a replay."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from trimtab.demo import ON

LATER = "2017-03-31"
KEPT = ("001", "002", "003")


def approved_desk(desk):
    """Have the policy and the tables of views approved."""
    for thing in ("policy.toml", "book/views.csv", "book/tilts.csv"):
        desk("submit", thing, "--as", "ann", "--because", "the committee of February")
        desk("approve", thing, "--as", "ben")


def rebalance(desk, on=ON, out="run", **how):
    return desk("rebalance", "book", "--policy", "policy.toml", "--on", on, "--out", out, "--as", "ann",
                "--workers", 1, **how)  # fmt: skip


def test_two_people_let_a_run_go_and_one_does_not(desk):
    assert "HELD: its policy is not in force" in rebalance(desk, LATER, "early")
    approved_desk(desk)
    told = rebalance(desk)
    assert "Sealed in the ledger by ann" in told
    assert "not in force" not in told
    assert "nothing was computed" in rebalance(desk)  # the same command is nothing new
    assert "was not submitted" in desk("release", "run", "--as", "ann", status=2)
    desk("submit", "run", "--as", "ann", "--because", "the month's rebalance")
    assert "QUORUM" not in desk("release", "run", "--as", "ann", status=2)
    assert "ask somebody else" in desk("approve", "run", "--as", "ann", status=2)
    desk("approve", "run", "--as", "ben", "--because", "within the mandate")
    assert "stops every" in desk("kill", "--as", "cal", "--because", "prices look odd")
    assert "killed by cal" in desk("release", "run", "--as", "ann", status=3)
    desk("lift", "--as", "ann", "--because", "they are right")
    desk("release", "run", "--as", "ann", status=3)
    assert "ask a second person" in desk("lift", "--as", "ann", "--because", "again", status=2)
    desk("lift", "--as", "ben", "--because", "checked with the custodian")
    assert "released: 3 accounts" in desk("release", "run", "--as", "ann")
    assert "every one as it was written" in desk("ledger", "verify")
    shown = desk("ledger", "show", "--kind", "approve", "--kind", "release")
    assert "within the mandate" in shown
    assert shown.index(" ben ") < shown.rindex(" release ")


def released(desk):
    approved_desk(desk)
    rebalance(desk)
    desk("submit", "run", "--as", "ann", "--because", "the month's rebalance")
    desk("approve", "run", "--as", "ben")
    desk("release", "run", "--as", "ann")


def test_fills_and_clocks_reach_the_next_run_and_an_old_decision_is_replayed(desk, tmp_path):
    released(desk)
    trades = pd.read_parquet("run/trades.parquet")
    fills = trades[["trade_id", "quantity"]].assign(price=trades.value / trades.quantity, cost=trades.cost)
    fills.iloc[:-1].to_csv("fills.csv", index=False)
    assert f"{len(fills) - 1} fills recorded; 0 were" in desk("fills", "fills.csv")
    assert f"0 fills recorded; {len(fills) - 1} were" in desk("fills", "fills.csv", "--as", "ben")

    # Newer data: prices moved, a month of returns came in, the book is another.
    assets = pd.read_csv("book/assets.csv", dtype=str)
    assets["price"] = [p if float(p) == 1 else f"{float(p) * 1.07:.4f}" for p in assets["price"]]
    assets.to_csv("book/assets.csv", index=False)
    rebalance(desk, LATER, "later")
    inputs = Path(json.loads(Path("later/run.json").read_text())["book"])
    assert pd.read_parquet(inputs / "positions.parquet")[["asset_id", "opened"]].equals(
        pd.read_parquet("run/positions.parquet")[["asset_id", "opened"]]
    )
    assert len(pd.read_parquet(inputs / "history.parquet")) == len(fills) - 1
    (left,) = pd.read_parquet(inputs / "orders.parquet").to_dict("records")
    assert left["trade_id"] == trades.trade_id.iloc[-1]
    assert abs(left["quantity"]) == trades.quantity.iloc[-1]

    shutil.rmtree("book")
    shutil.move("run", "elsewhere")  # neither the book nor the run's folder is needed
    for account in KEPT:
        assert "the same to the last bit" in desk("replay", "elsewhere", account)
    assert "no account" in desk("replay", "elsewhere", "nobody", status=2)


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)  # nothing here is the database's
def test_an_extension_in_force_reaches_the_next_run_and_none_before(desk):
    released(desk)
    row = pd.read_parquet("run/positions.parquet").iloc[0]
    thing = f"extension:{row.account_id}:{row.asset_id}:{row.side}:2017-12-29"
    desk("submit", thing, "--as", "ann", "--because", "the view holds on")

    def inputs(out):
        rebalance(desk, LATER, out)
        rows = pd.read_parquet(Path(json.loads(Path(f"{out}/run.json").read_text())["book"]) / "positions.parquet")
        return rows.set_index(["account_id", "asset_id"])

    before = inputs("before")
    assert before["extended_until"].isna().all()
    assert "ask somebody else" in desk("approve", thing, "--as", "ann", status=2)
    desk("approve", thing, "--as", "ben")
    after = inputs("after")
    said = after.loc[(row.account_id, row.asset_id)]
    assert str(said["extended_until"])[:10] == "2017-12-29"
    assert said["approval"].startswith("extension/")
    assert (after["approval"] != "").sum() == 1
    longer = pd.read_parquet("after/positions.parquet").set_index(["account_id", "asset_id"])
    if (row.account_id, row.asset_id) in longer.index:  # it was not closed that day
        assert str(longer.loc[(row.account_id, row.asset_id), "extended_until"])[:10] == "2017-12-29"
    desk("submit", "after", "--as", "ann")
    desk("approve", "after", "--as", "ben")
    assert "released" in desk("release", "after", "--as", "ann")


def test_a_proof_shows_one_account_and_no_other(desk):
    released(desk)
    desk("ledger", "prove", "run", "002", "--out", "proof.json")
    told = Path("proof.json").read_text()
    assert "002" in told
    trades = pd.read_parquet("run/trades.parquet")
    for other in trades[trades.account_id != "002"].trade_id:
        assert other not in told
    assert "Proved" in desk("ledger", "prove", "--check", "proof.json")
    weight = pd.read_parquet("run/accounts.parquet").set_index("account_id").loc["002", "nav"]
    Path("proof.json").write_text(told.replace(repr(float(weight)), repr(float(weight) + 1.0)))
    assert Path("proof.json").read_text() != told
    assert "not what the run said" in desk("ledger", "prove", "--check", "proof.json", status=3)


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)  # nothing here is the database's
def test_the_calendar_shows_what_is_open_due_and_waiting(desk):
    released(desk)
    told = desk("ledger", "calendar", "run", "--on", LATER, "--out", "oversight.html")
    assert "releases may go out" in told
    opened = pd.read_parquet("run/positions.parquet")
    assert f"Open tactical positions: {len(opened)}" in told
    row = opened.iloc[0]
    assert f"{row.account_id}" in told
    assert re.search(r" 31 +149 ", told), told  # a position of 28 February has lived 31 of 180 days
    assert "To be looked at: 0" in told
    page = Path("oversight.html").read_text(encoding="utf-8")
    assert f"As of {LATER}: releases may go out" in page
    assert all(asset in page for asset in set(opened.asset_id))
    for person, act in (("ann", "proposed"), ("ben", "approved"), ("ann", "released")):
        assert person in told
        assert act in told


def test_books_and_records_name_who_when_and_why(desk):
    released(desk)
    desk("ledger", "export", "--account", "001", "--out", "records")
    orders = pd.read_csv("records/orders.csv", dtype=str)
    trades = pd.read_parquet("run/trades.parquet")
    assert set(orders.trade_id) == set(trades[trades.account_id == "001"].trade_id)
    row = orders.iloc[0]
    said = (row.recommended_by, row.approved_by, row.released_by, row.discretionary, row.because, row.status)
    assert said == ("ann", "ben", "ann", "yes", "the month's rebalance", "released")
    acts = pd.read_csv("records/acts.csv", dtype=str)
    assert {"seal", "submit", "approve", "release"} <= set(acts.act)
    assert {row.run_version, row.policy_version} <= set(acts.version)


def test_an_intruder_is_found(desk, where):
    released(desk)
    assert "every one as it was written" in desk("ledger", "verify")
    change = "UPDATE {} SET actor = 'eve' WHERE kind = 'approve' AND subject LIKE 'run/%'"
    if "://" not in where:  # with the file in hand the guards can be taken away, and put back
        with sqlite3.connect(where) as file:
            guards = file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                file.execute(f"DROP TRIGGER {name}")
            file.execute(change.format("entries"))
            for _, sql in guards:
                file.execute(sql)
    else:
        import psycopg

        with psycopg.connect(where, autocommit=True) as server:  # the owner of the table may switch its guards off
            server.execute("ALTER TABLE trimtab.entries DISABLE TRIGGER USER")
            server.execute(change.format("trimtab.entries"))
            server.execute("ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_insert")
            server.execute("ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_no_change")
            server.execute("ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_no_truncate")
    told = desk("ledger", "verify", status=3)
    assert "BROKEN: record" in told
    assert "was changed" in told


def test_a_missing_ledger_is_said_and_no_password_is(desk):
    url = "postgresql://owner:hunter2@127.0.0.1:1/nothing"
    told = desk("ledger", "verify", "--ledger", url, status=2)
    assert "hunter2" not in told
    assert "does not exist" in desk("ledger", "show", "--ledger", "nowhere.db", status=2)
