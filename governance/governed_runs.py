"""A run made under the ledger: what accounts bring along comes from there, and what is decided is sealed there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from ..batches.books import read_book
from ..batches.rounds import Progress
from ..batches.runs import CHUNK, Run, run
from ..constraints.documents import read_policy
from ..units import day
from .clocks import derive
from .entries import Entry
from .handovers import hand_over
from .ledgers import Ledger
from .sealings import seal, take_in
from .snapshots import POLICY, Store


def run_governed(
    ledger: Ledger,
    store: Store,
    book: str | Path,
    policy: str | Path,
    on: dt.date | str,
    out: str | Path,
    actor: str,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> tuple[Run, Entry]:
    """Decide every account of a book with what the ledger knows of it, and seal the run in the ledger.

    The run is made from a copy in the store: what was read then can be read again, whatever becomes of the book. The
    same call again does nothing, as long as the ledger has learnt nothing new of the days before.

    Parameters
    ----------
    ledger, store
        Where.
    actor
        Who makes it.
    book, policy, on, out, workers, cluster, chunk, progress
        As for `batches.run`.

    Returns
    -------
    tuple of Run and Entry
        The run, and its seal.
    """
    derived = derive(ledger, store, day(on))
    inputs = take_in(store, book, policy, hand_over(read_book(book), derived, read_policy(policy)))
    done = run(inputs, inputs / POLICY, on, out, workers=workers, cluster=cluster, chunk=chunk, progress=progress)
    return done, seal(ledger, store, out, inputs, actor)
