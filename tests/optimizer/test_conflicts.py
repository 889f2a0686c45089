"""Conflicts named on random mandates, judged by an independent cvxpy statement; the sentence; the amounts."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from trimtab.constraints import Custom, Deviation, Group, Policy, Position, TrackingError, Turnover
from trimtab.models import NO_TILT, Account
from trimtab.optimizer import Outcome, rebalance, solve
from trimtab.optimizer.answers import Multipliers
from trimtab.optimizer.conflicts import find_conflict
from trimtab.optimizer.elastics import Prices
from trimtab.optimizer.engines import ask
from trimtab.optimizer.mandates import read_mandate
from trimtab.optimizer.problems import Problem, pose
from trimtab.optimizer.proofs import prove
from trimtab.optimizer.ways import round_out

SEEDS = range(60)


def _mandate(draw, policy=None):
    problem = Problem(policy or draw.policy, draw.market)
    case = pose(problem, draw.account, draw.belief)
    return problem, case, read_mandate(problem, case)


def _excess(draw, says):
    """Return the least largest violation of plain statements; weights are held within ten times NAV."""
    w, t = cp.Variable(len(draw.b)), cp.Variable(nonneg=True)
    held = []
    for say in says:
        for c in say(w, draw):
            # Every plain constraint is `left <= right` or an equation: loosened by t on each side.
            gap = c.args[0] - c.args[1]
            held += [gap <= t] + ([gap >= -t] if isinstance(c, cp.constraints.Equality) else [])
    problem = cp.Problem(cp.Minimize(t), [cp.sum(w) == 1, cp.abs(w) <= 10, *held])
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return float(problem.value)


def _standing(draw):
    says = {"restrictions": draw.plain[len(draw.policy.limits) :]}
    if draw.long_only:
        says["long_only"] = [lambda w, d: [w >= 0, w <= 1]]
        says["cash_floor"] = [lambda w, d: [w[-1] - d.cost(w) >= 0]]
    return says


def _says(draw, extra=()):
    """Return the plain statements by the names that conflicts use; restrictions of an account go together."""
    named = {
        limit.name: [say] for limit, say in zip(draw.policy.limits, draw.plain[: len(draw.policy.limits)], strict=True)
    }
    return named | _standing(draw) | dict(extra)


RULES = {"no_buy", "no_sell", "no_hold", "frozen"}


def _pick(says, names):
    wanted = {"restrictions" if name in RULES else name for name in names}
    return [say for name, own in says.items() if name in wanted for say in own]


def test_no_feasible_mandate_is_called_infeasible(draws):
    feasible = 0
    for seed in SEEDS:
        draw = draws.draw(seed)
        problem, case, mandate = _mandate(draw)
        found = find_conflict(mandate)
        released = ask(case.program, problem.statement(case.program)).weights is not None
        assert not (found and released), seed
        if found:
            assert _excess(draw, _pick(_says(draw), found.names)) > 1e-8, seed
        feasible += released
    assert feasible > 40


def _planted(draw, rng):
    """Two limits on top of a mandate that holds: either alone can hold with it, both together cannot."""
    n, b, sigma = len(draw.b), draw.b, draw.sigma
    problem, case, _ = _mandate(draw)
    best = ask(case.program, problem.statement(case.program)).weights
    if best is None:
        return None
    # Away from where it stands: to be a tenth nearer to one asset's all than anything near b allows.
    asset = int(rng.integers(n - 1))
    row = np.eye(n)[asset]

    def least(objective, held):
        w = cp.Variable(n)
        stated = cp.Problem(cp.Minimize(objective(w)), [*draw.constraints(w), *[h(w) for h in held]])
        stated.solve(solver="CLARABEL")
        return float(stated.value) if stated.status == "optimal" else np.nan

    values, vectors = np.linalg.eigh(sigma)
    root = (vectors * np.sqrt(np.clip(values, 0, None))).T
    lean = lambda w: cp.norm(root @ (w - b))  # noqa: E731
    top = -least(lambda w: -row @ w, [])
    low = least(lean, [])
    if not (np.isfinite(top) and np.isfinite(low)):
        return None
    floor = top - 0.2 * (top - float(row @ best)) - 1e-4
    need = least(lean, [lambda w: row @ w >= floor])
    if not need > low + 1e-3:
        return None
    most = low + rng.uniform(0.2, 0.8) * (need - low)
    asset_name = draw.market.universe.assets[asset]
    pair = (Group(asset_name, least=floor, name="planted_floor"), TrackingError(most, name="planted_error"))
    policy = replace(draw.policy, limits=(*draw.policy.limits, *pair))
    extra = {
        "planted_floor": [lambda w, d: [row @ w >= floor]],
        "planted_error": [lambda w, d: [cp.norm(root @ (w - b)) <= most]],
    }
    return policy, extra


def test_the_planted_pair_is_named_and_nothing_that_could_be_left_out(draws):
    rng, planted = np.random.default_rng(4), 0
    for seed in SEEDS:
        draw = draws.draw(seed)
        made = _planted(draw, rng)
        if made is None:
            continue
        policy, extra = made
        *_, mandate = _mandate(draw, policy)
        found = find_conflict(mandate)
        assert found is not None, seed
        assert {"planted_floor", "planted_error"} <= set(found.names), (seed, found.names)
        assert prove(mandate, found.names, found.verdict.prices) > 0
        says = _says(draw, extra.items())
        assert _excess(draw, _pick(says, found.names)) > 1e-8, seed
        for name in found.names:
            if name not in RULES:  # those of an account are one statement here
                rest = [other for other in found.names if other != name]
                assert _excess(draw, _pick(says, rest)) < 1e-7, (seed, found.names, name)
        planted += 1
    assert planted >= 15


def test_wrong_prices_prove_nothing(draws):
    """Whatever is proposed: a mandate that can be met is never proved otherwise."""
    rng = np.random.default_rng(5)
    for seed in range(20):
        draw = draws.draw(seed)
        problem, case, mandate = _mandate(draw)
        if ask(case.program, problem.statement(case.program)).weights is None:
            continue
        program = mandate.program
        for _ in range(50):
            root = program.market_risk.root
            ways = rng.normal(size=(len(program.ball_on), len(root)))
            pulls = np.where(program.ball_on, ways @ root, 0.0)  # R'u on the ball's assets
            lengths = np.linalg.norm(ways, axis=1)
            rows = np.where(np.isfinite(program.rows_hi), 1.0, -1.0) * np.abs(rng.normal(size=len(program.rows)))
            rows = np.where(np.isfinite(np.where(rows > 0, program.rows_hi, program.rows_lo)), rows, 0.0)
            prices = Multipliers(float(rng.normal()), rows, np.abs(rng.normal(size=len(program.most))), lengths)
            assert not prove(mandate, mandate.names, Prices(prices, pulls)) > 0


def _solved(desk, *limits, account=None, market=None, long_only=True):
    policy = Policy(limits, desk.models, long_only=long_only)
    market = market or desk.market
    return solve(Problem(policy, market), account or desk.account, NO_TILT)


def test_the_sentence(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    solution = _solved(desk, TrackingError("2%"), Turnover("5%"), account=far)
    assert solution.outcome is Outcome.UNSOLVED
    assert solution.reason.startswith("tracking error 2% cannot hold with turnover 5%: it needs tracking error ")
    assert " or turnover " in solution.reason
    np.testing.assert_array_equal(solution.ideal, solution.case.program.current)


def test_both_ways_out_suffice_and_are_needed(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    limits = {"tracking_error": TrackingError("2%"), "turnover": Turnover("5%"), "deviation": Deviation("40%")}
    problem = Problem(Policy(tuple(limits.values()), desk.models), desk.market)
    found = find_conflict(read_mandate(problem, pose(problem, far, NO_TILT)))
    assert {way.limit for way in found.ways} == {"tracking_error", "turnover"}
    for way in found.ways:
        for times, outcome in ((1 + 1e-6, Outcome.OPTIMAL), (0.99, Outcome.UNSOLVED)):
            changed = limits | {way.limit: replace(limits[way.limit], most=way.amount * times)}
            assert _solved(desk, *changed.values(), account=far).outcome is outcome, (way, times)


def test_standing_limits_are_named_and_offer_no_way_out(desk):
    frozen = replace(desk.account, restrictions=(("SPY", "frozen"),))
    reason = _solved(desk, Group("equity", most=0.4), account=frozen).reason
    assert reason == (
        "group of equity at most 40% cannot hold with long-only and frozen (SPY): it needs group of equity at most 44%"
    )
    barred = replace(desk.account, restrictions=(("SPY", "no_sell"), ("IEF", "frozen")))
    reason = _solved(desk, Deviation("3%"), account=barred).reason
    assert reason == "SPY: no_sell asks for at least 44% and deviation for at most 43%: it needs deviation 4%"


def test_when_no_single_number_would_do(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    two = (Position("SPY", most=0.1), Deviation("10%"), TrackingError("1%"), Turnover("5%"))
    solution = _solved(desk, *two, account=far)
    assert solution.reason.endswith(", and no single number changed would end it")


def test_a_custom_limit_is_not_blamed_without_proof(desk):
    never = Custom(bind=lambda w, w0: [w[0] >= 0.9], slack=lambda w, w0: w[0] - 0.9, words="nearly all in SPY")
    solution = _solved(desk, Deviation("10%"), never)
    assert solution.outcome is Outcome.UNSOLVED
    assert "could not be proved" in solution.reason


def test_a_limit_on_nothing_conflicts_like_any_other(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    solution = _solved(desk, TrackingError(0.0), Turnover("5%"), account=far)
    assert solution.outcome is Outcome.UNSOLVED
    assert "it needs" in solution.reason


def test_rounding_goes_outwards_and_stays_within_half_a_percent():
    rng = np.random.default_rng(6)
    for value in 10 ** rng.uniform(-6, 1, 500) * rng.choice([-1, 1], 500):
        up, down = round_out(value, upper=True), round_out(value, upper=False)
        assert down <= value * (1 - 1e-7 * np.sign(value)) + 2e-8 * abs(value) + 1e-7 * abs(value)
        assert down - 1e-7 * abs(value) <= value <= up + 1e-7 * abs(value)
        assert max(up - value, value - down) <= 0.0051 * abs(value)
    assert round_out(0.075, upper=True) == pytest.approx(0.075, abs=1e-15)


def test_a_conflict_ends_unsolved_in_a_proposal(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    proposal = rebalance(far, Policy((TrackingError("2%"), Turnover("5%")), desk.models), desk.market, [], desk.on)
    assert (proposal.outcome, proposal.trades, proposal.relaxed) == (Outcome.UNSOLVED, (), ())
    assert "cannot hold with" in proposal.reason
