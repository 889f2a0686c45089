"""Sums, extremes and moments over trailing windows, whose bits depend on the window alone.

A running sum carries the rounding of everything before the window, so the last day alone would not equal the last day
of a full run. Here a window of n rows is a tree of halves (``S_2m(i) = S_m(i) + S_m(i - m)``): log2(n) passes over the
column, no cancellation, and the same bits whatever came before. Rows run along the first axis, oldest first.
"""

from __future__ import annotations

import math

import numpy as np


def shifted(values: np.ndarray, by: int) -> np.ndarray:
    """Return the values of ``by`` rows before; NaN where there are none.

    >>> shifted(np.array([1.0, 2.0, 3.0]), 1)
    array([nan,  1.,  2.])
    """
    out = np.full(np.shape(values), np.nan)
    if by < len(values):
        out[by:] = values[: len(values) - by]
    return out


def logarithm(values: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of what is positive; NaN elsewhere.

    >>> logarithm(np.array([1.0, -1.0]))
    array([ 0., nan])
    """
    return np.log(values, out=np.full(np.shape(values), np.nan), where=np.asarray(values) > 0)


def window_sum(values: np.ndarray, window: int, decay: float = 1.0) -> np.ndarray:
    """Return ``sum_{j < window} decay^j x_{i-j}``; NaN where the window is not full or holds a NaN.

    >>> window_sum(np.array([1.0, 2.0, 3.0, 4.0]), 3)
    array([nan, nan,  6.,  9.])
    """
    out = open_sum(values, window, decay)
    out[: window - 1] = np.nan
    return out


def open_sum(values: np.ndarray, window: int, decay: float = 1.0) -> np.ndarray:
    """Return the same, over the rows there are where there are fewer than the window."""
    part = np.array(values, dtype=float)
    out, have, size = None, 0, 1
    while True:
        if window & size:
            if out is None:
                out = part.copy()
            elif have < len(part):
                out[have:] += part[: len(part) - have] * decay**have if decay != 1.0 else part[: len(part) - have]
            have += size
        if 2 * size > window:
            return np.zeros_like(part) if out is None else out
        grown = part.copy()
        if size < len(part):
            grown[size:] += part[:-size] * decay**size if decay != 1.0 else part[:-size]
        part, size = grown, 2 * size


def ramp_sum(values: np.ndarray, window: int) -> np.ndarray:
    """Return ``sum_{j < window} j x_{i-j}``: older rows count more; NaN as :func:`window_sum`.

    >>> ramp_sum(np.array([1.0, 2.0, 3.0, 4.0]), 3)
    array([nan, nan,  4.,  7.])
    """
    part = np.array(values, dtype=float)
    ramp, out = np.zeros_like(part), np.zeros_like(part)
    have, size = 0, 1
    while size <= window:
        if window & size and have < len(part):
            stop = len(part) - have
            out[have:] += ramp[:stop] + have * part[:stop]
            have += size
        if size < len(part):
            grown, rising = part.copy(), ramp.copy()
            rising[size:] += ramp[:-size] + size * part[:-size]
            grown[size:] += part[:-size]
            part, ramp = grown, rising
        size *= 2
    out[: window - 1] = np.nan
    return out


def window_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean of the window; NaN where it is not full or holds a NaN.

    >>> window_mean(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    array([nan, 1.5, 2.5, 3.5])
    """
    return window_sum(values, window) / window


def window_extreme(values: np.ndarray, window: int, extreme: np.ufunc) -> np.ndarray:
    """Return the greatest (``np.maximum``) or least (``np.minimum``) of the window; NaN as :func:`window_sum`.

    >>> window_extreme(np.array([1.0, 3.0, 2.0, 1.0]), 2, np.maximum)
    array([nan,  3.,  3.,  2.])
    """
    out, size = np.array(values, dtype=float), 1
    while size < window:
        step = min(size, window - size)
        grown = out.copy()
        if step < len(out):
            extreme(out[step:], out[:-step], out=grown[step:])
        out, size = grown, size + step
    out[: window - 1] = np.nan
    return out


def reach(decay: float, left: float = 1e-6) -> int:
    """Return after how many rows the weights of an exponential average have ``left`` of their sum still to come.

    >>> reach(0.94), reach(0.5)
    (224, 20)
    """
    return max(1, math.ceil(math.log(left) / math.log(decay))) if 0 < decay < 1 else 1


def exponential_mean(values: np.ndarray, decay: float, least: int = 1) -> np.ndarray:
    """Return ``sum_j decay^j x_{i-j} / sum_j decay^j`` over the last :func:`reach` rows, those without a NaN.

    NaN where fewer than ``least`` of them say something.
    """
    window = reach(decay)
    said = ~np.isnan(values)
    top = open_sum(np.where(said, values, 0.0), window, decay)
    weights = open_sum(said, window, decay)
    enough = weights > 0
    if least > 1:
        enough &= open_sum(said, window) >= least
    return np.divide(top, weights, out=np.full(np.shape(values), np.nan), where=enough)


def moments(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return count, mean and sum of squared deviations of what a window says; a window of 0 is all rows so far.

    Halves are merged by the update of Chan, Golub and LeVeque (1979), which does not cancel.

    >>> [each.tolist() for each in moments(np.array([1.0, np.nan, 3.0]), 2)]
    [[1.0, 1.0, 1.0], [1.0, 1.0, 3.0], [0.0, 0.0, 0.0]]
    """
    said = ~np.isnan(values)
    part = (said.astype(float), np.where(said, values, 0.0), np.zeros(np.shape(values)))
    if not window:
        return _moments_so_far(*part[:2])
    out, have, size = None, 0, 1
    while True:
        if window & size:
            out = part if out is None else _merged(out, part, have)
            have += size
        if 2 * size > window:
            return out if out is not None else part
        part, size = _merged(part, part, size), 2 * size


Moments = tuple[np.ndarray, np.ndarray, np.ndarray]


def _merged(new: Moments, old: Moments, by: int) -> Moments:
    """Merge each row's moments with those of ``by`` rows before."""
    if by >= len(new[0]):
        return new
    count, mean, square = (each.copy() for each in new)
    n, m, (c, u, q) = count[by:], mean[by:], (each[:-by] for each in old)
    total = n + c
    share = c / np.maximum(total, 1.0)
    gap = u - m
    square[by:] += q
    square[by:] += gap * gap * share * n
    mean[by:] += gap * share
    count[by:] = total
    return count, mean, square


def _moments_so_far(said: np.ndarray, values: np.ndarray) -> Moments:
    """Sum from the first value there is on: the start is fixed, so the bits of a row are too."""
    count = np.cumsum(said, axis=0)
    first = np.take_along_axis(values, np.argmax(said > 0, axis=0)[None], axis=0)
    gap = (values - first) * said
    total, most = np.cumsum(gap, axis=0), np.maximum(count, 1.0)
    square = np.maximum(np.cumsum(gap * gap, axis=0) - total * total / most, 0.0)
    return count, first + total / most, square
