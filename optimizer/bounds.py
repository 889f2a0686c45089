"""How far ``worth * trades + turnover`` can still fall: a bound no allowed target is below, by Lagrangian duality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .certificates import lower_bound
from .remainders import Bench, next_price, priced, reach, solve_within

_PRICES = 4
"""How many prices of turnover are tried."""


def bound_trades(bench: Bench, level: np.ndarray) -> np.ndarray:
    """Return a bound of ``worth * trades + turnover`` at these levels of utility, shape (m,).

    A trade is counted as ``|z| / largest possible |z|``, or as one where the asset cannot stay; any multipliers prove a
    bound, the best of a few prices is kept.
    """
    tickets, program = bench.tickets, bench.tickets.program
    lo, hi, must, largest = reach(bench, bench.best - level)
    flows = 0.5 * (tickets.inflow + tickets.outflow)
    forced = must.sum(-1)
    counted = tickets.movable & ~must & (largest > 0)
    rate = np.where(counted, 1.0 / np.where(largest > 0, largest, np.inf), 0.0)
    best = tickets.worth * forced + _least_turnover(bench, lo, hi)
    z = np.abs(bench.ideal - program.current)
    z[..., program.cash] = 0.0
    m, n = z.shape
    room, low, high = np.maximum(bench.best - level, 1e-9), np.zeros(m), np.full(m, np.inf)
    price = 2.0 * room / np.maximum(0.5 * z.sum(-1) + tickets.worth * (n - 1), 1e-6)
    near = bench.start()
    for _ in range(_PRICES):
        charged = priced(program, price)
        extra = (price * tickets.worth + tickets.yearly)[:, None] * rate
        charged = replace(charged, cost=charged.cost + extra)
        near = solve_within(bench, charged, near)
        proved = lower_bound(charged, near.weights, near.multipliers) + level + tickets.yearly * forced
        value = proved / price - flows + tickets.worth * forced
        best = np.where(near.found & (value > best), value, best)
        lost = bench.best - program.utility(near.weights)
        fits = lost <= room
        low, high = np.where(fits, price, low), np.where(fits, high, price)
        price = next_price(price, lost, room, low, high)
    return best


def _least_turnover(bench: Bench, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Return what has to change hands to come into a box and inside every row, by arithmetic, shape (m,).

    With ``z`` summing to zero a row moves by ``sum (r_i - r_cash) z_i``, at most ``up`` for each unit bought and
    ``down`` for each unit sold.
    """
    tickets, program = bench.tickets, bench.tickets.program
    risky = np.arange(lo.shape[-1]) != program.cash
    bought = np.maximum(lo - program.current, 0.0)[:, risky].sum(-1)
    sold = np.maximum(program.current - hi, 0.0)[:, risky].sum(-1)
    least = np.maximum(np.maximum(bought - tickets.inflow, sold - tickets.outflow), 0.0)
    if not len(program.rows):
        return least
    loading = (program.rows - program.rows[:, [program.cash]])[:, risky]
    gain, loss = np.maximum(loading, 0.0).max(-1), np.maximum(-loading, 0.0).max(-1)
    at = program.current @ program.rows.T
    for short, up, down in ((program.rows_lo - at, gain, loss), (at - program.rows_hi, loss, gain)):
        flows = up * np.asarray(tickets.inflow)[..., None] + down * np.asarray(tickets.outflow)[..., None]
        both = np.where(up + down > 0, up + down, np.inf)
        least = np.maximum(least, ((short - flows) / both).max(-1))
    return least
