"""Where a quadratic program's answer goes while its forces grow: every straight piece of the way, exactly.

With ``tau`` from 0 to 1, ``w(tau)`` solves::

    minimise   (1/2)(w - c)' H (w - c) - (start + tau sum_q force_q)'w + sum_g kink_g(w, tau)
    subject to lo <= w <= hi,   rows_lo <= A w <= rows_hi

    kink(w, tau) = sum_i (up_i + tau up_rate_i) (w_i - at_i)+ + (down_i + tau down_rate_i) (at_i - w_i)+

As long as the same bounds, rows and kinks bind, ``dw/dtau = J sum_q f_q`` with ``J = Z (Z'HZ)^-1 Z'``, Z the moves that
free assets can make along the binding rows, and ``f_q`` the force q less the slope of its kinks on the side where each
free asset is. What force q did is ``sum over pieces of J f_q dtau``, and these parts sum to the way.

At the end of a piece several things may happen at once, or nearly: an asset meets a bound, a price vanishes. The next
direction is then the answer of a small program of its own, in which what binds with a price stays, and what binds
without one may leave but not cross (Robinson, 1980): its dual is a least-squares problem with bounds on the rates of
those prices, whose solution is unique in the direction however many ties there are. So nothing is remembered of how a
point was reached, and no rule against cycling is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from ..errors import UnsolvedError

TIGHT = 1e-12
"""Nearer than this a weight is on its bound, a price at its end; everything is divided by the program's scale."""
_STILL = 1e-13
"""Rates below this, relative to the largest, are rounding."""
_FLAT, _RIDGE = 1e-10, 1e-8
"""A curvature below the first share of the mean is none; the second is what it is given."""


@dataclass(frozen=True, eq=False)
class Kink:
    """Slopes that jump where a weight passes ``at``, of one part: shapes (n,)."""

    part: int
    at: np.ndarray
    up: np.ndarray
    down: np.ndarray
    up_rate: np.ndarray
    down_rate: np.ndarray


@dataclass(frozen=True, eq=False)
class Course:
    """The program that a path follows: n assets, k rows (the first is the budget), q parts.

    ``start`` (n,) are the forces at tau = 0, ``forces`` (q, n) what each part adds until tau = 1.
    """

    hessian: np.ndarray
    centre: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    rows: np.ndarray
    rows_lo: np.ndarray
    rows_hi: np.ndarray
    start: np.ndarray
    forces: np.ndarray
    kinks: tuple[Kink, ...] = ()

    def push(self, weights: np.ndarray, prices: np.ndarray, tau: float) -> np.ndarray:
        """Return the force left on each asset, which a bound or a kink must hold, shape (n,)."""
        force = self.start + tau * self.forces.sum(axis=0)
        return force - self.hessian @ (weights - self.centre) - prices @ self.rows


@dataclass(frozen=True, eq=False)
class Path:
    """A path that was followed to its end.

    Parameters
    ----------
    parts
        What each part did, shape (q, n); they sum to the way.
    weights, prices, push
        At the end: weights, the price of each row (upper side less lower), the force that each bound or kink holds.
    since, rows_since
        The tau from which an asset stands still and a row binds, to the end; NaN where it does not.
    pieces
        How many straight pieces there were.
    """

    parts: np.ndarray
    weights: np.ndarray
    prices: np.ndarray
    push: np.ndarray
    since: np.ndarray
    rows_since: np.ndarray
    pieces: int


@dataclass(frozen=True, eq=False)
class _Slopes:
    """The span in which the push on an asset may lie where it stands, and how fast its ends move: (n,) each."""

    left: np.ndarray
    right: np.ndarray
    left_rate: np.ndarray
    right_rate: np.ndarray


@dataclass(frozen=True, eq=False)
class _Turn:
    """The next straight piece: which assets move, which rows bind, what each part moves a unit of tau, price rates."""

    moves: np.ndarray
    binds: np.ndarray
    parts: np.ndarray
    rates: np.ndarray
    loose: np.ndarray  # rows that may leave, of which no price can meet zero


