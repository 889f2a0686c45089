"""Many accounts in one run: every account of a book decided, written and counted, whatever happens on the way.

The book is cut into chunks; each is decided by a worker, made safe on the disk and marked in the run's manifest. When
all are done and every account has one outcome, the run is sealed. Who is interrupted goes on from the last mark.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..errors import RunError, TrimtabError
from ..models.tilts import NO_TILT, Tilt
from ..optimizer.solutions import Outcome
from ..units import FrozenMap, day, percent
from . import manifests, seals
from .allowances import read_parts, write_parts
from .books import Book, read_book
from .cautions import Caution, list_cautions
from .desks import open_desk
from .holders import present
from .impacts import FLOWS, Impact, allot, breaches, participation, write_impact
from .manifests import CLOSE, Claim, Manifest, Plan
from .readings import write_readings
from .rounds import POLL, Errand, Progress, Tick, beating, check_parts, decide_round, plan_of
from .stores import FORMAT, SCHEMAS, WORK, Part, digest_beside, part_name, table_folder, tidy_tables, write_seal
from .streams import stream
from .summaries import summarise, write_summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHUNK", "Again", "Progress", "Run", "Tick", "run"]

CHUNK = 5000
MANIFEST = "run.sqlite"


@dataclass(frozen=True)
class Again:
    """Chunks that are to be decided once more, and what they are told."""

    chunks: tuple[int, ...]
    extra: str


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

    Warnings
        What was accepted and deserves a look, a sentence each; ``run.json`` says of what.
    fresh
        False where the run was finished before and nothing was computed.
    """

    path: Path
    run_id: str
    counts: Mapping[str, int]
    blocked: bool
    why: tuple[str, ...] = ()
    fresh: bool = True
    warnings: tuple[str, ...] = ()

    def table(self, name: str) -> pd.DataFrame:
        """Return one of its tables: accounts, targets, trades, quarantine or timings; page checksums are verified."""
        import pyarrow.parquet as pq

        if name not in SCHEMAS:
            raise RunError(f"a run has no table {name!r}; it has {', '.join(SCHEMAS)}")
        return pq.read_table(table_folder(self.path, name), page_checksum_verification=True).to_pandas()

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
    workers: int | None = None,
    cluster: str | None = None,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> Run:
    """Decide every account of a book and write the run into a folder.

    What an account becomes depends neither on who decides it nor on the accounts beside it: workers, cluster and chunk
    are no part of the run's id. Several parents may be given the same command at once; they share the work.

    Parameters
    ----------
    book, policy
        As read, or where they are; the strategic models are the book's.
    on
        The day.
    out
        A new or empty folder, or one with this very run: finished, nothing is done; interrupted, it is resumed.
    overlay
        Tilts beside those of the book.
    workers
        Processes at most; by default the processors this process may use. With one, or one chunk, all is done here.
    cluster
        The address of a Dask scheduler (``"tcp://..."``) whose workers decide instead; they see ``out`` under the same
        path. Needs the extra ``cluster``.
    chunk
        Accounts decided, kept in memory and made safe at a time. A run that is resumed keeps its own.
    progress
        Told now and then how far the run is.

    Raises
    ------
    BookError, MarketError, PolicyError, ViewError
        A shared input that is bad: nothing is written.
    RunError
        ``out`` holds something else or cannot be written, or there is nobody to work: what was done is kept, and the
        same command resumes the run.
    """
    if chunk < 1 or (workers is not None and workers < 1):
        raise RunError(f"chunk ({chunk}) and workers ({workers}) must be at least 1")
    if cluster and not re.fullmatch(r"[a-z]+://[^/\s]+:\d+", cluster):
        raise RunError(f"{cluster!r} is no scheduler's address; give one like tcp://host:8786")
    if cluster and workers is not None:
        raise RunError("workers are processes of this machine and cluster is elsewhere; ask for one of them")
    book = book if isinstance(book, Book) else read_book(book)
    policy = book.policy(policy if isinstance(policy, Policy) else read_policy(policy))
    on, out = day(on), Path(out)
    given = seals.inputs(book, policy, on, overlay)
    name = seals.run_id(given)
    desk = open_desk(book, policy, on, overlay)
    if (seal := seals.claim(out, name)) is not None:
        return _as_run(out, seal, fresh=False)
    count = workers or usable_processors()
    errand = Errand(book, policy, desk, out.absolute(), name, chunk, count, cluster, progress)
    try:
        seal = _carry_out(errand, given)
    except OSError as error:  # a full disk, a folder that went away
        raise RunError(
            f"{out} cannot be written or read: {error.strerror or error}; the same command resumes the run"
        ) from error
    seals.release(out, name)
    return _as_run(out, seal, fresh=True)


def _carry_out(errand: Errand, given: Mapping[str, object]) -> Mapping[str, Any]:
    """Bring a run to its seal, alone or beside other parents, and return the seal."""
    path = errand.out / WORK / MANIFEST
    path.parent.mkdir(exist_ok=True)
    with present() as holder, manifests.open_manifest(path, holder) as manifest:
        # Another parent may have sealed the run and taken its manifest away while we were at the door.
        if (seal := seals.finished(errand.out, errand.name)) is not None:
            return seal
        try:
            with beating(path, holder):
                return _go_on(manifest, errand, given)
        except RunError:
            if (seal := seals.finished(errand.out, errand.name)) is not None:  # the other parent was faster
                return seal
            raise
        finally:
            # Nobody should have to wait for what we held; where even that cannot be written, the leases run out.
            with suppress(RunError):
                manifests.let_go(manifest)


