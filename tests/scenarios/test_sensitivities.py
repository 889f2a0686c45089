"""Derivatives against differences of solved answers, at ordinary points and where something is just met."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Custom, Deviation, Group, Leverage, Policy, TrackingError, Turnover
from trimtab.errors import InputError, UnsolvedError
from trimtab.models import Account, Market, View
from trimtab.scenarios.knobs import Setting, current
from trimtab.scenarios.sensitivities import sensitivity
from trimtab.scenarios.sweeps import sweep

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "IEF", "TLT", "GLD"]


def setting(*limits, seed: int = 0, impact: float = 0.0, drift: float = 0.02, **policy):
    rng = np.random.default_rng(seed)
    factor = rng.normal(0, 0.08, (5, 5))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(5, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds", "bonds", "gold"]}, index=NAMES)
    market = Market.from_frames(assets, sigma, costs=4e-4, impact=impact, adv=1e7)
    weights = np.array([0.35, 0.15, 0.25, 0.15, 0.10])
    mandate = Policy(limits, {"m": dict(zip(NAMES, weights, strict=True))}, **policy)
    noise = rng.normal(size=5)
    moved = weights + drift * (noise - noise.mean())
    account = Account.from_weights("001", "m", dict(zip(NAMES, moved, strict=True)), 1e6, market)
    size = rng.uniform(0.002, 0.03)
    views = (View("equity - bonds", size, 0.5, id="risk on"), View("GLD - IEF", -0.5 * size, 0.4, id="gold"))
    return account, mandate, market, views


def check(asked, *, knobs=(), step: float = 1e-5):
    """Compare with differences to both sides; a side on which something else starts to bind is left out."""
    account, policy, market, views = asked
    told, start = sensitivity(account, policy, market, views, ON, knobs), Setting(policy, market.dated(ON), views)
    for name in told.up.index:
        value = current(start, name)
        h = step * max(1.0, abs(value))
        at = value + h * np.arange(-2, 1 if name.endswith("confidence") else 3)
        swept = sweep(account, policy, market, views, ON, {name: at})
        found = swept.weights.assign(utility=swept.points["utility"]).to_numpy()
        for way, slopes in ((1, told.up), (-1, told.down)):
            if 2 + 2 * way >= len(at):
                continue
            still, near, far = (found[2 + k * way] for k in range(3))
            if np.abs(far - 2 * near + still).max() > 1e-3 * h * (1 + np.abs(near - still).max() / h):
                continue
            wanted = (4 * near - far - 3 * still) / (2 * way * h)
            size = 1 + np.abs(wanted).max()
            np.testing.assert_allclose(slopes.loc[name], wanted[:-1], atol=2e-3 * size, err_msg=name)
            utility = told.utility.loc[name, "up" if way > 0 else "down"]
            assert utility == pytest.approx(wanted[-1], rel=1e-3, abs=1e-7), name


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.sampled_from([0.0, 1.0]))
def test_derivatives_are_differences(seed, impact):
    group = Group(on="equity", around="strategic", most=0.06)
    limits = (Deviation("5%"), TrackingError("1.2%"), Turnover("6%"), group)
    check(setting(*limits, seed=seed, impact=impact))


def test_with_shorts_and_gross_weight():
    check(setting(Leverage(most=1.5), TrackingError("4%"), seed=3, long_only=False))


def just_met(*limits):
    """Return a mandate with a tracking error limit that is exactly what the account would take without one."""
    asked = setting(*limits, seed=5)
    account, policy, market, views = asked
    ideal = sweep(account, policy, market, views, ON, {"gain": [1.0]}).weights.to_numpy()[0]
    strategic = policy.model(account).vector(market.universe)
    at = float(market.risk.volatility(ideal - strategic))
    return setting(*limits, TrackingError(at), seed=5)


def test_a_limit_that_is_just_met_binds_to_one_side_only():
    asked = just_met(Turnover("30%"))
    told = sensitivity(*asked, ON)
    assert told.one_sided["tracking_error"]
    assert np.abs(told.up.loc["tracking_error"]).max() < 1e-6
    assert np.abs(told.down.loc["tracking_error"]).max() > 0.1
    assert told.one_sided["gain"]
    check(asked, knobs=["tracking_error", "gain", "risk_aversion"])


def test_at_the_edge_of_the_no_trade_zone_an_asset_moves_to_one_side_only():
    """One asset against cash: it trades as soon as its marginal gain exceeds its cost."""
    sigma = pd.DataFrame([[0.04]], ["SPY"], ["SPY"])
    market = Market.from_frames(pd.DataFrame({"asset_class": ["equity"]}, index=["SPY"]), sigma, costs=0.001)
    policy = Policy((), {"m": {"SPY": 0.5, "CASH": 0.5}}, risk_aversion=5.0)
    account = Account.from_weights("001", "m", {"SPY": 0.5, "CASH": 0.5}, 1e6, market)
    views = (View("SPY", 0.002, 1.0, id="v"),)  # kappa / h = 0.002: exactly worth its cost
    told = sensitivity(account, policy, market, views, ON, ["view.v.gain"])
    assert told.one_sided["view.v.gain"]
    assert told.up.loc["view.v.gain", "SPY"] == pytest.approx(1 / (5.0 * 0.04), rel=1e-4)
    assert told.down.loc["view.v.gain", "SPY"] == 0.0


def test_a_weight_at_its_bound_goes_with_it():
    asked = setting(Deviation("1%"), seed=2)
    told = sensitivity(*asked, ON, ["deviation"])
    account, policy, market, _ = asked
    active = told.solution.ideal - policy.model(account).vector(market.universe)
    for asset, lean in zip(NAMES, active, strict=False):
        if abs(abs(lean) - 0.01) < 1e-9:
            assert told.up.loc["deviation", asset] == pytest.approx(np.sign(lean))


def test_what_has_no_derivative_is_said():
    impossible = setting(Deviation("1%"), Turnover("0.1%"), drift=0.1)
    with pytest.raises(UnsolvedError, match="turnover"):
        sensitivity(*impossible, ON)
    bind, slack = (lambda w, w0: [w[0] <= 0.4]), (lambda w, w0: 0.4 - w[0])
    with pytest.raises(InputError, match="sweep"):
        sensitivity(*setting(Custom(bind=bind, slack=slack)), ON)
    with pytest.raises(InputError, match="did you mean"):
        sensitivity(*setting(Deviation("5%")), ON, ["deviatoin"])
