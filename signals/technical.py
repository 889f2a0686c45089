"""Trends in prices: moving averages and crossovers, momentum, relative strength, distance from highs.

Levels are index or price levels, total return where there is the choice. Lookbacks count rows of the series: 21 to a
month of days, 1 to a month of months. Signs are the market's: positive is strength.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from ..units import FrozenMap
from .kinds import Measure, at_least, rows
from .ratios import ratio
from .transforms import rank
from .windows import (
    exponential_mean,
    logarithm,
    moments,
    ramp_sum,
    reach,
    shifted,
    window_extreme,
    window_mean,
    window_sum,
)

_ROUNDING = 1e-14
"""A slope below this share of a log level is rounding."""


def moving_average_gap(levels: np.ndarray, *, window: int = 200) -> np.ndarray:
    """Return how far a level stands above its own moving average: ``L_t / mean(L_{t-window+1..t}) - 1``, a decimal.

    Source: M. Faber (2007), A Quantitative Approach to Tactical Asset Allocation, J. of Wealth Management: ten months.

    >>> moving_average_gap(np.array([1.0, 1.0, 2.0]), window=2).round(4)
    array([   nan, 0.    , 0.3333])
    """
    at_least("moving_average_gap", window=(window, 1))
    return ratio(levels, window_mean(levels, window)) - 1.0


def crossover(levels: np.ndarray, *, short: int = 50, long: int = 200) -> np.ndarray:
    """Return how far the short moving average stands above the long one: ``SMA_short / SMA_long - 1``, a decimal.

    Source: W. Brock, J. Lakonishok and B. LeBaron (1992), Simple Technical Trading Rules, Journal of Finance 47.

    >>> crossover(np.array([1.0, 1.0, 2.0]), short=1, long=3).round(4)
    array([nan, nan, 0.5])
    """
    at_least("crossover", short=(short, 1), long=(long, short + 1))
    return ratio(window_mean(levels, short), window_mean(levels, long)) - 1.0


def exponential_crossover(levels: np.ndarray, *, short: float = 16.0, long: float = 48.0) -> np.ndarray:
    """Return ``EMA_short / EMA_long - 1``, a decimal; an average of n rows has the decay ``1 - 1/n``.

    Each average runs over the rows that hold all but a millionth of its weight; NaN until there are ``long`` rows.
    Source: J. Baz et al. (2015), Dissecting Investment Strategies in the Cross Section and Time Series: pairs 8/24,
    16/48 and 32/96.

    >>> exponential_crossover(np.array([1.0, 1.0, 2.0]), short=2, long=3).round(4)
    array([   nan,    nan, 0.0663])
    """
    at_least("exponential_crossover", short=(short, 1.001), long=(long, short))
    fast, slow = (exponential_mean(levels, 1.0 - 1.0 / n) for n in (short, long))
    out = ratio(fast, slow) - 1.0
    out[: math.ceil(long) - 1] = np.nan
    return out


def momentum(levels: np.ndarray, *, lookback: int = 252, skip: int = 21) -> np.ndarray:
    """Return the growth from ``lookback`` to ``skip`` rows ago: ``L_{t-skip} / L_{t-lookback} - 1``, a decimal.

    12-1 by default: the last month is left out because it tends to reverse. Source: N. Jegadeesh and S. Titman (1993),
    Returns to Buying Winners and Selling Losers, Journal of Finance 48.

    >>> momentum(np.array([1.0, 1.1, 1.21, 9.0]), lookback=3, skip=1).round(4)
    array([ nan,  nan,  nan, 0.21])
    """
    at_least("momentum", skip=(skip, 0), lookback=(lookback, skip + 1))
    return ratio(shifted(levels, skip), shifted(levels, lookback)) - 1.0


def time_series_momentum(levels: np.ndarray, *, lookback: int = 252, window: int = 60) -> np.ndarray:
    """Return the growth over ``lookback`` rows in units of its own volatility: standard deviations.

    ``ln(L_t / L_{t-lookback}) / (s sqrt(lookback))`` with ``s`` a row's exponentially weighted volatility, whose
    weights have their centre of mass at ``window`` rows. Source: T. Moskowitz, Y. H. Ooi and L. H. Pedersen (2012),
    Time Series Momentum, Journal of Financial Economics 104, who take the sign and scale by volatility.

    >>> steady = np.exp(0.01 * np.arange(4) + [0.0, 0.0, 0.005, 0.0])
    >>> time_series_momentum(steady, lookback=3, window=1).round(4)
    array([   nan,    nan,    nan, 1.7974])
    """
    at_least("time_series_momentum", lookback=(lookback, 1), window=(window, 1))
    logs = logarithm(levels)
    returns = logs - shifted(logs, 1)
    spread = np.sqrt(exponential_mean(returns**2, window / (window + 1.0), least=2))
    growth = logs - shifted(logs, lookback)
    return ratio(growth, spread * math.sqrt(lookback))


def relative_strength(levels: np.ndarray, *, lookback: int = 252, skip: int = 0) -> np.ndarray:
    """Return the growth of the first series over that of the second: ``g_1 - g_2``, a decimal.

    Source: G. Antonacci (2014), Dual Momentum Investing: relative momentum.

    >>> relative_strength(np.array([[1.0, 1.0], [1.2, 1.1]]), lookback=1).round(4)
    array([nan, 0.1])
    """
    growth = momentum(levels, lookback=lookback, skip=skip)
    return growth[:, 0] - growth[:, 1]


def dual_momentum(levels: np.ndarray, *, lookback: int = 252, skip: int = 0) -> np.ndarray:
    """Return by how much the first series outgrew both its rival and cash: ``g_1 - max(g_2, g_3)``, a decimal.

    Positive only where both the relative and the absolute test are passed. Source: G. Antonacci (2014), Dual Momentum
    Investing.

    >>> dual_momentum(np.array([[1.0, 1.0, 1.0], [1.2, 1.1, 1.01]]), lookback=1).round(4)
    array([nan, 0.1])
    """
    growth = momentum(levels, lookback=lookback, skip=skip)
    return growth[:, 0] - np.maximum(growth[:, 1], growth[:, 2])


def cross_sectional_momentum(levels: np.ndarray, *, lookback: int = 252, skip: int = 21) -> np.ndarray:
    """Return the place of each series by :func:`momentum` among all, from -1 (weakest) to 1; a column each.

    The signal is that of its first series. Source: N. Jegadeesh and S. Titman (1993), as :func:`momentum`; C. Asness,
    T. Moskowitz and L. H. Pedersen (2013), Value and Momentum Everywhere, weight by rank.

    >>> cross_sectional_momentum(np.array([[1.0, 1.0, 1.0], [1.2, 1.1, 1.3]]), lookback=1, skip=0).round(4)
    array([[    nan,     nan,     nan], [ 0.    , -0.6667,  0.6667]])
    """
    return rank(momentum(levels, lookback=lookback, skip=skip))


def drawdown(levels: np.ndarray, *, window: int = 252) -> np.ndarray:
    """Return the distance from the highest level of the window: ``L_t / max(L_{t-window+1..t}) - 1``, 0 or less.

    Source: T. George and C.-Y. Hwang (2004), The 52-Week High and Momentum Investing, Journal of Finance 59.

    >>> drawdown(np.array([1.0, 2.0, 1.5]), window=2)
    array([  nan,  0.  , -0.25])
    """
    at_least("drawdown", window=(window, 1))
    return ratio(levels, window_extreme(levels, window, np.maximum)) - 1.0


def channel(levels: np.ndarray, *, window: int = 252) -> np.ndarray:
    """Return where a level stands between the lowest (-1) and the highest (1) of the window; 0 where nothing moved.

    ``2 (L - min) / (max - min) - 1``. Source: R. Donchian's channel (1960), by C. Lento and N. Gradojevic (2007).

    >>> channel(np.array([1.0, 3.0, 2.0]), window=3)
    array([nan, nan,  0.])
    """
    at_least("channel", window=(window, 2))
    high, low = (window_extreme(levels, window, extreme) for extreme in (np.maximum, np.minimum))
    width = high - low
    return 2.0 * np.divide(levels - low, width, out=0.5 + 0.0 * width, where=width > 0) - 1.0


def strength_index(levels: np.ndarray, *, window: int = 14) -> np.ndarray:
    """Return J. W. Wilder's relative strength index: the share of rises in all moves, 0 to 100, 50 where none moved.

    ``100 U / (U + D)`` with U and D the means of rises and falls, weighted by ``(1 - 1/window)^j`` over the rows that
    hold all but a millionth of the weight. Source: New Concepts in Technical Trading Systems (1978).

    >>> strength_index(np.array([1.0, 2.0, 3.0, 2.0]), window=2).round(2)
    array([   nan,    nan, 100.  ,  42.86])
    """
    at_least("strength_index", window=(window, 2))
    moves = levels - shifted(levels, 1)
    up, down = (exponential_mean(np.maximum(side * moves, 0.0), 1.0 - 1.0 / window, least=window) for side in (1, -1))
    return 100.0 * np.divide(up, up + down, out=0.5 + 0.0 * up, where=up + down > 0)


def trend(levels: np.ndarray, *, window: int = 252) -> np.ndarray:
    """Return the t-statistic of the slope of log levels over the window, held within -100 and 100.

    The least-squares line ``ln L = a + b j`` over the window; t = b / se(b). Source: P. Baltas and R. Kosowski (2013),
    Momentum Strategies in Futures Markets and Trend-Following Funds: a trend signal that counts how straight it was.

    >>> trend(np.exp(np.array([0.0, 0.02, 0.03])), window=3).round(4)
    array([   nan,    nan, 5.1962])
    """
    at_least("trend", window=(window, 3))
    logs = logarithm(levels)
    ground = window * (window**2 - 1) / 12.0
    cross = (window - 1) / 2.0 * window_sum(logs, window) - ramp_sum(logs, window)
    _, _, square = moments(logs, window)
    slope = cross / ground
    error = np.sqrt(np.maximum(square - slope * cross, 0.0) / (window - 2) / ground)
    moved = np.abs(slope) > _ROUNDING * (np.abs(logs) + 1.0)
    size = np.maximum(error, np.abs(slope) / 100.0)
    return np.divide(slope, size, out=0.0 * cross, where=moved)


def _rows_of(average: float) -> int:
    return reach(1.0 - 1.0 / average)


def _growing(function: Callable[..., np.ndarray], count: int = 1, takes: str = "price levels") -> Measure:
    return Measure(function, "technical", rows("lookback", 1), takes, count, gives="decimal")


MEASURES: Mapping[str, Measure] = FrozenMap(
    {
        "channel": Measure(channel, "technical", rows("window"), "price levels", gives="-1 to 1"),
        "cross_sectional_momentum": Measure(
            cross_sectional_momentum, "technical", rows("lookback", 1), "price levels, the first one's place among all",
            None, crosswise=True, gives="-1 to 1",
        ),
        "crossover": Measure(crossover, "technical", rows("long"), "price levels", gives="decimal"),
        "drawdown": Measure(drawdown, "technical", rows("window"), "price levels", gives="decimal"),
        "dual_momentum": _growing(dual_momentum, 3, "levels of the asset, its rival and cash"),
        "exponential_crossover": Measure(
            exponential_crossover, "technical", lambda given: max(_rows_of(given["long"]), math.ceil(given["long"])),
            "price levels", gives="decimal",
        ),
        "momentum": _growing(momentum),
        "moving_average_gap": Measure(moving_average_gap, "technical", rows("window"), "price levels", gives="decimal"),
        "relative_strength": _growing(relative_strength, 2, "levels of the asset and of its rival"),
        "strength_index": Measure(
            strength_index, "technical", lambda given: _rows_of(given["window"]) + 1, "price levels", gives="0 to 100"
        ),
        "time_series_momentum": Measure(
            time_series_momentum, "technical",
            lambda given: max(given["lookback"], reach(given["window"] / (given["window"] + 1.0))) + 1,
            "price levels", gives="standard deviations",
        ),
        "trend": Measure(trend, "technical", rows("window"), "price levels", gives="t-statistic"),
    }
)  # fmt: skip