def usable_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _go_on(manifest: Manifest, errand: Errand, given: Mapping[str, object]) -> Mapping[str, Any]:
    """Go through the rounds until one of the parents has sealed the run."""
    plan = plan_of(manifest, errand)
    check_parts(manifest, errand, plan)
    while True:
        rounds = manifests.read_rounds(manifest)
        for turn, extra in enumerate(rounds):
            decide_round(manifest, errand, plan, turn, extra)
        if (seal := seals.finished(errand.out, errand.name)) is not None:
            return seal
        claim = manifests.claim_chunk(manifest, len(rounds) - 1, inside=False, only=CLOSE)
        if claim is None:
            time.sleep(POLL)
        elif again := _after(errand, plan, rounds):
            manifests.open_round(manifest, claim, again.chunks, again.extra)
        else:
            _seal(manifest, errand, plan, claim, given, rounds[-1])


def _after(errand: Errand, plan: Plan, rounds: Sequence[str]) -> Again | None:
    """Look at the desk as a whole once every account is decided; None where the run may be sealed.

    Where the first trades of all accounts together are more of an asset than the policy allows, everybody is asked once
    more, each with his part of it.
    """
    wires = errand.policy.tripwires
    if len(rounds) > 1 or wires.max_participation is None or wires.on_participation != "slow":
        return None
    nav = _net_asset_value(errand)
    parts = allot(_impact(errand), errand.desk.market, errand.policy, nav)
    return Again(tuple(range(plan.chunks)), write_parts(parts)) if parts else None


def _net_asset_value(errand: Errand) -> float:
    """Return what all accounts are worth together, to the bit whatever the parts: added up in whole millionths."""
    pieces = stream(errand.out, "accounts", ["nav"])
    return sum(int(np.rint(1e6 * piece["nav"].drop_null().to_numpy()).sum()) for piece in pieces) / 1e6


def _impact(errand: Errand) -> Impact:
    traded = table_folder(errand.out, "trades").exists()
    return participation(stream(errand.out, "trades", FLOWS) if traded else (), errand.desk.market)


def _seal(
    manifest: Manifest, errand: Errand, plan: Plan, claim: Claim, given: Mapping[str, object], extra: str
) -> None:
    """Put every table in order, sum up and seal the run, unless another parent was given that task meanwhile."""
    done = manifests.done_chunks(manifest)
    counts = {outcome.name: sum(d.counts[outcome.name] for d in done) for outcome in Outcome}
    if len(done) != plan.chunks or sum(counts.values()) != plan.accounts:
        raise TrimtabError(f"{plan.accounts} accounts went in and {sum(counts.values())} came out; please report this")
    parts: dict[str, dict[str, Part]] = {table: {} for table in SCHEMAS}
    for each in done:
        for table, part in each.parts.items():
            parts[table][part_name(each.claim.chunk, plan.chunks)] = part

    # Reading every table takes its time on a large run and must not keep other parents from the manifest, so it comes
    # before the transaction. Who does it twice writes the same bytes.
    tables = tidy_tables(errand.out, parts)
    impact = replace(_impact(errand), paces={a: (b, s) for a, (b, s, *_) in read_parts(extra).items()})
    why = [*_tripped(errand.policy, counts), *breaches(impact, errand.policy)]
    write_impact(errand.out, impact)
    desk = errand.desk
    legs = {model: leg for model in desk.beliefs for leg in desk.legs_of(model).values()}
    write_readings(
        errand.out, desk.reading, errand.book.views(), desk.beliefs, desk.market.universe, desk.on, legs,
        errand.book.trusts(),
    )  # fmt: skip
    write_summary(errand.out, summarise(Run(errand.out, errand.name, counts, bool(why))))
    seal = {
        "format": FORMAT,
        "run_id": errand.name,
        "sealed": True,
        "blocked": bool(why),
        "why": why,
        "on": errand.desk.on.isoformat(),
        "accounts": plan.accounts,
        "counts": counts,
        # What the desk as a whole set each account, without which none could be decided again alone.
        "parts": extra,
        "warnings": [caution.plain() for caution in _cautions(errand)],
        "views": {model: belief.sign for model, belief in errand.desk.beliefs.items()},
        "tables": tables,
        "beside": digest_beside(errand.out),
        "inputs": given,
        "book": str(errand.book.path.absolute()),
        "started": plan.began,
        "finished": dt.datetime.now(dt.UTC).isoformat(),
    }
    manifests.commit(manifest, claim, lambda: write_seal(errand.out, seal), counts, {})


def _cautions(errand: Errand) -> tuple[Caution, ...]:
    desk = errand.desk
    return list_cautions(errand.book, desk.policy, desk.market, desk.beliefs, desk.on)


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
    said = tuple(each["message"] for each in seal["warnings"])
    return Run(out, seal["run_id"], FrozenMap(seal["counts"]), bool(seal["blocked"]), tuple(seal["why"]), fresh, said)
