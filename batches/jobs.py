"""A chunk as a job: read, decided, and put on the disk under hidden names, in whatever process is asked.

A job names a chunk and where its accounts stand; the desk travels once a worker. Whoever does a job answers with
digests: it never publishes, and never touches the manifest.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import RunError
from .allowances import read_parts
from .chunks import Decided, decide_chunk
from .desks import Desk
from .partitions import read_chunk
from .stores import Part, discard, write_part


@dataclass(frozen=True)
class Job:
    """A chunk to decide.

    Parameters
    ----------
    run
        The run's id: which desk.
    out, inputs
        The run's folder, and the one that holds the input of each chunk.
    chunk, token
        Which, and under which claim.
    extra
        What this round's chunks are told beside their accounts.
    """

    run: str
    out: Path
    inputs: Path
    chunk: int
    token: int
    extra: str = ""


@dataclass(frozen=True)
class Report:
    """What a worker made of a chunk: accounts by outcome, and its hidden parts by table (none without rows)."""

    counts: dict[str, int]
    parts: dict[str, Part]


def decide_job(desk: Desk, job: Job, told: Callable[[int], None] | None = None) -> Report:
    """Decide a chunk and put its rows on the disk under hidden names."""
    roster = read_chunk(job.inputs, job.chunk, desk.policy, desk.market.universe)
    return put_down(job, decide_chunk(desk, roster, told, read_parts(job.extra)))


def put_down(job: Job, decided: Decided) -> Report:
    """Put the rows of a chunk on the disk under hidden names; nothing stays behind where that fails."""
    parts: dict[str, Part] = {}
    try:
        for table, rows in decided.tables.items():
            if len(rows):
                parts[table] = write_part(job.out, table, rows, f"part-{job.chunk}-{job.token}")
    except BaseException:
        discard(job.out, parts)
        raise
    return Report(dict(decided.counts), parts)


def decide_piece(desk: Desk, job: Job, start: int, stop: int) -> Decided:
    """Decide the accounts of a chunk from ``start`` to before ``stop``, and write nothing."""
    roster = read_chunk(job.inputs, job.chunk, desk.policy, desk.market.universe)
    piece = [roster[position] for position in range(start, stop)]
    return decide_chunk(desk, piece, None, read_parts(job.extra))


DESKS = 4
_DESKS: dict[str, bytes | Desk] = {}
_ALONE = threading.Lock()
_COUNTERS: list[Any] = []


def install(run: str, payload: bytes) -> None:
    """Give this worker the desk of a run; it is unpacked when the first job asks for it.

    A worker of a cluster outlives many runs: it keeps the desks of the last few.
    """
    _DESKS.setdefault(run, payload)
    while len(_DESKS) > DESKS:
        del _DESKS[next(iter(_DESKS))]


def work(job: Job) -> Report:
    """Decide a chunk in a worker that was given the desk of its run; one at a time, whatever the threads."""
    with _ALONE:
        return decide_job(_desk(job.run), job, _count)


def work_on_piece(job: Job, start: int, stop: int) -> Decided:
    """Decide a piece of a chunk in a worker."""
    return decide_piece(_desk(job.run), job, start, stop)


def _desk(run: str) -> Desk:
    held = _DESKS[run]
    if isinstance(held, bytes):
        try:
            held = _DESKS[run] = pickle.loads(held)  # noqa: S301  (made by the process that began this one)
        except (ImportError, AttributeError) as error:
            raise RunError(f"a worker cannot find the functions of a custom limit: {error}") from error
    return held


def show_count(counter: Any) -> None:
    """Let the one who began this worker read along how many accounts of its job are decided."""
    _COUNTERS[:] = [counter]


def _count(done: int) -> None:
    for counter in _COUNTERS:
        counter.value = done
