"""Processes beside this one that do jobs, and may die at it."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from types import ModuleType
from typing import Any

from ..errors import PolicyError, RunError
from .desks import Desk
from .jobs import Job, Report, install, show_count, work

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
STARTS = 3
"""How often a process may fail to start before we stop trying."""


class Single:
    """One process of our own at a time, started again when it dies: a death is then the fault of nobody else's job."""

    def __init__(self, run: str, payload: bytes) -> None:
        self._run, self._payload, self._failed = run, payload, 0
        self._open()

    def _open(self) -> None:
        context = get_context("spawn")
        self._done = context.RawValue("q", 0)
        self._pool = ProcessPoolExecutor(
            1, mp_context=context, initializer=_begin, initargs=(self._run, self._payload, self._done)
        )
        with _bare():
            self._hello = self._pool.submit(_hello)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        """Hand a call to the process, a new one if the last has died."""
        self._done.value = 0
        try:
            return self._pool.submit(function, *arguments)
        except BrokenProcessPool:
            self.close()
            self._open()
            return self._pool.submit(function, *arguments)

    def deaths(self, future: Future) -> int | None:
        """Return 1 if the process died at this call, 0 if before it could begin, None if it did not.

        Raises
        ------
        RunError
            It cannot even start, time after time.
        """
        if not isinstance(future.exception(timeout=0), BrokenProcessPool):
            self._failed = 0
            return None
        if self._hello.done() and not self._hello.exception(timeout=0):
            self._failed = 0
            return 1
        self._failed += 1
        if self._failed >= STARTS:
            raise RunError("worker processes die as they start; try --workers 1, and look at this machine's memory")
        return 0

    @property
    def done(self) -> int:
        """Accounts decided in the call under way."""
        return int(self._done.value)

    def close(self) -> None:
        """End the process, whatever it is doing: what it has not answered is not wanted."""
        if self._hello.done() and not self._hello.cancelled() and not self._hello.exception(timeout=0):
            for child in active_children():
                if child.pid == self._hello.result(timeout=0):
                    child.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Processes:
    """Processes beside this one, each with one job at a time."""

    inside = False

    def __init__(self, run: str, payload: bytes, count: int) -> None:
        self._singles = [Single(run, payload) for _ in range(count)]
        self._busy: dict[Future[Report], Single] = {}
        self.size = count

    def submit(self, job: Job) -> Future[Report]:
        """Hand a job to a process whose last one is settled."""
        single = next(each for each in self._singles if each not in self._busy.values())
        future = single.submit(work, job)
        self._busy[future] = single
        return future

    def deaths(self, future: Future[Report]) -> int | None:
        """Return how many workers died over a job, and settle it; None where none did."""
        return self._busy.pop(future).deaths(future)

    def under_way(self) -> int:
        """Return the accounts decided in jobs that are not settled."""
        return sum(single.done for single in self._busy.values())

    def check(self) -> None:
        """Processes are started again when they die."""

    def close(self) -> None:
        """End them."""
        for single in self._singles:
            single.close()


def _begin(run: str, payload: bytes, counter: Any) -> None:
    """Begin a worker: it leaves with its parent, and an interrupt at the terminal is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    show_count(counter)
    install(run, payload)


def _leave_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)  # nobody is left to answer, and the queue would be waited on for ever


def _hello() -> int:
    """Say that this process has started: what kills it from now on is its job."""
    return os.getpid()


@contextmanager
def _bare() -> Iterator[None]:
    """Start a process that has one BLAS thread from its first import on, and does not run the caller's script again.

    A script without ``if __name__ == "__main__"`` would otherwise begin the run again in each of its workers.
    """
    before, main = {name: os.environ.get(name) for name in ONE_THREAD}, sys.modules["__main__"]
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def pack(desk: Desk) -> bytes:
    """Return the desk as it travels to workers.

    Raises
    ------
    PolicyError
        A limit holds a function that another process could not find.
    """
    try:
        with _bare():  # a function of the script itself is not found where the script is not run
            return pickle.dumps(desk)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise PolicyError(
            f"a custom limit cannot travel to other processes: {error}",
            code="NOT_PORTABLE",
            field="custom",
            mend="give it functions of a module that can be imported, or ask for workers=1",
        ) from error
