"""One solve against cvxpy with hand-written parameters, on the same problem, in the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cvxpy as cp
import numpy as np

from trimtab.constraints.deviations import Deviation
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.models.tilts import tilt
from trimtab.optimizer.problems import pose, state
from trimtab.optimizer.solutions import solve

from .registry import Figure, case, percentile, ratio, timed
from .worlds import ON, World, world


def hand_written(w: World) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """State the mandate of a world as a careful cvxpy user would: parameters, factor risk, normalised, Clarabel."""
    n, risk, policy = len(w.market.universe), w.market.risk, w.policy
    b = policy.model(w.accounts[0]).vector(w.market.universe)
    limits = {
        type(limit): float(limit.most)
        for limit in policy.limits
        if isinstance(limit, (Deviation, TrackingError, Turnover))
    }
    scale = policy.risk_aversion * risk.variances.mean()
    x, z, a = cp.Variable(n), cp.Variable(n), cp.Variable(n)
    now, alpha = cp.Parameter(n), cp.Parameter(n)
    variance = cp.sum_squares(risk.loadings.T @ a) + cp.sum_squares(cp.multiply(risk.specific, a))
    te = cp.norm(cp.hstack([risk.loadings.T @ a, cp.multiply(risk.specific, a)]))
    kappa = w.market.costs.proportional
    cost = kappa / policy.cost_horizon_years / scale
    risky = np.arange(n) != w.market.universe.cash
    problem = cp.Problem(
        cp.Maximize(alpha @ a - 0.5 * policy.risk_aversion / scale * variance - cost @ cp.abs(z)),
        [z == x - now, a == x - b, cp.sum(x) == 1, x >= 0, cp.abs(a) <= limits[Deviation], te <= limits[TrackingError],
         cp.sum(cp.pos(z[risky])) <= limits[Turnover], cp.sum(cp.neg(z[risky])) <= limits[Turnover],
         x[w.market.universe.cash] - kappa @ cp.abs(z) >= 0],
    )  # fmt: skip

    def ask(current: np.ndarray, gain: np.ndarray) -> np.ndarray:
        now.value, alpha.value = current, gain / scale
        problem.solve(solver=cp.CLARABEL, warm_start=False, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
        return np.asarray(x.value)

    return ask


@case(
    "solve",
    "solve on a stated problem against cvxpy with hand-written DPP parameters and Clarabel (k = 20)",
    (30, 100, 500),
    12,
)
def solving(n: int, rounds: int) -> Iterator[Figure]:
    """Time both on the same drifted accounts, in turn, and compare their answers."""
    w = world(n, min(20, n), accounts=rounds)
    problem, ask = state(w.policy, w.market), hand_written(w)
    belief = tilt(w.views, w.market, w.policy.model(w.accounts[0]), ON)
    gain = belief.alpha(w.policy.risk_aversion)
    starts = [pose(problem, account, belief).program.current for account in w.accounts]
    solve(problem, w.accounts[0], belief)
    ask(starts[0], gain)
    ours, theirs = timed([lambda i: solve(problem, w.accounts[i], belief), lambda i: ask(starts[i], gain)], rounds)
    solutions = [solve(problem, account, belief) for account in w.accounts]
    apart = [w.market.risk.volatility(s.ideal - ask(start, gain)) for s, start in zip(solutions, starts, strict=True)]
    size = f"n={n}"
    yield Figure("solve / hand-written cvxpy", size, ratio(ours, theirs), "x", "at most 1.5")
    yield Figure("solve, median", size, 1e3 * percentile(ours, 0.5), "ms")
    yield Figure("hand-written, median", size, 1e3 * percentile(theirs, 0.5), "ms")
    yield Figure("largest tracking error between the two answers", size, 1e4 * max(apart), "bp")
    yield Figure("released and certified", size, 100 * np.mean([s.certificate.released for s in solutions]), "%", "100")
