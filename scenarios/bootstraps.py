"""How sure a statistic of a return history is: the stationary bootstrap.

A resampled history is made of blocks of the real one, each starting anywhere and of geometric length with mean L,
wrapped round at the end (Politis and Romano 1994), so that what follows what within a block stays together: momentum,
clustered volatility, views that live for months. Percentiles of the statistic over resampled histories are its
interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

_BATCH = 4_000_000
"""Numbers resampled at once: 32 MB."""


@dataclass(frozen=True)
class Interval:
    """A statistic with its interval at a level (0.90: the 5th to the 95th percentile)."""

    value: float
    low: float
    high: float
    level: float = 0.90

    def __str__(self) -> str:
        """Write it as ``0.52 (0.10 to 0.95)``."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def block_length(periods: int) -> float:
    """Return the mean length of a block where nobody says: the cube root of the periods, the rate that is optimal."""
    return max(1.0, float(periods) ** (1.0 / 3.0))


def resample(periods: int, draws: int, *, length: float | None = None, seed: int = 0) -> np.ndarray:
    """Return the rows of resampled histories, shape (draws, periods): the same for the same seed.

    >>> rows = resample(5, 2, length=5, seed=1)
    >>> rows.shape, bool(((rows >= 0) & (rows < 5)).all())
    ((2, 5), True)
    """
    mean = block_length(periods) if length is None else float(length)
    if periods < 1 or draws < 1 or not mean >= 1.0:
        raise InputError(
            f"{draws} draws of {periods} periods in blocks of {mean:g} cannot be", code="BAD_BOOTSTRAP",
            field="length", value=mean, mend="at least one of each, and blocks of at least one period",
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    starts = rng.integers(periods, size=(draws, periods))
    fresh = rng.random((draws, periods)) < 1.0 / mean
    fresh[:, 0] = True
    at = np.arange(periods)
    begun = np.maximum.accumulate(np.where(fresh, at, 0), axis=1)
    return (np.take_along_axis(starts, begun, axis=1) + at - begun) % periods


def bootstrap(
    history: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    draws: int = 2000,
    level: float = 0.90,
    length: float | None = None,
    seed: int = 0,
) -> Interval:
    """Return a statistic of a history with its bootstrap interval.

    Parameters
    ----------
    history
        Shape (T,) or (T, k): several series that are resampled together.
    statistic
        Takes histories of shape (m, T) or (m, T, k) and returns m numbers.
    draws, level, length, seed
        Resampled histories; the share of them inside; mean block length in periods (default: cube root of T); the same
        seed gives the same interval.

    >>> found = bootstrap(np.array([0.01, 0.03, -0.01, 0.02] * 30), lambda h: h.mean(-1))
    >>> bool(found.low < 0.0125 < found.high)
    True
    """
    own = {"": statistic}
    return bootstrap_all(history, own, draws=draws, level=level, length=length, seed=seed)[""]


def bootstrap_all(
    history: np.ndarray,
    statistics: Mapping[str, Callable[[np.ndarray], np.ndarray]],
    *,
    draws: int = 2000,
    level: float = 0.90,
    length: float | None = None,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return several statistics of the same resampled histories: each as :func:`bootstrap` says it, drawn once."""
    values = np.asarray(history, dtype=float)
    if not np.isfinite(values).all():
        raise InputError("the history has a gap", code="BAD_HISTORY", field="history", mend="drop or fill the period")
    rows = resample(len(values), draws, length=length, seed=seed)
    step = max(1, _BATCH // max(values.size, 1))
    found: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for i in range(0, draws, step):
        drawn = values[rows[i : i + step]]
        for name, statistic in statistics.items():
            found[name].append(statistic(drawn))
    return {
        name: _interval(float(statistic(values[None])[0]), np.concatenate(found[name]), level)
        for name, statistic in statistics.items()
    }


def _interval(value: float, found: np.ndarray, level: float) -> Interval:
    tail, known = 0.5 * (1.0 - level), found[np.isfinite(found)]
    low, high = np.quantile(known, [tail, 1.0 - tail]) if len(known) else (np.nan, np.nan)
    return Interval(value, float(low), float(high), level)
