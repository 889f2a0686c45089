"""What is left once it is settled who trades and which way: convex programs, solved warm from the ideals.

Turnover is priced into the program's own costs, and the price searched until utility stands at its level; the same
programs' certified lower bounds bound ``worth * trades + turnover`` from below (Lagrangian duality). Everything is done
for many accounts at once, and an account's bits do not depend on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..units import Each
from .answers import Multipliers
from .certificates import repair
from .engines import ask
from .problems import Problem
from .programs import Program
from .quadratics import Quadratics
from .refinements import refine_all
from .tickets import Tickets, judge, restrict, with_cash

_PRICES = 4
"""How many prices of turnover are tried; the last step is a line search, so few are enough."""
_HALVINGS = 24
_UNREFINED = 1e-7
"""A trade of an unrefined answer below this, decimal of NAV, is an engine's tolerance and nobody's decision."""


@dataclass(eq=False)
class Points:
    """Weights (m, n) with their multipliers, and which are answers, shape (m,); the others only fill their place."""

    weights: np.ndarray
    multipliers: Multipliers
    found: np.ndarray

    def pick(self, which: np.ndarray) -> Points:
        """Return those of some accounts."""
        return Points(self.weights[which], self.multipliers.pick(which), self.found[which])

    def put(self, which: np.ndarray, others: Points) -> None:
        """Write those of some accounts."""
        self.weights[which], self.found[which] = others.weights, others.found
        self.multipliers.put(which, others.multipliers)


@dataclass(frozen=True, eq=False)
class Bench:
    """Where every search starts: the ideals, their multipliers, and how far around them a level of utility reaches.

    Parameters
    ----------
    ideal, multipliers
        The continuous optimum, of one account or of many.
    best
        Utility of the ideal, ticket fees apart, shape (...).
    level
        Utility, fees taken off, that a target should have, shape (...).
    shape
        Diagonal of the inverse of ``gamma Sigma`` without the cash, shape (..., n); infinite where singular.
    """

    problem: Problem
    tickets: Tickets
    ideal: np.ndarray
    multipliers: Multipliers
    best: Each
    level: Each
    shape: np.ndarray

    def radius(self, given_up: Each) -> np.ndarray:
        """Return how far each weight of any allowed point within ``given_up`` of the best can be from the ideal.

        The optimum over a convex set loses at least the quadratic: ``u* - u(w) >= gamma/2 (w - w*)' Sigma (w - w*)``.
        """
        return np.sqrt(2.0 * np.maximum(given_up, 0.0)[..., None] * self.shape) + 1e-7

    def start(self) -> Points:
        """Return the ideals as points."""
        return Points(np.array(self.ideal), self.multipliers.copy(), np.ones(len(self.ideal), dtype=bool))

    def lift(self) -> Bench:
        """Return the bench of one account as that of many."""
        own = {name: np.asarray(getattr(self, name))[None] for name in _OWN}
        return replace(self, tickets=self.tickets.lift(), multipliers=self.multipliers.lift(), **own)

    def pick(self, which: np.ndarray) -> Bench:
        """Return the bench of some accounts."""
        own = {name: getattr(self, name)[which] for name in _OWN}
        return replace(self, tickets=self.tickets.pick(which), multipliers=self.multipliers.pick(which), **own)


_OWN = ("ideal", "best", "level", "shape")


def set_up(problem: Problem, tickets: Tickets, ideal: np.ndarray, multipliers: Multipliers) -> Bench:
    """Prepare the search around ideals and their multipliers, of one account or of many."""
    tickets = replace(tickets, program=replace(tickets.program, named=()))  # only its numbers are read from here on
    program = tickets.program
    n = ideal.shape[-1]
    risky = np.delete(np.arange(n), program.cash)
    shape = np.full(n, np.inf)
    values, vectors = np.linalg.eigh(program.risk.covariance[np.ix_(risky, risky)])
    if len(values) and values[0] > 1e-10 * values[-1]:
        shape[risky] = (vectors**2 / values).sum(axis=1)
    best = program.utility(ideal)
    shape = shape / np.asarray(program.gamma)[..., None]
    return Bench(problem, tickets, ideal, multipliers, best, best - tickets.indifference, shape)


def solve_within(bench: Bench, program: Program, near: Points) -> Points:
    """Solve tightened programs from points near their answers, by refinement, else by an engine."""
    out = Points(np.array(near.weights), near.multipliers.copy(), np.zeros(len(near.weights), dtype=bool))
    sane = ~((program.lo > program.hi).any(-1) | (program.lo.sum(-1) > 1 + 1e-12) | (program.hi.sum(-1) < 1 - 1e-12))
    some = np.flatnonzero(sane)
    if not len(some):
        return out
    mine = program if len(some) == len(sane) else program.pick(some)
    if program.customs:
        out.put(some, _ask(bench, mine, near.pick(some)))
        return out
    weights, multipliers, found = refine_all(mine, near.weights[some], near.multipliers.pick(some))
    # Refined means that the optimality conditions hold; what is kept in the end is checked on its quantities.
    out.put(some, Points(repair(mine, weights), multipliers, found))
    lost = some[~found]
    if len(lost) and program.linear:
        out.put(lost, _solve(program.pick(lost), near.pick(lost)))
    return out


def _solve(program: Program, near: Points) -> Points:
    """Ask the engine for quadratic programs; its answer stands as it is where it cannot be refined."""
    replies = Quadratics(replace(program, cost=program.cost + 1.0)).solve(program)
    solved = np.flatnonzero(replies.solved)
    out = Points(np.array(near.weights), near.multipliers.copy(), np.array(replies.solved))
    if not len(solved):
        return out
    mine, weights, multipliers = program.pick(solved), replies.weights[solved], replies.multipliers.pick(solved)
    weights, multipliers, _ = refine_all(mine, weights, multipliers)
    weights = np.where(np.abs(weights - mine.current) < _UNREFINED, mine.current, weights)
    out.put(solved, Points(repair(mine, weights), multipliers, np.ones(len(solved), dtype=bool)))
    return out


def _ask(bench: Bench, program: Program, near: Points) -> Points:
    """Ask the engines account by account: nobody else can be asked about custom limits."""
    out = Points(np.array(near.weights), near.multipliers.copy(), np.zeros(len(near.weights), dtype=bool))
    for i in range(len(near.weights)):
        one = program.pick(i)
        answer = ask(one, bench.problem.statement(one))
        if answer.weights is not None and answer.multipliers is not None:
            here = answer.multipliers.lift()
            out.put(np.array([i]), Points(answer.weights[None], here, np.ones(1, dtype=bool)))
    return out


def priced(program: Program, price: np.ndarray, share: np.ndarray | float = 0.5) -> Program:
    """Charge for turnover: ``share`` of each account's price on buys, the rest on sells (the cash trades free)."""
    risky = np.ones(program.current.shape[-1])
    risky[program.cash] = 0.0
    tilt = (price * (np.asarray(share) - 0.5))[..., None]
    return replace(program, cost=program.cost + 0.5 * price[..., None] * risky, force=program.force - tilt * risky)


