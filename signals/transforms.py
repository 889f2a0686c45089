"""What turns a measure's number into a score: against its own past, against others, smoothed, bounded. All causal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from ..units import FrozenMap
from .kinds import Transform, at_least, at_most, only, rows
from .windows import exponential_mean, moments, reach, shifted, window_mean

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
    kept = (count >= (min(least, window) if window else least)) & (spread > _FLAT * np.abs(mean))
    return (values - mean) / np.where(kept, spread, np.nan)


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
    at_most("winsorise", tail=(tail, 0.5))
    roll = _rolling(values, window, least)
    low, high = (roll.quantile(q).to_numpy().reshape(np.shape(values)) for q in (tail, 1.0 - tail))
    return np.clip(values, low, high)


def robust(values: np.ndarray, *, window: int = 0, least: int = 24) -> np.ndarray:
    """Return ``(x - median) / (1.4826 MAD)`` against its own past: a z-score that outliers do not move.

    MAD is the median distance from the median over the last ``window`` rows (0: all so far); 1.4826 makes it the
    standard deviation of normal numbers. NaN with fewer than ``least`` values or where half of them are equal.

    >>> robust(np.array([1.0, 2.0, 3.0, 100.0]), least=4).round(2)
    array([  nan,   nan,   nan, 65.76])
    """
    at_least("robust", window=(window, 0), least=(least, 2))
    flat = np.asarray(values, dtype=float).reshape(len(values), -1)
    centred = [_within(each, window, min(least, window)) if window else _so_far(each, least) for each in flat.T]
    return np.column_stack(centred).reshape(np.shape(values)) if len(flat) else np.array(values, dtype=float)


def _within(values: np.ndarray, window: int, least: int) -> np.ndarray:
    """Read the windows of some rows at once, those before the first row as missing."""
    out, padded = np.full(len(values), np.nan), np.concatenate([np.full(window - 1, np.nan), values])
    step = max(1, 500_000 // window)
    for start in range(0, len(values), step):
        past = np.sort(sliding_window_view(padded[start : start + step + window - 1], window), axis=1)
        count = (~np.isnan(past)).sum(axis=1)
        middle = _middle(past, count)
        spread = 1.4826 * _middle(np.sort(np.abs(past - middle[:, None]), axis=1), count)
        kept = (count >= least) & (spread > _FLAT * np.abs(middle))
        out[start : start + step] = (values[start : start + step] - middle) / np.where(kept, spread, np.nan)
    return out


def _middle(ranked: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Return the median of the first ``count`` numbers of each row, which are ranked."""
    places = np.maximum(np.stack([(count - 1) // 2, count // 2], axis=1), 0)
    return np.take_along_axis(ranked, places, axis=1).mean(axis=1)


def _so_far(values: np.ndarray, least: int) -> np.ndarray:
    """Keep all values so far ranked, and put each new one in its place."""
    out, ranked, count = np.full(len(values), np.nan), np.empty(len(values)), 0
    for row, value in enumerate(values):
        if np.isnan(value):
            continue
        place = int(np.searchsorted(ranked[:count], value))
        ranked[place + 1 : count + 1] = ranked[place:count].copy()
        ranked[place] = value
        count += 1
        if count < least:
            continue
        middle = (ranked[(count - 1) // 2] + ranked[count // 2]) / 2.0
        spread = 1.4826 * float(np.median(np.abs(ranked[:count] - middle)))
        if spread > _FLAT * abs(middle):
            out[row] = (value - middle) / spread
    return out


def decay(values: np.ndarray, *, half_life: float = 10.0) -> np.ndarray:
    """Return the exponentially weighted mean: a value ``half_life`` rows old counts half.

    ``sum_j 2^(-j/h) x_{t-j} / sum_j 2^(-j/h)`` over 20 half-lives, after which a millionth of the weight is left out.

    >>> decay(np.array([1.0, 1.0, 4.0]), half_life=1).round(4)
    array([1.    , 1.    , 2.7143])
    """
    at_least("decay", half_life=(half_life, 0.1))
    return exponential_mean(values, 0.5 ** (1.0 / half_life))


def trailing_average(values: np.ndarray, *, window: int = 3) -> np.ndarray:
    """Return the plain mean of the last ``window`` rows; NaN where one of them says nothing.

    >>> trailing_average(np.array([1.0, 2.0, 6.0]), window=2)
    array([nan, 1.5, 4. ])
    """
    at_least("trailing_average", window=(window, 1))
    return window_mean(values, window)


def difference(values: np.ndarray, *, lookback: int = 1) -> np.ndarray:
    """Return ``x_t - x_{t-lookback}``, in the unit of x.

    >>> difference(np.array([1.0, 2.0, 6.0]))
    array([nan,  1.,  4.])
    """
    at_least("difference", lookback=(lookback, 1))
    return values - shifted(values, lookback)


def change(values: np.ndarray, *, lookback: int = 1) -> np.ndarray:
    """Return ``x_t / x_{t-lookback} - 1``, a decimal; NaN where the value before is not positive.

    >>> change(np.array([2.0, 3.0, 1.5])).round(2)
    array([ nan,  0.5, -0.5])
    """
    at_least("change", lookback=(lookback, 1))
    before = shifted(values, lookback)
    return np.divide(values, before, out=np.full(np.shape(values), np.nan), where=before > 0) - 1.0


def sign(values: np.ndarray, *, dead: float = 0.0) -> np.ndarray:
    """Return 1 above ``dead``, -1 below ``-dead``, 0 between.

    >>> sign(np.array([-0.5, 0.01, 0.5]), dead=0.1)
    array([-1.,  0.,  1.])
    """
    at_least("sign", dead=(dead, 0.0))
    return np.where(np.abs(values) > dead, np.sign(values), 0.0 * values)


def clip(values: np.ndarray, *, most: float = 3.0) -> np.ndarray:
    """Return the values held within ``-most`` and ``most``.

    >>> clip(np.array([-5.0, 1.0]))
    array([-3.,  1.])
    """
    at_least("clip", most=(most, 0.0))
    return np.clip(values, -most, most)


def tanh(values: np.ndarray, *, most: float = 3.0) -> np.ndarray:
    """Bend large values towards ``most`` and leave small ones nearly as they are.

    The hyperbolic tangent, ``most`` times that of ``x / most``.

    >>> tanh(np.array([0.1, 9.0])).round(3)
    array([0.1  , 2.985])
    """
    at_least("tanh", most=(most, 1e-9))
    return most * np.tanh(values / most)


def scale(values: np.ndarray, *, by: float = 1.0, less: float = 0.0) -> np.ndarray:
    """Return ``by (x - less)``: a neutral level taken off, a unit changed.

    >>> scale(np.array([50.0, 55.0]), less=50.0, by=0.1)
    array([0. , 0.5])
    """
    return by * (values - less)


def rank(values: np.ndarray) -> np.ndarray:
    """Return the place of each column among the columns of its row, from -1 (lowest) to 1, ties in the middle.

    ``(2 r - 1) / n - 1`` with r = 1..n counted from below among the n columns that say something; NaN for one alone.

    >>> rank(np.array([[0.1, 0.3, 0.2, np.nan]])).round(3)
    array([[-0.667,  0.667,  0.   ,    nan]])
    """
    frame = pd.DataFrame(np.atleast_2d(np.asarray(values, dtype=float).T).T)
    count = frame.notna().sum(axis=1).to_numpy()[:, None]
    place = (2.0 * frame.rank(axis=1).to_numpy() - 1.0) / np.maximum(count, 1) - 1.0
    return np.where(count > 1, place, np.nan).reshape(np.shape(values))


def cross_zscore(values: np.ndarray) -> np.ndarray:
    """Return how many standard deviations (n - 1) each column stands above the mean of its row's columns.

    >>> cross_zscore(np.array([[1.0, 2.0, 3.0]]))
    array([[-1.,  0.,  1.]])
    """
    wide = np.atleast_2d(np.asarray(values, dtype=float).T).T
    said = ~np.isnan(wide)
    count = said.sum(axis=1, keepdims=True)
    mean = np.where(said, wide, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    gap = wide - mean
    spread = np.sqrt(np.where(said, gap * gap, 0.0).sum(axis=1, keepdims=True) / np.maximum(count - 1, 1))
    kept = said & (count > 1) & (spread > _FLAT * np.abs(mean))
    return np.divide(gap, spread, out=np.full(wide.shape, np.nan), where=kept).reshape(np.shape(values))


TRANSFORMS: Mapping[str, Transform] = FrozenMap(
    {
        "change": Transform(change, rows("lookback", 1)),
        "clip": Transform(clip, only(1)),
        "cross_zscore": Transform(cross_zscore, only(1), crosswise=True),
        "decay": Transform(decay, lambda given: reach(0.5 ** (1.0 / given["half_life"]))),
        "difference": Transform(difference, rows("lookback", 1)),
        "percentile": Transform(percentile, rows("window")),
        "rank": Transform(rank, only(1), crosswise=True),
        "robust": Transform(robust, rows("window")),
        "scale": Transform(scale, only(1)),
        "sign": Transform(sign, only(1)),
        "tanh": Transform(tanh, only(1)),
        "trailing_average": Transform(trailing_average, rows("window")),
        "winsorise": Transform(winsorise, rows("window")),
        "zscore": Transform(zscore, rows("window")),
    }
)
