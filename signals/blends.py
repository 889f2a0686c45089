"""The signals of one opinion in time: their scores on one subject, what came of them, and how they are weighed.

Weights are estimated anew on the first day of each period from scores known by then and forecasts that had ended by
then, and stay until the next: the score of a past day is the one that was made on that day.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from ..units import frozen
from .combinations import (
    Scheme,
    combined_coefficient,
    combined_score,
    distinct_weights,
    equal_worth,
    inverse_variance_worth,
    score_correlation,
    shrink_coefficients,
)
from .diagnostics import Skill, correlation, information_coefficient
from .evidences import Evidence
from .schedules import Refit, period_start

_WEEK = 7.0


@dataclass(frozen=True, eq=False)
class Blend:
    """How signals are weighed from a day on.

    Parameters
    ----------
    worth
        What each is worth by itself, shape (k,).
    alike
        The correlation of their scores, shape (k, k).
    coefficients
        Information coefficient of each over the horizon, shrunk, shape (k,).
    stated
        Whether the worth was stated by somebody: then it is the weight, however alike the signals are.
    """

    worth: np.ndarray
    alike: np.ndarray
    coefficients: np.ndarray
    stated: bool = False
    _known: dict[bytes, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def weights(self, present: np.ndarray) -> np.ndarray:
        """Return the weights of the signals that speak, shape (k,), zero for the others; they sum to 1 if any does."""
        key = present.tobytes()
        if key not in self._known:
            weights = np.zeros(len(self.worth))
            if present.any():
                alike = self.alike[np.ix_(present, present)]
                worth = self.worth[present]
                weights[present] = worth if self.stated else distinct_weights(worth, alike)
            total = weights.sum()
            self._known[key] = frozen(weights / total if total > 0 else weights)
        return self._known[key]

    def score(self, scores: np.ndarray) -> float:
        """Return the combined score of a day, NaN where nothing speaks; its usual size is 1."""
        present = np.isfinite(scores)
        return combined_score(np.where(present, scores, 0.0), self.weights(present), self.alike)

    def mean(self, scores: np.ndarray) -> float:
        """Return the weighted mean of the scores that speak, in their own unit; NaN where none does."""
        present = np.isfinite(scores)
        weights = self.weights(present)
        return float(weights @ np.where(present, scores, 0.0)) if weights.sum() > 0 else float("nan")

    def coefficient(self, present: np.ndarray) -> float:
        """Return the information coefficient of the combined score."""
        return combined_coefficient(self.coefficients, self.weights(present), self.alike)


def blend(evidence: Evidence, day: int, *, scheme: Scheme | np.ndarray, prior: float, horizon_days: int) -> Blend:
    """Estimate how signals are weighed, from what was known on a day.

    Parameters
    ----------
    scheme
        ``"equal"``, ``"inverse_variance"``, ``"ic"`` or the worth that somebody stated, shape (k,).
    prior
        The information coefficient that measured ones are shrunk to.
    horizon_days
        Of the forecasts: those that overlap count together once.
    """
    scores, over, gains = evidence.by(day)
    count = scores.shape[1]
    alike = score_correlation(scores)
    measured = np.array([correlation(over[:, j], gains, "linear") for j in range(count)])
    # Weekly forecasts of a quarter repeat each other; as many are independent as horizons fit into their time.
    independent = np.isfinite(over).sum(axis=0) * min(1.0, _WEEK / horizon_days)
    coefficients = shrink_coefficients(measured, independent, prior)
    if not isinstance(scheme, str):
        return Blend(np.asarray(scheme, dtype=float), alike, coefficients, stated=True)
    worths = {
        "equal": lambda: equal_worth(count),
        "inverse_variance": lambda: inverse_variance_worth(scores),
        "ic": lambda: coefficients,
    }
    return Blend(worths[scheme](), alike, coefficients)


@dataclass(frozen=True, eq=False)
class Blends:
    """The blends of an opinion by period, each estimated once, and what they made of each day.

    Parameters
    ----------
    evidence
        Scores and what came of them.
    scheme, prior, horizon_days
        As ``blend`` takes them.
    refit
        How long a blend is in force.
    in_units
        Combine as the mean of the scores in their own unit, not as a score whose usual size is 1.
    """

    evidence: Evidence
    scheme: Scheme | np.ndarray
    prior: float
    horizon_days: int
    refit: Refit
    in_units: bool = False
    _known: dict[dt.date, Blend] = field(default_factory=dict, init=False, repr=False)

    @property
    def weeks(self) -> int:
        """The horizon in weeks, at least 1: so many forecasts in a row overlap."""
        return max(1, round(self.horizon_days / _WEEK))

    def at(self, day: dt.date) -> Blend:
        """Return the blend in force on a day."""
        start = period_start(day, self.refit)
        if start not in self._known:
            self._known[start] = blend(
                self.evidence,
                start.toordinal(),
                scheme=self.scheme,
                prior=self.prior,
                horizon_days=self.horizon_days,
            )
        return self._known[start]

    def combined(self, day: int, scores: np.ndarray) -> float:
        """Return the combined score of scores of a day, with the blend in force on it."""
        now = self.at(dt.date.fromordinal(day))
        return now.mean(scores) if self.in_units else now.score(scores)

    def made(self, row: int) -> float:
        """Return the combined score of a day of the evidence, as it was made on it."""
        return self.combined(int(self.evidence.days[row]), self.evidence.scores[row])

    def turned(self) -> tuple[int, int]:
        """Return between which days the combined score took the sign it has: the last without it, the first with it."""
        last = len(self.evidence.days) - 1
        side = np.sign(self.made(last))
        first = last
        while first > 0 and np.sign(self.made(first - 1)) == side:
            first -= 1
        since = int(self.evidence.days[first])
        return int(self.evidence.days[first - 1]) if first > 0 else since - 7, since

    def skill(self, on: dt.date) -> Skill:
        """Return the rank coefficient of the forecasts whose horizon had ended by a day, each as it was made."""
        over = np.flatnonzero(self.evidence.ended <= on.toordinal())
        made = np.array([self.made(row) for row in over.tolist()])
        return information_coefficient(made, self.evidence.gains[over], horizon=self.weeks)
