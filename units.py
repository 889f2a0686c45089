"""Numbers as people write and read them: percents, basis points, days, names that are nearly right.

Inside trimtab every weight, return, volatility and cost is a decimal; a year is the unit of time for rates. These
functions stand at the border, where people write ``"5%"`` and read ``4.6 bp``.
"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(%|bps?|)\s*")
_SCALES = {"%": 1e-2, "bp": 1e-4, "bps": 1e-4, "": 1.0}


def decimal(value: Any) -> float:
    """Read a number, a percent string or a basis-point string as a decimal.

    >>> decimal("5%"), decimal("20bp"), decimal(0.02)
    (0.05, 0.002, 0.02)

    Raises ``ValueError`` for anything else, not-a-number and infinity included.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        if not found:
            raise ValueError(f"{value!r} is not a number, a percent ('5%') or basis points ('20bp')")
        text, unit = found.groups()
        # Dividing keeps "20bp" the float nearest to 0.002; multiplying by 1e-4 would not.
        number = float(text) / round(1 / _SCALES[unit])
    else:
        number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


_OVER = re.compile(r"(.+?)\s+over\s+(\d+\.?\d*)\s*(d|days?|w|weeks?|m|months?|y|years?)\s*")
_A_YEAR = {"d": 365.25, "w": 365.25 / 7, "m": 12.0, "y": 1.0}


def annual(value: Any) -> float:
    """Read a gain as an annual decimal: a number is one already, ``"3% over 90d"`` is what is expected of 90 days.

    Periods are days, weeks, months or years (``90d``, ``6 months``); a year has 365.25 days. The gain is scaled, not
    compounded: views add up over legs and time.

    >>> annual("2%"), annual("3% over 6 months"), round(annual("3% over 90d"), 6)
    (0.02, 0.06, 0.12175)

    Raises ``ValueError`` as :func:`decimal` does, and for a period of nothing.
    """
    found = _OVER.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return decimal(value)
    gain, count, unit = found.groups()
    if not float(count) > 0:
        raise ValueError(f"{value!r} is a gain over no time")
    return decimal(gain) * _A_YEAR[unit[0]] / float(count)


def day(value: Any) -> dt.date:
    """Read an ISO-8601 date (``"2016-12-30"``), a date or a timestamp as a date; nothing ambiguous, no serial numbers.

    A time of day needs a zone, and the day is that of UTC; midnight without a zone is the date that a table made a
    timestamp. Years before 1800 and after 2200 are placeholders of another system, not days.

    >>> day("2016-12-30")
    datetime.date(2016, 12, 30)
    >>> day(dt.datetime(2016, 12, 30, 23, tzinfo=dt.timezone(dt.timedelta(hours=-5))))
    datetime.date(2016, 12, 31)

    Raises ``ValueError`` for anything else.
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        value = dt.date.fromisoformat(value.strip())
    if isinstance(value, dt.datetime):
        if value.tzinfo is None and value.time() != dt.time():
            raise ValueError(f"{value} has a time and no zone: give a date, or say in which zone")
        value = value.date() if value.tzinfo is None else value.astimezone(dt.UTC).date()
    if not isinstance(value, dt.date):
        raise ValueError(f"{value!r} is not an ISO date like 2016-12-30")
    if not _YEARS[0] <= value.year <= _YEARS[1]:
        raise ValueError(f"{value} is a placeholder, not a day: leave it empty where there is none")
    return value


_YEARS = (1800, 2200)


Each = Any
"""A number of one account, or an array of one a row along the account axis: arithmetic is the same."""


def percent(value: float, places: int = 2) -> str:
    """Write a decimal as a percent.

    >>> percent(0.0525)
    '5.25%'
    """
    return f"{100 * value:.{places}f}%"


def signed(value: float, places: int = 2) -> str:
    """Write a decimal as a percent with its sign, and nothing as nothing.

    >>> signed(0.0123), signed(-1e-9)
    ('+1.23%', '0.00%')
    """
    return percent(0.0, places) if abs(100 * value) <= 0.5 * 10.0**-places else f"{value:+.{places}%}"


def spoken(name: str) -> str:
    """Return a name as it is said.

    >>> spoken("tracking_error")
    'tracking error'
    """
    return name.replace("_", " ")


def basis_points(value: float, places: int = 1) -> str:
    """Write a decimal in basis points.

    >>> basis_points(0.00042)
    '4.2 bp'
    """
    return f"{1e4 * value:.{places}f} bp"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say which known word is nearest, or nothing.

    >>> did_you_mean("turnove", ["turnover", "cash"])
    "did you mean 'turnover'?"
    """
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def frozen(values: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a read-only copy as floats, broadcast to ``shape`` when given."""
    array = np.array(values if shape is None else np.broadcast_to(np.asarray(values, dtype=float), shape), dtype=float)
    array.setflags(write=False)
    return array


class FrozenArrays:
    """What holds read-only arrays and keeps them so on its way to another process: numpy forgets the flag."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes of the other side and lock the arrays again."""
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        self.__dict__.update(state)


class FrozenMap(Mapping):
    """A mapping that cannot change, can be hashed, and travels between processes.

    >>> FrozenMap({"a": 1})["a"]
    1
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping | Iterable[tuple] = ()) -> None:
        object.__setattr__(self, "_items", dict(items))

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a frozen map stays as it was made."""
        raise AttributeError("a FrozenMap cannot change")

    def __getitem__(self, key):
        """Return the value under ``key``."""
        return self._items[key]

    def __iter__(self):
        """Walk the keys in the order they were given."""
        return iter(self._items)

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._items)

    def __hash__(self) -> int:
        """Hash by content, in any order."""
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        """Show like a dict."""
        return f"FrozenMap({self._items!r})"

    def __reduce__(self):
        """Pickle by content."""
        return FrozenMap, (self._items,)
