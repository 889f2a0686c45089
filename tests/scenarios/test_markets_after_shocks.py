"""Where shocks come from, what they do to risk, and what would be proposed after them."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Deviation, Policy, Turnover
from trimtab.errors import InputError, MarketError, ViewError
from trimtab.models import Account, Market, Risk, Shock, View
from trimtab.scenarios.moves import pool_moves, replay_window, spread_factors, spread_moves
from trimtab.scenarios.shocks import AS_IT_IS, ask_after, shake
from trimtab.signals.entropies import Posterior, reweigh

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "TLT", "GLD"]


def market(seed: int = 0) -> Market:
    rng = np.random.default_rng(seed)
    factor = rng.normal(0, 0.08, (4, 3))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(4, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame(
        {"asset_class": ["equity", "equity", "bonds", "gold"], "price": [400.0, 60.0, 110.0, 180.0]}, index=NAMES
    )
    return Market.from_frames(assets, sigma, costs=0.0005, prices=assets["price"])


def correlations(risk: Risk) -> np.ndarray:
    return risk.covariance[:4, :4] / np.outer(risk.volatilities[:4], risk.volatilities[:4])


@settings(max_examples=15)
@given(st.floats(0, 1), st.floats(0.3, 4), st.integers(0, 50))
def test_correlations_go_the_share_of_the_way_to_one_and_volatilities_are_multiplied(share, times, seed):
    was = market(seed)
    risk = Shock("s", {}, {"equity": times}, share).risk(was.risk, was.universe)
    want = was.risk.volatilities[:4] * [times, times, 1, 1]
    assert np.allclose(risk.volatilities[:4], want, rtol=1e-12)
    assert np.allclose(correlations(risk), (1 - share) * correlations(was.risk) + share, atol=1e-12)
    assert risk.variances[4] == 0  # the cash stays what it is
    assert np.linalg.eigvalsh(risk.covariance).min() > -1e-15


@settings(max_examples=15)
@given(st.floats(0, 1), st.integers(0, 50))
def test_correlations_go_the_share_of_the_way_to_those_of_another_risk(share, seed):
    was, like = market(seed), market(seed + 100).risk
    risk = Shock("s", {}, {}, share, like).risk(was.risk, was.universe)
    assert np.allclose(risk.volatilities, was.risk.volatilities, rtol=1e-12)
    assert np.allclose(
        correlations(risk), (1 - share) * correlations(was.risk) + share * correlations(like), atol=1e-12
    )


@settings(max_examples=15)
@given(st.floats(-0.5, 0.5), st.integers(0, 50))
def test_one_asset_that_moves_takes_the_others_along_by_its_beta(move, seed):
    was = market(seed)
    sigma = was.risk.covariance
    spread = spread_moves("s", {"SPY": move}, was).vector(was.universe)
    assert np.allclose(spread, sigma[:, 0] / sigma[0, 0] * move, atol=1e-12)


@settings(max_examples=15)
@given(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2), st.integers(0, 50))
def test_what_is_said_happens_and_the_rest_is_the_mean_of_many_draws_given_it(x, y, seed):
    was = market(seed)
    spread = spread_moves("s", {"equity": x, "TLT - GLD": y}, was, {"SPY": 0.6, "EFA": 0.2, "TLT": 0.2})
    r = spread.vector(was.universe)
    assert 0.75 * r[0] + 0.25 * r[1] == pytest.approx(x, abs=1e-10)
    assert r[2] - r[3] == pytest.approx(y, abs=1e-10)
    # Regression is conditional expectation: no direction of risk beside those said moves.
    p = np.array([[0.75, 0.25, 0, 0, 0], [0, 0, 1, -1, 0]])
    sigma = was.risk.covariance
    left = sigma - sigma @ p.T @ np.linalg.solve(p @ sigma @ p.T, p @ sigma)
    assert np.allclose(left @ np.linalg.pinv(sigma) @ r, 0, atol=1e-8)


def test_factors_that_are_not_named_move_as_is_to_be_expected():
    exposures = pd.DataFrame({"market": [1.0, 0.2], "rates": [0.0, -5.0]}, ["SPY", "TLT"])
    omega = pd.DataFrame([[0.04, -0.0004], [-0.0004, 0.0001]], exposures.columns, exposures.columns)
    moves = spread_factors("s", {"market": "-10%"}, exposures, omega).moves
    assert moves["SPY"] == pytest.approx(-0.10)
    assert moves["TLT"] == pytest.approx(0.2 * -0.10 - 5.0 * (-0.0004 / 0.04 * -0.10))
    with pytest.raises(ViewError, match="no factor 'oil'"):
        spread_factors("s", {"oil": 0.1}, exposures, omega)


def test_a_window_is_what_holding_through_it_returned():
    days = pd.date_range("2020-01-31", periods=12, freq="ME")
    rng = np.random.default_rng(3)
    returns = pd.DataFrame(rng.normal(0, [0.05, 0.05, 0.02, 0.04], (12, 4)), days, NAMES)
    found = replay_window("w", returns, market().universe, "2020-03-31", "2020-06-30", with_risk=True)
    assert found.moves["TLT"] == pytest.approx((1 + returns["TLT"].iloc[3:6]).prod() - 1)
    universe, months = market().universe, {"periods_per_year": 252.0}
    then, ever = (Risk.from_returns(own, universe, **months) for own in (returns.iloc[3:6], returns))
    assert found.volatility["TLT"] == pytest.approx(then.volatilities[2] / ever.volatilities[2])
    assert np.allclose(correlations(found.risk(ever, universe)), correlations(then))
    with pytest.raises(MarketError, match="no returns after"):
        replay_window("w", returns, universe, "2021-03-31", "2021-06-30")
    with pytest.raises(MarketError, match="'GLD' has no returns"):
        replay_window("w", returns.drop(columns="GLD"), universe, "2020-03-31", "2020-06-30")


def test_pooled_probabilities_give_their_mean_and_their_risk():
    rng = np.random.default_rng(5)
    scenarios, prior = rng.normal(0.005, 0.04, (200, 4)), np.full(200, 1 / 200)
    q = reweigh(prior, scenarios[:, :1].T, np.array([-0.02]))
    posterior, was = Posterior(scenarios, prior, q, tuple(NAMES)), market()
    found = pool_moves("s", posterior, was.universe, periods=3)
    assert found.moves["SPY"] == pytest.approx(-0.06)
    prior_risk = Risk.from_covariance(pd.DataFrame(posterior.prior_covariance * 12, NAMES, NAMES), was.universe)
    shaken = found.risk(prior_risk, was.universe)
    assert np.allclose(shaken.covariance[:4, :4], posterior.covariance * 12, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"moves": {"equity": -1.1}}, "loses more than everything"),
        ({"moves": {}, "volatility": {"equity": 0}}, "without risk"),
        ({"moves": {}, "correlation": 1.5}, "correlation"),
        ({"moves": {"equity": "a lot"}}, "a lot"),
    ],
)
def test_a_shock_that_cannot_be_says_so(given, words):
    with pytest.raises(InputError, match=words):
        Shock("s", **given)


def test_a_spread_that_says_nothing_or_the_same_twice_is_refused():
    with pytest.raises(ViewError, match="nothing is said"):
        spread_moves("s", {}, market())
    with pytest.raises(ViewError, match="no risk of its own"):
        spread_moves("s", {"SPY": -0.1, "2*SPY": -0.3}, market())


def question(*shocks):
    was = market()
    policy = Policy((Deviation("6%"), Turnover("20%")), {"m": dict(zip(NAMES, [0.4, 0.2, 0.3, 0.1], strict=True))})
    account = Account.from_weights("1", "m", dict(zip(NAMES, [0.4, 0.2, 0.3, 0.1], strict=True)), 1e6, was)
    return ask_after(account, policy, was, View("equity - bonds", "2%", 0.6), ON, shocks), was


def test_after_a_shock_weights_have_drifted_and_the_same_question_is_asked():
    fall = Shock("fall", {"equity": -0.3, "TLT": 0.1})
    found, was = question(fall, Shock("calm", {}))
    table = found.figures
    assert list(table.index) == [AS_IT_IS, "fall", "calm"]
    assert table.loc["fall", "move"] == pytest.approx(0.6 * -0.3 + 0.3 * 0.1)
    current = found.proposals["fall"].weights["current"]
    assert current["SPY"] == pytest.approx(0.4 * 0.7 / 0.85)
    pd.testing.assert_series_equal(table.loc["calm"], table.loc[AS_IT_IS], check_names=False)
    assert found.proposals["fall"].nav == pytest.approx(850_000)
    assert list(found.to_frame().columns[-5:]) == list(was.universe.assets)


def test_twice_the_volatility_leans_less():
    found, was = question(Shock("storm", {}, dict.fromkeys(("equity", "bonds", "gold"), 2)))
    b = np.array([0.4, 0.2, 0.3, 0.1, 0.0])
    calm, storm = (found.weights.loc[name].to_numpy() - b for name in (AS_IT_IS, "storm"))
    # Twice the volatility is four times the covariance: alpha grows fourfold with confidence held, the tilt does not.
    assert was.risk.volatility(storm) < was.risk.volatility(calm)


def test_what_loses_everything_has_no_market():
    with pytest.raises(MarketError, match="loses everything"):
        shake(market(), Shock("s", {"SPY": -1}))
    assert shake(market(), Shock("s", {"CASH": -0.5})).prices[-1] == 1.0
