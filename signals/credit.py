"""Credit: what lenders ask, what they lose, whom they turn away, and what it costs to trade.

A credit spread itself is :func:`~trimtab.signals.fundamental.yield_spread`; so are a TED spread (interbank less bill)
and the premium of liquidity (Aaa less Treasury). Default rates and net shares of banks that arrive ready made are
:func:`~trimtab.signals.fundamental.published`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .fundamental import yield_spread
from .kinds import Measure, at_least, only, rows
from .ratios import columns, ratio
from .windows import shifted, window_mean


def widening(values: np.ndarray, *, lookback: int = 6) -> np.ndarray:
    """Return ``s_t - s_{t-lookback}``, s the first yield less the second: how far a spread has widened, a decimal.

    Source: S. Gilchrist and E. Zakrajsek (2012), Credit spreads and business cycle fluctuations, American Economic
    Review 102: it is widening, more than the level, that leads output down.

    >>> widening(np.array([[0.05, 0.03], [0.06, 0.03]]), lookback=1).round(4)
    array([ nan, 0.01])
    """
    at_least("widening", lookback=(lookback, 1))
    spread = yield_spread(values)
    return spread - shifted(spread, lookback)


def loss_adjusted_spread(values: np.ndarray, *, recovery: float = 0.4) -> np.ndarray:
    """Return ``y_t - x_t - d_t (1 - recovery)``: the spread that is left after defaults, a decimal a year.

    Takes a corporate and a Treasury yield and a default rate, decimals a year.
    Source: J. Hull, M. Predescu and A. White (2005), Bond prices, default probabilities and risk premiums, J. Credit
    Risk 1.

    >>> loss_adjusted_spread(np.array([[0.065, 0.02, 0.03]])).round(4)
    array([0.027])
    """
    at_least("loss_adjusted_spread", recovery=(recovery, 0.0))
    corporate, treasury, defaults = columns(values)
    return corporate - treasury - defaults * (1.0 - recovery)


def default_rate(values: np.ndarray, *, window: int = 12) -> np.ndarray:
    """Return defaults of the last ``window`` rows over the issuers at their start, a decimal.

    Takes the number (or money) that defaulted in each row and the number alive at its start; a year of months gives the
    trailing rate that agencies quote. Source: Moody's, Measuring corporate default rates (2006).

    >>> default_rate(np.array([[1.0, 100.0], [3.0, 99.0]]), window=2)
    array([ nan, 0.04])
    """
    at_least("default_rate", window=(window, 1))
    defaults, alive = columns(values)
    return ratio(window_mean(defaults, window) * window, shifted(alive, window - 1))


def net_tightening(values: np.ndarray) -> np.ndarray:
    """Return ``(tightened - eased) / asked``: the net share of banks that lend less easily, between -1 and 1.

    Takes how many banks tightened standards, how many eased, and how many answered. Source: Federal Reserve, Senior
    Loan Officer Opinion Survey; C. Lown and D. Morgan (2006), The credit cycle and the business cycle, JMCB 38.

    >>> net_tightening(np.array([[20.0, 5.0, 75.0]]))
    array([0.2])
    """
    tightened, eased, asked = columns(values)
    return ratio(tightened - eased, asked)


def illiquidity(values: np.ndarray, *, window: int = 21) -> np.ndarray:
    """Return the mean of ``|L_t / L_{t-1} - 1| / V_t`` over ``window`` rows: how far a unit of volume moves the price.

    Takes a price level and the volume traded (money, or shares: then only its own history is a yardstick); decimals a
    unit of volume. Source: Y. Amihud (2002), Illiquidity and stock returns, J. Financial Markets 5.

    >>> illiquidity(np.array([[100.0, 5.0], [101.0, 5.0], [99.99, 2.0]]), window=2).round(5)
    array([   nan,    nan, 0.0035])
    """
    at_least("illiquidity", window=(window, 1))
    levels, volume = columns(values)
    return window_mean(ratio(np.abs(ratio(levels, shifted(levels, 1)) - 1.0), volume), window)


MEASURES: Mapping[str, Measure] = {
    "widening": Measure(
        widening, "fundamental", rows("lookback", 1), "risky yield, safe yield (decimals)", 2, gives="decimal"
    ),
    "loss_adjusted_spread": Measure(
        loss_adjusted_spread,
        "fundamental",
        only(1),
        "risky yield, safe yield, default rate (decimals)",
        3,
        gives="decimal a year",
    ),
    "default_rate": Measure(
        default_rate, "fundamental", rows("window"), "defaults in the period, issuers at its start", 2, gives="decimal"
    ),
    "net_tightening": Measure(
        net_tightening, "fundamental", only(1), "banks that tightened, that eased, that answered", 3, gives="-1 to 1"
    ),
    "illiquidity": Measure(
        illiquidity, "fundamental", rows("window", 1), "price level, volume", 2, gives="decimal a unit of volume"
    ),
}
