"""The demo book's table of signals: honest about when each figure was known, and the same as the book's own returns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from trimtab.demo import ON, book_path
from trimtab.demo.feeds import DIGITS, LAGS, LATE, table


@pytest.fixture(scope="module")
def signals() -> pd.DataFrame:
    return pd.read_csv(book_path() / "signals.csv", parse_dates=["date", "available_at"])


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    return pd.read_csv(book_path() / "returns.csv", parse_dates=["date"], index_col="date")


def series(signals: pd.DataFrame, name: str) -> pd.Series:
    return signals.set_index("date")[name].dropna()


def test_every_series_has_a_lag_and_digits(signals):
    assert set(signals.columns) - {"date", "available_at"} == set(LAGS) == set(DIGITS)


def test_each_figure_was_known_on_its_lag_or_later_and_none_after_the_book_date(signals):
    late = {(name, month): pd.Timestamp(known) for (name, month), known in LATE.items()}
    for name, lag in LAGS.items():
        rows = signals.loc[signals[name].notna()]
        usual = rows["date"] + pd.Timedelta(days=lag)
        wanted = [late.get((name, f"{of:%Y-%m}"), known) for of, known in zip(rows["date"], usual, strict=True)]
        assert (rows["available_at"] == wanted).all(), name
        assert rows["date"].is_unique, name
    assert signals["available_at"].max() == pd.Timestamp(ON)
    assert all(known > pd.Timestamp(month) + pd.offsets.MonthEnd() for (_, month), known in late.items())


def test_gold_is_the_gold_of_the_returns(signals, returns):
    month_ends = series(signals, "gold").resample("ME").last()
    own = returns["GOLD"].set_axis(returns.index.to_period("M"))
    change = month_ends.pct_change().set_axis(month_ends.index.to_period("M")).loc["2007-02":]
    np.testing.assert_allclose(change, own.loc["2007-02":], atol=1e-6)


def test_the_index_without_dividends_stays_behind_the_market_by_about_its_dividend_yield(signals, returns):
    price = series(signals, "sp500").resample("ME").last()
    years = 10
    behind = (1 + returns["USMKT"].iloc[-12 * years :]).prod() / (price.iloc[-1] / price.iloc[-1 - 12 * years])
    assert 0.015 < behind ** (1 / years) - 1 < 0.03
    assert series(signals, "dividend_yield").between(0.018, 0.0225).all()


def test_yields_reprice_the_bonds_of_the_returns(signals, returns):
    """Less the start, a bond returns its carry less duration times the change in yield, to second order."""
    yields = series(signals, "ust10y").resample("ME").last()
    change = yields.diff().set_axis(yields.index.to_period("M")).loc["2007-02":]
    own = returns["UST10"].set_axis(returns.index.to_period("M")).loc["2007-02":]
    slope, level = np.polyfit(change, own, 1)
    assert -9.5 < slope < -8.0
    assert np.corrcoef(change, own)[0, 1] < -0.99
    assert 0.001 < level < 0.006


def test_implied_volatility_is_that_of_its_publisher(signals, shared):
    public = pd.read_csv(shared / "data" / "market" / "vix.csv", parse_dates=["DATE"], index_col="DATE")["CLOSE"]
    own = series(signals, "vix")
    np.testing.assert_allclose(own, public.loc[own.index], atol=0.005)


def test_yields_are_those_of_the_treasury(signals, shared):
    path = shared / "data" / "market" / "us_treasury_par_yields_1990_2017.csv.gz"
    public = pd.read_csv(path, index_col=0)
    public.index = pd.to_datetime(public.index, utc=True).tz_localize(None).normalize()
    own = series(signals, "ust10y")
    ten = public.loc[own.index, next(name for name in public.columns if str(name).lower().startswith("10"))]
    np.testing.assert_allclose(own, ten, atol=1e-9)


def test_what_came_out_after_the_book_date_is_left_out():
    days = pd.DatetimeIndex([dt.date(2016, 12, 31), dt.date(2017, 1, 31), dt.date(2017, 2, 28)])
    rows = table({"core_cpi": pd.Series([1.0, 2.0, 3.0], days), "vix": pd.Series([9.0], days[-1:])})
    assert rows == [
        ["date", "available_at", "core_cpi", "vix"],
        ["2016-12-31", "2017-01-24", "1.000", ""],
        ["2017-01-31", "2017-02-24", "2.000", ""],
        ["2017-02-28", "2017-02-28", "", "9.00"],
    ]
