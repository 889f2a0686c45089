"""Numbers in time as states that do not flicker: a state is left only once the number is clearly past its threshold."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

import numpy as np


def step_states(numbers: np.ndarray, thresholds: tuple[float, ...], hysteresis: float) -> np.ndarray:
    """Return the state by thresholds that are entered at their value and left that share below it; NaN: none.

    >>> step_states(np.array([0.1, 0.21, 0.19, 0.17, 0.19]), (0.2,), 0.1)
    array([0, 1, 1, 0, 0])
    """
    found, state = np.empty(len(numbers), dtype=int), 0
    enter = np.array(thresholds)
    leave = enter - hysteresis * np.abs(enter)
    for row, number in enumerate(numbers):
        if np.isnan(number):
            found[row] = -1
            continue
        state = max(int((number > enter).sum()), min(state, int((number >= leave).sum())))
        found[row] = state
    return found


def turned_sides(numbers: np.ndarray, band: float) -> np.ndarray:
    """Return 1 for up, 0 for down, -1 for none; within the band the side stays.

    >>> turned_sides(np.array([0.5, -0.1, -0.3, np.nan, 0.1]), 0.2)
    array([ 1,  1,  0, -1,  0])
    """
    found, side = np.empty(len(numbers), dtype=int), -1
    for row, number in enumerate(numbers):
        if np.isnan(number):
            found[row] = -1
            continue
        if side < 0 or abs(number) > band:
            side = int(number > 0)
        found[row] = side
    return found


def past_percentiles(numbers: np.ndarray, fresh: np.ndarray, least: int) -> np.ndarray:
    """Return the share of the numbers so far that are lower, ties by half; NaN before there are ``least``."""
    found, past = np.full(len(numbers), np.nan), []
    for row, number in enumerate(numbers):
        if np.isnan(number):
            continue
        if fresh[row]:
            insort(past, number)
        if len(past) >= least:
            found[row] = (bisect_left(past, number) + bisect_right(past, number)) / (2 * len(past))
    return found
