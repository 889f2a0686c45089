"""Limits on springs: the least by which some of them must give way, stated by hand for Clarabel.

::

    minimise   cost'v
    subject to lo <= w <= hi,  sum w = 1
               every row, trade term and ball of the program that is kept, its bound moved out by  give @ v
               elastic boxes  lo_j - below_j v_c <= w <= hi_j + above_j v_c
               v >= floor,  caps @ v <= most

What comes back is a hint: a point and prices. Whoever uses it checks both in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy import sparse

from .answers import Multipliers
from .cones import clarabel
from .programs import Program

_MOST_STEPS = 100
_PINNED = 1e-12
"""A weight with less room than this is a number, not a variable: cones like to have an inside."""


@dataclass(frozen=True, eq=False)
class Springs:
    """Which constraints are kept and how they give way along m violations.

    Parameters
    ----------
    lo, hi
        The box that does not give way, shape (n,), finite.
    rows, trades, balls
        Masks of what is kept, shapes (r,), (t,), (b,).
    rows_lo, rows_hi, trades_give, balls_give
        How far each bound moves out for a violation of 1, shapes (r, m), (r, m), (t, m), (b, m).
    boxes
        Boxes that give way: column, lo, hi, and how far they move below and above.
    cost, floor
        What a violation costs and its least value, shape (m,).
    caps, most
        ``caps @ v <= most``, shapes (k, m) and (k,).
    """

    lo: np.ndarray
    hi: np.ndarray
    rows: np.ndarray
    trades: np.ndarray
    balls: np.ndarray
    rows_lo: np.ndarray
    rows_hi: np.ndarray
    trades_give: np.ndarray
    balls_give: np.ndarray
    boxes: tuple[tuple[int, np.ndarray, np.ndarray, float, float], ...]
    cost: np.ndarray
    floor: np.ndarray
    caps: np.ndarray
    most: np.ndarray


@dataclass(frozen=True, eq=False)
class Prices:
    """A proposed proof: the price of each constraint, and which way each ball pulls.

    ``pulls`` has a row a ball, ``R'u`` in the units of its price ``|u|``: inside the ball
    ``pull'(w - anchor) <= |u| most``. So the pull replaces the ball whatever u is, and where u comes from an engine's
    dual it balances the other prices better than the ball's tangent at the engine's weights.
    """

    multipliers: Multipliers
    pulls: np.ndarray


@dataclass(frozen=True, eq=False)
class Least:
    """What the engine said: its status, weights (n,), violations (m,), and prices."""

    status: str
    weights: np.ndarray
    violations: np.ndarray
    prices: Prices


@dataclass(eq=False)
class _Rows:
    """Rows of ``A x + s = b`` on their way to Clarabel; mutable, it only collects."""

    i: list[np.ndarray] = field(default_factory=list)
    j: list[np.ndarray] = field(default_factory=list)
    a: list[np.ndarray] = field(default_factory=list)
    b: list[np.ndarray] = field(default_factory=list)
    cones: list[object] = field(default_factory=list)
    height: int = 0

    def add(self, parts: list[_Part], right: np.ndarray, cone: object) -> slice:
        """Add a block of rows."""
        for i, j, a in parts:
            self.i.append(i + self.height)
            self.j.append(j)
            self.a.append(a)
        self.b.append(right)
        self.cones.append(cone)
        start, self.height = self.height, self.height + len(right)
        return slice(start, self.height)


_Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows within a block, columns, values."""


def _dense(columns: np.ndarray, matrix: np.ndarray) -> _Part:
    i, j = np.nonzero(matrix)
    return i, columns[j], matrix[i, j]


def _single(columns: np.ndarray, value: float, rows: np.ndarray | None = None) -> _Part:
    """One number a row, in these columns."""
    return np.arange(len(columns)) if rows is None else rows, columns, np.full(len(columns), value)


def least(program: Program, springs: Springs, tolerance: float = 1e-9) -> Least:
    """Minimise what the violations cost; a status other than "solved" comes with numbers that mean nothing."""
    model = _Model(program, springs)
    said = model.solve(tolerance)
    return Least(said[0], model.weights(said[1]), said[1][model.v], model.prices(said[2]))


