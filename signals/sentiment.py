"""What others feel and hold: surveys, positioning, puts and calls, the term structure of implied volatility, flows.

Sentiment is read against the crowd more often than with it: say so in the signal, with ``sign = -1``. Where a position
stands in its own range says the transform ``percentile``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .kinds import Measure, at_least, only, rows
from .ratios import columns, ratio
from .windows import window_mean


def survey(values: np.ndarray, *, neutral: float = 0.0) -> np.ndarray:
    """Return a survey's answer less its neutral value, in its own unit.

    For indices of confidence (100) and net balances (0). Source: M. Baker and J. Wurgler (2007), Investor sentiment in
    the stock market, Journal of Economic Perspectives 21.

    >>> survey(np.array([111.6, 96.3]), neutral=100.0).round(1)
    array([11.6, -3.7])
    """
    return np.asarray(values, dtype=float) - neutral


def bull_bear(values: np.ndarray, *, smooth: int = 1) -> np.ndarray:
    """Return ``(bulls - bears) / (bulls + bears)``, means of ``smooth`` rows, between -1 and 1.

    Takes the shares (or numbers) that expect rising and falling prices; who expects neither is left out.
    Source: K. Fisher and M. Statman (2000), Investor sentiment and stock returns, Financial Analysts Journal 56.

    >>> bull_bear(np.array([[45.0, 15.0], [20.0, 40.0]])).round(4)
    array([ 0.5   , -0.3333])
    """
    at_least("bull_bear", smooth=(smooth, 1))
    bulls, bears = (window_mean(each, smooth) for each in columns(values))
    return ratio(bulls - bears, bulls + bears)


def net_positioning(values: np.ndarray) -> np.ndarray:
    """Return ``(long - short) / open interest`` of a group of traders, between -1 and 1.

    Takes contracts held long, contracts held short, open interest; the weekly report is of Tuesday and out on Friday.
    Source: D. Sanders, S. Irwin and R. Merrin (2009), Smart money: the forecasting ability of CFTC large traders in
    agricultural futures markets, J. Agricultural and Resource Economics 34.

    >>> net_positioning(np.array([[300.0, 100.0, 1000.0]]))
    array([0.2])
    """
    long, short, interest = columns(values)
    return ratio(long - short, interest)


def put_call(values: np.ndarray, *, window: int = 10) -> np.ndarray:
    """Return puts over calls traded in the last ``window`` rows, a ratio around one.

    Takes the volumes of puts and of calls. High is fear. Source: J. Pan and A. Poteshman (2006), The information in
    option volume for future stock prices, Review of Financial Studies 19.

    >>> put_call(np.array([[8.0, 10.0], [12.0, 10.0]]), window=2)
    array([nan,  1.])
    """
    at_least("put_call", window=(window, 1))
    return ratio(*(window_mean(each, window) for each in columns(values)))


def term_structure(values: np.ndarray, *, smooth: int = 1) -> np.ndarray:
    """Return near over far implied volatility less one, means of ``smooth`` rows, a decimal.

    Takes, say, the 1-month and the 3-month index in one unit. Below nought markets are calm; above, they fear the next
    weeks more than the months after. Source: A. Fassas and N. Hourvouliades (2019), VIX futures as a market timing
    indicator, J. Risk and Financial Management 12.

    >>> term_structure(np.array([[12.0, 15.0], [30.0, 25.0]])).round(4)
    array([-0.2,  0.2])
    """
    at_least("term_structure", smooth=(smooth, 1))
    return ratio(*(window_mean(each, smooth) for each in columns(values))) - 1.0


def fund_flow(values: np.ndarray, *, window: int = 12) -> np.ndarray:
    """Return money that came in over ``window`` rows as a share of the mean assets, a decimal.

    Takes net flows and assets under management. Source: A. Frazzini and O. Lamont (2008), Dumb money: mutual fund flows
    and the cross-section of stock returns, J. Financial Economics 88.

    >>> fund_flow(np.array([[1.0, 100.0], [3.0, 100.0]]), window=2)
    array([ nan, 0.04])
    """
    at_least("fund_flow", window=(window, 1))
    flows, assets = (window_mean(each, window) for each in columns(values))
    return ratio(flows * window, assets)


MEASURES: Mapping[str, Measure] = {
    "survey": Measure(survey, "sentiment", only(1), "an index or net balance", gives="the series' unit"),
    "bull_bear": Measure(bull_bear, "sentiment", rows("smooth"), "bulls, bears", 2, gives="-1 to 1"),
    "net_positioning": Measure(
        net_positioning, "sentiment", only(1), "contracts long, contracts short, open interest", 3, gives="-1 to 1"
    ),
    "put_call": Measure(put_call, "sentiment", rows("window"), "volume of puts, volume of calls", 2, gives="ratio"),
    "term_structure": Measure(
        term_structure, "sentiment", rows("smooth"), "near, far implied volatility", 2, gives="decimal"
    ),
    "fund_flow": Measure(fund_flow, "sentiment", rows("window"), "net flows, assets", 2, gives="decimal"),
}
