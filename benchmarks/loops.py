"""What a good engineer would write by hand for many accounts of one policy, to compare with.

Every ``prepare(programs)`` returns a ``loop(i) -> weights`` over the same problems as trimtab's, in the same units
(divided by ``gamma * mean variance``), at the same tolerance; NaN where the engine does not say "solved"::

    minimise   1/2 w'Dw + 1/2 |y|^2 + linear'w + cost'(buy + sell)
    subject to w - buy + sell = w0,   L'w - y = 0,   sum w = 1,   lo <= w <= hi,   buy, sell >= 0
               rows_lo <= A w <= rows_hi,   row_t'w + buy_t'buy + sell_t'sell <= most_t
               |(y - L'a, s(w - a))| <= radius                               (a cap on tracking error)

The two loops over engines called directly compute every vector beforehand: what is left is update, solve, copy. They
name buys and sells of those assets alone whose trading costs or counts, so the cash has none.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import clarabel
import cvxpy as cp
import numpy as np
import piqp
from scipy import sparse

from trimtab.optimizer.programs import Program

Loop = Callable[[int], np.ndarray]
TOLERANCE = 1e-9
FAR = 10.0
"""Where the bound of a row stands that has none: a portfolio without leverage never comes near."""
OPTIONS = {
    "PIQP": {
        "eps_abs": TOLERANCE, "eps_rel": TOLERANCE, "eps_duality_gap_abs": TOLERANCE, "eps_duality_gap_rel": TOLERANCE,
    },
    "CLARABEL": {"tol_gap_abs": TOLERANCE, "tol_gap_rel": TOLERANCE, "tol_feas": TOLERANCE},
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stack:
    """The numbers of many programs of one signature: matrices once, vectors a row an account, in engine's units.

    ``traded`` marks the assets with a buy and a sell; ``cost``, ``buy`` and ``sell`` speak of those alone.
    """

    loadings: np.ndarray
    specific: np.ndarray
    rows: np.ndarray
    row: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    traded: np.ndarray
    linear: np.ndarray
    cost: np.ndarray
    current: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    rows_lo: np.ndarray
    rows_hi: np.ndarray
    most: np.ndarray
    anchor: np.ndarray
    radius: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Accounts, assets, assets that trade, factors."""
        return (*self.current.shape, len(self.traded), self.loadings.shape[1])


def stack(programs: Sequence[Program]) -> Stack:
    """Collect the numbers; the programs share signature and market, have no impact and cap the whole portfolio."""
    first = programs[0]
    assert all(p.signature == first.signature for p in programs)
    assert not any((first.tilted, first.impact.any(), first.from_zero.any(), first.customs))
    assert len(first.ball_on) <= 1
    assert first.ball_on.all()
    sigma = float(np.sqrt(first.risk.variances.mean()))
    rows = lambda name: np.array([getattr(p, name) for p in programs])  # noqa: E731  (one name, nine uses)
    scale = np.array([p.scale for p in programs])[:, None]
    pull = np.array([p.force + p.gamma * p.risk.times(p.centre) for p in programs])
    cost = rows("cost")
    traded = np.flatnonzero(cost.any(0) | first.buy.any(0) | first.sell.any(0))
    return Stack(
        first.risk.loadings / sigma, first.risk.specific / sigma, first.rows, first.row,
        first.buy[:, traded], first.sell[:, traded], traded, -pull / scale, (cost / scale)[:, traded],
        rows("current"), rows("lo"), rows("hi"), rows("rows_lo"), rows("rows_hi"), rows("most"),
        rows("anchor"), rows("ball_most") / sigma,
    )  # fmt: skip


