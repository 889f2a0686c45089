"""The two legs from strategic weights to an account's ideal, as paths whose parts are reasons.

Leg 1, once a model, an aversion and a belief: ``w(tau)`` maximises ``tau sum_q f_q'w - (1/2)(w - b)'H(w - b)`` under
the limits that every account of the model shares. Forces: each view's row of alpha; ``gamma' Sigma' s`` for a shift;
``(gamma Sigma - gamma' Sigma')(b + s)`` for tilts of risk and aversion. A ball that binds at the tactical target t is
folded in at its price, ``H = gamma' Sigma' + (lambda / most) Sigma``; where it is not around b (a volatility limit)
what the fold leaves over is a force of its own name. ``w(0)`` is b brought inside the limits, ``w(1) = t``.

Leg 2, an account: from t to its ideal p. Scaled from 0 to 1 are the costs and the prices at p of the caps on trading,
kinked where the account stands, and, for every limit of the account alone, minus its price times its gradient at p.
What an account's own, looser bound releases is scaled down likewise. Shared limits stay where they are: they stop a
path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import UnsolvedError
from ..models.tilts import Tilt
from .answers import Multipliers
from .crowds import ask_one
from .forces import (
    Pull,
    beliefs,
    loosest_rows,
    pulls_of_account,
    pulls_of_model,
    row_names,
    stack_prices,
    stack_rows,
)
from .paths import Course, Kink, Path, firm, follow, roots, slopes_at
from .problems import Problem
from .programs import Program
from .solutions import Solution, owner
from .tactical import pose_tactical

_PRICED = 1e-9
"""A price below this, in units of ``program.scale``, is rounding; as in :func:`.solutions.price_limits`."""
_INSIDE = 1e-12


@dataclass(frozen=True)
class Stop:
    """A bound or row that stopped a path.

    Parameters
    ----------
    limit, on
        Its name, and the asset or the row it is on.
    price
        Utility a year, decimal of NAV, that one more unit of it would add.
    since
        The share of the forces, 0 to 1, from which on it stopped the path; NaN where the path came the other way.
    """

    limit: str
    on: str
    price: float
    since: float


@dataclass(frozen=True, eq=False)
class Leg:
    """A leg that was followed: where it began and ended, what each part did on the way, what stopped it.

    Parameters
    ----------
    names
        Of the parts.
    parts
        Shape (q, n); they sum to ``end - start``.
    start, end
        Weights; of leg 1 ``w(0)`` and t, of leg 2 t and p.
    stops
        The dearest first.
    exceed
        How many times farther, in tracking error, the beliefs would lean without limits; 1 where no limit matters.
    program, prices
        The program whose answer is the end, and the prices of its constraints there.
    course, path
        The normalised statement of the path, and the path.
    gap
        How far the end is from the engine's certified answer: annual tracking error, in ``Sigma'``.
    """

    names: tuple[str, ...]
    parts: np.ndarray
    start: np.ndarray
    end: np.ndarray
    stops: tuple[Stop, ...]
    exceed: float
    program: Program
    prices: Multipliers
    course: Course
    path: Path
    gap: float


def trace_model(problem: Problem, model: str, aversion: float, belief: Tilt) -> Leg:
    """Trace leg 1: from a model's strategic weights to its tactical target at an aversion.

    One solve and one path; every account of the model with that aversion shares them.

    Raises
    ------
    UnsolvedError
        No weights satisfy the shared limits, or no answer passed the gate.
    """
    shared, program = pose_tactical(problem, model, aversion, belief)
    answer = ask_one(shared, program)
    target, prices, strategic, unit = answer.weights, answer.multipliers, program.current, float(program.scale)
    if target is None or prices is None:
        why = (
            "no weights satisfy the limits that its accounts share"
            if answer.infeasible
            else "no answer passed the check"
        )
        raise UnsolvedError(f"model {model} has no tactical target at aversion {aversion:g}: {why}")
    believed = beliefs(program, belief, aversion, strategic)
    folded, held = pulls_of_model(program, prices, strategic)
    names, forces, kinks = _parts([*believed, *held], len(strategic), unit)
    bare, none = firm(program.gamma * program.risk.covariance / unit), np.zeros(len(strategic))
    course = Course(bare + folded / unit, strategic, program.lo, program.hi, *stack_rows(program), none, forces, kinks)
    path, start = _either_way(course, strategic, target, stack_prices(program, prices) / unit)
    free = roots(bare, np.ones((1, len(strategic))))
    alone = free.T @ (free @ forces[: len(believed)].sum(axis=0))
    return Leg(
        names, path.parts, start, path.weights, _stops(shared, program, program, course, path),
        _times(program, alone, path.weights - start), program, prices, course, path,
        float(program.risk.volatility(path.weights - target)),
    )  # fmt: skip


def trace_account(solution: Solution, leg: Leg) -> Leg:
    """Trace leg 2: from the tactical target to an account's ideal.

    Parameters
    ----------
    solution
        OPTIMAL.
    leg
        Leg 1 of the account's model at its aversion and belief.

    Raises
    ------
    UnsolvedError
        There is no ideal to go to.
    """
    program, prices, model = solution.case.program, solution.multipliers, leg.program
    if prices is None:
        raise UnsolvedError(f"account {solution.case.account.id} has no ideal to explain: {solution.reason}")
    pulls = pulls_of_account(program, solution.ideal, prices, model, leg.prices)
    names, forces, kinks = _parts(pulls, len(leg.end), float(program.scale))
    rows, rows_lo, rows_hi = loosest_rows(program, model)
    course = Course(
        leg.course.hessian, leg.course.centre, np.minimum(program.lo, model.lo), np.maximum(program.hi, model.hi),
        rows, rows_lo, rows_hi, leg.course.start + leg.course.forces.sum(axis=0), forces, kinks,
    )  # fmt: skip
    course, released, first = _release(leg, course)
    path = follow(course, leg.end, first)
    return Leg(
        names + released, path.parts, leg.end, path.weights, _stops(solution.problem, program, model, course, path),
        leg.exceed, program, prices, course, path, float(program.risk.volatility(path.weights - solution.ideal)),
    )  # fmt: skip


def _parts(pulls: list[Pull], n: int, unit: float) -> tuple[tuple[str, ...], np.ndarray, tuple[Kink, ...]]:
    """Return pulls as the parts of a course, normalised."""
    bent = tuple(
        Kink(q, bend.at, *(bend.before / unit), *((bend.after - bend.before) / unit))
        for q, pull in enumerate(pulls)
        for bend in pull.bends
    )
    return tuple(p.name for p in pulls), np.array([p.force for p in pulls]).reshape(len(pulls), n) / unit, bent


def _either_way(
    course: Course, strategic: np.ndarray, target: np.ndarray, prices: np.ndarray
) -> tuple[Path, np.ndarray]:
    """Follow the path from b where b is allowed, else back from the target; return it as from w(0), and w(0)."""
    at = course.rows @ strategic
    outside = [course.lo - strategic, strategic - course.hi, course.rows_lo - at, at - course.rows_hi]
    if np.concatenate(outside).max() <= _INSIDE:
        return follow(course, strategic, np.zeros(len(course.rows))), strategic
    bends = tuple(
        Kink(k.part, k.at, k.up + k.up_rate, k.down + k.down_rate, -k.up_rate, -k.down_rate) for k in course.kinks
    )
    back = replace(course, start=course.forces.sum(axis=0), forces=-course.forces, kinks=bends)
    path, push = follow(back, target, prices), course.push(target, prices, 1.0)
    unknown, rows_unknown = np.full(len(target), np.nan), np.full(len(prices), np.nan)
    return Path(-path.parts, target, prices, push, unknown, rows_unknown, path.pieces), path.weights


def _release(leg: Leg, course: Course) -> tuple[Course, tuple[str, ...], np.ndarray]:
    """Turn what held the model at a bound that is looser for the account into forces that are let go.

    Returns
    -------
    Course, tuple, numpy.ndarray
        The course with these parts behind its own, their names, and the prices of the rows that stay.
    """
    names: list[str] = []
    forces: list[np.ndarray] = []
    prices, at, model = np.array(leg.path.prices), course.rows @ leg.end, leg.program
    room = np.where(prices > 0, course.rows_hi - at, at - course.rows_lo)
    for k in np.flatnonzero((np.abs(prices) > _PRICED) & (room > _PRICED)):
        names.append(f"released by {row_names(model)[k][0]}")
        forces.append(prices[k] * course.rows[k])
        prices[k] = 0.0
    start = course.start - sum(forces, np.zeros(len(leg.end)))
    slopes = slopes_at(course, leg.end, 0.0)
    push = replace(course, start=start).push(leg.end, prices, 0.0)
    held = push - np.clip(push, slopes.left, slopes.right)
    for i in np.flatnonzero(np.abs(held) > _PRICED):
        names.append(f"released by {owner(model, int(i), upper=bool(held[i] > 0))}")
        forces.append(held[i] * np.eye(len(held))[i])
        start = start - forces[-1]
    return replace(course, start=start, forces=np.vstack([course.forces, *forces])), tuple(names), prices


def _stops(problem: Problem, program: Program, model: Program, course: Course, path: Path) -> tuple[Stop, ...]:
    """Read what stopped a path at its end: the bounds and rows that hold a force there, the dearest first."""
    assets, unit, found = problem.market.universe.assets, float(program.scale), []
    resist = slopes_at(replace(course, lo=course.lo - 1.0, hi=course.hi + 1.0), path.weights, 1.0)
    held = path.push - np.clip(path.push, resist.left, resist.right)
    at = (path.weights <= course.lo + _PRICED) | (path.weights >= course.hi - _PRICED)
    for i in np.flatnonzero(at & (np.abs(held) > _PRICED)):
        name = owner(program, int(i), upper=bool(held[i] > 0))
        found.append(Stop(name, assets[i], float(abs(held[i]) * unit), float(path.since[i])))
    for (name, label), price, since in list(zip(row_names(model), path.prices, path.rows_since, strict=True))[1:]:
        if abs(price) > _PRICED:
            found.append(Stop(name, label, float(abs(price) * unit), float(since)))
    return tuple(sorted(found, key=lambda stop: -stop.price))


def _times(program: Program, alone: np.ndarray, allowed: np.ndarray) -> float:
    """Say how many times farther the beliefs would lean without limits, in tracking error."""
    far, near = (float(program.market_risk.volatility(move)) for move in (alone, allowed))
    if far <= near * (1 + _PRICED) or far < _INSIDE:
        return 1.0
    return far / near if near > _INSIDE else float("inf")
