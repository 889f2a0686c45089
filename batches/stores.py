"""The tables of a run: their schemas, and how they come to stand in a folder whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import RunError
from ..units import FrozenMap

_TEXT, _NUMBER = pa.string(), pa.float64()


def _schema(texts: str, numbers: str, order: str) -> pa.Schema:
    kinds = dict.fromkeys(texts.split(), _TEXT) | dict.fromkeys(numbers.split(), _NUMBER)
    return pa.schema([pa.field(name, kinds[name]) for name in order.split()])


SCHEMAS: Mapping[str, pa.Schema] = FrozenMap(
    {
        "accounts": _schema(
            "account_id model_id outcome code reason binding relaxed",
            "nav turnover cost tracking_error expected_gain utility gap certified_te given_up",
            "account_id model_id outcome code reason nav turnover cost tracking_error expected_gain utility gap "
            "certified_te given_up binding relaxed",
        ),
        "targets": _schema(
            "account_id asset_id",
            "current strategic tactical ideal target low high",
            "account_id asset_id current strategic tactical ideal target low high",
        ),
        "trades": _schema(
            "trade_id account_id asset_id side reason",
            "quantity value weight cost",
            "trade_id account_id asset_id side quantity value weight cost reason",
        ),
        "quarantine": _schema("account_id code field value message", "", "account_id code field value message"),
        "timings": _schema("account_id started worker", "seconds", "account_id started seconds worker"),
    }
)
SEAL = "run.json"
CHUNK = 2000
"""Accounts in a row group: fixed, so that the bytes of a table do not depend on who wrote it."""

Columns = dict[str, list]


@contextmanager
def open_tables(folder: Path) -> Iterator[Mapping[str, pq.ParquetWriter]]:
    """Open every table under a hidden name; on leaving without an error each is flushed to disk and renamed."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_open_table(folder, name)) for name in SCHEMAS}


@contextmanager
def _open_table(folder: Path, name: str) -> Iterator[pq.ParquetWriter]:
    with (
        _whole(folder, f"{name}.parquet") as file,
        pq.ParquetWriter(
            file,
            SCHEMAS[name],
            compression="zstd",
            write_page_checksum=True,
            store_schema=True,
        ) as writer,
    ):
        yield writer


@contextmanager
def _whole(folder: Path, name: str) -> Iterator[Any]:
    """Write a file that appears under its name only when it is complete and on the disk."""
    hidden = folder / f".{name}.tmp"
    hidden.unlink(missing_ok=True)  # of an interrupted run
    # O_EXCL: a link that somebody put there is never followed.
    handle = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    hidden.replace(folder / name)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system has a way to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_rows(writers: Mapping[str, pq.ParquetWriter], tables: Mapping[str, pa.Table]) -> None:
    """Append rows to the tables, a row group each."""
    for name, table in tables.items():
        if len(table):
            writers[name].write_table(table, row_group_size=len(table))


def write_seal(folder: Path, seal: Mapping[str, Any]) -> None:
    """Write ``run.json``: the last file of a run, and the one that makes it a run."""
    with _whole(folder, SEAL) as file:
        file.write(json.dumps(seal, indent=2, allow_nan=False).encode() + b"\n")


def read_seal(folder: Path) -> dict[str, Any] | None:
    """Return what ``run.json`` says, or None where there is none; raise ``RunError`` where it is not ours."""
    try:
        seal = json.loads((folder / SEAL).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise RunError(f"{folder / SEAL} cannot be read; choose another folder") from None
    if not isinstance(seal, dict) or seal.get("format") != "trimtab run 1":
        raise RunError(f"{folder / SEAL} was not written by trimtab; choose another folder")
    return seal


def digest_tables(folder: Path) -> dict[str, dict[str, Any]]:
    """Return file, rows and SHA-256 of every table."""
    found = {}
    for name in SCHEMAS:
        path = folder / f"{name}.parquet"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[name] = {"file": path.name, "rows": pq.read_metadata(path).num_rows, "sha256": digest}
    return found


def empty_rows(names: Sequence[str] = tuple(SCHEMAS)) -> dict[str, Columns]:
    """Return lists to fill, one a column of each table."""
    return {name: {column: [] for column in SCHEMAS[name].names} for name in names}
