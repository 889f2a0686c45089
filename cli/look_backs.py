"""The command that looks back on decisions. What computes is imported inside it, so that ``--help`` answers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from .options import BOOK, DAY, FOLDER, POLICY

_WAYS = click.Choice(["effect", "group", "asset", "class", "regime", "view", "signal", "rule", "author"])


@click.command(short_help="Say what came of the decisions in RUNS.")
@click.argument("runs", type=BOOK)
@click.option("--returns", type=POLICY, help="A table (.csv, .parquet): date, then a column an asset; for sealed runs.")
@click.option("--from", "start", type=DAY, help="Periods that end after this day; all by default.")
@click.option("--to", "end", type=DAY, help="Periods that end on this day or before.")
@click.option("--account", "accounts", multiple=True, help="An account; repeat it. All accounts by NAV by default.")
@click.option("--by", type=_WAYS, default="effect", show_default=True, help="What the excess return is split by.")
@click.option("--periods", type=click.FloatRange(min=1), help="Periods a year; read from the dates by default.")
@click.option("--book", type=BOOK, help="The runs' book, where it has moved: it says of what class assets are.")
@click.option("--fills", type=POLICY, help="What was traded: on, account_id, asset_id, weight; else as proposed.")
@click.option("--hurdles", type=POLICY, help="Annual gains fixed when sources were approved: source, hurdle.")
@click.option("--out", type=FOLDER, help="A new folder for tables, page and confidences.csv.")
def attribute(
    runs: Path,
    returns: Path | None,
    start: dt.date | None,
    end: dt.date | None,
    accounts: tuple[str, ...],
    by: str,
    periods: float | None,
    book: Path | None,
    fills: Path | None,
    hurdles: Path | None,
    out: Path | None,
) -> int:
    """Say what came of the decisions in RUNS: a folder of sealed runs, or what `trimtab backtest --out` wrote.

    The return beyond the strategic weights is split, without a remainder, into what each view, signal and rule earned,
    what waiting, limits, phases and lots did, drift, and costs; each source is judged, with intervals; and what became
    of forecasts proposes how much each source is to be believed. `trimtab submit OUT/confidences.csv` puts that to
    somebody else, and the next run under the ledger reads what was approved.
    """
    from .attributions import Asking, look_back, show_review, write_review
    from .pages import open_folder, page

    if out is not None:
        open_folder(out)  # before the long look, not after it
    asked = Asking(runs, returns, start, end, accounts, by, periods, book, fills, hurdles)
    told, console = look_back(asked), page()
    show_review(console, told, asked)
    if out is not None:
        write_review(console, told, asked, out)
    return 0
