"""Numbers that others have published: Black and Litterman's example, closed forms, a no-trade zone."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Group, Leverage, Policy, TrackingError, Volatility
from trimtab.models import NO_TILT, Account, Market, Model, Tilt, View, tilt
from trimtab.optimizer import Outcome, solve, state

CASES = json.loads((Path(__file__).resolve().parents[1] / "data" / "cases.json").read_text(encoding="utf-8"))
ON = dt.date(2026, 11, 20)


def _market(names, vol, corr, costs=0.0):
    sigma = np.outer(vol, vol) * np.array(corr)
    assets = pd.DataFrame({"asset_class": ["risky"] * len(names)}, index=names)
    return Market.from_frames(assets, pd.DataFrame(sigma, names, names), costs=costs), sigma


def _pure_gain(alpha):
    """Say a vector of gains as it is, without a view."""
    row = np.atleast_2d(alpha)
    return Tilt(gain=row, gain_per_aversion=np.zeros_like(row), views=("given",))


# ------------------------------------------------------------- He and Litterman, The Intuition Behind ..., 1999

HL = CASES["he_litterman_1999"]
LEGS = {"T4": ["V1"], "T5": ["V1", "V2"], "T6": ["V1", "V2"], "T7": ["V1", "V2"], "T8": ["V1", "V2", "V3"]}


@pytest.fixture(scope="module")
def hl():
    return _market(HL["assets"], HL["vol"], HL["corr"])


def _hl_tilt(market, sigma, table):
    """Write a table's views in our words: basis excess, c = 1 / (1 + omega / (tau p Sigma p'))."""
    views = []
    for name, gain, omega in zip(LEGS[table], HL["tables"][table]["Q"], HL["tables"][table]["omega"], strict=True):
        p = np.array(HL["views"][name])
        c = 1 / (1 + omega / (HL["tau"] * p @ sigma @ p))
        about = " + ".join(f"{x:.17g}*{a}" for x, a in zip(p, HL["assets"], strict=True) if x > 0)
        about += "".join(f" - {-x:.17g}*{a}" for x, a in zip(p, HL["assets"], strict=True) if x < 0)
        views.append(View(about, gain, c, basis="excess", id=name))
    model = Model("equilibrium", dict(zip(HL["assets"], HL["w_eq"], strict=True)), HL["delta"])
    return tilt(views, market, model, ON)


def test_the_prior_is_what_the_strategic_weights_imply(hl):
    market, _ = hl
    b = market.universe.vector(dict(zip(HL["assets"], HL["w_eq"], strict=True)))
    prior = HL["delta"] * market.risk.times(b)
    np.testing.assert_allclose(prior[:-1], HL["pi"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(100 * prior[:-1], HL["pi_percent_published"], rtol=0, atol=0.05)


@pytest.mark.parametrize("table", sorted(LEGS))
def test_he_and_litterman_posterior_means(hl, table):
    """mu = Pi + alpha: with omega = tau (1-c)/c p Sigma p', tau stands in front of everything and cancels."""
    market, sigma = hl
    alpha = _hl_tilt(market, sigma, table).alpha(HL["delta"])
    np.testing.assert_allclose(np.array(HL["pi"]) + alpha[:-1], HL["tables"][table]["mu"], rtol=0, atol=1e-9)
    assert alpha[-1] == 0.0


@pytest.mark.parametrize("table", sorted(LEGS))
def test_he_and_litterman_weights(hl, table):
    """Theirs are w = (delta (Sigma + M))^-1 mu with M the posterior variance of the mean; ours keep Sigma.

    From our alpha: the optimal weights of their investor, and through our solver those of ours.
    """
    market, sigma = hl
    mu = np.array(HL["pi"]) + _hl_tilt(market, sigma, table).alpha(HL["delta"])[:-1]
    p = np.array([HL["views"][name] for name in LEGS[table]])
    omega = np.diag(HL["tables"][table]["omega"])
    prior = HL["tau"] * sigma
    m = np.linalg.inv(np.linalg.inv(prior) + p.T @ np.linalg.inv(omega) @ p)
    theirs = np.linalg.solve(HL["delta"] * (sigma + m), mu)
    np.testing.assert_allclose(theirs, HL["tables"][table]["w"], rtol=0, atol=1e-9)
    # The paper rounds its inputs as well: 0.1 percentage points is what its tables hold (T7, FRA).
    np.testing.assert_allclose(100 * theirs, HL["tables"][table]["w_percent_published"], rtol=0, atol=0.1)


