"""Approvals: random lives of a run beside an oracle, flipped bytes, and how soon a kill stops a release under way.

On SQLite, and on PostgreSQL too where ``TRIMTAB_POSTGRES`` names an empty database.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trimtab.errors import EntryRefused, NotApproved
from trimtab.governance import Ledger, create_ledger, read
from trimtab.governance.approvals import approve, submit
from trimtab.governance.canonical import sha256
from trimtab.governance.gates import read_candidate
from trimtab.governance.kills import kill
from trimtab.governance.releases import release
from trimtab.governance.statuses import standings

from .ledgers import clear, ledgers
from .registry import Figure, case

CHUNK = 100
"""Lives led in one file."""
# A desk in another process: it releases, and says when it began and when it was stopped.
OTHER = """
import sys, time
from pathlib import Path
from trimtab.errors import NotApproved
from trimtab.governance import open_ledger
from trimtab.governance.releases import release
with open_ledger(sys.argv[1]) as ledger:
    print("begun", flush=True)
    try:
        release(ledger, "robot", Path(sys.argv[2]), Path(sys.argv[3]).read_bytes())
    except NotApproved as error:
        print(error.code, repr(time.time()), flush=True)
"""


@case("approvals", "random lives of a run: released exactly when a plain oracle says so", (2_000,), 20)
def living(size: int, _: int) -> Iterator[Figure]:
    """Lead random lives; a disagreement raises."""
    from hypothesis import HealthCheck, Phase, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    from .sequences import Bench, machine

    with tempfile.TemporaryDirectory() as folder:
        for name, where in ledgers(Path(folder)).items():
            lives = released = refused = own = 0
            now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
            while lives < size:
                how = settings(
                    max_examples=min(CHUNK, size - lives), stateful_step_count=12, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck), phases=[Phase.generate],
                )  # fmt: skip
                # A new ledger now and then: the oracle forgets, a ledger does not, and would be read for ever.
                with create_ledger(f"{where}.{lives}" if name == "SQLite" else where) as ledger:
                    bench = Bench(ledger, Path(folder) / name, now=now, lives=lives)
                    run_state_machine_as_test(seed(lives)(machine(bench)), settings=how)
                    clear(ledger)
                now, lives, released = bench.now, bench.lives, released + bench.released
                refused, own = refused + bench.refused, own + bench.own
            yield Figure(f"{name}: lives without a wrong release", str(size), lives, "", "at least 2,000")
            yield Figure(f"{name}: of them released", str(size), released, "")
            yield Figure(f"{name}: releases refused", str(size), refused, "")
            yield Figure(f"{name}: self-approvals the database refused", str(size), own, "", "all")


@case("flips", "one flipped byte in an approved policy, view, extension or run", (1_000,), 40)
def flipping(size: int, _: int) -> Iterator[Figure]:
    """Count flipped bytes after which anything is still in force, may be approved or released."""
    from .sequences import POLICY, write_run

    chance = random.Random(1)  # noqa: S311  a benchmark, not a secret
    with tempfile.TemporaryDirectory() as folder, create_ledger(Path(folder) / "ledger.db") as ledger:
        run = Path(folder) / "run"
        write_run(run, "f" * 64, ("a", "b"))
        one = read_candidate(run)
        things = {"policy/p": POLICY, "view/v": chance.randbytes(500), "extension/e": b'{"account":"a"}'}
        things[one.subject] = one.data
        for subject, data in things.items():
            submit(ledger, "ann", subject, data)
            for who in ("ben", "cat"):
                approve(ledger, who, subject, data)
        alive = sum(_lives_on(ledger, chance, run, things) for _ in range(size))
        yield Figure("flipped bytes that are not void", str(size), alive, "", "0")
        release(ledger, "ann", run, POLICY)  # and unflipped it goes out


def _lives_on(ledger: Ledger, chance: random.Random, run: Path, things: dict[str, bytes]) -> bool:
    """Flip a byte of something approved, or of a table of an approved run; whether that goes unnoticed."""
    from .sequences import POLICY

    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    subject = chance.choice([*things, "table"])
    original = (path := chance.choice(files)).read_bytes() if subject == "table" else things[subject]
    data = bytearray(original)
    data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    if subject == "table" or subject.startswith("run/"):
        path = path if subject == "table" else run / "run.json"
        path.write_bytes(data)
        try:
            release(ledger, "ann", run, POLICY)
        except NotApproved:
            return False
        finally:
            path.write_bytes(original)
        return True
    try:
        approve(ledger, "dan", subject, bytes(data))
    except EntryRefused:
        found = standings(ledger, subject.partition("/")[0])
        return any(one.in_force and one.in_force.sha256 == sha256(bytes(data)) for one in found.values())
    return True


@case("kill", "from the kill to the refusal in another process that is releasing many accounts", (60_000,), 5_000)
def killing(size: int, rounds: int) -> Iterator[Figure]:
    """Kill a release under way, again and again; the slowest counts."""
    from .sequences import POLICY, write_run

    for name in ("SQLite", "PostgreSQL"):
        slowest, stops = 0.0, 0.0
        for i in range(min(rounds, 5)):
            with tempfile.TemporaryDirectory() as folder:
                places = ledgers(Path(folder))
                if name not in places or (i and name == "PostgreSQL"):
                    continue
                seconds, stopping = _kill_once(places[name], Path(folder), size, write_run, POLICY)
                slowest, stops = max(slowest, seconds), max(stops, stopping)
        if slowest:
            yield Figure(f"{name}: from asking for the kill to the refusal", str(size), slowest, "s", "below 1")
            yield Figure(f"{name}: of that, until the kill stood", str(size), stops, "s")


def _kill_once(where: str, folder: Path, size: int, write_run, policy: bytes) -> tuple[float, float]:
    (folder / "policy.toml").write_bytes(policy)
    write_run(folder / "run", "c" * 64, tuple(f"{i:07d}" for i in range(size)))
    one = read_candidate(folder / "run")
    with create_ledger(where) as ledger:
        for subject, data in (("policy/p", policy), (one.subject, one.data)):
            submit(ledger, "ann", subject, data)
            for who in ("ben", "cat"):
                approve(ledger, who, subject, data)
        command = [sys.executable, "-P", "-c", OTHER, where, str(folder / "run"), str(folder / "policy.toml")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as other:
            assert other.stdout is not None
            other.stdout.readline()
            while not next(iter(read(ledger, kind="release_account")), None):
                time.sleep(0.01)
            began = time.time()
            stop = kill(ledger, "dan", because="stop")
            stood = time.time()
            said = other.stdout.read().split()
        assert said, "it was over before it was killed: give more accounts"
        assert said[0] == "KILLED"
        assert stop.at <= dt.datetime.now(dt.UTC)
        assert not list(read(ledger, kind=("release", "release_account"), since=stop.sequence))
        return float(said[1]) - began, stood - began
