"""Going through the chunks of a run: taken one by one, decided by whoever is hired, published and marked."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..constraints.policies import Policy
from ..errors import InputError, RunError
from . import manifests, seals
from .accidents import DEATHS, decide_with_care
from .books import Book
from .desks import Desk
from .jobs import Job, Report
from .manifests import CUT, Claim, Manifest, Plan
from .partitions import MARKER, cut
from .stores import WORK, discard, is_sound, part_name, publish
from .workers import Crew, hire

TICK = 0.5
"""Seconds between two looks at what is under way."""
POLL = 0.2
"""Seconds between two looks at what another parent holds."""


@dataclass(frozen=True)
class Tick:
    """How far a run is: accounts decided, accounts there are, accounts refused so far."""

    done: int
    total: int
    quarantined: int


Progress = Callable[[Tick], None]
"""Told how far a run is, now and then."""


@dataclass(frozen=True, eq=False)
class Errand:
    """What is asked for: a book, decided by a desk into a folder, and by whom.

    Parameters
    ----------
    name
        The run's id.
    size
        Accounts a chunk; an interrupted run keeps its own.
    workers, cluster
        Processes of this machine at most; or the address of a Dask scheduler.
    """

    book: Book
    policy: Policy
    desk: Desk
    out: Path
    name: str
    size: int
    workers: int
    cluster: str | None
    progress: Progress | None


@contextmanager
def beating(path: Path, holder: str) -> Iterator[None]:
    """Renew the leases of a holder beside the work, until the block ends."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(manifests.LEASE / 6):
            try:
                with manifests.open_manifest(path, holder) as manifest:
                    manifests.renew(manifest)
            except RunError:
                continue  # tried again at the next beat; a lease that lapses meanwhile is fenced

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(manifests.PATIENCE)


def plan_of(manifest: Manifest, errand: Errand) -> Plan:
    """Return how the book is cut, and cut it if nobody has yet.

    Raises
    ------
    InputError
        The book is not fit to be cut; the folder is left as it was found.
    """
    while True:
        plan = manifests.read_plan(manifest)
        if plan is not None:
            if (inputs_of(errand.out) / MARKER).exists():
                return plan
            manifests.cut_again(manifest)
        if (claim := manifests.claim_chunk(manifest, CUT[0], inside=False)) is None:
            time.sleep(POLL)
            continue
        began = dt.datetime.now(dt.UTC).isoformat()
        try:
            made = cut(errand.book, errand.policy, inputs_of(errand.out), plan.size if plan else errand.size)
        except InputError:
            if plan is None:
                seals.abandon(errand.out, errand.name)
            raise
        manifests.lay_out(manifest, claim, Plan(made.size, made.chunks, made.accounts, began))


def check_parts(manifest: Manifest, errand: Errand, plan: Plan) -> None:
    """Have every chunk decided again whose published parts are not what was written."""
    for done in manifests.done_chunks(manifest):
        file = part_name(done.claim.chunk, plan.chunks)

        def sound(file=file, parts=done.parts) -> bool:
            return is_sound(errand.out, file, parts)

        if not sound():
            manifests.undo(manifest, done, sound)


def decide_round(manifest: Manifest, errand: Errand, plan: Plan, turn: int, extra: str) -> None:
    """See to it that every chunk of a round is done, by us or by another parent.

    Raises
    ------
    RunError
        Workers cannot be had, or a disk is full; what is marked as done stays done.
    """
    left = manifests.count_open(manifest, turn)
    if not left:
        return
    meter = _Meter(manifest, errand, plan)
    with hire(errand.desk, errand.name, min(errand.workers, left), errand.cluster, meter.tell) as crew:
        flying: dict[Future[Report], Claim] = {}
        while True:
            crew.check()
            meter.look(crew.under_way())
            while len(flying) < crew.size and (claim := manifests.claim_chunk(manifest, turn, inside=crew.inside)):
                job = Job(errand.name, errand.out, inputs_of(errand.out), claim.chunk, claim.token, extra)
                if claim.deaths >= DEATHS:
                    _keep(manifest, errand, plan, claim, decide_with_care(errand.desk, job, manifest))
                else:
                    flying[crew.submit(job)] = claim
            if flying:
                for future in wait(flying, timeout=TICK, return_when=FIRST_COMPLETED).done:
                    _settle(manifest, errand, plan, crew, future, flying.pop(future))
            elif not manifests.count_open(manifest, turn):
                meter.look(0)
                return
            else:
                time.sleep(POLL)


def _settle(manifest: Manifest, errand: Errand, plan: Plan, crew: Crew, future: Future[Report], claim: Claim) -> None:
    """Keep what a job has made; where its worker died, give the chunk back."""
    deaths = crew.deaths(future)
    if deaths is None:
        _keep(manifest, errand, plan, claim, future.result(timeout=0))
    else:
        manifests.give_back(manifest, claim, deaths)


def _keep(manifest: Manifest, errand: Errand, plan: Plan, claim: Claim, report: Report) -> None:
    file = part_name(claim.chunk, plan.chunks)
    kept = manifests.commit(
        manifest, claim, lambda: publish(errand.out, file, report.parts), report.counts, report.parts
    )
    if not kept:  # somebody took us for dead and has the chunk now
        discard(errand.out, report.parts)


def inputs_of(out: Path) -> Path:
    """Return where the input of each chunk stands."""
    return out / WORK / "inputs"


class _Meter:
    """Tells how far a run is."""

    def __init__(self, manifest: Manifest, errand: Errand, plan: Plan) -> None:
        self._manifest, self._progress, self._total = manifest, errand.progress, plan.accounts
        self._done = self._quarantined = 0

    def look(self, under_way: int) -> None:
        """Count what is marked as done, by us or others, and tell."""
        if self._progress is not None:
            self._done, self._quarantined = manifests.count_done(self._manifest)
            self.tell(under_way)

    def tell(self, under_way: int) -> None:
        """Tell, with so many decided in chunks that are not done."""
        if self._progress is not None:
            self._progress(Tick(min(self._done + under_way, self._total), self._total, self._quarantined))
