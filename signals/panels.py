"""Series in time: each value has the day it is *of* and the day it could be *known*.

The rows of one date are its vintages: what was first said, and each revision. What is known on a day is every row with
``available_at`` on or before it, and of each date the newest of those. Nothing else is ever seen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..errors import SignalError
from ..units import FrozenArrays, day, did_you_mean

_EPOCH = dt.date(1970, 1, 1).toordinal()

KEYS = ("date", "available_at")
"""The two columns of a table of series that are no series."""


@dataclass(frozen=True, eq=False)
class Block(FrozenArrays):
    """Series that have the same rows, sorted by date and then by the day they were known.

    Parameters
    ----------
    names
        Of the k series.
    date, known
        Ordinals, shape (R,).
    values
        Shape (R, k), without NaN; kept series by series, since a series is what is read.
    """

    names: tuple[str, ...]
    date: np.ndarray
    known: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        if len(self.names) > 1 and self.values.strides[0] != self.values.itemsize:
            object.__setattr__(self, "values", np.asfortranarray(self.values))
        for array in (self.date, self.known, self.values):
            array.setflags(write=False)

    @cached_property
    def is_plain(self) -> bool:
        """Whether nothing was revised or came late: what is known on any day is then the first rows."""
        return bool(np.all(np.diff(self.date) > 0) and np.all(np.diff(self.known) >= 0))

    def rows(self, on: int) -> slice | np.ndarray:
        """Return which rows are the newest vintage of their date, as known on a day."""
        if self.is_plain:
            return slice(0, int(np.searchsorted(self.known, on, side="right")))
        seen = np.flatnonzero(self.known <= on)
        dates = self.date[seen]
        newest = np.ones(len(seen), dtype=bool)
        newest[:-1] = dates[1:] != dates[:-1]
        return seen[newest]

    def pick(self, rows: slice | np.ndarray) -> Block:
        """Return some rows."""
        return Block(self.names, self.date[rows], self.known[rows], self.values[rows])


@dataclass(frozen=True, eq=False)
class Panel:
    """Series in time, with their vintages.

    >>> import pandas as pd
    >>> table = pd.DataFrame({
    ...     "date": ["2016-09-30", "2016-09-30", "2016-12-31"],
    ...     "available_at": ["2016-10-28", "2016-11-29", "2017-01-27"],
    ...     "GDP": [1.8, 2.1, 2.6],
    ... })
    >>> panel = Panel.from_frame(table)
    >>> panel.latest("GDP", dt.date(2016, 11, 1)), panel.latest("GDP", dt.date(2016, 12, 1))
    ((1.8, datetime.date(2016, 9, 30)), (2.1, datetime.date(2016, 9, 30)))
    """

    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        names = [name for block in self.blocks for name in block.names]
        twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
        if twice:
            name = min(twice)
            raise SignalError(
                f"the series {name!r} is there twice", code="DUPLICATE_SERIES", table="signals", field=name,
                mend="give one of them another name",
            )  # fmt: skip

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, table: str = "signals") -> Panel:
        """Read a table with the columns ``date``, ``available_at`` and one a series; empty cells say nothing.

        Raises
        ------
        SignalError
            MISSING_COLUMN, BAD_DATE, FUTURE_DATED (known before the day it is of), BAD_VALUE, DUPLICATE_ROW.
        """
        for key in KEYS:
            if key not in frame.columns:
                raise SignalError(
                    f"the column {key!r} is missing", code="MISSING_COLUMN", table=table, field=key,
                    mend="every row says of which day it is (date) and when it could be known (available_at)",
                )  # fmt: skip
        date, known = (_ordinals(frame.iloc[:, list(frame.columns).index(key)], table, key) for key in KEYS)
        _refuse_the_future(date, known, table)
        columns = [frame.iloc[:, place] for place, name in enumerate(frame.columns) if name not in KEYS]
        names = tuple(str(column.name) for column in columns)
        order = np.lexsort((known, date))
        values = _numbers(columns, names, table)[order] if columns else np.empty((len(order), 0))
        return cls(tuple(_blocks(names, date[order], known[order], values, table)))

    @classmethod
    def from_series(cls, series: Mapping[str, pd.Series], lag_days: int | Mapping[str, int] = 0) -> Panel:
        """Read series indexed by date that were published ``lag_days`` later: one number, or one a series.

        Raises
        ------
        SignalError
            As :meth:`from_frame`; BAD_LAG for a negative lag, UNKNOWN_SERIES for a lag of no series.
        """
        lags = (
            dict.fromkeys(series, lag_days) if isinstance(lag_days, int) else {**dict.fromkeys(series, 0), **lag_days}
        )
        for name, lag in lags.items():
            if name not in series:
                raise _unknown(name, series)
            if lag < 0:
                raise SignalError(
                    f"the publication lag of {name!r} is {lag} days", code="BAD_LAG", table="signals", field=name,
                    value=lag, mend="a whole number of days, 0 or more",
                )  # fmt: skip
        found = Panel()
        shared: dict[tuple[bytes, int], dict[str, np.ndarray]] = {}
        for name, each in series.items():
            date = _ordinals(pd.Series(each.index), name, "date")
            value = _numbers([each], (name,), name)[:, 0]
            kept = np.flatnonzero(~np.isnan(value))
            kept = kept[np.argsort(date[kept], kind="stable")]
            shared.setdefault((date[kept].tobytes(), lags[name]), {})[name] = value[kept]
        for (dates, lag), columns in shared.items():
            date = np.frombuffer(dates, dtype=np.int64)
            found |= cls(
                tuple(_blocks(tuple(columns), date, date + lag, np.column_stack([*columns.values()]), "signals"))
            )
        return found.only(series)

    @cached_property
    def places(self) -> dict[str, tuple[Block, int]]:
        """The block and the column of each series."""
        return {name: (block, column) for block in self.blocks for column, name in enumerate(block.names)}

    @property
    def names(self) -> tuple[str, ...]:
        """The series."""
        return tuple(self.places)

    def place(self, name: str) -> tuple[Block, int]:
        """Return the block and the column of a series.

        Raises
        ------
        SignalError
            UNKNOWN_SERIES, with the nearest known one.
        """
        if name not in self.places:
            raise _unknown(name, self.places)
        return self.places[name]

    def only(self, names: Iterable[str]) -> Panel:
        """Return the panel of some series, in their order where they have rows of their own."""
        wanted = list(names)
        chosen: dict[int, list[str]] = {}
        for name in wanted:
            chosen.setdefault(id(self.place(name)[0]), []).append(name)
        blocks = []
        for some in chosen.values():
            block = self.place(some[0])[0]
            if tuple(some) != block.names:
                columns = [self.place(name)[1] for name in some]
                block = Block(tuple(some), block.date, block.known, block.values[:, columns])
            blocks.append(block)
        return Panel(tuple(blocks))

    def as_of(self, on: dt.date) -> Panel:
        """Return what was known on a day, vintages and all; series of which nothing was known keep their names."""
        until = on.toordinal()
        return Panel(tuple(block.pick(_first(block, until)) for block in self.blocks))

    def history(self, name: str, on: dt.date | None = None) -> pd.Series:
        """Return a series as known on a day (default: now): the newest vintage of each date, by date ascending."""
        block, column = self.place(name)
        rows = block.rows(_until(on))
        return pd.Series(block.values[rows, column], index=stamps(block.date[rows], "date"), name=name)

    def frame(self, names: Sequence[str], on: dt.date | None = None) -> pd.DataFrame:
        """Return several series as known on a day on the union of their dates; NaN where one has none."""
        each = {name: self.history(name, on) for name in names}
        return pd.concat(each, axis=1, sort=True) if each else pd.DataFrame()

    def latest(
        self, name: str, on: dt.date | None = None, stale_days: int | None = None
    ) -> tuple[float, dt.date] | None:
        """Return the newest value known on a day and its date; None if there is none or it is older than a limit."""
        block, column = self.place(name)
        rows = block.rows(_until(on))
        dates = block.date[rows]
        if not len(dates) or (on is not None and stale_days is not None and _until(on) - dates[-1] > stale_days):
            return None
        return float(block.values[rows, column][-1]), dt.date.fromordinal(int(dates[-1]))

    def __or__(self, other: Panel) -> Panel:
        """Return the panel with more series; a series that both have is an error."""
        return Panel(self.blocks + other.blocks)

    def days(self, until: dt.date | None = None) -> tuple[dt.date, ...]:
        """Return the days on which something became known."""
        known = [block.known[block.known <= _until(until)] for block in self.blocks]
        if not known:
            return ()
        return tuple(dt.date.fromordinal(each) for each in np.unique(np.concatenate(known)).tolist())


def ordinals(days: Iterable[Any]) -> np.ndarray:
    """Return days, of any kind that says a day, as ordinals.

    >>> ordinals([dt.date(1970, 1, 2), "1970-01-03"]) - dt.date(1970, 1, 1).toordinal()
    array([1, 2])
    """
    if isinstance(days, pd.DatetimeIndex):
        return days.to_numpy().astype("datetime64[D]").astype(np.int64) + _EPOCH
    return np.array([day(each).toordinal() for each in days], dtype=np.int64)


def stamps(days: np.ndarray, name: str) -> pd.DatetimeIndex:
    """Return ordinals as an index of pandas."""
    return pd.DatetimeIndex((days - _EPOCH).astype("datetime64[D]"), name=name)


def _until(on: dt.date | None) -> int:
    return dt.date.max.toordinal() if on is None else on.toordinal()


def _first(block: Block, until: int) -> slice | np.ndarray:
    return block.rows(until) if block.is_plain else np.flatnonzero(block.known <= until)


def _blocks(
    names: tuple[str, ...], date: np.ndarray, known: np.ndarray, values: np.ndarray, table: str
) -> Iterator[Block]:
    """Group series that say something in the same rows; arrays are sorted by date, then known."""
    said = ~np.isnan(values)
    groups: dict[bytes, list[int]] = {}
    for column, pattern in enumerate(np.packbits(said, axis=0).T):
        groups.setdefault(pattern.tobytes(), []).append(column)
    for columns in groups.values():
        rows = np.flatnonzero(said[:, columns[0]])
        block = Block(
            tuple(names[c] for c in columns),
            date[rows],
            known[rows],
            values[rows][:, columns],
        )
        twice = np.flatnonzero((np.diff(block.date) == 0) & (np.diff(block.known) == 0))
        if len(twice):
            of = dt.date.fromordinal(int(block.date[twice[0]]))
            raise SignalError(
                f"{block.names[0]!r} has two values of {of} known on one day", code="DUPLICATE_ROW", table=table,
                field=block.names[0], value=of, mend="a revision is a row with a later available_at",
            )  # fmt: skip
        yield block


def _ordinals(column: pd.Series, table: str, field: str) -> np.ndarray:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M" and not column.isna().any():
        return column.to_numpy().astype("datetime64[D]").astype(np.int64) + _EPOCH
    codes, words = pd.factorize(column, use_na_sentinel=False)
    try:
        read = np.array([day(word).toordinal() for word in words], dtype=np.int64)
    except (ValueError, TypeError) as error:
        raise SignalError(
            str(error), code="BAD_DATE", table=table, field=field, mend="ISO dates: 2016-12-30"
        ) from error
    return read[codes]


def _numbers(columns: Sequence[pd.Series], names: tuple[str, ...], table: str) -> np.ndarray:
    """Return numbers of shape (rows, series), empty cells as NaN."""
    out = np.empty((len(columns[0]) if columns else 0, len(columns)))
    for place, (column, name) in enumerate(zip(columns, names, strict=True)):
        read = np.asarray(pd.to_numeric(column, errors="coerce"), dtype=float)
        bad = (np.isnan(read) & column.notna().to_numpy()) | np.isinf(read)
        if bad.any():
            value = column.iloc[int(np.argmax(bad))]
            raise SignalError(
                f"{name!r} has the value {value!r}", code="BAD_VALUE", table=table, field=name, value=value,
                mend="finite numbers; an empty cell says nothing",
            )  # fmt: skip
        out[:, place] = read
    return out


def _refuse_the_future(date: np.ndarray, known: np.ndarray, table: str) -> None:
    early = np.flatnonzero(known < date)
    if len(early):
        of, at = (dt.date.fromordinal(int(days[early[0]])) for days in (date, known))
        raise SignalError(
            f"a value of {of} cannot be known on {at}, before its day", code="FUTURE_DATED", table=table,
            field="available_at", value=at, mend="available_at is the day of publication, on or after date",
        )  # fmt: skip


def _unknown(name: str, known: Iterable[str]) -> SignalError:
    known = list(known)
    return SignalError(
        f"there is no series {name!r}", code="UNKNOWN_SERIES", table="signals", field="series", value=name,
        mend=did_you_mean(name, known) or f"a column of the tables prices or signals: {', '.join(known[:8]) or 'none'}",
    )  # fmt: skip
