"""Frames as cells of a page: what is shown, what is sorted by, which side it stands on."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..units import did_you_mean, spoken

Form = Callable[[Any], str]
"""How a number is written: ``units.percent``, ``units.basis_points``, ``"{:,.2f}".format``."""
NOTHING = "–"
"""What stands where there is no number."""


@dataclass(frozen=True)
class Cell:
    """One cell: its words, and what it is sorted by (a number as digits; empty where there is none)."""

    words: str
    value: str


@dataclass(frozen=True)
class Head:
    """One column: its name, whether it holds numbers, and whether it names the row (numbers do not)."""

    words: str
    numeric: bool
    names: bool


@dataclass(frozen=True)
class Grid:
    """A table ready to be written: a row a tuple of cells, as many as heads."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


def lay(frame: pd.DataFrame, formats: Mapping[str, Form]) -> Grid:
    """Lay a frame out in cells; a named index comes first and names the rows, one without a name is left out.

    Parameters
    ----------
    formats
        How the numbers of a column are written, by its name. Without: whole numbers with their thousands, others to
        six digits.

    Raises
    ------
    InputError
        A format for a column that is not there.
    """
    named = [level for level in frame.index.names if level is not None]
    columns: list[tuple[str, Any, bool]] = [(str(n), frame.index.get_level_values(n), True) for n in named]
    columns += [(str(name), frame.iloc[:, i], i == 0 and not named) for i, name in enumerate(frame.columns)]
    _check(formats, [name for name, _, _ in columns])
    heads, cells = [], []
    for name, values, names in columns:
        told = [None if _is_missing(value) else value for value in values]
        numeric = _are_numbers(told)
        heads.append(Head(spoken(name), numeric, names and not numeric))
        cells.append([_cell(value, formats.get(name)) for value in told])
    return Grid(tuple(heads), tuple(zip(*cells, strict=True)) if cells else ())


def _check(formats: Mapping[str, Form], names: list[str]) -> None:
    for name in formats:
        if name not in names:
            raise InputError(
                f"there is no column {name!r} to be written so",
                code="UNKNOWN_COLUMN",
                field=name,
                value=name,
                mend=did_you_mean(name, names) or f"known: {', '.join(names)}",
            )


def _is_missing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _are_numbers(values: Iterable[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(_is_number(value) for value in there)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _cell(value: Any, form: Form | None) -> Cell:
    if value is None:
        return Cell(NOTHING, "")
    if isinstance(value, (bool, np.bool_)):
        words = "yes" if value else "no"
        return Cell(words, words)
    if _is_number(value):
        return Cell(_number(value, form), repr(float(value)))
    if isinstance(value, dt.date):
        words = value.isoformat() if not isinstance(value, dt.datetime) else _moment(value)
        return Cell(words, words)
    return Cell(str(value), str(value))


def _moment(value: dt.datetime) -> str:
    """Write a timestamp; a midnight without a zone is the date that a table made a timestamp."""
    is_day = value.tzinfo is None and value.time() == dt.time()
    return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="seconds")


def _number(value: Any, form: Form | None) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if form is not None:
        words = form(value)
    elif isinstance(value, numbers.Integral):
        words = f"{int(value):,}"
    else:
        words = f"{float(value):,.6g}"
    return words.replace("-", "−", 1) if words.startswith("-") else words
