"""The commands that ask one account again: with a number turned, in another world, with one more thing to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .options import BOOK, DAY, FOLDER, POLICY

FINE = 0


def _asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the question it asks: a book, a mandate, an account, a day; and where to write."""
    options = (
        click.argument("book", type=BOOK),
        click.option("--policy", required=True, type=POLICY, help="The mandate, a TOML file."),
        click.option("--account", required=True, help="The account's id, as in the book."),
        click.option("--on", required=True, type=DAY, help="The day, like 2017-02-28."),
        click.option("--out", type=FOLDER, help="A folder for the tables (Parquet and CSV) and the page (HTML)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_asked
@click.option(
    "--knob", "knobs", required=True, multiple=True, metavar="NAME=VALUES",
    help="What is turned: NAME=LOW:HIGH:COUNT or NAME=A,B,C. Twice for every combination of both.",
)  # fmt: skip
@click.option("--plot", "figure", default="expected_gain", show_default=True, help="What the page shows.")
@click.option("--against", default="tracking_error", show_default=True, help="What its frontier is against.")
def sweep(
    book: Path, policy: Path, account: str, on: dt.date, out: Path | None, knobs: tuple[str, ...], figure: str,
    against: str,
) -> int:  # fmt: skip
    """Solve ACCOUNT again with numbers of the mandate, the views or the market turned.

    A knob is risk_aversion, cost_horizon_years, a limit by its name (tracking_error, turnover, "equity range"),
    limit.NAME.FIELD, view.ID.gain, view.ID.confidence, price.ASSET, or gain, confidence, costs, volatility as a
    multiplier of all there are. Lots and tickets are not applied: these are ideal weights.
    """
    from .alternatives import ask_sweep

    ask_sweep(book, policy, account, on, knobs, out, figure, against)
    return FINE


@click.command()
@_asked
@click.option(
    "--shock", "shocks", multiple=True, metavar="NAME:MOVES",
    help='What could happen: "crash: equity=-30%, bonds=5%", "fall: spread equity=-20%" (the rest as is then to be '
    'expected), "2008: 2008-08-31..2009-02-28" (as it was); volatility.equity=2 and correlation=0.3 are of the risk.',
)  # fmt: skip
@click.option("--robust", is_flag=True, help="Also the weights whose worst outlook is the least bad.")
def board(
    book: Path, policy: Path, account: str, on: dt.date, out: Path | None, shocks: tuple[str, ...], robust: bool
) -> int:
    """Show everything that could be done with ACCOUNT, side by side.

    Do nothing, back to strategic, band edge, the proposal, phased, no views, each view alone, each view failing: their
    cost, turnover, tracking error, expected gain, use of every limit, result under each shock, and regret: what each
    gives up against the best if the world turns out so. And what must be believed to hold the proposal.
    """
    from .alternatives import ask_board

    ask_board(book, policy, account, on, shocks, out, robust=robust)
    return FINE


@click.command()
@_asked
@click.option("--knob", "knobs", multiple=True, metavar="NAME", help="Only this number; repeat it for several.")
def breakpoints(
    book: Path, policy: Path, account: str, on: dt.date, out: Path | None, knobs: tuple[str, ...]
) -> int:  # fmt: skip
    """Say how far a view, a limit or a price may move before a trade of ACCOUNT disappears or turns round.

    By default every limit, the gain of every view, all costs together, and each traded asset's own price.
    """
    from .alternatives import ask_breakpoints

    ask_breakpoints(book, policy, account, on, knobs, out)
    return FINE


@click.command()
@_asked
@click.option("--knob", "knobs", multiple=True, metavar="NAME", help="Only this number; repeat it for several.")
def sensitivity(
    book: Path, policy: Path, account: str, on: dt.date, out: Path | None, knobs: tuple[str, ...]
) -> int:  # fmt: skip
    """Say how ACCOUNT's ideal weights move with each number of the mandate, the views and the market.

    Derivatives of the optimum on what binds: nothing is solved again. Where a limit or a no-trade zone is just met they
    differ up and down, which the table says.
    """
    from .alternatives import ask_sensitivity

    ask_sensitivity(book, policy, account, on, knobs, out)
    return FINE


WHAT_IFS = (board, sweep, breakpoints, sensitivity)
