"""How an answer moves with the numbers of its question: the optimality system differentiated on the binding set.

At the optimum w, with prices y of what binds, the free assets F and the binding constraints satisfy::

    r(w, y; t) = 0 on F,    c(w; t) = 0,    w = at(t) off F

(r the slope of the Lagrangian, costs and impact included on the side that each asset trades). A small change of a
number t moves both sides, and by the implicit function theorem::

    [ H  G' ] [dw]      [ dr/dt ]
    [ G  0  ] [dy]  = - [ dc/dt ],      H the curvature of the Lagrangian, G the slopes of what binds

(Fiacco 1983). An asset or constraint that binds at a price of nothing may let go, to one side only: the derivative then
differs up and down, and each is found by letting go, or holding on, until every sign is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .answers import Multipliers
from .certificates import gradient, kinks
from .programs import Program

_AT = 1e-9
"""A weight or constraint nearer to its bound than this stands on it."""
_FAINT = 1e-8
"""A price below this, in units of ``program.scale``, is one that may be let go."""
_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class Slope:
    """A derivative to one side: of the weights, shape (n,), and of the utility."""

    weights: np.ndarray
    utility: float


@dataclass(frozen=True, eq=False)
class _Binding:
    """What binds at an optimum.

    ``side``, ``sign``: where each asset is relative to w0 and to 0, or would let go to; ``free``: it moves at all;
    ``by_lo``, ``by_hi``: it stands at an end of the box at a price; ``up``, ``down``: it may let go there. ``rows`` +1,
    -1, 0; ``trades``, ``balls`` what binds; ``faint`` the binding constraints without a price, the budget first.
    """

    side: np.ndarray
    sign: np.ndarray
    free: np.ndarray
    by_lo: np.ndarray
    by_hi: np.ndarray
    up: np.ndarray
    down: np.ndarray
    rows: np.ndarray
    trades: np.ndarray
    balls: np.ndarray
    faint: np.ndarray


@dataclass(frozen=True, eq=False)
class Optimum:
    """The optimum of one account's program and its prices, with what every derivative of it needs: read once."""

    program: Program
    weights: np.ndarray
    prices: Multipliers

    @cached_property
    def found(self) -> _Binding:
        """What binds."""
        return _read(self.program, self.weights, self.prices)

    @cached_property
    def curvature(self) -> np.ndarray:
        """The second derivative of the Lagrangian, shape (n, n)."""
        return _curvature(self.program, self.weights, self.prices)

    @cached_property
    def slopes(self) -> np.ndarray:
        """The slope of each binding constraint, shape (q, n)."""
        return _slopes(self.program, self.weights, self.found)

    @cached_property
    def still(self) -> tuple[np.ndarray, np.ndarray, float]:
        """The slope of the Lagrangian, what binding constraints are exceeded by, and the utility."""
        own = _lagrangian(self.program, self.weights, self.prices, self.found.side, self.found.sign)
        return own, _constraints(self.program, self.weights, self.found), float(self.program.utility(self.weights))


def differentiate(at: Optimum, moved: Program, step: float) -> tuple[Slope, Slope]:
    """Return the derivative of an optimum as its numbers go up, and as they go down.

    Parameters
    ----------
    at
        The optimum.
    moved
        Its program with one number larger by ``step``.
    step
        Small where the program's numbers are not linear in it.

    Returns
    -------
    Slope, Slope
        Per unit of the number: as it rises, and as it falls. The same where nothing lets go.
    """
    program, weights, prices, found = at.program, at.weights, at.prices, at.found
    own, exceeded, utility = at.still
    change = (_lagrangian(moved, weights, prices, found.side, found.sign) - own) / step
    missed = (_constraints(moved, weights, found) - exceeded) / step
    lo, hi = _ends(moved, program, step)
    system = _System(
        at.curvature, at.slopes, change, missed, lo, hi,
        weights <= program.lo + _AT, weights >= program.hi - _AT, found,
    )  # fmt: skip
    worth = (float(moved.utility(weights)) - utility) / step
    # By the envelope theorem: what the objective gains by itself, and what the moved bounds are worth.
    worth += _bound_worth(own, found, lo, hi) - float(_prices(prices, found) @ missed)
    up = _follow(system, 1.0)
    down = up if _one_way(system) else _follow(system, -1.0)
    return Slope(up, worth), Slope(down, worth)


@dataclass(frozen=True, eq=False)
class _System:
    curvature: np.ndarray
    slopes: np.ndarray
    change: np.ndarray
    missed: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    at_lo: np.ndarray
    at_hi: np.ndarray
    found: _Binding


