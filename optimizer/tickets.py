"""What makes a trade a real one: whole lots, the smallest ticket, the most trades, the fee of each; how it is judged.

``Tickets`` is to whole trades what :class:`~trimtab.optimizer.programs.Program` is to weights: all numbers of one
account. A candidate is judged by numpy alone: how far it is outside any limit, its utility after ticket fees, its
trades, its turnover.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from ..constraints.tickets import Lots, TradeCount, TradeSize
from .problems import Case, Problem
from .programs import Program

FEASIBLE = 1e-9
"""The largest excess over a limit, as in the gate."""
_MARGIN = 1e-10
FREE = 2
"""A side: buy or sell, whichever; +1 buys, -1 sells, 0 stays."""


@dataclass(frozen=True, eq=False)
class Tickets:
    """One account's trades: numbers by asset, shape (n,), and the price of each trade.

    Parameters
    ----------
    program
        The account's program; its trade terms do not yet know ticket fees.
    lot
        Weight of one lot, 0 where fractional; ``units``, ``prices`` and ``nav`` it is made of.
    least
        Smallest trade, decimal of NAV.
    most
        The most trades.
    fee, yearly
        One ticket fee: decimal of NAV, once; and a year, as utility counts it.
    floors
        Which trade terms are cash after costs, shape (t,): ticket fees count there.
    inflow, outflow, worth, indifference
        Decimals of NAV (the last a year): see 5.6 of the design.
    """

    program: Program
    lot: np.ndarray
    units: np.ndarray
    prices: np.ndarray
    nav: float
    least: np.ndarray
    most: int
    fee: float
    yearly: float
    floors: np.ndarray
    inflow: float
    outflow: float
    worth: float
    indifference: float

    @property
    def plain(self) -> bool:
        """Whether nothing stands between the ideal and the market."""
        return not (self.fee or self.indifference or self.lot.any() or self.least.any() or self.most < len(self.lot))

    @property
    def movable(self) -> np.ndarray:
        """Mask of assets that can trade at all; the cash only takes the rest."""
        can = (
            (self.program.hi > self.program.lo)
            | (self.program.current < self.program.lo)
            | (self.program.current > self.program.hi)
        )
        can[self.program.cash] = False
        return can

    def lots_to_weight(self, lots: np.ndarray) -> np.ndarray:
        """Return the traded weight of whole lots, from the integers."""
        return np.where(lots != 0, lots * self.units * self.prices / self.nav, 0.0)


@dataclass(frozen=True, eq=False)
class Verdict:
    """How candidates are: sum of excesses over limits, utility after fees, trades, turnover; shape (k,) each."""

    excess: np.ndarray
    utility: np.ndarray
    count: np.ndarray
    turnover: np.ndarray

    def order(self, level: float, worth: float) -> np.ndarray:
        """Return the candidates, best first: limits, then utility up to ``level``, then few and small trades."""
        short = np.maximum(level - self.utility, 0.0)
        return np.lexsort((worth * self.count + self.turnover, np.where(short < 1e-13, 0.0, short), self.excess))

    def key(self, k: int, level: float, worth: float) -> tuple[float, float, float]:
        """Return what candidates are compared by; less is better."""
        short = max(level - float(self.utility[k]), 0.0)
        return float(self.excess[k]), short if short >= 1e-13 else 0.0, float(worth * self.count[k] + self.turnover[k])


def read_tickets(problem: Problem, case: Case) -> Tickets:
    """Read the rules of whole trades from a policy's limits and the market, for one account."""
    context, program, trading = case.context, case.program, problem.policy.trades
    n, nav = len(program.current), float(case.standing.nav)
    units, least, most = np.zeros(n), np.zeros(n), n
    for limit in problem.policy.limits:
        if isinstance(limit, Lots):
            units = np.where(limit.units(context) > 0, limit.units(context), units)
        elif isinstance(limit, TradeSize) and (limit.least or limit.least_value):
            least = np.maximum(least, limit.smallest(context))
        elif isinstance(limit, TradeCount):
            most = min(most, limit.most)
    units, least = np.array(units, float), np.array(least, float)
    units[program.cash], least[program.cash] = 0.0, 0.0
    prices = np.where(np.isfinite(context.market.prices), context.market.prices, 0.0)
    fee = float(context.market.costs.ticket_fee) / nav
    floors = [t.at_least for _, t in program.named if isinstance(t, terms.Trades)]
    return Tickets(
        program,
        units * prices / nav,
        units,
        prices,
        nav,
        least,
        most,
        fee,
        fee / case.horizon,
        np.array(floors, dtype=bool),
        float(case.standing.inflow),
        float(case.standing.outflow),
        trading.trade_worth,
        trading.indifference,
    )


