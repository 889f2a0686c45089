"""Whole lots and tickets that do not fit: soft limits give way once more, the highest tier first, and say the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import (
    Band,
    Deviation,
    Group,
    Lots,
    Phases,
    Policy,
    Rebalance,
    TrackingError,
    TradeCount,
    TradeSize,
    Trading,
    Turnover,
)
from trimtab.models import NO_TILT, Account, Market, PhasedTrade
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


def test_that_whole_lots_take_more_is_said_where_they_do(desk, priced):
    """Lots of one share take a hair more than the number printed allows for or less; lots of eight take percents."""
    said = {}
    for size in (0.001, 8):
        limits = (TrackingError("2%"), Turnover("5%", tier=1), Lots(size=size))
        proposal, *_ = _ask(desk, priced, *limits)
        assert proposal.outcome is Outcome.RELAXED
        said[size] = proposal
    assert "take more" not in said[0.001].reason
    assert said[8].reason.endswith("; whole lots and tickets take more")
    assert said[8].turnover > said[0.001].turnover + 0.001


def test_a_phase_makes_room_for_whole_lots_without_the_word_relaxed(desk, priced):
    """Between two phases a hard limit asks for a sale of less than a lot: the account sells the lot, and says so."""
    phases = Phases(((0, "50%"), (30, "50%")))
    policy = Policy((Group("equity", most="73%"), Lots(size=3)), desk.models, phases=phases)
    account = Account.from_weights("1", "balanced", FAR, 20_000.0, priced)
    started = desk.on - dt.timedelta(days=10)
    rows = tuple(PhasedTrade(a, started, g, g / 2, 1) for a, g in (("SPY", -0.2), ("EFA", 0.1), ("IEF", 0.1)))
    proposal = rebalance(replace(account, phases=rows), policy, priced, [], desk.on)
    assert proposal.outcome is Outcome.OPTIMAL, proposal.reason
    assert proposal.relaxed == ()
    assert "phase 2 of 2 is due" in proposal.reason
    assert proposal.weights.loc[["SPY", "EFA"], "target"].sum() <= 0.73 + 1e-9
    assert any("its phase gave way by a hair" in note for note in proposal.notes)
    assert all(abs(t.quantity / 3 - round(t.quantity / 3)) < 1e-6 for t in proposal.trades)


# ------------------------------------------------------------------------------------ beside every whole trade there is


def _every_trade(program, lot, most=3):
    """List every point of whole lots that is long only, pays its costs from cash, and takes so many trades at most."""
    now = program.current
    least, largest = np.floor(now[:-1] / lot + 1e-9), np.floor((1 - now[:-1]) / lot + 1e-9)
    axes = [np.arange(-a, b + 1) for a, b in zip(least, largest, strict=True)]
    lots = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    lots = lots[np.count_nonzero(lots, axis=1) <= most]
    moves = lots * lot
    points = now + np.column_stack([moves, -moves.sum(axis=1)])
    return points[points[:, -1] - 0.0005 * np.abs(moves).sum(axis=1) >= 0.0]


def _lots_of(size, nav=20_000.0):
    return size * np.array([251.37, 61.9, 93.11]) / nav


@pytest.mark.parametrize(("size", "low"), [(8, 0.4202), (8, 0.6727), (8, 0.6929), (5, 0.5313), (5, 0.7131)])
def test_the_last_search_finds_the_best_whole_lots_that_the_hard_limits_leave(desk, priced, size, low):
    """Equities within 4 bp in two trades: rounding finds no such lots, and how far turnover went is no matter then."""
    limits = (Turnover("5%", tier=1), Group("equity", least=low, most=low + 0.0004), TradeCount(2), Lots(size=size))
    proposal, program, weights = _ask(desk, priced, *limits)
    points = _every_trade(program, _lots_of(size), most=2)
    equity = points[:, :2].sum(axis=1)
    points = points[(low <= equity) & (equity <= low + 0.0004)]
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert _beyond(proposal) == {"turnover"}
    assert np.abs(points - weights).max(axis=1).min() <= 1e-9
    assert program.utility(weights) >= program.utility(points).max() - 1e-9


@pytest.mark.parametrize("destination", ["ideal", "part"])
@pytest.mark.parametrize(("low", "count", "size"), [(0.6088, 1, 8), (0.6, 2, 8), (0.655, 2, 5)])
def test_exact_trades_are_the_best_within_what_gave_way(desk, priced, destination, low, count, size):
    """No whole lots that leave the soft limit no further are nearer to where the account goes: all of it, or a part."""
    limits = (Group("equity", least=low, most=low + 0.0002, tier=1), TradeCount(count), Lots(size=size))
    account = Account.from_weights("1", "balanced", FAR, 20_000.0, priced)
    goes = Rebalance("always", destination=destination, part=0.42)
    policy = Policy(limits, desk.models, trades=Trading(exact=True), rebalance=goes)
    proposal = rebalance(account, policy, priced, [], desk.on)
    program = pose(Problem(policy, priced), account, NO_TILT).program
    ideal, weights = (proposal.weights[name].to_numpy() for name in ("ideal", "target"))
    way, least = ideal - program.current, 0.75 - low - 0.0002  # of equities, to be sold before the limit is met
    goal = program.current + max(0.42, least / -way[:2].sum()) * way

    def beyond(points):
        equity = points[..., :2].sum(axis=-1)
        return np.maximum(low - equity, equity - low - 0.0002)

    def missed(points):
        if destination == "ideal":
            return -program.utility(points)
        return np.array([priced.risk.volatility(point - goal) for point in points]) ** 2

    points = _every_trade(program, _lots_of(size), most=count)
    points = points[beyond(points) <= beyond(weights) + 1e-9]
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert _beyond(proposal) == {"group"}
    assert np.abs(points - weights).max(axis=1).min() <= 1e-9
    assert missed(weights[None])[0] <= missed(points).min() + 1e-8


def test_exact_trades_lose_less_than_fast_ones_within_what_gave_way(desk, priced):
    """What gave way is found by the fast path; the trades within it are the integer program's where it is asked for."""
    group = Group("equity", least=0.734, most=0.7342, tier=1)
    account = Account.from_weights("1", "balanced", FAR, 20_000.0, priced)
    limits = (group, Turnover("10%"), TradeCount(2), Lots(size=5))
    policies = [Policy(limits, desk.models, trades=trades) for trades in (Trading(), Trading(exact=True))]
    fast, exact = (rebalance(account, policy, priced, [], desk.on) for policy in policies)
    for proposal in (fast, exact):
        assert proposal.outcome is Outcome.RELAXED, proposal.reason
        assert _beyond(proposal) == {"group"}
        assert len(proposal.trades) <= 2
        assert proposal.turnover <= 0.1 + 1e-9
    assert exact.given_up < 0.1 * fast.given_up


