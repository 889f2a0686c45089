"""From fractional trades to whole lots: round, then mend by moving lots one or two at a time.

Every move is tried at once (:mod:`.moves`), for many accounts at once, the best is taken, until none is better: limits
first, then utility up to its level, then fewer and smaller trades. Fractional assets move by grains meanwhile. No clock
and no chance: the same every time.
"""

from __future__ import annotations

import numpy as np

from .moves import Curves, Ground, Moves, add_customs, join, pairs, read_curves, singles, weigh
from .remainders import Bench, leanest_within, sides
from .tickets import Tickets, better, judge, with_cash

_FIRST = (6, 8)
"""Moves after which the most promising start is chosen, and the size of the pool until then."""
_STEPS = 60
_STRIDES = (8.0, 64.0)
"""Longer steps of assets that trade already, in lots: with small lots one at a time is a long way."""
_POOL = 12
"""How many of the best moves up, and down, are tried in pairs."""
_BLOCK = 128
"""Accounts weighed at once."""
_HAIR = 1e-13
"""A gain of rounding size would go round in circles."""


def search(bench: Bench, starts: list[np.ndarray], level: np.ndarray, pool: int = _POOL) -> np.ndarray:
    """Round starts, mend them, and the best of them to the end; return weights (m, n), limits kept or not.

    Assets that trade already go first: a hair of utility is had from them by a few lots, where a trade more would cost
    its whole worth. Only in the end may others join.
    """
    tickets, m = bench.tickets, len(level)
    # All starts of all accounts at once: to mend, each is an account.
    many = tickets.pick(np.tile(np.arange(m), len(starts)))
    lots = round_trades(many, np.concatenate(starts))
    lots = mend(many, lots, np.tile(level, len(starts)), others=False, steps=_FIRST[0], pool=_FIRST[1])
    best = best_of(tickets, list(at_lots(many, lots).reshape(len(starts), m, -1)), level)
    lots = mend(tickets, round_trades(tickets, best), level, others=False, pool=pool)
    lots = mend(tickets, lots, level, others=True, pool=pool)
    return settle_fractions(bench, at_lots(tickets, lots), level)