@pytest.mark.parametrize("table", sorted(LEGS))
def test_our_solver_reaches_the_unconstrained_weights(hl, table):
    """With room everywhere, w = (delta Sigma)^-1 mu, cash taking the rest."""
    market, sigma = hl
    weights = dict(zip(HL["assets"], HL["w_eq"], strict=True))
    policy = Policy((Leverage(10.0),), {"m": weights}, risk_aversion=HL["delta"], long_only=False)
    account = Account.from_weights("1", "m", weights, 1e6, market)
    belief = _hl_tilt(market, sigma, table)
    solution = solve(state(policy, market), account, belief)
    assert solution.outcome is Outcome.OPTIMAL
    expected = np.linalg.solve(HL["delta"] * sigma, HL["tables"][table]["mu"])
    np.testing.assert_allclose(solution.ideal[:-1], expected, rtol=0, atol=1e-8)
    assert solution.ideal.sum() == pytest.approx(1.0, abs=1e-12)


# --------------------------------------------------------------------------------------------------- closed forms

CF = CASES["closed_form"]
NAMES = ["a", "b", "c", "d"]
NO_CASH = Group("cash", least=0.0, most=0.0, name="fully_invested")


@pytest.fixture(scope="module")
def closed():
    return _market(NAMES, CF["vol"], CF["corr"])


def _closed(closed, limits, alpha, b, gamma=1.0, *, pure_variance=False):
    market, sigma = closed
    weights = dict(zip(NAMES, b, strict=True))
    policy = Policy((Leverage(5.0), NO_CASH, *limits), {"m": weights}, risk_aversion=gamma, long_only=False)
    account = Account.from_weights("1", "m", weights, 1e6, market)
    gains = np.append(alpha, 0.0)
    if pure_variance:  # alpha'd - gamma/2 d'Sd with alpha = mu - gamma S b is mu'w - gamma/2 w'Sw and a constant
        gains = gains - gamma * np.append(sigma @ np.array(b), 0.0)
    solution = solve(state(policy, market), account, _pure_gain(gains))
    assert solution.outcome is Outcome.OPTIMAL, solution.reason
    return solution.ideal[:-1]


def test_most_gain_at_two_percent_tracking_error(closed):
    """maximise alpha'a subject to 1'a = 0, TE <= 2 %: a = 2 % of the projected S^-1 alpha, to the printed digits."""
    te2 = CF["te2"]
    w = _closed(closed, (TrackingError("2%"),), te2["alpha"], te2["wb"], gamma=1e-3)
    np.testing.assert_allclose(w, te2["w"], rtol=0, atol=6e-9)
    active = w - np.array(te2["wb"])
    te = np.sqrt(active @ closed[1] @ active)
    assert te == pytest.approx(0.02, abs=1e-9)
    np.testing.assert_allclose(active * (closed[1] @ active) / te, te2["te_contrib"], rtol=0, atol=6e-9)
    assert active @ np.array(te2["alpha"]) == pytest.approx(te2["alpha_captured"], abs=1e-9)


def test_minimum_variance(closed):
    w = _closed(closed, (), np.zeros(4), [0.25] * 4, pure_variance=True)
    np.testing.assert_allclose(w, CF["min_var"], rtol=0, atol=6e-9)


def test_maximum_sharpe_ratio(closed):
    """S^-1 mu / 1'S^-1 mu: what a gamma of 1'S^-1 mu holds, fully invested."""
    gamma = float(np.ones(4) @ np.linalg.solve(closed[1], CF["mu"]))
    w = _closed(closed, (), CF["mu"], [0.25] * 4, gamma=gamma, pure_variance=True)
    np.testing.assert_allclose(w, CF["max_sharpe"], rtol=0, atol=6e-9)


def test_least_variance_for_a_return_of_six_percent(closed):
    limit = Group(exposure=dict(zip(NAMES, CF["mu"], strict=True)), least=0.06)
    w = _closed(closed, (limit,), np.zeros(4), [0.25] * 4, pure_variance=True)
    np.testing.assert_allclose(w, CF["target_return_06"], rtol=0, atol=6e-9)


