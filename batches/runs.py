"""Many accounts in one run: every account of a book decided, written and counted.

The heart is a plain loop over :func:`trimtab.optimizer.rebalancing.decide`. The problem is stated once; what belongs to
a model (its tilt) or to a model and an aversion (its tactical target) is worked out once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..errors import RunError, TrimtabError
from ..models.tilts import NO_TILT, Tilt
from ..optimizer.solutions import Outcome
from ..units import FrozenMap, day, percent
from . import seals
from .books import Book, read_book
from .chunks import decide_chunk
from .desks import Desk, open_desk
from .rosters import Roster
from .stores import CHUNK, SCHEMAS, digest_tables, open_tables, write_rows, write_seal

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]
"""Told the accounts done and the accounts there are."""


@dataclass(frozen=True)
class Run:
    """A finished run: where it stands and how its accounts ended.

    Parameters
    ----------
    path, run_id
        Its folder, and the hash of everything that went in.
    counts
        Accounts by the name of their outcome; they sum to the accounts of the book.
    blocked
        Whether a tripwire of the policy holds it back for people to look at.
    why
        The tripwires that did.
    fresh
        False where the run was finished before and nothing was computed.
    """

    path: Path
    run_id: str
    counts: Mapping[str, int]
    blocked: bool
    why: tuple[str, ...] = ()
    fresh: bool = True

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables: accounts, targets, trades, quarantine or timings; page checksums are verified."""
        import pyarrow.parquet as pq

        if name not in SCHEMAS:
            raise RunError(f"a run has no table {name!r}; it has {', '.join(SCHEMAS)}")
        return pq.read_table(self.path / f"{name}.parquet", page_checksum_verification=True).to_pandas()

    def __str__(self) -> str:
        """Return how its accounts ended, in a line."""
        ended = ", ".join(f"{n:,} {name}" for name, n in self.counts.items() if n)
        return f"run {self.run_id[:12]}: {sum(self.counts.values()):,} accounts ({ended or 'none'})" + (
            " BLOCKED" if self.blocked else ""
        )


def run(
    book: Book | str | Path,
    policy: Policy | str | Path,
    on: dt.date | str,
    out: str | Path,
    *,
    overlay: Tilt = NO_TILT,
    progress: Progress | None = None,
) -> Run:
    """Decide every account of a book and write the run into a folder.

    Parameters
    ----------
    book, policy
        As read, or where they are; the strategic models are the book's.
    on
        The day.
    out
        A new or empty folder, or one with this very run: finished, nothing is done; interrupted, it is done again.
    overlay
        Tilts beside those of the book.
    progress
        Called after each account with how many are done and how many there are.

    Raises
    ------
    BookError, MarketError, PolicyError, ViewError
        A shared input that is bad: nothing is written.
    RunError
        ``out`` holds something else or cannot be written.
    """
    book = book if isinstance(book, Book) else read_book(book)
    policy = book.policy(policy if isinstance(policy, Policy) else read_policy(policy))
    on, out = day(on), Path(out)
    given = seals.inputs(book, policy, on, overlay)
    name = seals.run_id(given)
    roster = book.roster(policy)
    desk = open_desk(book, policy, on, overlay)
    if (seal := seals.claim(out, name)) is not None:
        return _as_run(out, seal, fresh=False)
    started = dt.datetime.now(dt.UTC)
    try:
        with open_tables(out) as writers:
            counts = _decide_all(desk, roster, writers, progress)
    except OSError as error:  # a full disk, a folder that went away: nothing else here reads or writes
        raise RunError(
            f"{out} cannot be written: {error.strerror or error}; the same command resumes the run"
        ) from error
    why = _tripped(policy, counts)
    seal = {
        "format": seals.FORMAT,
        "run_id": name,
        "sealed": True,
        "blocked": bool(why),
        "why": why,
        "on": on.isoformat(),
        "accounts": len(roster),
        "counts": counts,
        "tables": digest_tables(out),
        "inputs": given,
        "book": str(book.path),
        "started": started.isoformat(),
        "finished": dt.datetime.now(dt.UTC).isoformat(),
    }
    write_seal(out, seal)
    seals.release(out, name)
    return _as_run(out, seal, fresh=True)


def _decide_all(desk: Desk, roster: Roster, writers: Mapping[str, Any], progress: Progress | None) -> dict[str, int]:
    """Decide, write and count every account; raise ``TrimtabError`` if one went missing."""
    counts = {outcome.name: 0 for outcome in Outcome}
    entries, done, total = iter(roster), 0, len(roster)
    while chunk := list(islice(entries, CHUNK)):
        start = done
        told = None if progress is None else lambda n, start=start: progress(start + n, total)
        decided = decide_chunk(desk, chunk, told)
        write_rows(writers, decided.tables)
        for name, count in decided.counts.items():
            counts[name] += count
        done += len(chunk)
    if sum(counts.values()) != total:
        raise TrimtabError(f"{total} accounts went in and {sum(counts.values())} came out; please report this")
    return counts


def _tripped(policy: Policy, counts: Mapping[str, int]) -> list[str]:
    """Say which tripwires this run is beyond."""
    why, total = [], sum(counts.values())
    for most, name, wire in (
        (policy.tripwires.max_quarantined, "QUARANTINED", "max_quarantined"),
        (policy.tripwires.max_unsolved, "UNSOLVED", "max_unsolved"),
    ):
        if most is not None and counts[name] > most * total:
            why.append(
                f"{counts[name]:,} of {total:,} accounts are {name} ({percent(counts[name] / total)}), "
                f"above {wire} {percent(most)}"
            )
    return why


def _as_run(out: Path, seal: Mapping[str, Any], *, fresh: bool) -> Run:
    return Run(out, seal["run_id"], FrozenMap(seal["counts"]), bool(seal["blocked"]), tuple(seal["why"]), fresh)
