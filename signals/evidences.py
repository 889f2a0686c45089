"""The scores of signals on one subject, every Friday since anything was known, and what came of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.trails import Trail
from ..models.universes import Universe
from .definitions import Signal
from .panels import Panel, ordinals, stamps
from .scoring import scores
from .subjects import direction
from .tracks import fridays, outcomes


@dataclass(frozen=True, eq=False)
class Evidence:
    """What an opinion is made of.

    Parameters
    ----------
    days
        Ordinals, ascending, shape (F,).
    scores
        In favour of what the opinion is about, shape (F, k), NaN where a signal says nothing.
    gains, ended
        What came of a forecast of each day, decimal over the horizon, and the day on which that was known.
    """

    days: np.ndarray
    scores: np.ndarray
    gains: np.ndarray
    ended: np.ndarray

    def by(self, day: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return scores known by a day; and scores and gains of forecasts that had ended by it."""
        known, over = self.days <= day, self.ended <= day
        return self.scores[known], self.scores[over], self.gains[over]


def gather(
    about: str,
    horizon_days: int,
    signals: Sequence[Signal],
    panel: Panel,
    universe: Universe,
    legs: np.ndarray,
    on: dt.date,
    trail: Trail | None,
) -> Evidence:
    """Return the scores in favour of a subject on every Friday so far and on the day, and what came of each.

    ``legs`` is the subject as weights, shape (n,); ``trail`` None knows of no outcome.
    """
    series = [name for signal in signals for name in signal.named(panel.names)]
    known = ordinals(panel.only(dict.fromkeys(series)).days(on))
    today = on.toordinal()
    days = np.union1d(fridays(int(known[0]), today), [today]) if len(known) else np.array([today])
    found = in_favour(about, signals, panel, universe, days)
    return Evidence(days, found, *outcomes(trail, legs, days, horizon_days, on))


def in_favour(about: str, signals: Sequence[Signal], panel: Panel, universe: Universe, days: np.ndarray) -> np.ndarray:
    """Return the scores of some days (ordinals) in favour of a subject, shape (days, k): opposite ones are turned."""
    sides = [direction(each.about, about, universe) if each.about else 1.0 for each in signals]
    return scores(signals, panel, stamps(days, "day")).to_numpy(dtype=float) * np.array(sides)