def follow(course: Course, weights: np.ndarray, prices: np.ndarray) -> Path:
    """Follow the path from its solution at tau = 0 to tau = 1.

    Raises
    ------
    UnsolvedError
        It has more pieces than any path of this size should: please report it.
    """
    w, y, tau = np.array(weights, dtype=float), np.array(prices, dtype=float), 0.0
    q, n = course.forces.shape
    parts, since, rows_since = np.zeros((q, n)), np.full(n, np.nan), np.full(len(y), np.nan)
    for piece in range(1, 200 + 20 * (n + len(y))):
        push, slopes = course.push(w, y, tau), slopes_at(course, w, tau)
        turn = _turn(course, w, y, push, slopes)
        since = np.where(turn.moves, np.nan, np.where(np.isnan(since), tau, since))
        rows_since = np.where(turn.binds, np.where(np.isnan(rows_since), tau, rows_since), np.nan)
        step = min(_room(course, w, y, push, slopes, turn), 1.0 - tau)
        parts += step * turn.parts
        w, y, tau = w + step * turn.parts.sum(axis=0), y + step * turn.rates, tau + step
        if tau >= 1.0 - 1e-15:
            return Path(parts, w, y, course.push(w, y, 1.0), since, rows_since, piece)
    raise UnsolvedError("a path of reasons did not end; please report it")


def slopes_at(course: Course, w: np.ndarray, tau: float) -> _Slopes:
    """Return between which slopes the push on each asset may lie: one number where it stands between two kinks."""
    left, right, left_rate, right_rate = (np.zeros(len(w)) for _ in range(4))
    for kink in course.kinks:
        before, after = w < kink.at - TIGHT, w > kink.at + TIGHT
        up, down = kink.up + tau * kink.up_rate, kink.down + tau * kink.down_rate
        right += np.where(before, -down, up)
        left += np.where(after, up, -down)
        right_rate += np.where(before, -kink.down_rate, kink.up_rate)
        left_rate += np.where(after, kink.up_rate, -kink.down_rate)
    at_lo, at_hi = w <= course.lo + TIGHT, w >= course.hi - TIGHT
    return _Slopes(np.where(at_lo, -np.inf, left), np.where(at_hi, np.inf, right), left_rate, right_rate)


def firm(hessian: np.ndarray) -> np.ndarray:
    """Return a curvature in which every move that leaves the budget has some: a path along one without would jump.

    Two assets that are one and the same can be swapped without risk; a hundred-millionth of the mean variance then
    says which way, and no more.
    """
    n, mean = len(hessian), float(np.trace(hessian)) / len(hessian)
    inner = hessian - hessian.mean(axis=0)
    inner = inner - inner.mean(axis=1)[:, None] + mean / n  # the budget's own direction counts as firm
    least = np.linalg.eigvalsh(inner)[0]
    return hessian if least > _FLAT * mean else hessian + _RIDGE * mean * np.eye(n)


def roots(hessian: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return B with ``B'B = Z (Z'HZ)^-1 Z'``, Z the moves along which the rows do not change."""
    n = len(hessian)
    if not n:
        return np.zeros((0, 0))
    _, size, moves = np.linalg.svd(rows)
    z = moves[int((size > 1e-10 * size.max()).sum()) :].T
    if not z.shape[1]:
        return np.zeros((0, n))
    root = np.linalg.cholesky(z.T @ hessian @ z)
    return linalg.solve_triangular(root, z.T, lower=True)


def _turn(course: Course, w: np.ndarray, y: np.ndarray, push: np.ndarray, slopes: _Slopes) -> _Turn:
    """Find the next straight piece: what moves, along what, how fast."""
    free = (slopes.left == slopes.right) & (slopes.left_rate == slopes.right_rate)
    falls, rises = ~free & (push - slopes.left <= TIGHT), ~free & (slopes.right - push <= TIGHT)
    at = course.rows @ w
    upper, lower = course.rows_hi - at <= TIGHT, at - course.rows_lo <= TIGHT
    binds = (course.rows_lo == course.rows_hi) | (np.abs(y) > TIGHT)
    loose = (upper | lower) & ~binds

    weak, weak_rows = np.flatnonzero(falls | rises), np.flatnonzero(loose)
    force = course.forces.sum(axis=0)
    calm = np.where(free, slopes.right_rate, 0.0)  # the price rates of what can leave, once they are known
    members = np.flatnonzero(free | falls | rises)
    moves = np.array(free)
    if len(weak) + len(weak_rows):
        b = roots(course.hessian[np.ix_(members, members)], course.rows[np.ix_(binds, members)])
        spot = np.searchsorted(members, weak)
        columns = np.concatenate([b[:, spot], b @ course.rows[np.ix_(weak_rows, members)].T], axis=1)
        ends = np.sort([np.where(falls, slopes.left_rate, -np.inf), np.where(rises, slopes.right_rate, np.inf)], axis=0)
        least = np.concatenate([ends[0, weak], np.where(upper, 0.0, -np.inf)[weak_rows]])
        most = np.concatenate([ends[1, weak], np.where(upper, np.inf, 0.0)[weak_rows]])
        price = _least_squares(columns, b @ (force - calm)[members], least, most)
        left = b.T @ (b @ (force - calm)[members] - columns @ price)
        still = _STILL * max(1.0, np.abs(force).max())
        moves[weak] = np.abs(left[spot]) > 1e2 * still
        calm[weak] = price[: len(weak)]
        binds[weak_rows] = np.abs(price[len(weak) :]) > still
        way = np.zeros(len(w))
        way[members] = left
    else:
        way = np.zeros(len(w))
    return _write(course, w, way, moves, binds, loose, members, calm)


