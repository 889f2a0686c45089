"""What measures of several series share: taking the columns apart, and dividing where that means something."""

from __future__ import annotations

import numpy as np


def columns(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the columns of shape (T, k), each of shape (T,), in the order of the signal's series."""
    return tuple(np.asarray(values, dtype=float).T)


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return ``top / bottom`` where the denominator is positive, and NaN elsewhere.

    A price over a loss, or growth from a negative base, is a number without a meaning: better none.

    >>> ratio(np.array([1.0, 1.0, 1.0]), np.array([2.0, 0.0, -2.0]))
    array([0.5, nan, nan])
    """
    top, bottom = np.broadcast_arrays(np.asarray(top, dtype=float), np.asarray(bottom, dtype=float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0)


def growth(levels: np.ndarray, earlier: np.ndarray, years: float = 1.0) -> np.ndarray:
    """Return ``(L / L_earlier)^(1 / years) - 1``, a decimal a year; NaN unless both levels are positive.

    >>> growth(np.array([1.21, 1.21]), np.array([1.0, -1.0]), years=2.0).round(4)
    array([0.1, nan])
    """
    share = ratio(levels, earlier)
    share = np.where(share > 0, share, np.nan)
    return share ** (1.0 / years) - 1.0
