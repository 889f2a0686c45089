"""Workers of a Dask cluster, for a book that one machine is too slow for; the extra ``cluster`` brings ``distributed``.

The run's folder is shared: its path means the same on every machine. Dask promises to do a job at least once, and loses
what it was given with its scheduler; neither matters here, since what counts is published by us and stands in our
manifest.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import RunError
from . import jobs, seals
from .jobs import Job, Report

if TYPE_CHECKING:
    import distributed

PATIENCE = 20.0
"""Seconds that a scheduler may be silent, or a cluster without a worker."""
ASK = 2.0
"""Seconds between two looks at who is there."""


class Cluster:
    """The workers of a scheduler; each does one job at a time, however many threads it has."""

    inside = False

    def __init__(self, client: Any, address: str) -> None:  # distributed's client; its types say less than it does
        self._client, self._address, self._build = client, address, seals.build()
        self._count, self._asked, self._manned = 0, float("-inf"), time.monotonic()

    @property
    def size(self) -> int:
        """How many workers there are."""
        return max(1, self._count)

    def submit(self, job: Job) -> Future[Report]:
        """Hand a job to the scheduler."""
        # An error is tried once more elsewhere; a job that kills its workers comes back as KilledWorker.
        executor = self._client.get_executor(pure=False, retries=1)
        return executor.submit(work_as_built, job, self._build)

    def deaths(self, future: Future[Report]) -> int | None:
        """Return how many workers a job has killed, as far as it matters; None where it killed none."""
        from distributed import KilledWorker

        try:
            killed = isinstance(future.exception(timeout=0), KilledWorker)
        except CancelledError:
            raise self._gone() from None
        return 2 if killed else None

    def under_way(self) -> int:
        """Return 0: asking for more than what is done would cost more than it tells."""
        return 0

    def check(self) -> None:
        """Look now and then whether the scheduler and at least one worker are there."""
        now = time.monotonic()
        if now - self._asked < ASK:
            return
        self._asked = now
        if self._client.status == "closed":
            raise self._gone()
        try:
            self._count = len(self._client.sync(self._client.scheduler.ncores, callback_timeout=PATIENCE))
        except (OSError, TimeoutError):  # distributed's own errors of communication are OSErrors
            raise self._gone() from None
        if self._count:
            self._manned = now
        elif now - self._manned > PATIENCE:
            raise RunError(f"no worker is left at {self._address}; the same command resumes the run")

    def _gone(self) -> RunError:
        return RunError(f"the scheduler at {self._address} is gone; the same command resumes the run")


def work_as_built(job: Job, build: str) -> Report:
    """Decide a chunk in a worker, provided it runs what we run: another release could give other numbers.

    Raises
    ------
    RunError
        It does not.
    """
    if seals.build() != build:
        raise RunError("a worker has other releases, or another trimtab, than the one that began the run")
    return jobs.work(job)


@contextmanager
def join(address: str, run: str, payload: bytes) -> Iterator[Cluster]:
    """Join a cluster and give every worker, later ones too, the desk of a run.

    Raises
    ------
    RunError
        ``distributed`` is not installed, no scheduler answers or no worker is there.
    """
    try:
        import distributed
    except ModuleNotFoundError:
        raise RunError("a cluster needs the extra `cluster`: pip install 'trimtab[cluster]'") from None
    with _quiet():
        try:
            client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise RunError(f"no scheduler answers at {address}: {error}; the same command resumes the run") from None
        name = f"trimtab-{run[:12]}-{secrets.token_hex(4)}"  # another parent of this run brings its own
        try:
            _settle_in(client, address, _carrier(run, payload), name)
            yield Cluster(client, address)
        finally:
            if client.status == "running":
                client.unregister_worker_plugin(name)
            client.close(timeout=PATIENCE)


def _settle_in(client: distributed.Client, address: str, carrier: Any, name: str) -> None:
    """Have every worker given the desk, and wait for the first of them."""
    try:
        client.register_plugin(carrier, name=name)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError):
        raise RunError(f"no worker has joined {address}; start some: dask worker {address}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep distributed from printing tracebacks of what is told in one sentence here."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _carrier(run: str, payload: bytes) -> Any:
    from distributed import WorkerPlugin

    class Carrier(WorkerPlugin):
        """Give a worker the desk as it joins."""

        def setup(self, worker: Any) -> None:
            jobs.install(run, payload)

    return Carrier()
