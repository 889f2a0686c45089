"""A run of eight accounts made once, copies of it that say something else, and a desk that has everything approved."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trimtab.batches import run
from trimtab.batches.stores import digest_beside, digest_tables
from trimtab.demo import ON
from trimtab.errors import EntryRefused
from trimtab.governance import Ledger
from trimtab.governance.approvals import approve, submit
from trimtab.governance.gates import Candidate, read_candidate
from trimtab.governance.statuses import standing

POLICY = """
[risk]
periods_per_year = 12
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "tracking_error"
most = 0.02
[[limits]]
kind = "turnover"
most = 0.30
[[limits]]
kind = "time_limit"
life_days = 180
reversion_days = 30
"""
NOON = dt.datetime(2017, 2, 28, 12, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Made:
    """A finished run, and the files that it was made from and that people approve."""

    folder: Path
    policy: Path
    views: Path
    tilts: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory, demo_book) -> Made:
    root = tmp_path_factory.mktemp("made")
    book = demo_book(root / "book", [f"{i:03d}" for i in range(1, 9)])
    policy = root / "policy.toml"
    policy.write_text(POLICY)
    run(book, policy, ON, root / "run", workers=1)
    return Made(root / "run", policy, book / "views.csv", book / "tilts.csv")


def _reseal(folder: Path, said: dict[str, Any]) -> None:
    path = folder / "run.json"
    seal = json.loads(path.read_bytes()) | said
    seal |= {"tables": digest_tables(folder), "beside": digest_beside(folder)}
    path.write_text(json.dumps(seal))


@pytest.fixture
def altered(made, tmp_path):
    """Make a copy of the run whose seal, or whose rows of a table, say something else; sealed as a real one."""

    def make(name: str, rows: dict[str, Any] | None = None, **said: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(made.folder, folder)
        for table, change in (rows or {}).items():
            (part,) = (folder / f"{table}.parquet").iterdir()
            read = pq.read_table(part)
            changed = change(read.to_pandas())
            pq.write_table(
                pa.Table.from_pandas(changed, read.schema, preserve_index=False), part, write_page_checksum=True
            )
        _reseal(folder, {"run_id": name.ljust(64, "0"), **said})
        return folder

    return make


@dataclass(frozen=True)
class Desk:
    """Ann proposes, Ben agrees; the moment stands still unless told."""

    ledger: Ledger
    made: Made

    def documents(self, at: dt.datetime = NOON) -> None:
        """Have policy, views and tilts approved."""
        for subject, path in (
            ("policy/demo", self.made.policy), ("view/desk", self.made.views), ("view/tilts", self.made.tilts)
        ):  # fmt: skip
            data = path.read_bytes()
            submit(self.ledger, "ann", subject, data, at=at)
            approve(self.ledger, "ben", subject, data, at=at)

    def propose(self, folder: Path, *approvers: str, at: dt.datetime = NOON, **how: Any) -> Candidate:
        """Submit a run and have it approved."""
        one = read_candidate(folder)
        submit(self.ledger, "ann", one.subject, one.data, at=at)
        for person in approvers:
            approve(self.ledger, person, one.subject, one.data, at=at, **how)
        return one


@pytest.fixture
def desk(ledger, made) -> Desk:
    return Desk(ledger, made)


@pytest.fixture
def small_desk(sqlite_ledger, made) -> Desk:
    """On SQLite alone, where a test is about what stands above the database."""
    return Desk(sqlite_ledger, made)


@pytest.fixture
def now() -> dt.datetime:
    """The moment at which the desk of these tests stands."""
    return NOON


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Do what has to be refused with a code, and return what is said."""

    def ask(code: str, act: Callable[..., Any], *arguments: Any, **named: Any) -> str:
        with pytest.raises(EntryRefused) as told:
            act(*arguments, **named)
        assert told.value.code == code, told.value
        return str(told.value)

    return ask


@pytest.fixture(scope="session")
def state() -> Callable[..., str]:
    """Ask where something stands: the policy that two files of tests are about, at the noon of theirs."""
    noon = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)

    def ask(ledger: Ledger, at: dt.datetime | None = noon, subject: str = "policy/balanced") -> str:
        return standing(ledger, subject, at).state

    return ask
