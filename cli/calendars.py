"""`trimtab ledger calendar`: what is open, what is due, what waits, and who did what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import ledger
from .options import DayType, governed, place

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

FINE = 0
_POSITIONS = ("account", "asset", "side", "state", "age", "life left", "reverts from", "ends", "approval")


@ledger.command()
@governed(
    click.option("--on", type=DayType(), help="The day; that of the newest run by default."),
    click.option(
        "--share", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="Of a limit, to be shown."
    ),
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def calendar(where: str, store: Path | None, on: dt.date | None, share: float, runs: tuple[Path, ...]) -> int:
    """Show open tactical positions with age, life left and way back; reviews due; limits nearly used; what waits.

    RUNS are the folders of runs of one policy, a year of them for the drift of strategy; positions are the newest's.
    """
    from ..batches.books import read_book
    from ..batches.premises import read_universe
    from ..governance import calendars, oversight
    from ..governance.gates import policy_of, read_candidate
    from ..governance.kills import switch
    from ..governance.sealings import find_sealed
    from ..governance.snapshots import fetch, lay_out
    from .pages import page, say

    at, console = place(where, store), page()
    newest = max((read_candidate(run) for run in runs), key=lambda each: each.on)
    day = on or newest.on
    with at.open_ledger() as opened:
        kept = at.open_store()
        sealed = find_sealed(opened, kept, newest.run_id, newest.version)
        data = fetch(kept, sealed.inputs.policy)
        policy, universe = policy_of(data), read_universe(read_book(lay_out(kept, sealed.inputs)).shared["assets"])
        say(console, f"Run {newest.run_id[:12]} of {newest.on}, seen on {day}: {switch(opened)}.", style="bold")
        _show_positions(console, calendars.calendar(newest.path, policy, universe, day))
        _show(console, "To be looked at", oversight.due(opened), ("due", "what", "subject", "people"))
        columns = ("account_id", "limit", "on", "used", "bound", "share")
        _show(console, f"Limits used above {share:.0%}", calendars.used(newest.path, policy, share), columns)
        waiting = oversight.relaxations(opened, runs, data)
        columns = ("run", "account_id", "limit", "on", "bound", "used", "approved", "people")
        _show(console, "Limits that gave way, waiting for approval", waiting, columns)
        drift = oversight.drift(opened, runs, calendars.deviation_limits(policy, universe), day)
        columns = ("model_id", "asset_id", "mean", "limit", "share")
        _show(
            console, "Tilts that have become a habit", drift.loc[drift["flagged"].astype(bool), list(columns)], columns
        )
        who = oversight.by_person(oversight.acts(opened)).reset_index()
        _show(console, "Who did what", who, tuple(map(str, who.columns)))
    return FINE


def _show_positions(out: Console, positions: pd.DataFrame) -> None:
    from .pages import head, listed

    head(out, f"Open tactical positions: {len(positions):,}")
    names = "account_id asset_id side state age_days life_left reverts_from ends approval"
    rows = [tuple(map(str, row)) for row in positions[names.split()].head(20).itertuples(index=False)]
    if rows:
        listed(out, _POSITIONS, rows, len(positions), "in positions.parquet", numeric=("age", "life left"))


def _show(out: Console, words: str, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Show the first rows of a table, or that there is nothing."""
    from .pages import head, listed

    head(out, f"{words}: {len(frame):,}")
    rows = [tuple(_cell(row[name]) for name in columns) for _, row in frame.head(20).iterrows()]
    if rows:
        listed(out, columns, rows, len(frame), "in the ledger", numeric=())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    sort, slash, name = text.partition("/")
    return f"{sort}/{name[:12]}" if slash and len(name) == 64 else text[:12] if len(text) == 64 else text
