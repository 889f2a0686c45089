"""The fewest trades that reach the ideal within an indifference, in whole lots and real tickets.

::

    minimise  worth * trades + turnover    subject to every limit and  u(w) - fees >= u* - indifference

No convex program says "whole lots" or "at least 1,000 or nothing". The fast path drops trades, rounds and mends, and
proves a bound; the exact path is an integer program. Either answer is checked again on its final quantities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from ..units import percent
from .problems import Case
from .remainders import Bench, set_up, sides
from .solutions import Solution
from .targets import bound_gaps, find_targets, given_up, summarise
from .tickets import FEASIBLE, Tickets, allowed, judge, read_tickets


@dataclass(frozen=True, eq=False)
class Target:
    """Where an account is to stand after trading; ``reason`` says why nowhere, where no target meets the hard limits.

    Parameters
    ----------
    given_up
        ``u(ideal) - u(target)``, each after its own ticket fees: decimal of NAV a year.
    indifference
        What the target was allowed to give up: the policy's, or the least reachable one.
    lots
        The units each asset trades in, 0 where fractional; shape (n,).
    trades
        How many.
    bound, gap
        A number ``worth * trades + turnover`` of no allowed target is below, and how far above it this one is.
    """

    weights: np.ndarray
    lots: np.ndarray
    given_up: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str = ""
    indifference: float = 0.0
    trades: int = 0
    bound: float = 0.0
    gap: float = 0.0


def choose_target(solution: Solution) -> Target:
    """Return the target weights of a solution."""
    tickets = read_tickets(solution.problem, solution.case)
    if tickets.plain:
        return Target(solution.stop, tickets.units)
    bench = _bench(solution)
    if bench is None:
        return _nowhere(solution, "there is no ideal to trade towards")
    point, notes = _fast(bench), ()
    fine = bool(allowed(bench.tickets, point))
    bound = _bound(bench, point) if fine else 0.0
    if solution.problem.policy.trades.exact or not fine:
        found, bound, notes = _exact(bench, point if fine else None, bound, solution.problem.policy.trades.node_limit)
        if found is None or not allowed(bench.tickets, found):
            return _nowhere(solution, _why_nowhere(bench, solution.case, notes))
        point = found
    return _target(solution, bench, point, bound, notes)


def try_target(solution: Solution) -> Target | None:
    """Return the target weights that the fast path finds, or None."""
    bench = _bench(solution)
    if bench is None:
        return None
    point = _fast(bench)
    fine = bool(allowed(bench.tickets, point))
    return _target(solution, bench, point, _bound(bench, point), ()) if fine else None


def _bench(solution: Solution) -> Bench | None:
    """Set up the search around where a solution stops; None where it has no prices."""
    case = solution.case if solution.within is None else replace(solution.case, program=solution.within)
    prices = solution.multipliers if solution.within is None else solution.within_prices
    tickets = read_tickets(solution.problem, case)
    return None if prices is None else set_up(solution.problem, tickets, solution.stop, prices)


def _fast(bench: Bench) -> np.ndarray:
    """Do for one account what :mod:`.targets` does for many; the point may break a limit."""
    return find_targets(bench.lift())[0]


def _bound(bench: Bench, point: np.ndarray) -> float:
    return float(bound_gaps(bench.lift(), point[None])[0][0])


def _exact(
    bench: Bench, incumbent: np.ndarray | None, bound: float, nodes: int
) -> tuple[np.ndarray | None, float, tuple[str, ...]]:
    """Ask the integer program, starting from the fast answer; a gap that is left is said."""
    from .branchings import branch  # (scipy.sparse and highspy: only the exact path needs them)

    found = branch(bench, incumbent, nodes)
    if found.weights is None:
        return None, bound, () if found.proved else ("the search ended at its limit of work",)
    verdict = judge(bench.tickets, found.weights[None])
    value = float(bench.tickets.worth * verdict.count[0] + verdict.turnover[0])
    if found.reaching:
        bound = _bound(bench, found.weights)
    else:
        bound = max(bound, min(found.bound, value))
    if found.proved:
        return found.weights, value if not found.reaching else bound, ()
    if found.reaching:
        return (
            found.weights,
            bound,
            ("exact trades: stopped at the limit of work, a smaller loss of utility is not ruled out",),
        )
    gap = value - bound
    note = f"exact trades: stopped at the limit of work, within {percent(gap, 3)} of NAV of the least there is"
    return found.weights, bound, (note,) if gap > 1e-6 else ()


def _target(solution: Solution, bench: Bench, point: np.ndarray, bound: float, notes: tuple[str, ...]) -> Target:
    summary = summarise(bench.lift(), point[None])
    value, lost = float(summary.value[0]), float(summary.given_up[0])
    if solution.within is not None:
        lost = float(given_up(solution.case, solution.stop[None], point[None])[0])
    return Target(
        point,
        bench.tickets.units,
        lost,
        summary.notes[0] + notes,
        "",
        float(summary.indifference[0]),
        int(summary.trades[0]),
        min(bound, value),
        max(value - bound, 0.0),
    )


def _nowhere(solution: Solution, reason: str) -> Target:
    current = solution.case.program.current
    return Target(current, np.zeros_like(current), reason=reason)


def _why_nowhere(bench: Bench, case: Case, notes: tuple[str, ...]) -> str:
    """Name the rules without which there is a target, and the limits that the nearest one breaks."""
    tickets = bench.tickets
    broken = _broken(tickets, case, _fast(bench)) or _broken(tickets, case, tickets.program.current)
    blocked = [words for words, freed in _freed(tickets, case) if _possible(bench, freed)]
    proof = f" ({notes[0]}: not proved)" if notes else ""
    standing = " or ".join(blocked) or "whole lots, tickets and the trade count together"
    return f"no trades meet all its limits: {standing} cannot be had with {', '.join(broken) or 'the limits'}{proof}"


def _possible(bench: Bench, tickets: Tickets) -> bool:
    return bool(allowed(tickets, _fast(replace(bench, tickets=tickets))))


def _freed(tickets: Tickets, case: Case) -> list[tuple[str, Tickets]]:
    """List the rules of whole trades in force, in words, each with the tickets that do without it."""
    assets, out = case.context.market.universe.assets, []
    zeros = np.zeros_like(tickets.lot)
    if tickets.lot.any():
        largest = int(np.argmax(np.where(tickets.movable, tickets.lot, 0.0)))
        words = f"whole lots (one of {assets[largest]} is {percent(float(tickets.lot[largest]))})"
        out.append((words, replace(tickets, lot=zeros, units=zeros)))
    if tickets.least.any():
        words = f"the smallest ticket ({percent(float(tickets.least.max()))})"
        out.append((words, replace(tickets, least=zeros)))
    if tickets.most < len(tickets.lot):
        out.append((f"at most {tickets.most} trades", replace(tickets, most=len(tickets.lot))))
    if tickets.fee:
        out.append((f"ticket fees ({percent(tickets.fee, 3)} each)", replace(tickets, fee=0.0, yearly=0.0)))
    return out


def _broken(tickets: Tickets, case: Case, weights: np.ndarray) -> list[str]:
    """Name the limits these weights break, ticket fees counted against cash."""
    program, context, names = case.program, case.context, []
    trades = int(np.count_nonzero(sides(tickets, weights)))
    for name, term in program.named:
        fees = tickets.fee * trades if isinstance(term, terms.Trades) and term.at_least else 0.0
        for use in terms.use(term, weights, program.current, context.market.risk, context.market.universe):
            if use.room - fees < -FEASIBLE:
                names += [f"{name} on {use.on}" if use.on else name]
    return list(dict.fromkeys(names))
