"""Many accounts decided at once: :func:`trimtab.optimizer.rebalancing.decide` with an account axis."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from ..constraints.policies import Policy
from ..models.cohorts import Cohort
from ..models.tilts import Tilt
from .answers import Multipliers
from .arrivals import arrived, why_no_trade
from .clocks import Marks, mark
from .cures import Outside, say_overdue, watch
from .destinations import arrive_all
from .figures import read_figures
from .legs import Leg
from .orders import Orders, price_orders, turnover
from .phases import Progress, progress
from .phrases import followed, say_progress
from .problems import Cases, Problem
from .pulls import trade_reasons
from .rooms import BINDING
from .solutions import Outcome
from .tactical import place_all
from .targets import Targets, choose_targets, gaps, given_up
from .triggers import always_due, look, look_always


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is proposed for m accounts of one model; each ends alike, OPTIMAL or HELD.

    Parameters
    ----------
    outcome
        How they end.
    cases
        What was asked.
    ideal, target
        Weights, shape (m, n).
    orders
        The trades of all of them.
    reasons
        The sentence of each.
    turnover, cost, tracking_error, expected_gain, utility, gap, certified_te, given_up
        As in a proposal, shape (m,).
    trade_gap
        As in a proposal for a sample of accounts, chosen by their id; not a number for the others: the bound costs as
        much as the trades.
    marks
        Tactical positions after the trades; None without a time limit.
    outside
        Breaches after the trades; None without a grandfathered limit.
    progress
        Schedules after the trades; None without phases.
    """

    outcome: Outcome
    cases: Cases
    ideal: np.ndarray
    target: np.ndarray
    orders: Orders
    reasons: tuple[str, ...]
    turnover: np.ndarray
    cost: np.ndarray
    tracking_error: np.ndarray
    expected_gain: np.ndarray
    utility: np.ndarray
    gap: np.ndarray
    certified_te: np.ndarray
    given_up: np.ndarray
    trade_gap: np.ndarray
    marks: Marks | None
    outside: Outside | None
    progress: Progress | None


SAMPLED = 64
"""One account in so many is told how far its trades are above the fewest there could be."""


def decide_all(
    problem: Problem, cohort: Cohort, belief: Tilt, on: dt.date, legs: Mapping[float, Leg] | None = None
) -> tuple[list[tuple[Decisions, np.ndarray]], float]:
    """Decide the accounts of one model that can be treated alike.

    With leg 1 of the model by aversion (:func:`.legs.trace_model`) each trade is told by its largest part and what held
    it; without, by what alone would pull it most.

    Returns
    -------
    list, float
        Decisions, each with the positions in the cohort of the accounts they are of: of those that are held without a
        solve, and of those that were solved; and the seconds inside engines. Every other account has to be asked alone:
        its numbers are out of the ordinary, it has no releasable answer at the first asking, or its trades need the
        integer program.
    """
    cases, kept = place_all(problem, cohort, belief)
    found: list[tuple[Decisions, np.ndarray]] = []
    if len(kept):
        seen = look_always(problem, cases) if always_due(problem) else look(problem, cases, on)
        still, moves = np.flatnonzero(~seen.due), np.flatnonzero(seen.due)
        if len(still):
            found.append(
                (hold_all(problem.policy, cases.pick(still), tuple(seen.words[i] for i in still)), kept[still])
            )
            cases, kept = cases.pick(moves), kept[moves]
    if not len(kept):
        return found, 0.0
    decisions, solved, seconds = solve_all(problem, cases, legs)
    return ([*found, (decisions, kept[solved])] if len(solved) else found), seconds


def hold_all(policy: Policy, cases: Cases, reasons: tuple[str, ...]) -> Decisions:
    """Propose nothing for many accounts, and say where they stand."""
    current, none, m = cases.program.current, np.zeros(len(cases)), len(cases)
    figures, unproved = read_figures(cases, current, none), np.full(m, np.inf)
    orders = price_orders(cases, current, np.zeros(current.shape[-1]))
    words = say_overdue(policy, cases.context, reasons)
    return Decisions(
        Outcome.HELD, cases, current, current, orders, words, none, none, figures.tracking_error,
        figures.expected_gain, figures.utility, unproved, unproved, none, np.full(m, np.nan),
        mark(policy, cases, current), watch(policy, cases, current),
        progress(cases.plan, current, current, acted=False),
    )  # fmt: skip


