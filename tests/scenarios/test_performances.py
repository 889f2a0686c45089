"""Figures of a history against their definitions; intervals that cover as they say; splits that do not leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import InputError
from trimtab.scenarios.bootstraps import bootstrap, resample
from trimtab.scenarios.performances import annual_return, drawdown, hit_rate, judge, sharpe
from trimtab.scenarios.splits import purged_folds, walk_forward


def test_the_figures_are_their_definitions():
    rng = np.random.default_rng(1)
    index = pd.period_range("2000-01", periods=120, freq="M")
    own, base = (pd.Series(rng.normal(0.006, 0.03, 120), index) for _ in "pb")
    found = judge(own, benchmark=base, cash=0.001, periods_per_year=12, draws=50)["value"]
    assert found["return"] == pytest.approx((1 + own).prod() ** (12 / 120) - 1)
    assert found["volatility"] == pytest.approx(own.std() * 12**0.5)
    assert found["sharpe"] == pytest.approx((own - 0.001).mean() / own.std() * 12**0.5)
    wealth = pd.concat([pd.Series([1.0]), (1 + own).cumprod()])
    assert found["drawdown"] == pytest.approx((1 - wealth / wealth.cummax()).max())
    assert found["tracking_error"] == pytest.approx((own - base).std() * 12**0.5)
    assert found["information_ratio"] == pytest.approx((own - base).mean() / (own - base).std() * 12**0.5)
    assert found["hit_rate"] == pytest.approx((own > base).mean())
    assert found["excess"] == pytest.approx(found["return"] - ((1 + base).prod() ** 0.1 - 1))


def test_a_total_loss_a_flat_history_and_no_benchmark():
    assert annual_return(np.array([0.5, -1.0, 0.2]), 12) == -1.0
    assert np.isnan(sharpe(np.full(10, 0.01), 12))
    assert np.isnan(hit_rate(np.zeros(5)))
    assert drawdown(np.array([0.1, 0.2])) == 0.0
    assert "excess" not in judge(pd.Series([0.1, 0.0, 0.2]), periods_per_year=12, draws=20).index


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(4)
    inside = 0
    for k in range(200):
        found = bootstrap(rng.normal(0.01, 0.05, 150), lambda h: h.mean(-1), draws=300, level=0.9, length=1, seed=k)
        inside += found.low <= 0.01 <= found.high
    assert 0.83 <= inside / 200 <= 0.96


def test_blocks_keep_what_follows_what():
    """A slow series resampled in long blocks keeps its persistence; one by one it loses it."""
    rng = np.random.default_rng(8)
    slow = np.zeros(600)
    for t in range(1, 600):
        slow[t] = 0.9 * slow[t - 1] + rng.normal()
    lag = lambda h: float(np.mean([np.corrcoef(x[1:], x[:-1])[0, 1] for x in h]))  # noqa: E731
    assert lag(slow[resample(600, 40, length=50, seed=1)]) > 0.8
    assert abs(lag(slow[resample(600, 40, length=1, seed=1)])) < 0.1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.integers(1, 5), st.floats(1, 30), st.integers(0, 10))
def test_resampled_rows_are_blocks(periods, draws, length, seed):
    rows = resample(periods, draws, length=length, seed=seed)
    assert rows.shape == (draws, periods)
    assert ((rows >= 0) & (rows < periods)).all()
    np.testing.assert_array_equal(rows, resample(periods, draws, length=length, seed=seed))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(5, 80), st.integers(1, 20), st.integers(1, 10), st.integers(0, 5), st.booleans(), st.integers(2, 5)
)  # fmt: skip
def test_no_period_judges_what_was_chosen_on_it(periods, train, test, purge, expanding, folds):
    train, test, purge = min(train, periods), min(test, periods), min(purge, periods)
    judged = []
    for split in walk_forward(periods, train=train, test=test, purge=purge, expanding=expanding):
        assert split.train.max() + purge < split.test.min()
        judged.extend(split.test.tolist())
    assert len(set(judged)) == len(judged)
    whole = []
    for split in purged_folds(periods, folds=folds, purge=purge, embargo=1):
        if len(split.train):
            gap = np.abs(split.train[:, None] - split.test[None, :]).min()
            assert gap > purge
        whole.extend(split.test.tolist())
    assert sorted(whole) == list(range(periods))


def test_what_is_refused():
    good = pd.Series([0.1, 0.0, 0.2, 0.1])
    with pytest.raises(InputError, match="gap"):
        judge(pd.Series([0.1, np.nan, 0.2]), periods_per_year=12)
    with pytest.raises(InputError, match="other periods"):
        judge(good, benchmark=good.iloc[:3], periods_per_year=12)
    with pytest.raises(InputError, match="purge"):
        list(walk_forward(10, train=3, test=2, purge=-1))
    with pytest.raises(InputError):
        resample(10, 5, length=0.5)