def round_trades(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return the nearest whole lots and grains that meet the smallest ticket, shape (..., n)."""
    ratio = np.round((weights - tickets.program.current) / tickets.grid)
    least = least_lots(tickets)
    lots = np.where(np.abs(ratio) >= least, ratio, np.where(np.abs(ratio) * 2 >= least, np.sign(ratio) * least, 0.0))
    return np.where(tickets.movable, lots, 0.0)


def least_lots(tickets: Tickets) -> np.ndarray:
    """Return how many lots, or grains, the smallest ticket of each asset takes, shape (..., n)."""
    return np.maximum(np.ceil(tickets.least / tickets.grid - 1e-9), 1.0)


def at_lots(tickets: Tickets, lots: np.ndarray) -> np.ndarray:
    """Return weights (..., n) with these lots and grains traded, cash the rest."""
    moved = np.where(tickets.lot > 0, tickets.lots_to_weight(lots), lots * tickets.grid)
    return with_cash(tickets, tickets.program.current + moved)


def on_lots(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return weights (..., n) with whole lots exactly whole, fractional assets as they are, cash the rest."""
    z = weights - tickets.program.current
    lots = np.round(np.divide(z, tickets.lot, out=np.zeros_like(z), where=tickets.lot > 0))
    whole = tickets.program.current + tickets.lots_to_weight(lots)
    return with_cash(tickets, np.where(tickets.lot > 0, whole, weights))


def best_of(tickets: Tickets, points: list[np.ndarray], level: np.ndarray) -> np.ndarray:
    """Return the best of several points of each account, the first of equals."""
    best, keys = points[0], judge(tickets, points[0]).keys(level, tickets.worth)
    for point in points[1:]:
        new = judge(tickets, point).keys(level, tickets.worth)
        wins = better(new, keys)
        best, keys = np.where(wins[:, None], point, best), np.where(wins[:, None], new, keys)
    return best


def settle_fractions(bench: Bench, weights: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Solve the fractional assets again, lots where they are, of who is short of a limit or the level by grains."""
    tickets = bench.tickets
    side = sides(tickets, weights)
    short = (judge(tickets, weights).keys(level, tickets.worth)[:, :2] > 0).any(-1)
    loose = np.flatnonzero(short & ((tickets.lot == 0) & tickets.movable & (side != 0)).any(-1))
    if not len(loose):
        return weights
    some, here = bench.pick(loose), weights[loose]
    at = np.where(some.tickets.lot > 0, here, np.nan)
    found = leanest_within(some, side[loose], some.start(), level[loose], at)
    settled = with_cash(some.tickets, np.where(some.tickets.lot > 0, here, found.weights))
    settled = np.where(found.found[:, None], settled, here)
    out = np.array(weights)
    out[loose] = best_of(some.tickets, [here, settled], level[loose])
    return out


def mend(
    tickets: Tickets, lots: np.ndarray, level: np.ndarray, *, others: bool, pool: int = _POOL, steps: int = _STEPS
) -> np.ndarray:
    """Move lots (m, n), one asset at a time or two out of a pool, while that makes the points better; return lots."""
    curves = read_curves(tickets.program)
    lots, live = np.array(lots), np.arange(len(lots))
    for _ in range(steps):
        ground = Ground(tickets, at_lots(tickets, lots[live]))
        change, gained = _step(ground, lots[live], level[live], curves, others, pool)
        lots[live] += change
        if not gained.all():
            live, tickets = live[gained], tickets.pick(gained)
            if not len(live):
                break
    return lots


def _step(
    ground: Ground, lots: np.ndarray, level: np.ndarray, curves: Curves, others: bool, pool: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best change of lots of each account, shape (m, n), and whose point it makes better."""
    m, n = lots.shape
    if m > _BLOCK:  # what is weighed at once should fit the processor's cache
        parts = [np.arange(k, min(k + _BLOCK, m)) for k in range(0, m, _BLOCK)]
        done = [_step(ground.pick(part), lots[part], level[part], curves, others, pool) for part in parts]
        change, gained = (np.concatenate(each) for each in zip(*done, strict=True))
        return change, gained
    moves = join([singles(ground, *part, curves) for part in _candidates(ground.tickets, lots, others)])
    keys, utility = weigh(ground, moves, level)
    if ground.tickets.program.customs:
        keys = add_customs(ground, keys, _spread(moves, n))
    rows, change, which = np.arange(m), np.zeros((m, n)), _least(keys)
    gained = better(keys[rows, which], keys[:, -1], _HAIR)
    change[rows, moves.asset[rows, which]] = np.where(gained, moves.lots[rows, which], 0.0)
    left = np.flatnonzero(~gained)
    if len(left):
        few, some = (ground, moves) if len(left) == m else (ground.pick(left), moves.pick(left))
        best = some.take(_pool(some, utility[left], keys[left], pool))
        change[left], gained[left] = _best_pair(few, best, keys[left, -1], level[left], curves)
    return change, gained


def _best_pair(
    ground: Ground, moves: Moves, base: np.ndarray, level: np.ndarray, curves: Curves
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best sum of two moves, shape (m, n), and whose point it makes better than ``base``, keys (m, 3)."""
    m, n = ground.weights.shape
    first, second = np.triu_indices(moves.lots.shape[1], 1)
    keys, _ = weigh(ground, pairs(ground, moves, first, second, curves), level)
    if ground.tickets.program.customs:
        each = _spread(moves, n)
        keys = add_customs(ground, keys, each[:, first] + each[:, second])
    rows, change, which = np.arange(m), np.zeros((m, n)), _least(keys)
    gained = better(keys[rows, which], base, _HAIR)
    for half in (first[which], second[which]):
        change[rows, moves.asset[rows, half]] += np.where(gained, moves.lots[rows, half], 0.0)
    return change, gained


def _spread(moves: Moves, n: int) -> np.ndarray:
    """Return the lots of each move by asset, shape (m, k, n)."""
    return moves.lots[..., None] * (moves.asset[..., None] == np.arange(n))


def _least(keys: np.ndarray) -> np.ndarray:
    """Return the place of the least key of each account, the first of equals."""
    fine = np.ones(keys.shape[:2], dtype=bool)
    for part in range(keys.shape[2]):
        value = np.where(fine, keys[..., part], np.inf)
        fine &= value == value.min(-1, keepdims=True)
    return fine.argmax(-1)


def _candidates(tickets: Tickets, lots: np.ndarray, others: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return assets (m, a) and steps (m, s, a): the next ticket up, down, none at all, and strides; last, no step."""
    m, n = lots.shape
    traded, able, least = lots != 0, tickets.movable, least_lots(tickets)
    # The assets that trade stand first; who has fewer than the most has steps of nothing there, which nobody counts.
    few = np.argsort(~traded, axis=-1, kind="stable")[:, : max(int(traded.sum(-1).max(initial=0)), 1)]
    rows = np.arange(m)[:, None]
    now, low = lots[rows, few], least[rows, few]
    up, down = _next_tickets(lots, least)
    near = np.stack([np.where(able if others else traded, step, 0.0) for step in (up, down)], axis=1)
    # "None at all" may be the next ticket already: each step is tried once.
    far = [np.where(np.abs(now) <= low, 0.0, -now)]
    strides = [now + way * stride for stride in _STRIDES for way in (1, -1)]
    far += [np.where((np.sign(to) * np.sign(now) > 0) & (np.abs(to) >= low), to - now, 0.0) for to in strides]
    still = (np.zeros((m, 1), dtype=int), np.zeros((m, 1, 1)))
    if others:
        return [(np.broadcast_to(np.arange(n), (m, n)), near), (few, np.stack(far, axis=1)), still]
    both = np.concatenate([near[rows[..., None], [[0], [1]], few[:, None]], np.stack(far, axis=1)], axis=1)
    return [(few, both), still]


def _next_tickets(lots: np.ndarray, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps to the next ticket up and down: a lot, or from nothing to the smallest ticket and back."""
    up = np.where((lots >= least) | (lots < -least), lots + 1, np.where(lots < 0, 0.0, least))
    down = np.where((lots <= -least) | (lots > least), lots - 1, np.where(lots > 0, 0.0, -least))
    return up - lots, down - lots


def _pool(moves: Moves, utility: np.ndarray, keys: np.ndarray, size: int) -> np.ndarray:
    """Return the places of the moves up and of those down that serve utility best, and of those that save most."""
    real, paid = moves.lots != 0, moves.paid
    merits = (
        (np.where(real & (paid > 0), -utility, np.inf), size),
        (np.where(real & (paid < 0), -utility, np.inf), size),
        (np.where(real, keys[..., 2], np.inf), 2 * size // 3),
    )
    # Who has fewer moves of a kind than asked for takes the last, no step, in their place: what would fill up instead
    # depends on how many moves the accounts beside him have.
    last, places = moves.lots.shape[1] - 1, []
    for merit, k in merits:
        best = np.argsort(merit, axis=-1, kind="stable")[:, :k]
        places.append(np.where(np.isfinite(np.take_along_axis(merit, best, axis=-1)), best, last))
    return np.concatenate(places, axis=1)
