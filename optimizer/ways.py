"""Ways out of a conflict: the least change of one number with which every limit can be met, in digits that suffice."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from .elastics import Least, Prices, least
from .mandates import Mandate, Part
from .proofs import broken, is_shut, stretch

_NOTHING = 1e-9
"""A limit that gives way by less stands in nobody's way: what an engine leaves open."""


@dataclass(frozen=True)
class Way:
    """A way out: the least change of one number of the mandate with which every limit can be met.

    Parameters
    ----------
    limit
        Its name.
    upper
        Whether it is the limit's most (else its least) that would change.
    bound, exact, amount
        The number as written, the one just needed, and that rounded so that it suffices.
    """

    limit: str
    upper: bool
    bound: float
    exact: float
    amount: float


def find_way(mandate: Mandate, name: str, names: Collection[str], near: set[str]) -> tuple[Way | None, Prices | None]:
    """Find how far one limit would have to give way, all others as they are; no way where that alone does not help.

    The prices that come with a way may prove that the limit as it stands and the others cannot hold together; without a
    way, that the others cannot.

    Parameters
    ----------
    names
        Those in conflict.
    near
        Balls, and standing caps on trading, that are asked at once; others are asked where a point found without them
        is outside, and join the set.
    """
    part = mandate.part(name)
    if not part.elastic or part.moved:
        return None, None
    kept = {name, *names, *near, *(p.name for p in mandate.parts if _cheap(p))}
    while True:
        said = _give(mandate, name, kept)
        if said is None or not said.solved:
            return None, said.prices if said is not None and said.status == "infeasible" else None
        missed = [other for other in broken(mandate, said.weights, 1e-8) if other not in kept]
        if not missed:
            break
        near.update(missed)
        kept.update(missed)
    if not said.violations[0] > _NOTHING:
        return None, None
    violation, upper = float(said.violations[0]), _above(mandate, part, said.weights)
    bound, unit = (part.most, part.units[1]) if upper else (part.least, part.units[0])
    exact = bound + violation * unit * (1 if upper else -1)
    return Way(name, upper, bound, exact, round_out(exact, upper=upper)), said.prices


def _cheap(part: Part) -> bool:
    """Whether it adds little to a program: no cone, and no variables for a cap on trading that hardly ever binds."""
    return not len(part.balls) and not (part.limit is None and len(part.trades))


def _give(mandate: Mandate, name: str, names: Collection[str]) -> Least | None:
    """Let one limit give way to the others named, as little as it must."""
    springs = replace(stretch(mandate, names, {name: 0}, 1, boxes=True), cost=np.ones(1))
    return None if is_shut(springs.lo, springs.hi) else least(mandate.program, springs)


def _above(mandate: Mandate, part: Part, weights: np.ndarray) -> bool:
    """Whether these weights are beyond a limit's most rather than below its least; never of an end it does not have."""
    if not np.isfinite(part.least):
        return True
    at = mandate.program.rows[part.rows] @ weights
    over = [np.max(weights - part.hi), *(at - mandate.program.rows_hi[part.rows])]
    under = [np.max(part.lo - weights), *(mandate.program.rows_lo[part.rows] - at)]
    return max(over) >= max(under) and np.isfinite(part.most)


def round_out(amount: float, *, upper: bool) -> float:
    """Round outwards to the fewest digits, two at least, that stay within half a percent of the amount.

    >>> round_out(0.07268, upper=True), round_out(0.0123456, upper=False)
    (0.073, 0.0123)
    """
    size, away = abs(amount), (amount > 0) == upper
    if size < 1e-12:
        return 0.0
    exponent, digits = int(np.floor(np.log10(size))), 2
    while abs((rounded := _round_to(size, digits - 1 - exponent, up=away)) - size) > 0.005 * size:
        digits += 1  # with four, any number is near enough
    return rounded if amount > 0 else -rounded


def _round_to(size: float, places: int, *, up: bool) -> float:
    """Round a number above 0 to decimal places; a hundred millionth, which a solve leaves open, is no reason to."""
    scaled = size * 10.0**places
    whole = np.ceil(scaled * (1 - 1e-8)) if up else np.floor(scaled * (1 + 1e-8))
    return float(f"{whole:.0f}e{-places}")
