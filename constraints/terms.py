"""What a limit *is*, to a solver and to an auditor alike.

Five kinds of term say everything a mandate can say in a convex program. Each is numbers only, stated once: the cvxpy
statement, the batch engine, the auditor's slack and the conflict finder all read the same term. Vectors may carry a
leading account axis; matrices and masks belong to the policy and do not.

===================================== =====================================================================
``Box(lo, hi)``                       ``lo <= w <= hi``, per asset
``Rows(matrix, lo, hi)``              ``lo <= A w <= hi``
``Trades(buy, sell, row, most)``      ``row'w + sum_i buy_i z_i+ + sell_i z_i- - base <= most``, ``z = w - around``
``RiskBall(on, anchor, most)``        ``sqrt((w - anchor)' Sigma (w - anchor)) <= most``, on all or some assets
``Custom(bind, slack)``               any cvxpy constraint a user writes in Python, with its auditor
===================================== =====================================================================

``use`` reads a term at given weights: a list of :class:`Use`, each a bound, what is used of it, and the room between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..models.risks import Risk
from ..models.universes import Universe


@dataclass(frozen=True)
class Use:
    """How much of a bound is used: ``room`` is what is left, negative beyond it; ``on`` says of what."""

    bound: float
    used: float
    room: float
    on: str = ""


@dataclass(frozen=True, eq=False)
class Box:
    """``lo <= w <= hi``, per asset; infinite where absent."""

    lo: np.ndarray
    hi: np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """``lo <= A w <= hi``; infinite where absent. ``labels`` name the rows."""

    matrix: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Trades:
    """``row'w + sum_i (buy_i z_i+ + sell_i z_i- + impact_i |z_i|^1.5) - base <= most`` with ``z = w - w0``.

    ``from_zero`` measures ``z`` from no position instead of the current weights: gross weight is then a Trades term.
    ``at_least`` only turns the sign for a reader: a cash floor is stated as ``-cash + costs <= -floor`` and read as
    cash after costs against its floor.
    """

    buy: np.ndarray
    sell: np.ndarray
    row: np.ndarray
    most: np.ndarray | float
    base: np.ndarray | float = 0.0
    impact: np.ndarray | None = None
    from_zero: bool = False
    at_least: bool = False


@dataclass(frozen=True, eq=False)
class RiskBall:
    """``sqrt((w - anchor)' Sigma (w - anchor)) <= most`` over the assets of the mask ``on``."""

    on: np.ndarray
    anchor: np.ndarray
    most: np.ndarray | float


@dataclass(frozen=True)  # equal where its functions are: accounts of one limit share one compiled statement
class Custom:
    """A user's own: ``bind(w, w0)`` gives cvxpy constraints; ``slack(w, w0)`` is at least 0 where they hold."""

    bind: Callable[[Any, Any], Sequence[Any]]
    slack: Callable[[np.ndarray, np.ndarray], float]


Term = Box | Rows | Trades | RiskBall | Custom


def pick(term: Term, which: int | np.ndarray) -> Term:
    """Return the term of one account of a chunk, or of some (positions or a mask); what is shared stays."""
    if isinstance(term, Custom):
        return term
    own = {name: getattr(term, name) for name in _AXES[type(term)]}
    picked = {name: x[which] for name, x in own.items() if x is not None and np.ndim(x) > _AXES[type(term)][name]}
    return replace(term, **picked) if picked else term


def choose(which: np.ndarray | bool, one: Term, other: Term) -> Term:
    """Return one term for the accounts of a mask, shape (...), and the other, which differs in numbers, elsewhere."""
    if isinstance(one, Custom) or not np.any(which):
        return other
    picked = {}
    for name, axes in _AXES[type(one)].items():
        first, second = getattr(one, name), getattr(other, name)
        if first is not None:
            picked[name] = np.where(np.asarray(which)[(..., *(None,) * axes)], first, second)
    return replace(one, **picked)


_AXES: dict[type, dict[str, int]] = {
    Box: {"lo": 1, "hi": 1},
    Rows: {"lo": 1, "hi": 1},
    Trades: {"most": 0, "base": 0, "impact": 1},
    RiskBall: {"anchor": 1, "most": 0},
}
"""The numbers of each kind that may carry an account axis, with the axes they have without it."""


def traded(term: Trades, weights: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return the left side of a Trades term, base taken off."""
    z = weights if term.from_zero else weights - current
    total = np.sum(term.row * weights + term.buy * np.maximum(z, 0) + term.sell * np.maximum(-z, 0), axis=-1)
    if term.impact is not None:
        total = total + np.sum(term.impact * np.abs(z) ** 1.5, axis=-1)
    return total - term.base


@dataclass(frozen=True, eq=False)
class Sides:
    """Every bound of a term at given weights, shapes (..., q, s): q rows, s sides of each (lower, upper; or one alone).

    ``room`` is infinite where a side is absent. A pinned row has one bound, not two.
    """

    labels: tuple[str, ...]
    bound: np.ndarray
    used: np.ndarray
    room: np.ndarray


def sides(term: Term, weights: np.ndarray, current: np.ndarray, risk: Risk, universe: Universe) -> Sides:
    """Read a term at the weights of one account or of many: bounds, what is used of them, and the room left."""
    if isinstance(term, Box):
        return _two_sides(term.lo, term.hi, weights, universe.assets)
    if isinstance(term, Rows):
        at = np.einsum("rn,...n->...r", term.matrix, weights)
        return _two_sides(term.lo, term.hi, at, term.labels or ("",) * len(term.matrix))
    if isinstance(term, Custom):
        room = np.array(np.min(term.slack(weights, current)), dtype=float)
        room = np.where(np.isfinite(room), room, -np.inf)
        return _one_side(np.zeros_like(room), -room, room)
    if isinstance(term, Trades):
        used, most = traded(term, weights, current), np.asarray(term.most)
        return _one_side(-most, -used, most - used) if term.at_least else _one_side(most, used, most - used)
    used, most = risk.volatility(np.where(term.on, weights - term.anchor, 0.0)), np.asarray(term.most)
    return _one_side(most, used, most - used)


def use(term: Term, weights: np.ndarray, current: np.ndarray, risk: Risk, universe: Universe) -> list[Use]:
    """Read a term at one account's weights: every finite bound, what is used of it and the room left."""
    read = sides(term, weights, current, risk, universe)
    kept = zip(*np.nonzero(read.room < np.inf), strict=True)
    return [
        Use(float(read.bound[q, s]), float(read.used[q, s]), float(read.room[q, s]), read.labels[q]) for q, s in kept
    ]


def _one_side(bound: np.ndarray, used: np.ndarray, room: np.ndarray) -> Sides:
    alike = np.broadcast_arrays(bound, used, room)
    return Sides(("",), *(x[..., None, None] for x in alike))


def _two_sides(lo: np.ndarray, hi: np.ndarray, at: np.ndarray, labels: tuple[str, ...]) -> Sides:
    lo, hi, at = np.broadcast_arrays(lo, hi, at)
    pinned = lo == hi
    below, above = np.where(pinned, -np.abs(at - lo), at - lo), np.where(pinned, np.inf, hi - at)
    return Sides(labels, np.stack([lo, hi], -1), np.stack([at, at], -1), np.stack([below, above], -1))


def grandfathered(term: Term, current: np.ndarray, risk: Risk) -> Term:
    """Widen a term just so far that standing still meets it: who starts outside may stay or improve, never worsen."""
    if isinstance(term, Box):
        return Box(np.minimum(term.lo, current), np.maximum(term.hi, current))
    if isinstance(term, Rows):
        now = np.einsum("rn,...n->...r", term.matrix, current)
        return Rows(term.matrix, np.minimum(term.lo, now), np.maximum(term.hi, now), term.labels)
    if isinstance(term, RiskBall):
        now = risk.volatility(np.where(term.on, current - term.anchor, 0.0))
        return RiskBall(term.on, term.anchor, np.maximum(term.most, now))
    if isinstance(term, Trades):
        return replace(term, most=np.maximum(term.most, traded(term, current, current)))
    return term