def restrict(tickets: Tickets, side: np.ndarray, at: np.ndarray | None = None) -> Program:
    """Return the convex program in which every asset keeps to its side, tickets are met and their fees are paid.

    Where ``at`` is a number the asset stands there (a whole number of lots).
    """
    program = tickets.program
    now, lo, hi = program.current, np.array(program.lo), np.array(program.hi)
    lo = np.where(side == 0, now, np.where(side == 1, np.maximum(lo, now + tickets.least), lo))
    hi = np.where(side == 0, now, np.where(side == -1, np.minimum(hi, now - tickets.least), hi))
    if at is not None:
        lo, hi = np.where(np.isnan(at), lo, at), np.where(np.isnan(at), hi, at)
    lo[program.cash], hi[program.cash] = program.lo[program.cash], program.hi[program.cash]
    trades = int(np.count_nonzero(np.delete(side, program.cash)))
    return replace(program, lo=lo, hi=hi, most=program.most - tickets.floors * (tickets.fee * trades))


def with_cash(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Let the cash take the rest; nobody who does not trade moves, not by a bit. Trades of less than 1e-9 are none."""
    program = tickets.program
    now, cash = program.current, program.cash
    out = np.where(np.abs(weights - now) < 1e-9, now, weights)
    out[cash] = now[cash]
    if (out == now).all():
        return out
    out[cash] = 0.0
    out[cash] = 1.0 - math.fsum(out)
    return out


def judge(tickets: Tickets, weights: np.ndarray) -> Verdict:
    """Judge candidates, shape (k, n), that already trade whole lots."""
    program = tickets.program
    z = weights - program.current
    z[:, program.cash] = 0.0
    size = np.abs(z)
    count = np.count_nonzero(z, axis=1)
    excess = np.maximum(np.maximum(program.lo - weights, weights - program.hi) - _MARGIN, 0.0).sum(axis=1)
    excess += 0.01 * np.maximum(count - tickets.most, 0)
    if tickets.least.any():
        excess += np.where((size > 0) & (size < tickets.least - _MARGIN), tickets.least - size, 0.0).sum(axis=1)
    if len(program.rows):
        at = weights @ program.rows.T
        excess += np.maximum(np.maximum(program.rows_lo - at, at - program.rows_hi) - _MARGIN, 0.0).sum(axis=1)
    for t in range(len(program.most)):
        move = weights if program.from_zero[t] else z
        used = weights @ program.row[t] + np.maximum(move, 0) @ program.buy[t] + np.maximum(-move, 0) @ program.sell[t]
        if program.power[t].any():
            used = used + np.abs(move) ** 1.5 @ program.power[t]
        used = used + (tickets.fee * count if tickets.floors[t] else 0.0)
        excess += np.maximum(used - program.most[t] - _MARGIN, 0.0)
    for j in range(len(program.ball_most)):
        y = np.where(program.ball_on[j], weights - program.anchor[j], 0.0) @ program.market_risk.root.T
        excess += np.maximum(np.sqrt((y * y).sum(axis=1)) - program.ball_most[j] - _MARGIN, 0.0)
    for custom in program.customs:
        slack = np.array([float(np.min(custom.slack(w, program.current))) for w in weights])
        excess += np.where(np.isfinite(slack), np.maximum(-slack - FEASIBLE, 0.0), np.inf)
    d = weights - program.centre
    y = d @ program.risk.root.T
    utility = (
        d @ program.force - 0.5 * program.gamma * (y * y).sum(axis=1) - size @ program.cost - tickets.yearly * count
    )
    if program.impact.any():
        utility = utility - size**1.5 @ program.impact
    buys, sells = np.maximum(z, 0).sum(axis=1) - tickets.inflow, np.maximum(-z, 0).sum(axis=1) - tickets.outflow
    return Verdict(excess, utility, count, np.maximum(np.maximum(buys, sells), 0.0))


def faults(tickets: Tickets, weights: np.ndarray) -> tuple[str, ...]:
    """Say which rules a final target breaks, in the program's own check; nothing if it may leave."""
    program = tickets.program
    z = np.array(weights - program.current)
    z[program.cash] = 0.0
    trades = int(np.count_nonzero(z))
    charged = replace(program, most=program.most - tickets.floors * (tickets.fee * trades))
    words = []
    if not charged.violations(weights).max() <= FEASIBLE:
        words.append("a limit")
    whole = tickets.lot > 0
    lots = z[whole] / tickets.lot[whole]
    # The quotient carries the rounding of a weight near 1 divided by a small lot.
    if not (np.abs(lots - np.round(lots)) <= np.maximum(1e-9, 1e-15 / tickets.lot[whole])).all():
        words.append("whole lots")
    if ((z != 0) & ~(np.abs(z) >= tickets.least - FEASIBLE)).any():
        words.append("the smallest ticket")
    if trades > tickets.most:
        words.append("the trade count")
    return tuple(words)