def test_most_return_at_fifteen_percent_volatility(closed):
    w = _closed(closed, (Volatility("15%"),), CF["mu"], [0.25] * 4, gamma=1e-3, pure_variance=True)
    np.testing.assert_allclose(w, CF["target_vol_15"], rtol=0, atol=2e-8)


# ----------------------------------------------------------------------------------------------- the no-trade zone


@pytest.fixture(scope="module")
def zone():
    """One risky asset and cash; mu enters as a certain view over cash, whatever the strategic weight."""
    one = CASES["one_asset_cost"]
    assets = pd.DataFrame({"asset_class": ["risky"]}, index=["A"])
    market = Market.from_frames(assets, pd.DataFrame([[one["sigma"] ** 2]], ["A"], ["A"]), costs=one["kappa"])
    policy = Policy((), {"m": {"A": 0.2, "CASH": 0.8}}, risk_aversion=one["gamma"], cost_horizon_years=1.0)
    problem = state(policy, market)

    def go(w0):
        account = Account.from_weights("1", "m", {"A": w0, "CASH": 1 - w0}, 1e6, market)
        belief = tilt([View("A", one["mu"], 1.0, basis="excess")], market, policy.model(account), ON)
        return solve(problem, account, belief)

    return one, market, policy, go


def test_the_goal_without_costs(zone):
    one, _, policy, _ = zone
    free = Market.from_frames(
        pd.DataFrame({"asset_class": ["risky"]}, index=["A"]), pd.DataFrame([[one["sigma"] ** 2]], ["A"], ["A"])
    )
    account = Account.from_weights("1", "m", {"A": 0.1, "CASH": 0.9}, 1e6, free)
    belief = tilt([View("A", one["mu"], 1.0, basis="excess")], free, policy.model(account), ON)
    implied = one["gamma"] * one["sigma"] ** 2 * 0.2
    assert belief.alpha(one["gamma"])[0] == pytest.approx(one["mu"] - implied, abs=1e-15)
    assert solve(state(policy, free), account, belief).ideal[0] == pytest.approx(one["w_star"], abs=1e-12)


@pytest.mark.parametrize("w0", [0.0, 0.1, 0.29, 0.2949, 0.3051, 0.4, 0.9, 1.0])
def test_outside_the_zone_it_trades_to_the_edge(zone, w0):
    one, _, _, go = zone
    edge = one["band"][0] if w0 < one["band"][0] else one["band"][1]
    assert go(w0).ideal[0] == pytest.approx(edge, abs=1e-12)


@pytest.mark.parametrize("w0", [0.295, 0.2951, 0.3, 0.3049, 0.305])
def test_inside_the_zone_it_holds(zone, w0):
    solution = zone[3](w0)
    assert solution.outcome is Outcome.OPTIMAL
    assert solution.ideal[0] == pytest.approx(w0, abs=1e-12)


def test_half_the_horizon_is_twice_the_zone(zone):
    one, market, policy, _ = zone
    problem = state(replace(policy, cost_horizon_years=0.5), market)
    account = Account.from_weights("1", "m", {"A": 0.1, "CASH": 0.9}, 1e6, market)
    belief = tilt([View("A", one["mu"], 1.0, basis="excess")], market, policy.model(account), ON)
    assert solve(problem, account, belief).ideal[0] == pytest.approx(0.29, abs=1e-12)
    assert solve(problem, account, NO_TILT).ideal[0] == pytest.approx(0.19, abs=1e-12)


@pytest.mark.parametrize("changes", [{"round_trip": True}, {"horizon_follows_views": True}], ids=str)
def test_the_way_back_and_a_short_view_widen_the_zone(zone, changes):
    """Charged both ways, or earned for half a year only: twice the zone."""
    one, market, policy, _ = zone
    policy = replace(policy, **changes)
    account = Account.from_weights("1", "m", {"A": 0.1, "CASH": 0.9}, 1e6, market)
    until = ON + dt.timedelta(days=round(365.25 / 2)) if "horizon_follows_views" in changes else None
    belief = tilt([View("A", one["mu"], 1.0, basis="excess", until=until)], market, policy.model(account), ON)
    solution = solve(state(policy, market), account, belief)
    assert solution.ideal[0] == pytest.approx(0.29, abs=5e-5)  # half a year is 183 whole days
