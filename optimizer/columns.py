"""The integer program as a noun: its columns and rows, and the tangents that stand below its squares and powers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .remainders import Bench

PERCENT = 0.01


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``e' (root' root + diagonal) e``: columns of ``y = root e`` and of their squares, in units of ``unit``."""

    root: np.ndarray
    diagonal: np.ndarray
    unit: float
    y: np.ndarray
    s: np.ndarray


@dataclass(eq=False)
class Rows:
    """Rows on their way to HiGHS; mutable, it only collects."""

    width: int
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)

    def add(self, lower: float, row: np.ndarray, upper: float) -> None:
        """Add one row."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.rows.append(row)


@dataclass(frozen=True, eq=False)
class Integers:
    """One account's integer program.

    Parameters
    ----------
    assets
        The assets that can trade, shape (k,); ``unit`` is the weight of one unit of their columns.
    buy, sell, buying, selling, square, power
        Column numbers, shape (k,); ``square`` is z^2 in units; ``power`` is empty where nothing is priced by |z|^1.5.
    turnover, loss
        Column numbers; the loss of utility is in units of ``given_up``.
    moves
        ``e = w - ideal = start + moves x``, shapes (n,) and (n, columns).
    base
        How many rows are there for good; the others are tangents.
    """

    bench: Bench
    assets: np.ndarray
    unit: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    buying: np.ndarray
    selling: np.ndarray
    square: np.ndarray
    power: np.ndarray
    turnover: int
    loss: int
    start: np.ndarray
    moves: np.ndarray
    quadratics: tuple[Quadratic, ...]
    given_up: float
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    rows: Rows
    base: int = 0

    def weights(self, x: np.ndarray, rounded: bool = True) -> np.ndarray:
        """Return the weights of a point, its integers rounded to whole ones unless told otherwise."""
        if not rounded:
            return self.bench.ideal + self.start + self.moves @ x
        z = np.zeros(len(self.start))
        count = np.round(x[self.buy] * self.whole[self.buy] - x[self.sell] * self.whole[self.sell])
        lots, tickets = np.zeros(len(z)), self.bench.tickets
        lots[self.assets] = count
        fractional = np.where(self.whole[self.buy], 0.0, self.unit * (x[self.buy] - x[self.sell]))
        fractional = np.where(x[self.buying] + x[self.selling] > 0.5, fractional, 0.0)
        z[self.assets] = fractional
        return tickets.program.current + z + tickets.lots_to_weight(lots)

    def price(self) -> np.ndarray:
        """Return the objective ``worth * trades + turnover``, in percent of NAV."""
        out = np.zeros(len(self.lower))
        out[self.buying] = out[self.selling] = self.bench.tickets.worth / PERCENT
        out[self.turnover] = 1.0
        return out


def trade_tangents(m: Integers, amount: np.ndarray) -> None:
    """Add ``v >= 2 a |z| - a^2 traded`` in units; for lots the chord between two whole numbers, which is higher."""
    whole = m.whole[m.buy]
    slope = np.where(whole, 2 * np.floor(amount + 1e-9) + 1, 2 * amount)
    fixed = np.where(whole, np.floor(amount + 1e-9) * (np.floor(amount + 1e-9) + 1), amount**2)
    for j in range(len(amount)):
        row = np.zeros(m.rows.width)
        row[m.square[j]] = 1.0
        row[m.buy[j]] = row[m.sell[j]] = -slope[j]
        row[m.buying[j]] = row[m.selling[j]] = fixed[j]
        m.rows.add(0.0, row, np.inf)


def tangents(m: Integers, block: Quadratic, at: np.ndarray, which: np.ndarray | None = None) -> None:
    """Add ``s >= 2 a y - a^2`` for components at ``a``, in the block's unit."""
    for k in range(len(at)) if which is None else which:
        row = np.zeros(m.rows.width)
        row[block.s[k]], row[block.y[k]] = 1.0, -2.0 * at[k]
        m.rows.add(-(at[k] ** 2), row, np.inf)


def power_tangents(m: Integers, size: np.ndarray) -> None:
    """Add ``h >= a^1.5 + 1.5 sqrt(a) (|z| - a)``, in percent, for trades of these sizes."""
    for j, a in enumerate(size / PERCENT):
        row = np.zeros(m.rows.width)
        row[m.power[j]] = 1.0
        row[m.buy[j]] = row[m.sell[j]] = -1.5 * np.sqrt(a) * m.unit[j] / PERCENT
        m.rows.add(-0.5 * a**1.5, row, np.inf)
