"""A small book made from the demo: eight accounts, and a mandate without tickets so that each is one quick solve."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from trimtab.batches import read_book, run
from trimtab.constraints import read_policy
from trimtab.demo import ON

POLICY = """
[objective]
risk_aversion = 6.0
[risk]
periods_per_year = 12
[market]
cash_rate = 0.004
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "tracking_error"
most = 0.02
[[limits]]
kind = "turnover"
most = 0.30
"""
KEPT = tuple(f"{i:03d}" for i in range(1, 9))


def rows_of(folder: Path, table: str) -> list[list[str]]:
    with (folder / f"{table}.csv").open(newline="") as file:
        return list(csv.reader(file))


def put(folder: Path, table: str, rows: list[list[str]]) -> None:
    with (folder / f"{table}.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


@pytest.fixture(scope="session")
def write_small(demo_book) -> Callable[[Path], Path]:
    """Copy the demo book with its first eight accounts."""

    def write(folder: Path) -> Path:
        demo_book(folder, KEPT, without=("phases",))
        put(
            folder,
            "restrictions",
            [["account_id", "asset_id", "rule"], ["003", "ENERGY", "no_buy"], ["004", "GOLD", "frozen"]],
        )
        return folder

    return write


@pytest.fixture
def book(tmp_path, write_small) -> Path:
    return write_small(tmp_path / "book")


@pytest.fixture(scope="session")
def mandate(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def policy(book, mandate):
    return read_book(book).policy(read_policy(mandate))


@pytest.fixture
def rows() -> Callable[[Path, str], list[list[str]]]:
    return rows_of


@pytest.fixture
def write() -> Callable[[Path, str, list[list[str]]], None]:
    return put


@pytest.fixture
def append() -> Callable[..., None]:
    """Add rows to a table; one that is not there begins with the first row as its header."""

    def add(folder: Path, table: str, *more: list[str]) -> None:
        old = rows_of(folder, table) if (folder / f"{table}.csv").exists() else []
        put(folder, table, [*old, *more])

    return add


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory, mandate, write_small):
    """The run of the small book, done once; nobody may write into it."""
    folder = tmp_path_factory.mktemp("plain")
    return run(write_small(folder / "book"), mandate, ON, folder / "out")
