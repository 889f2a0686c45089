"""How much prices move: realised, exponentially weighted, from highs and lows, implied, and against their own past.

Volatilities are decimals a year: ``year`` is the rows of one (252 days, 12 months). A high volatility is usually bad
for risky assets: a signal says so with ``sign = -1``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..units import FrozenMap
from .kinds import Measure, at_least, at_most, only, rows
from .ratios import ratio
from .transforms import percentile
from .windows import exponential_mean, logarithm, reach, shifted, window_mean, window_sum


def _returns(levels: np.ndarray) -> np.ndarray:
    logs = logarithm(levels)
    return logs - shifted(logs, 1)


def realised_volatility(levels: np.ndarray, *, window: int = 21, year: int = 252) -> np.ndarray:
    """Return the standard deviation (n - 1) of the last ``window`` log returns, a decimal a year.

    ``sqrt(year sum (r - mean)^2 / (n - 1))``. Source: J. C. Hull, Options, Futures and Other Derivatives, on
    estimating volatility from historical data.

    >>> realised_volatility(np.exp(np.array([0.0, 0.01, 0.0])), window=2, year=1).round(4)
    array([   nan,    nan, 0.0141])
    """
    at_least("realised_volatility", window=(window, 2), year=(year, 1))
    returns = _returns(levels)
    total = window_sum(returns, window)
    # Returns vary about nought, so this difference does not cancel as it would for levels.
    square = window_sum(returns * returns, window) - total * total / window
    return np.sqrt(year / (window - 1) * np.maximum(square, 0.0))


def exponential_volatility(levels: np.ndarray, *, decay: float = 0.94, least: int = 20, year: int = 252) -> np.ndarray:
    """Return the exponentially weighted volatility of log returns about nought, a decimal a year.

    ``sqrt(year sum decay^j r_{t-j}^2 / sum decay^j)`` over the rows that hold all but a millionth of the weight (224
    at 0.94); NaN with fewer than ``least`` returns. Source: J.P. Morgan, RiskMetrics Technical Document (1996), 0.94
    for days and 0.97 for months.

    >>> exponential_volatility(np.exp(np.array([0.0, 0.01, 0.01])), decay=0.5, least=2, year=1).round(5)
    array([    nan,     nan, 0.00577])
    """
    at_least("exponential_volatility", decay=(decay, 0.01), least=(least, 1), year=(year, 1))
    at_most("exponential_volatility", decay=(decay, 0.9999))
    return np.sqrt(year * exponential_mean(_returns(levels) ** 2, decay, least))


def range_volatility(levels: np.ndarray, *, window: int = 21, year: int = 252) -> np.ndarray:
    """Return the volatility from highs and lows of each row, a decimal a year.

    ``sqrt(year / (4 ln 2) mean(ln(H/L)^2))``; five times as efficient as closes. Source: M. Parkinson (1980), The
    Extreme Value Method for Estimating the Variance of the Rate of Return, Journal of Business 53.

    >>> range_volatility(np.array([[1.02, 1.0], [1.03, 1.0]]), window=2, year=1).round(4)
    array([   nan, 0.0151])
    """
    at_least("range_volatility", window=(window, 1), year=(year, 1))
    return np.sqrt(
        year / (4.0 * math.log(2.0)) * window_mean(logarithm(ratio(levels[:, 0], levels[:, 1])) ** 2, window)
    )


def implied_volatility(quotes: np.ndarray, *, unit: float = 0.01) -> np.ndarray:
    """Return an implied-volatility index (VIX and its like, in points) as a decimal a year: ``unit`` times the quote.

    Source: Cboe, VIX White Paper: the 30-day volatility that option prices imply.

    >>> implied_volatility(np.array([20.0]))
    array([0.2])
    """
    return unit * quotes


def volatility_premium(values: np.ndarray, *, window: int = 21, year: int = 252, unit: float = 0.01) -> np.ndarray:
    """Return implied variance above realised variance, decimals a year: ``(unit IV)^2 - realised^2``.

    The first series is the implied index in points, the second the price level. A high premium has foretold high
    returns. Source: T. Bollerslev, G. Tauchen and H. Zhou (2009), Expected Stock Returns and Variance Risk Premia,
    Review of Financial Studies 22.

    >>> volatility_premium(np.array([[20, 1.0], [20, 1.0], [20, 1.0]]), window=2).round(4)
    array([ nan,  nan, 0.04])
    """
    realised = realised_volatility(values[:, 1], window=window, year=year)
    return (unit * values[:, 0]) ** 2 - realised**2


def volatility_ratio(levels: np.ndarray, *, short: int = 21, long: int = 252) -> np.ndarray:
    """Return the realised volatility of a short window over that of a long one: ``s_short / s_long - 1``, a decimal.

    Positive where a market has become rougher than it used to be. Source: A. Moreira and T. Muir (2017),
    Volatility-Managed Portfolios, Journal of Finance 72, scale by last month's.

    >>> volatility_ratio(np.exp(np.array([0.0, 0.01, 0.0, 0.03])), short=2, long=3).round(4)
    array([   nan,    nan,    nan, 0.4142])
    """
    at_least("volatility_ratio", short=(short, 2), long=(long, short + 1))
    near, far = (realised_volatility(levels, window=window) for window in (short, long))
    return ratio(near, far) - 1.0


def volatility_regime(
    levels: np.ndarray, *, window: int = 21, history: int = 756, calm: float = 0.5, stressed: float = 0.9
) -> np.ndarray:
    """Return 0 (calm), 1 (normal) or 2 (stressed): where realised volatility stands in its own recent past.

    Its percentile among the last ``history`` rows, at least half of them, cut at ``calm`` and ``stressed``. A number
    for scores and rules; labels, persistence and probabilities are those of a regime. Source: the threshold rule of
    practice, as in Moreira and Muir (2017).

    >>> wild = np.exp(np.cumsum([0.0, 0.01, -0.01, 0.01, -0.05, 0.05]))
    >>> volatility_regime(wild, window=2, history=4)
    array([nan, nan, nan,  1.,  1.,  1.])
    """
    at_least("volatility_regime", window=(window, 2), history=(history, 2), stressed=(stressed, calm))
    place = percentile(realised_volatility(levels, window=window), window=history, least=(history + 1) // 2)
    return np.where(np.isnan(place), np.nan, (place >= calm).astype(float) + (place >= stressed))


def _technical(function, memory, takes: str = "price levels", count: int = 1, gives: str = "decimal a year") -> Measure:
    return Measure(function, "technical", memory, takes, count, gives=gives)


MEASURES: Mapping[str, Measure] = FrozenMap(
    {
        "exponential_volatility": _technical(exponential_volatility, lambda given: reach(given["decay"]) + 1),
        "implied_volatility": _technical(implied_volatility, only(1), "an implied-volatility index in points"),
        "range_volatility": _technical(range_volatility, rows("window"), "high and low of each row", 2),
        "realised_volatility": _technical(realised_volatility, rows("window", 1)),
        "volatility_premium": _technical(
            volatility_premium,
            rows("window", 1),
            "implied-volatility index in points, price levels",
            2,
            "variance a year",
        ),
        "volatility_ratio": _technical(volatility_ratio, rows("long", 1), gives="decimal"),
        "volatility_regime": _technical(
            volatility_regime, lambda given: given["window"] + given["history"], gives="0 calm, 1 normal, 2 stressed"
        ),
    }
)
