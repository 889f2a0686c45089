"""Diagnostics: against statsmodels and scipy, and what they must be by definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trimtab.signals.diagnostics import (
    correlation,
    cross_sectional_coefficients,
    decay,
    diagnose,
    forward_gains,
    hit_rate,
    information_coefficient,
    mean_coefficient,
    newey_west_lags,
    one_way_turnover,
)


def pairs(seed: int, rows: int = 150) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = np.convolve(random.normal(size=rows + 3), np.ones(4) / 2, "valid")
    return x, 0.3 * x + np.convolve(random.normal(size=rows + 5), np.ones(6) / 2.5, "valid")


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_newey_west_is_that_of_statsmodels(seed, lags):
    api = pytest.importorskip("statsmodels.api")
    x, y = pairs(seed)
    zx, zy = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    kwds = {"maxlags": lags, "use_correction": False}
    theirs = api.OLS(zy, api.add_constant(zx)).fit(cov_type="HAC", cov_kwds=kwds)
    ours = information_coefficient(x, y, how="linear", lags=lags)
    assert ours.coefficient == pytest.approx(theirs.params[1], rel=1e-10)
    assert ours.t == pytest.approx(theirs.tvalues[1], rel=1e-8)
    mean = api.OLS(y, np.ones(len(y))).fit(cov_type="HAC", cov_kwds=kwds)
    assert mean_coefficient(y, lags=lags).t == pytest.approx(mean.tvalues[0], rel=1e-8)


@given(st.integers(0, 10_000))
def test_correlations_are_those_of_scipy(seed):
    x, y = pairs(seed, 40)
    x, y = np.round(x, 1), np.round(y, 1)  # ties
    assert correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert correlation(x, y, "linear") == pytest.approx(stats.pearsonr(x, y).statistic)
    holes = x.copy()
    holes[::7] = np.nan
    kept = np.isfinite(holes)
    assert correlation(holes, y) == pytest.approx(stats.spearmanr(x[kept], y[kept]).statistic)
    assert information_coefficient(holes, y).count == kept.sum()


def test_overlap_costs_significance():
    # A forecast of 12 rows made on each row: treating them as independent overstates what is known.
    random = np.random.default_rng(3)
    ts = {1: [], 12: []}
    for _ in range(150):
        levels = 100 * np.exp(np.cumsum(random.normal(0, 0.04, 240)))
        score = np.cumsum(random.normal(size=240))
        for horizon, found in ts.items():
            found.append(information_coefficient(score, forward_gains(levels, 12), horizon=horizon).t)
    naive, honest = (np.mean(np.abs(ts[h]) > 1.96) for h in (1, 12))
    assert honest < naive
    assert newey_west_lags(240, 12) == 11
    assert newey_west_lags(5, 30) == 4


def test_gains_forward():
    levels = np.array([[100.0, 50.0], [110.0, 40.0], [121.0, 60.0]])
    gains = forward_gains(levels, 2)
    assert gains[0] == pytest.approx([0.21, 0.2])
    assert np.isnan(gains[1:]).all()
    assert np.isnan(forward_gains(levels, 3)).all()


def test_what_cannot_be_measured_is_not_a_number():
    flat, few = np.ones(10), np.array([1.0, 2.0])
    assert np.isnan(correlation(flat, np.arange(10.0)))
    assert information_coefficient(few, few).count == 2
    assert np.isnan(information_coefficient(few, few).t)
    assert np.isnan(mean_coefficient(few).coefficient)
    assert np.isnan(hit_rate(np.zeros(3), np.ones(3)))
    assert np.isnan(one_way_turnover(np.zeros(3)))


def test_hits_turnover_and_sections():
    assert hit_rate(np.array([1.0, -2, 3, np.nan]), np.array([0.1, -0.1, -0.1, 1.0])) == pytest.approx(2 / 3)
    assert one_way_turnover(np.array([[1.0, -1.0], [-1.0, 1.0], [1.0, -1.0]])) == 1.0
    assert one_way_turnover(np.array([1.0, 1.0, 0.5])) == pytest.approx(0.25 / 1.5)
    random = np.random.default_rng(0)
    scores = random.normal(size=(60, 20))
    gains = 0.2 * scores + random.normal(size=(60, 20))
    each = cross_sectional_coefficients(scores, gains)
    assert each[7] == pytest.approx(stats.spearmanr(scores[7], gains[7]).statistic)
    assert mean_coefficient(each).t > 3


def test_decay_and_the_table():
    random = np.random.default_rng(6)
    score = random.normal(size=600)
    move = np.r_[0.0, 0.01 * score[:-1]] + random.normal(0, 0.01, 600)  # it speaks of the next row and no other
    levels = 100 * np.exp(np.cumsum(move))
    fading = decay(score, levels, (1, 4, 16))
    assert list(fading["coefficient"]) == sorted(fading["coefficient"], reverse=True)
    assert fading["t"].iloc[0] > 5
    assert list(fading["count"]) == [599, 596, 584]
    table = diagnose(pd.DataFrame({"good": score, "noise": random.normal(size=600)}), forward_gains(levels, 1))
    assert table.loc["good", "rank_t"] > 5 > abs(table.loc["noise", "rank_t"])
    assert table.loc["good", "hit_rate"] > 0.6