def best_within(bench: Bench, side: np.ndarray, near: Points, at: np.ndarray | None = None) -> Points:
    """Return the points of highest utility with these sides."""
    points = solve_within(bench, restrict(bench.tickets, side, at), near)
    return replace(points, weights=with_cash(bench.tickets, points.weights))


def leanest_within(
    bench: Bench, side: np.ndarray, near: Points, level: np.ndarray, at: np.ndarray | None = None
) -> Points:
    """Return points of little turnover with these sides and utility at the level; of highest utility if below it."""
    top = best_within(bench, side, near, at)
    program = restrict(bench.tickets, side, at)
    rich = top.found & (judge(bench.tickets, top.weights).utility > level + 1e-12)
    out = replace(top, weights=np.array(top.weights))
    live = np.flatnonzero(rich)
    if not len(live):
        return out
    some, start = bench.pick(live), top.pick(live)
    lean = _search_price(some, program.pick(live), start, level[live], np.full(len(live), 0.5))
    more = _lopsided(some.tickets, lean)
    # Where buys and sells count alike there is no side to favour.
    tilted = np.flatnonzero(np.abs(more) > 1e-4)
    if len(tilted):
        few, share = some.pick(tilted), np.where(more[tilted] > 0, 1.0, 0.0)
        other = _search_price(few, program.pick(live[tilted]), start.pick(tilted), level[live[tilted]], share)
        less = judge(few.tickets, other).turnover < judge(few.tickets, lean[tilted]).turnover
        lean[tilted] = np.where(less[:, None], other, lean[tilted])
    out.weights[live] = lean
    return out


