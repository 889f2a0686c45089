"""Views on risk: moments that come out as asked, and multipliers that stand for them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.models import Market, Model
from trimtab.signals.beliefs import Belief, pool_beliefs, ranking, risk_multipliers, risk_tilt

LABELS = ["SPY", "EFA", "IEF"]


@pytest.fixture(scope="module")
def market() -> Market:
    half = np.array([[0.16, 0, 0], [0.14, 0.09, 0], [-0.02, 0.0, 0.05]])
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, LABELS)
    return Market.from_frames(assets, pd.DataFrame(half @ half.T, LABELS, LABELS), cash_rate=0.03)


@pytest.fixture(scope="module")
def scenarios() -> pd.DataFrame:
    random = np.random.default_rng(11)
    half = np.array([[0.045, 0, 0], [0.04, 0.025, 0], [-0.004, 0.0, 0.015]])
    return pd.DataFrame(0.004 + random.standard_t(6, size=(600, 3)) @ half.T, columns=LABELS)


B = Model("balanced", {"SPY": 0.45, "EFA": 0.15, "IEF": 0.4}, 5.0)


def weights(market):
    return B.vector(market.universe)


def test_moments_come_out_as_asked(market, scenarios):
    b = weights(market)
    beliefs = [
        Belief("equity - bonds", "3%", "mean"),
        Belief("equity", "25%"),
        Belief("SPY", 0.3, "correlation", beside="IEF"),
        Belief("IEF", 1.2, sense="least", times=True),
    ]
    posterior = pool_beliefs(beliefs, scenarios, market, b)
    equity = posterior.scenarios @ np.array([0.75, 0.25, 0, 0])
    mean = posterior.probabilities @ equity
    assert mean - posterior.mean[2] == pytest.approx(0.03 / 12, abs=1e-9)
    assert 12 * posterior.probabilities @ (equity - mean) ** 2 == pytest.approx(0.25**2, rel=1e-8)
    covariance = posterior.covariance
    assert covariance[0, 2] / np.sqrt(covariance[0, 0] * covariance[2, 2]) == pytest.approx(0.3, abs=1e-8)
    before = np.sqrt(posterior.prior_covariance[2, 2])
    assert posterior.volatilities[2] >= 1.2 * before - 1e-12
    assert 1 < posterior.effective < 600
    assert 0 < posterior.kept < 1


def test_without_beliefs_nothing_changes(market, scenarios):
    posterior = pool_beliefs([], scenarios, market, weights(market))
    assert posterior.kept == pytest.approx(1.0)
    assert np.all(risk_tilt([], posterior, weights(market)).risk == 1.0)


def test_a_ranking_holds(market, scenarios):
    beliefs = ranking("bonds", "EFA", "SPY", author="ES")
    posterior = pool_beliefs(beliefs, scenarios, market, weights(market))
    spy, efa, ief, _ = posterior.mean
    assert ief >= efa - 1e-10 >= spy - 2e-10


def test_a_belief_on_risk_reaches_the_channel_with_its_reason(market, scenarios):
    b = weights(market)
    beliefs = [Belief("equity", 1.5, times=True, author="signals", because="VIX at 41", id="stress")]
    tilt = risk_tilt(beliefs, pool_beliefs(beliefs, scenarios, market, b), b)
    assert tilt.risk.shape == (4,)
    assert 1.3 < tilt.risk[0] < 1.7
    assert tilt.risk[3] == 1.0  # the cash
    assert tilt.causes[0].channel == "risk"
    assert "VIX at 41" in tilt.causes[0].because


def test_more_alike_is_more_risk(market, scenarios):
    b = weights(market)
    alike = [Belief("equity", 0.6, "correlation", beside="bonds")]
    posterior = pool_beliefs(alike, scenarios, market, b)
    multipliers = risk_multipliers(posterior.prior_covariance, posterior.covariance, b)
    volatility = posterior.volatilities[:3] / np.sqrt(np.diag(posterior.prior_covariance)[:3])
    assert multipliers[2] > volatility[2] * 1.1  # bonds no longer diversify


@given(st.integers(0, 10_000))
def test_multipliers_give_the_marginal_risk_of_the_new_covariance(seed):
    random = np.random.default_rng(seed)
    a, c = (random.normal(size=(5, 5)) for _ in range(2))
    before, after = a @ a.T + 2 * np.eye(5), np.abs(c) @ np.abs(c).T
    b = random.dirichlet(np.ones(5))
    m = risk_multipliers(before, after, b)
    assert m * (before @ (m * b)) == pytest.approx(after @ b, rel=1e-6)
    scale = random.uniform(0.5, 2.0, 5)
    pure = np.diag(scale) @ after @ np.diag(scale)
    assert risk_multipliers(after, pure, b) == pytest.approx(scale, rel=1e-9)


def test_multipliers_of_many_assets():
    random = np.random.default_rng(0)
    factors = np.column_stack([1 + 0.3 * random.normal(size=200), random.normal(size=(200, 3))])
    before = factors @ np.diag([0.02, 0.005, 0.003, 0.002]) @ factors.T + np.diag(random.uniform(0.001, 0.01, 200))
    after = 0.5 * before + np.diag(random.uniform(0.5, 2, 200) * np.diag(before))
    b = random.dirichlet(np.full(200, 0.3))
    m = risk_multipliers(before, after, b)
    held = (b > 1e-12) & (after @ b > 0)
    assert (m * (before @ (m * b)))[held] == pytest.approx((after @ b)[held], rel=1e-9)


def test_a_hedge_takes_its_ratio_of_volatilities_and_the_rest_is_matched():
    before = np.array([[0.04, -0.01], [-0.01, 0.01]])
    after = np.array([[0.16, -0.05], [-0.05, 0.0225]])
    b = np.array([0.7, 0.3])
    m = risk_multipliers(before, after, b)
    assert m[1] == pytest.approx(1.5)
    assert m[0] * (before @ (m * b))[0] == pytest.approx((after @ b)[0])
    assert m[0] < 2.0  # twice as volatile, but better hedged than before
    assert risk_multipliers(before, after, np.array([1.3, -0.3])) == pytest.approx([2.0, 1.5])


def test_what_no_scenario_allows_is_told_by_name(market, scenarios):
    with pytest.raises(SignalError) as error:
        pool_beliefs([Belief("equity", 5.0, id="wild")], scenarios, market, weights(market))
    assert error.value.code == "INFEASIBLE"
    assert "wild" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "skewness"}, "kind"),
        ({"sense": "around"}, "sense"),
        ({"value": -0.1}, "value"),
        ({"value": "high"}, "value"),
        ({"kind": "correlation"}, "beside"),
        ({"kind": "correlation", "beside": "IEF", "value": 1.0}, "value"),
        ({"kind": "mean", "value": 2.0}, "value"),
    ],
)
def test_beliefs_that_cannot_be_meant(fields, field):
    with pytest.raises(SignalError) as error:
        Belief(**({"about": "SPY", "value": 0.2} | fields))
    assert error.value.field == field


def test_a_belief_lives_between_its_days(market, scenarios):
    belief = Belief("SPY", 0.2, since="2026-01-01", until="2026-02-01")
    assert [belief.live(dt.date(2026, m, 1)) for m in (1, 2)] == [True, False]
    with pytest.raises(SignalError, match="scenarios"):
        pool_beliefs([], scenarios[["SPY"]], market, weights(market))
