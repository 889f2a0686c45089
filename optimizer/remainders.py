"""What is left once it is settled who trades and which way: a convex program, solved warm from the ideal.

Turnover is priced into the program's own costs, and the price searched until utility stands at its level; the same
programs' certified lower bounds bound ``worth * trades + turnover`` from below (Lagrangian duality).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .answers import Multipliers
from .certificates import lower_bound, repair
from .engines import ask
from .problems import Problem
from .programs import Program
from .refinements import refine
from .tickets import FREE, Tickets, judge, restrict, with_cash

_PRICES = 4
"""How many prices of turnover are tried; the last step is a line search, so few are enough."""


@dataclass(frozen=True, eq=False)
class Bench:
    """Where every search starts: the ideal, its multipliers, and how far around it a level of utility reaches.

    Parameters
    ----------
    ideal, multipliers
        The continuous optimum.
    best
        Utility of the ideal, ticket fees apart.
    level
        Utility, fees taken off, that a target should have.
    shape
        Diagonal of the inverse of ``gamma Sigma`` without the cash, shape (n,); infinite where singular.
    """

    problem: Problem
    tickets: Tickets
    ideal: np.ndarray
    multipliers: Multipliers
    best: float
    level: float
    shape: np.ndarray

    def radius(self, given_up: float) -> np.ndarray:
        """Return how far each weight of any allowed point within ``given_up`` of the best can be from the ideal.

        The optimum over a convex set loses at least the quadratic: ``u* - u(w) >= gamma/2 (w - w*)' Sigma (w - w*)``.
        """
        return np.sqrt(2.0 * max(given_up, 0.0) * self.shape) + 1e-7


def set_up(problem: Problem, tickets: Tickets, ideal: np.ndarray, multipliers: Multipliers) -> Bench:
    """Prepare the search around an ideal and its multipliers."""
    program = tickets.program
    risky = np.delete(np.arange(len(ideal)), program.cash)
    shape = np.full(len(ideal), np.inf)
    block = program.gamma * program.risk.covariance[np.ix_(risky, risky)]
    values, vectors = np.linalg.eigh(block)
    if len(values) and values[0] > 1e-10 * values[-1]:
        shape[risky] = (vectors**2 / values).sum(axis=1)
    best = program.utility(ideal)
    return Bench(problem, tickets, ideal, multipliers, best, best - tickets.indifference, shape)


Point = tuple[np.ndarray, Multipliers]


def solve_within(bench: Bench, program: Program, near: Point | None = None) -> Point | None:
    """Solve a tightened program from a point near its answer, by refinement, else by the engines; or None."""
    if (program.lo > program.hi).any() or program.lo.sum() > 1 + 1e-12 or program.hi.sum() < 1 - 1e-12:
        return None
    found = refine(program, *(near or (bench.ideal, bench.multipliers)))
    if found is not None:
        # Refined means that the optimality conditions hold; what is kept in the end is checked on its quantities.
        return repair(program, found[0]), found[1]
    answer = ask(program, bench.problem.statement(program))
    if answer.weights is None or answer.multipliers is None:
        return None
    return answer.weights, answer.multipliers


def priced(program: Program, price: float, share: float = 0.5) -> Program:
    """Charge for turnover: ``share`` of the price on buys, the rest on sells (the cash trades free)."""
    risky = np.ones(len(program.current))
    risky[program.cash] = 0.0
    return replace(
        program, cost=program.cost + 0.5 * price * risky, force=program.force - price * (share - 0.5) * risky
    )


def best_within(
    bench: Bench, side: np.ndarray, at: np.ndarray | None = None, near: Point | None = None
) -> Point | None:
    """Return the point of highest utility with these sides, or None."""
    found = solve_within(bench, restrict(bench.tickets, side, at), near)
    return None if found is None else (with_cash(bench.tickets, found[0]), found[1])


def leanest_within(
    bench: Bench, side: np.ndarray, at: np.ndarray | None = None, level: float | None = None, near: Point | None = None
) -> np.ndarray | None:
    """Return a point of little turnover with these sides and utility at the level; of highest utility if below it."""
    tickets, level = bench.tickets, bench.level if level is None else level
    program = restrict(tickets, side, at)
    found = solve_within(bench, program, near)
    if found is None:
        return None
    top = with_cash(tickets, found[0])
    if judge(tickets, top[None]).utility[0] < level + 1e-12:
        return top
    best = _search_price(bench, program, found, level, 0.5)
    z = np.delete(best - tickets.program.current, tickets.program.cash)
    more = (np.maximum(z, 0).sum() - tickets.inflow) - (np.maximum(-z, 0).sum() - tickets.outflow)
    # Where buys and sells count alike there is no side to favour.
    if abs(more) > 1e-4:
        lean = _search_price(bench, program, found, level, 1.0 if more > 0 else 0.0)
        if judge(tickets, lean[None]).turnover[0] < judge(tickets, best[None]).turnover[0]:
            best = lean
    return best


def _search_price(bench: Bench, program: Program, start: Point, level: float, share: float) -> np.ndarray:
    """Raise the price of turnover until utility falls to the level, then go between the last two points."""
    tickets = bench.tickets
    inside, near = with_cash(tickets, start[0]), start
    outside, low, high = None, 0.0, np.inf
    before = judge(tickets, inside[None])
    room = float(before.utility[0]) - level
    price = 2.0 * room / max(float(before.turnover[0]), 1e-6)
    for _ in range(_PRICES):
        found = solve_within(bench, priced(program, price, share), near)
        if found is None:
            break
        near, here = found, with_cash(tickets, found[0])
        lost = float(before.utility[0] - judge(tickets, here[None]).utility[0])
        if lost <= room:
            inside, low = here, price
        else:
            outside, high = here, price
        price = next_price(price, lost, room, low, high)
    return inside if outside is None else between(tickets, inside, outside, level)


def next_price(price: float, lost: float, room: float, low: float, high: float) -> float:
    """Return the next price to try: what a price loses grows with its square until bounds bind."""
    guess = price * float(np.sqrt(room / lost)) * (1.02 if lost <= room else 0.98) if lost > 0 else 4.0 * price
    if low < guess < high:
        return min(guess, 8.0 * price)
    return 4.0 * price if np.isinf(high) else 0.5 * (low + high)


def between(tickets: Tickets, inside: np.ndarray, outside: np.ndarray, level: float) -> np.ndarray:
    """Return the farthest point towards ``outside`` still at the level and in the limits; both are convex."""
    low, high = 0.0, 1.0
    for _ in range(6):
        steps = np.linspace(low, high, 17)
        points = inside + steps[:, None] * (outside - inside)
        verdict = judge(tickets, points)
        ok = (verdict.utility >= level) & (verdict.excess <= 0.0)
        last = int(np.flatnonzero(ok)[-1]) if ok.any() else 0
        low, high = float(steps[last]), float(steps[min(last + 1, 16)])
    return with_cash(tickets, inside + low * (outside - inside))


def bound_and_paths(bench: Bench, level: float) -> tuple[float, list[np.ndarray]]:
    """Return a bound of ``worth * trades + turnover`` at this level, and the sparse points met on the way.

    A trade is counted as ``|z| / largest possible |z|``, or as one where the asset cannot stay; any multipliers prove a
    bound, the best of a few prices is kept.
    """
    tickets, program = bench.tickets, bench.tickets.program
    _, _, must, largest = reach(bench, bench.best - level)
    flows = 0.5 * (tickets.inflow + tickets.outflow)
    forced = int(must.sum())
    rate = np.where(tickets.movable & ~must & (largest > 0), 1.0 / np.where(largest > 0, largest, np.inf), 0.0)
    best, paths = tickets.worth * forced, []
    z = np.delete(bench.ideal - program.current, program.cash)
    room, low, high, near = max(bench.best - level, 1e-9), 0.0, np.inf, None
    price = 2.0 * room / max(0.5 * float(np.abs(z).sum()) + tickets.worth * len(z), 1e-6)
    for _ in range(_PRICES):
        charged = priced(program, price)
        charged = replace(charged, cost=charged.cost + (price * tickets.worth + tickets.yearly) * rate)
        near = solve_within(bench, charged, near)
        if near is None:
            break
        least = lower_bound(charged, *near) + level + tickets.yearly * forced
        best = max(best, least / price - flows + tickets.worth * forced)
        paths.append(with_cash(tickets, near[0]))
        lost = bench.best - program.utility(near[0])
        low, high = (price, high) if lost <= room else (low, price)
        price = next_price(price, lost, room, low, high)
    return best, paths


def reach(bench: Bench, given_up: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return lowest and highest weight at a level of utility, who must trade, and the largest trade of each."""
    program, radius = bench.tickets.program, bench.radius(given_up)
    lo, hi = np.maximum(program.lo, bench.ideal - radius), np.minimum(program.hi, bench.ideal + radius)
    now = program.current
    must = bench.tickets.movable & ((now < lo - 1e-12) | (now > hi + 1e-12))
    return lo, hi, must, np.maximum(np.maximum(hi - now, now - lo), 0.0)


def sides(tickets: Tickets, weights: np.ndarray) -> np.ndarray:
    """Return which way each asset trades at these weights."""
    side = np.sign(weights - tickets.program.current).astype(int)
    side[tickets.program.cash] = 0
    return side


def free_sides(kept: np.ndarray) -> np.ndarray:
    """Return sides where the kept assets may go either way."""
    return np.where(kept, FREE, 0)