def _lopsided(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return by how much buys are above sells, the flows of money apart."""
    z = weights - tickets.program.current
    z[:, tickets.program.cash] = 0.0
    return (np.maximum(z, 0).sum(-1) - tickets.inflow) - (np.maximum(-z, 0).sum(-1) - tickets.outflow)


def _search_price(bench: Bench, program: Program, start: Points, level: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Raise the price of turnover until utility falls to the level, then go between the last two points."""
    tickets, m = bench.tickets, len(level)
    inside, outside, beyond = np.array(start.weights), np.array(start.weights), np.zeros(m, dtype=bool)
    before = judge(tickets, inside)
    room = before.utility - level
    low, high = np.zeros(m), np.full(m, np.inf)
    price = 2.0 * room / np.maximum(before.turnover, 1e-6)
    near, live = start.pick(np.arange(m)), np.arange(m)
    for _ in range(_PRICES):
        some = bench if len(live) == m else bench.pick(live)
        mine = program if len(live) == m else program.pick(live)
        found = solve_within(some, priced(mine, price[live], share[live]), near.pick(live))
        if not found.found.all():
            live, some, found = live[found.found], some.pick(found.found), found.pick(found.found)
            if not len(live):
                break
        near.put(live, found)
        here = with_cash(some.tickets, found.weights)
        lost = before.utility[live] - judge(some.tickets, here).utility
        fits = lost <= room[live]
        inside[live[fits]], low[live[fits]] = here[fits], price[live[fits]]
        outside[live[~fits]], high[live[~fits]], beyond[live[~fits]] = here[~fits], price[live[~fits]], True
        price[live] = next_price(price[live], lost, room[live], low[live], high[live])
        # Close enough: the line search does the rest.
        live = live[~(beyond[live] & (np.abs(lost - room[live]) < 0.02 * room[live]))]
        if not len(live):
            break
    return np.where(beyond[:, None], between(tickets, inside, outside, level), inside)


def next_price(price: np.ndarray, lost: np.ndarray, room: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the next price to try: what a price loses grows with its square until bounds bind."""
    positive = lost > 0
    ratio = np.sqrt(np.where(positive, room / np.where(positive, lost, 1.0), 1.0))
    guess = np.where(positive, price * ratio * np.where(lost <= room, 1.02, 0.98), 4.0 * price)
    middle = np.where(np.isinf(high), 4.0 * price, 0.5 * (low + high))
    return np.where((low < guess) & (guess < high), np.minimum(guess, 8.0 * price), middle)


def between(tickets: Tickets, inside: np.ndarray, outside: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the farthest points towards ``outside`` still at the level and in the limits; both are convex."""
    low, high = np.zeros(len(inside)), np.ones(len(inside))
    for k in range(_HALVINGS):
        middle = 0.5 * (low + high) if k else high
        verdict = judge(tickets, inside + middle[:, None] * (outside - inside))
        fine = (verdict.utility >= level) & (verdict.excess <= 0.0)
        low, high = np.where(fine, middle, low), np.where(fine, high, middle)
    return with_cash(tickets, inside + low[:, None] * (outside - inside))


def sides(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return which way each asset trades at these weights."""
    side = np.sign(weights - tickets.program.current).astype(int)
    side[..., tickets.program.cash] = 0
    return side


def reach(bench: Bench, given_up: Each) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return lowest and highest weight at a level of utility, who must trade, and the largest trade of each."""
    program, radius = bench.tickets.program, bench.radius(given_up)
    lo, hi = np.maximum(program.lo, bench.ideal - radius), np.minimum(program.hi, bench.ideal + radius)
    now = program.current
    must = bench.tickets.movable & ((now < lo - 1e-12) | (now > hi + 1e-12))
    return lo, hi, must, np.maximum(np.maximum(hi - now, now - lo), 0.0)
