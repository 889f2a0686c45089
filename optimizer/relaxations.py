"""Limits that give way in the policy's order, as little as they must: lexicographic repair of a mandate.

::

    v_1* = least sum of the violations of tier 1, whatever the higher tiers must give
    v_2* = least sum of those of tier 2, tier 1 at v_1* + 1e-8, whatever the tiers above must give
    ...
    then, in a tier of several limits, the least violation of the first, the second ... in policy order
    then the objective, every bound moved out by what was found and no further

So the highest tier gives way first and tier 0 not at all. The violation of a limit is its largest excess over
``max(|bound|, 0.01)``. What is released is an answer to the program with the moved bounds, through the same gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from .certificates import RESIDUAL
from .crowds import ask_one
from .elastics import Springs, least
from .engines import Released
from .mandates import Mandate, Part
from .problems import Case, Problem
from .programs import build
from .proofs import stretch

TIE = 1e-8
"""How much of a violation an earlier tier leaves to the later ones."""
_NOTHING = 1e-9
_SLACKS = (TIE, 1e-6, 1e-5, 1e-4, 1e-3)
"""What is added to each violation, the next where no answer passes the gate: at the least violation the weights allowed
are a face or a point, and the price of a ball that touches it has no bound."""


@dataclass(frozen=True)
class Relaxed:
    """A bound that gave way: the limit, which asset, class or group, the bound as written and what is used of it."""

    limit: str
    on: str
    bound: float
    used: float


@dataclass(frozen=True, eq=False)
class Repair:
    """The answer to a mandate some of whose limits gave way: the case with the moved bounds, and what was released."""

    case: Case
    violations: Mapping[str, float]
    released: Released


def relax(problem: Problem, case: Case, mandate: Mandate) -> Repair | None:
    """Let limits give way in the order of their tiers.

    None where the hard limits alone cannot be met, or no answer passed the gate.
    """
    violations = least_violations(mandate)
    if not violations:
        return None
    tries = [True, False] if any(mandate.part(name).boxed for name in violations) else [False]
    for slack in _SLACKS:
        for narrow in list(tries):
            moved = move(problem, case, mandate, {k: v + slack for k, v in violations.items()}, narrow=narrow)
            released = ask_one(problem, moved.program)
            if released.weights is not None:
                return Repair(moved, violations, released)
            if narrow and released.infeasible:
                tries.remove(narrow)
    return None


def least_violations(mandate: Mandate) -> dict[str, float]:
    """Return the violation of each limit that must give way; nothing where tier 0 alone cannot be met."""
    soft = [p for p in mandate.parts if p.tier > 0 and p.elastic]
    found: dict[str, float] = {}
    for tier in sorted({p.tier for p in soft}):
        own = [p for p in soft if p.tier == tier]
        later = [p for p in soft if p.tier > tier]
        values = _settle(mandate, own, later, found)
        if values is None:
            return {}
        found |= {name: value for name, value in values.items() if value > _NOTHING}
    return found


def _settle(
    mandate: Mandate, own: list[Part], later: list[Part], found: Mapping[str, float]
) -> dict[str, float] | None:
    """Return the violations of one tier: the least sum, then each in turn; ``found`` is what earlier tiers give."""
    known = [mandate.part(name) for name in found]
    columns = [*known, *own, *later]
    springs = stretch(mandate, mandate.names, {p.name: k for k, p in enumerate(columns)}, len(columns), boxes=True)
    if (springs.lo > springs.hi).any():
        return None
    caps, most = list(np.eye(len(columns))[: len(known)]), [found[p.name] for p in known]
    mine = np.isin(np.arange(len(columns)), np.arange(len(known), len(known) + len(own)))
    total = _least(mandate, springs, mine * 1.0, caps, most)
    if total is None:
        return None
    if total <= _NOTHING or len(own) == 1:
        return {p.name: total / len(own) if total > _NOTHING else 0.0 for p in own}
    caps.append(mine * 1.0)
    most.append(total)
    values: dict[str, float] = {}
    for k, part in enumerate(own[:-1]):
        one = np.eye(len(columns))[len(known) + k]
        value = _least(mandate, springs, one, caps, most)
        if value is None:
            return None
        values[part.name] = value
        caps.append(one)
        most.append(value)
    values[own[-1].name] = max(total - sum(values.values()), 0.0)
    # What the ties left open is not a limit giving way.
    return {name: value if value > 2 * TIE else 0.0 for name, value in values.items()}


def _least(mandate: Mandate, springs: Springs, cost: np.ndarray, caps: list, most: list) -> float | None:
    """Return the least of some violations where others are capped, at the first slack with which the engine ends."""
    rows, ends = np.array(caps).reshape(len(caps), len(cost)), np.array(most)
    for slack in _SLACKS:
        said = least(mandate.program, replace(springs, cost=cost, caps=rows, most=ends + slack))
        if said.solved:
            return max(float(cost @ said.violations), 0.0)
        if said.status == "infeasible" and not caps:
            break
    return None


def move(problem: Problem, case: Case, mandate: Mandate, violations: Mapping[str, float], *, narrow: bool) -> Case:
    """Return the case with the bounds of these limits moved out.

    ``narrow`` keeps a bound on a single weight where it is unless the account already stands beyond it, and then moves
    it no farther than there: what gives way for one asset is no licence for the others.
    """
    stretched: dict[str, Iterator[terms.Term]] = {}
    for name, violation in violations.items():
        part = mandate.part(name)
        wide = part.stretched(violation)
        stretched[name] = iter(_narrowed(part, wide, case.context.current) if narrow else wide)
    named = [
        (name, next(stretched[name]) if name in stretched else term)
        for name, term in problem.policy.terms(case.context)
    ]
    program = build(case.context, named, case.belief, case.aversion, case.horizon)
    return replace(case, program=program)


def _narrowed(part: Part, wide: tuple[terms.Term, ...], current: np.ndarray) -> tuple[terms.Term, ...]:
    return tuple(_nearer(old, new, current) for old, new in zip(part.terms, wide, strict=True))


def _nearer(old: terms.Term, new: terms.Term, current: np.ndarray) -> terms.Term:
    if not (isinstance(old, terms.Box) and isinstance(new, terms.Box)):
        return new
    lo, hi = np.minimum(old.lo, current), np.maximum(old.hi, current)
    return terms.Box(np.maximum(new.lo, lo), np.minimum(new.hi, hi))


def read_relaxed(problem: Problem, case: Case, weights: np.ndarray) -> tuple[Relaxed, ...]:
    """List the bounds of the mandate as written that these weights exceed; the worst where one is exceeded twice."""
    universe, risk = case.context.market.universe, case.context.market.risk
    worst: dict[tuple[str, str], tuple[float, Relaxed]] = {}
    for name, term in problem.policy.terms(case.context):
        for use in terms.use(term, weights, case.context.current, risk, universe):
            key = (name, use.on)
            if use.room < -RESIDUAL and use.room < worst.get(key, (0.0,))[0]:
                worst[key] = (use.room, Relaxed(name, use.on, use.bound, use.used))
    return tuple(entry for _, entry in worst.values())
