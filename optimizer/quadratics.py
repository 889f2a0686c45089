"""Quadratic programs for many accounts: stated once by hand for PIQP, solved again with other vectors.

::

    minimise   1/2 w'Dw + 1/2 |y|^2 - linear'w + cost'(buy + sell)        in units of gamma' * mean variance
    subject to w - buy + sell = w0,   L'w - y = 0,   sum w = 1            (D = s^2, Sigma' = L L' + diag(s^2))
               rows_lo <= A w <= rows_hi,   row_t'w + buy_t'buy + sell_t'sell <= most_t
               lo <= w <= hi,   0 <= buy, sell                            (as bounds of variables)

Accounts share the matrices; their vectors are computed for all at once, and the loop does nothing but update and solve.
Three habits of PIQP decide how it is asked: bounds of variables that are absent are infinite, bounds of rows are always
finite (an infinite one is lost for good), and without its preconditioner an answer never depends on who was asked
before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import piqp
from scipy import sparse

from .answers import Multipliers
from .programs import Program

TOLERANCE = 1e-9
MOST_STEPS = 250
_FAR = 100.0
"""How far beyond anything a program allows the bound of a row stands that has none."""


@dataclass(frozen=True, eq=False)
class Replies:
    """What an engine says of many accounts: weights (m, n) and multipliers, and for which it claims to have solved.

    ``seconds`` is the time inside the engine.
    """

    weights: np.ndarray
    multipliers: Multipliers
    solved: np.ndarray
    seconds: float


class Quadratics:
    """The compiled program of all accounts whose programs share matrices; not for two threads at once."""

    def __init__(self, like: Program) -> None:
        """State the program; ``like`` is that of one account or of many, and its vectors do not matter."""
        n, k = like.market_risk.loadings.shape
        self._n, self._k = n, k
        # The cash takes the rest: where trading it is neither charged nor limited its buys and sells are not stated.
        free = not (like.cost[..., like.cash].any() or like.buy[:, like.cash].any() or like.sell[:, like.cash].any())
        self._pairs = np.delete(np.arange(n), like.cash) if free else np.arange(n)
        self._widths = {"w": n}
        if like.priced:
            self._widths |= dict.fromkeys(("buy", "sell"), len(self._pairs))
        if like.from_zero.any():
            self._widths |= dict.fromkeys(("long", "short"), n)
        self._widths["y"] = k
        self._matrices = self._state(like)
        self._solver: piqp.SparseSolver | None = None

    def _state(self, like: Program) -> tuple[Any, Any, Any]:
        n, k, unit = self._n, self._k, like.risk.variances.mean() or 1.0  # nothing but cash has no risk
        square = {"w": sparse.diags(like.risk.specific**2 / unit), "y": sparse.eye(k)}
        equalities = [self._block({"w": like.risk.loadings.T / np.sqrt(unit), "y": -sparse.eye(k)}, k)]
        if like.priced:
            p = len(self._pairs)
            moves = {"w": sparse.csr_matrix(sparse.eye(n))[self._pairs], "buy": -sparse.eye(p), "sell": sparse.eye(p)}
            equalities.insert(0, self._block(moves, p))
        if like.from_zero.any():
            gross = {"w": sparse.eye(n), "long": -sparse.eye(n), "short": sparse.eye(n)}
            equalities.insert(1, self._block(gross, n))
        equalities.append(self._block({"w": np.ones((1, n))}, 1))
        rows = [self._block({"w": like.rows}, len(like.rows))]
        for t, zero in enumerate(like.from_zero):
            up, down = ("long", "short") if zero else ("buy", "sell")
            on = np.arange(n) if zero else self._pairs
            rows.append(self._block({"w": like.row[[t]], up: like.buy[[t]][:, on], down: like.sell[[t]][:, on]}, 1))
        blocks = [square.get(part, sparse.csc_matrix((width, width))) for part, width in self._widths.items()]
        return (
            sparse.block_diag(blocks, format="csc"),
            sparse.vstack(equalities, format="csc"),
            sparse.vstack(rows, format="csc"),
        )

    def _block(self, parts: dict, height: int) -> Any:
        """Lay matrices side by side under their variables."""
        blocks = [sparse.csc_matrix(parts.get(name, (height, width))) for name, width in self._widths.items()]
        return sparse.hstack(blocks, format="csc")

    def solve(self, program: Program) -> Replies:
        """Solve the programs of many accounts, shapes as in :class:`~trimtab.optimizer.programs.Program`."""
        m = len(program.current)
        vectors = self._vectors(program)
        if self._solver is None:
            self._solver = self._set_up([v[0] for v in vectors])
        solver, result = self._solver, self._solver.result
        rows = program.rows_lo.shape[1] + program.most.shape[1]
        weights, duals = np.full((m, self._n), np.nan), np.full((m, rows), np.nan)
        budget, solved = np.full(m, np.nan), np.zeros(m, dtype=bool)
        began = time.perf_counter()
        for i, (c, b, h_l, h_u, x_l, x_u) in enumerate(zip(*vectors, strict=True)):
            solver.update(c=c, b=b, h_l=h_l, h_u=h_u, x_l=x_l, x_u=x_u)
            if solver.solve() == piqp.PIQP_SOLVED:
                solved[i] = True
                weights[i], budget[i] = result.x[: self._n], result.y[-1]
                duals[i] = result.z_u - result.z_l
        seconds = time.perf_counter() - began
        unit = np.broadcast_to(program.scale, (m,))
        r = program.rows_lo.shape[1]
        prices = duals * unit[:, None]
        multipliers = Multipliers(budget * unit, prices[:, :r], np.maximum(prices[:, r:], 0.0), np.zeros((m, 0)))
        return Replies(weights, multipliers, solved, seconds)

    def _set_up(self, first: list[np.ndarray]) -> piqp.SparseSolver:
        c, b, h_l, h_u, x_l, x_u = first
        square, equalities, rows = self._matrices
        solver = piqp.SparseSolver()
        settings = solver.settings
        settings.eps_abs = settings.eps_rel = TOLERANCE
        settings.check_duality_gap = True
        settings.eps_duality_gap_abs = settings.eps_duality_gap_rel = TOLERANCE
        settings.max_iter = MOST_STEPS
        settings.preconditioner_iter = 0
        solver.setup(square, c, equalities, b, rows, h_l, h_u, x_l, x_u)
        return solver

    def _vectors(self, program: Program) -> tuple[np.ndarray, ...]:
        """Return c, b, h_l, h_u, x_l, x_u of every account, a row each."""
        m, n = program.current.shape
        unit = np.broadcast_to(program.scale, (m,))[:, None]
        gamma = np.broadcast_to(program.gamma, (m,))[:, None]
        linear = -(program.force + gamma * program.risk.times(program.centre)) / unit
        c, b, x_l, x_u = [linear], [], [program.lo], [program.hi]
        for name, width in self._widths.items():
            if name in ("buy", "sell", "long", "short"):
                traded = name in ("buy", "sell")
                c.append(program.cost[:, self._pairs] / unit if traded else np.zeros((m, width)))
                x_l.append(np.zeros((m, width)))
                x_u.append(np.full((m, width), np.inf))
        if "buy" in self._widths:
            b.append(program.current[:, self._pairs])
        if "long" in self._widths:
            b.append(np.zeros((m, n)))
        c.append(np.zeros((m, self._k)))
        b += [np.zeros((m, self._k)), np.ones((m, 1))]
        x_l.append(np.full((m, self._k), -np.inf))
        x_u.append(np.full((m, self._k), np.inf))
        h_l = np.concatenate([program.rows_lo, np.full(program.most.shape, -_FAR)], axis=1)
        h_u = np.concatenate([program.rows_hi, program.most], axis=1)
        return (
            np.concatenate(c, axis=1),
            np.concatenate(b, axis=1),
            np.clip(h_l, -_FAR, _FAR),
            np.clip(h_u, -_FAR, _FAR),
            np.concatenate(x_l, axis=1),
            np.concatenate(x_u, axis=1),
        )
