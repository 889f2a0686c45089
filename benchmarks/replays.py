"""Decisions replayed: accounts of sealed runs drawn at random and decided again after newer data has arrived."""

from __future__ import annotations

import datetime as dt
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trimtab.demo import ON, book_path, policy_path
from trimtab.governance.governed_runs import run_governed
from trimtab.governance.ledgers import create_ledger
from trimtab.governance.replays import recall, replay_account
from trimtab.governance.snapshots import make_store

from .registry import Figure, case

RUNS = 5
_EXTRA = '\n[[limits]]\nkind = "time_limit"\nlife_days = 180\nreversion_days = 30\n'


@case("replays", "random (run, account) pairs decided again from their snapshots", (200,), 6)
def replaying(size: int, rounds: int) -> Iterator[Figure]:
    """Seal runs of several days, let prices move, and replay accounts drawn at random from all of them."""
    draw = random.Random(rounds)  # noqa: S311  (no secret)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ledger, store = create_ledger(folder / "ledger.db"), make_store(folder / "store")
        book = shutil.copytree(book_path(), folder / "book")
        runs = [_seal(ledger, store, book, folder, day) for day in range(min(RUNS, size))]
        _newer(book, 99)
        pairs = sorted((draw.choice(runs), f"{draw.randint(1, 36):03d}") for _ in range(size))
        same, seconds, opened = 0, [], {}
        for run, account in pairs:
            began = time.perf_counter()
            if run not in opened:
                opened[run] = recall(ledger, store, run)
            same += replay_account(opened[run], account).same_bits
            seconds.append(time.perf_counter() - began)
        for one in opened.values():
            one.folder.cleanup()
        ledger.close()
    sizes = f"{size} pairs of {len(runs)} runs"
    yield Figure("replayed to the last bit", sizes, 100.0 * same / size, "%", "100")
    yield Figure("a replay, the reading of its run included", sizes, 1e3 * sum(seconds) / size, "ms")


def _seal(ledger, store, book: Path, folder: Path, day: int) -> str:
    """Make and seal the run of a day under one of two mandates, and let the book move on."""
    policy = folder / f"policy-{day % 2}.toml"
    policy.write_text(policy_path().read_text() + (_EXTRA if day % 2 else ""))
    on = dt.date.fromisoformat(ON) + dt.timedelta(days=day)
    done, _ = run_governed(ledger, store, book, policy, on, folder / f"run-{day}", "ann", workers=1)
    _newer(book, day)
    return done.run_id


def _newer(book: Path, day: int) -> None:
    """Move every price but the cash's."""
    lines = (book / "assets.csv").read_text().splitlines()
    at, moved = lines[0].split(",").index("price"), [lines[0]]
    for i, line in enumerate(lines[1:]):
        cells = line.split(",")
        if float(cells[at]) != 1:
            cells[at] = f"{float(cells[at]) * (1 + 0.001 * ((i + day) % 7 - 3)):.4f}"
        moved.append(",".join(cells))
    (book / "assets.csv").write_text("\n".join(moved) + "\n")
