"""How a history is walked: how long a signal takes to become a trade, and how often things are read and estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError

Often = Literal["session", "week", "month", "quarter", "year"]
OFTEN: tuple[Often, ...] = ("session", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Conduct:
    """How a history is walked.

    Parameters
    ----------
    lag_days
        Calendar days from what is known to the close at which it trades: 1 lets the signals of a close trade at the
        close after it. 0 trades at the very close that a signal is made of, which nobody can. In a history of month
        ends a day is a day all the same: what was published by the 30th trades at the close of the 31st, and what that
        close itself says waits for a month.
    read, estimate
        How often the playbook is read and the covariance estimated: at the first session of each ``week``, ``month``,
        ``quarter`` or ``year``, or every ``session``; both also on the first day of a walk.
    window
        Returns a covariance is estimated from, the newest; None for all.

    >>> Conduct(lag_days=-1)
    Traceback (most recent call last):
    trimtab.errors.InputError: lag_days is -1 [field lag_days]; mend: a whole number of days, 0 or more
    """

    lag_days: int = 1
    read: Often = "month"
    estimate: Often = "month"
    window: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; a negative lag is the future."""
        if isinstance(self.lag_days, bool) or not isinstance(self.lag_days, int) or self.lag_days < 0:
            raise _bad("lag_days", self.lag_days, "a whole number of days, 0 or more")
        for name in ("read", "estimate"):
            if getattr(self, name) not in OFTEN:
                raise _bad(name, getattr(self, name), f"one of {', '.join(OFTEN)}")
        if self.window is not None and not self.window >= 2:
            raise _bad("window", self.window, "a number of returns, or None for all")


def begins(days: pd.DatetimeIndex, often: Often) -> np.ndarray:
    """Mark the first session of each week, month, quarter or year; the first of all begins nothing.

    >>> begins(pd.DatetimeIndex(["2020-01-30", "2020-01-31", "2020-02-03"]), "month")
    array([False, False,  True])
    """
    if often == "session":
        return np.ones(len(days), dtype=bool)
    letter = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}[often]
    period = days.to_period(letter)
    return np.r_[False, np.asarray(period[1:] != period[:-1])]


def _bad(field: str, value: object, mend: str) -> InputError:
    return InputError(f"{field} is {value}", code="BAD_CONDUCT", field=field, value=value, mend=mend)
