"""The tilt's pace: how fast buys and sells go, with and without phases; where it is neutral it costs nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Band, Deviation, Phases, Policy, Rebalance
from trimtab.models import Account, Tilt, View
from trimtab.optimizer import Outcome, rebalance
from trimtab.optimizer.problems import outline
from trimtab.optimizer.rebalancing import decide

DAY = dt.date(2026, 7, 1)
VIEW = View("equity - bonds", 0.08, 0.9)
START = {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}


@pytest.fixture(scope="module")
def mandate(desk):
    return Policy((Deviation("5%"),), desk.models)


def propose(desk, policy, weights=None, **tilt):
    account = Account.from_weights("1", "balanced", weights or START, 1e6, desk.free)
    return rebalance(account, policy, desk.free, [VIEW], DAY, overlay=Tilt(**tilt))


def moves(proposal):
    return (proposal.weights["target"] - proposal.weights["current"])[["SPY", "EFA", "IEF"]].to_numpy()


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 0.99), st.floats(0, 0.99))
def test_each_side_goes_no_faster_than_its_pace(desk, mandate, buy, sell):
    whole, slow = moves(propose(desk, mandate)), moves(propose(desk, mandate, buy_pace=buy, sell_pace=sell))
    assert (slow * np.sign(whole) >= -1e-9).all()
    assert (np.abs(slow) <= np.where(whole > 0, buy, sell) * np.abs(whole) + 1e-9).all()
    # Sells bring cash, which costs nothing here: they go as far as they may.
    assert slow[2] == pytest.approx(sell * whole[2], abs=1e-9)


def test_a_pace_of_zero_freezes_buys_and_leaves_sells_alone(desk, mandate):
    frozen = propose(desk, mandate, buy_pace=0.0)
    assert {trade.side for trade in frozen.trades} == {"sell"}
    assert moves(frozen)[2] == pytest.approx(moves(propose(desk, mandate))[2], abs=1e-9)
    assert not propose(desk, mandate, buy_pace=0.0, sell_pace=0.0).trades


def test_it_is_asset_by_asset(desk, mandate):
    slow = moves(propose(desk, mandate, buy_pace=[0.25, 1.0, 1.0, 1.0]))
    whole = moves(propose(desk, mandate))
    assert slow[0] == pytest.approx(0.25 * whole[0], abs=1e-9)
    assert slow[1] > whole[1]  # the others are free to make up for it


@pytest.mark.parametrize("pace", [1.0, 1.7, 20.0])
def test_a_neutral_or_faster_pace_is_no_box_at_all(desk, mandate, pace):
    account = Account.from_weights("1", "balanced", START, 1e6, desk.free)
    problem = outline(mandate, desk.free.dated(DAY))
    decide(problem, account, Tilt(buy_pace=pace, sell_pace=pace), DAY)
    assert not problem.tacticals  # no tactical target was asked for
    fast, plain = propose(desk, mandate, buy_pace=pace, sell_pace=pace), propose(desk, mandate)
    np.testing.assert_array_equal(fast.weights, plain.weights)


def test_it_says_what_holds_a_trade(desk, mandate):
    slow = propose(desk, mandate, sell_pace=0.5)
    assert {room.limit for room in slow.binding if room.on == "IEF"} == {"pace"}


def test_with_phases_a_pace_speeds_a_phase_up_too(desk, mandate):
    policy = replace(mandate, phases=Phases(((0, "50%"), (30, "50%"))))
    whole = moves(propose(desk, mandate))
    for pace, share in ((1.0, 0.5), (0.5, 0.25), (1.5, 0.75), (3.0, 1.0)):
        phased = propose(desk, policy, buy_pace=pace, sell_pace=pace)
        np.testing.assert_allclose(moves(phased), share * whole, atol=1e-9)
        assert {room.limit for room in phased.binding if room.on == "IEF"} == (
            {"phase"} if share < 1 else {"phase", "deviation"}
        )


def test_a_hard_limit_does_not_wait_for_a_pace(desk, mandate):
    broken = propose(desk, mandate, {"SPY": 0.36, "EFA": 0.13, "IEF": 0.51}, buy_pace=0.0, sell_pace=0.0)
    assert broken.outcome is Outcome.OPTIMAL
    assert broken.weights["target"]["IEF"] == pytest.approx(0.45)
    assert broken.weights["target"]["EFA"] == pytest.approx(0.15)


def test_a_band_that_has_to_be_met_does_not_wait_either(desk):
    edge = Policy(
        (Deviation("9%"), Band("3%", use="both")), desk.models, rebalance=Rebalance("band", destination="edge")
    )
    proposal = propose(desk, edge, {"SPY": 0.36, "EFA": 0.13, "IEF": 0.51}, buy_pace=0.1, sell_pace=0.1)
    assert proposal.outcome is Outcome.OPTIMAL
    assert "edge" in proposal.reason
    np.testing.assert_array_less(-1e-9, [room.room for room in proposal.room if room.limit == "band"])
