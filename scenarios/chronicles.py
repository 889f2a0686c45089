"""What happened, in time: levels of total return, what cash paid, what trading costs, and what else was known when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ..batches.books import Book
from ..batches.premises import read_universe
from ..constraints.policies import Policy
from ..constraints.settings import Estimation
from ..errors import MarketError
from ..models.costs import Costs
from ..models.markets import Market
from ..models.risks import Risk
from ..models.trails import Trail
from ..models.universes import Universe
from ..signals.panels import Panel, ordinals, stamps
from ..units import FrozenArrays, frozen
from .knobs import scale_costs

LEAST = 24
"""Returns without which no covariance is estimated."""


@dataclass(frozen=True, eq=False)
class Chronicle(FrozenArrays):
    """A history that a rule can be walked through, a row a session.

    Parameters
    ----------
    universe
        In the order of the columns.
    dates
        Ordinals, ascending, shape (T,): each session can be traded at its close.
    levels
        Total-return levels at each close, dividends and coupons in them, shape (T, n); 1 for the cash. A holding is
        units of them: its drift, and what is reinvested, need no further arithmetic.
    cash_rates
        The annual rate that cash is paid from each close to the next, known at that close, shape (T,).
    costs, lots, tradable
        Of every day alike: what a book says of today is taken for all days.
    panel
        Series in time, the levels of the assets among them.

    Raises
    ------
    MarketError
        Fewer than two sessions, days that do not ascend, a level that is missing or not positive.
    """

    universe: Universe
    dates: np.ndarray
    levels: np.ndarray
    cash_rates: np.ndarray
    costs: Costs
    panel: Panel
    lots: np.ndarray = field(default_factory=lambda: frozen(0.0))
    tradable: np.ndarray = field(default_factory=lambda: np.array(True))

    def __post_init__(self) -> None:
        """Check and freeze."""
        dates, levels = np.array(self.dates, dtype=np.int64), np.array(self.levels, dtype=float)
        if len(dates) < 2 or not (np.diff(dates) > 0).all():
            raise _bad("there are not two sessions in ascending order", "date", "one row a session")
        bad = ~(np.isfinite(levels) & (levels > 0))
        if bad.any():
            t, i = np.argwhere(bad)[0]
            where = f"{self.universe.assets[i]!r} has no level on {dt.date.fromordinal(int(dates[t]))}"
            raise _bad(where, self.universe.assets[i], "begin later, or leave the asset out: no price is made up")
        rates = np.broadcast_to(np.asarray(self.cash_rates, dtype=float), dates.shape)
        if not (np.isfinite(rates) & (rates > -0.5) & (rates < 2.0)).all():
            raise _bad("a cash rate is no annual decimal", "cash_rate", "0.02 for 2 % a year")
        dates.setflags(write=False)
        for name, value in (("dates", dates), ("levels", frozen(levels)), ("cash_rates", frozen(rates))):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Count the sessions."""
        return len(self.dates)

    @classmethod
    def from_prices(
        cls,
        prices: pd.DataFrame,
        universe: Universe,
        *,
        costs: Costs | None = None,
        cash: pd.Series | float = 0.0,
        signals: Panel | None = None,
    ) -> Chronicle:
        """Make a chronicle from levels of total return, a column an asset (the cash left out), indexed by session.

        Parameters
        ----------
        cash
            The annual rate of cash: a number, or a series by the day it was known; the last one known counts.
        signals
            Further series in time; the levels of the assets are added to them.
        """
        frame = prices.sort_index()
        names = [asset for i, asset in enumerate(universe.assets) if i != universe.cash]
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise _bad(f"asset {missing[0]!r} has no prices", missing[0], "one column an asset")
        levels = np.ones((len(frame), len(universe)))
        dates = ordinals(frame.index)
        for name in names:
            levels[:, universe.positions[name]] = frame[name].to_numpy(dtype=float)
        panel = Panel.from_series({name: pd.Series(frame[name]) for name in names})
        panel = panel if signals is None else panel | signals
        costs = Costs(np.zeros(1)) if costs is None else costs
        return cls(universe, dates, levels, _rates(cash, dates), costs, panel)

    @classmethod
    def from_returns(
        cls,
        returns: pd.DataFrame,
        universe: Universe,
        *,
        costs: Costs | None = None,
        cash: pd.Series | float = 0.0,
        signals: Panel | None = None,
    ) -> Chronicle:
        """Make a chronicle from returns a period, indexed by the day each ends: the first row is the first close."""
        grown = (1.0 + returns.sort_index()).cumprod()
        return cls.from_prices(grown, universe, costs=costs, cash=cash, signals=signals)

    @cached_property
    def days(self) -> pd.DatetimeIndex:
        """The sessions."""
        return stamps(self.dates, "date")

    @cached_property
    def values(self) -> np.ndarray:
        """The levels with the cash as it is paid: what one unit bought at the first close is worth, shape (T, n)."""
        paid = (1.0 + self.cash_rates[:-1]) ** (np.diff(self.dates) / 365.0)
        values = np.array(self.levels)
        values[:, self.universe.cash] = np.r_[1.0, np.cumprod(paid)]
        return frozen(values)

    @property
    def returns(self) -> pd.DataFrame:
        """What each asset returned from one close to the next, the cash too, indexed by the later."""
        grown = self.values[1:] / self.values[:-1] - 1.0
        return pd.DataFrame(grown, index=self.days[1:], columns=list(self.universe.assets))

    @cached_property
    def trail(self) -> Trail:
        """What assets have done, for stops and for the track records of signals."""
        frame = pd.DataFrame(self.levels, index=[dt.date.fromordinal(int(d)) for d in self.dates])
        return Trail.from_prices(frame.set_axis(list(self.universe.assets), axis=1), self.universe)

    @property
    def least(self) -> int:
        """Closes without which there are too few returns for a covariance."""
        return LEAST

    @cached_property
    def periods_per_year(self) -> float:
        """Sessions a year, as they came."""
        return float((len(self) - 1) * 365.25 / (self.dates[-1] - self.dates[0]))

    def on(self, t: int) -> dt.date:
        """Return the day of a session."""
        return dt.date.fromordinal(int(self.dates[t]))

    def market(self, t: int, risk: Risk) -> Market:
        """Return the market at a close."""
        return Market(
            self.universe, risk, self.costs, self.levels[t], self.on(t), float(self.cash_rates[t]), self.lots,
            self.tradable,
        )  # fmt: skip

    def estimate(self, as_of: int, how: Estimation, window: int | None = None) -> tuple[Risk, int]:
        """Estimate a covariance from the returns that were known by a day; return it with the last day that it knew.

        Parameters
        ----------
        as_of
            An ordinal.
        how
            The policy's own way.
        window
            The newest returns alone; None for all.

        Raises
        ------
        MarketError
            Fewer than :data:`LEAST` returns were known.
        """
        stop = int(np.searchsorted(self.dates, as_of, side="right"))
        first = 0 if window is None else max(0, stop - 1 - window)
        if stop - 1 - first < LEAST:
            raise _bad(
                f"{max(stop - 1 - first, 0)} returns were known by {dt.date.fromordinal(as_of)}", "date",
                f"start later, where {LEAST} were, or take a longer window",
            )  # fmt: skip
        # Each row is made of its own two levels: the rows of a longer history begin with those of a shorter one.
        past = self.levels[first + 1 : stop] / self.levels[first : stop - 1] - 1.0
        frame = pd.DataFrame(past, columns=list(self.universe.assets))
        risk = Risk.from_returns(
            frame, self.universe, method=how.method, periods_per_year=how.periods_per_year, half_life=how.half_life
        )
        return risk, int(self.dates[stop - 1])

    def scaled(self, multiplier: float) -> Chronicle:
        """Return the chronicle with every cost times a number."""
        return replace(self, costs=scale_costs(self.costs, multiplier))


