"""`trimtab replay`: a past decision made again from what was kept then."""

from __future__ import annotations

from pathlib import Path

import click

from .ledgers import run_id_of
from .options import governed, place

FINE, APART = 0, 3


@click.command()
@governed()
@click.argument("run")
@click.argument("account")
def replay(where: str, store: Path | None, run: str, account: str) -> int:
    """Decide ACCOUNT of a past RUN again, from the snapshot of that day.

    RUN is its folder, its id, or the beginning of it. The weights must be the same to the last bit on the same
    releases, code and class of machine, and within 1e-7 elsewhere; what differs is named. Exit status 3: they are not.
    """
    from ..governance.replays import replay as decide_again
    from .pages import lay, page, say

    at, console = place(where, store), page()
    with at.open_ledger() as opened:
        found = decide_again(opened, at.open_store(), run_id_of(run), account)
    say(console, f"{found}.", style="bold" if found.holds else "bold red")
    rows = [(asset, f"{then:.6%}", f"{now:.6%}") for asset, then, now in found.weights.itertuples()]
    if rows:
        lay(console, ("asset", "then", "now"), rows, ("then", "now"))
    return FINE if found.holds else APART
