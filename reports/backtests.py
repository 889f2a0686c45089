"""The page of a backtest: what a rule would have done, against what, with how much doubt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from ..scenarios.backtests import Backtest
from ..scenarios.grids import Doubt
from ..scenarios.plots import draw_growth, draw_history, draw_intervals
from ..units import FrozenMap, percent, spoken
from .cells import Form
from .forms import MOST, capital, points, remainder, whole
from .pages import Chart, Figures, Listing, Page, Section, Words

_RATIOS = ("sharpe", "information_ratio", "hit_rate")
_COLUMNS = ("return", "volatility", "sharpe", "drawdown", "tracking_error", "information_ratio", "turnover", "cost")
_WHERE = "in days.parquet"


def backtest_page(
    tests: Mapping[str, Backtest],
    statistics: pd.DataFrame,
    found: Doubt,
    title: str = "Backtest",
    *,
    asked: str = "",
    about: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a backtest.

    Parameters
    ----------
    tests
        Every rule that was led through the history, by name.
    statistics
        A row a rule and statistic (index names ``rule`` and another), columns value, low, high
        (:meth:`trimtab.scenarios.backtests.Backtest.judge`).
    found
        How much of the best rule is the number of rules.
    title
        Of what.
    asked
        The rule that is asked about, the others are beside it; the first by default.
    about
        Where it comes from, (name, value) each.
    """
    name = asked or next(iter(tests))
    return Page(
        title, f"{capital(name)}, {tests[name]}.", tuple(_sections(tests, statistics, found, name)), tuple(about)
    )


def _sections(
    tests: Mapping[str, Backtest], statistics: pd.DataFrame, found: Doubt, name: str
) -> Iterator[Section]:  # fmt: skip
    test, own = tests[name], statistics.loc[name]
    yield _in_short(test, own, found)
    if found.warning:
        yield Words("Mind", (f"{capital(found.warning)}.",))
    grown = pd.DataFrame({key: each.history()["growth"] for key, each in tests.items()})
    ends = _month_ends(grown)
    note = f"What one unit of money becomes after costs, cash flows apart; {name} is the thick line."
    forms = FrozenMap(dict.fromkeys(ends.columns, "{:.4f}".format))
    yield Chart(
        "Growth of every rule", draw_growth(grown, stressed=name), ends, f"{note}{_monthly(grown, ends)}", forms
    )
    yield _history(test, name)
    yield _rules(statistics)
    yield from _intervals(own, name)
    yield from _causes(test)
    yield _trades(test)
    yield Listing("How much of it is luck", _luck(found))


def _in_short(test: Backtest, own: pd.DataFrame, found: Doubt) -> Figures:
    rows = []
    for name in ("return", "sharpe", "drawdown", "information_ratio"):
        if name in own.index and np.isfinite(own.loc[name, "value"]):
            value, low, high = (float(own.loc[name, part]) for part in ("value", "low", "high"))
            form = _form(name)
            note = f"{form(low)} to {form(high)}, 90 % interval" if np.isfinite(low) and np.isfinite(high) else ""
            rows.append((spoken(name), form(value), note))
    rows.append(("turnover", percent(test.turnover_per_year), "one-way, a year"))
    rows.append(("cost", points(test.cost_per_year), "a year"))
    rows.append(("deflated", whole(found.deflated), f"the chance to beat the best of {found.trials:,} without skill"))
    return Figures("In short", tuple(rows))


def _history(test: Backtest, name: str) -> Chart:
    table = test.history()
    ends = _month_ends(table)
    monthly = np.cumsum(table["turnover"].to_numpy())[np.flatnonzero(~_months(table).duplicated(keep="last"))]
    ends["turnover"] = np.diff(monthly, prepend=0.0)
    forms = FrozenMap({"growth": "{:.4f}".format, "drawdown": percent, "turnover": percent})
    note = f"Growth, fall from the highest point so far, and one-way turnover.{_monthly(table, ends)}"
    return Chart(f"The way of {name}", draw_history(table), ends, note, forms)


