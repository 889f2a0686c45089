"""Soft limits that give way once more, where only whole lots, tickets or the trade count stand in the way.

Bounds that convex weights just meet may leave no whole trades inside. Then, and in the policy's order as ever::

    the highest tier gives way as far as it must; if whatever it gives is not enough, the next as well, ...
    each by the least of  1/4, 1, 4 or any number  of lots or tickets beyond what it gave already, lower tiers first

What is said to be used is what the trades take, often less than what was opened. Hard limits stay where they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .destinations import around
from .mandates import FAR, Mandate, read_mandate
from .relaxations import TIE, move
from .solutions import Outcome, Solution
from .tickets import Tickets, read_tickets
from .trades import Target, choose_target, try_target

_STEPS = (0.25, 1.0, 4.0, np.inf)
"""What a limit gives more, in the largest lot or smallest ticket, the next where no trades fit."""


def choose(solution: Solution) -> tuple[Solution, Target]:
    """Choose the target; where none is within the limits soft ones give way, and the solution says so.

    Nothing gives way of an account that only comes to the edge of its bands.
    """
    tickets = read_tickets(solution.problem, solution.case)
    # Where limits gave way already there may be a single point inside, and no whole lots on it: not worth the search.
    relaxed = solution.outcome is Outcome.RELAXED and tickets.whole
    target = try_target(solution) if relaxed else choose_target(solution)
    if target is not None and not target.reason:
        return solution, target
    mandate = read_mandate(solution.problem, solution.case)
    tiers = sorted({part.tier for part in mandate.parts if part.tier > 0 and part.elastic})
    at_edge = solution.within is not None and solution.problem.policy.rebalance.destination == "edge"
    if not tiers or at_edge:
        return solution, target or choose_target(solution)
    given = _least(solution, mandate, tickets, tiers)
    if given is None:
        return _search(solution, mandate, tickets, tiers, target)
    conceded, found = given
    if solution.problem.policy.trades.exact:
        better = choose_target(conceded)
        found = found if better.reason else better
    return _told(conceded, solution, target), found


def _least(solution: Solution, mandate: Mandate, tickets: Tickets, tiers: list[int]) -> tuple[Solution, Target] | None:
    """Find how little the tiers have to give, the highest first; None where whatever they give is not enough."""
    more, found = dict.fromkeys(tiers, 0.0), None
    for tier in reversed(tiers):
        found = _raise(solution, mandate, tickets, more, tier)
        if found is not None:
            break
    opened = [tier for tier in tiers if more[tier]]
    for tier in opened[1:] if found is not None else ():  # those above gave whatever it takes, which may be too much
        found = _raise(solution, mandate, tickets, more, tier) or found
    return found


def _raise(
    solution: Solution, mandate: Mandate, tickets: Tickets, more: dict[int, float], tier: int
) -> tuple[Solution, Target] | None:
    """Let one tier give more and more until whole trades fit; ``more`` keeps what it gave."""
    for step in _STEPS:
        more[tier] = step
        found = _attempt(solution, mandate, tickets, more)
        if found is not None:
            return found
    return None


def _attempt(
    solution: Solution, mandate: Mandate, tickets: Tickets, more: dict[int, float]
) -> tuple[Solution, Target] | None:
    wider = _widened(solution, mandate, tickets, more)
    target = try_target(wider)
    return None if target is None else (wider, target)


def _widened(solution: Solution, mandate: Mandate, tickets: Tickets, more: dict[int, float]) -> Solution:
    """Return the solution with each tier's limits moved out by so many lots beyond what they gave."""
    coarse = max(float(tickets.lot.max()), float(tickets.least.max()), float(tickets.fee))
    further = {}
    for part in mandate.parts:
        if not part.elastic or not (lots := more.get(part.tier, 0.0)):
            continue
        size = coarse * float(solution.case.context.market.risk.volatilities.max()) if len(part.balls) else coarse
        unit = max(u for u in part.units if np.isfinite(u))
        further[part.name] = min(lots * size, FAR) / unit
    before = {name: violation + TIE for name, violation in solution.violations.items()}
    given = before | {name: before.get(name, TIE) + violation for name, violation in further.items()}
    case = move(solution.problem, solution.case, mandate, given, narrow=False)
    wider = replace(solution, case=case)
    if solution.goal is None or solution.within is None:
        return wider
    within, prices = around(case.program, solution.goal)
    return replace(wider, within=within, within_prices=prices)


def _search(
    solution: Solution, mandate: Mandate, tickets: Tickets, tiers: list[int], target: Target | None
) -> tuple[Solution, Target]:
    """Ask the integer program too, with every soft limit out of the way, before giving up."""
    wider = _widened(solution, mandate, tickets, dict.fromkeys(tiers, np.inf))
    found = choose_target(wider)
    if found.reason:
        return solution, target or found
    return _told(wider, solution, target), found


def _told(conceded: Solution, before: Solution, target: Target | None) -> Solution:
    """Say why limits gave way that convex weights could have met, or gave more than they had to."""
    why = "whole lots and tickets take more" if target is None else target.reason.partition(": ")[2] or target.reason
    words = f"{before.conflict}; {why}" if before.conflict else why
    return replace(conceded, outcome=Outcome.RELAXED, conflict=words)
