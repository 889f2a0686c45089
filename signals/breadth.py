"""How many members of a market take part in its move: any number of series of members, one number a row.

A member that says nothing in a row, or not yet enough, is not counted in it. Survivors only make breadth look better
than it was: give the members as they were.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..units import FrozenMap
from .kinds import Measure, at_least, rows
from .windows import exponential_mean, reach, shifted, window_extreme, window_mean


def _share(which: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return the mean over the columns that say something; NaN where none does."""
    count = said.sum(axis=1)
    total = np.where(said, which, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def share_above_average(levels: np.ndarray, *, window: int = 200) -> np.ndarray:
    """Return the share of members that stand above their own moving average, 0 to 1.

    Source: the per cent of stocks above their 200-day average, as in M. Zweig, Winning on Wall Street (1986).

    >>> share_above_average(np.array([[1.0, 1.0], [2.0, 0.5]]), window=2)
    array([nan, 0.5])
    """
    at_least("share_above_average", window=(window, 1))
    average = window_mean(levels, window)
    return _share(levels > average, ~np.isnan(average))


def advance_decline(levels: np.ndarray, *, window: int = 10) -> np.ndarray:
    """Return rises less falls as a share of the members, averaged over ``window`` rows, -1 to 1.

    ``mean over the window of (advances - declines) / members``. Source: C. Dow's advance-decline figures, by M. Zweig
    (1986): breadth thrust averages ten days.

    >>> advance_decline(np.array([[1.0, 1.0, 1.0], [2.0, 0.5, 3.0]]), window=1).round(4)
    array([   nan, 0.3333])
    """
    at_least("advance_decline", window=(window, 1))
    return window_mean(_net(levels), window)


def _net(levels: np.ndarray) -> np.ndarray:
    moves = levels - shifted(levels, 1)
    return _share(np.sign(moves), ~np.isnan(moves))


def new_highs_lows(levels: np.ndarray, *, window: int = 252) -> np.ndarray:
    """Return members at the highest level of the window less those at the lowest, as a share of all, -1 to 1.

    A member that did not move in the window is neither. Source: the new-highs-new-lows index, by G. Appel and F.
    Hitschler, Stock Market Trading Systems (1980).

    >>> new_highs_lows(np.array([[1.0, 2.0, 1.0], [2.0, 1.0, 3.0]]), window=2).round(4)
    array([   nan, 0.3333])
    """
    at_least("new_highs_lows", window=(window, 2))
    high, low = (window_extreme(levels, window, extreme) for extreme in (np.maximum, np.minimum))
    moved = high > low
    return _share((levels == high) * 1.0 * moved - (levels == low) * moved, ~np.isnan(high))


def mcclellan(levels: np.ndarray, *, short: int = 19, long: int = 39) -> np.ndarray:
    """Return the McClellan oscillator of advances less declines as a share of the members.

    ``EMA_short(net) - EMA_long(net)`` with the decay ``1 - 2 / (n + 1)``, over the rows that hold all but a millionth
    of the weight; NaN before ``long`` of them. Source: S. and M. McClellan, Patterns for Profit (1970).

    >>> rows = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 1.0]])
    >>> mcclellan(rows, short=1, long=2).round(4)
    array([ nan,  nan, -0.25])
    """
    at_least("mcclellan", short=(short, 1), long=(long, short + 1))
    net = _net(levels)
    fast, slow = (exponential_mean(net, 1.0 - 2.0 / (n + 1.0), least=n) for n in (short, long))
    return fast - slow


def _of_members(function, memory, gives: str) -> Measure:
    return Measure(function, "technical", memory, "price levels of the members of a market", None, gives=gives)


MEASURES: Mapping[str, Measure] = FrozenMap(
    {
        "advance_decline": _of_members(advance_decline, rows("window", 1), "-1 to 1"),
        "mcclellan": _of_members(mcclellan, lambda given: reach(1.0 - 2.0 / (given["long"] + 1.0)) + 1, "-1 to 1"),
        "new_highs_lows": _of_members(new_highs_lows, rows("window"), "-1 to 1"),
        "share_above_average": _of_members(share_above_average, rows("window"), "0 to 1"),
    }
)
