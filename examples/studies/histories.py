"""The histories that the case studies are run on, and how their figures are told with intervals.

``demo``: the demo book, month ends of 2000 to 2017. ``long``: public files in a folder that you name (``--data``):
``sp500_shiller.csv``, ``bond-yields-us-10y-monthly.csv`` and ``vix.csv`` of the Open Data packages *s-and-p-500*,
*bond-yields-us-10y* and *finance-vix*.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trimtab.batches import read_book
from trimtab.constraints import Policy
from trimtab.constraints.settings import Estimation
from trimtab.demo import book_path
from trimtab.models import Costs, Universe
from trimtab.scenarios.backtests import Backtest
from trimtab.scenarios.bootstraps import Interval, bootstrap
from trimtab.scenarios.chronicles import Chronicle, read_chronicle
from trimtab.scenarios.grids import Grid
from trimtab.scenarios.performances import sharpe
from trimtab.signals import Panel, Signal, raws

_MONTHLY = Estimation(periods_per_year=12)
_OWN_PAST = (("zscore", {"window": 120, "least": 24}), ("clip", {"most": 2.0}))


@dataclass(frozen=True, eq=False)
class World:
    """A history with the signals that it allows.

    Parameters
    ----------
    name
        What it is called in the pages.
    weights
        The strategic mix.
    volatility, thresholds
        What says how stormy it is, in its own unit, and from where on it is high.
    signals
        Valuation, momentum and volatility, good for shares against bonds where positive.
    """

    name: str
    chronicle: Chronicle
    start: dt.date
    weights: Mapping[str, float]
    volatility: Signal
    thresholds: tuple[float, ...]
    signals: Mapping[str, Signal]
    lag_days: int = 1
    estimation: Estimation = _MONTHLY
    per_year: float = 12.0

    def sharpe(self, test: Backtest) -> float:
        """Return the annual Sharpe ratio."""
        return float(sharpe((test.returns - test.cash_returns).to_numpy(), self.per_year))

    def sharpe_gain(self, own: pd.Series, other: pd.Series) -> str:
        """Write the difference of two Sharpe ratios with its interval, both resampled together."""
        both = np.column_stack([own, other])
        found = bootstrap(both, lambda h: sharpe(h[..., 0], self.per_year) - sharpe(h[..., 1], self.per_year))
        return _write(found, lambda x: f"{x:+.3f}")

    def saving(self, own: Backtest, other: Backtest) -> str:
        """Write how much less was traded, as a part of the other's turnover, with its interval."""
        both = np.column_stack([each.days["turnover"].iloc[1:] for each in (own, other)])
        found = bootstrap(both, lambda h: 1.0 - h[..., 0].mean(-1) / np.maximum(h[..., 1].mean(-1), 1e-12))
        return _write(found, lambda x: f"{x:+.0%}")

    def yearly(self, active: pd.Series) -> str:
        """Write a mean return a year with its interval."""
        return _write(bootstrap(active.to_numpy(), lambda h: h.mean(-1) * self.per_year), lambda x: f"{x:+.2%}")

    def ratio(self, active: pd.Series) -> str:
        """Write an information ratio with its interval."""
        return _write(bootstrap(active.to_numpy(), lambda h: sharpe(h, self.per_year)), lambda x: f"{x:+.2f}")

    def high(self, test: Backtest) -> float:
        """Return the share of sessions on which volatility, as it was known, was above the last threshold."""
        days = [stamp.date() - dt.timedelta(self.lag_days) for stamp in test.days.index]
        known = raws([self.volatility], self.chronicle.panel, days)[self.volatility.name]
        return float((known > self.thresholds[-1]).mean())

    def told(self, grid: Grid) -> str:
        """Say what was walked through."""
        days = next(iter(grid.tests.values())).days.index
        return f"{days[0]:%B %Y} to {days[-1]:%B %Y}, {len(days)} month ends"


def _write(found: Interval, form) -> str:
    return f"{form(found.value)} ({form(found.low)} to {form(found.high)})"


