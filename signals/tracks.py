"""What came of forecasts: only those whose horizon had ended, and whose outcome was known, by the day that asks."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ..models.trails import Trail

PENDING = np.iinfo(np.int64).max
"""The day on which what has not ended ends."""


def fridays(first: int, last: int) -> np.ndarray:
    """Return the ordinals of the Fridays from a day to another: when forecasts are looked at, whenever they were made.

    >>> [str(dt.date.fromordinal(int(each))) for each in fridays(*(dt.date(2016, 12, d).toordinal() for d in (20, 30)))]
    ['2016-12-23', '2016-12-30']
    """
    return np.arange(first + (4 - (first - 1)) % 7, last + 1, 7, dtype=np.int64)


def outcomes(
    trail: Trail | None, legs: np.ndarray, days: np.ndarray, horizon_days: int, on: dt.date
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the legs gained in the horizon after each day, and the day on which that was known, shape (F,) each.

    ``sum_i p_i (L_i(end) / L_i(start) - 1)``, start the last level at or before the day, end the first at or after the
    day plus the horizon. NaN and PENDING where it has not ended, or was not known on ``on``, or a leg has no level, or
    the next level is more than a horizon (at least a month) away.

    Parameters
    ----------
    trail
        Levels of total return; None: nothing is known.
    legs
        Weights, shape (n,).
    days
        Ordinals of the forecasts, shape (F,).
    """
    gains, ended = np.full(len(days), np.nan), np.full(len(days), PENDING, dtype=np.int64)
    held = np.flatnonzero(legs)
    seen = np.zeros(0, dtype=int) if trail is None else _seen(trail, on)
    if trail is None or not len(seen) or not len(held):
        return gains, ended
    dates, known = trail.dates[seen], np.maximum.accumulate(trail.known[seen])
    levels = trail.levels[np.ix_(seen, held)]
    start = np.searchsorted(dates, days, side="right") - 1
    end = np.searchsorted(dates, days + horizon_days, side="left")
    near = max(horizon_days, 31)
    whole = np.flatnonzero((start >= 0) & (end < len(dates)))
    whole = whole[
        (days[whole] - dates[start[whole]] <= near) & (dates[end[whole]] - days[whole] <= horizon_days + near)
    ]
    found = (levels[end[whole]] / levels[start[whole]] - 1.0) @ legs[held]
    fine = np.isfinite(found)
    gains[whole[fine]] = found[fine]
    ended[whole[fine]] = known[end[whole[fine]]].astype(np.int64)
    return gains, ended


def _seen(trail: Trail, on: dt.date) -> np.ndarray:
    return np.flatnonzero((trail.dates <= on.toordinal()) & (trail.known <= on.toordinal()))
