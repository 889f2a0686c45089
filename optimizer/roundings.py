"""From fractional trades to whole lots: round, then mend by moving lots one or two at a time.

Every move is tried at once (a matrix of candidates judged by numpy), the best is taken, until none is better: limits
first, then utility up to its level, then fewer and smaller trades. No clock and no chance: the same every time.
"""

from __future__ import annotations

import numpy as np

from .remainders import Bench, leanest_within, sides
from .tickets import Tickets, judge, with_cash

_STEPS = 40
_STRIDES = (8.0,)
"""Longer steps of assets that trade already, in lots: with small lots one at a time is a long way."""
_POOL = 12


def round_trades(bench: Bench, starts: list[np.ndarray], level: float) -> np.ndarray | None:
    """Round each start in several ways, mend each, and return the best found, which may still break a limit."""
    tickets = bench.tickets
    whole = tickets.lot > 0
    seeds: dict[bytes, np.ndarray] = {}
    for start in starts:
        z = np.where(whole, start - tickets.program.current, 0.0)
        ratio = np.divide(z, tickets.lot, out=np.zeros_like(z), where=whole)
        for rounded in (np.round(ratio), np.trunc(ratio + np.sign(ratio) * 1e-9)):
            lots = np.where(tickets.movable, _ticket_sized(tickets, rounded), 0.0)
            seeds.setdefault(lots.tobytes(), _place(bench, lots, start, level))
    # The first start is the leanest: its roundings miss the level by a hair and mend cheaply; of the others the
    # best by far most often is the best after mending too.
    points = list(seeds.values())
    order = list(judge(tickets, np.array(points)).order(level, tickets.worth))
    best, key = None, None
    for k in dict.fromkeys([0, int(order[0])]):
        point = mend(bench, points[k], level, passes=(False,))
        new = judge(tickets, point[None]).key(0, level, tickets.worth)
        if key is None or new < key:
            best, key = point, new
    return None if best is None else mend(bench, best, level, passes=(True,))


def _ticket_sized(tickets: Tickets, lots: np.ndarray) -> np.ndarray:
    """Round trades below the smallest ticket to nothing or up to it, whichever is nearer."""
    least = _least_lots(tickets)
    return np.where(np.abs(lots) >= least, lots, np.where(np.abs(lots) * 2 >= least, np.sign(lots) * least, 0.0))


def _least_lots(tickets: Tickets) -> np.ndarray:
    quotient = np.divide(tickets.least, tickets.lot, out=np.zeros_like(tickets.lot), where=tickets.lot > 0)
    return np.maximum(np.ceil(quotient - 1e-9), 1.0)


