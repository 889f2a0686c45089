"""The lower bound is below the truth for any prices of the right sign, and nothing that is no number passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.optimizer import Outcome, solve, state
from trimtab.optimizer.answers import Multipliers
from trimtab.optimizer.certificates import CERTIFIED_TE, NO_CERTIFICATE, RESIDUAL, Certificate, certify, lower_bound
from trimtab.optimizer.engines import ask

NAN, INF = float("nan"), float("inf")


def _random_prices(rng, p):
    scale = p.scale * 10.0 ** rng.uniform(-6, 2)

    def some(size):
        return np.abs(rng.normal(size=size)) * (rng.random(size) < 0.6) * scale

    sign = np.where(np.isfinite(p.rows_hi) & (~np.isfinite(p.rows_lo) | (rng.random(len(p.rows)) < 0.5)), 1.0, -1.0)
    return Multipliers(rng.normal() * scale, some(len(p.rows)) * sign, some(len(p.most)), some(len(p.ball_most)))


def _random_point(rng, p, ideal):
    near = ideal + rng.normal(size=len(ideal)) * 10.0 ** rng.uniform(-6, -0.5)
    return rng.choice([0, 1]) * ideal + 0.0 if rng.random() < 0.1 else near


@pytest.mark.parametrize("seed", range(60))
def test_the_lower_bound_is_below_the_optimum_for_any_prices(draws, seed):
    d = draws.draw(seed)
    problem = state(d.policy, d.market)
    solution = solve(problem, d.account, d.belief)
    if solution.outcome is not Outcome.OPTIMAL:
        pytest.skip("this mandate cannot be met")
    p, rng = solution.case.program, np.random.default_rng(seed)
    least = -p.utility(solution.ideal)
    for _ in range(40):
        y = _random_prices(rng, p)
        charged = solution.certificate.residual * (
            np.abs(y.rows).sum() + y.trades.sum() + y.balls.sum() + abs(y.budget)
        )
        rounding = 1e-12 * (p.scale + abs(y.budget) + np.abs(y.rows).sum() + y.trades.sum() + y.balls.sum())
        assert lower_bound(p, _random_point(rng, p, solution.ideal), y) <= least + charged + rounding


@pytest.mark.parametrize("seed", range(40))
def test_the_gap_bounds_what_a_better_answer_could_gain(draws, seed):
    """A feasible point that is not optimal: its certificate admits at least the utility and the distance it lacks."""
    d = draws.draw(seed)
    problem = state(d.policy, d.market)
    solution = solve(problem, d.account, d.belief)
    if solution.outcome is not Outcome.OPTIMAL:
        pytest.skip("this mandate cannot be met")
    p = solution.case.program
    true = ask(p, problem.statement(p))
    assert certify(p, true.weights, true.multipliers).certified_te <= CERTIFIED_TE
    if p.violations(p.current).max() > 0 or np.abs(p.current - true.weights).max() < 1e-6:
        return  # nowhere feasible to go to
    for step in (1e-4, 1e-2, 0.5, 1.0):
        x = true.weights + step * (p.current - true.weights)
        said = certify(p, x, true.multipliers)
        assert said.gap >= p.utility(true.weights) - p.utility(x) - 1e-15
        assert said.certified_te >= p.risk.volatility(x - true.weights) - 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_prices_are_what_more_room_would_add(draws, seed):
    """The multiplier of each priced constraint is the slope of the optimum in its bound."""
    d = draws.draw(seed)
    problem = state(d.policy, d.market)
    solution = solve(problem, d.account, d.belief)
    if solution.outcome is not Outcome.OPTIMAL:
        pytest.skip("this mandate cannot be met")
    p = solution.case.program
    y = ask(p, problem.statement(p)).multipliers
    for name, prices in (("most", y.trades), ("ball_most", y.balls)):
        for j in np.flatnonzero(prices > 1e-6 * p.scale):
            step = 1e-5
            values = [np.array(getattr(p, name)) for _ in range(2)]
            values[0][j] += step
            values[1][j] -= step
            wider, tighter = (replace(p, **{name: v}) for v in values)
            up, down = (ask(q, problem.statement(q)) for q in (wider, tighter))
            if up.weights is None or down.weights is None:
                continue
            gained = p.utility(up.weights) - p.utility(solution.ideal)
            lost = p.utility(solution.ideal) - p.utility(down.weights)
            slack = 1e-4 * prices[j] + 1e-9 * p.scale / step * 1e-3
            assert gained / step - slack <= prices[j] <= lost / step + slack


@pytest.mark.parametrize(
    ("certificate", "released"),
    [
        (Certificate(0.0, 0.0, 0.0), True),
        (Certificate(RESIDUAL, 1e-12, CERTIFIED_TE), True),
        (Certificate(2e-9, 0.0, 0.0), False),
        (Certificate(0.0, 1e-9, 1.1e-5), False),
        (Certificate(0.0, INF, INF), False),
        (Certificate(INF, 0.0, 0.0), False),
        (Certificate(NAN, 0.0, 0.0), False),
        (Certificate(NAN, NAN, NAN), False),
        (Certificate(0.0, NAN, NAN), False),
        (Certificate(NAN, NAN, NAN, "a custom limit binds, whose price is not known"), False),
        (Certificate(0.0, 1.0, NAN, "a custom limit binds, whose price is not known", waived=True), True),
        (Certificate(0.0, 1.0, NAN, "a custom limit binds, whose price is not known"), False),
        (Certificate(2e-9, 1.0, NAN, "a custom limit binds", waived=True), False),
        (NO_CERTIFICATE, False),
    ],
)
def test_what_a_certificate_releases(certificate, released):
    assert certificate.released is released


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_weights_that_are_no_numbers_have_no_certificate(desk, bad):
    problem = state(desk.policy, desk.market)
    solution = solve(problem, desk.account, desk.no_tilt)
    p = solution.case.program
    y = ask(p, problem.statement(p)).multipliers
    for i in range(4):
        weights = solution.ideal.copy()
        weights[i] = bad
        said = certify(p, weights, y)
        assert not said.released
        assert said.residual == INF
        assert said.reason == "the answer is not a number"
        assert not np.isfinite(p.violations(weights)).any()


def test_violations_are_in_the_constraints_own_units(desk):
    p = solve(state(desk.policy, desk.market), desk.account, desk.no_tilt).case.program
    weights = np.array([0.44 + 0.20, 0.19, 0.37 - 0.20, 0.0])
    parts = p.violations(weights)
    np.testing.assert_allclose(parts[:4], [0.64 - 0.45, 0.0, 0.35 - 0.17, 0.0], atol=1e-12)
    np.testing.assert_allclose(parts[4:7], [0.0005 * 0.4, 0.1, 0.1], atol=1e-12)  # cash after costs, buys, sells
    away = weights - np.array([0.4, 0.2, 0.4, 0.0])
    te = np.sqrt(away[:3] @ desk.covariance.to_numpy() @ away[:3])
    np.testing.assert_allclose(parts[7:], [te - 0.02, 0.0], atol=1e-12)
