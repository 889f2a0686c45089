"""Nothing leaves because a solver said "solved": doubles that time out, give up, lie or answer nonsense."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Deviation, Policy, Turnover
from trimtab.models import NO_TILT, Tilt, tilt
from trimtab.optimizer import Outcome, crowds, propose, rebalance, solve, state
from trimtab.optimizer import engines as engines_module
from trimtab.optimizer.answers import Answer, Multipliers
from trimtab.optimizer.certificates import certify, repair
from trimtab.optimizer.cones import Cones
from trimtab.optimizer.engines import Engine, ask
from trimtab.optimizer.problems import pose
from trimtab.optimizer.quadratics import Quadratics, Replies
from trimtab.optimizer.statements import Statement

NOT_SOLVED = (
    "user_limit",
    "optimal_inaccurate",
    "unbounded",
    "unbounded_inaccurate",
    "infeasible",
    "infeasible_inaccurate",
    "infeasible_or_unbounded",
    "solver_error",
    "failed: the engine fell over",
    "",
    "OPTIMAL",
    "almost solved",
)


@pytest.fixture(params=["linear", "ball"])
def posed(desk, request):
    """A problem, an account, a belief, the program and the true answer."""
    policy = desk.linear if request.param == "linear" else desk.policy
    problem = state(policy, desk.market)
    belief = tilt([desk.view], desk.market, policy.model(desk.account), desk.on)
    solution = solve(problem, desk.account, belief)
    assert solution.outcome is Outcome.OPTIMAL
    found = ask(solution.case.program, problem.statement(solution.case.program))
    return problem, desk.account, belief, solution.case.program, found


class Double:
    """An engine that says what it is told."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def solve(self, program, engine, options):
        self.asked.append(engine)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


_ASKED = Statement.solve


def _inject(monkeypatch, answer):
    """Let every engine say this, asked through cvxpy or as a crowd of one."""
    monkeypatch.setattr(Statement, "solve", lambda self, program, engine, options: answer)

    def said(self, program):
        known = answer.weights is not None and answer.multipliers is not None
        weights = np.array(answer.weights if answer.weights is not None else program.current[0])[None]
        none = Multipliers(0.0, *(np.zeros(len(x)) for x in (program.rows, program.buy, program.ball_on)))
        prices = (answer.multipliers if known else none).lift()
        return Replies(weights, prices, np.array([known and answer.status == "optimal"]), 0.0)

    for engine in (Quadratics, Cones):
        monkeypatch.setattr(engine, "solve", said)


def _leave_unmended(monkeypatch):
    monkeypatch.setattr(engines_module, "refine", lambda *a: None)
    monkeypatch.setattr(crowds, "refine_all", lambda p, w, y: (w, y, np.zeros(len(w), dtype=bool)))


def _nothing_leaves(posed, answer, monkeypatch):
    problem, account, belief, program, _ = posed
    found = ask(program, Double(answer))
    assert found.weights is None
    assert all(a.refused for a in found.attempts)
    _inject(monkeypatch, answer)
    solution = solve(problem, account, belief)
    assert solution.outcome is Outcome.UNSOLVED
    np.testing.assert_array_equal(solution.ideal, program.current)
    proposal = propose(solution, "always")
    assert proposal.outcome is Outcome.UNSOLVED
    assert proposal.trades == ()
    assert proposal.reason
    for column in ("ideal", "target"):
        np.testing.assert_array_equal(proposal.weights[column], proposal.weights["current"])
    assert proposal.turnover == 0.0
    assert proposal.cost == 0.0
    return found, solution


@pytest.mark.parametrize("status", NOT_SOLVED)
def test_whatever_is_not_solved_is_no_answer(posed, status, monkeypatch):
    """Even with the true weights and multipliers beside the status: they came from nowhere we may trust."""
    true = posed[-1]
    found, solution = _nothing_leaves(posed, Answer(status, true.weights, true.multipliers), monkeypatch)
    assert status in solution.reason
    if status == "infeasible":
        assert "no weights satisfy" in solution.reason
    assert {a.status for a in found.attempts} == {status}


