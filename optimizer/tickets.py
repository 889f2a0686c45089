"""What makes a trade a real one: whole lots, the smallest ticket, the most trades, the fee of each; how it is judged.

``Tickets`` is to whole trades what :class:`~trimtab.optimizer.programs.Program` is to weights: all numbers of one
account, or of a chunk's. A candidate is judged by numpy alone: how far it is outside any limit, its utility after
ticket fees, its trades, its turnover.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..constraints import terms
from ..constraints.tickets import Lots, TradeCount, TradeSize
from ..units import Each
from .problems import Case, Cases, Problem
from .programs import Program

FEASIBLE = 1e-9
"""The largest excess over a limit, as in the gate."""
MARGIN = 1e-10
"""What of an excess is forgiven while candidates are compared."""
GRAIN = 1e-5
"""Decimal of NAV by which fractional trades are moved while a target is sought: a tenth of a basis point."""
_NOTHING = 1e-13
"""Utility, decimal of NAV a year, below which a difference is rounding."""


@dataclass(frozen=True, eq=False)
class Tickets:
    """Trades of one account or of ``(m,)`` accounts: numbers by asset, and the price of each trade.

    Parameters
    ----------
    program
        The program; its trade terms do not yet know ticket fees.
    lot
        Weight of one lot, 0 where fractional, shape (..., n); ``units`` (n,), ``prices`` (..., n) and ``nav`` it is
        made of.
    least
        Smallest trade, decimal of NAV, shape (..., n).
    most
        The most trades.
    fee, yearly
        One ticket fee: decimal of NAV, once; and a year, as utility counts it. Shape (...).
    floors
        Which trade terms are cash after costs, shape (t,): ticket fees count there.
    inflow, outflow
        Decimals of NAV, shape (...).
    worth, indifference
        Decimals of NAV (the latter a year): see 5.6 of the design.
    """

    program: Program
    lot: np.ndarray
    units: np.ndarray
    prices: np.ndarray
    nav: Each
    least: np.ndarray
    most: int
    fee: Each
    yearly: Each
    floors: np.ndarray
    inflow: Each
    outflow: Each
    worth: float
    indifference: float

    @property
    def plain(self) -> bool:
        """Whether nothing stands between the ideal and the market."""
        return not (self.indifference or self.whole)

    @property
    def whole(self) -> bool:
        """Whether weights that every limit allows may still be out of reach of real trades."""
        few = self.most < self.lot.shape[-1]
        return bool(np.any(self.fee) or self.lot.any() or self.least.any() or few)

    @property
    def movable(self) -> np.ndarray:
        """Mask of assets that can trade at all, shape (..., n); the cash only takes the rest."""
        program = self.program
        can = (program.hi > program.lo) | (program.current < program.lo) | (program.current > program.hi)
        can[..., program.cash] = False
        return can

    @cached_property
    def grid(self) -> np.ndarray:
        """Weights by which trades are moved while a target is sought, shape (..., n): a lot, or a grain."""
        return np.where(self.lot > 0, self.lot, GRAIN)

    def lots_to_weight(self, lots: np.ndarray) -> np.ndarray:
        """Return the traded weight of whole lots, from the integers."""
        return np.where(lots != 0, lots * self.units * self.prices / np.asarray(self.nav)[..., None], 0.0)

    def lift(self) -> Tickets:
        """Return the tickets of one account as those of many."""
        own = {name: np.asarray(getattr(self, name))[None] for name in OWN}
        return replace(self, program=self.program.lift(), **own)

    def pick(self, which: int | np.ndarray) -> Tickets:
        """Return the tickets of one account of a chunk, or of some: positions or a mask."""
        return replace(self, program=self.program.pick(which), **{name: getattr(self, name)[which] for name in OWN})


OWN = ("lot", "prices", "nav", "least", "fee", "yearly", "inflow", "outflow")
"""What of tickets carries the account axis, the program apart."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """How candidates are: sum of excesses over limits, utility after fees, trades, turnover; shape (...) each."""

    excess: np.ndarray
    utility: np.ndarray
    count: np.ndarray
    turnover: np.ndarray

    def keys(self, level: Each, worth: float) -> np.ndarray:
        """Return what candidates are compared by, shape (..., 3), less is better.

        Limits first, then utility up to ``level``, then few and small trades.
        """
        return np.stack([self.excess, missing(self.utility, level), worth * self.count + self.turnover], axis=-1)

    def order(self, level: float, worth: float) -> np.ndarray:
        """Return the candidates of one account, best first."""
        return np.lexsort(self.keys(level, worth).T[::-1])

    def key(self, k: int, level: float, worth: float) -> tuple[float, float, float]:
        """Return what one candidate of one account is compared by."""
        first, second, third = (float(x) for x in self.keys(level, worth)[k])
        return first, second, third


def missing(utility: np.ndarray, level: Each) -> np.ndarray:
    """Return what utility lacks of its level, at least 0."""
    short = np.maximum(level - utility, 0.0)
    return np.where(short < _NOTHING, 0.0, short)


def better(new: np.ndarray, old: np.ndarray, hair: float = 0.0) -> np.ndarray:
    """Return where keys (..., 3) are better by more than a hair in the first number that is not alike."""
    less = new < old - hair
    alike = new <= old if hair else new == old
    return less[..., 0] | (alike[..., 0] & (less[..., 1] | (alike[..., 1] & less[..., 2])))


def read_tickets(problem: Problem, case: Case | Cases) -> Tickets:
    """Read the rules of whole trades from a policy's limits and the market, for one account or many."""
    context, program, trading = case.context, case.program, problem.policy.trades
    n, nav = program.current.shape[-1], case.standing.nav
    units, least, most = np.zeros(n), np.zeros(program.current.shape), n
    for limit in problem.policy.in_force:
        if isinstance(limit, Lots):
            units = np.where(limit.units(context) > 0, limit.units(context), units)
        elif isinstance(limit, TradeSize) and (limit.least or limit.least_value):
            least = np.maximum(least, limit.smallest(context))
        elif isinstance(limit, TradeCount):
            most = min(most, limit.most)
    units, least = np.array(units, float), np.array(least, float)
    units[program.cash], least[..., program.cash] = 0.0, 0.0
    prices = np.where(np.isfinite(context.market.prices), context.market.prices, 0.0)
    fee = float(context.market.costs.ticket_fee) / nav
    floors = [t.at_least for _, t in program.named if isinstance(t, terms.Trades)]
    return Tickets(
        program,
        units * prices / np.asarray(nav)[..., None],
        units,
        np.broadcast_to(prices, least.shape),
        nav,
        least,
        most,
        fee,
        fee / case.horizon,
        np.array(floors, dtype=bool),
        case.standing.inflow,
        case.standing.outflow,
        trading.trade_worth,
        trading.indifference,
    )