def read_chronicle(book: Book, policy: Policy) -> Chronicle:
    """Read what happened from a book: ``prices`` or else ``returns``, ``signals``, and the costs of its assets.

    A history of returns begins at the end of its first period.

    Raises
    ------
    BookError, SignalError, MarketError
        No history, a cell that cannot be read, a gap, a price that could only be known after its day.
    """
    panel = book.panel()
    universe = read_universe(book.shared["assets"])
    names = [asset for i, asset in enumerate(universe.assets) if i != universe.cash]
    unknown = [name for name in names if name not in panel.names]
    if unknown:
        raise _bad(f"{unknown[0]!r} has no history", unknown[0], "a column an asset in prices or returns")
    for name in names:
        block = panel.place(name)[0]
        late = np.flatnonzero(block.known > block.date)
        if len(late):
            of, at = (dt.date.fromordinal(int(d[late[0]])) for d in (block.date, block.known))
            mend = "date each row by the day at whose close one could trade at it"
            raise _bad(f"the price of {name!r} of {of} could only be known on {at}", name, mend)
    frame = panel.frame(names)
    levels = np.ones((len(frame), len(universe)))
    for name in names:
        levels[:, universe.positions[name]] = frame[name].to_numpy(dtype=float)
    dates = ordinals(frame.index)
    today = book.market(policy, dt.date.fromordinal(int(dates[-1])))
    return Chronicle(
        universe, dates, levels, np.full(len(dates), today.cash_rate), today.costs, panel, today.lots, today.tradable
    )


def _rates(cash: pd.Series | float, dates: np.ndarray) -> np.ndarray:
    if not isinstance(cash, pd.Series):
        return np.full(len(dates), float(cash))
    own = cash.sort_index()
    at = np.searchsorted(ordinals(own.index), dates, side="right") - 1
    if (at < 0).any():
        raise _bad("the first session has no cash rate", "cash_rate", "a rate known on or before it")
    return own.to_numpy(dtype=float)[at]


def _bad(message: str, field: str, mend: str) -> MarketError:
    return MarketError(message, code="BAD_HISTORY", table="prices", field=field, mend=mend)
