"""Which assets trade, and about how much: trades are dropped and turnover taken out until utility stands at its level.

With some trades dropped, the quadratic loses ``lost``; a price p on turnover moves the rest along ``-p H^-1 side`` and
loses ``p^2/2 side' H^-1 side``, so the price at which utility stands at its level is a square root, and what each
number of trades comes to is known without solving anything. Limits are held, let go or taken up between runs, by the
sign of their price and by where the last run exceeded them. What comes out is near and no more: it is rounded and
mended next.
"""

from __future__ import annotations

import numpy as np

from .remainders import Bench
from .surgeries import Surgery, prepare, strain
from .tickets import better, with_cash
from .ties import read_ties

_EVEN = 4
"""Runs in which buys and sells are priced alike."""
_UNEVEN = 3
"""Runs after those, in which the larger of the two is priced higher: turnover is the larger of the two."""
_SHIFT = 0.25
"""How much of the price moves from the smaller to the larger side in a run."""
_SPARE = (2, 10)
"""Trades asked again in the next run: so many times those that stayed, and no fewer than so many."""
_APART = 1e-3
_EXCEEDED = 1e-6


def prune(bench: Bench) -> list[np.ndarray]:
    """Return two places to start from, shape (m, n) each: with buys and sells priced alike, and as they stand."""
    tickets, program = bench.tickets, bench.tickets.program
    now, cash = program.current, program.cash
    wanted = (with_cash(tickets, bench.ideal) != now) & tickets.movable
    points, out = bench.ideal, []
    share, held = np.full(len(now), 0.5), None
    for run in range(_EVEN + _UNEVEN):
        ties = read_ties(bench, points)
        held = ties.binds if held is None else held | (ties.over > _EXCEEDED)
        z, last = cut(bench, prepare(bench, ties, held, wanted), share)
        if run >= _EVEN - 1:  # before that the limits are not yet the right ones, and who went early may come back
            wanted = last
        risky = np.where(np.arange(now.shape[1]) == cash, 0.0, z)
        points = with_cash(tickets, now + risky)
        force = strain(bench, ties, np.where(np.arange(now.shape[1]) == cash, 0.0, z - (bench.ideal - now)))
        # A ball is round: that another point of it is better says nothing of being inside.
        balls = slice(held.shape[1] - 1 - len(program.ball_on), held.shape[1] - 1)
        slack = force * ties.way < 0
        slack[:, balls] = False
        held = held & ~slack
        if run in (_EVEN - 1, _EVEN + _UNEVEN - 1):
            out.append(points)
        if run >= _EVEN - 1:
            buys, sells = np.maximum(risky, 0).sum(-1) - tickets.inflow, np.maximum(-risky, 0).sum(-1) - tickets.outflow
            step = np.where(np.abs(buys - sells) > _APART, np.where(buys > sells, _SHIFT, -_SHIFT), 0.0)
            share = np.clip(share + step, 0.0, 1.0)
    return out


def cut(bench: Bench, surgery: Surgery, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop trades one by one; return the trades (m, n) where ``worth * trades + turnover`` at the level is least.

    Also a mask of those that went last: who went early need not be asked again.

    ``share`` (m,) of the price of turnover is on buys, the rest on sells. A trade that would go beyond its box is fixed
    at the bound first.
    """
    tickets, program = bench.tickets, bench.tickets.program
    now, (m, n) = program.current, surgery.z.shape
    rows, low, high = np.arange(m), program.lo - now, program.hi - now
    side = np.where(surgery.free, np.sign(bench.ideal - now), 0.0)
    price = np.where(side > 0, share[:, None], 1.0 - share[:, None]) * side
    least = np.maximum(tickets.least, 1e-9)
    best, best_keys = np.array(surgery.z), np.full((m, 3), np.inf)
    went = np.full((m, n), -1)
    for turn in range(n + n // 2):
        z, keys = _lean(bench, surgery, price)
        outside = np.where(surgery.free, np.maximum(low - z, z - high), 0.0)
        beyond = outside.max(-1) > 1e-9
        pending = beyond | (surgery.free & (side * z < least)).any(-1)
        wins = ~pending & better(keys, best_keys)
        best, best_keys = np.where(wins[:, None], z, best), np.where(wins[:, None], keys, best_keys)
        if not surgery.free.any():
            break
        with np.errstate(over="ignore"):  # a trade that nothing else can make up for costs without end
            costs = np.where(surgery.free, 0.5 * np.maximum(side * z, 0.0) ** 2 / surgery.inverse(), np.inf)
        which = np.where(beyond, outside.argmax(-1), costs.argmin(-1))
        bound = np.clip(z[rows, which], low[rows, which], high[rows, which])
        fixed = surgery.free[rows, which]
        went[rows, which] = np.where(fixed, turn, went[rows, which])
        surgery.fix(which, np.where(beyond, bound, 0.0))
    kept = np.maximum(np.count_nonzero(best, axis=-1) * _SPARE[0], _SPARE[1])
    last = np.argsort(np.argsort(-went, axis=-1, kind="stable"), axis=-1, kind="stable")
    return best, (went >= 0) & (last < kept[:, None])


def _lean(bench: Bench, surgery: Surgery, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the trades at the price of turnover where utility stands at its level, and their keys, (m, n), (m, 3)."""
    tickets = bench.tickets
    count = np.count_nonzero(surgery.z, axis=-1)
    room = bench.best - bench.level - tickets.yearly * count - surgery.lost
    mine = np.where(surgery.free, price, 0.0)
    along = surgery.solve(mine)
    bend = np.maximum((mine * along).sum(-1), 1e-300)
    z = surgery.z - np.sqrt(2.0 * np.maximum(room, 0.0) / bend)[:, None] * along
    buys, sells = np.maximum(z, 0.0).sum(-1) - tickets.inflow, np.maximum(-z, 0.0).sum(-1) - tickets.outflow
    value = tickets.worth * count + np.maximum(np.maximum(buys, sells), 0.0)
    return z, np.stack([np.maximum(count - tickets.most, 0.0), np.maximum(-room, 0.0), value], axis=-1)
