"""When something is estimated anew: on the first day of each month, quarter or year, from what was known then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal

Refit = Literal["month", "quarter", "year"]
REFITS = {"month": 1, "quarter": 3, "year": 12}
"""Months between estimates."""


def period_start(on: dt.date, refit: Refit) -> dt.date:
    """Return the first day of the period that a day is in.

    >>> period_start(dt.date(2016, 12, 30), "quarter")
    datetime.date(2016, 10, 1)
    """
    months = REFITS[refit]
    return dt.date(on.year, (on.month - 1) // months * months + 1, 1)


def periods_back(start: dt.date, refit: Refit) -> Iterator[dt.date]:
    """Yield a period's first day and those before it, newest first.

    >>> from itertools import islice
    >>> [str(each) for each in islice(periods_back(dt.date(2016, 1, 1), "quarter"), 2)]
    ['2016-01-01', '2015-10-01']
    """
    month = start.year * 12 + start.month - 1
    while month >= 12:
        yield dt.date(month // 12, month % 12 + 1, 1)
        month -= REFITS[refit]
