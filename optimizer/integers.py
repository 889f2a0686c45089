"""The integer program of the fewest trades, for HiGHS: linear rows, and tangents in place of every square.

Columns are, for each asset that can trade: buys and sells (whole lots where it has lots, else in percent), whether it
buys, whether it sells; then the turnover, the loss of utility, what is long and short, powers of trades, and for each
quadratic ``|R e|^2`` (``e = w - ideal``) its components ``y = R e`` and ``s >= y^2``. One tangent a component and point
keeps the relaxation tight where one cut of the whole square would take hundreds.

Every row is *below* the truth: a bound from here holds for every allowed target. Points are checked elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .remainders import Bench, reach

_TANGENTS = np.array([0.0, 0.06, 0.13, 0.21, 0.31, 0.44, 0.62, 0.86])
_PERCENT = 0.01


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Components ``y = root e`` with their squares, in units of ``unit``; ``y`` and ``s`` are column numbers."""

    root: np.ndarray
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
    buy, sell, buying, selling, power
        Column numbers, shape (k,); ``power`` is empty where nothing is priced by |z|^1.5.
    turnover, loss
        Column numbers; the loss of utility is in units of ``given_up``.
    moves
        ``e = w - ideal = start + moves x``, shapes (n,) and (n, columns).
    """

    bench: Bench
    assets: np.ndarray
    unit: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    buying: np.ndarray
    selling: np.ndarray
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

    def weights(self, x: np.ndarray) -> np.ndarray:
        """Return the weights of a point, integers rounded to whole ones."""
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
        out[self.buying] = out[self.selling] = self.bench.tickets.worth / _PERCENT
        out[self.turnover] = 1.0
        return out


def write(bench: Bench, given_up: float, reaching: bool) -> Integers:
    """Write the integer program down for targets that lose at most ``given_up`` of utility a year.

    Where ``reaching`` the loss is to be minimised, but not below the indifference.
    """
    tickets, program = bench.tickets, bench.tickets.program
    lo, hi, _, _ = reach(bench, given_up)
    movable = tickets.movable
    lo, hi = np.where(movable, lo, program.current), np.where(movable, hi, program.current)
    assets = np.flatnonzero(movable)
    k, n = len(assets), len(program.current)
    powered = bool(program.impact.any() or program.power.any())
    gross = np.flatnonzero(program.from_zero)
    buy, sell, buying, selling = (np.arange(k) + j * k for j in range(4))
    turnover, loss = 4 * k, 4 * k + 1
    width = 4 * k + 2
    power = np.arange(k if powered else 0) + width
    width += len(power)
    longs = np.arange(2 * k if len(gross) else 0) + width
    width += len(longs)
    unit = np.where(tickets.lot[assets] > 0, tickets.lot[assets], _PERCENT)
    blocks, width = _quadratics(bench, given_up, width)

    moves, start = np.zeros((n, width)), program.current - bench.ideal
    moves[assets, buy], moves[assets, sell] = unit, -unit
    moves[program.cash] = -moves.sum(axis=0)
    start[program.cash] = 0.0
    start[program.cash] = -start.sum()
    lower, upper, whole = _bounds(bench, assets, unit, lo, hi, width)
    for block in blocks:
        lower[block.y], upper[block.y] = -np.inf, np.inf
    upper[loss] = 1.0
    lower[loss] = min(tickets.indifference / given_up, 1.0) if reaching else 0.0
    out = Integers(bench, assets, unit, buy, sell, buying, selling, power, turnover, loss, start, moves, blocks, given_up,
                   lower, upper, whole, Rows(width))
    _trade_rows(out)
    _limit_rows(out, longs)
    _square_rows(out)
    return out


def _bounds(bench: Bench, assets: np.ndarray, unit: np.ndarray, lo: np.ndarray, hi: np.ndarray, width: int) -> tuple[np.ndarray, ...]:
    """Return the columns' bounds and which are whole numbers."""
    tickets, now, k = bench.tickets, bench.tickets.program.current, len(assets)
    lower, upper, whole = np.zeros(width), np.full(width, np.inf), np.zeros(width, dtype=bool)
    most = np.maximum(np.stack([(hi - now)[assets], (now - lo)[assets]]), 0.0) / unit
    lots = tickets.lot[assets] > 0
    most = np.where(lots, np.floor(most + 1e-9), most)
    least = tickets.least[assets] / unit
    possible = (most > 0) & (most >= least - 1e-9)
    upper[: 2 * k] = np.where(possible, most, 0.0).ravel()
    upper[2 * k : 4 * k] = possible.ravel()
    whole[: 2 * k] = np.tile(lots, 2)
    whole[2 * k : 4 * k] = True
    return lower, upper, whole


