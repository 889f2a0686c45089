"""`trimtab ledger calendar`: what is open, what is due, what waits, and who did what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .ledgers import ledger
from .options import DayType, Place, governed, place

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from ..governance.gates import Candidate
    from ..reports.calendars import Overseen

FINE = 0
_POSITIONS = ("account", "asset", "side", "state", "age", "life left", "reverts from", "ends", "approval")


@ledger.command()
@governed(
    click.option("--on", type=DayType(), help="The day; that of the newest run by default."),
    click.option(
        "--share", type=click.FloatRange(0, 1), default=0.9, show_default=True, help="Of a limit, to be shown."
    ),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Also a page (HTML), this file."),
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def calendar(
    where: str, store: Path | None, on: dt.date | None, share: float, out: Path | None, runs: tuple[Path, ...]
) -> int:
    """Show open tactical positions with age, life left and way back; reviews due; limits nearly used; what waits.

    RUNS are the folders of runs of one policy, a year of them for the drift of strategy; positions are the newest's.
    """
    from ..governance.gates import read_candidate
    from .pages import page, quote

    newest, console = max((read_candidate(run) for run in runs), key=lambda each: each.on), page()
    found = _oversee(place(where, store), runs, newest, on or newest.on, share)
    _show_all(console, found, newest, share)
    if out is not None:
        from ..reports.calendars import calendar_page
        from ..reports.pages import write_page

        about = (("newest run", newest.run_id), ("its seal", newest.version), ("its day", newest.on.isoformat()))
        quote(console, f"Written: {write_page(calendar_page(found, about=about), out)}")
    return FINE


def _oversee(at: Place, runs: Sequence[Path], newest: Candidate, day: dt.date, share: float) -> Overseen:
    """Read what a committee asks of the ledger and of the runs on a day."""
    from ..batches.books import read_book
    from ..batches.premises import read_universe
    from ..governance import calendars, oversight
    from ..governance.gates import policy_of
    from ..governance.kills import switch
    from ..governance.sealings import find_sealed
    from ..governance.snapshots import fetch, lay_out
    from ..reports.calendars import Overseen

    with at.open_ledger() as opened:
        kept = at.open_store()
        sealed = find_sealed(opened, kept, newest.run_id, newest.version)
        data = fetch(kept, sealed.inputs.policy)
        policy, universe = policy_of(data), read_universe(read_book(lay_out(kept, sealed.inputs)).shared["assets"])
        acts = oversight.acts(opened)
        return Overseen(
            day,
            str(switch(opened)),
            calendars.calendar(newest.path, policy, universe, day),
            calendars.used(newest.path, policy, share),
            oversight.due(opened),
            oversight.relaxations(opened, runs, data),
            oversight.drift(opened, runs, calendars.deviation_limits(policy, universe), day),
            acts,
            oversight.by_person(acts),
        )


def _show_all(out: Console, found: Overseen, newest: Candidate, share: float) -> None:
    from .pages import say

    say(out, f"Run {newest.run_id[:12]} of {newest.on}, seen on {found.on}: {found.switch}.", style="bold")
    _show_positions(out, found.positions)
    _show(out, "To be looked at", found.due, ("due", "what", "subject", "people"))
    columns = ("account_id", "limit", "on", "used", "bound", "share")
    _show(out, f"Limits used above {share:.0%}", found.used, columns)
    columns = ("run", "account_id", "limit", "on", "bound", "used", "approved", "people")
    _show(out, "Limits that gave way, waiting for approval", found.waiting, columns)
    columns = ("model_id", "asset_id", "mean", "limit", "share")
    habits = found.drift.loc[found.drift["flagged"].astype(bool), list(columns)]
    _show(out, "Tilts that have become a habit", habits, columns)
    who = found.people.reset_index()
    _show(out, "Who did what", who, tuple(map(str, who.columns)))


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
