"""Views that cannot both be meant: A over B and B over A, or one subject measured in two ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ViewError
from ..models.universes import Universe
from ..models.views import View
from .subjects import Sizes, compare, sizes_by_members


@dataclass(frozen=True)
class Contradiction:
    """Two views by id, a stable name of what is wrong, and the sentence."""

    first: str
    second: str
    code: str
    said: str


def find_contradictions(views: Sequence[View], universe: Universe, on: dt.date) -> Iterator[Contradiction]:
    """Yield each pair of live views on one subject with opposite signs (CONTRADICTION) or another basis (MIXED_BASIS).

    ``"A - B"`` and ``"B - A"`` are one subject, and so are multiples of it. Gains on one subject in one direction are
    two opinions, which the tilt weighs against each other by their confidence.

    Raises
    ------
    ViewError
        A live view on something unknown.

    >>> u = Universe(("SPY", "IEF"), ("equity", "bonds"))
    >>> pair = View("SPY - IEF", 0.02, 0.5), View("bonds - equity", 0.01, 0.5)
    >>> [each.said for each in find_contradictions(pair, u, dt.date(2026, 1, 2))]
    ["'SPY - IEF' and 'bonds - equity' say the opposite"]
    """
    live = [(view, _subject(view, universe)) for view in views if view.live(on)]
    for i, (first, one) in enumerate(live):
        for second, other in live[i + 1 :]:
            side = compare(one, other)
            if side == 0.0:
                continue
            pair = f"{first.id!r} and {second.id!r}"
            if first.basis != second.basis:
                said = f"{pair} are on one subject, one {first.basis} and one {second.basis}"
                yield Contradiction(first.id, second.id, "MIXED_BASIS", said)
            elif np.sign(first.gain) * np.sign(second.gain) * side < 0:
                yield Contradiction(first.id, second.id, "CONTRADICTION", f"{pair} say the opposite")


def refuse_contradictions(views: Sequence[View], universe: Universe, on: dt.date) -> None:
    """Raise ``ViewError`` for the first pair of live views that contradict each other, by name."""
    for found in find_contradictions(views, universe, on):
        raise ViewError(
            found.said,
            code=found.code,
            table="views",
            field="basis" if found.code == "MIXED_BASIS" else "gain",
            value=f"{found.first}, {found.second}",
            mend="withdraw one, or pool them into one view",
        )


def _subject(view: View, universe: Universe) -> Sizes:
    try:
        return sizes_by_members(universe.legs(view.about), universe)
    except ViewError as error:
        error.message, error.table = f"view {view.id!r}: {error.message}", "views"
        raise