def _follow(system: _System, way: float) -> np.ndarray:
    """Return dw per unit, as the number moves in one direction.

    What is faint starts held, is let go where its price would take the wrong sign, and held again where it would cross.
    """
    found, n = system.found, len(system.change)
    pinned = ~found.free
    held = np.ones(len(system.slopes), dtype=bool)
    loose = np.zeros(n)  # +1 let go upwards, -1 downwards
    carried = _carried(system, way)
    weight = np.zeros(n)
    seen: set[bytes] = set()
    for _ in range(_ROUNDS):
        free = found.free | (loose != 0)
        weight, price = _solve(system, free, held, np.where(free, 0.0, carried))
        # What each pinned asset would be asked for more, per unit.
        pull = -(system.change + system.curvature @ weight + system.slopes[held].T @ price) * way
        wrong_up = pinned & (loose == 0) & found.up & (pull > _FAINT)
        wrong_down = pinned & (loose == 0) & found.down & (pull < -_FAINT)
        crossed = ((loose > 0) & (way * weight < -_FAINT)) | ((loose < 0) & (way * weight > _FAINT))
        moved = system.slopes @ weight + system.missed
        faint = found.faint & held
        let_go = np.zeros(len(held), dtype=bool)
        let_go[held] = (way * price * _signs(found)[held] < -_FAINT) & faint[held]
        again = found.faint & ~held & (way * moved * _signs(found) > _FAINT)
        if not (wrong_up.any() or wrong_down.any() or crossed.any() or let_go.any() or again.any()):
            break
        loose = np.where(crossed, 0.0, np.where(wrong_up, 1.0, np.where(wrong_down, -1.0, loose)))
        held = (held & ~let_go) | again
        key = loose.tobytes() + held.tobytes()
        if key in seen:  # a circle: the point is degenerate, and any of its answers is a subgradient
            break
        seen.add(key)
    return weight


def _one_way(system: _System) -> bool:
    """Whether nothing can let go, so that up and down are one derivative."""
    found = system.found
    loose = found.up.any() or found.down.any() or found.faint.any()
    return not loose and np.array_equal(_carried(system, 1.0), _carried(system, -1.0))


def _carried(system: _System, way: float) -> np.ndarray:
    """Return how far the box carries each asset along, per unit: where it has a price, or where it comes closer."""
    found = system.found
    to_lo, to_hi = np.where(system.at_lo, way * system.lo, -np.inf), np.where(system.at_hi, way * system.hi, np.inf)
    touched = np.clip(0.0, to_lo, np.maximum(to_hi, to_lo))
    return way * np.where(found.by_lo, way * system.lo, np.where(found.by_hi, way * system.hi, touched))


