"""What came of the decisions in a folder of sealed runs or of a backtest: effects, who earned them, what follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from rich.console import Console

from ..attribution.decisions import BELIEFS, GROUPS, By
from ..attribution.feedback import write_proposal
from ..attribution.linking import compounded
from ..attribution.recordings import record_runs
from ..attribution.records import Record, holds_record, read_record
from ..attribution.reviews import Review, review
from ..attribution.sequences import list_runs
from ..attribution.skill import LEAST
from ..batches.books import Book, read_book
from ..batches.stores import read_seal
from ..errors import InputError
from ..units import basis_points, percent
from .pages import head, lay, listed, open_folder, quote, say

_SEEN = 5e-7
"""Half a hundredth of a basis point: effects below it are not shown."""


@dataclass(frozen=True)
class Asking:
    """What is asked: runs, returns, from when to when, for whom, split by what; and files that say more, where given.

    Parameters
    ----------
    runs, returns
        A folder of sealed runs and a table of what assets returned; or the folder of a backtest, which knows both.
    start, end, accounts, by, periods
        Days, ids (all by NAV without any), the split that is shown, periods a year (read from the dates by default).
    book, fills, hurdles
        Where the book of the runs has gone; what was traded instead of what was proposed; annual gains by source.
    """

    runs: Path
    returns: Path | None
    start: dt.date | None
    end: dt.date | None
    accounts: tuple[str, ...]
    by: str
    periods: float | None = None
    book: Path | None = None
    fills: Path | None = None
    hurdles: Path | None = None


def look_back(asked: Asking) -> Review:
    """Attribute the runs of a folder, or the backtest in it, and judge what had a part in it.

    Raises
    ------
    InputError, RunError
        No sealed run, one that is not, returns that cannot be read, no period between the days.
    """
    start, end = (None if each is None else pd.Timestamp(each) for each in (asked.start, asked.end))
    hurdles = {} if asked.hurdles is None else read_hurdles(asked.hurdles)
    return review(find_record(asked), start=start, end=end, hurdles=hurdles, periods_per_year=asked.periods)


def find_record(asked: Asking) -> Record:
    """Return the record of a backtest's folder, or the one that sealed runs make."""
    where = holds_record(asked.runs)
    if where is not None:
        given = {"returns": asked.returns, "account": asked.accounts, "fills": asked.fills, "book": asked.book}
        more = next((name for name, value in given.items() if value), None)
        if more is not None:
            raise InputError(
                f"{asked.runs} holds a backtest, which says itself what happened", code="NOT_ASKED", field=more,
                mend=f"leave out --{more}",
            )  # fmt: skip
        return read_record(where)
    runs = list_runs(asked.runs)
    if asked.returns is None:
        raise InputError(
            "sealed runs do not say what assets returned", code="MISSING_RETURNS", field="returns",
            mend="--returns FILE: a column date, then a column an asset, decimals",
        )  # fmt: skip
    fills = None if asked.fills is None else read_fills(asked.fills)
    return record_runs(runs, read_returns(asked.returns), asked.accounts or None, book=_book(asked, runs), fills=fills)


def _book(asked: Asking, runs: list[Path]) -> Book | None:
    """Return the book that says of what class assets are; None where it has gone and nobody says where."""
    where = asked.book or Path(str((read_seal(runs[-1]) or {}).get("book", "")))
    return read_book(where) if asked.book is not None or (where.name and where.is_dir()) else None


def read_returns(path: Path) -> pd.DataFrame:
    """Read a table of returns, indexed by its column ``date``; raise ``InputError`` where it is none."""
    try:
        table = _read(path)
        if "date" in table.columns:
            table = table.set_index("date")
        elif not isinstance(table.index, pd.DatetimeIndex):
            raise ValueError("it has no column 'date'")
        table.index = pd.DatetimeIndex(pd.to_datetime(table.index))
        return table.astype(float)
    except (ValueError, OSError, TypeError) as error:
        raise InputError(
            f"{path.name} is no table of returns: {error}", code="BAD_RETURNS", table="returns", field="date",
            mend="a column date like 2017-02-28, then a column an asset, decimals",
        ) from None  # fmt: skip


