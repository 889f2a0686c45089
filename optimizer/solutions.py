"""The ideal weights of an account, with the price of every limit and the proof; or why there are none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from ..constraints import terms
from ..models.accounts import Account
from ..models.tilts import Tilt
from .answers import Attempt, Multipliers
from .certificates import NO_CERTIFICATE, Certificate, gradient, kinks
from .destinations import arrive
from .problems import Case, Problem
from .programs import Program
from .tactical import place


class Outcome(Enum):
    """How an account ended; every account of a run ends in exactly one."""

    OPTIMAL = "the best weights the policy allows, proved"
    RELAXED = "the best weights after limits gave way in the policy's order"
    HELD = "nothing to do"
    UNSOLVED = "something to do, but no answer that may be released; nothing is traded"
    QUARANTINED = "its input cannot be used; nothing is traded"


_AT = 1e-9
"""A weight this near to a bound is on it: refined answers are to rounding, those beside a custom limit to the gate."""


@dataclass(frozen=True)
class Price:
    """What a binding limit costs: utility a year, decimal of NAV, per unit of the limit."""

    limit: str
    on: str
    price: float


@dataclass(frozen=True, eq=False)
class Solution:
    """Where an account should stand if trading were free of lots and tickets.

    Parameters
    ----------
    problem, case
        What was asked.
    outcome
        OPTIMAL or UNSOLVED.
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
        The sentence where UNSOLVED.
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
    goal: np.ndarray | None = None
    within: Program | None = None
    within_prices: Multipliers | None = None
    told: tuple[str, ...] = ()

    @property
    def stop(self) -> np.ndarray:
        """Where to stand before trades are made few and whole."""
        return self.ideal if self.goal is None else self.goal


def solve(problem: Problem, account: Account, belief: Tilt) -> Solution:
    """Find the ideal weights of one account, and how far towards them the policy's destination goes.

    Raises
    ------
    AccountError
        The account's own data cannot be used.
    """
    case = place(problem, account, belief)
    program = case.program
    if words := _without_target(case, problem) or impossible(case):
        return Solution(problem, case, Outcome.UNSOLVED, program.current, NO_CERTIFICATE, reason=words)
    gone = arrive(problem, case)
    found = gone.found
    if found.weights is None or found.multipliers is None:
        words = (
            "no weights satisfy all its limits at once"
            if found.infeasible
            else "no engine gave an answer that passed the check"
        )
        said = "; ".join(f"{a.engine}: {a.refused if a.status == 'optimal' else a.status}" for a in found.attempts)
        return Solution(
            problem,
            case,
            Outcome.UNSOLVED,
            program.current,
            found.certificate,
            None,
            (),
            found.attempts,
            f"{words} ({said})",
        )
    prices = price_limits(gone.asked, case.context.market.universe.assets, found.weights, found.multipliers)
    solved = Solution(
        problem, replace(case, program=gone.program), Outcome.OPTIMAL, found.weights, found.certificate,
        found.multipliers, prices, found.attempts, told=(gone.note,) if gone.note else (),
    )  # fmt: skip
    if gone.within is None:
        return solved
    return replace(solved, goal=gone.goal, within=gone.within, within_prices=gone.prices)


def _without_target(case: Case, problem: Problem) -> str:
    """Say that bands have nothing to be measured from, where new weights would have to be inside them."""
    tactical = case.context.tactical
    if tactical is None or np.isfinite(tactical).all():
        return ""
    needed = problem.policy.rebalance.destination == "edge" or any(band.binds for band in problem.policy.bands)
    words = "there is no tactical target to measure its bands from: no weights satisfy the limits that its model shares"
    return words if needed else ""


def impossible(case: Case) -> str:
    """Say in words what arithmetic alone rules out, or nothing: crossed bounds, sums of bounds, trading too little."""
    program, universe = case.program, case.context.market.universe
    crossed = program.lo - program.hi
    if crossed.max() > 0:
        i = int(np.argmax(crossed))
        low, high = owner(program, i, upper=False), owner(program, i, upper=True)
        least, most = _apart(program.lo[i], program.hi[i])
        return f"{universe.assets[i]}: {low} asks for at least {least} and {high} for at most {most}"
    if program.lo.sum() > 1 + 1e-12:
        return f"the smallest weights its limits allow sum to {100 * program.lo.sum():.6g}%, above 100%"
    if program.hi.sum() < 1 - 1e-12:
        return f"the largest weights its limits allow sum to {100 * program.hi.sum():.6g}%, below 100%"
    return _too_little_trading(case)


def _too_little_trading(case: Case) -> str:
    """Say which cap on trading is below what it takes to come inside the bounds of single weights."""
    program = case.program
    buys = np.maximum(program.lo - program.current, 0.0)
    sells = np.maximum(program.current - program.hi, 0.0)
    names = [(name, term) for name, term in program.named if isinstance(term, terms.Trades)]
    for t, (name, term) in enumerate(names):
        if program.from_zero[t] or program.row[t].any():
            continue
        needed = float(program.buy[t] @ buys + program.sell[t] @ sells)
        if needed > program.most[t] + 1e-12:
            i = int(np.argmax(program.buy[t] * buys + program.sell[t] * sells))
            inside = owner(program, i, upper=bool(sells[i] > 0))
            most, least = _apart(float(term.most), needed - float(term.base))
            asset = case.context.market.universe.assets[i]
            return f"{name} allows {most}, and coming inside {inside} (of {asset} most of all) takes {least}"
    return ""


def _apart(first: float, second: float) -> tuple[str, str]:
    """Write two percents with as many digits as it takes to tell them apart."""
    pairs = [(f"{100 * first:.{digits}g}%", f"{100 * second:.{digits}g}%") for digits in range(4, 17)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])


def owner(program: Program, asset: int, *, upper: bool) -> str:
    """Name the limit whose box is the tightest on one side of one asset, the first in policy order if several are."""
    ends = [
        (float(np.broadcast_to(t.hi if upper else t.lo, program.current.shape)[asset]), name)
        for name, t in program.named
        if isinstance(t, terms.Box)
    ]
    tightest = (min if upper else max)(end for end, _ in ends)
    return next(name for end, name in ends if end == tightest)


def price_limits(
    program: Program, assets: tuple[str, ...], weights: np.ndarray, multipliers: Multipliers
) -> tuple[Price, ...]:
    """Read the multipliers by limit: what one more unit of each binding limit would add to utility a year."""
    prices: list[Price] = []
    least = 1e-9 * program.scale
    slope, kink = gradient(program, weights, multipliers), kinks(program, multipliers.trades)
    curve = 1.5 * kink.power * np.sqrt(np.abs(weights - program.current))
    z = weights - program.current
    push_up = -(
        slope + np.where(z >= 0, kink.buy + curve, -kink.sell - curve) + np.where(weights >= 0, kink.long, -kink.short)
    )
    push_down = (
        slope + np.where(z > 0, kink.buy + curve, -kink.sell - curve) + np.where(weights > 0, kink.long, -kink.short)
    )
    for i, asset in enumerate(assets):
        if weights[i] >= program.hi[i] - _AT and push_up[i] > least:
            prices.append(Price(owner(program, i, upper=True), asset, float(push_up[i])))
        elif weights[i] <= program.lo[i] + _AT and push_down[i] > least:
            prices.append(Price(owner(program, i, upper=False), asset, float(push_down[i])))
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