def _write(
    course: Course,
    w: np.ndarray,
    way: np.ndarray,
    moves: np.ndarray,
    binds: np.ndarray,
    loose: np.ndarray,
    members: np.ndarray,
    calm: np.ndarray,
) -> _Turn:
    """Split the direction by part, and find the rates of the prices that go with it."""
    forces = np.array(course.forces)
    for kink in course.kinks:
        side = np.where(np.abs(w - kink.at) > TIGHT, w - kink.at, way)
        forces[kink.part] -= np.where(side > 0, kink.up_rate, -kink.down_rate)
    free = np.flatnonzero(moves)
    b = roots(course.hessian[np.ix_(free, free)], course.rows[np.ix_(binds, free)])
    parts = np.zeros_like(forces)
    parts[:, free] = forces[:, free] @ b.T @ b
    missing = course.forces.sum(axis=0) - course.hessian @ parts.sum(axis=0) - calm
    rates, bound = np.zeros(len(course.rows)), np.flatnonzero(binds)
    if len(members):
        rates[bound] = np.linalg.lstsq(course.rows[np.ix_(bound, members)].T, missing[members], rcond=None)[0]
    return _Turn(moves, binds, parts, rates, loose)


def _least_squares(columns: np.ndarray, right: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Minimise ``|columns x - right|`` with ``least <= x <= most``; where x does not matter it is nearest to 0."""
    size = (columns**2).sum(axis=0)
    matters = size > 1e-24 * max(1.0, size.max(initial=0.0))
    x = np.clip(0.0, least, most)
    apart = matters & (least < most)
    x[matters & ~apart] = least[matters & ~apart]
    k = np.flatnonzero(apart)
    if len(k) == 1:
        target = right - columns @ np.where(apart, 0.0, x)
        x[k] = np.clip(columns[:, k[0]] @ target / size[k[0]], least[k], most[k])
    elif len(k):
        target = right - columns @ np.where(apart, 0.0, x)
        unit = np.sqrt(size[k])
        found = optimize.lsq_linear(
            columns[:, k] / unit,
            target,
            (least[k] * unit, most[k] * unit),
            method="bvls",
            tol=1e-15,
            max_iter=10 * len(k),
        )
        x[k] = np.clip(found.x / unit, least[k], most[k])
    return x


def _room(course: Course, w: np.ndarray, y: np.ndarray, push: np.ndarray, slopes: _Slopes, turn: _Turn) -> float:
    """Return how far tau can grow before something else binds, or something that binds lets go."""
    d = turn.parts.sum(axis=0)
    force = course.forces.sum(axis=0)
    rate = force - course.hessian @ d - turn.rates @ course.rows
    still = _STILL * max(1.0, np.abs(force).max())
    steps = [np.inf]

    def meets(distance: np.ndarray, speed: np.ndarray, which: np.ndarray) -> None:
        # What is tight already moves away or stays: its own turn has seen to that.
        near = which & (speed > still) & (distance > TIGHT) & np.isfinite(distance)
        steps.extend((distance[near] / speed[near]).tolist())

    for point in (course.lo, course.hi):
        meets((point - w) * np.sign(d), np.abs(d), turn.moves)
    for kink in course.kinks:
        bent = kink.up + kink.down + np.abs(kink.up_rate) + np.abs(kink.down_rate) > 0
        meets((kink.at - w) * np.sign(d), np.abs(d), turn.moves & bent)
    meets(push - slopes.left, slopes.left_rate - rate, ~turn.moves)
    meets(slopes.right - push, rate - slopes.right_rate, ~turn.moves)
    at, climb = course.rows @ w, course.rows @ d
    meets(course.rows_hi - at, climb, ~turn.binds)
    meets(at - course.rows_lo, -climb, ~turn.binds)
    priced = turn.binds & (course.rows_lo < course.rows_hi) & ~turn.loose
    meets(np.abs(y), -turn.rates * np.sign(y), priced)
    return min(steps)