def read_fills(path: Path) -> pd.DataFrame:
    """Read what was traded: on (the run's day), account_id, asset_id, weight signed."""
    try:
        table = _read(path, account_id=str, asset_id=str)
        table = table.assign(on=pd.to_datetime(table["on"]), weight=table["weight"].astype(float))
        return pd.DataFrame(table[["on", "account_id", "asset_id", "weight"]])
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise InputError(
            f"{path.name} is no table of fills: {error}", code="BAD_FILLS", table="fills",
            mend="columns on, account_id, asset_id, weight (signed, decimal of NAV)",
        ) from None  # fmt: skip


def read_hurdles(path: Path) -> Mapping[str, float]:
    """Read the annual gains fixed when sources were approved: columns source, hurdle."""
    try:
        table = _read(path, source=str)
        found = dict(zip(table["source"], table["hurdle"].astype(float).tolist(), strict=True))
        if len(found) < len(table) or not np.isfinite([*found.values()]).all():
            raise ValueError("a source twice, or a hurdle that is no number")
        return found
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise InputError(
            f"{path.name} is no table of hurdles: {error}", code="BAD_HURDLES", table="hurdles",
            mend="columns source, hurdle: annual decimals",
        ) from None  # fmt: skip


def _read(path: Path, **types: type) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={"date": str, **types})


def show_review(out: Console, told: Review, asked: Asking) -> None:
    """Show a review on a page."""
    found = told.attribution
    own, base = (compounded(each.to_numpy()) for each in (found.portfolio, found.benchmark))
    first, last = (f"{x:%Y-%m-%d}" for x in (found.periods[0], found.periods[-1]))
    say(out, f"{found.name}, {len(found.periods):,} periods ending {first} to {last}", style="bold")
    say(out, f"Earned {percent(own)} after costs; strategic weights {percent(base)}: {_points(found.excess)} apart.")
    head(out, f"What did it, by {asked.by}")
    table = found.by(cast("By", asked.by))
    shown = table.loc[table.abs().max(axis=1) >= _SEEN]
    groups = {found.label(name): group for name, group in zip(found.names, found.groups, strict=True)}
    groups |= {group: group for group in GROUPS}
    order = sorted(shown.index, key=lambda name: GROUPS.index(groups.get(name, BELIEFS)))
    sizes = dict(zip(shown.index, shown[["sum", "linked"]].to_numpy(dtype=float).tolist(), strict=True))
    rows = [(name, *(_points(size) for size in sizes[name])) for name in order]
    rows.append(("all", *(_points(x) for x in table[["sum", "linked"]].to_numpy(dtype=float).sum(0))))
    lay(out, (asked.by, "sum", "linked"), rows, ("sum", "linked"))
    say(out, f"Nothing is left over: the largest remainder of a period is {basis_points(found.residual, 6)}.")
    if found.apart > 1e-6:
        say(
            out,
            f"Portfolios that were recorded are up to {percent(found.apart, 4)} of an asset from the ones replayed: "
            "flows, fills that were not told, prices that are not the returns, what costs take from the cash.",
        )
    if len(found.periods) >= LEAST:
        _show_skill(out, told, asked)
        _show_limits(out, told.limits)
        _show_benchmarks(out, told.benchmarks)
    else:
        say(out, f"Too short to judge skill: {len(found.periods)} periods, {LEAST} are needed.")
    _show_forecasts(out, told)


def _show_skill(out: Console, told: Review, asked: Asking) -> None:
    kinds = [asked.by] if asked.by in set(told.skill["by"]) else ["view", "signal"]
    head(out, f"Whether it was skill, by {' and '.join(kinds)}: a year in position, with 90 % intervals")
    skill = told.skill.loc[told.skill["by"].isin(kinds)].drop_duplicates(["source", "gain"])
    rows = [
        (
            *(_bare(row[name]) for name in ("gain", "low", "high")), f"{row['information_ratio']:.2f}",
            percent(row["hit_rate"], 0), f"{row['slugging']:.2f}", row["verdict"], row["source"],
        )
        for row in skill.to_dict("records") if np.isfinite(row["gain"])
    ]  # fmt: skip
    columns = ("gain bp", "low", "high", "ratio", "hits", "won/lost", "verdict", "source")
    if rows:
        listed(out, columns, rows, len(rows), "in skill.parquet", shown=20, numeric=columns[:-2])
    else:
        say(out, f"No {' or '.join(kinds)} was in position in these periods: there is nothing to judge.")
    for row in told.figures.to_dict("records"):
        words = {"breadth": "Independent bets", "transfer_coefficient": "Of the forecasts came through"}[row["figure"]]
        say(out, f"{words}: {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}).")