# ------------------------------------------------------------------------------------------- paces, and the edge


def _in_phases(desk, market, *limits):
    account = Account.from_weights("1", "balanced", FAR, 20_000.0, market)
    policy = Policy(limits, desk.models, phases=Phases(((0, "50%"), (30, "50%"))))
    return rebalance(account, policy, market, [], desk.on)


def test_a_phase_that_gave_way_is_not_what_whole_lots_take_more_of(desk, priced):
    """Turnover gives what was said to be needed, its phase whatever it must: more is said of the former alone."""
    words = "whole lots and tickets take more"
    fine, coarse = (
        _in_phases(desk, priced, Turnover("18.9%", tier=1), Group("equity", most="51.1%"), TradeCount(1), Lots(size=s))
        for s in (0.01, 8)
    )
    for proposal in (fine, coarse):
        assert proposal.outcome is Outcome.RELAXED, proposal.reason
        assert _beyond(proposal) == {"turnover", "phase"}
        assert "it needs turnover 24%" in proposal.reason
    assert fine.turnover <= 0.24 < coarse.turnover
    assert words not in fine.reason
    assert words in coarse.reason


def test_nothing_gives_way_of_an_account_that_only_comes_to_the_edge(desk, priced):
    """Whole lots inside the bands turn over 23.57 %: more than a soft 22 %, which has room for fractions of lots."""
    account = Account.from_weights("1", "balanced", FAR, 20_000.0, priced)

    def ask(destination, most, *more):
        limits = (Band("3%", use="both"), Turnover(most, tier=1), *more)
        policy = Policy(limits, desk.models, rebalance=Rebalance("band", destination=destination))
        return rebalance(account, policy, priced, [], desk.on)

    enough, short = (ask("edge", most, Lots(size=8)) for most in ("24%", "22%"))
    assert ask("edge", "22%").outcome is Outcome.OPTIMAL
    assert enough.outcome is Outcome.OPTIMAL, enough.reason
    assert 0.22 < enough.turnover < 0.24
    assert short.outcome is Outcome.UNSOLVED
    assert short.relaxed == ()
    assert short.trades == ()
    assert ask("ideal", "22%", Lots(size=8)).outcome is Outcome.RELAXED
