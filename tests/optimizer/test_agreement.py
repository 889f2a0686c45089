"""What a term states to the solver, its auditor reads the same: fifty random draws for every kind of limit.

From a feasible point a random direction is followed to where the auditor says the limits end. A little before that the
nearest weights that the statement allows must be these weights; a little beyond it they must be about as far away as
the auditor says the limit is exceeded.
"""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from trimtab.constraints import (
    Cash,
    Custom,
    Deviation,
    Group,
    Leverage,
    Policy,
    Position,
    Restriction,
    TrackingError,
    TradeSize,
    Turnover,
    Volatility,
    terms,
)
from trimtab.models import NO_TILT, Account, Costs, Market, Risk, Universe
from trimtab.optimizer.problems import Problem, pose
from trimtab.optimizer.statements import Statement

BOOKS, WAYS = 10, 5
N = 6
LIMITS = {
    "none": lambda: (),
    "deviation": lambda: (Deviation(0.04),),
    "deviation up and down": lambda: (Deviation(up=0.02, down=0.05, on="equity"),),
    "group": lambda: (Group("equity", least=0.3, most=0.7),),
    "group around strategic": lambda: (Group("equity", least=-0.03, most=0.05, around="strategic"),),
    "group exposure": lambda: (Group(exposure={"A0": 2.0, "bonds": -1.5}, least=-2.0, most=0.8),),
    "tracking error": lambda: (TrackingError(0.01),),
    "tracking error on": lambda: (TrackingError(0.004, on="equity"),),
    "volatility": lambda: (Volatility(0.13),),
    "volatility on": lambda: (Volatility(0.05, on=["A0", "bonds"]),),
    "turnover": lambda: (Turnover(0.05),),
    "turnover on": lambda: (Turnover(0.03, on="equity"),),
    "cash": lambda: (Cash(least=0.02, most=0.2),),
    "position": lambda: (Position("equity", least=0.02, most=0.35),),
    "trade size": lambda: (TradeSize(most=0.03),),
    "no_buy": lambda: (Restriction("A0", rule="no_buy"),),
    "no_sell": lambda: (Restriction("A1", rule="no_sell"),),
    "leverage": lambda: (Leverage(1.3),),
    "custom": lambda: (
        Custom(lambda w, w0: [w[0] + 2 * w[1] <= w0[0] + 0.5], lambda w, w0: w0[0] + 0.5 - w[0] - 2 * w[1]),
    ),
    "all at once": lambda: (
        Deviation(0.2),
        Group("bonds", most=0.6),
        TrackingError(0.03),
        Turnover(0.2),
        Cash(least=0.01),
    ),
}


def _market(impact):
    rng = np.random.default_rng(5)
    universe = Universe(tuple(f"A{i}" for i in range(N)), ("equity", "bonds") * (N // 2))
    root = np.vstack([rng.normal(size=(N, 8)) * 0.06, np.zeros(8)])
    kappa = np.append(rng.uniform(0.001, 0.02, N), 0.0)
    return Market(universe, Risk(root, np.zeros(N + 1)), Costs(kappa, 0.0, impact, np.full(N + 1, 1e5)), 1.0)


def _program(limits, market, seed, long_only):
    rng = np.random.default_rng(seed)
    assets = market.universe.assets
    b, w0 = rng.dirichlet(np.ones(N + 1) * 8), rng.dirichlet(np.ones(N + 1) * 8)
    policy = Policy(limits, {"m": dict(zip(assets, b, strict=True))}, long_only=long_only)
    flow = float(rng.choice([0.0, 3e4, -3e4]))
    account = Account.from_weights("1", "m", dict(zip(assets, w0, strict=True)), 1e6, market, flow)
    return policy, account, rng


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize(
    ("kind", "impact"), [(kind, 0.0) for kind in LIMITS] + [(kind, 1.0) for kind in ("cash", "turnover", "all at once")]
)
def test_the_statement_and_the_auditor_agree(kind, impact):
    limits, market = LIMITS[kind](), _market(impact)
    where = probe = statement = None
    seen: list[bool] = []
    for seed in range(BOOKS):
        policy, account, rng = _program(limits, market, seed, kind != "leverage")
        program = pose(Problem(policy, market), account, NO_TILT).program
        if statement is None:
            statement = Statement(program)
            probe = cp.Parameter(N + 1)
            where = cp.Problem(cp.Minimize(cp.norm1(statement.weights - probe)), statement.problem.constraints)
        start = _inside(statement, program, rng)
        for _ in range(WAYS):
            way = rng.normal(size=N + 1)
            way -= way.mean()
            way /= np.abs(way).max()
            end = _end(program, start, way)
            for step, inside in ((end - 2e-3, True), (end + 2e-3, False)):
                weights = start + step * way
                excess = float(program.violations(weights).max())
                if step < 0:
                    continue
                assert (excess <= 1e-9) is inside
                if not inside:
                    assert _worst(program, weights) == pytest.approx(excess, abs=1e-12)
                probe.value = weights
                where.solve(solver="PIQP" if program.linear else "CLARABEL")
                seen.append(inside)
                said = f"book {seed}, step {step}: exceeded by {excess}, nearest allowed {where.value} away"
                # No constraint here changes faster than 2.5 times the distance walked.
                assert (where.value <= 1e-6) if inside else (where.value >= excess / 2.5 - 1e-6), said
    assert seen.count(True) >= BOOKS * WAYS / 2
    assert seen.count(False) == BOOKS * WAYS


def _inside(statement, program, rng):
    """Return the middle of five answers to random objectives: a point with room on every side."""
    found = []
    for _ in range(5):
        other = replace(program, force=rng.normal(size=N + 1) * program.scale)
        answer = statement.solve(other, "PIQP" if program.linear else "CLARABEL", {})
        assert answer.weights is not None, answer.status
        found.append(answer.weights)
    middle = np.mean(found, axis=0)
    assert program.violations(middle).max() < 1e-7
    return middle


def _end(program, start, way):
    """Return the last step at which the auditor is content, by bisection on a convex set."""
    base = max(program.violations(start).max(), 0.0) + 1e-10
    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if program.violations(start + middle * way).max() <= base else (low, middle)
    return low


def _worst(program, weights):
    """Return the worst negative room that `terms.use` reads off the named terms."""
    universe = Universe(tuple(f"A{i}" for i in range(N)), ("equity", "bonds") * (N // 2))
    rooms = [
        u.room for _, t in program.named for u in terms.use(t, weights, program.current, program.market_risk, universe)
    ]
    return max(-min(rooms), 0.0)
