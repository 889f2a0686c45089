"""Chunks in whose company workers die: decided piece by piece, until the account that kills stands alone."""

from __future__ import annotations

from concurrent.futures import wait

import pyarrow as pa

from ..errors import AccountError
from .chunks import Decided, decide_chunk
from .desks import Desk
from .jobs import Job, Report, put_down, work_on_piece
from .manifests import Manifest, changing, reading
from .partitions import read_chunk
from .processes import Single, pack
from .rosters import Refused, Roster

DEATHS = 2
"""Deaths in company after which a chunk is decided with care, and deaths alone after which an account is refused."""


def decide_with_care(desk: Desk, job: Job, manifest: Manifest) -> Report:
    """Decide a chunk in a process that may die: a piece it dies on is halved, an account it dies on twice is refused.

    Deaths stand in the manifest, so that whoever goes on after us need not repeat them.
    """
    roster = read_chunk(job.inputs, job.chunk, desk.policy, desk.market.universe)
    pieces: list[Decided] = []
    left = [(0, len(roster))]
    died = deaths_on(manifest, job.chunk)
    single = Single(job.run, pack(desk))
    try:
        while left:
            start, stop = left.pop()
            times = died.get((start, stop), 0)
            if times and stop - start > 1:
                middle = (start + stop) // 2
                left += [(middle, stop), (start, middle)]
            elif times >= DEATHS:
                pieces.append(decide_chunk(desk, [_refused(roster, start)]))
            elif decided := _try(single, job, start, stop, died, manifest):
                pieces.append(decided)
            else:
                left.append((start, stop))
    finally:
        single.close()
    return put_down(job, _joined(pieces))


def _try(
    single: Single, job: Job, start: int, stop: int, died: dict[tuple[int, int], int], manifest: Manifest
) -> Decided | None:
    """Decide a piece in the process beside us, or record that it died there."""
    future = single.submit(work_on_piece, job, start, stop)
    wait([future])  # it ends with its process at the latest
    deaths = single.deaths(future)
    if deaths:
        died[start, stop] = add_death(manifest, job.chunk, start, stop)
    return future.result(timeout=0) if deaths is None else None


def _refused(roster: Roster, position: int) -> Refused:
    name = roster.ids[position]
    return Refused(
        name,
        roster.models[position],
        AccountError(
            f"the process that decided this account alone ended {DEATHS} times without a word",
            code="WORKER_KILLED",
            table="accounts",
            field="account_id",
            value=name,
            mend="look at its numbers and at custom limits, and report it",
        ),
    )


def _joined(pieces: list[Decided]) -> Decided:
    first = pieces[0]
    return Decided(
        {table: pa.concat_tables([piece.tables[table] for piece in pieces]) for table in first.tables},
        {outcome: sum(piece.counts[outcome] for piece in pieces) for outcome in first.counts},
    )


def add_death(manifest: Manifest, chunk: int, start: int, stop: int) -> int:
    """Record that a worker died on these accounts of a chunk and nothing else; return how often that was."""
    with changing(manifest) as cursor:
        cursor.execute(
            "insert into deaths values (?, ?, ?, 1) on conflict do update set times = times + 1", (chunk, start, stop)
        )
    return deaths_on(manifest, chunk)[start, stop]


def deaths_on(manifest: Manifest, chunk: int) -> dict[tuple[int, int], int]:
    """Return how often a worker died on each range of accounts of a chunk, decided alone."""
    with reading(manifest.path):
        rows = manifest.connection.execute("select start, stop, times from deaths where chunk = ?", (chunk,))
        return {(start, stop): times for start, stop, times in rows}
