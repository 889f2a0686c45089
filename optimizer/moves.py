"""What moving a trade by a few lots does: limits, utility, trades and turnover of every such move, in closed form.

A move changes one asset, or two, and the cash pays. Everything but the cash and the curvature of the risk is separable
by asset: it is reckoned once for the moves of single assets, k of each of m accounts, and adds up for pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .programs import Program
from .tickets import MARGIN, Tickets, Verdict, custom_excess, judge, missing

_DUST = 1e-14
"""A sum of excesses below this is what adding and taking away leaves of nothing."""
_PLAIN = 6
"""Lines of a table of moves before the rows, trade terms and balls begin."""
_PAID, _OUTSIDE, _COUNT, _BUYS, _SELLS, _GAIN = range(_PLAIN)


@dataclass(frozen=True, eq=False)
class Curves:
    """Covariances per units taken from the cash: of utility (n, n), and of each ball (b, n, n)."""

    utility: np.ndarray
    balls: np.ndarray


def read_curves(program: Program) -> Curves:
    """Read the curvature of utility and balls."""
    n = len(program.risk.covariance)
    inside = [on[:, None] * program.market_risk.covariance * on for on in program.ball_on]
    return Curves(
        _paid(program.risk.covariance, program.cash),
        np.array([_paid(c, program.cash) for c in inside]).reshape(len(inside), n, n),
    )


def _paid(covariance: np.ndarray, cash: int) -> np.ndarray:
    return covariance - covariance[[cash]] - covariance[:, [cash]] + covariance[cash, cash]


@dataclass(frozen=True, eq=False)
class Ground:
    """Where the accounts stand before the next move, weights (m, n), and the slopes there."""

    tickets: Tickets
    weights: np.ndarray

    def pick(self, which: np.ndarray) -> Ground:
        """Return that of some accounts."""
        return Ground(self.tickets.pick(which), self.weights[which])

    @cached_property
    def verdict(self) -> Verdict:
        """How good it is to stand here."""
        return judge(self.tickets, self.weights)

    @cached_property
    def trades(self) -> np.ndarray:
        """Signed trades, the cash apart, shape (m, n)."""
        z = self.weights - self.tickets.program.current
        z[:, self.tickets.program.cash] = 0.0
        return z

    @cached_property
    def boxed(self) -> np.ndarray:
        """By how much each weight is outside its box, shape (m, n), what is forgiven taken off."""
        program = self.tickets.program
        return np.maximum(np.maximum(program.lo - self.weights, self.weights - program.hi) - MARGIN, 0.0)

    @cached_property
    def slope(self) -> np.ndarray:
        """Slope of the smooth utility, per unit taken from the cash, shape (m, n)."""
        program = self.tickets.program
        slope = program.force - program.gamma[:, None] * program.risk.times(self.weights - program.centre)
        return slope - slope[:, [program.cash]]

    @cached_property
    def pulls(self) -> np.ndarray:
        """``Sigma (w - anchor)`` of each ball, per unit taken from the cash, shape (m, b, n)."""
        program = self.tickets.program
        away = np.where(program.ball_on, self.weights[:, None] - program.anchor, 0.0)
        pulls = np.where(program.ball_on, program.market_risk.times(away), 0.0)
        return pulls - pulls[..., [program.cash]]


@dataclass(frozen=True, eq=False)
class Moves:
    """Moves, k an account: ``asset`` and ``lots`` of its step, shape (m, k), and a table (m, lines, k) that adds up.

    Its lines: what the cash pays, what is added to the excess over the box, trades, buys, sells, utility but fees, then
    the left side of each row, of each trade term, and the square of each ball.
    """

    asset: np.ndarray
    lots: np.ndarray
    table: np.ndarray

    @property
    def paid(self) -> np.ndarray:
        """What the cash pays, shape (m, k)."""
        return self.table[:, _PAID]

    def pick(self, which: np.ndarray) -> Moves:
        """Return those of some accounts."""
        return Moves(self.asset[which], self.lots[which], self.table[which])

    def take(self, place: np.ndarray) -> Moves:
        """Return the moves of each account at places (m, k')."""
        table = self.table[
            np.arange(len(place))[:, None, None], np.arange(self.table.shape[1])[:, None], place[:, None]
        ]
        rows = np.arange(len(place))[:, None]
        return Moves(self.asset[rows, place], self.lots[rows, place], table)


def singles(ground: Ground, asset: np.ndarray, lots: np.ndarray, curves: Curves) -> Moves:
    """Reckon moves of single assets: places (m, a) and for each some lots (m, s, a), zero where there is no move."""
    tickets, program = ground.tickets, ground.tickets.program
    m, rows, shape = len(asset), np.arange(len(asset))[:, None], lots.shape
    of = lambda x: x[rows, asset][:, None]  # noqa: E731  (an asset's number, the same for each of its steps)
    shared = lambda x: x[asset][:, None]  # noqa: E731
    grid, w, z = of(tickets.grid), of(ground.weights), of(ground.trades)
    step = lots * grid
    to, moved = w + step, z + step
    moved = np.where(np.abs(moved) < 1e-3 * grid, 0.0, moved)
    size, was = np.abs(moved), np.abs(z)
    gain = step * (of(ground.slope) - 0.5 * program.gamma[:, None, None] * shared(np.diag(curves.utility)) * step)
    gain = gain - of(program.cost) * (size - was)
    curved = size**1.5 - was**1.5 if program.impact.any() or program.power.any() else np.zeros(1)
    gain = gain - of(program.impact) * curved
    buys, sells = np.maximum(moved, 0.0) - np.maximum(z, 0.0), np.maximum(-moved, 0.0) - np.maximum(-z, 0.0)
    outside = np.maximum(np.maximum(of(program.lo) - to, to - of(program.hi)) - MARGIN, 0.0) - of(ground.boxed)
    lines = [step, outside, (moved != 0).astype(float) - (z != 0), buys, sells, gain]
    lines += [step * shared(row - row[program.cash]) for row in program.rows]
    for t, zero in enumerate(program.from_zero):
        up, down = buys, sells
        if zero:  # gross weight counts from zero, trades from the current weights
            up, down = np.maximum(to, 0.0) - np.maximum(w, 0.0), np.maximum(-to, 0.0) - np.maximum(-w, 0.0)
        used = step * shared(program.row[t] - program.row[t, program.cash])
        used = used + up * shared(program.buy[t]) + down * shared(program.sell[t])
        lines.append(used + of(program.power[:, t]) * curved)
    for b, curve in enumerate(curves.balls):
        lines.append(step * (2.0 * of(ground.pulls[:, b]) + shared(np.diag(curve)) * step))
    table = np.empty((m, len(lines), shape[1] * shape[2]))
    for k, line in enumerate(lines):
        table[:, k] = line.reshape(m, -1)
    return Moves(np.broadcast_to(asset[:, None], shape).reshape(m, -1), lots.reshape(m, -1), table)


def join(parts: list[Moves]) -> Moves:
    """Return moves side by side."""
    return Moves(*(np.concatenate([getattr(p, f) for p in parts], axis=-1) for f in ("asset", "lots", "table")))


def pairs(ground: Ground, moves: Moves, first: np.ndarray, second: np.ndarray, curves: Curves) -> Moves:
    """Return sums of two moves at places ``first`` and ``second``, shape (p,); infinitely bad where of one asset.

    ``asset`` and ``lots`` are those of the first of the two.
    """
    table = np.take(moves.table, first, axis=2)
    table += np.take(moves.table, second, axis=2)
    both = moves.paid[:, first] * moves.paid[:, second]
    a, b = moves.asset[:, first], moves.asset[:, second]
    table[:, _GAIN] -= ground.tickets.program.gamma[:, None] * both * curves.utility[a, b]
    balls = table.shape[1] - len(curves.balls)
    for j, curve in enumerate(curves.balls):
        table[:, balls + j] += 2.0 * curve[a, b] * both
    real = (a != b) & (moves.lots[:, first] != 0) & (moves.lots[:, second] != 0)
    table[:, _OUTSIDE] = np.where(real, table[:, _OUTSIDE], np.inf)
    return Moves(a, moves.lots[:, first], table)


def weigh(ground: Ground, moves: Moves, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys that moves lead to, shape (m, k, 3), and utility, (m, k)."""
    tickets, program, verdict = ground.tickets, ground.tickets.program, ground.verdict
    table, cash = moves.table, program.cash
    count = verdict.count[:, None] + table[:, _COUNT]
    excess = ground.boxed.sum(-1, keepdims=True) - ground.boxed[:, [cash]] + table[:, _OUTSIDE]
    excess = excess + 0.01 * np.maximum(count - tickets.most, 0.0)
    for over in _excesses(ground, moves, count):
        excess = excess + np.maximum(over - MARGIN, 0.0)
    excess = np.where(excess < _DUST, 0.0, excess)
    utility = verdict.utility[:, None] + table[:, _GAIN] - np.asarray(tickets.yearly)[:, None] * table[:, _COUNT]
    bought = np.maximum(ground.trades, 0.0).sum(-1) - tickets.inflow
    sold = np.maximum(-ground.trades, 0.0).sum(-1) - tickets.outflow
    turnover = np.maximum(np.maximum(bought[:, None] + table[:, _BUYS], sold[:, None] + table[:, _SELLS]), 0.0)
    return np.stack([excess, missing(utility, level[:, None]), tickets.worth * count + turnover], axis=-1), utility


def _excesses(ground: Ground, moves: Moves, count: np.ndarray) -> list[np.ndarray]:
    """Return by how much cash, rows, trade terms and balls are beyond their bounds after each move, (m, k) each."""
    tickets, program, table = ground.tickets, ground.tickets.program, moves.table
    cash, line = program.cash, _PLAIN
    left = ground.weights[:, [cash]] - moves.paid
    out = [np.maximum(program.lo[:, [cash]] - left, left - program.hi[:, [cash]])]
    at_rows = np.einsum("...n,rn->...r", ground.weights, program.rows)
    for r in range(len(program.rows)):
        at = at_rows[:, [r]] + table[:, line]
        out.append(np.maximum(program.rows_lo[:, [r]] - at, at - program.rows_hi[:, [r]]))
        line += 1
    used = program.traded(ground.weights) - program.most
    for t in range(len(program.from_zero)):
        over = used[:, [t]] + table[:, line] + _cash_used(ground, t, left)
        out.append(over + np.asarray(tickets.fee)[:, None] * count if tickets.floors[t] else over)
        line += 1
    squares = program.ball_sizes(ground.weights) ** 2
    for b in range(len(program.ball_on)):
        out.append(np.sqrt(np.maximum(squares[:, [b]] + table[:, line], 0.0)) - program.ball_most[:, [b]])
        line += 1
    return out


def _cash_used(ground: Ground, t: int, left: np.ndarray) -> np.ndarray | float:
    """Return what the cash's own trade, or its own gross weight, adds to a trade term; nearly always nothing."""
    program, cash = ground.tickets.program, ground.tickets.program.cash
    buy, sell, power = program.buy[t, cash], program.sell[t, cash], program.power[:, t, [cash]]
    if not (buy or sell or power.any()):
        return 0.0
    now = program.current[:, [cash]]
    start = np.zeros_like(now) if program.from_zero[t] else now

    def paid(weight: np.ndarray) -> np.ndarray:
        z = weight - start
        return buy * np.maximum(z, 0.0) + sell * np.maximum(-z, 0.0) + power * np.abs(weight - now) ** 1.5

    return paid(left) - paid(ground.weights[:, [cash]])


def add_customs(ground: Ground, keys: np.ndarray, lots: np.ndarray) -> np.ndarray:
    """Add what custom limits say to keys (m, k, 3) of moves by these lots, shape (m, k, n)."""
    tickets, cash = ground.tickets, ground.tickets.program.cash
    points = ground.weights[:, None] + lots * tickets.grid[:, None]
    points[..., cash] = 0.0
    points[..., cash] = 1.0 - points.sum(-1)
    excess = np.stack([custom_excess(tickets.program.pick(i), points[i]) for i in range(len(points))])
    keys = np.array(keys)
    keys[..., 0] += excess
    return keys
