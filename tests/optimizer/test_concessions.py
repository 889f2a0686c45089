"""Whole lots and tickets that do not fit: soft limits give way once more, the highest tier first, and say the truth."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.constraints import Deviation, Group, Lots, Policy, TrackingError, TradeSize, Turnover
from trimtab.models import NO_TILT, Account, Market
from trimtab.optimizer import Outcome, rebalance
from trimtab.optimizer.problems import Problem, pose

FAR = {"SPY": 0.62, "EFA": 0.13, "IEF": 0.20, "CASH": 0.05}


@pytest.fixture
def priced(desk):
    prices = {"SPY": 251.37, "EFA": 61.9, "IEF": 93.11}
    return Market.from_frames(desk.assets, desk.covariance, costs=0.0005, prices=prices)


def _ask(desk, market, *limits, nav=20_000.0):
    account = Account.from_weights("1", "balanced", FAR, nav, market)
    policy = Policy(limits, desk.models)
    proposal = rebalance(account, policy, market, [], desk.on)
    program = pose(Problem(policy, market), account, NO_TILT).program
    return proposal, program, proposal.weights["target"].to_numpy()


def _beyond(proposal):
    return {entry.limit for entry in proposal.relaxed}


def test_a_limit_that_convex_weights_meet_gives_way_to_whole_lots(desk, priced):
    """A turnover just large enough for the tracking error, and lots of 10 % of NAV: only more turnover fits."""
    limits = [TrackingError("1.2%"), Turnover("20%", tier=1), Lots(size=8)]
    free, *_ = _ask(desk, priced, *limits[:1], Turnover("90%"))
    tight = Turnover(round(free.turnover * 0.5, 4), tier=1)
    proposal, _, weights = _ask(desk, priced, limits[0], tight, limits[2])
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert _beyond(proposal) == {"turnover"}
    (entry,) = proposal.relaxed
    assert entry.used == pytest.approx(proposal.turnover, abs=1e-12)
    assert f"{100 * entry.used:.4g}%" in proposal.reason
    assert priced.risk.volatility(weights - proposal.weights["strategic"].to_numpy()) <= 0.012 + 1e-9


def test_whoever_had_an_ideal_is_relaxed_too(desk, priced):
    """The ideal meets every limit; the smallest ticket does not."""
    limits = (Deviation("20%"), Turnover("4.5%", tier=1), TradeSize(least_value=1_000.0))
    proposal, program, weights = _ask(desk, priced, *limits, nav=20_000.0)
    hard, *_ = _ask(desk, priced, limits[0], Turnover("4.5%"), limits[2])
    assert hard.outcome is Outcome.UNSOLVED
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert _beyond(proposal) == {"turnover"}
    assert "gave way: the smallest ticket (5.00%) cannot be had with turnover" in proposal.reason
    sizes = np.abs(weights - program.current)[:-1]
    assert (sizes[sizes > 0] >= 0.05 - 1e-9).all()


def test_the_highest_tier_gives_way_first_and_alone_where_that_is_enough(desk, priced):
    for first, second in ((1, 2), (2, 1)):
        limits = (Deviation("20%", tier=first), Turnover("4.5%", tier=second), TradeSize(least_value=1_000.0))
        proposal, *_ = _ask(desk, priced, *limits)
        assert proposal.outcome is Outcome.RELAXED, proposal.reason
        assert _beyond(proposal) == {"turnover" if second > first else "deviation"}


def test_a_lower_tier_gives_way_where_the_higher_ones_cannot_help(desk, priced):
    """Equities at an exact weight that no whole lot has: turnover may give what it likes."""
    limits = (Group("equity", least=0.7, most=0.7001, tier=1), Turnover("5%", tier=2), Lots(size=3))
    proposal, *_ = _ask(desk, priced, *limits)
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert "group" in _beyond(proposal)
    (gave,) = [entry for entry in proposal.relaxed if entry.limit == "group"]
    assert abs(gave.used - gave.bound) <= 3 * 251.37 / 20_000


def test_hard_limits_never_give_way_to_lots(desk, priced):
    limits = (Group("equity", least=0.7, most=0.7001), Turnover("5%", tier=2), Lots(size=3))
    proposal, *_ = _ask(desk, priced, *limits)
    assert proposal.outcome is Outcome.UNSOLVED
    assert proposal.relaxed == ()


def test_amounts_are_said_to_be_before_whole_lots(desk, priced):
    limits = (TrackingError("1%"), Turnover("1%"))
    said = [_ask(desk, priced, *limits, *more)[0].reason for more in ((), (Lots(size=1),))]
    assert "it needs" in said[0]
    assert "whole" not in said[0]
    assert said[1] == said[0] + ", before whole lots and tickets"
