"""How far the sources of views are trusted: the table ``confidences``, which feedback proposes and a person approves.

A row scales the stated confidence of every view of its source, the id of a view (or of the opinion it was made by) or
an author; an id goes before an author. A scale of 0 silences the source. A row that nobody approved is refused: what
a machine learned counts only once somebody has put his name to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..models.views import View
from ..units import FrozenMap
from .columns import bad_cell, demand, demand_ids, numbers, texts
from .tables import Table

MOST_SCALE = 10.0


@dataclass(frozen=True)
class Trust:
    """How far a source is trusted: the scale of its confidence, and who approved that, by which reference."""

    scale: float
    approved_by: str = ""
    approval: str = ""

    def __str__(self) -> str:
        """Say it beside the reason of a view."""
        who = f", approved by {self.approved_by}" if self.approved_by else ""
        return f"trusted {self.scale:.4g} times as stated{who}{f' ({self.approval})' if self.approval else ''}"


def read_trusts(table: Table | None) -> Mapping[str, Trust]:
    """Return how far each source is trusted.

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
    references = texts(table, "approval")
    rows = zip(scales.items(), approved, references, strict=True)
    return FrozenMap({name: Trust(scale, who, reference) for (name, scale), who, reference in rows})


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


def trust(views: Iterable[View], trusts: Mapping[str, Trust]) -> tuple[View, ...]:
    """Return the views as far as their sources are trusted; those of a silenced source are left out.

    What was done to a confidence stands in the view's ``because``, and so beside every trade that follows.

    >>> view = View("equity - bonds", 0.02, 0.5, author="ES", because="momentum", id="up")
    >>> (less,) = trust([view], {"ES": Trust(0.5, "RA", "minutes 7")})
    >>> less.confidence, less.because
    (0.25, 'momentum; trusted 0.5 times as stated, approved by RA (minutes 7)')
    >>> trust([view], {"ES": Trust(0.5), "up": Trust(0.0)})
    ()
    """
    if not trusts:
        return tuple(views)
    kept = []
    for view in views:
        own = trust_of(view, trusts)
        if own.scale > 0:
            because = "; ".join(words for words in (view.because, str(own)) if words)
            fewer = replace(view, confidence=min(1.0, view.confidence * own.scale), because=because)
            kept.append(view if own.scale == 1.0 else fewer)
    return tuple(kept)


def trust_of(view: View, trusts: Mapping[str, Trust]) -> Trust:
    """Return how far the source of a view is trusted: as stated, where nobody says."""
    return trusts.get(view.id, trusts.get(view.author, AS_STATED))


def silenced(views: Iterable[View], trusts: Mapping[str, Trust]) -> tuple[str, ...]:
    """Return the ids of the views whose source is not trusted at all."""
    return tuple(view.id for view in views if trust_of(view, trusts).scale == 0.0)


AS_STATED = Trust(1.0)
