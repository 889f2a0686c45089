"""How far the sources of views are trusted: the table ``confidences``, which feedback proposes and a person approves.

A row scales the stated confidence of every view of its source, the id of a view (or of the opinion it was made by) or
an author; an id goes before an author. A scale of 0 silences the source. A row that nobody approved is refused: what
a machine learned counts only once somebody has put his name to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..models.views import View
from ..units import FrozenMap
from .columns import bad_cell, demand, demand_ids, numbers, texts
from .tables import Table

MOST_SCALE = 10.0


def read_trusts(table: Table | None) -> Mapping[str, float]:
    """Return the scale of each source.

    Raises
    ------
    BookError
        A scale that is no number from 0 to 10, a source named twice, a row that nobody approved.
    """
    if table is None:
        return FrozenMap()
    scales, approved = read_scales(table), texts(table, "approved_by")
    for row, name in enumerate(scales):
        if not approved[row].strip():
            words = f"nobody approved the confidence of {name!r}"
            raise bad_cell(table, "approved_by", row, "the name of who approves it, or no row", "NOT_APPROVED", words)
    return scales


def read_scales(table: Table) -> Mapping[str, float]:
    """Return the scale of each source in the order of the rows, whoever approved it or not: what is proposed.

    Raises
    ------
    BookError
        A scale that is no number from 0 to 10, a source named twice.
    """
    scales = demand(table, "scale", numbers(table, "scale"), "a number, 1 for as stated, 0 for not at all")
    names = demand_ids(table, "source")
    for row, name in enumerate(names):
        if not 0.0 <= scales[row] <= MOST_SCALE:
            raise bad_cell(table, "scale", row, "a number, 1 for as stated, 0 for not at all, 10 at most")
        if name in names[:row]:
            raise bad_cell(table, "source", row, "one row a source", "DUPLICATE_ID", f"{name!r} is there twice")
    return FrozenMap({name: float(scale) for name, scale in zip(names, scales, strict=True)})


def trust(views: Iterable[View], scales: Mapping[str, float]) -> tuple[View, ...]:
    """Return the views as far as their sources are trusted; those of a silenced source are left out.

    >>> view = View("equity - bonds", 0.02, 0.5, author="ES", id="up")
    >>> [each.confidence for each in trust([view], {"ES": 0.5})], trust([view], {"ES": 0.5, "up": 0.0})
    ([0.25], ())
    """
    if not scales:
        return tuple(views)
    kept = []
    for view in views:
        scale = scales.get(view.id, scales.get(view.author, 1.0))
        if scale > 0:
            kept.append(view if scale == 1.0 else replace(view, confidence=min(1.0, view.confidence * scale)))
    return tuple(kept)


def silenced(views: Iterable[View], scales: Mapping[str, float]) -> tuple[str, ...]:
    """Return the ids of the views whose source is not trusted at all."""
    return tuple(view.id for view in views if scales.get(view.id, scales.get(view.author, 1.0)) == 0.0)
