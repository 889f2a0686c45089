"""Several series on the union of their dates, each carried forward, as known on any day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .panels import Block, Panel

NEVER = -1
"""The date of what is not there."""


@dataclass(frozen=True)
class Seen:
    """What is known of some series on a day.

    Parameters
    ----------
    dates
        Of the newest observation of each, an ordinal; :data:`NEVER` without one.
    known
        When the last of these became known.
    rows
        How many dates there are.
    absent
        The series without any.
    """

    dates: np.ndarray
    known: int
    rows: int
    absent: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class States:
    """What was known of some series, from each day on which that changed to the next.

    Parameters
    ----------
    day
        On which it changed, ordinals.
    last
        The newest date known then.
    run
        A number that grows when something became known of a date that was not new: within a run what was known is the
        first of what was known at its end.
    """

    day: np.ndarray
    last: np.ndarray
    run: np.ndarray


@dataclass(frozen=True, eq=False)
class Alignment:
    """Some series of a panel in the order a measure takes them: a block, and the positions of its columns there."""

    names: tuple[str, ...]
    parts: tuple[tuple[Block, np.ndarray, np.ndarray], ...]

    @cached_property
    def whole(self) -> tuple[np.ndarray, np.ndarray] | None:
        """All dates and the day each became known, if what is known on any day is the first of them; else None.

        It is not where a series was revised, came late, or has a longer publication lag than another.
        """
        blocks = [block for block, _, _ in self.parts]
        if not all(block.is_plain for block in blocks):
            return None
        if len(blocks) == 1:
            return blocks[0].date, blocks[0].known
        dates = np.unique(np.concatenate([block.date for block in blocks]))
        first, last = np.full(len(dates), np.iinfo(np.int64).max), np.full(len(dates), NEVER)
        for block in blocks:
            place = np.searchsorted(block.date, dates, side="right") - 1
            known = np.where(place >= 0, block.known[place], NEVER) if len(block.known) else np.full(len(dates), NEVER)
            last = np.maximum(last, known)
            own = np.searchsorted(dates, block.date)
            first[own] = np.minimum(first[own], block.known)
        return (dates, first) if np.all(last <= first) else None

    @cached_property
    def states(self) -> States:
        """Every state of knowledge there was."""
        known = np.concatenate([block.known for block, _, _ in self.parts])
        dates = np.concatenate([block.date for block, _, _ in self.parts])
        days, which = np.unique(known, return_inverse=True)
        first, last = np.full(len(days), np.iinfo(np.int64).max), np.full(len(days), NEVER)
        np.minimum.at(first, which, dates)
        np.maximum.at(last, which, dates)
        last = np.maximum.accumulate(last)
        return States(days, last, np.concatenate([[0], np.cumsum(first[1:] <= last[:-1])])[: len(days)])

    def dates(self, on: int, after: int, memory: int | None) -> np.ndarray:
        """Return the dates known on a day: those after another date, and ``memory`` or more up to it."""
        each = [block.date[block.rows(on)] for block, _, _ in self.parts]
        if memory is not None:
            each = [own[max(0, int(np.searchsorted(own, after, side="right")) - memory) :] for own in each]
        return np.unique(np.concatenate(each))

    def matrix(self, dates: np.ndarray, on: int | None, stale: int | None) -> np.ndarray:
        """Return the values at some dates as known on a day (None: now), (dates, series), each carried forward.

        NaN before a series begins, and where what is carried is older than ``stale`` days.
        """
        out = np.full((len(dates), len(self.names)), np.nan)
        for block, columns, places in self.parts:
            rows = slice(None) if on is None else block.rows(on)
            own, values = block.date[rows], block.values[rows]
            if not len(own):
                continue
            at = np.searchsorted(own, dates, side="right") - 1
            said = at >= 0
            if stale is not None:
                said &= dates - own[at] <= stale
            out[np.ix_(said, places)] = values[np.ix_(at[said], columns)]
        return out

    def newest(self, days: np.ndarray) -> np.ndarray:
        """Return the date of the newest observation of each series known on each day, (days, series)."""
        out = np.full((len(days), len(self.names)), NEVER)
        for block, _, places in self.parts:
            order = np.argsort(block.known, kind="stable")
            at = np.searchsorted(block.known[order], days, side="right") - 1
            dates = np.maximum.accumulate(block.date[order])
            out[np.ix_(at >= 0, places)] = dates[at[at >= 0], None]
        return out

    def seen(self, on: int) -> Seen:
        """Return what is known on a day."""
        dates = self.newest(np.array([on]))[0]
        each = [(block.date[rows], block.known[rows]) for block, _, _ in self.parts for rows in (block.rows(on),)]
        absent = tuple(name for name, date in zip(self.names, dates, strict=True) if date == NEVER)
        known = max((int(known[-1]) for _, known in each if len(known)), default=NEVER)
        return Seen(dates, known, len(np.unique(np.concatenate([own for own, _ in each]))), absent)


def align(panel: Panel, names: Sequence[str]) -> Alignment:
    """Return some series of a panel, together.

    Raises
    ------
    SignalError
        UNKNOWN_SERIES.
    """
    found: dict[int, tuple[Block, list[int], list[int]]] = {}
    for position, name in enumerate(names):
        block, column = panel.place(name)
        _, columns, places = found.setdefault(id(block), (block, [], []))
        columns.append(column)
        places.append(position)
    parts = tuple((block, np.array(columns), np.array(places)) for block, columns, places in found.values())
    return Alignment(tuple(names), parts)
