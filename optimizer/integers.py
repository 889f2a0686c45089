"""The integer program of the fewest trades, for HiGHS: linear rows, and tangents in place of every square.

Columns are, for each asset that can trade: buys and sells (whole lots where it has lots, else in percent), whether it
buys, whether it sells; then the turnover, the loss of utility, what is long and short, powers of trades, and for each
quadratic ``e' Sigma e`` (``e = w - ideal``) its components. ``Sigma`` is split into ``R'R + D`` with ``D`` diagonal:
``y = R e`` with ``s >= y^2`` a component, and for each asset ``v >= z^2 / (does it trade)``, the perspective of the square
(Frangioni and Gentile, 2006), which is what makes the relaxation tight. A tangent a component and point does what hundreds
of cuts of the whole square would.

Every row is *below* the truth: a bound from here holds for every allowed target. Points are checked elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .remainders import Bench, reach

_TANGENTS = np.array([0.0, 0.15, 0.4])
_PERCENT = 0.01


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``e' (root' root + diagonal) e``: components ``y = root e`` and their squares in units of ``unit``, by column numbers."""

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
    buy, sell, buying, selling, square = (np.arange(k) + j * k for j in range(5))
    turnover, loss = 5 * k, 5 * k + 1
    width = 5 * k + 2
    power = np.arange(k if powered else 0) + width
    width += len(power)
    longs = np.arange(2 * k if len(gross) else 0) + width
    width += len(longs)
    unit = np.where(tickets.lot[assets] > 0, tickets.lot[assets], _PERCENT)
    blocks, width = _quadratics(bench, assets, given_up, width)

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
    out = Integers(bench, assets, unit, buy, sell, buying, selling, square, power, turnover, loss, start, moves, blocks, given_up,
                   lower, upper, whole, Rows(width))
    _trade_rows(out)
    _limit_rows(out, longs)
    _square_rows(out)
    base = len(out.rows.rows)
    _first_tangents(out)
    return replace(out, base=base)


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
        away = np.where(program.ball_on[j], ideal - program.anchor[j], 0.0)
        slope = np.where(program.ball_on[j], program.market_risk.times(away), 0.0)
        row, constant = _square(m, m.quadratics[1 + j])
        row = row + 2 * slope @ m.moves
        constant += float(2 * slope @ m.start + program.market_risk.times(away) @ away)
        scale = max(float(program.ball_most[j]) ** 2, 1e-12)
        rows.add(-np.inf, row / scale, (float(program.ball_most[j]) ** 2 - constant) / scale)


def _square_rows(m: Integers) -> None:
    """Write the loss of utility, each ``y = R e``."""
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
    square, constant = _square(m, m.quadratics[0])
    row += 0.5 * program.gamma * square
    row[m.loss] -= m.given_up
    paid = float(program.cost @ z + program.impact @ z**1.5) + float(slope @ m.start) - 0.5 * program.gamma * constant
    rows.add(-np.inf, row / m.given_up, paid / m.given_up)
    for block in dict.fromkeys(m.quadratics):
        linear = block.root @ m.moves / block.unit
        linear[np.arange(len(block.y)), block.y] -= 1.0
        for r, start in zip(linear, block.root @ m.start / block.unit, strict=True):
            rows.add(-start, r, -start)


def _first_tangents(m: Integers) -> None:
    """Place the first tangents around the ideal; the rest come where they are missed."""
    for block in dict.fromkeys(m.quadratics):
        for at in np.concatenate([_TANGENTS, -_TANGENTS[1:]]):
            tangents(m, block, np.full(len(block.y), at))
    largest = np.maximum(m.upper[m.buy], m.upper[m.sell])
    for at in _TANGENTS:
        trade_tangents(m, at * largest)
    trade_tangents(m, np.ones(len(m.assets)))
    if len(m.power):
        for at in _TANGENTS:
            power_tangents(m, at * largest * m.unit)


def _square(m: Integers, block: Quadratic) -> tuple[np.ndarray, float]:
    """Return ``e' Sigma e`` as a row of columns that are at least the squares, and its constant."""
    row, c, d = np.zeros(m.rows.width), m.start[m.assets], block.diagonal[m.assets]
    row[block.s] = block.unit**2
    row[m.square] = d * m.unit**2
    row[m.buy] += 2 * d * c * m.unit
    row[m.sell] -= 2 * d * c * m.unit
    return row, float(d @ c**2)


def _quadratics(bench: Bench, assets: np.ndarray, given_up: float, width: int) -> tuple[tuple[Quadratic, ...], int]:
    """Give columns to the square of the objective and to each ball; equal squares share theirs."""
    program = bench.tickets.program
    found: dict[bytes, Quadratic] = {}
    unit = float(np.sqrt(2.0 * given_up / program.gamma))
    out = []
    masks = [(program.risk.covariance, np.ones(len(bench.ideal), dtype=bool))]
    masks += [(program.market_risk.covariance, on) for on in program.ball_on]
    for covariance, on in masks:
        inside = on[assets]
        block = np.where(np.outer(inside, inside), covariance[np.ix_(assets, assets)], 0.0)
        name = block.tobytes()
        if name not in found:
            root, diagonal = np.zeros((len(assets), len(on))), np.zeros(len(on))
            root[:, assets], diagonal[assets] = _split(block)
            root = root[np.abs(root).max(axis=1, initial=0.0) > 0]
            k = len(root)
            found[name] = Quadratic(root, diagonal, unit, np.arange(k) + width, np.arange(k) + width + k)
            width += 2 * k
        out.append(found[name])
    return tuple(out), width


def _split(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``R`` and ``D`` with ``Sigma = R'R + D``: D in proportion to what each asset has for itself, as large as may be."""
    values, vectors = np.linalg.eigh(covariance)
    own = np.zeros(len(covariance))
    if len(values) and values[0] > 1e-8 * values[-1]:
        own = 1.0 / (vectors**2 / values).sum(axis=1)
        root = np.sqrt(own)
        own = own * (0.999 * np.linalg.eigvalsh(covariance / np.outer(root, root))[0])
        values, vectors = np.linalg.eigh(covariance - np.diag(own))
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, own


def trade_tangents(m: Integers, amount: np.ndarray) -> None:
    """Add ``v >= 2 a |z| - a^2 traded`` in units of the columns; for lots the chord between two whole numbers, which is higher."""
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
        m.rows.add(-at[k] ** 2, row, np.inf)


def power_tangents(m: Integers, size: np.ndarray) -> None:
    """Add ``h >= a^1.5 + 1.5 sqrt(a) (|z| - a)``, in percent, for trades of these sizes."""
    for j, a in enumerate(size / _PERCENT):
        row = np.zeros(m.rows.width)
        row[m.power[j]] = 1.0
        row[m.buy[j]] = row[m.sell[j]] = -1.5 * np.sqrt(a) * m.unit[j] / _PERCENT
        m.rows.add(-0.5 * a**1.5, row, np.inf)
