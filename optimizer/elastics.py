"""Limits on springs: the least by which some of them must give way, stated by hand for Clarabel.

::

    minimise   cost'v
    subject to lo <= w <= hi,  sum w = 1
               every row, trade term and ball of the program that is kept, its bound moved out by  give @ v
               elastic boxes  lo_j - below_j v_c <= w <= hi_j + above_j v_c
               v >= floor,  caps @ v <= most

What comes back is a hint: a point and prices. Whoever uses it checks both in numpy.

:mod:`.cones` states the same terms for another purpose: one layout that many accounts share, solved again with other
numbers. Here a program is asked once, so whatever this account's numbers settle is left out of it: weights without
room, trades that can go one way only, bounds that the budget implies; that is most of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from .answers import Multipliers
from .programs import Program
from .stacks import Stack, clarabel, dense, settings, single

_MOST_STEPS = 100
_REFINED = 1
"""How often each step's linear system is refined: more often takes half as long again, never loses answers."""
_PINNED = 1e-12
"""A weight with less room than this is a number, not a variable: cones like to have an inside."""
_UNIT = 1.0 / 64.0
"""The unit of weights towards the engine: its cones take an eighth fewer steps than with numbers near a hundredth."""
_SMALL = 1e-2
"""A risk below this part of the assets' mean is too small to be told from nothing by its square."""


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

    def giving(self, on: np.ndarray) -> int | None:
        """Return the ball that alone gives way, if there is one and nothing is said of violations: a least square.

        ``on`` are the assets of each ball, shape (b, n); beside others it has to be on all.
        """
        if len(self.cost) != 1 or len(self.caps) or self.boxes or self.floor[0] != 0:
            return None
        some = np.flatnonzero(self.balls & (self.balls_give[:, 0] > 0))
        firm = not (self.rows_lo[self.rows].any() or self.rows_hi[self.rows].any() or self.trades_give.any())
        if len(some) != 1 or not firm:
            return None
        return int(some[0]) if np.count_nonzero(self.balls) == 1 or on[some[0]].all() else None


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

    @property
    def solved(self) -> bool:
        """Whether the numbers are an answer, if perhaps a rough one."""
        return self.status in ("solved", "almost")


def least(program: Program, springs: Springs, tolerance: float = 1e-9) -> Least:
    """Minimise what the violations cost.

    A status other than "solved" comes with weights that mean nothing, "infeasible" with prices that may prove it.
    """
    ball = springs.giving(program.ball_on)
    if ball is not None:
        said = _least_ball(program, springs, ball, tolerance)
        if said is not None:
            return said
    model = _Model(program, springs)
    status, x, z = model.solve(tolerance)
    return Least(status, model.weights(x), x[model.v], model.prices(z))


def _least_ball(program: Program, springs: Springs, j: int, tolerance: float) -> Least | None:
    """Minimise the square of the one ball that gives way: fewer steps than a cone; None where that is too rough."""
    others = springs.balls & (np.arange(len(springs.balls)) != j)
    model = _Model(program, replace(springs, balls=others), square=j)
    status, x, z = model.solve(tolerance)
    weights, prices = model.weights(x), model.prices(z)
    if status == "infeasible":
        return Least(status, weights, np.zeros(1), prices)
    size = float(program.ball_sizes(weights)[j])
    if status != "solved" or size < _SMALL * model.sigma:
        return None
    # Of half a square in units of sigma to a size: its slope is the size.
    unit, y, risk = model.sigma**2 / size, prices.multipliers, program.market_risk
    balls, pulls = unit * y.balls, unit * prices.pulls
    away = np.where(program.ball_on[j], weights - program.anchor[j], 0.0)
    balls[j], pulls[j] = 1.0, np.where(program.ball_on[j], risk.times(away), 0.0) / size
    own = Multipliers(unit * y.budget, unit * y.rows, unit * y.trades, balls)
    violation = max((size - float(program.ball_most[j])) / float(springs.balls_give[j, 0]), 0.0)
    return Least(status, weights, np.array([violation]), Prices(own, pulls))


