"""Who decides chunks: this process, processes beside it, or those of a Dask cluster; all are given the same jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from .desks import Desk
from .jobs import Job, Report, decide_job
from .processes import Processes, pack


class Crew(Protocol):
    """Whoever takes jobs."""

    @property
    def size(self) -> int:
        """How many jobs are worth handing out at a time."""
        ...

    @property
    def inside(self) -> bool:
        """Whether the work is done in this very process."""
        ...

    def submit(self, job: Job) -> Future[Report]:
        """Hand out a job; the future fails with what the job raised, or in a way that :meth:`deaths` understands."""
        ...

    def deaths(self, future: Future[Report]) -> int | None:
        """Return how many workers died over a job, 0 if one before it began, None if none did; asked once of each."""
        ...

    def under_way(self) -> int:
        """Return the accounts decided in jobs that are not done, as far as that is known."""
        ...

    def check(self) -> None:
        """Raise ``RunError`` where nobody is left to work."""
        ...


class Inline:
    """This process: for a book of one chunk, or where one worker is asked for."""

    size, inside = 1, True

    def __init__(self, desk: Desk, told: Callable[[int], None]) -> None:
        self._desk, self._told = desk, told

    def submit(self, job: Job) -> Future[Report]:
        """Do the job at once; what it raises is raised here."""
        future: Future[Report] = Future()
        future.set_result(decide_job(self._desk, job, self._told))
        return future

    def deaths(self, future: Future[Report]) -> None:
        """Return None: nobody would be left to tell."""

    def under_way(self) -> int:
        """Return 0: nothing is ever under way between two calls."""
        return 0

    def check(self) -> None:
        """We are here."""


@contextmanager
def hire(desk: Desk, run: str, count: int, cluster: str | None, told: Callable[[int], None]) -> Iterator[Crew]:
    """Hand out who takes jobs, and end them afterwards.

    Parameters
    ----------
    count
        Workers wanted; with 1 and no cluster it is this process.
    cluster
        The address of a Dask scheduler.
    told
        Called with the accounts of the chunk that are decided, where it is this process that decides.

    Raises
    ------
    PolicyError
        A custom limit cannot travel.
    RunError
        The cluster does not answer, or the extra is not installed.
    """
    if cluster:
        from .clusters import join

        with join(cluster, run, pack(desk)) as crew:
            yield crew
        return
    if count <= 1:
        yield Inline(desk, told)
        return
    crew = Processes(run, pack(desk), count)
    try:
        yield crew
    finally:
        crew.close()
