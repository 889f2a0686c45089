"""Prices and volatilities as numbers: trends, momentum, relative strength, realised and implied volatility."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .kinds import Measure, at_least, rows
from .windows import shifted, window_mean


def moving_average_gap(levels: np.ndarray, *, window: int = 200) -> np.ndarray:
    """Return how far a level stands above its own moving average: ``L_t / mean(L_{t-window+1..t}) - 1``, a decimal.

    Source: M. Faber (2007), A Quantitative Approach to Tactical Asset Allocation: 10 months, here about 200 days.

    >>> moving_average_gap(np.array([1.0, 1.0, 2.0]), window=2).round(4)
    array([   nan, 0.    , 0.3333])
    """
    at_least("moving_average_gap", window=(window, 1))
    return levels / window_mean(levels, window) - 1.0


def momentum(levels: np.ndarray, *, lookback: int = 252, skip: int = 21) -> np.ndarray:
    """Return the growth from ``lookback`` to ``skip`` rows ago: ``L_{t-skip} / L_{t-lookback} - 1``, a decimal.

    The last month is left out because it tends to reverse. Source: N. Jegadeesh and S. Titman (1993), Returns to
    Buying Winners and Selling Losers, Journal of Finance 48.

    >>> momentum(np.array([1.0, 1.1, 1.21, 9.0]), lookback=3, skip=1).round(4)
    array([ nan,  nan,  nan, 0.21])
    """
    at_least("momentum", skip=(skip, 0), lookback=(lookback, skip + 1))
    return shifted(levels, skip) / shifted(levels, lookback) - 1.0


MEASURES: Mapping[str, Measure] = {
    "momentum": Measure(momentum, "technical", rows("lookback", 1), "price levels", gives="decimal"),
    "moving_average_gap": Measure(moving_average_gap, "technical", rows("window"), "price levels", gives="decimal"),
}
