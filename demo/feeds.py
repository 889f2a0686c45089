"""Rebuild the demo book's table of signals, bit for bit, from the data that packages ship. Not imported by trimtab.

    pip download --no-deps --dest WHEELS statsmodels==0.15.0 bokeh_sampledata==2026.1   # and those of build.py
    python -m trimtab.demo.feeds WHEELS [BOOK]

A row says of which day its figures are (`date`) and from which day on they could be known (`available_at`). Figures of
one day that came out on different days stand in different rows. What came out after the book date is not in the table.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from . import ON, book_path
from .build import read_sources, write

FIRST_DAY = "2007-01-03"  # of daily series: a crisis and a recovery to learn from, in two hundred kilobytes
FIRST_MONTH = "1990-01"  # of monthly and quarterly ones
DAILY = {"3month": "ust3m", "2year": "ust2y", "10year": "ust10y", "20year": "ust20y"}

# Days from the end of the period that a figure is of until it was known for certain. A release calendar of each month
# would be better; without one these are upper bounds, so that nothing is seen too early.
LAGS = {
    "sp500": 0,  # closing levels, volumes, yields and fixings are published the same evening
    "sp500_volume": 0,
    "vix": 0,
    "gold": 0,
    **dict.fromkeys(DAILY.values(), 0),
    "dividend_yield": 0,  # worked out from closing levels of the month's last session
    "aaa": 4,  # the month's mean needs the yield of its last day, out on the next business day
    "baa": 4,
    "ust20y_mean": 4,  # known at once, but of use only beside the two above
    "wti": 8,  # the Energy Information Administration posts spot prices once a week
    "core_cpi": 24,  # Bureau of Labor Statistics: the 10th to the 24th of the next month
    "unemployment": 12,  # the same: usually the first Friday of the next month
    "real_gdp": 91,  # Bureau of Economic Analysis: the third estimate, three months after the quarter
}
# The government was shut in October 2013 and the figures of September came late.
LATE = {("core_cpi", "2013-09"): "2013-10-30", ("unemployment", "2013-09"): "2013-10-22"}
DIGITS = {
    **dict.fromkeys((*DAILY.values(), "aaa", "baa"), 4),
    **dict.fromkeys(("ust20y_mean", "dividend_yield"), 6),
    **dict.fromkeys(("sp500", "vix", "gold", "wti"), 2),
    **dict.fromkeys(("core_cpi", "real_gdp"), 3),
    "sp500_volume": 0,
    "unemployment": 1,
}
EXPENSES = 0.000945  # a year of the fund whose total return gives the dividend yield


def _daily(frame: pd.DataFrame) -> pd.DataFrame:
    """Index a frame by day."""
    days = pd.to_datetime(frame.index, format="mixed", utc=True).tz_localize(None).normalize()
    return frame.set_axis(days, axis=0).sort_index()


def _numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """Read a daily column in which holidays are written as a dot."""
    return pd.Series(pd.to_numeric(_daily(frame).loc[:, column].replace(".", None)))


def _months(frame: pd.DataFrame) -> pd.DataFrame:
    """Move monthly figures to the last day of their month."""
    daily = _daily(frame)
    return daily.set_axis(pd.DatetimeIndex(daily.index).to_period("M").to_timestamp("M"), axis=0)


def _dividend_yield(fund: pd.Series, index: pd.Series) -> pd.Series:
    """Return what the fund's holders got over twelve months beyond the price of its index, as a decimal.

    The fund's returns include dividends from June 2013 on only: the first full year ends with March 2014. Fund and
    index do not close at the same second: the mean of five sessions takes out most of that.
    """
    both = pd.concat([(1 + fund).cumprod(), index], axis=1, join="inner")
    beyond = np.log(both.iloc[:, 0] / both.iloc[:, 1]).rolling(5).mean().resample("ME").last()
    return (np.exp(beyond.diff(12)) - 1 + EXPENSES).loc["2014-03":]


def read_series(wheels: Path) -> dict[str, pd.Series]:
    """Read every series out of its wheel, each on the days that it is of."""
    book, more = read_sources(wheels), read_sources(wheels, "feed")
    curve, corporate = _daily(book["curve"]), _months(book["corporate"]) / 100
    stocks, gdp = _daily(more["stocks"]), more["accounts"]
    jobs = more["unemployment"].drop(columns="Annual")
    months = pd.period_range(f"{jobs.index[0]}-01", periods=jobs.size, freq="M").to_timestamp("M")
    year, quarter = gdp.index.to_numpy(int), gdp["quarter"].to_numpy(int)
    quarters = pd.PeriodIndex.from_fields(year=year, quarter=quarter, freq="Q")
    series = {name: curve[tenor] for tenor, name in DAILY.items()}
    series |= {
        "sp500": stocks["Close"],
        "sp500_volume": stocks["Volume"] / 1e6,
        "vix": _numbers(more["vix"], "vix"),
        "gold": _daily(book["gold"])["Value"],
    }
    series = {name: values.loc[FIRST_DAY:] for name, values in series.items()}
    oil = _numbers(more["oil"], "DCOILWTICO")
    series |= {
        "ust20y_mean": curve["20year"].resample("ME").mean(),
        "aaa": corporate["AAA"],
        "baa": corporate["BAA"],
        "wti": oil.resample("ME").mean(),
        "core_cpi": _months(more["prices"])["CPILFESL"],
        "unemployment": pd.Series(jobs.to_numpy().ravel(), months),
        "dividend_yield": _dividend_yield(_daily(more["fund"]).loc[:, "return"], stocks.loc[:, "Close"]),
        "real_gdp": gdp["realgdp"].set_axis(quarters.to_timestamp("Q"), axis=0),
    }
    return {name: values.loc[FIRST_MONTH:].dropna() for name, values in series.items()}


def known_on(name: str, days: pd.DatetimeIndex) -> list[str]:
    """Return from which day on the figures of these days could be known."""
    out = days + pd.Timedelta(days=LAGS[name])
    return [LATE.get((name, f"{day:%Y-%m}"), f"{known:%Y-%m-%d}") for day, known in zip(days, out, strict=True)]


def table(series: dict[str, pd.Series]) -> list[list[str]]:
    """Lay the series side by side: rows by date and day of publication, oldest first, until the book date."""
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for name, values in series.items():
        for day, known, value in zip(
            values.index, known_on(name, pd.DatetimeIndex(values.index)), values.tolist(), strict=True
        ):
            if known <= ON:
                cells.setdefault((f"{day:%Y-%m-%d}", known), {})[name] = f"{value:.{DIGITS[name]}f}"
    names = list(series)
    return [["date", "available_at", *names]] + [
        [*when, *(row.get(name, "") for name in names)] for when, row in sorted(cells.items())
    ]


def rebuild(wheels: Path, book: Path) -> None:
    """Write the table of signals."""
    head, *rows = table(read_series(wheels))
    write(book / "signals.csv", " ".join(head), rows)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    rebuild(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else book_path())