def restrict(tickets: Tickets, side: np.ndarray, at: np.ndarray | None = None) -> Program:
    """Return the convex program in which every asset keeps to its side, tickets are met and their fees are paid.

    Where ``at`` is a number the asset stands there (a whole number of lots).
    """
    program, cash = tickets.program, tickets.program.cash
    now, lo, hi = program.current, program.lo, program.hi
    low = np.where(side == 0, now, np.where(side == 1, np.maximum(lo, now + tickets.least), lo))
    high = np.where(side == 0, now, np.where(side == -1, np.minimum(hi, now - tickets.least), hi))
    if at is not None:
        low, high = np.where(np.isnan(at), low, at), np.where(np.isnan(at), high, at)
    low[..., cash], high[..., cash] = lo[..., cash], hi[..., cash]
    return charge(replace(tickets, program=replace(program, lo=low, hi=high)), count_trades(side, cash))


def charge(tickets: Tickets, trades: np.ndarray) -> Program:
    """Return the program whose cash floor pays the fees of so many trades, shape (...)."""
    fees = np.asarray(tickets.fee * trades)[..., None]
    return replace(tickets.program, most=tickets.program.most - tickets.floors * fees)


def count_trades(moves: np.ndarray, cash: int) -> np.ndarray:
    """Count what is not zero along the last axis, the cash apart."""
    moved = moves != 0
    return np.count_nonzero(moved, axis=-1) - moved[..., cash]


