"""One account's limits as named parts: what each says in numbers, how far it may be stretched, and in which unit.

A limit gives way by one number v, its violation: each of its bounds moves outwards by ``v * max(|bound|, 0.01)``, where
``bound`` is the number the mandate writes (a deviation of 5 %, not the 45 % an asset may then weigh). So a limit on
many assets is violated as much as its worst asset, and a turnover limit as much as the larger of its buys and sells.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..constraints import terms
from ..constraints.bands import Band
from ..constraints.customs import Custom
from ..constraints.deviations import Deviation
from ..constraints.limits import Context, Limit, ends
from ..constraints.phases import Pace
from ..constraints.restrictions import Restriction
from ..constraints.tickets import TradeSize
from ..models.tilts import NO_TILT
from .problems import Case, Problem
from .programs import POINT, Program, build

FAR = 10.0
"""Where a weight is held when the limit that bounds it is left out: a thousand percent of NAV."""
_SMALLEST = 0.01


@dataclass(frozen=True, eq=False)
class Part:
    """What one named limit says to one account.

    Parameters
    ----------
    name, limit
        The limit; None where the limit is a standing one (long-only, cash floor, restrictions, frozen, participation).
    terms
        Its terms.
    lo, hi
        Its box, shape (n,), infinite where absent.
    rows, trades, balls
        Its places in the stacks of the program.
    least, most
        The numbers the mandate writes, an absent one infinite.
    """

    name: str
    limit: Limit | None
    terms: tuple[terms.Term, ...]
    lo: np.ndarray
    hi: np.ndarray
    rows: np.ndarray
    trades: np.ndarray
    balls: np.ndarray
    least: float = -np.inf
    most: float = np.inf

    @property
    def tier(self) -> int:
        """The limit's tier; standing limits are hard."""
        return 0 if self.limit is None else self.limit.tier

    @property
    def elastic(self) -> bool:
        """Whether it has a number that could be another: restrictions, customs and bands have none."""
        if self.limit is None or isinstance(self.limit, (Restriction, Custom)) or not self.terms:
            return False
        return bool(np.isfinite(self.least) or np.isfinite(self.most))

    @cached_property
    def boxed(self) -> bool:
        """Whether it bounds single weights."""
        return bool(np.isfinite(self.lo).any() or np.isfinite(self.hi).any())

    @property
    def units(self) -> tuple[float, float]:
        """Where a violation of 1 is, below and above: decimal of NAV, or the limit's own unit."""
        low = max(abs(self.least), _SMALLEST) if np.isfinite(self.least) else np.nan
        high = max(abs(self.most), _SMALLEST) if np.isfinite(self.most) else low
        return (high if np.isnan(low) else low), high

    def stretched(self, violation: float) -> tuple[terms.Term, ...]:
        """Return its terms with every bound moved outwards by a violation."""
        below, above = (violation * unit for unit in self.units)
        return tuple(_stretch(term, below, above) for term in self.terms)


