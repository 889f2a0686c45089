"""The command that leads a policy through history. What computes is imported inside it, so that ``--help`` answers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from .options import BOOK, DAY, FOLDER, POLICY

_OFTEN = click.Choice(["session", "week", "month", "quarter", "year"])


@click.command(short_help="Say what a policy would have done in the history of BOOK.")
@click.argument("book", type=BOOK)
@click.option("--policy", required=True, type=POLICY, help="The mandate with its playbook, a TOML file.")
@click.option("--from", "start", type=DAY, help="The first day; by default as soon as a covariance can be estimated.")
@click.option("--to", "end", type=DAY, help="The last day; the end of the history by default.")
@click.option("--model", default="", help="The strategic model that is followed; the first of the book by default.")
@click.option(
    "--grid", "knobs", multiple=True, metavar="KNOB=LOW:HIGH:N",
    help="Try other values of a knob too, like tracking_error=1%:3%:5; repeat it for several knobs.",
)  # fmt: skip
@click.option(
    "--lag", type=click.IntRange(min=0), default=1, show_default=True, help="Days from a signal to its trade."
)
@click.option("--read", type=_OFTEN, default="month", show_default=True, help="How often signals are read.")
@click.option("--estimate", type=_OFTEN, default="month", show_default=True, help="How often risk is estimated.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--out", required=True, type=FOLDER, help="A new folder for the tables and the page.")
def backtest(
    book: Path,
    policy: Path,
    start: dt.date | None,
    end: dt.date | None,
    model: str,
    knobs: tuple[str, ...],
    lag: int,
    read: str,
    estimate: str,
    workers: int,
    out: Path,
) -> int:
    """Say what a policy would have done in the history of BOOK, with what was known on each day.

    The policy is asked as it is asked every morning; beside it stand holding, the calendar, a band, and each of its
    own signals alone. Money starts at the strategic weights; costs are those of the book. Signals of one day trade on
    a later one. The best of many rules is told with how much of it is luck.
    """
    from ..scenarios.conducts import Conduct
    from .backtests import show_tested, try_policy, write_tested
    from .pages import open_folder, page, say

    conduct = Conduct(lag, read, estimate)  # pyright: ignore[reportArgumentType]  click has checked the words
    open_folder(out)  # before the long walk, not after it
    tested = try_policy(book, policy, start, end, knobs=knobs, model=model, conduct=conduct, workers=workers)
    files = write_tested(tested, out)
    console = page()
    show_tested(console, tested)
    say(console, f"Written to {out}: {', '.join(path.name for path in files)}.")
    say(console, "What came of each decision says `trimtab attribute` of that folder.")
    return 0