def _solve(system: _System, free: np.ndarray, held: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    slopes = system.slopes[held][:, free]
    count, rows = int(free.sum()), int(held.sum())
    matrix = np.zeros((count + rows, count + rows))
    matrix[:count, :count] = system.curvature[np.ix_(free, free)]
    matrix[:count, count:], matrix[count:, :count] = slopes.T, slopes
    right = -np.concatenate(
        [(system.change + system.curvature @ fixed)[free], system.missed[held] + system.slopes[held] @ fixed]
    )
    found = np.linalg.lstsq(matrix, right, rcond=1e-13)[0]
    weight = np.array(fixed)
    weight[free] = found[:count]
    return weight, found[count:]


def _read(program: Program, weights: np.ndarray, prices: Multipliers) -> _Binding:
    z, least = weights - program.current, _FAINT * program.scale
    slope, kink = gradient(program, weights, prices), kinks(program, prices.trades)
    curve = 1.5 * kink.power * np.sqrt(np.abs(z)) * np.sign(z)
    still, zero = np.abs(z) <= _AT, (np.abs(weights) <= _AT) & (kink.long + kink.short > 0)
    above = np.where(still, kink.buy, np.where(z > 0, kink.buy, -kink.sell)) + curve
    below = np.where(still, -kink.sell, np.where(z > 0, kink.buy, -kink.sell)) + curve
    above = above + np.where(zero | (weights > 0), kink.long, -kink.short)
    below = below + np.where(zero | (weights < 0), -kink.short, kink.long)
    low = np.where(weights <= program.lo + _AT, -np.inf, below)
    high = np.where(weights >= program.hi - _AT, np.inf, above)
    pull = -slope
    free = high - low <= least
    at = np.einsum("n,rn->r", weights, program.rows)
    # What has a price binds, whatever rounding says.
    upper = (at >= program.rows_hi - _AT) | (prices.rows > least)
    lower = (at <= program.rows_lo + _AT) | (prices.rows < -least)
    rows = np.where(upper & (prices.rows >= 0), 1, np.where(lower, -1, np.where(upper, 1, 0)))
    trades = (program.traded(weights) >= program.most - _AT) | (prices.trades > least)
    balls = (program.ball_sizes(weights) >= program.ball_most - _AT) | (prices.balls > least)
    value = np.concatenate([[np.inf], np.abs(prices.rows[rows != 0]), prices.trades[trades], prices.balls[balls]])
    # Of an asset that does not trade yet, the side is the one it would let go to.
    side = np.where(still, np.where(np.abs(high - pull) <= np.abs(pull - low), 1.0, -1.0), np.sign(z))
    sign = np.where(zero, np.where(np.abs(high - pull) <= np.abs(pull - low), 1.0, -1.0), np.sign(weights))
    return _Binding(
        side, np.where(sign == 0, 1.0, sign), free, np.isinf(low) & (pull < below - least),
        np.isinf(high) & (pull > above + least), ~free & (high - pull <= least), ~free & (pull - low <= least),
        rows, trades, balls, value <= least,
    )  # fmt: skip


def _signs(found: _Binding) -> np.ndarray:
    """Return the way in which each binding constraint is crossed; the budget has no side."""
    ones = np.ones(int(found.trades.sum()) + int(found.balls.sum()))
    return np.concatenate([[0.0], found.rows[found.rows != 0], ones])


def _prices(prices: Multipliers, found: _Binding) -> np.ndarray:
    return np.concatenate(
        [[prices.budget], prices.rows[found.rows != 0], prices.trades[found.trades], prices.balls[found.balls]]
    )


def _lagrangian(
    program: Program, weights: np.ndarray, prices: Multipliers, side: np.ndarray, sign: np.ndarray
) -> np.ndarray:
    """Return the slope of the Lagrangian with each asset on a side, shape (n,)."""
    kink = kinks(program, prices.trades)
    curve = 1.5 * kink.power * np.sqrt(np.abs(weights - program.current)) * side
    traded = np.where(side > 0, kink.buy, -kink.sell) + np.where(sign > 0, kink.long, -kink.short)
    return gradient(program, weights, prices) + traded + curve


def _constraints(program: Program, weights: np.ndarray, found: _Binding) -> np.ndarray:
    """Return by how much each binding constraint is exceeded, shape (q,), the budget first."""
    at = np.einsum("n,rn->r", weights, program.rows)
    rows = at - np.where(found.rows > 0, program.rows_hi, program.rows_lo)
    return np.concatenate(
        [
            [weights.sum() - 1.0],
            rows[found.rows != 0],
            (program.traded(weights) - program.most)[found.trades],
            (program.ball_sizes(weights) - program.ball_most)[found.balls],
        ]
    )


def _slopes(program: Program, weights: np.ndarray, found: _Binding) -> np.ndarray:
    """Return the slope of each binding constraint, shape (q, n)."""
    z = weights - program.current
    way = np.where(program.from_zero[:, None], found.sign, found.side)
    trades = program.row + np.where(way > 0, program.buy, -program.sell)
    trades = trades + 1.5 * program.power * np.sqrt(np.abs(z)) * found.side
    away = np.where(program.ball_on, weights - program.anchor, 0.0)
    size = np.maximum(program.ball_sizes(weights), 1e-12)
    balls = np.where(program.ball_on, program.market_risk.times(away), 0.0) / size[:, None]
    return np.vstack([np.ones(len(weights)), program.rows[found.rows != 0], trades[found.trades], balls[found.balls]])


def _curvature(program: Program, weights: np.ndarray, prices: Multipliers) -> np.ndarray:
    """Return the second derivative of the Lagrangian, shape (n, n)."""
    n, kink = len(weights), kinks(program, prices.trades)
    whole = program.gamma * program.risk.times(np.eye(n))
    size = np.abs(weights - program.current)
    whole = whole + np.diag(np.where(size > 0, 0.75 * kink.power / np.sqrt(np.maximum(size, 1e-12)), 0.0))
    for j, on in enumerate(program.ball_on):
        if prices.balls[j] > 0:
            away = np.where(on, weights - program.anchor[j], 0.0)
            reach = max(float(program.ball_sizes(weights)[j]), 1e-12)
            slope = np.where(on, program.market_risk.times(away), 0.0) / reach
            inside = program.market_risk.times(np.diag(on.astype(float))) * on
            whole = whole + prices.balls[j] / reach * (inside - np.outer(slope, slope))
    return whole


def _ends(moved: Program, program: Program, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how the ends of the box move, 0 where there is none."""
    ends = []
    for name in ("lo", "hi"):
        new, old = getattr(moved, name), getattr(program, name)
        both = np.isfinite(new) & np.isfinite(old)
        ends.append((np.where(both, new, 0.0) - np.where(both, old, 0.0)) / step)
    return ends[0], ends[1]


def _bound_worth(slope: np.ndarray, found: _Binding, lo: np.ndarray, hi: np.ndarray) -> float:
    """Return what moving the ends of the box is worth: the pull of each asset that stands on one."""
    return float((-slope * np.where(found.by_hi, hi, np.where(found.by_lo, lo, 0.0))).sum())
