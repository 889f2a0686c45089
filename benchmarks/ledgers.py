"""The ledger: appends and verification by the million, and intruders with the file in hand."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trimtab.governance.checkpoints import Checkpoint
from trimtab.governance.entries import Draft
from trimtab.governance.ledgers import Ledger, append, create_ledger, last, open_ledger
from trimtab.governance.schemas import SCHEMA
from trimtab.governance.verification import verify

from .intruders import intrude
from .registry import Figure, case

BATCH = 10_000


def fill(ledger: Ledger, count: int, batch: int = BATCH) -> float:
    """Append fills as a desk records them; return the seconds that `append` took, each batch through to the disk."""
    seconds = 0.0
    for first in range(0, count, batch):
        drafts = [
            Draft(
                ("ann", "ben", "cleo")[i % 3],
                "fill",
                f"account/{i % 997}",
                {"trade_id": f"t{i}", "quantity": "12.5", "price": "101.25", "cost": "0.3"},
            )
            for i in range(first, min(first + batch, count))
        ]
        start = time.perf_counter()
        append(ledger, drafts)
        seconds += time.perf_counter() - start
    return seconds


def ledgers(folder: Path) -> dict[str, str]:
    """Return where ledgers may be made: a file, and the empty database that the environment names."""
    server = os.environ.get("TRIMTAB_POSTGRES")
    return {"SQLite": str(folder / "ledger.db")} | ({"PostgreSQL": server} if server else {})


def clear(ledger: Ledger) -> None:
    """Take a ledger in PostgreSQL away, so that the next begins with nothing; a file goes with its folder."""
    if not ledger.is_file:
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {SCHEMA} CASCADE")


def head(ledger: Ledger) -> Checkpoint:
    """Return what a checkpoint of the head would vouch for; its signature is checked where it is read."""
    sequence, digest, _ = last(ledger)
    return Checkpoint(sequence, digest, "", "", "")


def campaign(ledger: Ledger, folder: Path, seeds: range) -> list[str]:
    """Let an intruder at a copy of a file for each seed; return what was not found."""
    checkpoint, whole, missed = head(ledger), Path(ledger.where), []
    ledger.close()
    for seed in seeds:
        copy = folder / f"{seed}.db"
        shutil.copy(whole, copy)
        with open_ledger(copy) as opened:
            said = intrude(opened, seed)
            if verify(opened, [checkpoint]).is_whole:
                missed.append(f"{seed}: {said}")
        for each in folder.glob(f"{seed}.db*"):
            each.unlink()
    return missed


@case("ledger", "appends written through to the disk, and verifying them all", (1_000_000,), 2_000)
def appending(size: int, _: int) -> Iterator[Figure]:
    """Fill a new ledger, then read it all; in PostgreSQL too where ``TRIMTAB_POSTGRES`` names an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        for name, where in ledgers(Path(folder)).items():
            with create_ledger(where) as ledger:
                seconds = fill(ledger, size)
                what = f"{name}: appends a second, batches of 10,000, fsync"
                yield Figure(what, str(size), size / seconds, "/s", "at least 20,000")
                start = time.perf_counter()
                verdict = verify(ledger, [head(ledger)])
                spent = time.perf_counter() - start
                yield Figure(f"{name}: verify them all", str(size), spent, "s", "at most 5 for 1,000,000")
                assert verdict.is_whole
                assert verdict.sealed == size


@case("intruders", "edits, deletions, reorderings, insertions, truncations with all rights", (1_000,), 20)
def intruding(size: int, _: int) -> Iterator[Figure]:
    """Count what verification with one checkpoint does not find; as the owner of an empty PostgreSQL database too."""
    with tempfile.TemporaryDirectory() as folder:
        for name, where in ledgers(Path(folder)).items():
            if name == "SQLite":
                with create_ledger(where) as ledger:
                    fill(ledger, 200)
                    missed = campaign(ledger, Path(folder), range(size))
            else:
                missed = [said for seed in range(size) if (said := _as_owner(where, seed))]
            yield Figure(f"{name}: changes not found", str(size), len(missed), "", "none")
            assert not missed, missed


def _as_owner(where: str, seed: int) -> str:
    """Let an intruder at a new ledger in PostgreSQL that he owns; return what was not found, and take it away again."""
    with create_ledger(where) as ledger:
        fill(ledger, 200)
        checkpoint = head(ledger)
        said = intrude(ledger, seed)
        is_found = not verify(ledger, [checkpoint]).is_whole
        clear(ledger)
    return "" if is_found else f"{seed}: {said}"
