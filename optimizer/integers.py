"""The integer program of the fewest trades, for HiGHS: linear rows, and tangents in place of every square.

Columns are, for each asset that can trade: buys and sells (whole lots where it has lots, else in percent), whether it
buys, whether it sells; then the turnover, the loss of utility, what is long and short, powers of trades, and for each
quadratic ``e' Sigma e`` (``e = w - ideal``) its components. ``Sigma`` is split into ``R'R + D`` with ``D`` diagonal:
``y = R e`` with ``s >= y^2`` a component, and for each asset ``v >= z^2 / (does it trade)``, the perspective of the
square (Frangioni and Gentile, 2006), which is what makes the relaxation tight. A tangent a component and point does
what hundreds of cuts of the whole square would.

Every row is *below* the truth: a bound from here holds for every allowed target. Points are checked elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .columns import PERCENT, Integers, Quadratic, Rows, power_tangents, tangents, trade_tangents
from .remainders import Bench, reach

_TANGENTS = np.array([0.0, 0.15, 0.4])


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
    unit = np.where(tickets.lot[assets] > 0, tickets.lot[assets], PERCENT)
    blocks, width = lay_squares(bench, assets, given_up, width)

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
    out = Integers(
        bench,
        assets,
        unit,
        buy,
        sell,
        buying,
        selling,
        square,
        power,
        turnover,
        loss,
        start,
        moves,
        blocks,
        given_up,
        lower,
        upper,
        whole,
        Rows(width),
    )
    _trade_rows(out)
    _limit_rows(out, longs)
    _square_rows(out)
    base = len(out.rows.rows)
    _first_tangents(out)
    return replace(out, base=base)


def _bounds(
    bench: Bench, assets: np.ndarray, unit: np.ndarray, lo: np.ndarray, hi: np.ndarray, width: int
) -> tuple[np.ndarray, ...]:
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
        row[amounts], row[m.turnover] = m.unit / PERCENT, -1.0
        rows.add(-np.inf, row, flow / PERCENT)


def _limit_rows(m: Integers, longs: np.ndarray) -> None:
    """Box of the cash, rows, trade terms and balls, in percent of NAV."""
    program, tickets, rows, ideal = m.bench.tickets.program, m.bench.tickets, m.rows, m.bench.ideal

    def add(
        lower: float, on: np.ndarray, upper: float, extra: np.ndarray | float = 0.0, scale: float = PERCENT
    ) -> None:
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
            constant = float(
                (program.buy[t] * np.maximum(program.current, 0) + program.sell[t] * np.maximum(-program.current, 0))[
                    fixed
                ].sum()
            )
        else:
            extra[m.buy], extra[m.sell] = program.buy[t][m.assets] * m.unit, program.sell[t][m.assets] * m.unit
            constant = 0.0
        if len(m.power):
            extra[m.power] = program.power[t][m.assets] * PERCENT**1.5
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
        row[m.power] += program.impact[m.assets] * PERCENT**1.5
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


def lay_squares(bench: Bench, assets: np.ndarray, given_up: float, width: int) -> tuple[tuple[Quadratic, ...], int]:
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
    """Return ``R`` and ``D`` with ``Sigma = R'R + D``: D as each asset's own variance, as large as may be."""
    values, vectors = np.linalg.eigh(covariance)
    own = np.zeros(len(covariance))
    if len(values) and values[0] > 1e-8 * values[-1]:
        own = 1.0 / (vectors**2 / values).sum(axis=1)
        root = np.sqrt(own)
        own = own * (0.999 * np.linalg.eigvalsh(covariance / np.outer(root, root))[0])
        values, vectors = np.linalg.eigh(covariance - np.diag(own))
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, own
