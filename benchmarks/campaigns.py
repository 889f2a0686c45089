"""Twenty kills over one run: workers and parents end at random moments, and the tables are those of a quiet run.

    python -m benchmarks.campaigns BOOK --policy POLICY [--on DAY] [--kills 20] [--workers 2] [--chunk 500] [--seed 7]

The quiet run gives the clock: kills come at random moments of its length, drawn from the seed, and turn by turn meet
the parent or one of its workers. A parent that was killed is started again with the same command. Printed are the kills
that hit, wall times, what one kill half-way costs, and whether every table is equal to the last bit.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from trimtab.demo import ON

DECISIONS = ("accounts", "targets", "trades", "quarantine")
QUIET = 0.05
"""Seconds between two looks at the processes."""
EARLY = 0.01
"""The chance, at each look, that a kill does not wait for the workers to be there."""


@dataclass(frozen=True)
class Campaign:
    """What to run, and how hard to hit it."""

    book: Path
    policy: Path
    on: str
    workers: int
    chunk: int
    kills: int
    seed: int


@dataclass(frozen=True)
class Harm:
    """What the kills did: seconds of wall time, parents and workers killed."""

    seconds: float
    parents: int
    workers: int


def start(what: Campaign, out: Path) -> subprocess.Popen:
    """Start a parent as a person would."""
    words = ["rebalance", what.book, "--policy", what.policy, "--on", what.on, "--out", out]
    words += ["--workers", what.workers, "--chunk", what.chunk]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "trimtab.cli", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def undisturbed(what: Campaign, out: Path) -> float:
    """Run to the end and return the seconds."""
    began = time.perf_counter()
    parent = start(what, out)
    said = parent.communicate()[1].decode()
    if parent.returncode:
        raise SystemExit(f"the quiet run ended with status {parent.returncode}: {said}")
    return time.perf_counter() - began


def disturbed(what: Campaign, out: Path, length: float) -> Harm:
    """Run to the end under fire; kills are spread over ``length`` seconds of work."""
    draw = random.Random(what.seed)  # noqa: S311  (a campaign, not a cipher)
    began, parents, workers = time.perf_counter(), 0, 0
    parent = start(what, out)
    for number in range(what.kills):
        # Most kills come once the workers are there, some while they start.
        while len(workers_of(parent.pid)) < what.workers and parent.poll() is None and draw.random() > EARLY:
            time.sleep(QUIET)
        at = time.perf_counter() + draw.uniform(0, 2 * length / what.kills)
        while time.perf_counter() < at and parent.poll() is None:
            time.sleep(QUIET)
        if parent.poll() is not None:
            break
        beside = workers_of(parent.pid)
        if number % 2 and beside:
            os.kill(draw.choice(beside), signal.SIGKILL)
            workers += 1
            continue
        parent.kill()
        parent.communicate()
        parents += 1
        parent = start(what, out)
    said = parent.communicate()[1].decode()
    if parent.returncode:
        raise SystemExit(f"the disturbed run ended with status {parent.returncode}: {said}")
    return Harm(time.perf_counter() - began, parents, workers)


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a parent: its children that were spawned to work, not the one that tracks."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ours = int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid
            if ours and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has just ended
            continue
    return sorted(found)


def resumed(what: Campaign, out: Path, length: float) -> float:
    """Kill the parent once, half-way, start it again, and return the seconds of both together."""
    began = time.perf_counter()
    parent = start(what, out)
    while parent.poll() is None and time.perf_counter() - began < length / 2:
        time.sleep(QUIET)
    parent.kill()
    parent.communicate()
    return time.perf_counter() - began + undisturbed(what, out)


def differences(one: Path, other: Path) -> list[str]:
    """Return the tables that are not equal to the last bit, row by row in the same order."""
    found = []
    for name in DECISIONS:
        a, b = (pq.read_table(p / f"{name}.parquet", page_checksum_verification=True) for p in (one, other))
        if not a.equals(b):
            found.append(f"{name}: {len(a):,} rows and {len(b):,}")
    return found


def campaign(what: Campaign, folder: Path) -> bool:
    """Run both, compare, print; return whether nothing was lost, doubled or changed."""
    quiet, noisy = folder / "quiet", folder / "noisy"
    length = undisturbed(what, quiet)
    rows = pq.read_table(quiet / "accounts.parquet", columns=["account_id"])
    print(
        f"{len(rows):,} accounts, {what.workers} workers, chunks of {what.chunk}: quiet run {length:.1f} s", flush=True
    )
    harm = disturbed(what, noisy, length)
    wrong = differences(quiet, noisy)
    print(f"killed {harm.parents} parents and {harm.workers} workers: {harm.seconds:.1f} s")
    halves = resumed(what, folder / "halves", length)
    wrong += differences(quiet, folder / "halves")
    again = undisturbed(what, noisy)
    print(f"killed once, half-way, and resumed: {halves:.1f} s, {halves / length - 1:+.1%}")
    print(f"the same command on the finished run, which checks every part: {again:.1f} s")
    print("every table equal to the last bit" if not wrong else f"NOT EQUAL: {'; '.join(wrong)}")
    return not wrong


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.campaigns", description="Kill workers and parents of a run.")
    parser.add_argument("book", type=Path)
    parser.add_argument("--policy", type=Path, required=True)
    parser.add_argument("--on", default=ON)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    what = Campaign(given.book, given.policy, given.on, given.workers, given.chunk, given.kills, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(not campaign(what, Path(folder)))


if __name__ == "__main__":
    main()