@dataclass(frozen=True, eq=False)
class Mandate:
    """One account's limits, the standing ones first, then in policy order; ``program`` has them and no objective."""

    program: Program
    parts: tuple[Part, ...]

    def box(self, names: Collection[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return the box of some limits, shape (n,) each; far away where nothing bounds a weight."""
        owners, low, high = self._boxes
        kept = [name in names for name in owners]
        lo, hi = low[kept].max(axis=0, initial=-np.inf), high[kept].min(axis=0, initial=np.inf)
        return np.where(np.isfinite(lo), lo, -FAR), np.where(np.isfinite(hi), hi, FAR)

    @cached_property
    def _boxes(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        """Who bounds single weights, and the bounds, shape (owners, n) each."""
        boxed, shape = [p for p in self.parts if p.boxed], (-1, *self.program.current.shape)
        low, high = [p.lo for p in boxed], [p.hi for p in boxed]
        return tuple(p.name for p in boxed), np.reshape(low, shape), np.reshape(high, shape)

    @cached_property
    def owned(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which rows, trade terms and balls of the program belong to each part, shapes (parts, r), (parts, t) ..."""
        heights = (len(self.program.rows), len(self.program.most), len(self.program.ball_most))
        rows, trades, balls = (np.zeros((len(self.parts), height), dtype=bool) for height in heights)
        for k, part in enumerate(self.parts):
            rows[k, part.rows], trades[k, part.trades], balls[k, part.balls] = True, True, True
        return rows, trades, balls

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of its parts."""
        return tuple(p.name for p in self.parts)

    def part(self, name: str) -> Part:
        """Return the part of this name."""
        return next(p for p in self.parts if p.name == name)


def read_mandate(problem: Problem, case: Case) -> Mandate:
    """Read the limits of one account, overrides and grandfathering included; custom limits have no numbers to read."""
    context, policy = case.context, problem.policy
    limits = {limit.name: limit for limit in (*policy.limits, policy.pace)}
    # A ball without size would be stated as a box, and a box does not say how it gives way.
    named = [
        (name, replace(t, most=max(float(t.most), POINT)) if isinstance(t, terms.RiskBall) else t)
        for name, t in policy.terms(context)
        if not isinstance(t, terms.Custom)
    ]
    none = np.zeros_like(case.program.current)
    program = replace(
        build(context, named, NO_TILT, 1.0, 1.0), gamma=0.0, force=none, cost=none, impact=none, centre=none
    )
    at = {terms.Rows: 0, terms.Trades: 0, terms.RiskBall: 0}
    places: dict[str, dict[type, list[int]]] = {name: {kind: [] for kind in at} for name, _ in named}
    for name, term in named:
        if type(term) in at:
            count = len(term.matrix) if isinstance(term, terms.Rows) else 1
            places[name][type(term)] += range(at[type(term)], at[type(term)] + count)
            at[type(term)] += count
    parts = [
        _part(name, limits.get(name), [t for other, t in named if other == name], places[name], context)
        for name in places
    ]
    return Mandate(program, tuple(parts))


def _part(
    name: str, limit: Limit | None, own: Sequence[terms.Term], places: dict[type, list[int]], context: Context
) -> Part:
    shape = context.current.shape
    boxes = [t for t in own if isinstance(t, terms.Box)]
    lo = np.max([np.full(shape, -np.inf), *(np.broadcast_to(t.lo, shape) for t in boxes)], axis=0)
    hi = np.min([np.full(shape, np.inf), *(np.broadcast_to(t.hi, shape) for t in boxes)], axis=0)
    rows, trades, balls = (np.array(places[kind], dtype=int) for kind in (terms.Rows, terms.Trades, terms.RiskBall))
    least, most = (-np.inf, np.inf) if limit is None else written(limit, context, own)
    return Part(name, limit, tuple(own), lo, hi, rows, trades, balls, least, most)


def written(limit: Limit, context: Context, own: Sequence[terms.Term]) -> tuple[float, float]:
    """Return the numbers a limit writes for this account, its own override included: least and most.

    A single number that bounds trading or risk is read off the term, where grandfathering may have moved it.
    """
    if isinstance(limit, Deviation):
        up, down = limit.sides
        if limit.name in context.overrides:
            tighter = float(limit.tightened(context))
            up, down = min(up, tighter), min(down, tighter)
        return -down, up
    if isinstance(limit, Pace):  # how much wider it is than the day's phase
        return -np.inf, 0.0
    if isinstance(limit, Band):  # its least and most are of the band's width, not of what it bounds
        return -np.inf, np.inf
    if isinstance(limit, TradeSize):
        return -np.inf, np.inf if limit.most is None else float(limit.most)
    single = [t for t in own if isinstance(t, (terms.Trades, terms.RiskBall))]
    if single and not getattr(single[0], "at_least", False):
        return -np.inf, max(float(t.most) for t in single)
    return ends(getattr(limit, "least", None), getattr(limit, "most", None))


def _stretch(term: terms.Term, below: float, above: float) -> terms.Term:
    """Move the bounds of a term outwards."""
    if isinstance(term, (terms.Box, terms.Rows)):
        return replace(term, lo=term.lo - below, hi=term.hi + above)
    if isinstance(term, terms.Trades):
        return replace(term, most=term.most + (below if term.at_least else above))
    return replace(term, most=term.most + above) if isinstance(term, terms.RiskBall) else term
