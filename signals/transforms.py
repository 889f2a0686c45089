"""What turns a measure's number into a score: against its own past, against others, smoothed, bounded. All causal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .kinds import Transform, at_least, rows
from .windows import moments

_FLAT = 1e-12
"""A spread below this share of the mean is rounding: a series that does not move has no score."""


def zscore(values: np.ndarray, *, window: int = 0, least: int = 24) -> np.ndarray:
    """Return how many of its own standard deviations a value stands above its own mean.

    ``z = (x - mean) / s`` over the last ``window`` rows (0: all so far), the row itself included, ``s`` with n - 1.
    Standard deviations; NaN with fewer than ``least`` values or where nothing moved.

    >>> zscore(np.array([1.0, 2.0, 3.0]), least=2).round(4)
    array([   nan, 0.7071, 1.    ])
    """
    at_least("zscore", window=(window, 0), least=(least, 2))
    count, mean, square = moments(values, window)
    spread = np.sqrt(square / np.maximum(count - 1, 1))
    kept = (count >= least) & (spread > _FLAT * np.abs(mean))
    return np.divide(values - mean, spread, out=np.full(np.shape(values), np.nan), where=kept)


def _rolling(values: np.ndarray, window: int, least: int):
    frame = pd.DataFrame(np.asarray(values, dtype=float).reshape(len(values), -1))
    return frame.rolling(window, min_periods=min(least, window)) if window else frame.expanding(min_periods=least)


def percentile(values: np.ndarray, *, window: int = 0, least: int = 24, centred: bool = False) -> np.ndarray:
    """Return the share of its own past that lies below a value, ties and itself counted by half.

    Of the last ``window`` rows (0: all so far); between 0 and 1, or with ``centred`` between -1 and 1.

    >>> percentile(np.array([1.0, 3.0, 2.0, 4.0]), least=1)
    array([0.5  , 0.75 , 0.5  , 0.875])
    """
    at_least("percentile", window=(window, 0), least=(least, 1))
    roll = _rolling(values, window, least)
    share = ((roll.rank() - 0.5) / roll.count()).to_numpy().reshape(np.shape(values))
    share = np.where(np.isnan(values), np.nan, share)
    return 2.0 * share - 1.0 if centred else share


def winsorise(values: np.ndarray, *, window: int = 0, least: int = 24, tail: float = 0.05) -> np.ndarray:
    """Return the values held within the quantiles ``tail`` and ``1 - tail`` of their own past, themselves included.

    >>> winsorise(np.array([1.0, 2.0, 3.0, 100.0]), least=4, tail=0.25)
    array([  nan,   nan,   nan, 27.25])
    """
    at_least("winsorise", window=(window, 0), least=(least, 1), tail=(tail, 0.0))
    roll = _rolling(values, window, least)
    low, high = (roll.quantile(q).to_numpy().reshape(np.shape(values)) for q in (tail, 1.0 - tail))
    return np.clip(values, low, high)


TRANSFORMS: Mapping[str, Transform] = {
    "percentile": Transform(percentile, rows("window")),
    "winsorise": Transform(winsorise, rows("window")),
    "zscore": Transform(zscore, rows("window")),
}