def load_demo() -> World:
    """The demo book: 60 % US shares, 30 % ten-year notes, 10 % Baa bonds, rebalanced at month ends."""
    chronicle = read_chronicle(read_book(book_path()), Policy(models={"mix": {"USMKT": 1.0}}))
    realised = Signal("volatility", "realised_volatility", ("USMKT",), "", {"window": 12, "year": 12}, stale_days=45)
    about = "equity - bonds"
    signals = {
        "valuation": Signal("valuation", "yield_spread", ("baa", "ust20y_mean"), about, {}, _OWN_PAST, stale_days=75),
        "momentum": Signal("momentum", "momentum", ("USMKT",), about, {"lookback": 12, "skip": 1}, _OWN_PAST,
                           stale_days=45),
        "volatility": Signal("storm", "realised_volatility", ("USMKT",), about, {"window": 12, "year": 12}, _OWN_PAST,
                             sign=-1, stale_days=45),
    }  # fmt: skip
    weights = {"USMKT": 0.6, "UST10": 0.3, "BAA": 0.1}
    return World("demo", chronicle, dt.date(2003, 2, 1), weights, realised, (0.10, 0.16), signals)


def load_long(folder: Path) -> World:
    """US shares and ten-year notes from public files, month by month since 1990, with the VIX and Shiller's ratio.

    Shares are Shiller's: means of a month's closes, and its dividends. Notes are bought at par at the month's mean
    yield and priced a month later at the next. Means of a month smooth returns: volatility is understated, and a price
    a month old helps to guess the next, so momentum skips two months.
    """
    shiller = pd.read_csv(folder / "sp500_shiller.csv", parse_dates=["Date"]).set_index("Date")
    rates = pd.read_csv(folder / "bond-yields-us-10y-monthly.csv", parse_dates=["Date"]).set_index("Date")["Rate"] / 100
    vix = pd.read_csv(folder / "vix.csv", parse_dates=["DATE"]).set_index("DATE")["CLOSE"]
    known = shiller.loc[(shiller["Dividend"] > 0) & (shiller["PE10"] > 0)].loc["1975":]
    both = known.index.intersection(rates.index)
    price, paid, y = known.loc[both, "SP500"], known.loc[both, "Dividend"] / 12, rates.loc[both]
    shares = (price + paid) / price.shift() - 1.0
    returns = pd.DataFrame({"SHARES": shares, "NOTES": _note_returns(y.to_numpy())}).iloc[1:]
    returns.index = returns.index + pd.offsets.MonthEnd(0)
    cape = known["PE10"].set_axis(known.index + pd.offsets.MonthEnd(0))
    panel = Panel.from_series({"vix": vix, "cape": cape}, lag_days={"vix": 0, "cape": 31})
    universe = Universe(("SHARES", "NOTES"), ("equity", "bonds"))
    costs = Costs(np.array([0.0005, 0.0003, 0.0]))
    chronicle = Chronicle.from_returns(returns, universe, costs=costs, signals=panel)
    about = "equity - bonds"
    signals = {
        "valuation": Signal("valuation", "published", ("cape",), about, {}, _OWN_PAST, sign=-1, stale_days=75),
        "momentum": Signal("momentum", "momentum", ("SHARES",), about, {"lookback": 12, "skip": 2}, _OWN_PAST,
                           stale_days=45),
        "volatility": Signal("storm", "implied_volatility", ("vix",), about, {},
                             (("zscore", {"window": 2520, "least": 504}), ("clip", {"most": 2.0})), sign=-1,
                             stale_days=10),
    }  # fmt: skip
    implied = Signal("volatility", "implied_volatility", ("vix",), stale_days=10)
    return World("long", chronicle, dt.date(1992, 2, 1), {"SHARES": 0.6, "NOTES": 0.4}, implied, (0.15, 0.25), signals)


def _note_returns(y: np.ndarray, years: int = 10) -> np.ndarray:
    """Return what a par note of so many years earned each month, repriced at the next month's yield (half-yearly)."""
    coupon, new, left = y[:-1] / 2, y[1:] / 2, 2 * years - 1.0 / 6.0
    steps = np.arange(1, 2 * years + 1)[:, None] - 1.0 / 6.0
    price = (coupon * (1 + new) ** -steps).sum(axis=0) + (1 + new) ** -left
    return np.r_[np.nan, price - 1.0]


def load_worlds(about: str) -> Iterator[tuple[World, Path | None]]:
    """Read the command line; yield the history that was asked for, and the page to write into."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with the public files; the demo book without it")
    parser.add_argument("--write", type=Path, help="a page whose table is replaced; printed without it")
    given = parser.parse_args()
    yield (load_demo() if given.data is None else load_long(given.data)), given.write


def paste(page: Path | None, name: str, text: str) -> None:
    """Put a table between its two marks in a page, or print it."""
    if page is None:
        print(text)
        return
    old = page.read_text(encoding="utf-8")
    marks = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    page.write_text(
        re.sub(marks, lambda found: f"{found[1]}{text}\n{found[2]}", old, flags=re.DOTALL), encoding="utf-8"
    )