def with_cash(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Let the cash take the rest; nobody who does not trade moves, not by a bit. Trades of less than 1e-9 are none."""
    program = tickets.program
    now, cash = program.current, program.cash
    out = np.where(np.abs(weights - now) < 1e-9, now, weights)
    out[..., cash] = now[..., cash]
    still = (out == now).all(-1)
    out[..., cash] = 0.0
    out[..., cash] = np.where(still, now[..., cash], 1.0 - out.sum(-1))
    return out


def judge(tickets: Tickets, weights: np.ndarray) -> Verdict:
    """Judge candidates that already trade whole lots: many of one account, shape (k, n), or one each of (m, n)."""
    program = tickets.program
    z = weights - program.current
    z[..., program.cash] = 0.0
    size = np.abs(z)
    count = np.count_nonzero(z, axis=-1)
    excess = np.maximum(np.maximum(program.lo - weights, weights - program.hi) - MARGIN, 0.0).sum(-1)
    excess = excess + 0.01 * np.maximum(count - tickets.most, 0)
    if tickets.least.any():
        excess = excess + np.where((size > 0) & (size < tickets.least - MARGIN), tickets.least - size, 0.0).sum(-1)
    at = np.einsum("...n,rn->...r", weights, program.rows)
    over = [np.maximum(program.rows_lo - at, at - program.rows_hi)]
    fees = np.asarray(tickets.fee * count)[..., None]
    over.append(program.traded(weights) + tickets.floors * fees - program.most)
    over.append(program.ball_sizes(weights) - program.ball_most)
    excess = excess + np.maximum(np.concatenate(over, axis=-1) - MARGIN, 0.0).sum(-1)
    if program.customs:
        excess = excess + custom_excess(program, weights)
    d = weights - program.centre
    utility = (program.force * d - program.cost * size).sum(-1) - tickets.yearly * count
    utility = utility - 0.5 * program.gamma * (program.risk.times(d) * d).sum(-1)
    if program.impact.any():
        utility = utility - (program.impact * size**1.5).sum(-1)
    buys, sells = np.maximum(z, 0).sum(-1) - tickets.inflow, np.maximum(-z, 0).sum(-1) - tickets.outflow
    return Verdict(excess, utility, count, np.maximum(np.maximum(buys, sells), 0.0))


def custom_excess(program: Program, weights: np.ndarray) -> np.ndarray:
    """Return by how much candidates exceed the custom limits, shape of ``weights`` without its last axis.

    Somebody else's code, written for one account: it is asked candidate by candidate.
    """
    current = np.broadcast_to(program.current, weights.shape).reshape(-1, weights.shape[-1])
    flat = weights.reshape(-1, weights.shape[-1])
    out = np.zeros(len(flat))
    for custom in program.customs:
        slack = np.array([float(np.min(custom.slack(w, now))) for w, now in zip(flat, current, strict=True)])
        out += np.where(np.isfinite(slack), np.maximum(-slack - FEASIBLE, 0.0), np.inf)
    return out.reshape(weights.shape[:-1])


def allowed(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return who may leave, shape (...): final targets against every rule, in the program's own check."""
    program = tickets.program
    z = weights - program.current
    z[..., program.cash] = 0.0
    trades = np.count_nonzero(z, axis=-1)
    charged = charge(tickets, trades)
    fine = replace(charged, customs=()).violations(weights).max(-1) <= FEASIBLE
    if program.customs:
        fine = fine & (custom_excess(program, weights) <= 0.0)
    whole = tickets.lot > 0
    lots = np.divide(z, tickets.lot, out=np.zeros_like(z), where=whole)
    # The quotient carries the rounding of a weight near 1 divided by a small lot.
    slack = np.maximum(1e-9, 1e-15 / np.where(whole, tickets.lot, 1.0))
    fine = fine & (np.abs(lots - np.round(lots)) <= slack).all(-1)
    fine = fine & ((z == 0) | (np.abs(z) >= tickets.least - FEASIBLE)).all(-1)
    return fine & (trades <= tickets.most)
