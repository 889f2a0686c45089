"""Which assets trade: drop the trades that utility misses least, as many as the level, the fees and the count ask.

The order comes from the quadratic alone (backward elimination, Hassibi and Stork's optimal brain surgeon, 1993); how
many to drop is then decided by solving the real program, about a millisecond each.
"""

from __future__ import annotations

import numpy as np

from .remainders import Bench, Point, best_within, free_sides, leanest_within, sides
from .tickets import FREE, judge, with_cash

_BUDGET = 5
"""How many single drops are tried."""


def find_points(bench: Bench, paths: list[np.ndarray], level: float) -> list[np.ndarray]:
    """Return good points before lots, the best first: few trades, tickets met, at the level where that is possible."""
    tickets = bench.tickets
    ideal = with_cash(tickets, bench.ideal)
    order, losses = elimination(bench, ideal)
    tried: dict[bytes, tuple[tuple[float, float, float], np.ndarray, Point]] = {}

    def attempt(kept: np.ndarray) -> tuple[float, float, float]:
        name = kept.tobytes()
        if name not in tried:
            near = min(tried.values(), key=lambda t: t[0])[2] if tried else None
            side, point = _with_tickets(bench, kept, near)
            tried[name] = (judge(tickets, point[0][None]).key(0, level, tickets.worth), side, point)
        return tried[name][0]

    kept = _bisect(bench, ideal, order, losses, attempt, level)
    for path in sorted(paths, key=lambda w: np.count_nonzero(sides(tickets, w)))[:2]:
        attempt(sides(tickets, path) != 0)
    kept = np.frombuffer(min(tried, key=lambda k: tried[k][0]), dtype=bool)
    _improve(bench, kept, attempt, tried)
    ranked = sorted(tried.values(), key=lambda t: t[0])[:2]
    points = [point[0] for _, _, point in ranked] + _lean(bench, ranked[0][1], ranked[0][2], level)
    verdict = judge(tickets, np.array(points))
    return [points[k] for k in verdict.order(level, tickets.worth)]


def _lean(bench: Bench, side: np.ndarray, near: Point, level: float) -> list[np.ndarray]:
    """Return points of little turnover at the level; a trade that shrinks to next to nothing is left out."""
    tickets, points = bench.tickets, []
    for _ in range(2):
        point = leanest_within(bench, side, level=level, near=near)
        if point is None:
            break
        points.append(point)
        size = np.abs(point - tickets.program.current)
        # Worth less in turnover than a trade fewer is, by far: what it adds, the others can.
        needless = (side != 0) & (size <= np.maximum(0.02 * tickets.worth, tickets.least + tickets.lot) + 1e-12)
        needless &= size < 0.1 * tickets.worth
        if not needless.any():
            break
        side = np.where(needless, 0, side)
    return points


def elimination(bench: Bench, ideal: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the traded assets in the order to drop them, and the estimated loss of utility after each drop."""
    program, tickets = bench.tickets.program, bench.tickets
    left = list(np.flatnonzero((ideal != program.current) & tickets.movable))
    hessian = program.gamma * program.risk.covariance + _ties(bench, ideal)
    z, order, losses, lost = (ideal - program.current)[left], [], [0.0], 0.0
    inverse = np.linalg.pinv(hessian[np.ix_(left, left)], hermitian=True) if left else np.zeros((0, 0))
    while left:
        diagonal = np.maximum(np.diag(inverse), 1e-300)
        cost = 0.5 * z * z / diagonal
        k = int(np.argmin(cost))
        lost += float(cost[k])
        order.append(int(left.pop(k)))
        losses.append(lost)
        column = inverse[:, k]
        z = np.delete(z - column * (z[k] / diagonal[k]), k)
        inverse = np.delete(np.delete(inverse - np.outer(column, column) / diagonal[k], k, 0), k, 1)
    return order, np.array(losses)


def _ties(bench: Bench, ideal: np.ndarray) -> np.ndarray:
    """Return a large price on leaving the bounds that bind at the ideal: what is dropped must be made up elsewhere."""
    program, n = bench.tickets.program, len(ideal)
    at = program.rows @ ideal
    rows = list(program.rows[(np.abs(at - program.rows_hi) < 1e-7) | (np.abs(at - program.rows_lo) < 1e-7)])
    cash_tied = (
        ideal[program.cash] < program.lo[program.cash] + 1e-7 or ideal[program.cash] > program.hi[program.cash] - 1e-7
    )
    floor = bench.tickets.floors & (program.most - program.traded(ideal) < 1e-7)
    if cash_tied or floor.any():
        rows.append(np.ones(n))
    out = np.zeros((n, n))
    for row in rows:
        out += 1e3 * program.scale * np.outer(row, row)
    return out


def _bisect(bench: Bench, ideal: np.ndarray, order: list[int], losses: np.ndarray, attempt, level: float) -> np.ndarray:
    """Find how many of the order may go: where the estimate says, then up or down by what the program says."""
    tickets = bench.tickets
    total = len(order)

    def kept_after(drop: int) -> np.ndarray:
        kept = ideal != tickets.program.current
        kept[tickets.program.cash] = False
        kept[order[:drop]] = False
        return kept

    at_least = max(total - tickets.most, 0)
    trades = total - np.arange(total + 1)
    net = bench.best - losses - tickets.yearly * trades
    reached = np.flatnonzero((net >= level) & (np.arange(total + 1) >= at_least))
    drop = int(reached[-1]) if len(reached) else at_least + int(np.argmax(net[at_least:]))
    best, step = (attempt(kept_after(drop)), drop), 1
    for way in (1, -1):
        step, at = 1, drop
        while at_least <= at + way * step <= total and step >= 1:
            key = attempt(kept_after(at + way * step))
            if key < best[0]:
                at += way * step
                best, step = (key, at), 2 * step
            elif step > 1:
                step //= 2
            else:
                break
    return kept_after(best[1])


def _improve(bench: Bench, kept: np.ndarray, attempt, tried: dict) -> None:
    """Try each single drop from the best support, cheapest first, and start again from whatever is better."""
    start = len(tried)
    while True:
        key, _, point = tried[kept.tobytes()]
        order, _ = elimination(bench, point[0])
        for i in order[:3]:
            fewer = np.array(kept)
            fewer[i] = False
            if len(tried) - start >= _BUDGET or attempt(fewer) < key:
                break
        else:
            return
        if len(tried) - start >= _BUDGET:
            return
        kept = fewer


def _with_tickets(bench: Bench, kept: np.ndarray, near: Point | None) -> tuple[np.ndarray, Point]:
    """Solve with these assets free; trades below the smallest ticket are raised to it or dropped until none is left."""
    tickets, now = bench.tickets, bench.tickets.program.current
    nowhere = (np.array(now), bench.multipliers)
    side = free_sides(kept & tickets.movable)
    point = best_within(bench, side, near=near)
    for _ in range(8):
        if point is None:
            return side, nowhere
        size = np.abs(point[0] - now)
        small = (size < tickets.least - 1e-12) & (side == FREE) & (tickets.least > 0)
        if not small.any():
            break
        way = sides(tickets, point[0])
        side = np.where(small, np.where(2 * size >= tickets.least, way, 0), side)
        following = best_within(bench, side, near=near)
        if following is None:
            # Raising all of them does not fit: the smallest goes instead.
            k = int(np.argmin(np.where(small, size, np.inf)))
            side = np.where(small, FREE, side)
            side[k] = 0
            following = best_within(bench, side, near=near)
        point = following
    if point is None:
        return side, nowhere
    way = sides(tickets, point[0])
    return np.where(side == FREE, way, np.where(side != 0, side, 0)), point