def _matrices(s: Stack) -> tuple[sparse.csc_matrix, sparse.csc_matrix, sparse.csc_matrix]:
    """Return the square of the objective, the equalities and the rows, over the variables (w, buy, sell, y)."""
    _, n, t, k = s.shape
    square = sparse.diags(np.concatenate([s.specific**2, np.zeros(2 * t), np.ones(k)]), format="csc")
    picks = sparse.eye(n, format="csc")[s.traded]
    equalities = sparse.bmat(
        [
            [picks, -sparse.eye(t), sparse.eye(t), None],
            [sparse.csc_matrix(s.loadings.T), None, None, -sparse.eye(k)],
            [sparse.csc_matrix(np.ones((1, n))), None, None, None],
        ],
        format="csc",
    )
    trades = np.hstack([s.row, s.buy, s.sell, np.zeros((len(s.row), k))])
    ranges = np.hstack([s.rows, np.zeros((len(s.rows), 2 * t + k))])
    rows = sparse.csc_matrix(np.vstack([ranges, trades]))
    for matrix in (square, equalities, rows):
        matrix.eliminate_zeros()
    return square, equalities, rows


def _targets(s: Stack) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear objective and the right side of the equalities of every account."""
    m, _, _, k = s.shape
    c = np.hstack([s.linear, s.cost, s.cost, np.zeros((m, k))])
    b = np.hstack([s.current[:, s.traded], np.zeros((m, k)), np.ones((m, 1))])
    return c, b


def prepare_piqp(programs: Sequence[Program]) -> Loop:
    """PIQP called directly, ``update`` and ``solve``: infinite bounds of variables, finite ones of rows."""
    s = stack(programs)
    m, n, t, k = s.shape
    (square, equalities, rows), (c, b) = _matrices(s), _targets(s)
    h_l = np.clip(np.hstack([s.rows_lo, np.full_like(s.most, -FAR)]), -FAR, FAR)
    h_u = np.clip(np.hstack([s.rows_hi, s.most]), -FAR, FAR)
    free = np.full((m, k), np.inf)
    x_l = np.hstack([s.lo, np.zeros((m, 2 * t)), -free])
    x_u = np.hstack([s.hi, np.full((m, 2 * t), np.inf), free])
    solver = piqp.SparseSolver()
    for name, value in OPTIONS["PIQP"].items():
        setattr(solver.settings, name, value)
    # Scaling fitted to one account would leave its trace in the last bits of all others; the data is normalised anyway.
    solver.settings.preconditioner_iter = 0
    solver.setup(square, c[0], equalities, b[0], rows, h_l[0], h_u[0], x_l[0], x_u[0])
    result, nothing = solver.result, np.full(n, np.nan)

    def loop(i: int) -> np.ndarray:
        solver.update(c=c[i], b=b[i], h_l=h_l[i], h_u=h_u[i], x_l=x_l[i], x_u=x_u[i])
        return result.x[:n].copy() if solver.solve() == piqp.PIQP_SOLVED else nothing

    return loop


def prepare_clarabel(programs: Sequence[Program]) -> Loop:
    """Clarabel called directly, ``update(q=, b=)`` and ``solve``: a second-order cone for the tracking error."""
    s = stack(programs)
    _, n, t, k = s.shape
    (square, equalities, rows), (q, b) = _matrices(s), _targets(s)
    upper, lower = np.isfinite(s.rows_hi[0]), np.isfinite(s.rows_lo[0])
    r = len(s.rows)
    w, y = sparse.eye(n, n + 2 * t + k), sparse.eye(k, n + 2 * t + k, k=n + 2 * t)
    moves = sparse.eye(2 * t, n + 2 * t + k, k=n)
    nonneg = [w, -w, -moves, rows[:r][upper], -rows[:r][lower], rows[r:]]
    sides = [s.hi, -s.lo, np.zeros((len(q), 2 * t)), s.rows_hi[:, upper], -s.rows_lo[:, lower], s.most]
    cones = [clarabel.ZeroConeT(equalities.shape[0]), clarabel.NonnegativeConeT(sum(x.shape[0] for x in nonneg))]
    blocks, right = [equalities, *nonneg], [b, *sides]
    if s.radius.shape[1]:
        held = np.flatnonzero(s.specific)
        blocks += [sparse.csc_matrix((1, n + 2 * t + k)), -y, -sparse.diags(s.specific).tocsr()[held] @ w]
        anchor = s.anchor[:, 0]
        right += [s.radius, -np.einsum("an,nk->ak", anchor, s.loadings), -(s.specific * anchor)[:, held]]
        cones.append(clarabel.SecondOrderConeT(1 + k + len(held)))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.presolve_enable = False  # it drops rows, and then there is nothing to update
    settings.equilibrate_enable = False  # scaling fitted to one account would leave its trace in all others
    settings.max_threads = 1
    for name, value in OPTIONS["CLARABEL"].items():
        setattr(settings, name, value)
    rights = np.hstack(right)
    solver = clarabel.DefaultSolver(square, q[0], sparse.vstack(blocks, format="csc"), rights[0], cones, settings)
    nothing = np.full(n, np.nan)

    def loop(i: int) -> np.ndarray:
        solver.update(q=q[i], b=rights[i])
        solution = solver.solve()
        return np.array(solution.x[:n]) if solution.status == clarabel.SolverStatus.Solved else nothing

    return loop


_VECTORS = ("linear", "cost", "current", "lo", "hi", "rows_lo", "rows_hi", "most", "radius")


def _numbers(s: Stack, i: int) -> dict[str, np.ndarray]:
    """Return one account's vectors by name; what a parameter of cvxpy may not be (infinite) is far away."""
    own = {name: np.clip(getattr(s, name)[i], -FAR, FAR) for name in _VECTORS}
    anchor = s.anchor[i][0] if len(s.radius[i]) else np.zeros(len(own["current"]))
    return own | {"now": own["current"][s.traded], "centre": s.loadings.T @ anchor, "own": s.specific * anchor}


