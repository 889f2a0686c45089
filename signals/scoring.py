"""Scores as they could be known: a signal's number on a day is made from what was known on that day, and no other.

Where series were never revised and nothing came late, what was known on a day is the first rows of what is known now,
and one causal pass gives all days at once. Where not, each state of knowledge is read by itself, only as far back as
the signal remembers. Both give the same bits.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .alignments import NEVER, Alignment, Seen, align
from .definitions import Recipe, Signal
from .panels import Block, Panel, ordinals, stamps

Ask = Callable[[Recipe, np.ndarray], np.ndarray]
"""What is wanted of a recipe: :meth:`Recipe.scored` or :meth:`Recipe.measured`."""

_CELLS = 40_000
"""Numbers worked on at once: what stays in a core's cache."""


@dataclass(frozen=True)
class Score:
    """What a signal says on a day.

    Parameters
    ----------
    value
        The score, NaN if there is none: like a z-score, positive is good for what the signal is about.
    raw
        The measure's number before transforms and sign, in the measure's unit.
    date, known
        Of the observation it stands on: the day it is of and the day it could be known; None without any.
    why_not
        Why there is no score, in words; empty if there is.
    """

    value: float
    raw: float
    date: dt.date | None = None
    known: dt.date | None = None
    why_not: str = ""


def score(signal: Signal, panel: Panel, on: dt.date) -> Score:
    """Return what a signal says at the end of a day, and if nothing, why not."""
    value, raw = (
        float(_values((signal,), panel, np.array([on.toordinal()]), ask)[0, 0])
        for ask in (Recipe.scored, Recipe.measured)
    )
    seen = align(panel, signal.named(panel.names)).seen(on.toordinal())
    standing = int(_standing(signal.recipe, seen.dates[None])[0, 0])
    if standing == NEVER:
        return Score(math.nan, math.nan, why_not=f"nothing is known yet of {', '.join(seen.absent)}")
    date, known = dt.date.fromordinal(standing), dt.date.fromordinal(seen.known)
    return Score(value, raw, date, known, "" if math.isfinite(value) else _why_not(signal, raw, seen, date, on))


def _why_not(signal: Signal, raw: float, seen: Seen, date: dt.date, on: dt.date) -> str:
    age = (on - date).days
    if signal.stale_days is not None and age > signal.stale_days:
        return f"stale: the last value is of {date}, {age} days before {on}; at most {signal.stale_days}"
    memory = signal.recipe.memory
    if memory is not None and seen.rows < memory:
        return f"history too short: {seen.rows} of the {memory} rows it remembers"
    if math.isnan(raw):
        return f"{signal.kind} has no number for the {seen.rows} rows there are"
    return f"{' and '.join(name for name, _ in signal.transforms)} gave no number for the {seen.rows} rows there are"


def scores(signals: Iterable[Signal], panel: Panel, days: Iterable[Any]) -> pd.DataFrame:
    """Return the score of each signal as it could be known at the end of each day; NaN where it had none.

    One row a day in the order given, one column a signal. Equal to :func:`score` day by day, bit by bit: asked for one
    day only, no more rows are read than a signal remembers.
    """
    return _frame(tuple(signals), panel, ordinals(days), Recipe.scored)


def raws(signals: Iterable[Signal], panel: Panel, days: Iterable[Any]) -> pd.DataFrame:
    """Return the same of the measures' numbers before transforms and sign."""
    return _frame(tuple(signals), panel, ordinals(days), Recipe.measured)


def _frame(signals: Sequence[Signal], panel: Panel, days: np.ndarray, ask: Ask) -> pd.DataFrame:
    each, back = np.unique(days, return_inverse=True)
    values = _values(signals, panel, each, ask)
    if not np.array_equal(each, days):
        values = values[:, back]
    # Column by column in memory, as pandas keeps it; 6,000 signals over 40 years are too much to copy again.
    return pd.DataFrame(values.T, index=stamps(days, "day"), columns=[signal.name for signal in signals], copy=False)


