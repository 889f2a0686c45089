"""Many accounts decided at once: :func:`trimtab.optimizer.rebalancing.decide` with an account axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..constraints import terms
from ..models.cohorts import Cohort
from ..models.tilts import Tilt
from .clocks import Marks, mark
from .crowds import ask_all
from .orders import Orders, price_orders, turnover
from .problems import Cases, Problem, pose_all
from .proposals import read_figures, why_no_trade
from .rooms import BINDING
from .solutions import Outcome
from .targets import choose_targets


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is proposed for m accounts of one model; each ends OPTIMAL.

    Parameters
    ----------
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
    marks
        Tactical positions after the trades; None without a time limit.
    """

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
    marks: Marks | None


def decide_all(problem: Problem, cohort: Cohort, belief: Tilt) -> tuple[Decisions, np.ndarray, float]:
    """Decide the accounts of one model that can be treated alike.

    Returns
    -------
    Decisions, numpy.ndarray, float
        The decisions, the positions in the cohort of the accounts they are of, and the seconds inside engines. Every
        other account has to be asked alone: its numbers are out of the ordinary, it has no releasable answer at the
        first asking, or its trades need the integer program.
    """
    cases, kept = pose_all(problem, cohort, belief)
    crowd = ask_all(problem, cases.program)
    passed = np.flatnonzero(crowd.released)
    cases, kept = cases.pick(passed), kept[passed]
    ideal, multipliers = crowd.weights[passed], crowd.multipliers.pick(passed)
    gap, te, target = crowd.gap[passed], crowd.certified_te[passed], choose_targets(problem, cases, ideal, multipliers)
    settled = np.flatnonzero(target.settled)
    cases, kept, ideal, gap, te = cases.pick(settled), kept[settled], ideal[settled], gap[settled], te[settled]
    weights, given_up = target.weights[settled], target.given_up[settled]
    lots = np.broadcast_to(target.lots, target.weights.shape)[settled]
    orders = price_orders(cases, weights, lots)
    count = np.bincount(orders.account, minlength=len(kept))
    figures = read_figures(cases, weights, count)
    costs = np.bincount(orders.account, orders.cost, len(kept)) + cases.context.market.costs.ticket_fee * count
    stays = (ideal == weights).all(-1)
    reasons = tuple(
        Outcome.OPTIMAL.value if n else why_no_trade(float(given), stays=bool(still))
        for n, given, still in zip(count, given_up, stays, strict=True)
    )
    return (
        Decisions(
            cases, ideal, weights, orders, reasons, turnover(cases, weights), costs, figures.tracking_error,
            figures.expected_gain, figures.utility, gap, te, given_up, mark(problem.policy, cases, weights),
        ),
        kept,
        crowd.seconds,
    )  # fmt: skip


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