def _state(s: Stack, given: dict[str, Any]) -> tuple[cp.Problem, cp.Variable]:
    """State the problem in cvxpy with numbers or with parameters, as its documentation teaches."""
    _, n, t, k = s.shape
    w, buy, sell, y = cp.Variable(n), cp.Variable(t, nonneg=True), cp.Variable(t, nonneg=True), cp.Variable(k)
    own = cp.multiply(s.specific, w)
    stated = [
        w[s.traded] - buy + sell == given["now"], y == s.loadings.T @ w, cp.sum(w) == 1,
        w >= given["lo"], w <= given["hi"],
    ]  # fmt: skip
    if len(s.rows):
        stated += [s.rows @ w >= given["rows_lo"], s.rows @ w <= given["rows_hi"]]
    if len(s.row):
        stated.append(s.row @ w + s.buy @ buy + s.sell @ sell <= given["most"])
    if s.radius.shape[1]:
        stated.append(cp.norm(cp.hstack([y - given["centre"], own - given["own"]])) <= given["radius"])
    objective = 0.5 * (cp.sum_squares(own) + cp.sum_squares(y)) + given["linear"] @ w + given["cost"] @ (buy + sell)
    return cp.Problem(cp.Minimize(objective), stated), w


def _ask(problem: cp.Problem, weights: cp.Variable, engine: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # weights of an engine that stopped early are refused by the status below
        problem.solve(solver=engine, warm_start=False, **OPTIONS[engine])
    fine = problem.status == cp.OPTIMAL and weights.value is not None
    return np.array(weights.value) if fine else np.full(weights.shape, np.nan)


def prepare_dpp(programs: Sequence[Program], engine: str) -> Loop:
    """One cvxpy problem with parameters, solved again for every account."""
    s = stack(programs)
    numbers = [_numbers(s, i) for i in range(len(programs))]
    given = {name: cp.Parameter(x.shape, nonneg=name == "cost") for name, x in numbers[0].items()}
    problem, weights = _state(s, given)
    assert problem.is_dpp()

    def loop(i: int) -> np.ndarray:
        for name, parameter in given.items():
            parameter.value = numbers[i][name]
        return _ask(problem, weights, engine)

    return loop


def prepare_rebuilt(programs: Sequence[Program], engine: str) -> Loop:
    """State a cvxpy problem of plain numbers again for every account."""
    s = stack(programs)
    return lambda i: _ask(*_state(s, _numbers(s, i)), engine)