def _values(signals: Sequence[Signal], panel: Panel, days: np.ndarray, ask: Ask) -> np.ndarray:
    """Return scores or raw numbers, shape (signals, days); days ascending and distinct."""
    found = np.empty((len(signals), len(days)))
    alone: dict[tuple[Recipe, Block, int | None], list[tuple[int, int]]] = {}
    crowds: dict[tuple[Recipe, tuple[str, ...], int | None], list[tuple[int, str]]] = {}
    plain = {name: place for name, place in panel.places.items() if place[0].is_plain}
    for position, signal in enumerate(signals):
        recipe, names = signal.recipe, signal.series
        place = plain.get(names[0]) if len(names) == 1 and recipe.is_alone else None
        if place is not None:
            alone.setdefault((recipe, place[0], signal.stale_days), []).append((position, place[1]))
            continue
        names = signal.named(panel.places)
        first = names[0]
        if recipe.is_crosswise:  # who is compared does not depend on who asks
            names = tuple(sorted(names))
        crowds.setdefault((recipe, names, signal.stale_days), []).append((position, first))
    for (recipe, block, stale), members in alone.items():
        _by_column(recipe, block, np.array(members), stale, days, ask, found)
    for (recipe, names, stale), wanted in crowds.items():
        values = _together(recipe, align(panel, names), stale, days, ask)
        for position, first in wanted:
            found[position] = values[:, names.index(first) if recipe.is_crosswise else 0]
    return found


def _by_column(
    recipe: Recipe, block: Block, members: np.ndarray, stale: int | None, days: np.ndarray, ask: Ask, out: np.ndarray
) -> None:
    """Score series that share their rows, each by itself, a few columns at a time: members are (row of out, column)."""
    row = np.searchsorted(block.known, days, side="right") - 1
    fresh = row >= 0
    if stale is not None and len(block.date):
        fresh &= days - block.date[row] <= stale
    if not fresh.any():
        out[members[:, 0]] = np.nan
        return
    low, high = _span(row[fresh], recipe.memory)
    every = bool(fresh.all()) and len(row) == high - low and low == row[0]  # each row is asked for once, in order
    row = np.where(fresh, row - low, 0)
    width = max(1, _CELLS // (high - low))
    for start in range(0, len(members), width):
        positions, columns = (_run(each) for each in members[start : start + width].T)
        answer = ask(recipe, np.ascontiguousarray(block.values[low:high, columns]))
        out[positions] = answer.T if every else np.where(fresh, answer[row].T, np.nan)


def _run(places: np.ndarray) -> np.ndarray | slice:
    """Return consecutive positions as a slice, which numpy copies faster."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if np.array_equal(places, np.arange(first, last + 1)) else places


def _together(recipe: Recipe, aligned: Alignment, stale: int | None, days: np.ndarray, ask: Ask) -> np.ndarray:
    """Score series that are read together, or whose past was revised: (days, 1), or a column each if compared."""
    out = np.full((len(days), len(aligned.names) if recipe.is_crosswise else 1), np.nan)
    standing = _standing(recipe, aligned.newest(days))
    fresh = standing != NEVER
    if stale is not None:
        fresh &= days[:, None] - standing <= stale
    asked = np.flatnonzero(fresh.any(axis=1))
    if not len(asked):
        return out
    if aligned.whole is not None:
        dates, known = aligned.whole
        row = np.searchsorted(known, days[asked], side="right") - 1
        low, high = _span(row, recipe.memory)
        out[asked] = _column(ask(recipe, aligned.matrix(dates[low:high], None, stale)))[row - low]
    else:
        out[asked] = _by_run(recipe, aligned, stale, days[asked], ask)
    out[~np.broadcast_to(fresh, out.shape)] = np.nan
    return out


def _by_run(recipe: Recipe, aligned: Alignment, stale: int | None, days: np.ndarray, ask: Ask) -> np.ndarray:
    """Score what was revised or came late: one pass for each run of states that only added dates."""
    states = aligned.states
    which, back = np.unique(np.searchsorted(states.day, days, side="right") - 1, return_inverse=True)
    answers = []
    for some in np.split(which, np.flatnonzero(np.diff(states.run[which])) + 1):
        on, last = int(states.day[some[-1]]), states.last[some]
        dates = aligned.dates(on, int(last[0]), recipe.memory)
        row = np.searchsorted(dates, last, side="right") - 1
        low, high = _span(row, recipe.memory)
        answers.append(_column(ask(recipe, aligned.matrix(dates[low:high], on, stale)))[row - low])
    return np.concatenate(answers)[back]


def _column(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _span(row: np.ndarray, memory: int | None) -> tuple[int, int]:
    """Return the rows that answers at some rows depend on, from and to before."""
    return 0 if memory is None else max(0, int(row.min()) - memory + 1), int(row.max()) + 1


def _standing(recipe: Recipe, newest: np.ndarray) -> np.ndarray:
    """Return the date a score stands on: the oldest of series that are all needed, the newest of any number."""
    if recipe.is_crosswise:
        return newest
    return (newest.max if recipe.measure.count is None else newest.min)(axis=1, keepdims=True)
