"""Tactical views: what somebody believes, how much, since when, until when, and why."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import ViewError
from ..units import annual, day, decimal

Basis = Literal["active", "excess", "total"]
_COLUMNS = (
    "view_id", "about", "gain", "confidence", "age_days", "days_left", "since", "until", "author", "because",
)  # fmt: skip


@dataclass(frozen=True)
class View:
    """One opinion on a return.

    Parameters
    ----------
    about
        Legs, ``"equity - bonds"`` or ``"2*SPY - GLD - TLT"``; a class or group means its strategic mix in the model.
    gain
        Annual return of those legs, decimal (or ``"2%"``); ``"3% over 90d"`` is made annual (``units.annual``).
    confidence
        In (0, 1]: 1 is met exactly, near 0 says next to nothing (Idzorek, 2004).
    since, until
        Live while ``since <= on < until``; None is open.
    author, because
        Who says so and why: they stand beside every trade that follows.
    basis
        What ``gain`` is measured over: ``"active"`` the returns the strategic weights imply, ``"excess"`` cash,
        ``"total"`` nothing.
    id
        Its name in reports; ``about`` when empty.
    half_life_days
        When given, the confidence halves every so many days since ``since``.
    stop, take
        Cumulative return of the legs since ``since`` that closes the view for good, at a loss or a gain in its own
        direction; the sign is not read. They need ``since``, and prices or returns.
    hurdle
        The view speaks only while its expected gain exceeds so many round trips of cost.

    >>> View("equity - bonds", "2%", 0.5, author="ES", because="momentum").gain
    0.02
    """

    about: str
    gain: float
    confidence: float
    since: dt.date | None = None
    until: dt.date | None = None
    author: str = ""
    because: str = ""
    basis: Basis = "active"
    id: str = ""
    half_life_days: float | None = None
    stop: float | None = None
    take: float | None = None
    hurdle: float | None = None

    def __post_init__(self) -> None:
        """Read percents and dates; refuse what cannot be meant."""
        name = self.id or self.about
        object.__setattr__(self, "id", name)
        for field in ("gain", "confidence", "half_life_days", "stop", "take", "hurdle"):
            value = getattr(self, field)
            if value is not None or field in ("gain", "confidence"):
                object.__setattr__(self, field, _read(annual if field == "gain" else decimal, value, name, field))
        for field in ("since", "until"):
            value = getattr(self, field)
            if value is not None:
                object.__setattr__(self, field, _read(day, value, name, field))
        checks = (
            ("confidence", 0 < self.confidence <= 1, "a number above 0 and at most 1"),
            ("gain", abs(self.gain) <= 1.0, "an annual decimal: 0.02 for 2%"),
            ("until", not (self.since and self.until) or self.since < self.until, "a day after since"),
            ("basis", self.basis in ("active", "excess", "total"), "active, excess or total"),
            ("half_life_days", self.half_life_days is None or self.half_life_days > 0, "a positive number of days"),
            ("stop", self.stop is None or 0 < abs(self.stop) < 10, "a decimal: 0.05 for a loss of 5%"),
            ("take", self.take is None or 0 < abs(self.take) < 10, "a decimal: 0.05 for a gain of 5%"),
            (
                "since",
                self.since is not None or (self.stop is None and self.take is None),
                "the day stop and take count from",
            ),
            ("hurdle", self.hurdle is None or self.hurdle >= 0, "a number of round trips, at least 0"),
        )
        for field, fine, mend in checks:
            if not fine:
                raise ViewError(
                    f"view {name!r}: {field} is {getattr(self, field)}",
                    code="BAD_VIEW",
                    table="views",
                    field=field,
                    value=getattr(self, field),
                    mend=mend,
                )

    @property
    def mark(self) -> str:
        """Sixteen characters that change when what the view says does; who says it, why and until when do not count."""
        said = (self.id, self.about, self.gain, self.confidence, self.basis, self.half_life_days)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    def live(self, on: dt.date) -> bool:
        """Say whether the view speaks on that day."""
        return (self.since is None or self.since <= on) and (self.until is None or on < self.until)

    def remaining_years(self, on: dt.date) -> float:
        """Return how long the view still speaks, in years of 365.25 days; infinite without ``until``."""
        return math.inf if self.until is None else (self.until - on).days / 365.25

    def confidence_on(self, on: dt.date) -> float:
        """Return the confidence on that day, halved every ``half_life_days`` since ``since``."""
        if self.half_life_days is None or self.since is None:
            return self.confidence
        return self.confidence * math.pow(0.5, (on - self.since).days / self.half_life_days)


def tabulate_views(views: Iterable[View], on: dt.date) -> pd.DataFrame:
    """Return what is said on a day and by whom, a row a view that is live, in the order given.

    Returns
    -------
    pandas.DataFrame
        ``view_id``, ``about``, ``gain`` (annual decimal), ``confidence`` (of that day), ``age_days`` and ``days_left``
        (missing where there is no ``since`` or ``until``), ``since``, ``until``, ``author``, ``because``.

    >>> spoken = View("equity - bonds", "2%", 0.5, since="2026-01-01", until="2026-03-01", half_life_days=30)
    >>> tabulate_views([spoken], dt.date(2026, 1, 31))[["confidence", "age_days", "days_left"]].iloc[0].to_list()
    [0.25, 30.0, 29.0]
    """
    rows = [
        (
            view.id, view.about, view.gain, view.confidence_on(on), np.nan if view.since is None else
            float((on - view.since).days), np.nan if view.until is None else float((view.until - on).days),
            view.since, view.until, view.author, view.because,
        )
        for view in views
        if view.live(on)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _read(reader, value, name, field):
    try:
        return reader(value)
    except (ValueError, TypeError) as error:
        raise ViewError(f"view {name!r}: {error}", code="BAD_VIEW", table="views", field=field, value=value) from None
