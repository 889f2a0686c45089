"""The state of the economy: growth and its acceleration, jobs, diffusion, the yield curve, inflation, real rates.

Published figures are revised and come late: give each series its ``available_at``. Rates that the publisher states in
percent (unemployment) stay in percent; growth, inflation and yields are decimals a year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

from .kinds import Measure, at_least, only, rows
from .ratios import columns, growth
from .windows import shifted, window_extreme, window_mean


def growth_rate(levels: np.ndarray, *, lookback: int = 12, periods_per_year: int = 12) -> np.ndarray:
    """Return ``(L_t / L_{t-lookback})^(periods / lookback) - 1``: growth or inflation, a decimal a year.

    For levels and indices: GDP (4 and 4), payrolls, production, consumer prices.
    Source: US Bureau of Economic Analysis, NIPA Handbook, chapter 4, annualised rates of change.

    >>> growth_rate(np.array([100.0, 101.0]), lookback=1, periods_per_year=4).round(4)
    array([   nan, 0.0406])
    """
    at_least("growth_rate", lookback=(lookback, 1), periods_per_year=(periods_per_year, 1))
    return growth(levels, shifted(levels, lookback), lookback / periods_per_year)


def acceleration(levels: np.ndarray, *, short: int = 6, long: int = 12, periods_per_year: int = 12) -> np.ndarray:
    """Return annualised growth over ``short`` rows less that over ``long`` ones, a decimal a year.

    Of output or jobs it is growth momentum, of a price index inflation momentum: the two axes of a growth-inflation
    quadrant. Indices should be seasonally adjusted where ``short`` is not a whole year.
    Source: A. Ilmanen, T. Maloney and A. Ross (2014), Exploring macroeconomic sensitivities, J. Portfolio
    Management 40.

    >>> acceleration(np.array([100.0, 100.0, 110.0]), short=1, long=2, periods_per_year=1).round(4)
    array([   nan,    nan, 0.0512])
    """
    at_least("acceleration", short=(short, 1), long=(long, short + 1), periods_per_year=(periods_per_year, 1))
    soon, later = (growth(levels, shifted(levels, n), n / periods_per_year) for n in (short, long))
    return soon - later


def sahm_gap(rates: np.ndarray, *, smooth: int = 3, window: int = 12) -> np.ndarray:
    """Return ``U_t - min(U_{t-1} .. U_{t-window})``, U the mean rate of ``smooth`` months, in percentage points.

    Takes a seasonally adjusted unemployment rate in percent; half a point has meant a recession. For an unadjusted rate
    use :func:`rate_change` over a year. Source: C. Sahm (2019), Direct stimulus payments to individuals.

    >>> sahm_gap(np.array([4.0, 4.0, 4.0, 4.0, 4.6, 4.9]), smooth=2, window=2).round(4)
    array([ nan,  nan,  nan, 0.  , 0.3 , 0.75])
    """
    at_least("sahm_gap", smooth=(smooth, 1), window=(window, 1))
    mean = window_mean(rates, smooth)
    return mean - shifted(window_extreme(mean, window, np.minimum), 1)


def rate_change(rates: np.ndarray, *, lookback: int = 12) -> np.ndarray:
    """Return ``x_t - x_{t-lookback}``, in the unit of the rate; over a year no season is left in it.

    For unemployment, capacity utilisation, policy and mortgage rates. Source: the definition.

    >>> rate_change(np.array([5.0, 4.9, 4.5]), lookback=2)
    array([ nan,  nan, -0.5])
    """
    at_least("rate_change", lookback=(lookback, 1))
    return rates - shifted(rates, lookback)


def diffusion(levels: np.ndarray, *, lookback: int = 1) -> np.ndarray:
    """Return the percent of series that rose over ``lookback`` rows, those unchanged by half: 50 is no change.

    Takes any number of series: sectors' payrolls, indicators, regions. Only those with both values count.
    Source: G. Moore (1955), Diffusion indexes, National Bureau of Economic Research; the ISM counts its answers alike.

    >>> diffusion(np.array([[1.0, 1.0, 1.0, np.nan], [2.0, 1.0, 0.5, 3.0], [3.0, 2.0, 1.0, 4.0]]))
    array([ nan,  50., 100.])
    """
    at_least("diffusion", lookback=(lookback, 1))
    change = levels - shifted(levels, lookback)
    said = (~np.isnan(change)).sum(axis=1)
    score = 100.0 * (change > 0).sum(axis=1) + 50.0 * (change == 0).sum(axis=1)
    return np.divide(score, said, out=np.full(len(levels), np.nan), where=said > 0)


def index_gap(values: np.ndarray, *, neutral: float = 50.0) -> np.ndarray:
    """Return how far a diffusion index stands from the line between growth and decline, in points.

    For purchasing managers' indices (50), the Philadelphia and Empire State surveys (0).
    Source: Institute for Supply Management, Report on Business: above 50 manufacturing expands.

    >>> index_gap(np.array([57.7, 48.0])).round(1)
    array([ 7.7, -2. ])
    """
    return np.asarray(values, dtype=float) - neutral


def recession_probability(
    values: np.ndarray, *, constant: float = -0.6645, slope: float = -0.8102, smooth: int = 1
) -> np.ndarray:
    """Return ``Phi(constant + slope * 100 (y_long - y_short))``: the odds of a US recession in a year, 0 to 1.

    Takes the 10-year and the 3-month yield, decimals; ``smooth`` rows are averaged first (the study uses means of a
    quarter: 63 daily rows). Source: A. Estrella and F. Mishkin (1996), The yield curve as a predictor of U.S.
    recessions, Federal Reserve Bank of New York, Current Issues 2(7); the two numbers restate its table.

    >>> recession_probability(np.array([[0.05, 0.05 - 0.0121], [0.05, 0.05 + 0.0082]])).round(2)
    array([0.05, 0.5 ])
    """
    at_least("recession_probability", smooth=(smooth, 1))
    long, short = columns(values)
    return ndtr(constant + slope * 100.0 * window_mean(long - short, smooth))


def inversion(values: np.ndarray, *, window: int = 63) -> np.ndarray:
    """Return the share of the last ``window`` rows in which the long yield was below the short one, 0 to 1.

    One inverted day is noise, a quarter is not. Source: C. Harvey (1989), Forecasts of economic growth from the bond
    and stock markets, Financial Analysts Journal 45.

    >>> inversion(np.array([[0.03, 0.02], [0.02, 0.03], [0.02, 0.04]]), window=2)
    array([nan, 0.5, 1. ])
    """
    at_least("inversion", window=(window, 1))
    long, short = columns(values)
    below = np.where(np.isnan(long - short), np.nan, long < short)
    return window_mean(below, window)


def real_yield(values: np.ndarray, *, lookback: int = 12, periods_per_year: int = 12) -> np.ndarray:
    """Return ``y_t`` less the inflation of the last ``lookback`` rows, annualised: a decimal a year.

    Takes a nominal yield (decimal) and a price index in rows of one length. Source: I. Fisher (1896), Appreciation and
    interest, with past for expected inflation.

    >>> real_yield(np.array([[0.05, 100.0], [0.05, 102.0]]), lookback=1, periods_per_year=1).round(4)
    array([ nan, 0.03])
    """
    at_least("real_yield", lookback=(lookback, 1), periods_per_year=(periods_per_year, 1))
    nominal, consumer = columns(values)
    return nominal - growth(consumer, shifted(consumer, lookback), lookback / periods_per_year)


def _sahm_rows(parameters: Mapping) -> int:
    return parameters["smooth"] + parameters["window"]


MEASURES: Mapping[str, Measure] = {
    "growth_rate": Measure(
        growth_rate, "fundamental", rows("lookback", 1), "output, jobs or a price index", gives="decimal a year"
    ),
    "acceleration": Measure(
        acceleration, "fundamental", rows("long", 1), "output, jobs or a price index", gives="decimal a year"
    ),
    "sahm_gap": Measure(
        sahm_gap, "fundamental", _sahm_rows, "unemployment, percent, seasonally adjusted", gives="percentage points"
    ),
    "rate_change": Measure(rate_change, "fundamental", rows("lookback", 1), "a rate", gives="the series' unit"),
    "diffusion": Measure(
        diffusion, "fundamental", rows("lookback", 1), "any number of sectors or indicators", None, gives="0 to 100"
    ),
    "index_gap": Measure(index_gap, "fundamental", only(1), "a diffusion index", gives="points"),
    "recession_probability": Measure(
        recession_probability, "fundamental", rows("smooth"), "10-year, 3-month yield (decimals)", 2, gives="0 to 1"
    ),
    "inversion": Measure(
        inversion, "fundamental", rows("window"), "long yield, short yield (decimals)", 2, gives="0 to 1"
    ),
    "real_yield": Measure(
        real_yield, "fundamental", rows("lookback", 1), "yield (decimal), price index", 2, gives="decimal a year"
    ),
}