@pytest.mark.parametrize("part", ["weights", "multipliers"])
def test_solved_without_numbers_is_no_answer(posed, part, monkeypatch):
    true = posed[-1]
    answer = Answer("optimal", true.weights, true.multipliers)
    _nothing_leaves(posed, replace(answer, **{part: None}), monkeypatch)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("everywhere", [True, False])
def test_weights_that_are_no_numbers_never_leave(posed, bad, everywhere, monkeypatch):
    true = posed[-1]
    weights = true.weights.copy()
    weights[slice(None) if everywhere else 1] = bad
    _nothing_leaves(posed, Answer("optimal", weights, true.multipliers), monkeypatch)


def _multipliers(like, value):
    return Multipliers(
        value, np.full_like(like.rows, value), np.full_like(like.trades, value), np.full_like(like.balls, value)
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_prices_that_are_no_numbers_prove_nothing(posed, bad, monkeypatch):
    """Five basis points off and feasible, with prices that make every comparison false."""
    program, true = posed[3], posed[4]
    _leave_unmended(monkeypatch)
    off = _off(program, true.weights, 5e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert not certify(program, off, _multipliers(true.multipliers, bad)).released
        _nothing_leaves(posed, Answer("optimal", off, _multipliers(true.multipliers, bad)), monkeypatch)


def _off(program, weights, size):
    """Move towards the current weights, which are feasible here or nearly: still feasible, no longer optimal."""
    way = program.current - weights
    moved = weights + size * way / np.abs(way).max()
    assert program.violations(moved).max() < 1e-9
    return moved


@pytest.mark.parametrize("size", [1e-4, 5e-4, 5e-3])
def test_an_answer_off_by_basis_points_is_refused_when_it_cannot_be_mended(posed, size, monkeypatch):
    program, true = posed[3], posed[4]
    _leave_unmended(monkeypatch)
    found, _ = _nothing_leaves(
        posed, Answer("optimal", _off(program, true.weights, size), true.multipliers), monkeypatch
    )
    assert "certified only within" in found.attempts[0].refused
    assert not found.certificate.released
    assert found.certificate.certified_te > 1e-5


@pytest.mark.parametrize("size", [1e-4, 5e-4, 5e-3])
def test_an_answer_off_by_basis_points_is_mended_and_then_proved(posed, size):
    program, true = posed[3], posed[4]
    found = ask(program, Double(Answer("optimal", _off(program, true.weights, size), true.multipliers)))
    if found.weights is not None:
        assert found.certificate.released
        np.testing.assert_allclose(found.weights, true.weights, rtol=0, atol=1e-9)


def test_a_limit_broken_by_an_answer_never_leaves(posed):
    """Sixty percent turnover, weights that sum to 1.1, a short: repaired, mended and proved, or refused."""
    program, true = posed[3], posed[4]
    rng = np.random.default_rng(1)
    for size in (1e-8, 1e-6, 1e-3, 0.5):
        for _ in range(10):
            weights = true.weights + size * rng.normal(size=len(true.weights))
            found = ask(program, Double(Answer("optimal", weights, true.multipliers)))
            if found.weights is not None:
                assert program.violations(found.weights).max() <= 1e-9
                difference = found.weights - true.weights
                assert program.risk.volatility(difference) <= 2e-5


def test_wrong_prices_prove_less_and_never_more(posed, monkeypatch):
    """With random prices of the right sign an answer that is five basis points off is never released."""
    program, true = posed[3], posed[4]
    _leave_unmended(monkeypatch)
    rng = np.random.default_rng(2)
    for _ in range(200):
        scale = program.scale * 10.0 ** rng.uniform(-6, 1)
        prices = [np.abs(rng.normal(size=len(x))) * scale for x in (program.most, program.ball_most)]
        y = Multipliers(rng.normal() * scale, rng.normal(size=len(program.rows)) * scale, *prices)
        off = _off(program, true.weights, 5e-4)
        assert ask(program, Double(Answer("optimal", off, y))).weights is None


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_prices_of_the_wrong_sign_prove_nothing(desk, scale):
    """A ball that does not bind, at a negative price, would 'prove' an answer that overshoots."""
    problem = state(desk.policy, desk.free)
    account = replace(desk.account, quantities={a: 1e6 * w for a, w in desk.models["balanced"].items()})
    belief = tilt([replace(desk.view, gain=0.002)], desk.free, desk.policy.model(account), desk.on)
    program = solve(problem, account, belief).case.program
    best = solve(problem, account, belief).ideal
    over = program.centre + (1 + scale * 0.1) * (best - program.centre)
    assert program.violations(over).max() <= 1e-12
    slope = program.gamma * program.risk.times(over - program.centre) - program.force
    sizes = program.ball_sizes(over)
    pull = program.market_risk.times(over - program.centre) / sizes[0]
    away = over - best
    price = -float(slope @ away) / float(pull @ away)
    assert price < 0
    y = Multipliers(0.0, np.zeros(len(program.rows)), np.zeros(len(program.most)), np.array([price]))
    assert not certify(program, over, y).released


def test_engines_are_asked_in_order_until_one_is_proved(posed):
    program, true = posed[3], posed[4]
    bad, good = Answer("user_limit"), Answer("optimal", true.weights, true.multipliers)
    double = Double(bad, good)
    found = ask(program, double)
    assert found.weights is not None
    assert double.asked == (["PIQP", "CLARABEL"] if program.linear else ["CLARABEL", "CLARABEL"])
    assert [a.refused for a in found.attempts] == ["not solved", ""]


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize(
    "options",
    [
        {"max_iter": 1},
        {"max_iter": 3},
        {"time_limit": 1e-9},
        {"tol_gap_abs": 1e-30, "tol_gap_rel": 1e-30, "tol_feas": 1e-30},
    ],
)
def test_a_real_engine_cut_short_releases_nothing(posed, options):
    problem, _, _, program, _ = posed
    found = ask(program, problem.statement(program), (Engine("cut short", "CLARABEL", options),))
    assert found.weights is None
    assert found.attempts[0].refused
    assert not found.infeasible


def test_no_numbers_in_the_objective_release_nothing(desk):
    """NaN in what is believed is an answer refused, never weights nor another library's error."""
    problem = state(desk.policy, desk.market)
    program = pose(problem, desk.account, NO_TILT).program
    bad = replace(program, force=np.full(4, np.nan))
    found = ask(bad, problem.statement(program))
    assert found.weights is None


def test_an_engine_that_falls_over_is_a_status(posed, monkeypatch):
    import cvxpy as cp

    problem, account, belief, _, _ = posed
    _inject(monkeypatch, Answer("solver_error"))
    monkeypatch.setattr(Statement, "solve", _ASKED)

    def fall(self, *args, **kwargs):
        raise cp.SolverError("out of memory")

    monkeypatch.setattr(cp.Problem, "solve", fall)
    solution = solve(problem, account, belief)
    assert solution.outcome is Outcome.UNSOLVED
    assert "out of memory" in solution.reason


def test_a_mandate_that_cannot_be_met_trades_nothing(desk):
    policy = Policy((Deviation(0.001), Turnover(0.001)), desk.models)
    proposal = rebalance(desk.account, policy, desk.market, [], desk.on)
    assert proposal.outcome is Outcome.UNSOLVED
    assert proposal.trades == ()
    assert proposal.reason == (
        "turnover allows 0.1%, and coming inside deviation (of SPY most of all) takes 3.9%: "
        "it needs deviation 3.9% or turnover 3.9%"
    )
    np.testing.assert_array_equal(proposal.weights["target"], proposal.weights["current"])


def test_crossed_bounds_are_said_in_words_without_a_solver(desk, monkeypatch):
    _inject(monkeypatch, None)  # would fail if asked
    account = replace(desk.account, restrictions=(("SPY", "no_hold"),))
    solution = solve(state(desk.policy, desk.market), account, Tilt())
    assert solution.outcome is Outcome.UNSOLVED
    assert solution.reason.startswith("SPY: deviation asks for at least 35% and no_hold for at most 0%")
    assert solution.attempts == ()


def test_repair_keeps_the_box_and_the_budget(posed):
    program = posed[3]
    rng = np.random.default_rng(3)
    for _ in range(50):
        weights = repair(program, rng.normal(0.25, 0.3, 4))
        risky = np.arange(4) != program.cash
        assert weights.sum() == pytest.approx(1.0, abs=1e-15)
        assert (weights[risky] >= program.lo[risky]).all()
        assert (weights[risky] <= program.hi[risky]).all()