class _Model:
    """The conic program of one account's springs."""

    def __init__(self, program: Program, springs: Springs) -> None:
        self.program, self.springs, self.at = program, springs, _Rows()
        lo, hi, now = springs.lo, springs.hi, program.current
        self.free = np.flatnonzero(hi - lo > _PINNED)
        self.fixed = np.where(hi - lo > _PINNED, 0.0, lo)
        kept = springs.trades
        own, gross = kept & ~program.from_zero, kept & program.from_zero
        priced = (program.buy[own] + program.sell[own]).any(0) if own.any() else np.zeros(len(lo), bool)
        powered = program.power[own].any(0) if own.any() else np.zeros(len(lo), bool)
        # A weight that can only rise or only fall needs no second variable to say by how much it trades.
        inside = np.isin(np.arange(len(lo)), self.free)
        self.split = np.flatnonzero(inside & (priced | powered) & (lo < now) & (now < hi))
        self.zeroed = np.flatnonzero(inside & (lo < 0) & (hi > 0)) if gross.any() else np.zeros(0, int)
        self.curved = np.flatnonzero(inside & powered)
        self.whole = bool((program.ball_on.all(1) & springs.balls).any()) if len(program.ball_on) else False
        widths = (
            len(self.free), len(self.split), len(self.zeroed), len(self.curved),
            program.market_risk.loadings.shape[1] if self.whole else 0, len(springs.cost),
        )  # fmt: skip
        starts = np.cumsum([0, *widths])
        self.width = int(starts[-1])
        self.w, self.p, self.q, self.size, self.y, self.v = (np.arange(a, b) for a, b in pairwise(starts))
        self.sigma = float(np.sqrt(program.market_risk.variances.mean()))
        self._state()

    def _state(self) -> None:
        program, s, n, room = self.program, self.springs, len(self.free), self.free
        zero, plus = clarabel.ZeroConeT, clarabel.NonnegativeConeT
        self.budget = self.at.add([_dense(self.w, np.ones((1, n)))], np.array([1.0 - self.fixed.sum()]), zero(1))
        if self.whole:
            loadings, k = program.market_risk.loadings / self.sigma, len(self.y)
            seen = [_dense(self.w, loadings[room].T), _single(self.y, -1.0)]
            self.at.add(seen, -loadings.T @ self.fixed, zero(k))
        # An upper bound that the budget implies, with everything else at its least, is no row.
        high = np.flatnonzero(s.hi[room] < 1.0 - s.lo.sum() + s.lo[room])
        self.at.add([_single(self.w[high], 1.0)], s.hi[room][high], plus(len(high)))
        self.at.add([_single(self.w, -1.0)], -s.lo[room], plus(n))
        self.at.add([_single(self.v, -1.0)], -s.floor, plus(len(self.v)))
        if len(s.caps):
            self.at.add([_dense(self.v, s.caps)], s.most, plus(len(s.caps)))
        for extra, which, origin in ((self.p, self.split, program.current), (self.q, self.zeroed, 0 * program.current)):
            if len(which):  # at least what is bought, and at least nothing
                moved = [_single(self.w[np.searchsorted(room, which)], 1.0), _single(extra, -1.0)]
                self.at.add(moved, origin[which], plus(len(which)))
                self.at.add([_single(extra, -1.0)], np.zeros(len(which)), plus(len(which)))
        self._state_boxes()
        self._state_rows()
        self._state_trades()
        self._state_balls()

    def _state_boxes(self) -> None:
        s, room = self.springs, self.free
        for column, lo, hi, below, above in s.boxes:
            for sign, bound, hard, unit in ((1.0, hi, s.hi, above), (-1.0, -lo, -s.lo, below)):
                # Pinned weights too: that they stand outside is what the box has to give way for.
                some = np.flatnonzero(bound < hard)
                if len(some):
                    mine = np.flatnonzero(np.isin(some, room))
                    moves = _single(self.w[np.searchsorted(room, some[mine])], sign, mine)
                    give = _single(np.full(len(some), self.v[column]), -unit)
                    right = bound[some] - sign * self.fixed[some]
                    self.at.add([moves, give], right, clarabel.NonnegativeConeT(len(some)))

    def _state_rows(self) -> None:
        program, s = self.program, self.springs
        self.sides = []
        for sign, bound, give in ((1.0, program.rows_hi, s.rows_hi), (-1.0, program.rows_lo, s.rows_lo)):
            some = np.flatnonzero(s.rows & np.isfinite(bound))
            if len(some):
                matrix = sign * program.rows[some]
                right = sign * bound[some] - matrix @ self.fixed
                block = [_dense(self.w, matrix[:, self.free]), _dense(self.v, -give[some])]
                self.sides.append((sign, some, self.at.add(block, right, clarabel.NonnegativeConeT(len(some)))))

    def _state_trades(self) -> None:
        """State ``row'w + buy'z+ + sell'z- + power'|z|^1.5 <= most``, with ``z- = z+ - z`` and ``z+ <= p``."""
        program, s, room = self.program, self.springs, self.free
        self.terms = []
        for t in np.flatnonzero(s.trades):
            zero = bool(program.from_zero[t])
            which, extra = (self.zeroed, self.q) if zero else (self.split, self.p)
            origin = np.zeros_like(program.current) if zero else program.current
            buy, sell = program.buy[t], program.sell[t]
            fixed = self.fixed - origin
            pinned = np.setdiff1d(np.arange(len(fixed)), room)
            right = program.most[t] - program.row[t] @ self.fixed
            right -= buy[pinned] @ np.maximum(fixed[pinned], 0) + sell[pinned] @ np.maximum(-fixed[pinned], 0)
            right -= program.power[t][pinned] @ np.abs(fixed[pinned]) ** 1.5
            # Only rising: buy z. Only falling: -sell z. Both: (buy + sell) p - sell z.
            rises = s.lo >= origin
            slope = np.where(rises, buy, -sell)
            slope[which] = -sell[which]
            right += slope[room] @ origin[room]
            block = [_dense(self.w, (program.row[t] + slope)[None, room]), _dense(self.v, -s.trades_give[[t]])]
            if len(which):
                block.append(_dense(extra, (buy + sell)[None, which]))
            if not zero and len(self.curved):
                block.append(_dense(self.size, program.power[t][None, self.curved]))
            self.terms.append((t, self.at.add(block, np.array([right]), clarabel.NonnegativeConeT(1))))
        for k, i in enumerate(self.curved):
            self._state_power(k, int(i))

    def _state_power(self, k: int, i: int) -> None:
        """State ``size >= |z|^1.5`` of asset i."""
        now, two = float(self.program.current[i]), np.array([2])
        sign = 1.0 if self.springs.lo[i] >= now else -1.0
        block = [_single(self.size[[k]], -1.0), _single(self.w[[np.searchsorted(self.free, i)]], -sign, two)]
        if i in self.split:
            block.append(_single(self.p[[np.searchsorted(self.split, i)]], -2.0, two))
        self.at.add(block, np.array([0.0, 1.0, -sign * now]), clarabel.PowerConeT(2.0 / 3.0))

    def _state_balls(self) -> None:
        program, s, room = self.program, self.springs, self.free
        loadings, specific = program.market_risk.loadings / self.sigma, program.market_risk.specific / self.sigma
        k, self.round = loadings.shape[1], []
        for j in np.flatnonzero(s.balls):
            on = program.ball_on[j]
            away = np.where(on, self.fixed - program.anchor[j], 0.0)
            own = np.flatnonzero(on & (specific > 0))
            mine = np.flatnonzero(np.isin(own, room))
            block = [(1 + k + mine, self.w[np.searchsorted(room, own[mine])], -specific[own[mine]])]
            if on.all():
                block.append(_single(self.y, -1.0, 1 + np.arange(k)))
                at = -loadings.T @ program.anchor[j]
            else:
                i, column, value = _dense(self.w, -(loadings * on[:, None])[room].T)
                block.append((1 + i, column, value))
                at = loadings.T @ away
            block.append(_dense(self.v, -s.balls_give[[j]] / self.sigma))
            right = np.concatenate([[program.ball_most[j] / self.sigma], at, (specific * away)[own]])
            self.round.append((j, self.at.add(block, right, clarabel.SecondOrderConeT(len(right)))))

    def solve(self, tolerance: float) -> tuple[str, np.ndarray, np.ndarray]:
        """Ask Clarabel."""
        at, settings = self.at, clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_threads = 1
        settings.max_iter = _MOST_STEPS
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
        matrix = sparse.csc_matrix(
            (np.concatenate(at.a), (np.concatenate(at.i), np.concatenate(at.j))), shape=(at.height, self.width)
        )
        linear = np.zeros(self.width)
        linear[self.v] = self.springs.cost
        none = sparse.csc_matrix((self.width, self.width))
        said = clarabel.DefaultSolver(none, linear, matrix, np.concatenate(at.b), at.cones, settings).solve()
        words = {
            clarabel.SolverStatus.Solved: "solved",
            clarabel.SolverStatus.AlmostSolved: "almost",
            clarabel.SolverStatus.PrimalInfeasible: "infeasible",
            clarabel.SolverStatus.AlmostPrimalInfeasible: "infeasible",
        }
        return words.get(said.status, str(said.status)), np.array(said.x), np.array(said.z)

    def weights(self, x: np.ndarray) -> np.ndarray:
        """Return all weights, the pinned ones too."""
        out = np.array(self.fixed)
        out[self.free] = x[self.w]
        return out

    def prices(self, z: np.ndarray) -> Prices:
        """Return the prices in the program's own stacks."""
        program, risk = self.program, self.program.market_risk
        rows, trades, balls = (np.zeros(len(x)) for x in (program.rows, program.most, program.ball_most))
        pulls = np.zeros((len(balls), len(program.current)))
        for sign, some, where in self.sides:
            rows[some] += sign * np.maximum(z[where], 0.0)
        for t, where in self.terms:
            trades[t] = max(z[where][0], 0.0)
        k = risk.loadings.shape[1]
        for j, where in self.round:
            u, on = -z[where][1:] / self.sigma, program.ball_on[j]
            own = np.flatnonzero(on & (risk.specific > 0))
            pulls[j] = np.where(on, risk.loadings @ u[:k], 0.0)
            pulls[j, own] += risk.specific[own] * u[k:]
            balls[j] = float(np.sqrt(u @ u))
        return Prices(Multipliers(float(z[self.budget][0]), rows, trades, balls), pulls)