class _Model:
    """The conic program of one account's springs; of ``square``, a ball, the square is minimised besides."""

    def __init__(self, program: Program, springs: Springs, square: int | None = None) -> None:
        self.program, self.springs, self.at, self.square = program, springs, Stack(), square
        lo, hi, now = springs.lo, springs.hi, program.current
        inside = hi - lo > _PINNED
        self.free, self.fixed = np.flatnonzero(inside), np.where(inside, 0.0, lo)
        self.pinned = np.flatnonzero(~inside)
        kept = springs.trades
        own, gross = kept & ~program.from_zero, kept & program.from_zero
        none = np.zeros(len(lo), bool)
        priced = (program.buy[own] + program.sell[own]).any(0) if own.any() else none
        powered = program.power[own].any(0) if own.any() else none
        # A weight that can only rise or only fall needs no second variable to say by how much it trades.
        self.split = np.flatnonzero(inside & (priced | powered) & (lo < now) & (now < hi))
        self.zeroed = np.flatnonzero(inside & (lo < 0) & (hi > 0)) if gross.any() else np.zeros(0, int)
        self.curved = np.flatnonzero(inside & powered)
        seen = program.ball_on[[square]] if square is not None else program.ball_on[springs.balls]
        self.whole = bool(seen.all(1).any()) or square is not None
        self.seen = seen[0] if square is not None else ~none
        widths = (
            len(self.free), len(self.split), len(self.zeroed), len(self.curved),
            program.market_risk.loadings.shape[1] if self.whole else 0, len(springs.cost),
        )  # fmt: skip
        starts = np.cumsum([0, *widths])
        self.width = int(starts[-1])
        self.w, self.p, self.q, self.size, self.y, self.v = (np.arange(a, b) for a, b in pairwise(starts))
        self.place = np.zeros(len(lo), int)
        self.place[self.free] = self.w
        self.sigma = float(np.sqrt(program.market_risk.variances.mean()))
        self._state()

    def _state(self) -> None:
        program, s, n, room = self.program, self.springs, len(self.free), self.free
        zero, plus = clarabel.ZeroConeT, clarabel.NonnegativeConeT
        self.budget = self.at.add([single(self.w, 1.0, np.zeros(n, int))], np.array([1.0 - self.fixed.sum()]), zero)
        if self.whole:
            loadings = np.where(self.seen[:, None], program.market_risk.loadings, 0.0) / self.sigma
            self.at.add([dense(self.w, loadings[room].T), single(self.y, -1.0)], -loadings.T @ self.fixed, zero)
        # An upper bound that the budget implies, with everything else at its least, is no row.
        high = np.flatnonzero(s.hi[room] < 1.0 - s.lo.sum() + s.lo[room])
        self.at.add([single(self.w[high], 1.0)], s.hi[room][high], plus)
        self.at.add([single(self.w, -1.0)], -s.lo[room], plus)
        self.at.add([single(self.v, -1.0)], -s.floor, plus)
        if len(s.caps):
            self.at.add([dense(self.v, s.caps)], s.most, plus)
        for extra, which, origin in ((self.p, self.split, program.current), (self.q, self.zeroed, 0 * program.current)):
            if len(which):  # at least what is bought, and at least nothing
                self.at.add([single(self.place[which], 1.0), single(extra, -1.0)], origin[which], plus)
                self.at.add([single(extra, -1.0)], np.zeros(len(which)), plus)
        self._state_boxes()
        self._state_rows()
        self._state_trades()
        self._state_balls()

    def _state_boxes(self) -> None:
        s, inside = self.springs, np.ones(len(self.fixed), bool)
        inside[self.pinned] = False
        for column, lo, hi, below, above in s.boxes:
            for sign, bound, hard, unit in ((1.0, hi, s.hi, above), (-1.0, -lo, -s.lo, below)):
                # Pinned weights too: that they stand outside is what the box has to give way for.
                some = np.flatnonzero(bound < hard)
                if len(some):
                    mine = np.flatnonzero(inside[some])
                    moves = single(self.place[some[mine]], sign, mine)
                    give = single(np.full(len(some), self.v[column]), -unit)
                    right = bound[some] - sign * self.fixed[some]
                    self.at.add([moves, give], right, clarabel.NonnegativeConeT)

    def _state_rows(self) -> None:
        program, s = self.program, self.springs
        self.sides = []
        for sign, bound, give in ((1.0, program.rows_hi, s.rows_hi), (-1.0, program.rows_lo, s.rows_lo)):
            some = np.flatnonzero(s.rows & np.isfinite(bound))
            if len(some):
                matrix = sign * program.rows[some]
                right = sign * bound[some] - matrix @ self.fixed
                block = [dense(self.w, matrix[:, self.free]), dense(self.v, -give[some])]
                self.sides.append((sign, some, self.at.add(block, right, clarabel.NonnegativeConeT)))

    def _state_trades(self) -> None:
        """State ``row'w + buy'z+ + sell'z- + power'|z|^1.5 <= most``, with ``z- = z+ - z`` and ``z+ <= p``."""
        program, s, room, pinned = self.program, self.springs, self.free, self.pinned
        self.terms = []
        for t in np.flatnonzero(s.trades):
            zero = bool(program.from_zero[t])
            which, extra = (self.zeroed, self.q) if zero else (self.split, self.p)
            origin = np.zeros_like(program.current) if zero else program.current
            buy, sell = program.buy[t], program.sell[t]
            fixed = (self.fixed - origin)[pinned]
            right = program.most[t] - program.row[t] @ self.fixed
            right -= buy[pinned] @ np.maximum(fixed, 0) + sell[pinned] @ np.maximum(-fixed, 0)
            right -= program.power[t][pinned] @ np.abs(fixed) ** 1.5
            # Only rising: buy z. Only falling: -sell z. Both: (buy + sell) p - sell z.
            rises = s.lo >= origin
            slope = np.where(rises, buy, -sell)
            slope[which] = -sell[which]
            right += slope[room] @ origin[room]
            block = [dense(self.w, (program.row[t] + slope)[None, room]), dense(self.v, -s.trades_give[[t]])]
            if len(which):
                block.append(dense(extra, (buy + sell)[None, which]))
            if not zero and len(self.curved):
                block.append(dense(self.size, program.power[t][None, self.curved]))
            self.terms.append((t, self.at.add(block, np.array([right]), clarabel.NonnegativeConeT)))
        for k, i in enumerate(self.curved):
            self._state_power(k, int(i))

    def _state_power(self, k: int, i: int) -> None:
        """State ``size >= |z|^1.5`` of asset i."""
        now, two = float(self.program.current[i]), np.array([2])
        sign = 1.0 if self.springs.lo[i] >= now else -1.0
        block = [single(self.size[[k]], -1.0), single(self.place[[i]], -sign, two)]
        if i in self.split:
            block.append(single(self.p[[np.searchsorted(self.split, i)]], -2.0, two))
        self.at.curve(block, np.array([0.0, 1.0, -sign * now]), 2.0 / 3.0)

    def _state_balls(self) -> None:
        program, s, room = self.program, self.springs, self.free
        loadings, specific = program.market_risk.loadings / self.sigma, program.market_risk.specific / self.sigma
        inside = np.ones(len(self.fixed), bool)
        inside[self.pinned] = False
        k, self.round = loadings.shape[1], []
        for j in np.flatnonzero(s.balls):
            on = program.ball_on[j]
            away = np.where(on, self.fixed - program.anchor[j], 0.0)
            own = np.flatnonzero(on & (specific > 0))
            mine = np.flatnonzero(inside[own])
            block = [(1 + k + mine, self.place[own[mine]], -specific[own[mine]])]
            if on.all():
                block.append(single(self.y, -1.0, 1 + np.arange(k)))
                at = -loadings.T @ program.anchor[j]
            else:
                i, column, value = dense(self.w, -(loadings * on[:, None])[room].T)
                block.append((1 + i, column, value))
                at = loadings.T @ away
            block.append(dense(self.v, -s.balls_give[[j]] / self.sigma))
            right = np.concatenate([[program.ball_most[j] / self.sigma], at, (specific * away)[own]])
            self.round.append((j, self.at.add(block, right, clarabel.SecondOrderConeT)))

    def _objective(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the diagonal of the quadratic part and the linear part."""
        diagonal, linear = np.zeros(self.width), np.zeros(self.width)
        linear[self.v] = self.springs.cost
        if self.square is not None:
            risk, on = self.program.market_risk, self.program.ball_on[self.square]
            anchor = np.where(on, self.program.anchor[self.square], 0.0)
            own = (np.where(on, risk.specific, 0.0) / self.sigma)[self.free] ** 2
            diagonal[self.w], linear[self.w] = own, -own * anchor[self.free]
            diagonal[self.y], linear[self.y] = 1.0, -risk.loadings.T @ anchor / self.sigma
        return diagonal, linear

    def solve(self, tolerance: float) -> tuple[str, np.ndarray, np.ndarray]:
        """Ask Clarabel."""
        diagonal, linear = self._objective()
        asked = settings(4.0 * tolerance, _MOST_STEPS)
        if self.square is not None:  # a gap of a square in these units is worth less of its root
            asked.tol_gap_abs = asked.tol_gap_rel = 16.0 * asked.tol_feas
        asked.iterative_refinement_max_iter = _REFINED
        square = sparse.diags(diagonal, format="csc") if diagonal.any() else sparse.csc_matrix((self.width,) * 2)
        matrix, right = self.at.matrix(self.width), np.concatenate(self.at.b) / _UNIT
        unit = 1.0 if self.square is None else _UNIT  # of prices: a square grows with the square
        said = clarabel.DefaultSolver(square, linear / unit, matrix, right, self.at.cones, asked).solve()
        words = {
            clarabel.SolverStatus.Solved: "solved",
            clarabel.SolverStatus.AlmostSolved: "almost",
            clarabel.SolverStatus.PrimalInfeasible: "infeasible",
            clarabel.SolverStatus.AlmostPrimalInfeasible: "infeasible",
        }
        return words.get(said.status, str(said.status)), np.array(said.x) * _UNIT, np.array(said.z) * unit

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
