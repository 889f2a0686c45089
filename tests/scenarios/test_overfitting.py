"""Deflated Sharpe ratios and overfitting against the papers' worked values, brute force, and planted skill."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from trimtab.errors import InputError
from trimtab.scenarios.overfitting import (
    best_of_chance,
    deflated_sharpe,
    probabilistic_sharpe,
    probability_of_overfitting,
)


def test_the_example_of_the_deflated_sharpe_ratio():
    """Bailey and Lopez de Prado (2014), the numerical example: 100 trials, 2.5 a year over five years of days."""
    assert best_of_chance(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    told = lambda trials: deflated_sharpe(2.5 / 250**0.5, 1250, trials, 0.5 / 250, skew=-3, kurtosis=10)  # noqa: E731
    assert told(100) == pytest.approx(0.9004, abs=5e-5)
    assert told(46) == pytest.approx(0.9505, abs=5e-5)
    normal = deflated_sharpe(2.5 / 250**0.5, 1250, 88, 0.5 / 250)
    assert normal == pytest.approx(0.9505, abs=5e-5)


def test_the_best_of_chance_is_what_chance_does():
    rng = np.random.default_rng(3)
    for trials in (10, 200):
        best = rng.standard_normal((20_000, trials)).max(1).mean()
        assert best_of_chance(trials, 1.0) == pytest.approx(best, rel=0.03)
    assert best_of_chance(1, 1.0) == 0.0


def test_the_probabilistic_sharpe_ratio_covers():
    """Of histories whose true Sharpe ratio is zero, so many as it says lie above each level."""
    rng = np.random.default_rng(5)
    histories = rng.normal(0, 0.01, (4000, 120))
    told = [probabilistic_sharpe(h.mean() / h.std(), 120) for h in histories]
    assert np.mean(np.array(told) > 0.95) == pytest.approx(0.05, abs=0.015)


def test_the_probability_of_overfitting_is_brute_force():
    rng = np.random.default_rng(11)
    returns = rng.normal(0.0003, 0.01, (66, 7))
    cuts = np.array_split(np.arange(66), 6)
    logits = []
    for own in combinations(range(6), 3):
        inside = np.concatenate([cuts[i] for i in own])
        outside = np.setdiff1d(np.arange(66), inside)
        first, second = (returns[x].mean(0) / returns[x].std(0, ddof=1) for x in (inside, outside))
        rank = (second < second[first.argmax()]).sum() + 1
        logits.append(np.log(rank / (8 - rank)))
    found = probability_of_overfitting(returns, blocks=6)
    np.testing.assert_allclose(found.logits, logits, atol=1e-12)
    assert found.probability == np.mean(np.array(logits) <= 0)
    by_hand = probability_of_overfitting(returns, blocks=6, statistic=lambda r: r.mean(0) / r.std(0, ddof=1))
    np.testing.assert_allclose(by_hand.logits, found.logits, atol=1e-12)


def test_noise_is_overfitted_and_skill_is_not():
    rng = np.random.default_rng(2)
    noise = [probability_of_overfitting(rng.normal(0, 0.01, (240, 20)), blocks=8).probability for _ in range(30)]
    assert 0.35 < np.mean(noise) < 0.75
    skilled = rng.normal(0, 0.01, (240, 20))
    skilled[:, 4] += 0.005
    assert probability_of_overfitting(skilled, blocks=8).probability < 0.05


def test_a_rule_that_copies_another_changes_nothing_but_the_count():
    rng = np.random.default_rng(9)
    returns = rng.normal(0, 0.01, (120, 4))
    found = probability_of_overfitting(np.hstack([returns, returns]), blocks=6)
    single = probability_of_overfitting(returns, blocks=6)
    assert found.probability == single.probability


@pytest.mark.parametrize(("shape", "blocks"), [((100, 1), 4), ((100, 3), 5), ((7, 3), 4)])
def test_what_is_refused(shape, blocks):
    with pytest.raises(InputError) as caught:
        probability_of_overfitting(np.zeros(shape), blocks=blocks)
    assert caught.value.code == "BAD_TRIALS"


def test_moments_that_cannot_be_are_refused():
    with pytest.raises(InputError):
        probabilistic_sharpe(2.0, 100, skew=5.0, kurtosis=3.0)
