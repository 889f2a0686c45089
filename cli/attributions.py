"""What came of the decisions in a folder of sealed runs: the excess return by effect, and who earned it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from rich.console import Console

from ..attribution.decisions import GROUPS, Attribution, By, attribute
from ..attribution.linking import compounded
from ..attribution.sequences import list_runs, read_chain
from ..attribution.skill import LEAST, cost_of_limits, judge_by
from ..errors import InputError
from ..units import basis_points, percent
from .pages import head, lay, open_folder, quote, say

_SEEN = 5e-7
"""Half a hundredth of a basis point: effects below it are not shown."""


@dataclass(frozen=True)
class Asking:
    """What is asked: runs, returns, from when to when, for whom, split by what; periods a year where they are given."""

    runs: Path
    returns: Path
    start: dt.date | None
    end: dt.date | None
    accounts: tuple[str, ...]
    by: str
    periods: float | None = None


def look_back(asked: Asking) -> Attribution:
    """Attribute the runs of a folder.

    Raises
    ------
    InputError, RunError
        No sealed run, returns that cannot be read, no period between the days.
    """
    chain = read_chain(list_runs(asked.runs), read_returns(asked.returns), asked.accounts or None)
    start, end = (None if each is None else pd.Timestamp(each) for each in (asked.start, asked.end))
    return attribute(chain, start=start, end=end)


def read_returns(path: Path) -> pd.DataFrame:
    """Read a table of returns, indexed by its column ``date``; raise ``InputError`` where it is none."""
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"date": str})
        if "date" in table.columns:
            table = table.set_index("date")
        table.index = pd.DatetimeIndex(pd.to_datetime(table.index))
        return table.astype(float)
    except (ValueError, OSError, TypeError) as error:
        raise InputError(
            f"{path.name} is no table of returns: {error}", code="BAD_RETURNS", table="returns", field="date",
            mend="a column date like 2017-02-28, then a column an asset, decimals",
        ) from None  # fmt: skip


def show_attribution(out: Console, found: Attribution, asked: Asking, folder: Path | None = None) -> None:
    """Show an attribution on a page; with a folder, write its tables there too."""
    if folder is not None:
        open_folder(folder)
    own, base = (compounded(each.to_numpy()) for each in (found.portfolio, found.benchmark))
    first, last = (f"{x:%Y-%m-%d}" for x in (found.periods[0], found.periods[-1]))
    say(out, f"{found.name}, {len(found.periods):,} periods ending {first} to {last}", style="bold")
    say(out, f"Earned {percent(own)} after costs; strategic weights {percent(base)}: {_points(found.excess)} apart.")
    head(out, f"What did it, by {asked.by}")
    table = found.by(cast("By", asked.by))
    shown = table.loc[table.abs().max(axis=1) >= _SEEN]
    groups = dict(zip(found.names, found.groups, strict=True)) if asked.by == "effect" else {}
    order = sorted(shown.index, key=lambda name: GROUPS.index(groups.get(name, GROUPS[0])))
    sizes = dict(zip(shown.index, shown[["sum", "linked"]].to_numpy(dtype=float).tolist(), strict=True))
    rows = [(name, *(_points(size) for size in sizes[name])) for name in order]
    rows.append(("all", *(_points(x) for x in table[["sum", "linked"]].to_numpy(dtype=float).sum(0))))
    lay(out, (asked.by, "sum", "linked"), rows, ("sum", "linked"))
    say(out, f"Nothing is left over: the largest remainder of a period is {basis_points(found.residual, 6)}.")
    if found.apart > 1e-6:
        say(
            out,
            f"Portfolios that runs recorded are up to {percent(found.apart, 3)} of an asset from the ones replayed: "
            "flows, fills that were not told, or prices that are not the returns.",
        )
    year = asked.periods or _periods_per_year(found.periods)
    tables = {"attribution": found.to_frame(), "waterfall": found.waterfall().reset_index()}
    if len(found.periods) >= LEAST:
        tables["skill"] = judge_by(found, "view", periods_per_year=year).reset_index()
        tables["limits"] = cost_of_limits(found, periods_per_year=year).reset_index()
        _show_skill(out, tables["skill"], tables["limits"])
    else:
        say(out, f"Too short to judge skill: {len(found.periods)} periods, {LEAST} are needed.")
    if folder is not None:
        _write(out, folder, tables)
        _write_page(out, found, tables, asked, folder)


def _show_skill(out: Console, skill: pd.DataFrame, limits: pd.DataFrame) -> None:
    head(out, "Whether it was skill: a year in position, with 90 % intervals")
    rows = [
        (
            row["source"], f"{row['periods']:,}", *(_points(row[name]) for name in ("gain", "low", "high")),
            f"{row['information_ratio']:.2f}", percent(row["hit_rate"], 0), row["verdict"],
        )
        for row in skill.to_dict("records") if np.isfinite(row["gain"])
    ]  # fmt: skip
    columns = ("source", "periods", "gain", "low", "high", "ratio", "hits", "verdict")
    lay(out, columns, rows, columns[1:-1])
    head(out, "What limits and delays cost a year, with 90 % intervals")
    told = limits.loc[limits[["cost_bp", "low", "high"]].abs().max(axis=1) >= 1e4 * _SEEN]
    names = ("cost_bp", "low", "high")
    rows = [(row["effect"], *(f"{row[name]:+.2f} bp" for name in names)) for row in told.to_dict("records")]
    lay(out, ("effect", "cost", "low", "high"), rows, ("cost", "low", "high"))


def _write(out: Console, folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    quote(out, f"Written to {folder}: {', '.join(f'{name}.parquet' for name in tables)}")


def _write_page(out: Console, found: Attribution, tables: dict[str, pd.DataFrame], asked: Asking, folder: Path) -> None:
    from ..reports.attributions import attribution_page
    from ..reports.pages import write_page

    about = (("runs", str(asked.runs)), ("returns", str(asked.returns)))
    made = attribution_page(found, skill=tables.get("skill"), limits=tables.get("limits"), about=about)
    quote(out, f"Written: {write_page(made, folder / 'attribution.html')}")


def _points(value: float) -> str:
    return f"{1e4 * value:+.2f} bp"


def _periods_per_year(ends: pd.Index) -> float:
    """Return how many periods a year has, by the usual distance of their ends."""
    if len(ends) < 2:
        return 1.0
    distance = float(np.median(np.diff(pd.DatetimeIndex(ends).to_numpy()) / np.timedelta64(1, "D")))
    return 252.0 if distance < 4 else round(365.25 / distance)
