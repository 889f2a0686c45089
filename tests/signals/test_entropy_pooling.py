"""Entropy pooling: a published die, the laws of the optimum, and what cannot hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from trimtab.errors import SignalError
from trimtab.signals.entropies import Posterior, divergence, effective_scenarios, fading_probabilities, reweigh

SIX = np.full(6, 1 / 6)
FACES = np.arange(1.0, 7.0)


def test_the_die_of_jaynes():
    # E. T. Jaynes, Brandeis lectures (1962): of all dice with mean 4.5, the one that says nothing else.
    published = [0.05435317, 0.07877155, 0.11415998, 0.16544680, 0.23977444, 0.34749407]
    assert reweigh(SIX, FACES, np.array([4.5])) == pytest.approx(published, abs=1e-8)


@given(st.integers(0, 10_000), st.floats(-0.8, 0.8), st.floats(-0.8, 0.8))
def test_views_hold_and_the_weights_are_exponential(seed, first, second):
    random = np.random.default_rng(seed)
    scenarios = random.standard_t(5, size=(400, 2))
    prior = random.uniform(0.5, 1.5, 400)
    prior /= prior.sum()
    inside = prior @ scenarios + np.array([first, second]) * 0.5
    equal = np.array([True, False])
    q = reweigh(prior, scenarios.T, inside, equal)
    got = q @ scenarios
    assert q.sum() == pytest.approx(1.0, abs=1e-12)
    assert got[0] == pytest.approx(inside[0], abs=1e-8)
    assert got[1] <= inside[1] + 1e-8
    # Kuhn and Tucker: ln(q/p) is affine in the values; an inequality with room to spare has no multiplier, and none <
    # 0.
    design = np.column_stack([np.ones(400), -scenarios])
    multipliers, *_ = np.linalg.lstsq(design, np.log(q / prior), rcond=None)
    assert np.abs(design @ multipliers - np.log(q / prior)).max() < 1e-8
    assert multipliers[2] > -1e-8
    assert multipliers[2] * (inside[1] - got[1]) == pytest.approx(0.0, abs=1e-8)


@given(st.integers(0, 100_000))
def test_views_that_some_probabilities_meet_are_met(seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 6))
    size = int(random.integers(count + 4, 300))
    values = random.standard_t(random.integers(2, 8), size=(count, size)) * 10 ** random.uniform(-4, 4, (count, 1))
    prior, witness = (random.dirichlet(np.full(size, each)) + 1e-9 for each in random.uniform(0.5, 3, 2))
    prior, witness = prior / prior.sum(), witness / witness.sum()
    equal = random.random(count) < 0.6
    bounds = values @ witness + np.where(equal, 0.0, values.std(axis=1) * random.uniform(0, 0.3, count))
    q = reweigh(prior, values, bounds, equal)
    missed = (values @ q - bounds) / np.sqrt(((values - (values @ prior)[:, None]) ** 2) @ prior)
    assert np.where(equal, np.abs(missed), missed).max() <= 1e-9
    assert divergence(q, prior) <= divergence(witness, prior) + 1e-9


def test_a_general_solver_finds_the_same():
    random = np.random.default_rng(3)
    scenarios, prior = random.normal(size=(30, 2)), np.full(30, 1 / 30)
    values, bounds = np.vstack([scenarios[:, 0], scenarios[:, 1] ** 2]), np.array([0.2, 0.7])
    q = reweigh(prior, values, bounds)
    other = minimize(
        lambda x: float(np.sum(x * np.log(x / prior))),
        prior,
        jac=lambda x: np.log(x / prior) + 1.0,
        method="SLSQP",
        bounds=[(1e-9, 1.0)] * 30,
        constraints=[
            {"type": "eq", "fun": lambda x: np.r_[x.sum() - 1.0, values @ x - bounds]},
        ],
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert other.success
    assert q == pytest.approx(other.x, abs=1e-6)
    assert divergence(q, prior) <= divergence(other.x, prior) + 1e-9


def test_a_view_that_holds_already_changes_nothing():
    assert reweigh(SIX, FACES, np.array([3.5])) == pytest.approx(SIX, abs=1e-14)
    assert reweigh(SIX, FACES, np.array([5.0]), np.array([False])) == pytest.approx(SIX, abs=1e-14)


def test_the_same_view_twice_counts_once():
    once = reweigh(SIX, FACES, np.array([4.5]))
    assert reweigh(SIX, np.vstack([FACES, FACES, 3 * FACES]), np.array([4.5, 4.5, 13.5])) == pytest.approx(
        once, abs=1e-10
    )


@pytest.mark.parametrize("mean", [0.9, 6.1, 70.0])
def test_a_mean_beyond_every_scenario_is_refused_by_name(mean):
    with pytest.raises(SignalError) as error:
        reweigh(SIX, FACES, np.array([mean]), names=["the die"])
    assert error.value.code == "INFEASIBLE"
    assert "the die" in str(error.value)


def test_only_those_that_conflict_are_named():
    values = np.vstack([FACES, FACES**2, (FACES == 1).astype(float)])
    with pytest.raises(SignalError) as error:
        reweigh(SIX, values, np.array([2.0, 30.0, 0.1]), names=["low", "wide", "ones"])
    assert error.value.value == "low, wide"  # a mean of 2 leaves E[x^2] at most 1 + 7 = 8


def test_priors_that_are_none():
    for prior in (np.zeros(6), np.full(6, 0.2), np.array([0.5, 0.5, 0, 0, 0, 0])):
        with pytest.raises(SignalError, match="prior"):
            reweigh(prior, FACES, np.array([4.5]))
    with pytest.raises(SignalError):
        reweigh(SIX, FACES * np.nan, np.array([4.5]))


def test_how_much_of_the_scenarios_is_left():
    q = reweigh(SIX, FACES, np.array([4.5]))
    posterior = Posterior(FACES[:, None], SIX, q, ("die",))
    assert posterior.effective == pytest.approx(np.exp(-np.sum(q * np.log(q))))
    assert posterior.kept == pytest.approx(posterior.effective / 6)  # so for a flat prior
    assert effective_scenarios(np.array([1.0, 0.0])) == pytest.approx(1.0)
    assert posterior.mean == pytest.approx([4.5])
    assert posterior.covariance[0, 0] == pytest.approx(q @ (FACES - 4.5) ** 2)


def test_priors_fade():
    weights = fading_probabilities(100, 10.0)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-1] / weights[-11] == pytest.approx(2.0)
