"""Sums, extremes and moments over trailing windows, whose bits depend on the window alone.

A running sum carries the rounding of everything before the window, so the last day alone would not equal the last day
of a full run. Here a window of n rows is a tree of halves (``S_2m(i) = S_m(i) + S_m(i - m)``): log2(n) passes over the
column, no cancellation, and the same bits whatever came before. Rows run along the first axis, oldest first.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np


def shifted(values: np.ndarray, by: int) -> np.ndarray:
    """Return the values of ``by`` rows before; NaN where there are none.

    >>> shifted(np.array([1.0, 2.0, 3.0]), 1)
    array([nan,  1.,  2.])
    """
    out = np.empty(np.shape(values))
    out[:by] = np.nan
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
                out = part.copy() if 2 * size <= window else part
            elif have < len(part):
                out[have:] += _weighted(part[: len(part) - have], decay, have)
            have += size
        if 2 * size > window:
            return np.zeros_like(part) if out is None else out
        if size < len(part):
            grown = np.empty_like(part)
            grown[:size] = part[:size]
            np.add(part[size:], _weighted(part[:-size], decay, size), out=grown[size:])
            part = grown
        size *= 2


def _weighted(values: np.ndarray, decay: float, by: int) -> np.ndarray:
    return values if decay == 1.0 else values * decay**by


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
        if step < len(out):
            grown = np.empty_like(out)
            grown[:step] = out[:step]
            extreme(out[step:], out[:-step], out=grown[step:])
            out = grown
        size += step
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
    whole = _unbroken(said)
    if whole is None:
        top = open_sum(np.where(said, values, 0.0), window, decay)
        weights, counts = open_sum(said, window, decay), open_sum(said, window)
    else:
        # The usual case: no holes once it has begun. Weights are then a number a row, and the same bits.
        top = np.empty_like(values, dtype=float)
        top[:whole] = 0.0
        top[whole:] = open_sum(values[whole:], window, decay)
        held = np.zeros(len(values), dtype=np.int64)
        held[whole:] = np.minimum(np.arange(1, len(values) - whole + 1), window)
        shape = (-1,) + (1,) * (np.ndim(values) - 1)
        weights, counts = _weights(window, decay)[held].reshape(shape), held.reshape(shape)
    return top / np.where((weights > 0) & (counts >= least), weights, np.nan)


@lru_cache(maxsize=256)
def _weights(window: int, decay: float) -> np.ndarray:
    """The sum of weights of 0, 1, ... ``window`` rows, by the same tree as the sums they divide."""
    return np.concatenate([[0.0], open_sum(np.ones(window), window, decay)])


def _unbroken(said: np.ndarray) -> int | None:
    """Return the row from which every column says something, if none did before and all did ever after; else None."""
    if not said.size:
        return None
    flat = said.reshape(len(said), -1)
    first = int(np.argmax(flat[:, 0])) if flat[:, 0].any() else len(flat)
    return first if flat[first:].all() and not flat[:first].any() else None


def moments(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return count, mean and sum of squared deviations of what a window says; a window of 0 is all rows so far.

    Counts are a number a row, shape (T, 1), where all columns have the same.

    Halves are merged by the update of Chan, Golub and LeVeque (1979), which does not cancel.

    >>> [each.tolist() for each in moments(np.array([1.0, np.nan, 3.0]), 2)]
    [[1.0, 1.0, 1.0], [1.0, 1.0, 3.0], [0.0, 0.0, 0.0]]
    """
    said = ~np.isnan(values)
    if not window:
        return _moments_so_far(said.astype(float), np.where(said, values, 0.0))
    whole = _unbroken(said)
    if whole is None:
        return _moments_tree(said.astype(float), np.where(said, values, 0.0), window)
    # Without holes a count is one number a row, and once windows are full one number: the same bits, sooner.
    full = whole + window - 1
    full = len(said) if len(said) < 2 * full else full
    counts = said[:full, :1] if said.ndim > 1 else said[:full]
    young = _moments_tree(counts.astype(float), np.where(said[:full], values[:full], 0.0), window)
    if full == len(said):
        return young
    grown = _moments_tree(1.0, values[whole:], window)
    count = np.concatenate([young[0], np.full((len(said) - full, *young[0].shape[1:]), float(window))])
    mean, square = (np.concatenate([new, old[full - whole :]]) for new, old in zip(young[1:], grown[1:], strict=True))
    return count, mean, square


Moments = tuple[Any, np.ndarray, np.ndarray]
"""Count, mean and sum of squared deviations; the count of full windows is one number."""


def _moments_tree(said: Any, values: np.ndarray, window: int) -> Moments:
    """Merge halves; with 1 for ``said`` nothing is missing, and only rows whose window is full are right."""
    part: Moments = (said, values, np.zeros_like(values, dtype=float))
    out, have, size = None, 0, 1
    while True:
        if window & size:
            out = part if out is None else _merged(out, part, have)
            have += size
        if 2 * size > window:
            return part if out is None else out
        part, size = _merged(part, part, size), 2 * size


def _merged(new: Moments, old: Moments, by: int) -> Moments:
    """Merge each row's moments with those of ``by`` rows before."""
    (count, mean, square), (c, u, q) = new, old
    if by >= len(mean):
        return new
    if isinstance(count, float):
        total = count + c
        share, n = c / total, count
    else:
        n, c = count[by:], c[:-by]
        both = n + c
        share = c / np.maximum(both, 1.0)
        total = np.concatenate([count[:by], both])
    gap = u[:-by] - mean[by:]
    middle, spread = np.empty_like(mean), np.empty_like(square)
    middle[:by], spread[:by] = mean[:by], square[:by]
    np.multiply(gap, share, out=middle[by:])
    middle[by:] += mean[by:]
    np.add(square[by:], q[:-by], out=spread[by:])
    gap *= gap
    gap *= share * n
    spread[by:] += gap
    return total, middle, spread


def _moments_so_far(said: np.ndarray, values: np.ndarray) -> Moments:
    """Sum from the first value there is on: the start is fixed, so the bits of a row are too."""
    count = np.cumsum(said, axis=0)
    first = np.take_along_axis(values, np.argmax(said > 0, axis=0)[None], axis=0)
    gap = (values - first) * said
    total, most = np.cumsum(gap, axis=0), np.maximum(count, 1.0)
    square = np.maximum(np.cumsum(gap * gap, axis=0) - total * total / most, 0.0)
    return count, first + total / most, square
