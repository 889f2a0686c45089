"""Runs in which most accounts have nothing to do: held together, without a solve, with the words of each alone."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

from trimtab.batches import chunks, read_book, run
from trimtab.batches.desks import open_desk
from trimtab.constraints import read_policy
from trimtab.demo import ON
from trimtab.optimizer import rebalance

RULES = """
[objective]
risk_aversion = 6.0
[risk]
periods_per_year = 12
[market]
cash_rate = 0.004
[rebalance]
{rules}
[[limits]]
kind = "deviation"
most = 0.15
[[limits]]
kind = "turnover"
most = 0.30
[[limits]]
kind = "band"
relative = 0.60
floor = "6%"
"""


def policy_in(folder, rules='trigger = "band"'):
    path = folder / "policy.toml"
    path.write_text(RULES.format(rules=rules))
    return path


@pytest.fixture
def bands(tmp_path):
    return policy_in(tmp_path)


def test_some_are_held_and_some_are_not(book, bands, tmp_path):
    done = run(book, bands, ON, tmp_path / "out", workers=1)
    accounts = done.table("accounts").set_index("account_id")
    assert done.counts["HELD"] >= 1
    assert done.counts["OPTIMAL"] >= 1
    assert sum(done.counts.values()) == len(accounts) == 8
    held = accounts[accounts["outcome"] == "HELD"]
    assert held["reason"].str.startswith("every band holds: the widest drift is").all()
    assert held["turnover"].eq(0).all()
    assert held["cost"].eq(0).all()
    assert held["gap"].isna().all()
    assert held["binding"].eq("[]").all()
    assert held["utility"].notna().all()
    targets = done.table("targets").set_index("account_id")
    still = targets.loc[held.index]
    assert (still["ideal"] == still["current"]).all()
    assert (still["target"] == still["current"]).all()
    assert still["tactical"].notna().all()
    assert not set(done.table("trades")["account_id"]) & set(held.index)
    assert len(targets) == 8 * targets["asset_id"].nunique()


@pytest.mark.parametrize(
    "rules", ['trigger = "band"', 'trigger = "band"\ndestination = "edge"', 'destination = "part"']
)
def test_a_run_says_what_rebalance_says(book, tmp_path, rules):
    path = policy_in(tmp_path, rules)
    done = run(book, path, ON, tmp_path / "out", workers=1)
    accounts = done.table("accounts").set_index("account_id")
    targets = done.table("targets")
    held = read_book(book)
    policy = held.policy(read_policy(path))
    desk = open_desk(held, policy, dt.date.fromisoformat(str(ON)))
    for entry in held.roster(policy):
        said, belief = accounts.loc[entry.id], desk.beliefs[entry.model]
        alone = rebalance(entry, policy, desk.market, [], ON, overlay=belief)
        assert (alone.outcome.name, alone.reason) == (said["outcome"], said["reason"])
        mine = targets[targets["account_id"] == entry.id].set_index("asset_id")["target"]
        assert (alone.weights["target"] - mine).abs().max() < 1e-6


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_chunk_of_any_size_holds_the_same_accounts(book, bands, tmp_path, chunk):
    whole = run(book, bands, ON, tmp_path / "whole", workers=1)
    cut = run(book, bands, ON, tmp_path / "cut", workers=1, chunk=chunk)
    for name in ("accounts", "targets", "trades"):
        pd.testing.assert_frame_equal(cut.table(name), whole.table(name), check_exact=True)


def test_nobody_is_held_alone(book, bands, tmp_path, monkeypatch):
    """Most of a book is held: none of them may take the slow way."""
    asked = []
    real = chunks.decide
    monkeypatch.setattr(
        chunks, "decide", lambda problem, account, *rest: asked.append(account.id) or real(problem, account, *rest)
    )
    done = run(book, bands, ON, tmp_path / "out", workers=1)
    assert done.counts["HELD"] >= 1
    assert not asked


def test_history_says_when_an_account_last_traded(book, tmp_path, append):
    append(book, "history", ["account_id", "asset_id", "date", "weight"])
    append(book, "history", ["001", "GOLD", "2016-12-20", "0.01"], ["001", "ENERGY", "2017-02-01", "-0.01"])
    append(book, "history", ["002", "GOLD", "2017-01-03", "0.01"], ["999", "GOLD", "2016-12-29", "0.01"])
    append(book, "history", ["003", "GOLD", "30.12.2016", "0.01"])
    path = policy_in(tmp_path, 'trigger = "calendar"\nevery_sessions = 21')
    done = run(book, path, ON, tmp_path / "out", workers=1, chunk=3)
    accounts = done.table("accounts").set_index("account_id")
    assert len(accounts) == 8  # whoever stands in the history alone is no account
    assert accounts.loc["001", "outcome"] == "HELD"
    assert accounts.loc["001", "reason"] == "18 of 21 sessions have passed since the last rebalance"
    assert accounts.loc["002", "outcome"] == "OPTIMAL"
    assert accounts.loc["003", "outcome"] == "QUARANTINED"
    assert "30.12.2016" in accounts.loc["003", "reason"]
    assert accounts.loc["004", "outcome"] == "OPTIMAL"  # nobody knows when it last traded
    roster = read_book(book).roster(read_book(book).policy(read_policy(path)))
    assert roster[0].last_rebalance == dt.date(2017, 2, 1)
    assert roster[3].last_rebalance is None


def test_a_run_tells_the_sign_of_its_views_and_the_next_one_compares(book, tmp_path, rows, write):
    path = policy_in(tmp_path, 'trigger = "views"')
    first = run(book, path, ON, tmp_path / "first", workers=1)
    assert first.counts["HELD"] == 0
    signs = json.loads((tmp_path / "first" / "run.json").read_text())["views"]
    old = rows(book, "accounts")
    model = old[0].index("model_id")
    write(book, "accounts", [[*old[0], "last_views"], *([*row, signs[row[model]]] for row in old[1:])])
    second = run(book, path, ON, tmp_path / "second", workers=1)
    told = second.table("accounts")
    assert second.counts["HELD"] >= 4
    assert (told.loc[told["outcome"] == "HELD", "reason"] == "the live views are those of its last decision").all()