def at_lots(tickets: Tickets, lots: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return weights with these lots traded, fractional assets as in ``others``, cash the rest: (k, n) or (n,)."""
    out = np.where(tickets.lot > 0, tickets.program.current + tickets.lots_to_weight(lots), others)
    if out.ndim == 1:
        return with_cash(tickets, out)
    out[:, tickets.program.cash] = 0.0
    out[:, tickets.program.cash] = 1.0 - out.sum(axis=1)
    return out


def lots_of(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return the whole lots traded at these weights, 0 where fractional."""
    z = weights - tickets.program.current
    return np.where(
        tickets.lot > 0, np.round(np.divide(z, tickets.lot, out=np.zeros_like(z), where=tickets.lot > 0)), 0.0
    )


def _place(bench: Bench, lots: np.ndarray, start: np.ndarray, level: float) -> np.ndarray:
    """Put the lots down and let the fractional assets follow them."""
    point = at_lots(bench.tickets, lots, start)
    return settle_fractions(bench, point, level)


def settle_fractions(bench: Bench, point: np.ndarray, level: float) -> np.ndarray:
    """Solve the fractional assets again with the lots where they are; the point itself where that has no answer."""
    tickets = bench.tickets
    side = sides(tickets, point)
    fractional = (tickets.lot == 0) & tickets.movable
    if not (fractional & (side != 0)).any():
        return point
    at = np.where(tickets.lot > 0, point, np.nan)
    found = leanest_within(bench, side, at, level)
    if found is None:
        return point
    found = at_lots(tickets, lots_of(tickets, point), found)
    old, new = (judge(tickets, w[None]).key(0, level, tickets.worth) for w in (point, found))
    return found if new < old else point


def mend(
    bench: Bench, point: np.ndarray, level: float, pool: int = _POOL, passes: tuple[bool, ...] = (False, True)
) -> np.ndarray:
    """Move lots, one asset at a time and where that does not help two out of a pool, while the point gets better.

    Assets that trade already go first: a hair of utility is had from them by a few lots, where a trade more would cost
    its whole worth. Only in a second pass may others join.
    """
    tickets = bench.tickets
    for others in passes:
        lots = lots_of(tickets, point)
        key = judge(tickets, point[None]).key(0, level, tickets.worth)
        for _ in range(_STEPS):
            moves = _moves(tickets, lots)
            if not others:
                moves = moves[(lots[np.argmax(moves != 0, axis=1)] != 0)] if len(moves) else moves
            if not len(moves):
                break
            better = _best_move(tickets, lots, moves, point, level, key)
            if better is None:
                better = _best_move(tickets, lots, _pairs(tickets, lots, moves, point, pool), point, level, key)
            if better is None:
                break
            lots, key = better
        point = settle_fractions(bench, at_lots(tickets, lots, point), level)
    return point


def _moves(tickets: Tickets, lots: np.ndarray) -> np.ndarray:
    """Return the steps of single assets, rows of lots: the next ticket up, the next down, none at all, and strides."""
    can = np.flatnonzero((tickets.lot > 0) & tickets.movable)
    least, now = _least_lots(tickets)[can], lots[can]
    up = np.where((now >= least) | (now < -least), now + 1, np.where(now < 0, 0.0, least))
    down = np.where((now <= -least) | (now > least), now - 1, np.where(now > 0, 0.0, -least))
    steps = [up - now, down - now]
    # "None at all" may be the next ticket already: each step is tried once.
    steps.append(np.where((up == 0) | (down == 0), 0.0, -now))
    for stride in _STRIDES:
        strides = (now + stride, now - stride)
        steps += [np.where((np.sign(to) * np.sign(now) > 0) & (np.abs(to) >= least), to - now, 0.0) for to in strides]
    each = np.concatenate(steps)
    kept = np.flatnonzero(each)
    out = np.zeros((len(kept), len(lots)))
    out[np.arange(len(kept)), np.tile(can, len(steps))[kept]] = each[kept]
    return out


def _pairs(tickets: Tickets, lots: np.ndarray, moves: np.ndarray, point: np.ndarray, size: int) -> np.ndarray:
    """Return sums of two single steps of different assets, of those that serve utility best, limits apart."""
    utility = judge(tickets, at_lots(tickets, lots + moves, point)).utility
    up = moves.sum(axis=1) > 0
    pool = np.concatenate(
        [np.flatnonzero(mask)[np.argsort(-utility[mask], kind="stable")[:size]] for mask in (up, ~up)]
    )
    first, second = np.triu_indices(len(pool), 1)
    both = moves[pool[first]] + moves[pool[second]]
    return both[np.argmax(moves[pool[first]] != 0, axis=1) != np.argmax(moves[pool[second]] != 0, axis=1)]


def _best_move(
    tickets: Tickets,
    lots: np.ndarray,
    moves: np.ndarray,
    point: np.ndarray,
    level: float,
    key: tuple[float, float, float],
) -> tuple[np.ndarray, tuple[float, float, float]] | None:
    if not len(moves):
        return None
    verdict = judge(tickets, at_lots(tickets, lots + moves, point))
    k = int(verdict.order(level, tickets.worth)[0])
    new = verdict.key(k, level, tickets.worth)
    # A gain of rounding size would go round in circles.
    better = any(n < o - 1e-13 and new[:i] <= key[:i] for i, (n, o) in enumerate(zip(new, key, strict=True)))
    return (lots + moves[k], new) if better else None
