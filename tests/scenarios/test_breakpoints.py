"""On the near side of every breakpoint the trade is there, on the far side it is not: both are solved again."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Deviation, Lots, Policy, TrackingError, TradeCount, TradeSize, Turnover
from trimtab.constraints.settings import Trading
from trimtab.models import Account, Market, View, tilt
from trimtab.models.tilts import NO_TILT
from trimtab.optimizer import propose, solve, state
from trimtab.scenarios.breakpoints import find_breakpoints
from trimtab.scenarios.knobs import Setting, turn
from trimtab.scenarios.sweeps import Memory
from trimtab.scenarios.wholes import find_whole_trades

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "IEF", "TLT"]


def setting(*limits, seed: int = 0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(0, 0.08, (4, 4))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(4, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame(
        {"asset_class": ["equity", "equity", "bonds", "bonds"], "price": [400.0, 60, 100, 110]}, NAMES
    )
    market = Market.from_frames(assets, sigma, costs=5e-4, prices=assets["price"])
    policy = Policy(limits, {"m": dict(zip(NAMES, [0.4, 0.2, 0.25, 0.15], strict=True))})
    drifted = dict(zip(NAMES, [0.43, 0.19, 0.22, 0.16], strict=True))
    account = Account.from_weights("001", "m", drifted, 5e5, market)
    return account, policy, market, (View("equity - bonds", "1.5%", 0.5, id="risk on"),)


def trades(asked, knob: str, value: float) -> np.ndarray:
    account, policy, market, views = asked
    own = turn(Setting(policy, market.dated(ON), views), knob, value)
    belief = tilt(own.views, own.market, policy.model(account), ON)
    frame = propose(solve(state(own.policy, own.market), account, belief), "asked").weights
    return (frame["target"] - frame["current"]).to_numpy()


@pytest.mark.parametrize("seed", [0, 1, 4, 5, 6, 7])
def test_both_sides_of_a_breakpoint(seed):
    asked = setting(Deviation("5%"), TrackingError("1.5%"), Turnover("8%"), seed=seed)
    found = find_breakpoints(*asked, ON, ["view.risk on.gain", "turnover", "costs"])
    assert len(found) >= (3 if seed < 2 else 1)
    for row in found.itertuples():
        i, side = NAMES.index(row.asset), 1 if row.side == "buy" else -1
        inch = 2e-6 * max(1.0, abs(row.at - row.now)) * (1 if row.way == "above" else -1)
        near, far = (side * trades(asked, row.knob, row.at + way * inch)[i] for way in (-1, 1))
        assert near > 0, row.sentence
        assert far <= 1e-6, row.sentence
        assert (far < -1e-9) == (row.then == "flips") or abs(far) < 1e-6


def test_the_view_that_just_pays_for_a_trade_is_found():
    """One asset against cash: bought while ``gain > kappa / h``, sold back below minus that."""
    sigma = pd.DataFrame([[0.04]], ["SPY"], ["SPY"])
    market = Market.from_frames(pd.DataFrame({"asset_class": ["equity"]}, index=["SPY"]), sigma, costs=0.001)
    policy = Policy((), {"m": {"SPY": 0.5, "CASH": 0.5}}, risk_aversion=5.0)
    account = Account.from_weights("001", "m", {"SPY": 0.5, "CASH": 0.5}, 1e6, market)
    found = find_breakpoints(account, policy, market, (View("SPY", 0.01, 1.0, id="v"),), ON, ["view.v.gain"])
    assert found["asset"].tolist() == ["SPY"]
    assert found["at"].iloc[0] == pytest.approx(0.002, abs=1e-7)
    assert found["sentence"].iloc[0] == "the purchase of SPY disappears if the view 'v' falls below 0.20% (now 1.00%)"


def test_whole_lots_move_the_breakpoint_to_where_the_last_lot_goes():
    sigma = pd.DataFrame([[0.04]], ["SPY"], ["SPY"])
    assets = pd.DataFrame({"asset_class": ["equity"], "price": [100.0]}, index=["SPY"])
    market = Market.from_frames(assets, sigma, costs=0.0, prices=assets["price"], lots=1.0)
    weights = {"SPY": 0.5, "CASH": 0.5}
    policy = Policy((Lots(),), {"m": weights}, risk_aversion=5.0)
    account = Account.from_weights("001", "m", weights, 10_000.0, market)
    found = find_breakpoints(account, policy, market, (View("SPY", 0.02, 1.0, id="v"),), ON, ["view.v.gain"])
    row = found[found["then"] == "vanishes"].iloc[0]
    near, far = (
        trades((account, policy, market, (View("SPY", 0.02, 1.0, id="v"),)), "view.v.gain", row["at"] + d)[0]
        for d in (1e-6, -1e-6)
    )
    assert near == pytest.approx(0.01)  # one share of a hundred
    assert far == pytest.approx(0.0)


def test_a_price_moves_the_trade_of_its_own_asset():
    asked = setting(Deviation("5%"), seed=1)
    found = find_breakpoints(*asked, ON)
    own = found[found["knob"].str.startswith("price.")]
    assert (own["knob"] == "price." + own["asset"]).all()
    assert len(own)


@pytest.mark.parametrize("extra", [(TradeSize(least="0.2%"),), (TradeSize(least_value=400.0), TradeCount(most=2))])
def test_trades_sought_together_are_those_of_a_proposal_each(extra):
    """Lots, tickets and prices of their own: a crowd of settings against one proposal after the other."""
    account, policy, market, views = setting(Deviation("5%"), TrackingError("1.5%"), Turnover("8%"), seed=1)
    market = replace(market, lots=np.where(np.arange(len(market.universe)) == market.universe.cash, 0.0, 5.0))
    policy = replace(policy, limits=(*policy.limits, Lots(), *extra), trades=Trading(indifference=1e-5))
    start = Setting(policy, market.dated(ON), views)
    points = [("turnover", 0.01), ("turnover", 0.05), ("view.risk on.gain", 0.03), ("view.risk on.gain", -0.02),
              ("costs", 3.0), ("price.SPY", 0.97), ("price.TLT", 1.04), ("risk_aversion", 9.0)]  # fmt: skip
    settings = [turn(start, knob, value) for knob, value in points]
    found = find_whole_trades(account, settings, ON, NO_TILT, None, Memory())
    asked = (account, policy, market, views)
    for (knob, value), own in zip(points, found, strict=True):
        np.testing.assert_allclose(own, trades(asked, knob, value), atol=1e-9, err_msg=f"{knob} {value}")
    assert (np.abs(found) > 0.01).any()
