"""One statement for many accounts: compiled once, the same bits in any order, custom limits included."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from trimtab.constraints import Custom, Deviation, Policy, Restriction, TrackingError, Turnover
from trimtab.errors import PolicyError
from trimtab.models import NO_TILT, Account, Tilt, tilt
from trimtab.optimizer import Outcome, solve, state
from trimtab.optimizer.engines import ask
from trimtab.optimizer.problems import pose
from trimtab.optimizer.statements import Statement


def _account(desk, seed, **more):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.array([44.0, 19, 37, 1]) * 3)
    held = Account.from_weights(
        str(seed), "balanced", dict(zip(desk.market.universe.assets, weights, strict=True)), 1e6, desk.market
    )
    return replace(held, **more)


@pytest.fixture
def compiled(monkeypatch):
    """Count how often cvxpy is asked to state a problem."""
    made = []
    initialise = Statement.__init__

    def count(self, like):
        made.append(like.signature)
        initialise(self, like)

    monkeypatch.setattr(Statement, "__init__", count)
    return made


def test_one_program_serves_every_account(desk, compiled):
    problem = state(desk.policy, desk.market)
    for seed in range(5):
        solve(problem, _account(desk, seed, cash_flow=1e4 * seed), NO_TILT)
    own = {"turnover": 0.05, "tracking_error": 0.01, "deviation": 0.03, "risk_aversion": 3.0}
    solve(problem, _account(desk, 7, overrides=own, restrictions=(("SPY", "no_buy"), ("EFA", "frozen"))), NO_TILT)
    belief = tilt([desk.view], desk.market, desk.policy.model(desk.account), desk.on)
    solve(problem, _account(desk, 8), belief + Tilt(target=[0.01, 0, -0.01, 0], aversion=2.0))
    assert len(problem.engines) == 1
    solve(problem, _account(desk, 9), Tilt(risk=[1.5, 1, 1, 1]))  # another risk is another program, once
    solve(problem, _account(desk, 10), Tilt(risk=[1.5, 1, 1, 1]))
    assert len(problem.engines) == 2
    assert compiled == []  # cvxpy is not asked


def test_one_statement_serves_every_account_that_cvxpy_is_asked_for(desk, compiled):
    problem = state(desk.policy, desk.market)
    for seed, risk in enumerate(([1.0] * 4, [1.0] * 4, [1.5, 1, 1, 1], [1.2, 1.2, 1, 1])):
        program = pose(problem, _account(desk, seed), Tilt(risk=risk)).program
        assert ask(program, problem.statement(program)).weights is not None
    assert len(compiled) == 2  # risk multipliers are another statement, once


def _custom(most=0.42):
    return Custom(lambda w, w0: [w[0] + w[1] <= most], lambda w, w0: float(most - w[0] - w[1]), "equity is small")


def test_one_statement_serves_every_account_of_a_custom_limit(desk, compiled):
    problem = state(Policy((_custom(),), desk.models), desk.market)
    for seed in range(3):
        solve(problem, _account(desk, seed), NO_TILT)
    assert len(compiled) == 1


@pytest.mark.parametrize(
    "limits",
    [(Deviation(0.05), Turnover(0.1)), (Deviation(0.05), TrackingError(0.004), Turnover(0.1))],
    ids=["linear", "ball"],
)
def test_an_account_has_the_same_bits_behind_any_other(desk, limits):
    """Alone, in order, backwards, behind an infeasible and behind an uncapped one."""
    policy = Policy(limits, desk.models)
    accounts = [_account(desk, seed) for seed in range(4)]
    accounts.insert(2, _account(desk, 99, restrictions=(("SPY", "no_hold"), ("IEF", "frozen"))))
    accounts.insert(3, _account(desk, 98, cash_flow=9e6))
    alone = [solve(state(policy, desk.market), a, NO_TILT).ideal.tobytes() for a in accounts]
    problem = state(policy, desk.market)
    forwards = [solve(problem, a, NO_TILT).ideal.tobytes() for a in accounts]
    backwards = [solve(problem, a, NO_TILT).ideal.tobytes() for a in reversed(accounts)][::-1]
    assert forwards == alone
    assert backwards == alone


def test_a_custom_limit_binds_and_says_what_it_cannot_prove(desk):
    policy = Policy((_custom(),), desk.models)
    solution = solve(state(policy, desk.market), desk.account, NO_TILT)
    assert solution.outcome is Outcome.OPTIMAL
    assert solution.ideal[:2].sum() == pytest.approx(0.42, abs=1e-6)
    assert solution.ideal[:2].sum() <= 0.42 + 1e-9
    assert np.isnan(solution.certificate.certified_te)
    assert "custom" in solution.certificate.reason


def test_a_custom_limit_that_does_not_bind_is_proved(desk):
    solution = solve(state(Policy((_custom(0.9),), desk.models), desk.market), desk.account, NO_TILT)
    assert solution.outcome is Outcome.OPTIMAL
    free = solve(state(Policy((), desk.models), desk.market), desk.account, NO_TILT)
    assert desk.market.risk.volatility(solution.ideal - free.ideal) <= 1e-5


@pytest.mark.parametrize("room", [-0.01, float("nan"), -float("inf")])
def test_an_auditor_who_says_no_releases_nothing(desk, room):
    limit = Custom(lambda w, w0: [w[0] <= 0.9], lambda w, w0: room)
    solution = solve(state(Policy((limit,), desk.models), desk.market), desk.account, NO_TILT)
    assert solution.outcome is Outcome.UNSOLVED
    np.testing.assert_array_equal(solution.ideal, solution.case.program.current)


def test_a_custom_limit_that_cannot_be_parametrised_is_told(desk):
    limit = Custom(lambda w, w0: [cp.multiply(w0, w0) @ w <= 1], lambda w, w0: 1.0)
    policy = Policy((limit,), desk.models)
    with pytest.raises(PolicyError, match="not convex, or multiplies parameters"):
        solve(state(policy, desk.market), desk.account, NO_TILT)


def test_limits_at_their_ends(desk):
    """Nothing may trade; everything must be cash; turnover of the cash alone is no limit."""
    stay = solve(state(Policy((Turnover(0),), desk.models), desk.market), desk.account, NO_TILT)
    np.testing.assert_array_equal(stay.ideal, stay.case.program.current)
    at_strategic = Account.from_weights("1", "balanced", desk.models["balanced"], 1e6, desk.market)
    nowhere = solve(state(Policy((TrackingError(0), Deviation(0)), desk.models), desk.market), at_strategic, NO_TILT)
    assert nowhere.outcome is Outcome.OPTIMAL
    np.testing.assert_allclose(nowhere.ideal, [0.4, 0.2, 0.4, 0.0], atol=1e-12)
    frozen = solve(state(Policy((Restriction(rule="frozen"),), desk.models), desk.market), desk.account, NO_TILT)
    np.testing.assert_allclose(frozen.ideal, [0.44, 0.19, 0.37, 0.0], atol=1e-15)
    cash_only = solve(state(Policy((Turnover(0, on="CASH"),), desk.models), desk.market), desk.account, NO_TILT)
    free = solve(state(Policy((), desk.models), desk.market), desk.account, NO_TILT)
    np.testing.assert_allclose(cash_only.ideal, free.ideal, atol=1e-9)
