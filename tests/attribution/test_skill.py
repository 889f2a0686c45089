"""Planted skill is found, planted noise is not, at stated rates; figures are those of their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.attributions import noise
from trimtab.attribution.skill import (
    cost_of_limits,
    independent_bets,
    judge_sources,
    mean_interval,
    transfer_coefficient,
)
from trimtab.errors import InputError
from trimtab.models import Risk, Universe


def verdicts(kind, ratio=0.0, *, simulations=1000, periods=120):
    """Judge histories of monthly gains with an annual information ratio: 1 skill, -1 its opposite, 0 open."""
    drawn = noise(kind, np.random.default_rng(17), simulations, periods)
    gains = drawn / drawn.std() + ratio / np.sqrt(12)
    bounds = [mean_interval(x, draws=200, seed=seed) for seed, x in enumerate(gains)]
    return np.array([int(bound.low > 0) - int(bound.high < 0) for bound in bounds])


@pytest.mark.parametrize(("kind", "periods"), [("normal", 60), ("normal", 120), ("clustered", 120)])
def test_planted_noise_is_called_skill_no_more_often_than_said(kind, periods):
    """A 90 % interval may say skill of noise in 5 % of histories; in 1,000 of them two deviations are 0.0135."""
    said = verdicts(kind, periods=periods)
    assert (said > 0).mean() < 0.0635
    assert (said < 0).mean() < 0.0635


def test_planted_skill_is_found():
    """Ten years at an information ratio of 1: the mean stands sqrt(10) = 3.2 errors from zero."""
    assert (verdicts("normal", 1.0) > 0).mean() > 0.85


def test_memory_widens_the_interval():
    """What lingers for two months is counted once; a t of independent months says skill of it in one case of ten."""
    said, drawn = verdicts("lingering"), noise("lingering", np.random.default_rng(17), 1000, 120)
    naive = drawn.mean(1) / drawn.std(1, ddof=1) * np.sqrt(120)
    assert (said > 0).mean() < 0.0635
    assert (naive > 1.645).mean() > 0.09


def test_few_periods_that_count_do_not_make_an_interval_without_end():
    """A limit that held something back in three months of ten years: resampled errors vanish, and say nothing."""
    rare = np.zeros(120)
    rare[[10, 50, 51]] = 0.01, -0.004, 0.003
    found = mean_interval(rare, draws=500)
    assert abs(found.low) < 0.005
    assert abs(found.high) < 0.005


def test_a_hurdle_is_what_has_to_be_beaten():
    rng = np.random.default_rng(1)
    gains = pd.DataFrame({"ES": 0.01 + 0.004 * rng.normal(size=120)})
    found = lambda hurdle: judge_sources(  # noqa: E731
        gains, periods_per_year=12, hurdles={"ES": hurdle}, draws=300
    ).loc["ES"]
    assert (found(0.0)["verdict"], found(0.12)["verdict"], found(0.24)["verdict"]) == ("skill", "open", "none")
    assert found(0.06)["gain"] == pytest.approx(12 * gains["ES"].mean(), rel=1e-12)
    with pytest.raises(InputError, match="no source"):
        judge_sources(gains, periods_per_year=12, hurdles={"SE": 0.1})


def test_figures_are_those_of_their_definitions():
    gains = pd.DataFrame({"a": [0.02, -0.01, 0.0, 0.02] * 12, "b": 0.0})
    row = judge_sources(gains, periods_per_year=12, draws=100).loc["a"]
    active = gains.loc[gains["a"] != 0, "a"]
    assert row["periods"] == 36
    assert row["hit_rate"] == pytest.approx(2 / 3)
    assert row["slugging"] == pytest.approx(2.0)
    assert row["information_ratio"] == pytest.approx(active.mean() / active.std() * np.sqrt(12))
    silent = judge_sources(gains, periods_per_year=12, draws=100).loc["b"]
    assert silent["verdict"] == "open"
    assert np.isnan(silent["gain"])


def test_bets_are_counted_once():
    rng = np.random.default_rng(2)
    own = pd.DataFrame(rng.normal(size=(20_000, 4)))
    assert independent_bets(own) == pytest.approx(4.0, abs=0.01)
    assert independent_bets(pd.concat([own, own], axis=1)) == pytest.approx(4.0, abs=0.01)


def test_forecasts_come_through_whole_where_nothing_is_in_the_way():
    universe = Universe(("A", "B", "C"), ("equity", "bonds", "gold"))
    sigma = np.array([[0.04, 0.01, 0.0], [0.01, 0.01, 0.0], [0.0, 0.0, 0.09]])
    risk = Risk.from_covariance(pd.DataFrame(sigma, list("ABC"), list("ABC")), universe)
    names = list(universe.assets)
    alpha = pd.Series([0.02, -0.01, 0.01, 0.0], names)
    free = pd.Series([*np.linalg.solve(sigma, alpha.to_numpy()[:3]), 0.0], names)
    assert transfer_coefficient(0.1 * free, alpha, risk) == pytest.approx(1.0, abs=1e-12)
    assert 0.0 < transfer_coefficient(0.1 * free.clip(lower=0.0), alpha, risk) < 1.0
    assert transfer_coefficient(-free, alpha, risk) == pytest.approx(-1.0, abs=1e-12)


def test_what_limits_cost_is_what_was_lost_by_them():
    from trimtab.attribution import attribute, chain

    rng = np.random.default_rng(4)
    index = pd.date_range("2010-01-31", periods=96, freq="ME")
    frame = lambda x: pd.DataFrame(np.broadcast_to(x, (96, 2)), index, ["EQ", "CASH"])  # noqa: E731
    moves = np.stack([rng.normal(0.01, 0.005, 96), np.zeros(96)], 1)
    stages = {"strategic": frame([0.5, 0.5]), "tactical": frame([0.7, 0.3]), "decided": frame([0.7, 0.3])}
    made = chain(
        "one", {**stages, "held": frame([0.6, 0.4])}, frame(moves), holds={"held back by cap": frame([-0.1, 0.1])}
    )
    row = cost_of_limits(attribute(made), periods_per_year=12, draws=200).loc["held back by cap"]
    assert row["cost_bp"] == pytest.approx(1e4 * 0.1 * 12 * moves[:, 0].mean(), rel=1e-9)
    assert 0 < row["low"] < row["cost_bp"] < row["high"]
