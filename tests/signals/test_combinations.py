"""Combining: copies count once, chance shrinks to equal, and pools of experts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from trimtab.errors import SignalError
from trimtab.signals.blends import blend
from trimtab.signals.combinations import (
    combined_coefficient,
    combined_score,
    distinct_weights,
    inverse_variance_worth,
    linear_pool,
    logarithmic_pool,
    pool_normals,
    score_correlation,
    shrink_coefficients,
    stated_worth,
)
from trimtab.signals.convictions import (
    Conviction,
    agreement,
    confidence,
    conviction,
    recency,
    strength,
    told,
    track_record,
)
from trimtab.signals.diagnostics import Skill
from trimtab.signals.evidences import Evidence
from trimtab.signals.tracks import PENDING


def history(seed: int, count: int, rows: int = 300) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(rows, count)) @ random.normal(size=(count, count)) / np.sqrt(count)


@given(st.integers(0, 10_000), st.sampled_from(["equal", "inverse_variance", "ic"]), st.booleans())
def test_a_copy_of_a_signal_changes_nothing(seed, scheme, is_short):
    scores = history(seed, 3, 20 if is_short else 300)
    gains = scores @ np.array([0.02, 0.01, 0.0]) + np.random.default_rng(seed).normal(0, 0.05, len(scores))
    days = np.arange(len(scores))

    def combined(columns):
        evidence = Evidence(days, scores[:, columns], gains, days + 4)
        made = blend(evidence, len(scores), scheme=scheme, prior=0.05, horizon_days=28)
        return made.score(scores[-1, columns])

    # Coefficients are shrunk by how far all differ, so a copy is a voice there: the law is that of the other schemes,
    # and of coefficients that are given.
    if scheme == "ic":
        worth, alike = np.array([0.05, 0.02, 0.04]), score_correlation(scores)
        twice = [0, 1, 2, 0]
        once = combined_score(scores[-1], distinct_weights(worth, alike), alike)
        wide = alike[np.ix_(twice, twice)]
        again = combined_score(scores[-1, twice], distinct_weights(worth[twice], wide), wide)
    else:
        once, again = combined([0, 1, 2]), combined([0, 1, 2, 0])
    assert again == pytest.approx(once, abs=1e-5)


@given(st.integers(0, 10_000))
def test_weights_are_the_optimum_that_they_claim(seed):
    alike = score_correlation(history(seed, 4))
    worth = np.random.default_rng(seed).uniform(0, 1, 4)
    weights = distinct_weights(worth, alike)
    other = minimize(
        lambda w: w @ alike @ w / 2 - worth @ w,
        np.ones(4),
        jac=lambda w: alike @ w - worth,
        bounds=[(0, None)] * 4,
        options={"ftol": 1e-15, "gtol": 1e-12},
    )
    assert weights @ alike @ weights / 2 - worth @ weights <= other.fun + 1e-9
    assert (weights >= 0).all()
    if (np.linalg.solve(alike, worth) > 0).all():  # then it is the refined forecast of Grinold and Kahn
        assert weights == pytest.approx(np.linalg.solve(alike, worth), rel=1e-4, abs=1e-6)
        best = np.sqrt(worth @ np.linalg.solve(alike, worth))
        assert combined_coefficient(worth, weights, alike) == pytest.approx(best, rel=1e-6)


def test_independent_signals_that_agree_say_more():
    one = combined_score(np.ones(4), distinct_weights(np.ones(4), np.eye(4)), np.eye(4))
    assert one == pytest.approx(2.0)
    alike = 0.9 * np.ones((4, 4)) + 0.1 * np.eye(4)
    assert combined_score(np.ones(4), distinct_weights(np.ones(4), alike), alike) == pytest.approx(1.04, abs=0.01)


def test_correlation_is_earned():
    sets = np.random.default_rng(1).normal(size=(40, 1200, 2))
    assert score_correlation(sets[0, :2])[0, 1] == 1.0
    off = [np.mean([score_correlation(each[:n])[0, 1] for each in sets]) for n in (12, 120, 1200)]
    assert off == pytest.approx([24 / 36, 24 / 144, 24 / 1224], abs=0.06)
    scores = sets[0]
    scores[5, 0] = np.nan
    both = np.isfinite(scores).all(axis=1)
    raw = np.corrcoef(scores[both].T)[0, 1]
    assert score_correlation(scores)[0, 1] == pytest.approx((1199 * raw + 24) / 1223)
    steady = np.column_stack([np.ones(50), scores[100:150, 1], np.ones(50)])
    assert score_correlation(steady)[0, 2] == 1.0


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_coefficients_shrink_towards_what_one_expects(count, seed):
    random = np.random.default_rng(seed)
    measured, counts = random.normal(0.05, 0.1, count), random.integers(5, 500, count)
    shrunk = shrink_coefficients(measured, counts, 0.05)
    low, high = np.minimum(measured, 0.05), np.maximum(measured, 0.05)
    assert np.all((shrunk >= np.maximum(low, 0) - 1e-15) & (shrunk <= high + 1e-15))


def test_shrinkage_beats_the_measured_on_average():
    # James and Stein: the total squared error of many means falls. 200 sets of 8 signals, 60 forecasts each.
    random = np.random.default_rng(9)
    true = random.normal(0.05, 0.06, size=(200, 8))
    measured = true + random.normal(0, 1 / np.sqrt(60), size=true.shape)
    shrunk = np.array([shrink_coefficients(row, np.full(8, 60), 0.05) for row in measured])
    assert np.mean((shrunk - true) ** 2) < 0.5 * np.mean((measured - true) ** 2)
    assert shrink_coefficients(np.array([np.nan, 0.2]), np.array([0, 0]), 0.03) == pytest.approx([0.03, 0.03])


def test_stated_weights():
    assert stated_worth({"b": 1, "a": 3}, ("a", "b")) == pytest.approx([0.75, 0.25])
    for wrong in ({"c": 1}, {"a": -1}, {"a": 0}, {"a": float("nan")}):
        with pytest.raises(SignalError) as error:
            stated_worth(wrong, ("a", "b"))
        assert error.value.code == "BAD_WEIGHT"
    assert inverse_variance_worth(np.full((0, 3), np.nan)) == pytest.approx([1 / 3] * 3)


def test_signals_that_are_silent_leave_the_others():
    evidence = Evidence(np.arange(300), history(2, 3), np.full(300, np.nan), np.full(300, PENDING))
    made = blend(evidence, 300, scheme="equal", prior=0.05, horizon_days=28)
    two = blend(
        Evidence(np.arange(300), evidence.scores[:, :2], evidence.gains, evidence.ended),
        300,
        scheme="equal",
        prior=0.05,
        horizon_days=28,
    )
    assert made.score(np.array([1.0, -0.3, np.nan])) == pytest.approx(two.score(np.array([1.0, -0.3])), abs=1e-9)
    assert np.isnan(made.score(np.full(3, np.nan)))


@given(st.integers(0, 10_000))
def test_pools(seed):
    random = np.random.default_rng(seed)
    p, w = random.dirichlet(np.ones(5), size=3), random.uniform(0.1, 1, 3)
    w /= w.sum()
    linear, logarithmic = linear_pool(p, w), logarithmic_pool(p, w)
    assert linear.sum() == pytest.approx(1.0)
    # Each pool is nearest to the experts in its own direction of relative entropy (Abbas, 2009).
    for pool, other in ((linear, logarithmic), (logarithmic, linear)):

        def cost(q, forward=pool is linear):
            return sum(
                k * np.sum(e * np.log(e / q) if forward else q * np.log(q / e)) for k, e in zip(w, p, strict=True)
            )

        assert cost(pool) <= cost(other) + 1e-12
    same = np.vstack([p[0], p[0]])
    for pool in (linear_pool, logarithmic_pool):
        assert pool(same) == pytest.approx(p[0])  # an expert twice is that expert


def test_pools_of_normals_are_their_moments():
    means, variances, w = np.array([0.02, -0.01]), np.array([0.01, 0.04]), np.array([0.7, 0.3])
    grid = np.linspace(-2, 2, 40001)
    densities = np.exp(-((grid - means[:, None]) ** 2) / (2 * variances[:, None]))
    densities /= densities.sum(axis=1, keepdims=True)
    for how, pool in (("linear", linear_pool), ("logarithmic", logarithmic_pool)):
        q = pool(densities, w)
        mean = q @ grid
        assert pool_normals(means, variances, w, how) == pytest.approx((mean, q @ (grid - mean) ** 2), rel=1e-6)
    assert pool_normals(means, np.array([0.0, 0.04])) == (0.02, 0.0)
    with pytest.raises(SignalError):
        pool_normals(means, variances, how="median")
    with pytest.raises(SignalError):
        linear_pool(np.eye(2), np.array([1.0, -1.0]))
    with pytest.raises(SignalError, match="rule out"):
        logarithmic_pool(np.eye(2))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=4))
def test_conviction_is_the_geometric_mean(parts):
    value = conviction(*parts)
    assert min(parts) - 1e-12 <= value <= max(parts) + 1e-12
    assert value ** len(parts) == pytest.approx(np.prod(parts), abs=1e-12)
    assert (confidence(value) is None) == (value == 0)


def test_the_parts_of_conviction():
    assert strength(1.959964) == pytest.approx(0.95, abs=1e-6)
    assert agreement(np.array([2.0, 1.0]), np.array([0.5, 0.5])) == 1.0
    assert agreement(np.zeros(2), np.ones(2)) == 0.0
    assert recency(np.array([90.0]), np.array([1.0]), 90.0) == 0.5
    assert track_record(Skill(0.1, 1.96, 50)) == pytest.approx(0.975, abs=1e-4)
    assert track_record(Skill(-0.1, -3.0, 50)) < 0.01
    assert track_record(Skill(float("nan"), float("nan"), 0)) == 0.5
    assert "track record 60%" in told(Conviction("x", 1.0, 0.7, 1.0, 1.0, 0.6, 0.8))
    with pytest.raises(ValueError, match="between 0 and 1"):
        conviction(1.2, 1.0, 1.0)