def _trade_rows(m: Integers) -> None:
    """A trade has one side, at least the smallest ticket, and counts; turnover is at least net buys and net sells."""
    tickets, now = m.bench.tickets, m.bench.tickets.program.current
    width, rows = m.rows.width, m.rows
    least = tickets.least[m.assets] / m.unit
    lo, hi, _, _ = reach(m.bench, m.given_up)
    for j, i in enumerate(m.assets):
        for amount, on in ((m.buy[j], m.buying[j]), (m.sell[j], m.selling[j])):
            if m.upper[on] == 0:
                continue
            row = np.zeros(width)
            row[amount], row[on] = 1.0, -m.upper[amount]
            rows.add(-np.inf, row, 0.0)
            row = np.zeros(width)
            row[amount], row[on] = 1.0, -max(least[j], 1.0 if m.whole[amount] else 0.0)
            rows.add(0.0, row, np.inf)
        row = np.zeros(width)
        row[m.buying[j]] = row[m.selling[j]] = 1.0
        rows.add(0.0, row, 1.0)
        row = np.zeros(width)
        row[m.buy[j]], row[m.sell[j]] = 1.0, -1.0
        rows.add((lo[i] - now[i] - 1e-10) / m.unit[j], row, (hi[i] - now[i] + 1e-10) / m.unit[j])
    row = np.zeros(width)
    row[m.buying] = row[m.selling] = 1.0
    rows.add(0.0, row, float(tickets.most))
    for amounts, flow in ((m.buy, tickets.inflow), (m.sell, tickets.outflow)):
        row = np.zeros(width)
        row[amounts], row[m.turnover] = m.unit / _PERCENT, -1.0
        rows.add(-np.inf, row, flow / _PERCENT)


def _limit_rows(m: Integers, longs: np.ndarray) -> None:
    """Box of the cash, rows, trade terms and balls, in percent of NAV."""
    program, tickets, rows, ideal = m.bench.tickets.program, m.bench.tickets, m.rows, m.bench.ideal

    def add(lower: float, on: np.ndarray, upper: float, extra: np.ndarray | float = 0.0, scale: float = _PERCENT) -> None:
        base = float(on @ (ideal + m.start))
        rows.add((lower - base) / scale, (on @ m.moves + extra) / scale, (upper - base) / scale)

    cash = np.zeros(len(ideal))
    cash[program.cash] = 1.0
    add(program.lo[program.cash], cash, program.hi[program.cash])
    for row, low, high in zip(program.rows, program.rows_lo, program.rows_hi, strict=True):
        add(low, row, high)
    k = len(m.assets)
    for j in range(k if len(longs) else 0):
        on = np.zeros(len(ideal))
        on[m.assets[j]] = 1.0
        extra = np.zeros(rows.width)
        extra[longs[j]], extra[longs[k + j]] = -1.0, 1.0
        add(0.0, on, 0.0, extra)
    for t in range(len(program.most)):
        extra = np.zeros(rows.width)
        if program.from_zero[t]:
            extra[longs] = np.concatenate([program.buy[t][m.assets], program.sell[t][m.assets]])
            fixed = ~np.isin(np.arange(len(ideal)), m.assets) & (np.arange(len(ideal)) != program.cash)
            constant = float((program.buy[t] * np.maximum(program.current, 0) + program.sell[t] * np.maximum(-program.current, 0))[fixed].sum())
        else:
            extra[m.buy], extra[m.sell] = program.buy[t][m.assets] * m.unit, program.sell[t][m.assets] * m.unit
            constant = 0.0
        if len(m.power):
            extra[m.power] = program.power[t][m.assets] * _PERCENT**1.5
        if tickets.floors[t]:
            extra[m.buying] += tickets.fee
            extra[m.selling] += tickets.fee
        add(-np.inf, program.row[t], float(program.most[t]) - constant, extra)
    for j in range(len(program.ball_most)):
        block = m.quadratics[1 + j]
        c = block.root @ (ideal - program.anchor[j])
        row = np.zeros(rows.width)
        row[block.s], row[block.y] = block.unit**2, 2 * block.unit * c
        scale = max(float(program.ball_most[j]) ** 2, 1e-12)
        rows.add(-np.inf, row / scale, (float(program.ball_most[j]) ** 2 - float(c @ c)) / scale)


