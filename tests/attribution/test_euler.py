"""Contributions sum to what they are contributions to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.attribution import contributions, realised_contributions
from trimtab.models import Risk, Universe


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_parts_sum_to_volatility_and_tracking_error(seed, n):
    rng = np.random.default_rng(seed)
    names = [f"a{i}" for i in range(n)]
    universe = Universe(tuple(names), ("equity",) * n)
    factor = rng.normal(0, 0.1, (n, n))
    sigma = factor @ factor.T + 1e-4 * np.eye(n)
    risk = Risk.from_covariance(pd.DataFrame(sigma, names, names), universe)
    weights, strategic = (pd.Series([*rng.dirichlet(np.ones(n)), 0.0], [*names, "CASH"]) for _ in "wb")
    found = contributions(weights, risk, strategic)
    w, a = weights.to_numpy()[:-1], (weights - strategic).to_numpy()[:-1]
    assert np.isclose(found["volatility"].sum(), np.sqrt(w @ sigma @ w), rtol=1e-9)
    assert np.isclose(found["tracking_error"].sum(), np.sqrt(a @ sigma @ a), rtol=1e-9)
    # The marginal contribution is the slope of volatility in the weight.
    step = 1e-6 * np.eye(n)[0]
    slope = (np.sqrt((w + step) @ sigma @ (w + step)) - np.sqrt((w - step) @ sigma @ (w - step))) / 2e-6
    assert np.isclose(found["volatility"].iloc[0], w[0] * slope, rtol=1e-5, atol=1e-10)


def test_at_the_benchmark_nothing_contributes():
    universe = Universe(("a", "b"), ("equity", "bonds"))
    risk = Risk.from_covariance(pd.DataFrame(np.diag([0.04, 0.01]), ["a", "b"], ["a", "b"]), universe)
    weights = pd.Series([0.6, 0.4, 0.0], ["a", "b", "CASH"])
    assert (contributions(weights, risk, weights)["tracking_error"] == 0).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_realised_parts_sum_to_realised_volatility(seed):
    rng = np.random.default_rng(seed)
    parts = pd.DataFrame(rng.normal(0, 0.01, (24, 4)), columns=list("abcd"))
    found = realised_contributions(parts, periods_per_year=12)
    assert np.isclose(found.sum(), parts.sum(axis=1).std() * np.sqrt(12), rtol=1e-12)
