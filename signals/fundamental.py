"""What an asset costs beside what it earns: yields, the adjusted P/E, risk premia, growth, revisions, margins.

Cheap or dear is a question of history as well as of level: a measure answers with the level, and the transforms
``zscore`` and ``percentile`` set it against its own past. Yields, growth and margins are decimals (0.05 is five
percent) and rows are the observations of the series, months mostly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .kinds import Measure, at_least, only, rows
from .ratios import columns, growth, ratio
from .windows import shifted, window_mean


def published(values: np.ndarray) -> np.ndarray:
    """Return a figure as its publisher states it: ``x_t``, in the series' own unit.

    For what arrives ready made: a P/E, a consensus growth rate, a net share of banks that tighten.
    Source: its publisher.

    >>> published(np.array([17.2, 18.1]))
    array([17.2, 18.1])
    """
    return np.array(values, dtype=float)


def price_earnings(values: np.ndarray) -> np.ndarray:
    """Return price over earnings, ``P_t / E_t``, in years; NaN where earnings are not positive.

    Takes the price (or index level) and the earnings of the last twelve months, or those expected of the next, in the
    same money. Its inverse, :func:`earnings_yield`, stays meaningful when earnings fall to nothing.
    Source: B. Graham and D. Dodd (1934), Security Analysis.

    >>> price_earnings(np.array([[2000.0, 100.0], [2000.0, -5.0]]))
    array([20., nan])
    """
    return ratio(*columns(values))


def earnings_yield(values: np.ndarray) -> np.ndarray:
    """Return earnings over price, ``E_t / P_t``, a decimal a year.

    Takes earnings, then price; losses make it negative. Serves dividends (a dividend yield) and cash flows alike.
    Source: E. Fama and K. French (1988), Dividend yields and expected stock returns, J. Financial Economics 22.

    >>> earnings_yield(np.array([[100.0, 2000.0], [-5.0, 2000.0]]))
    array([ 0.05  , -0.0025])
    """
    return ratio(*columns(values))


def cape(values: np.ndarray, *, window: int = 120) -> np.ndarray:
    """Return the cyclically adjusted P/E, ``P_t / mean_j(E_{t-j} C_t / C_{t-j})``, j = 1 .. ``window``, in years.

    Takes price, earnings of the last twelve months and a price index C, in monthly rows: ten years of real earnings
    before this month's, whose own are not reported yet. Averaging over a cycle keeps a recession from making shares
    look dear. Source: J. Campbell and R. Shiller (1988), Stock prices, earnings, and expected dividends, J. Finance 43;
    the PE10 column of Shiller's table.

    >>> prices, earnings, consumer = [20.0, 22.0, 24.0], [1.0, 2.0, 9.0], [100.0, 100.0, 200.0]
    >>> cape(np.array([prices, earnings, consumer]).T, window=2)  # 24 over twice the mean of 1 and 2
    array([nan, nan,  8.])
    """
    at_least("cape", window=(window, 1))
    price, earnings, consumer = columns(values)
    real = shifted(window_mean(ratio(earnings, consumer), window), 1)
    return ratio(price, real * consumer)


def excess_cape_yield(values: np.ndarray, *, window: int = 120, periods_per_year: int = 12) -> np.ndarray:
    """Return ``1 / CAPE - (y_t - inflation)``: what real earnings pay over a real bond, a decimal a year.

    Takes price, earnings, price index and nominal bond yield (decimal); inflation is that of the past ``window`` rows,
    annualised. Source: R. Shiller, L. Black and F. Jivraj (2020), CAPE and the COVID-19 Pandemic Effect.

    >>> rows = np.array([[20.0, 1.0, 100.0, 0.03]] * 3)
    >>> excess_cape_yield(rows, window=2)
    array([ nan,  nan, 0.02])
    """
    at_least("excess_cape_yield", window=(window, 1), periods_per_year=(periods_per_year, 1))
    consumer, nominal = columns(values)[2:]
    inflation = growth(consumer, shifted(consumer, window), window / periods_per_year)
    return 1.0 / cape(values[:, :3], window=window) - (nominal - inflation)


def yield_spread(values: np.ndarray) -> np.ndarray:
    """Return one yield less another, ``y_t - x_t``, a decimal a year.

    With a long and a short yield it is the slope of the curve; Baa and Treasury, a credit spread; Aaa and Treasury, the
    price of liquidity; interbank and bill, a TED spread; earnings and bonds, the "Fed model". Both yields must be of
    one kind: two means of the month, or two closing values, else one lags the other.
    Source: E. Fama and K. French (1989), Business conditions and expected returns, J. Financial Economics 25.

    >>> yield_spread(np.array([[0.0236, 0.0053], [0.0236, np.nan]])).round(4)
    array([0.0183,    nan])
    """
    first, second = columns(values)
    return first - second


def gordon_premium(values: np.ndarray, *, dividend_growth: float = 0.04) -> np.ndarray:
    """Return the equity risk premium ``D_t (1 + g) + g - y_t``, a decimal a year.

    Takes a dividend yield (earned over the last year) and a bond yield, decimals; g is the growth of dividends forever.
    With a nominal yield g is nominal growth, with a real one real growth.
    Source: M. Gordon (1962), The Investment, Financing, and Valuation of the Corporation.

    >>> gordon_premium(np.array([[0.02, 0.025]]), dividend_growth=0.04).round(4)
    array([0.0358])
    """
    dividends, bond = columns(values)
    return dividends * (1.0 + dividend_growth) + dividend_growth - bond


def earnings_growth(levels: np.ndarray, *, lookback: int = 12, periods_per_year: int = 12) -> np.ndarray:
    """Return ``(E_t / E_{t-lookback})^(periods / lookback) - 1``, a decimal a year; NaN from or into losses.

    For earnings, sales or dividends.
    Source: L. Chan, J. Karceski and J. Lakonishok (2003), The level and persistence of growth rates, J. Finance 58.

    >>> earnings_growth(np.array([100.0, -5.0, 108.0, 110.0]), lookback=2, periods_per_year=2).round(2)
    array([ nan,  nan, 0.08,  nan])
    """
    at_least("earnings_growth", lookback=(lookback, 1), periods_per_year=(periods_per_year, 1))
    return growth(levels, shifted(levels, lookback), lookback / periods_per_year)


def estimate_revision(values: np.ndarray, *, lookback: int = 6) -> np.ndarray:
    """Return ``(F_t - F_{t-lookback}) / P_{t-lookback}``: how estimates have moved, as a share of the price, a decimal.

    Takes the consensus of earnings (of one fixed year) and the price. Dividing by the price, not by the estimate, keeps
    small and negative estimates from exploding.
    Source: L. Chan, N. Jegadeesh and J. Lakonishok (1996), Momentum strategies, J. Finance 51.

    >>> estimate_revision(np.array([[5.0, 100.0], [5.5, 120.0]]), lookback=1)
    array([  nan, 0.005])
    """
    at_least("estimate_revision", lookback=(lookback, 1))
    estimate, price = columns(values)
    return ratio(estimate - shifted(estimate, lookback), shifted(price, lookback))


def revision_breadth(values: np.ndarray) -> np.ndarray:
    """Return ``(up - down) / (up + down)`` of the estimates revised in a period, between -1 and 1; NaN if none was.

    Takes the number of estimates raised and of those cut. Source: J. Dowen and W. Bauman (1991), Revisions in corporate
    earnings forecasts and common stock returns, Financial Analysts Journal 47.

    >>> revision_breadth(np.array([[30.0, 10.0], [0.0, 0.0]]))
    array([0.5, nan])
    """
    up, down = columns(values)
    return ratio(up - down, up + down)


def profit_margin(values: np.ndarray, *, window: int = 1) -> np.ndarray:
    """Return ``sum E / sum S`` over ``window`` rows: the share of sales that is left, a decimal.

    Takes earnings and sales; four quarterly rows take the season out. The transform ``difference`` makes it a change.
    Source: B. Graham and D. Dodd (1934), Security Analysis.

    >>> profit_margin(np.array([[1.0, 10.0], [3.0, 10.0]]), window=2)
    array([nan, 0.2])
    """
    at_least("profit_margin", window=(window, 1))
    earnings, sales = columns(values)
    return ratio(window_mean(earnings, window), window_mean(sales, window))


MEASURES: Mapping[str, Measure] = {
    "published": Measure(published, "fundamental", only(1), "a figure as published", gives="the series' unit"),
    "price_earnings": Measure(price_earnings, "fundamental", only(1), "price, earnings of a year", 2, gives="years"),
    "earnings_yield": Measure(
        earnings_yield, "fundamental", only(1), "earnings or dividends of a year, price", 2, gives="decimal a year"
    ),
    "cape": Measure(
        cape, "fundamental", rows("window", 1), "price, earnings of a year, price index (months)", 3, gives="years"
    ),
    "excess_cape_yield": Measure(
        excess_cape_yield,
        "fundamental",
        rows("window", 1),
        "price, earnings of a year, price index, bond yield (decimal)",
        4,
        gives="decimal a year",
    ),
    "yield_spread": Measure(
        yield_spread, "fundamental", only(1), "a yield, the yield to subtract (decimals)", 2, gives="decimal a year"
    ),
    "gordon_premium": Measure(
        gordon_premium, "fundamental", only(1), "dividend yield, bond yield (decimals)", 2, gives="decimal a year"
    ),
    "earnings_growth": Measure(
        earnings_growth, "fundamental", rows("lookback", 1), "earnings, sales or dividends", gives="decimal a year"
    ),
    "estimate_revision": Measure(
        estimate_revision, "fundamental", rows("lookback", 1), "consensus of earnings, price", 2, gives="decimal"
    ),
    "revision_breadth": Measure(
        revision_breadth, "fundamental", only(1), "estimates raised, estimates cut (numbers)", 2, gives="-1 to 1"
    ),
    "profit_margin": Measure(profit_margin, "fundamental", rows("window"), "earnings, sales", 2, gives="decimal"),
}
