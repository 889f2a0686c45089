"""What a first user ran into: limits of size nothing, custom limits, lots of a mandate, ids of trades, wrong shapes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Custom, Deviation, Group, Lots, Policy, TrackingError, Turnover
from trimtab.errors import MarketError, PolicyError, ViewError
from trimtab.models import Account, Market, Tilt, View
from trimtab.optimizer import Outcome, rebalance

ON = dt.date(2026, 11, 20)
MODEL = {"m": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}
VIEW = View("equity - bonds", 0.02, 0.6, id="V")


@pytest.fixture
def market():
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, index=["SPY", "EFA", "IEF"])
    sigma = [[0.026, 0.022, -0.003], [0.022, 0.029, -0.003], [-0.003, -0.003, 0.004]]
    prices = {"SPY": 251.37, "EFA": 61.9, "IEF": 93.11}
    return Market.from_frames(
        assets, pd.DataFrame(sigma, assets.index, assets.index), costs=0.0005, prices=prices, on=ON
    )


@pytest.fixture
def account(market):
    return Account.from_weights("1", "m", {"SPY": 0.44, "EFA": 0.19, "IEF": 0.37}, 1e6, market)


@pytest.mark.parametrize("size", [0.0, 1e-9])
def test_no_tracking_error_is_the_strategic_weights(market, account, size):
    some_cash = {"m": {"SPY": 0.39, "EFA": 0.2, "IEF": 0.4, "CASH": 0.01}}  # it pays for the way back
    proposal = rebalance(account, Policy((TrackingError(size),), some_cash), market, [VIEW], ON)
    assert proposal.outcome is Outcome.OPTIMAL
    np.testing.assert_allclose(proposal.weights["target"], proposal.weights["strategic"], rtol=0, atol=1e-12)
    own = replace(account, overrides={"tracking_error": 0.0})
    assert rebalance(own, Policy((TrackingError(0.02),), some_cash), market, [VIEW], ON).outcome is Outcome.OPTIMAL


def test_a_custom_limit_that_binds_is_not_called_proved(market, account):
    bound = Custom(bind=lambda w, _: [w[0] + w[1] <= 0.55], slack=lambda w, _: 0.55 - w[0] - w[1], words="equity cap")
    mine = rebalance(account, Policy((bound,), MODEL), market, [VIEW], ON)
    same = rebalance(account, Policy((Group("equity", most=0.55),), MODEL), market, [VIEW], ON)
    assert mine.outcome is Outcome.OPTIMAL
    assert "not proved" in mine.reason
    assert np.isnan(mine.certificate.certified_te)
    np.testing.assert_allclose(mine.weights["target"], same.weights["target"], rtol=0, atol=1e-5)
    assert [t.asset for t in mine.trades] == [t.asset for t in same.trades]


def test_custom_limits_that_cannot_be_are_told_in_our_words(market, account):
    def ask(bind, slack=lambda w, _: 1.0):
        return rebalance(account, Policy((Custom(bind=bind, slack=slack),), MODEL), market, [], ON)

    with pytest.raises(PolicyError, match="not a list of cvxpy constraints"):
        ask(lambda w, _: 3)
    with pytest.raises(PolicyError, match="ZeroDivisionError"):
        ask(lambda w, _: [w[0] <= 1 / 0])
    with pytest.raises(PolicyError, match="not convex"):
        ask(lambda w, _: [cp.norm(w) >= 1])
    assert ask(lambda w, _: w <= 0.9, lambda w, _: 0.9 - w).outcome is Outcome.OPTIMAL
    wrong = ask(lambda w, _: [w[0] <= 0.9], lambda w, _: -1.0)
    assert wrong.outcome is Outcome.UNSOLVED
    assert "a limit is exceeded by 1.0e+00" in wrong.reason


@pytest.mark.parametrize("exact", [False, True])
def test_lots_of_the_mandate_are_whole(market, account, exact):
    policy = Policy((Lots(size=1), Deviation(0.05)), MODEL)
    policy = replace(policy, trades=replace(policy.trades, exact=exact))
    proposal = rebalance(account, policy, market, [VIEW], ON)
    assert proposal.trades
    assert all(t.quantity == int(t.quantity) for t in proposal.trades)


def test_a_cap_on_trading_below_the_way_inside_is_said_with_both_amounts(market):
    far = Account.from_weights("1", "m", {"SPY": 0.7, "IEF": 0.3}, 1e6, market)
    proposal = rebalance(far, Policy((Deviation(0.05), Turnover(0.1)), MODEL), market, [], ON)
    assert proposal.outcome is Outcome.UNSOLVED
    # EFA lacks 15 % and IEF 5 %, and SPY has 25 % too much: the sells ask for more than the buys.
    assert proposal.reason == (
        "turnover allows 10%, and coming inside deviation (of SPY most of all) takes 25%: "
        "it needs deviation 20% or turnover 25%"
    )


def test_the_same_decision_has_the_same_ids(market, account):
    policy = Policy((Deviation(0.05),), MODEL)
    first = rebalance(account, policy, market, [VIEW], ON)
    again = rebalance(
        replace(account, quantities={a: q * (1 + 1e-13) for a, q in account.quantities.items()}),
        policy,
        market,
        [VIEW],
        ON,
    )
    assert [t.trade_id for t in first.trades] == [t.trade_id for t in again.trades]
    other = rebalance(account, policy, market, [replace(VIEW, gain=-0.02)], ON)
    assert not {t.trade_id for t in first.trades} & {t.trade_id for t in other.trades}


def test_what_a_notebook_writes_is_understood(market, account):
    policy = Policy(Deviation(0.05), MODEL)
    told = rebalance(account, policy, market, VIEW, "2026-11-20")
    asked = rebalance(account, policy, market, [VIEW], ON)
    np.testing.assert_array_equal(told.weights["target"], asked.weights["target"])
    momentum = Tilt(gain=[[0.01, 0.0, 0.0, 0.0]], views=["momentum"])
    assert rebalance(account, policy, market, [], ON, overlay=momentum).outcome is Outcome.OPTIMAL
    with pytest.raises(ViewError, match="gain has 3 numbers for 4 assets"):
        rebalance(account, policy, market, [], ON, overlay=Tilt(gain=[[0.01, 0.0, 0.0]], views=["short"]))


def test_a_market_of_a_later_day_is_look_ahead(market, account):
    policy = Policy((Deviation(0.05),), MODEL)
    with pytest.raises(MarketError, match="after 2026-11-19"):
        rebalance(account, policy, market, [VIEW], dt.date(2026, 11, 19))
    undated = replace(market, on=None)
    today = rebalance(account, policy, undated, [VIEW], ON)
    tomorrow = rebalance(account, policy, undated, [VIEW], dt.date(2026, 11, 21))
    assert not {t.trade_id for t in today.trades} & {t.trade_id for t in tomorrow.trades}


def test_why_nothing_is_traded_is_said_as_it_is(market, account):
    """Fees may cost more than they buy; and beside a custom limit standing still is not called the best."""
    dear = replace(market, costs=replace(market.costs, ticket_fee=5000.0))
    held = rebalance(account, Policy((Deviation(0.05),), MODEL), dear, [VIEW], ON)
    assert (held.trades, held.reason) == ((), "no trade is worth its ticket fee")
    still = Custom(
        bind=lambda w, w0: [w[:3] == w0[:3]], slack=lambda w, w0: 1e-9 - abs(w - w0).max(), words="no trades"
    )
    kept = rebalance(account, Policy((still,), MODEL), market, [VIEW], ON)
    assert not kept.trades
    assert "not proved" in kept.reason
