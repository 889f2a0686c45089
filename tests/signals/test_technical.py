"""Measures of prices against pandas, a regression, and numbers that were published."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from trimtab.errors import SignalError
from trimtab.signals import breadth, technical, volatilities, windows
from trimtab.signals.definitions import Signal

RNG = np.random.default_rng(23)
LEVELS = 100.0 * np.exp(np.cumsum(RNG.normal(0.0003, 0.012, (900, 4)), axis=0))
PRICES = pd.DataFrame(LEVELS)
RETURNS = np.log(PRICES / PRICES.shift(1))
MOVES = PRICES.diff()


def close(found, wanted, rtol=1e-9, atol=1e-12):
    np.testing.assert_allclose(found, np.asarray(wanted, dtype=float), rtol=rtol, atol=atol)
    assert np.isfinite(found).any()


def net():
    return np.sign(MOVES).mean(axis=1)


def strength():
    up, down = (side.ewm(alpha=1 / 14).mean() for side in (MOVES.clip(lower=0), -MOVES.clip(upper=0)))
    return (100 * up / (up + down)).where(MOVES.expanding().count() >= 14)


EXACT = {
    "moving average gap": (technical.moving_average_gap(LEVELS, window=50), PRICES / PRICES.rolling(50).mean() - 1),
    "crossover": (
        technical.crossover(LEVELS, short=20, long=100),
        PRICES.rolling(20).mean() / PRICES.rolling(100).mean() - 1,
    ),
    "momentum": (technical.momentum(LEVELS), PRICES.shift(21) / PRICES.shift(252) - 1),
    "momentum, no skip": (technical.momentum(LEVELS, lookback=63, skip=0), PRICES.pct_change(63)),
    "relative strength": (
        technical.relative_strength(LEVELS[:, :2], lookback=63),
        PRICES[0].pct_change(63) - PRICES[1].pct_change(63),
    ),
    "dual momentum": (
        technical.dual_momentum(LEVELS[:, :3], lookback=63),
        PRICES[0].pct_change(63) - PRICES[[1, 2]].pct_change(63).max(axis=1, skipna=False),
    ),
    "drawdown": (technical.drawdown(LEVELS, window=100), PRICES / PRICES.rolling(100).max() - 1),
    "channel": (
        technical.channel(LEVELS, window=37),
        2 * (PRICES - PRICES.rolling(37).min()) / (PRICES.rolling(37).max() - PRICES.rolling(37).min()) - 1,
    ),
    "realised volatility": (
        volatilities.realised_volatility(LEVELS, window=21),
        np.sqrt(252) * RETURNS.rolling(21).std(),
    ),
    "volatility ratio": (
        volatilities.volatility_ratio(LEVELS, short=21, long=100),
        RETURNS.rolling(21).std() / RETURNS.rolling(100).std() - 1,
    ),
    "share above average": (
        breadth.share_above_average(LEVELS, window=50),
        (PRICES.rolling(50).mean() < PRICES).mean(axis=1).where(PRICES[0].rolling(50).count() == 50),
    ),
    "advance decline": (breadth.advance_decline(LEVELS, window=10), net().rolling(10).mean()),
    "new highs and lows": (
        breadth.new_highs_lows(LEVELS, window=30),
        ((PRICES.rolling(30).max() == PRICES) * 1.0 - (PRICES.rolling(30).min() == PRICES))
        .mean(axis=1)
        .where(PRICES[0].rolling(30).count() == 30),
    ),
}

TRUNCATED = {
    "exponential volatility": (
        volatilities.exponential_volatility(LEVELS),
        np.sqrt(252 * (RETURNS**2).ewm(alpha=0.06).mean()).where(RETURNS.expanding().count() >= 20),
    ),
    "time-series momentum": (
        technical.time_series_momentum(LEVELS, window=30),
        np.log(PRICES / PRICES.shift(252)) / np.sqrt(252 * (RETURNS**2).ewm(com=30).mean()),
    ),
    "strength index": (technical.strength_index(LEVELS), strength()),
    "exponential crossover": (
        1 + technical.exponential_crossover(LEVELS),
        (PRICES.ewm(com=15).mean() / PRICES.ewm(com=47).mean()).where(PRICES.expanding().count() >= 48),
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_measure_is_what_pandas_makes_of_its_formula(name):
    close(*EXACT[name])


@pytest.mark.parametrize("name", TRUNCATED)
def test_leaving_out_a_millionth_of_the_weight_costs_no_more_than_that(name):
    close(*TRUNCATED[name], rtol=2e-5, atol=1e-9)


def test_a_trend_is_the_t_statistic_of_a_regression():
    found = technical.trend(LEVELS[:, 0], window=60)
    for row in range(59, 900, 41):
        line = linregress(np.arange(60), np.log(LEVELS[row - 59 : row + 1, 0]))
        assert found[row] == pytest.approx(line.slope / line.stderr, rel=1e-7)
    straight = np.exp(0.001 * np.arange(100))
    np.testing.assert_allclose(technical.trend(straight, window=60)[59:], 100.0)
    np.testing.assert_array_equal(technical.trend(np.full(100, 7.0), window=60)[59:], 0.0)


def test_places_among_series_are_their_ranks():
    found = technical.cross_sectional_momentum(LEVELS, lookback=63, skip=0)
    place = PRICES.pct_change(63).rank(axis=1)
    close(found, (2 * place - 1) / 4 - 1)


def test_the_oscillator_is_two_exponential_means_of_net_advances():
    wanted = net()[1:].ewm(span=19).mean() - net()[1:].ewm(span=39).mean()
    np.testing.assert_allclose(breadth.mcclellan(LEVELS)[39:], wanted[38:], atol=1e-5)


def test_the_volatility_of_the_textbook():
    """J. C. Hull, Options, Futures and Other Derivatives: 21 closing prices, 19.3 % a year, 0.01216 a day."""
    prices = [20.0, 20.1, 19.9, 20.0, 20.5, 20.25, 20.9, 20.9, 20.9, 20.75, 20.75, 21.0, 21.1, 20.9, 20.9, 21.25]
    prices = np.array([*prices, 21.4, 21.4, 21.25, 21.75, 22.0])
    assert volatilities.realised_volatility(prices, window=20, year=1)[-1] == pytest.approx(0.01216, abs=5e-6)
    assert volatilities.realised_volatility(prices, window=20)[-1] == pytest.approx(0.193, abs=5e-4)


@pytest.mark.parametrize(("decay", "days"), [(0.94, 74), (0.97, 151)])
def test_the_days_of_riskmetrics(decay, days):
    """J.P. Morgan, RiskMetrics Technical Document (1996): days that hold 99 % of the weight, rounded down there."""
    assert windows.reach(decay, left=0.01) - 1 == days


def test_ranges_measure_the_volatility_of_a_random_walk():
    steps = np.cumsum(RNG.normal(0, 0.01 / np.sqrt(400), (500, 400)), axis=1)
    high, low = (np.exp(side(np.column_stack([np.zeros(500), steps]), axis=1)) for side in (np.max, np.min))
    found = volatilities.range_volatility(np.column_stack([high, low]), window=500, year=252)[-1]
    # 400 steps a day see a little less than the whole range; 500 days leave 2 % of noise.
    assert found == pytest.approx(0.01 * np.sqrt(252), rel=0.08)


def test_the_premium_is_implied_less_realised_variance():
    quotes = RNG.uniform(10, 40, 900)
    found = volatilities.volatility_premium(np.column_stack([quotes, LEVELS[:, 0]]))
    close(found, (quotes / 100) ** 2 - 252 * RETURNS[0].rolling(21).var(), rtol=1e-7)
    close(volatilities.implied_volatility(quotes), quotes / 100)


def test_regime_numbers_follow_the_percentile_of_volatility():
    found = volatilities.volatility_regime(LEVELS[:, 0], history=250)
    spread = RETURNS[0].rolling(21).std()
    for row in range(300, 900, 50):
        past = spread.iloc[row - 249 : row + 1].dropna()
        place = ((past < past.iloc[-1]).sum() + 0.5) / len(past)
        assert found[row] == int(place >= 0.5) + int(place >= 0.9)
    assert set(found[~np.isnan(found)]) == {0.0, 1.0, 2.0}


def test_members_that_say_nothing_are_not_counted():
    levels = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, np.nan]])
    np.testing.assert_array_equal(breadth.advance_decline(levels, window=1), [np.nan, 1.0, 1.0])
    np.testing.assert_array_equal(breadth.share_above_average(levels, window=2), [np.nan, 1.0, 1.0])
    assert np.isnan(breadth.advance_decline(np.full((3, 2), np.nan), window=1)).all()


def test_a_series_that_never_moves_has_no_strength_either_way():
    still = np.full(50, 3.0)
    assert technical.channel(still, window=5)[-1] == 0.0
    assert technical.strength_index(still)[-1] == 50.0
    assert breadth.new_highs_lows(np.column_stack([still, still]), window=5)[-1] == 0.0
    assert volatilities.realised_volatility(still)[-1] == 0.0


@pytest.mark.parametrize("measure", [technical.momentum, technical.trend, volatilities.realised_volatility])
def test_levels_that_are_not_positive_say_nothing(measure):
    levels = LEVELS[:, 0].copy()
    levels[300] = 0.0
    levels[600] = -5.0
    with np.errstate(all="raise", under="ignore"):
        found = measure(levels)
    assert np.isfinite(found[np.isfinite(found)]).all()
    assert not np.isinf(found).any()


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "momentum", "parameters": {"lookback": 20, "skip": 20}},
        {"kind": "crossover", "parameters": {"short": 200, "long": 50}},
        {"kind": "moving_average_gap", "parameters": {"window": 0}},
        {"kind": "realised_volatility", "parameters": {"window": 1}},
        {"kind": "exponential_volatility", "parameters": {"decay": 1.0}},
        {"kind": "volatility_regime", "parameters": {"calm": 0.9, "stressed": 0.5}},
    ],
)
def test_impossible_parameters_are_refused_when_the_signal_is_made(given):
    with pytest.raises(SignalError) as caught:
        Signal(name="s", series=("X",), **given)
    assert caught.value.code == "BAD_PARAMETER"