def _show_limits(out: Console, limits: pd.DataFrame) -> None:
    head(out, "What limits and delays cost a year, with 90 % intervals")
    seen = limits.loc[limits[["cost_bp", "low", "high"]].abs().max(axis=1) >= 1e4 * _SEEN]
    names = ("cost_bp", "low", "high")
    rows = [(row["effect"], *(f"{row[name]:+.2f} bp" for name in names)) for row in seen.to_dict("records")]
    lay(out, ("effect", "cost", "low", "high"), rows, ("cost", "low", "high"))


def _show_benchmarks(out: Console, table: pd.DataFrame) -> None:
    head(out, "Which benchmark to be judged by, best first")
    rows = [(row["benchmark"], f"{row['score']:.2f}", row["because"]) for row in table.to_dict("records")]
    lay(out, ("benchmark", "score", "because"), rows, ("score",))


def _show_forecasts(out: Console, told: Review) -> None:
    if not len(told.forecasts):
        say(out, "No forecast has ended by then, or what it is about is not known: no confidence is proposed.")
        return
    head(out, f"What became of {len(told.forecasts):,} forecasts, with 90 % intervals")
    own = told.calibration.loc[told.calibration["by"] == "source"]
    rows = []
    for row in own.to_dict("records"):
        rows += [
            ("right", *_ends(row, "right_share", percent), f"{row['source']}, {row['forecasts']:,}"),
            ("gained of what was promised", *_ends(row, "slope", _plain), ""),
            ("rank correlation", *_ends(row, "ic", _plain), ""),
            ("days until it was earned", *_ends(row, "days", "{:.0f}".format), ""),
        ]
    lay(out, ("", "value", "low", "high", "source"), rows, ("value", "low", "high"))
    head(out, "Confidences that are proposed; somebody has to approve them")
    names = ("source", "stated", "confidence", "scale", "verdict", "because")
    rows = [
        (row["source"], *(f"{row[name]:.2f}" for name in names[1:4]), row["verdict"], row["because"])
        for row in told.proposal.to_dict("records")
    ]
    lay(out, names, rows, names[1:4])


def write_review(out: Console, told: Review, asked: Asking, folder: Path) -> None:
    """Write the tables of a review and its page into a folder (:func:`.pages.open_folder`); say what to do next."""
    open_folder(folder)
    for name, table in told.tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    quote(out, f"Written to {folder}: {', '.join(told.tables)} (.parquet), {_write_page(told, asked, folder).name}")
    if len(told.proposal):
        path = write_proposal(told.proposal, folder)
        quote(out, f"To be believed so from the next run on: trimtab submit {path}, then somebody else approves it")


def _write_page(told: Review, asked: Asking, folder: Path) -> Path:
    from ..reports.attributions import attribution_page
    from ..reports.pages import write_page

    about = (("decisions", str(asked.runs)), ("returns", str(asked.returns or "the backtest's own")))
    made = attribution_page(
        told.attribution, skill=told.skill, limits=told.limits, calibration=told.calibration, figures=told.figures,
        forecasts=told.forecasts, benchmarks=told.benchmarks, about=about,
    )  # fmt: skip
    return write_page(made, folder / "attribution.html")


def _ends(row: Mapping[str, float], name: str, form: Callable[[float], str]) -> tuple[str, str, str]:
    """Return a figure with the ends of its interval as text; nothing where there is none."""
    value, low, high = ("" if np.isnan(x) else form(x) for x in (row[f"{name}{end}"] for end in ("", "_low", "_high")))
    return value, low, high


def _bare(value: float) -> str:
    return f"{1e4 * value:+.1f}"


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _points(value: float) -> str:
    return f"{1e4 * value:+.2f} bp"