def _rules(statistics: pd.DataFrame) -> Listing:
    table = statistics["value"].unstack()  # noqa: PD010  (an index, not a column)
    rules = list(dict.fromkeys(statistics.index.get_level_values(0)))
    table = table.loc[rules, [name for name in _COLUMNS if name in table.columns]].rename_axis("rule")
    forms = FrozenMap({name: _form(name) for name in table.columns})
    note = (
        "A year, after costs; tracking error and information ratio from the strategic weights, rebalanced for nothing."
    )
    return Listing("Every rule", table.iloc[:MOST], note + remainder(table, "in statistics.parquet"), forms)


def _intervals(own: pd.DataFrame, name: str) -> Iterator[Section]:
    known = own.loc[np.isfinite(own["low"].to_numpy(dtype=float))]
    for title, kept, form, drawn in (
        ("with 90 % intervals: rates", [each for each in known.index if each not in _RATIOS], percent, ".1~%"),
        ("with 90 % intervals: ratios", [each for each in known.index if each in _RATIOS], "{:.2f}".format, ".2~f"),
    ):
        if kept:
            frame = known.loc[kept].rename_axis("statistic")
            frame = frame.rename(index=lambda each: spoken(str(each)))
            forms = FrozenMap(dict.fromkeys(("value", "low", "high"), form))
            note = "Intervals of a stationary bootstrap: what else could have come of a rule as good as this."
            chart = draw_intervals(frame, form=drawn)
            yield Chart(f"{capital(name)} {title}", chart, frame[["value", "low", "high"]], note, forms)


def _causes(test: Backtest) -> Iterator[Section]:
    causes = test.days.loc[test.days["trades"] > 0, "cause"].str.replace(r"[-\d.]+%?", "#", regex=True)
    if len(causes):
        counts = causes.value_counts().rename_axis("cause").rename("days").reset_index()
        yield Listing("What asked for trades", counts.iloc[:MOST], f"# stands for a number.{remainder(counts, _WHERE)}")


def _trades(test: Backtest) -> Listing:
    years = pd.DatetimeIndex(test.days.index).year
    earned = (1.0 + test.returns).groupby(pd.DatetimeIndex(test.returns.index).year).prod() - 1.0
    sums = {name: test.days[name].groupby(years).sum() for name in ("trades", "turnover", "cost")}
    table = pd.DataFrame({"return": earned, **sums})
    forms = FrozenMap({"return": percent, "turnover": percent, "cost": "{:,.0f}".format})
    note = "Return after costs, number of trades, one-way turnover, and cost in money."
    return Listing("Year by year", table.set_axis(table.index.astype(str)).rename_axis("year"), note, forms)


def _luck(found: Doubt) -> pd.DataFrame:
    rows = [
        ("rules tried", f"{found.trials:,}", ""),
        ("best Sharpe ratio", f"{found.sharpe:.2f}", found.best),
        ("deflated", whole(found.deflated), "the chance that it beats the best of so many without skill"),
    ]
    if np.isfinite(found.overfitting):
        rows.append(("overfitting", whole(found.overfitting), "how often the best half was below the median after"))
    if np.isfinite(found.forward_sharpe):
        words = "choosing the best of five years, holding it for the next"
        rows.append(("chosen forward", f"{found.forward_sharpe:.2f}", words))
    return pd.DataFrame(rows, columns=["what", "value", "meaning"])


def _month_ends(table: pd.DataFrame) -> pd.DataFrame:
    """Return the last row of each month."""
    return pd.DataFrame(table.loc[~_months(table).duplicated(keep="last")]).rename_axis("date")


def _months(table: pd.DataFrame) -> pd.Index:
    return pd.DatetimeIndex(table.index).to_period("M")


def _monthly(table: pd.DataFrame, ends: pd.DataFrame) -> str:
    return f" The table has month ends; every session stands {_WHERE}." if len(ends) < len(table) else ""


def _form(name: str) -> Form:
    if name in _RATIOS:
        return "{:.2f}".format
    return points if name == "cost" else percent