def solve_all(
    problem: Problem, cases: Cases, legs: Mapping[float, Leg] | None = None
) -> tuple[Decisions, np.ndarray, float]:
    """Solve many accounts; return the decisions, the positions of those they are of, and the seconds inside engines."""
    gone = arrive_all(problem, cases)
    passed = np.flatnonzero(gone.released)
    gone = gone.pick(passed)
    sought = gone.cases if gone.within is None else replace(gone.cases, program=gone.within)
    prices = gone.multipliers if gone.prices is None else gone.prices
    target = choose_targets(problem, sought, gone.goal, prices)
    settled = np.flatnonzero(target.settled)
    trade_gap = _sample_gaps(problem, sought, gone.goal, prices, target)[settled]
    trade_gap[trade_gap > turnover(gone.cases, target.weights)[settled]] = np.nan  # such a bound says nothing
    gone = gone.pick(settled)
    cases, weights, lost = gone.cases, target.weights[settled], target.given_up[settled]
    if gone.within is not None:
        lost = given_up(cases, gone.goal, weights)
    lots = np.broadcast_to(target.lots, target.weights.shape)[settled]
    # At the edge the prices are those of coming back at the least cost, which no belief asked for.
    traced = None if problem.policy.rebalance.destination == "edge" else legs
    told = None if traced is None else trade_reasons(cases, gone.ideal, weights, gone.multipliers, traced)
    orders = price_orders(cases, weights, lots, told)
    count = np.bincount(orders.account, minlength=len(settled))
    figures = read_figures(cases, weights, count)
    costs = np.bincount(orders.account, orders.cost, len(settled)) + cases.context.market.costs.ticket_fee * count
    stays = (gone.goal == weights).all(-1)
    words = arrived(problem.policy.rebalance.destination)
    reasons = tuple(
        words if n else why_no_trade(float(given), stays=bool(still))
        for n, given, still in zip(count, lost, stays, strict=True)
    )
    after = progress(cases.plan, cases.program.current, weights, acted=True)
    if after is not None:
        assets = cases.context.market.universe.assets
        reasons = tuple(followed(said, say_progress(after, i, assets)) for i, said in enumerate(reasons))
    reasons = say_overdue(problem.policy, cases.context, reasons)
    decisions = Decisions(
        Outcome.OPTIMAL, cases, gone.ideal, weights, orders, reasons, turnover(cases, weights), costs,
        figures.tracking_error, figures.expected_gain, figures.utility, gone.gap, gone.certified_te, lost,
        trade_gap, mark(problem.policy, cases, weights), watch(problem.policy, cases, weights), after,
    )  # fmt: skip
    return decisions, passed[settled], gone.seconds


def _sample_gaps(
    problem: Problem, cases: Cases, ideal: np.ndarray, multipliers: Multipliers, target: Targets
) -> np.ndarray:
    chosen = [zlib.crc32(name.encode()) % SAMPLED == 0 for name in cases.cohort.ids]
    which = np.flatnonzero(np.array(chosen, dtype=bool) & target.settled)
    out = np.full(len(ideal), np.nan)
    if len(which):
        out[which] = gaps(problem, cases, ideal, multipliers, target, which)[1]
    return out


Bound = tuple[str, tuple[str, ...], list[int], list[int], list[float], list[float]]


def list_binding(decisions: Decisions) -> Iterator[Bound]:
    """Yield the bounds with nothing left, a term at a time in policy order.

    Each is the limit, the labels of its rows, and lists: the account, the row, the bound and what is used of it.
    """
    cases = decisions.cases
    universe, risk = cases.context.market.universe, cases.context.market.risk
    for name, term in cases.program.named:
        read = terms.sides(term, decisions.target, cases.program.current, risk, universe)
        at = np.nonzero(read.room < BINDING)
        bound, used = (np.broadcast_to(x, read.room.shape)[at].tolist() for x in (read.bound, read.used))
        yield name, read.labels, at[0].tolist(), at[1].tolist(), bound, used
