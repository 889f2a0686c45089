"""Programs with risk balls or 3/2-power costs for many accounts: stated once by hand for Clarabel, solved again.

As in :mod:`.quadratics`, with a second-order cone a ball (``|R (w - anchor)| <= most``) and a power cone
an asset whose trades move prices (``size_i >= (buy_i + sell_i)^1.5``). Presolve and equilibration are off: both would
make an answer depend on the account the program was set up with.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import sparse

from .answers import Multipliers
from .programs import Program
from .quadratics import TOLERANCE, Replies
from .stacks import clarabel, settings

_FAR = 100.0
"""How far beyond anything a program allows a bound stands that is absent."""
_MOST_STEPS = 200


class Cones:
    """The compiled program of all accounts whose programs share matrices; not for two threads at once."""

    def __init__(self, like: Program) -> None:
        """State the program; ``like`` is that of many accounts, and its vectors do not matter."""
        n, k = like.market_risk.loadings.shape
        self._n, self._like = n, like
        self._curved = bool(like.impact.any() or like.power.any())
        widths = {"w": n, "y": k}
        if like.priced:
            widths |= {"buy": n, "sell": n}
        if like.from_zero.any():
            widths |= {"long": n, "short": n}
        if like.tilted and len(like.ball_on):
            widths["v"] = k
        if self._curved:
            widths["size"] = n
        self._widths = widths
        self._sigma = float(np.sqrt(like.market_risk.variances.mean()))
        self._blocks: list[tuple[str, Any]] = []
        self._cones: list[object] = []
        self._state()
        self._matrix: Any = sparse.vstack([block for _, block in self._blocks], format="csc")
        self._solver: Any = None

    def _add(self, name: str, parts: dict, height: int, cone: object) -> None:
        blocks = [sparse.csc_matrix(parts.get(v, (height, width))) for v, width in self._widths.items()]
        self._blocks.append((name, sparse.hstack(blocks, format="csc")))
        self._cones.append(cone)

    def _state(self) -> None:
        """Lay out ``A x + s = b``, block by block; :meth:`_right` gives b in the same order."""
        like, n = self._like, self._n
        eye, k, unit = sparse.eye(n), like.risk.loadings.shape[1], np.sqrt(like.risk.variances.mean() or 1.0)
        self._add("factor", {"w": like.risk.loadings.T / unit, "y": -sparse.eye(k)}, k, clarabel.ZeroConeT(k))
        if "v" in self._widths:
            loadings = like.market_risk.loadings.T / self._sigma
            self._add("market", {"w": loadings, "v": -sparse.eye(k)}, k, clarabel.ZeroConeT(k))
        if like.priced:
            self._add("trades", {"w": eye, "buy": -eye, "sell": eye}, n, clarabel.ZeroConeT(n))
        if like.from_zero.any():
            self._add("gross", {"w": eye, "long": -eye, "short": eye}, n, clarabel.ZeroConeT(n))
        self._add("budget", {"w": np.ones((1, n))}, 1, clarabel.ZeroConeT(1))
        self._add("hi", {"w": eye}, n, clarabel.NonnegativeConeT(n))
        self._add("lo", {"w": -eye}, n, clarabel.NonnegativeConeT(n))
        for name in ("buy", "sell", "long", "short"):
            if name in self._widths:
                self._add("sign", {name: -eye}, n, clarabel.NonnegativeConeT(n))
        r = len(like.rows)
        if r:
            self._add("rows_hi", {"w": like.rows}, r, clarabel.NonnegativeConeT(r))
            self._add("rows_lo", {"w": -like.rows}, r, clarabel.NonnegativeConeT(r))
        for t, zero in enumerate(like.from_zero):
            up, down = ("long", "short") if zero else ("buy", "sell")
            parts = {"w": like.row[[t]], up: like.buy[[t]], down: like.sell[[t]]}
            if self._powered[t]:
                parts["size"] = np.ones((1, n))  # a place for each account's own numbers
            self._add("most", parts, 1, clarabel.NonnegativeConeT(1))
        self._state_balls()
        if self._curved:
            for i in range(n):
                one = sparse.csc_matrix(([1.0], ([0], [i])), shape=(1, n))
                none = sparse.csc_matrix((1, n))
                parts = {
                    "size": sparse.vstack([-one, none, none]),
                    "buy": sparse.vstack([none, none, -one]),
                    "sell": sparse.vstack([none, none, -one]),
                }
                self._add("power", parts, 3, clarabel.PowerConeT(2.0 / 3.0))

    @property
    def _powered(self) -> Any:
        """Which trade terms price size, shape (t,)."""
        return self._like.power.reshape(-1, *self._like.power.shape[-2:]).any(axis=(0, 2))

    def _state_balls(self) -> None:
        like, n = self._like, self._n
        factor = "v" if "v" in self._widths else "y"
        k, specific = like.market_risk.loadings.shape[1], like.market_risk.specific / self._sigma
        for on in like.ball_on:
            held = np.flatnonzero(on & (specific > 0))
            own = sparse.csc_matrix((-specific[held], (np.arange(len(held)), held)), shape=(len(held), n))
            top = sparse.csc_matrix((1, n))
            if on.all():
                parts = {
                    factor: sparse.vstack(
                        [sparse.csc_matrix((1, k)), -sparse.eye(k), sparse.csc_matrix((len(held), k))]
                    ),
                    "w": sparse.vstack([top, sparse.csc_matrix((k, n)), own]),
                }
            else:
                seen = -(like.market_risk.loadings * on[:, None]).T / self._sigma
                parts = {"w": sparse.vstack([top, sparse.csc_matrix(seen), own])}
            height = 1 + k + len(held)
            self._add("ball", parts, height, clarabel.SecondOrderConeT(height))

    def solve(self, program: Program) -> Replies:
        """Solve the programs of many accounts, shapes as in :class:`~trimtab.optimizer.programs.Program`."""
        m, n = program.current.shape
        linear, right = self._linear(program), self._right(program)
        powers = self._powers(program)
        if self._solver is None:
            self._solver = self._set_up(linear[0], right[0])
        solver = self._solver
        weights, duals = np.full((m, n), np.nan), np.full((m, self._matrix.shape[0]), np.nan)
        solved = np.zeros(m, dtype=bool)
        began = time.perf_counter()
        for i in range(m):
            if powers is None:
                solver.update(q=linear[i], b=right[i])
            else:
                solver.update(q=linear[i], b=right[i], A=(powers[0], powers[1][i]))
            said = solver.solve()
            if said.status == clarabel.SolverStatus.Solved:
                solved[i] = True
                weights[i], duals[i] = said.x[:n], said.z
        seconds = time.perf_counter() - began
        return Replies(weights, self._multipliers(program, duals), solved, seconds)

    def _set_up(self, linear: np.ndarray, right: np.ndarray) -> Any:
        like, unit = self._like, self._like.risk.variances.mean() or 1.0
        square = {"w": sparse.diags(like.risk.specific**2 / unit), "y": sparse.eye(like.risk.loadings.shape[1])}
        blocks = [square.get(v, sparse.csc_matrix((width, width))) for v, width in self._widths.items()]
        asked = settings(TOLERANCE, _MOST_STEPS)
        asked.presolve_enable = asked.equilibrate_enable = False
        square_matrix = sparse.triu(sparse.block_diag(blocks)).tocsc()
        return clarabel.DefaultSolver(square_matrix, linear, self._matrix, right, self._cones, asked)

    def _linear(self, program: Program) -> np.ndarray:
        m = len(program.current)
        unit, gamma = program.scale[:, None], program.gamma[:, None]
        parts = {"w": -(program.force + gamma * program.risk.times(program.centre)) / unit}
        if "buy" in self._widths:
            parts |= {"buy": program.cost / unit, "sell": program.cost / unit}
        if self._curved:
            parts["size"] = program.impact / unit
        return np.concatenate([parts.get(v, np.zeros((m, width))) for v, width in self._widths.items()], axis=1)

    def _right(self, program: Program) -> np.ndarray:
        m = len(program.current)
        sigma = self._sigma
        most, balls, out = iter(range(program.most.shape[1])), iter(range(len(program.ball_on))), []
        for name, block in self._blocks:
            height = block.shape[0]
            if name == "trades":
                out.append(program.current)
            elif name == "budget":
                out.append(np.ones((m, 1)))
            elif name in ("hi", "rows_hi"):
                out.append(np.minimum(getattr(program, name), _FAR))
            elif name in ("lo", "rows_lo"):
                out.append(-np.maximum(getattr(program, name), -_FAR))
            elif name == "most":
                out.append(program.most[:, [next(most)]])
            elif name == "ball":
                j = next(balls)
                out.append(self._ball_right(program, j) / sigma)
            elif name == "power":
                out.append(np.broadcast_to([0.0, 1.0, 0.0], (m, 3)))
            else:
                out.append(np.zeros((m, height)))
        return np.concatenate(out, axis=1)

    def _ball_right(self, program: Program, j: int) -> np.ndarray:
        on, risk = program.ball_on[j], program.market_risk
        anchor = np.where(on, program.anchor[:, j], 0.0)
        held = on & (risk.specific > 0)
        seen = np.einsum("mn,nk->mk", anchor, risk.loadings)
        return np.concatenate([program.ball_most[:, [j]], -seen, -(anchor * risk.specific)[:, held]], axis=1)

    def _powers(self, program: Program) -> tuple[np.ndarray, np.ndarray] | None:
        """Return where in the matrix's data the 3/2 parts of trade terms stand, and each account's numbers for them."""
        if not self._powered.any():
            return None
        n, at = self._n, dict.fromkeys(self._widths, 0)
        start = 0
        for name, width in self._widths.items():
            at[name], start = start, start + width
        heights = np.cumsum([0, *(block.shape[0] for _, block in self._blocks)])
        rows = [h for h, (name, _) in zip(heights, self._blocks, strict=False) if name == "most"]
        where, values = [], []
        for t in np.flatnonzero(self._powered):
            for i in range(n):
                column = at["size"] + i
                lo, hi = self._matrix.indptr[column], self._matrix.indptr[column + 1]
                where.append(lo + int(np.flatnonzero(self._matrix.indices[lo:hi] == rows[t])[0]))
                values.append(program.power[:, t, i])
        order = np.argsort(where)
        return np.array(where, dtype=np.uint64)[order], np.ascontiguousarray(np.stack(values, axis=1)[:, order])

    def _multipliers(self, program: Program, duals: np.ndarray) -> Multipliers:
        m, start = len(duals), 0
        unit = np.broadcast_to(program.scale, (m,))
        budget, rows = np.full(m, np.nan), np.zeros((m, len(program.rows)))
        trades, balls = [], []
        for name, block in self._blocks:
            z = duals[:, start : start + block.shape[0]]
            start += block.shape[0]
            if name == "budget":
                budget = z[:, 0] * unit
            elif name in ("rows_hi", "rows_lo"):
                rows = rows + (1 if name == "rows_hi" else -1) * np.maximum(z, 0.0) * unit[:, None]
            elif name == "most":
                trades.append(np.maximum(z[:, 0], 0.0) * unit)
            elif name == "ball":
                balls.append(np.maximum(z[:, 0], 0.0) * unit / self._sigma)
        stack = lambda xs: np.stack(xs, axis=1) if xs else np.zeros((m, 0))  # noqa: E731
        return Multipliers(budget, rows, stack(trades), stack(balls))
