"""The ideal weights of an account, with the price of every limit and the proof; or why there are none."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..constraints import terms
from ..models.accounts import Account
from ..models.tilts import Tilt
from ..units import FrozenMap, basis_points
from .answers import Attempt, Multipliers
from .arithmetics import impossible, owner
from .certificates import NO_CERTIFICATE, Certificate, press
from .conflicts import find_conflict
from .destinations import arrive
from .mandates import read_mandate
from .problems import Case, Problem
from .programs import Program, build
from .relaxations import Relaxed, read_relaxed, relax
from .sentences import say_conflict, say_relaxed
from .tables import tabulate_ranges, tabulate_weights
from .tactical import place
from .tickets import read_tickets

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Outcome(Enum):
    """How an account ended; every account of a run ends in exactly one."""

    OPTIMAL = "the best weights the policy allows, proved"
    RELAXED = "the best weights after limits gave way in the policy's order"
    HELD = "nothing to do"
    UNSOLVED = "something to do, but no answer that may be released; nothing is traded"
    QUARANTINED = "its input cannot be used; nothing is traded"


@dataclass(frozen=True)
class Price:
    """What a binding limit costs: utility a year, decimal of NAV, per unit of the limit."""

    limit: str
    on: str
    price: float

    def __str__(self) -> str:
        """Say what one percentage point more of it would add."""
        worth = basis_points(self.price * 0.01, 2)
        return f"binding: {self.limit}{f' on {self.on}' if self.on else ''}, worth {worth} a year per 1%"


@dataclass(frozen=True, eq=False)
class Solution:
    """Where an account should stand if trading were free of lots and tickets.

    Parameters
    ----------
    problem, case
        What was asked; where RELAXED the case's program has the bounds that gave way.
    outcome
        OPTIMAL, RELAXED or UNSOLVED.
    ideal
        Weights, shape (n,); the current ones where UNSOLVED.
    certificate
        The proof; it certifies ``ideal``.
    multipliers
        The price of every constraint of the program at ``ideal``; None where UNSOLVED.
    prices
        One a binding limit.
    attempts
        Every engine that was asked, and why its answer was refused.
    reason
        The sentence where RELAXED or UNSOLVED.
    conflict
        Which limits cannot hold together and what would end it; nothing where none is proved.
    relaxed
        Where RELAXED: every bound of the mandate as written that ``ideal`` exceeds.
    violations
        The violation of each limit that gave way: its largest excess over ``max(|bound|, 0.01)``.
    goal
        Where to stand before trades are made few and whole: the ideal, or as far towards it as the policy's destination
        goes; None where it is the ideal.
    within, within_prices
        The program, and the multipliers at the goal, in which the fewest trades are sought; None where they are those
        of the ideal.
    told
        What a person should know of how far it goes.
    """

    problem: Problem
    case: Case
    outcome: Outcome
    ideal: np.ndarray
    certificate: Certificate
    multipliers: Multipliers | None = None
    prices: tuple[Price, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    reason: str = ""
    conflict: str = ""
    relaxed: tuple[Relaxed, ...] = ()
    violations: Mapping[str, float] = field(default_factory=FrozenMap)
    goal: np.ndarray | None = None
    within: Program | None = None
    within_prices: Multipliers | None = None
    told: tuple[str, ...] = ()

    @property
    def stop(self) -> np.ndarray:
        """Where to stand before trades are made few and whole."""
        return self.ideal if self.goal is None else self.goal

    def to_frame(self) -> pd.DataFrame:
        """Return a row an asset: current, strategic, ideal, low, high, share of each view; decimals of NAV."""
        return tabulate_weights(self.case, self.ideal)

    def plot(self) -> Figure:
        """Draw where the account stands and should, over what its limits leave of each weight."""
        from .plots import draw_weights_over

        ranges = tabulate_ranges(self.problem.policy, self.case)
        return draw_weights_over(self.to_frame(), ranges, f"Account {self.case.account.id}: {self.outcome.value}")

    def __str__(self) -> str:
        """Say how it ended, what binds and what is proved, in a few lines."""
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>" + self.to_frame().to_html(float_format="{:.2%}".format)


def solve(problem: Problem, account: Account, belief: Tilt) -> Solution:
    """Find the ideal weights of one account, and how far towards them the policy's destination goes.

    Where its limits cannot all hold, those with a tier give way.

    Raises
    ------
    AccountError
        The account's own data cannot be used.
    """
    case = place(problem, account, belief)
    program = case.program
    if words := _without_target(case, problem):
        return Solution(problem, case, Outcome.UNSOLVED, program.current, NO_CERTIFICATE, reason=words)
    if words := impossible(case):
        return _unmet(problem, case, words, NO_CERTIFICATE, ())
    gone = arrive(problem, case)
    found = gone.found
    if found.weights is None or found.multipliers is None:
        return _unmet(problem, case, "", found.certificate, found.attempts)
    prices = price_limits(gone.asked, case.context.market.universe.assets, found.weights, found.multipliers)
    solved = Solution(
        problem, replace(case, program=gone.program), Outcome.OPTIMAL, found.weights, found.certificate,
        found.multipliers, prices, found.attempts, told=(gone.note,) if gone.note else (),
    )  # fmt: skip
    if gone.within is None:
        return solved
    return replace(solved, goal=gone.goal, within=gone.within, within_prices=gone.prices)


def unslowed(solution: Solution) -> Solution | None:
    """Return where the account would stand at a full pace; None where nothing slows it, or there is no such answer."""
    problem, case = solution.problem, solution.case
    if case.context.pace is None:
        return None
    free = _at_full_pace(problem, case)
    if impossible(free):
        return None
    found = arrive(problem, free).found
    if found.weights is None or found.multipliers is None:
        return None
    return Solution(
        problem, free, Outcome.OPTIMAL, found.weights, found.certificate, found.multipliers, attempts=found.attempts
    )


def _lines(solution: Solution) -> Iterator[str]:
    account, said = solution.case.account, solution.reason or solution.outcome.value
    yield f"account {account.id} ({account.model}): {solution.outcome.name}, {said}"
    for price in solution.prices:
        yield str(price)
    yield str(solution.certificate)
    yield from solution.told


def _at_full_pace(problem: Problem, case: Case) -> Case:
    """Return the case without the box of its phase and pace."""
    context = replace(case.context, pace=None)
    program = build(context, problem.policy.terms(context), case.belief, case.aversion, case.horizon)
    return replace(case, context=context, program=program)


def _without_target(case: Case, problem: Problem) -> str:
    """Say that bands have nothing to be measured from, where new weights would have to be inside them."""
    tactical = case.context.tactical
    if tactical is None or np.isfinite(tactical).all():
        return ""
    needed = problem.policy.rebalance.destination == "edge" or any(band.binds for band in problem.policy.bands)
    words = "there is no tactical target to measure its bands from: no weights satisfy the limits that its model shares"
    return words if needed else ""


def _unmet(
    problem: Problem, case: Case, words: str, certificate: Certificate, attempts: tuple[Attempt, ...]
) -> Solution:
    """Say which limits conflict, and let those with a tier give way; without a proved conflict nothing gives way."""
    mandate, conflict = read_mandate(problem, case), None
    if case.context.pace is not None:  # a pace gives way to anything: it is named where nothing else is in conflict
        free = _at_full_pace(problem, case)
        conflict = find_conflict(read_mandate(problem, free))
        words = words if conflict is None else impossible(free)
    conflict = conflict or find_conflict(mandate)
    if conflict is not None:
        words = say_conflict(conflict, case, words, whole=read_tickets(problem, case).whole)
        repair = relax(problem, case, mandate)
        weights, prices = (None, None) if repair is None else (repair.released.weights, repair.released.multipliers)
        if repair is not None and weights is not None and prices is not None:
            found, moved = repair.released, repair.case
            assets, given = case.context.market.universe.assets, read_relaxed(problem, case, weights)
            return Solution(
                problem, moved, Outcome.RELAXED, weights, found.certificate, prices,
                price_limits(moved.program, assets, weights, prices), found.attempts,
                f"{say_relaxed(mandate, given)}: {words}", words, given,
                FrozenMap(repair.violations),
            )  # fmt: skip
    reason = words or _why_none(attempts)
    return Solution(
        problem, case, Outcome.UNSOLVED, case.program.current, certificate, None, (), attempts, reason, words
    )


def _why_none(attempts: tuple[Attempt, ...]) -> str:
    """Say what the engines said where no conflict is proved."""
    said = "; ".join(f"{a.engine}: {a.refused if a.status == 'optimal' else a.status}" for a in attempts)
    if attempts[-1].status == "infeasible":
        return f"an engine says that no weights satisfy all its limits at once, which could not be proved ({said})"
    return f"no engine gave an answer that passed the check ({said})"


def price_limits(
    program: Program, assets: tuple[str, ...], weights: np.ndarray, multipliers: Multipliers
) -> tuple[Price, ...]:
    """Read the multipliers by limit: what one more unit of each binding limit would add to utility a year."""
    prices: list[Price] = []
    least = 1e-9 * program.scale
    pressed = press(program, weights, multipliers)
    for i, asset in enumerate(assets):
        if pressed.above[i] > least:
            prices.append(Price(owner(program, i, upper=True), asset, float(pressed.above[i])))
        elif pressed.below[i] < -least:
            prices.append(Price(owner(program, i, upper=False), asset, float(-pressed.below[i])))
    at = {terms.Rows: 0, terms.Trades: 0, terms.RiskBall: 0}
    for name, term in program.named:
        if isinstance(term, terms.Rows):
            for label in term.labels or ("",) * len(term.matrix):
                prices.append(Price(name, label, float(abs(multipliers.rows[at[terms.Rows]]))))
                at[terms.Rows] += 1
        elif isinstance(term, (terms.Trades, terms.RiskBall)):
            values = multipliers.trades if isinstance(term, terms.Trades) else multipliers.balls
            prices.append(Price(name, "", float(values[at[type(term)]])))
            at[type(term)] += 1
    return tuple(p for p in prices if p.price > least)
