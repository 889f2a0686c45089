"""What holds a pruned portfolio: every limit of many accounts as a line, its slope, its miss and its price.

Rows, trade terms, balls and the box of the cash are read alike, linear around a point, per unit of weight taken from
the cash, and each of unit size, so that one price of leaving a line serves all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .certificates import gradient
from .remainders import Bench

_BINDS = 1e-7
"""A limit this near to its bound at the ideal binds there."""


@dataclass(frozen=True, eq=False)
class Ties:
    """Limits as lines around points of m accounts: q lines (rows, trade terms, balls, the cash), n assets.

    Parameters
    ----------
    slopes
        At the point, shape (m, q, n).
    miss
        What the line says is beyond the nearer bound at the ideal, shape (m, q).
    way
        Whether that bound is above (+1) or below (-1), shape (m, q).
    over
        By how much the limit is exceeded at the point, shape (m, q).
    binds, price, pull
        Whether it binds at the ideal, its signed price there, shape (m, q), and the price times the slope there,
        (m, q, n): what utility alone would gain along it.
    """

    slopes: np.ndarray
    miss: np.ndarray
    way: np.ndarray
    over: np.ndarray
    binds: np.ndarray
    price: np.ndarray
    pull: np.ndarray


@dataclass(frozen=True, eq=False)
class _Lines:
    """Limits of one kind: slopes and values at the ideal and at the point, bounds, prices."""

    slopes: tuple[np.ndarray, np.ndarray]
    values: tuple[np.ndarray, np.ndarray]
    lo: np.ndarray
    hi: np.ndarray
    price: np.ndarray


def read_ties(bench: Bench, points: np.ndarray) -> Ties:
    """Read all limits around points (m, n)."""
    kinds = (_rows(bench, points), _trades(bench, points), _balls(bench, points), _purse(bench, points))
    cash, parts = bench.tickets.program.cash, []
    for lines in kinds:
        (_, slopes), (value0, value) = lines.slopes, lines.values
        top, bottom = value0 > lines.hi - _BINDS, value0 < lines.lo + _BINDS
        upper = top | ~bottom & (lines.hi - value <= value - lines.lo)
        miss = value - np.where(upper, lines.hi, lines.lo)
        # A row without a bound on either side ties nobody.
        miss = np.where(np.isfinite(miss), miss, 0.0) + np.einsum("mqn,mn->mq", slopes, bench.ideal - points)
        over = np.maximum(value - lines.hi, lines.lo - value)
        parts.append((*lines.slopes, miss, np.where(upper, 1, -1), over, top | bottom, lines.price))
    slopes0, slopes, miss, way, over, binds, price = (np.concatenate(p, axis=1) for p in zip(*parts, strict=True))
    slopes0, slopes = slopes0 - slopes0[..., [cash]], slopes - slopes[..., [cash]]
    size = np.abs(slopes).max(-1)
    unit = np.where(size > 0, size, 1.0)
    pull = slopes0 * price[..., None]
    return Ties(slopes / unit[..., None], miss / unit, way, over / unit, binds & (size > 0), price * unit, pull)


def _rows(bench: Bench, points: np.ndarray) -> _Lines:
    program = bench.tickets.program
    slopes = np.broadcast_to(program.rows, (len(points), *program.rows.shape))
    values = tuple(np.einsum("...n,rn->...r", w, program.rows) for w in (bench.ideal, points))
    return _Lines((slopes, slopes), values, program.rows_lo, program.rows_hi, bench.multipliers.rows)


def _trades(bench: Bench, points: np.ndarray) -> _Lines:
    """Read trade terms; who does not trade at the point keeps the side of the ideal."""
    tickets, program = bench.tickets, bench.tickets.program
    z0, z = bench.ideal - program.current, points - program.current
    slopes = []
    for weights, side in ((bench.ideal, z0), (points, np.where(z != 0, z, z0))):
        way = np.where(program.from_zero[:, None], weights[:, None], side[:, None])
        curve = 1.5 * program.power * np.sqrt(np.abs(side))[:, None] * np.sign(way)
        slopes.append(program.row + np.where(way >= 0, program.buy, -program.sell) + curve)
    fees = np.asarray(tickets.fee * np.count_nonzero(z, axis=-1))[:, None] * tickets.floors
    values = (program.traded(bench.ideal), program.traded(points))
    none = np.full(program.most.shape, -np.inf)
    return _Lines((slopes[0], slopes[1]), values, none, program.most - fees, bench.multipliers.trades)


def _balls(bench: Bench, points: np.ndarray) -> _Lines:
    program = bench.tickets.program
    slopes, values = [], []
    for weights in (bench.ideal, points):
        size = program.ball_sizes(weights)
        away = np.where(program.ball_on, weights[:, None] - program.anchor, 0.0)
        pulls = np.where(program.ball_on, program.market_risk.times(away), 0.0)
        slopes.append(pulls / np.where(size > 0, size, 1.0)[..., None])
        values.append(size)
    none = np.full(program.ball_most.shape, -np.inf)
    return _Lines((slopes[0], slopes[1]), (values[0], values[1]), none, program.ball_most, bench.multipliers.balls)


def _purse(bench: Bench, points: np.ndarray) -> _Lines:
    """Read the box of the cash, whose price is its slope at the ideal."""
    program, cash = bench.tickets.program, bench.tickets.program.cash
    slopes = np.zeros((len(points), 1, points.shape[1]))
    slopes[:, 0, cash] = 1.0
    price = -gradient(program, bench.ideal, bench.multipliers)[:, [cash]]
    values = (bench.ideal[:, [cash]], points[:, [cash]])
    return _Lines((slopes, slopes), values, program.lo[:, [cash]], program.hi[:, [cash]], price)