def _square_rows(m: Integers) -> None:
    """Write the loss of utility, each ``y = R e``, and the first tangents."""
    program, tickets, bench, rows = m.bench.tickets.program, m.bench.tickets, m.bench, m.rows
    slope = program.force - program.gamma * program.risk.times(bench.ideal - program.centre)
    z = np.abs(bench.ideal - program.current)
    row = -(slope @ m.moves)
    row[m.buy] += program.cost[m.assets] * m.unit
    row[m.sell] += program.cost[m.assets] * m.unit
    row[m.buying] += tickets.yearly
    row[m.selling] += tickets.yearly
    if len(m.power):
        row[m.power] += program.impact[m.assets] * _PERCENT**1.5
    row[m.quadratics[0].s] += 0.5 * program.gamma * m.quadratics[0].unit ** 2
    row[m.loss] -= m.given_up
    paid = float(program.cost @ z + program.impact @ z**1.5) + float(slope @ m.start)
    rows.add(-np.inf, row / m.given_up, paid / m.given_up)
    for block in dict.fromkeys(m.quadratics):
        linear = block.root @ m.moves / block.unit
        linear[np.arange(len(block.y)), block.y] -= 1.0
        for r, start in zip(linear, block.root @ m.start / block.unit, strict=True):
            rows.add(-start, r, -start)
        for at in np.concatenate([_TANGENTS, -_TANGENTS[1:]]):
            tangents(m, block, np.full(len(block.y), at))
    if len(m.power):
        for at in _TANGENTS:
            power_tangents(m, at * np.maximum(m.upper[m.buy], m.upper[m.sell]) * m.unit)


def _quadratics(bench: Bench, given_up: float, width: int) -> tuple[tuple[Quadratic, ...], int]:
    """Give columns to the square of the objective and to each ball; equal squares share theirs."""
    program = bench.tickets.program
    found: dict[bytes, Quadratic] = {}
    out = []
    masks = [(program.risk.root, np.ones(len(bench.ideal), dtype=bool))]
    masks += [(program.market_risk.root, on) for on in program.ball_on]
    for root, on in masks:
        root = np.where(on, root, 0.0)
        root = root[np.abs(root).max(axis=1) > 0]
        name = root.tobytes()
        if name not in found:
            k = len(root)
            unit = float(np.sqrt(2.0 * given_up / program.gamma))
            found[name] = Quadratic(root, unit, np.arange(k) + width, np.arange(k) + width + k)
            width += 2 * k
        out.append(found[name])
    return tuple(out), width


def tangents(m: Integers, block: Quadratic, at: np.ndarray, which: np.ndarray | None = None) -> None:
    """Add ``s >= 2 a y - a^2`` for components at ``a``, in the block's unit."""
    for k in range(len(at)) if which is None else which:
        row = np.zeros(m.rows.width)
        row[block.s[k]], row[block.y[k]] = 1.0, -2.0 * at[k]
        m.rows.add(-at[k] ** 2, row, np.inf)


def power_tangents(m: Integers, size: np.ndarray) -> None:
    """Add ``h >= a^1.5 + 1.5 sqrt(a) (|z| - a)``, in percent, for trades of these sizes."""
    for j, a in enumerate(size / _PERCENT):
        row = np.zeros(m.rows.width)
        row[m.power[j]] = 1.0
        row[m.buy[j]] = row[m.sell[j]] = -1.5 * np.sqrt(a) * m.unit[j] / _PERCENT
        m.rows.add(-0.5 * a**1.5, row, np.inf)
