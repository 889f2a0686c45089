"""The tables of a run: their schemas, and how they come to stand in a folder whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import RunError
from ..units import FrozenMap
from .jsons import read_json

_TEXT, _NUMBER, _DAY = pa.string(), pa.float64(), pa.date32()


def _schema(texts: str, numbers: str, order: str, days: str = "") -> pa.Schema:
    kinds = dict.fromkeys(texts.split(), _TEXT) | dict.fromkeys(numbers.split(), _NUMBER)
    kinds |= dict.fromkeys(days.split(), _DAY)
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
        "timings": _schema(
            "account_id started worker",
            "seconds engine trade_gap",
            "account_id started seconds engine trade_gap worker",
        ),
        "positions": _schema(
            "account_id asset_id side state approval",
            "age_days allowed base",
            "account_id asset_id side opened age_days allowed state extended_until approval base",
            "opened extended_until",
        ),
        "phases": _schema(
            "account_id asset_id status reason",
            "gap done step steps",
            "account_id asset_id started gap done step steps next_date status reason",
            "started next_date",
        ),
        "breaches": _schema(
            "account_id limit origin",
            "days excess",
            "account_id limit since origin until days excess",
            "since until",
        ),
    }
)
SEAL = "run.json"
FORMAT = "trimtab run 4"
WORK = ".work"
"""What a run needs while it is made: the input of each chunk and the manifest; gone once the run is sealed."""

Columns = dict[str, list]


@dataclass(frozen=True)
class Part:
    """One file of a table: its rows, its size in bytes, its SHA-256 and, until it is published, its hidden name."""

    rows: int
    size: int
    sha256: str
    hidden: str = ""


def table_folder(out: Path, table: str) -> Path:
    """Return where the parts of a table stand."""
    return out / f"{table}.parquet"


def part_name(chunk: int, chunks: int) -> str:
    """Name the part of a chunk, so that names sort as chunks do.

    >>> part_name(7, 200)
    'part-00007.parquet'
    """
    return f"part-{chunk:0{max(5, len(str(chunks - 1)))}d}.parquet"


_SAID_OFTEN = (
    *("account_id", "model_id", "asset_id", "outcome", "code"),
    *("reason", "relaxed", "side", "started", "worker"),
    *("state", "approval", "status", "limit", "origin"),
)
"""Columns worth a dictionary: trying one for every number takes as long as writing them."""


def write_part(out: Path, table: str, rows: pa.Table, stem: str) -> Part:
    """Put rows on the disk under a hidden name that begins with ``stem`` and that nobody else has."""
    sink = pa.BufferOutputStream()
    # One row group of one array a column: the bytes of a part do not depend on how its rows came together.
    with pq.ParquetWriter(
        sink,
        SCHEMAS[table],
        compression="zstd",
        use_dictionary=[n for n in SCHEMAS[table].names if n in _SAID_OFTEN],  # pyright: ignore[reportArgumentType]
        write_statistics=["account_id"],  # pyright: ignore[reportArgumentType]  (pyarrow's stubs know one bool for all)
        write_page_checksum=True,
        store_schema=True,
    ) as writer:
        writer.write_table(rows.combine_chunks(), row_group_size=max(1, len(rows)))
    data = sink.getvalue()
    folder, hidden = table_folder(out, table), f".{stem}.{secrets.token_hex(6)}"
    folder.mkdir(exist_ok=True)
    with _new_file(folder / hidden) as file:
        file.write(data)
    return Part(len(rows), len(data), hashlib.sha256(data).hexdigest(), hidden)


def publish(out: Path, file: str, parts: Mapping[str, Part]) -> None:
    """Give the parts of a chunk their name, in place of what bore it; tables without a part lose theirs."""
    for table in SCHEMAS:
        folder = table_folder(out, table)
        if table in parts:
            (folder / parts[table].hidden).replace(folder / file)
        elif (folder / file).exists():
            (folder / file).unlink()
        else:
            continue
        sync_folder(folder)


def discard(out: Path, parts: Mapping[str, Part]) -> None:
    """Remove hidden parts that will not be published."""
    for table, part in parts.items():
        (table_folder(out, table) / part.hidden).unlink(missing_ok=True)


def is_sound(out: Path, file: str, parts: Mapping[str, Part]) -> bool:
    """Whether the published parts of a chunk are there, to the last bit, and no others of that name."""
    for table in SCHEMAS:
        path, part = table_folder(out, table) / file, parts.get(table)
        if part is None:
            if path.exists():
                return False
            continue
        try:
            if path.stat().st_size != part.size or digest_file(path) != part.sha256:
                return False
        except OSError:  # gone, or on a bad block: the chunk is done again either way
            return False
    return True


def tidy_tables(out: Path, parts: Mapping[str, Mapping[str, Part]]) -> dict[str, dict[str, Any]]:
    """Make every table a folder of exactly these parts, an empty one where there is none; say what a seal says of them.

    Parameters
    ----------
    parts
        By table and file.
    """
    said = {}
    for table in SCHEMAS:
        folder, own = table_folder(out, table), dict(parts.get(table, {}))
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if path.name not in own:
                path.unlink()
        if not own:
            name = part_name(0, 1)
            own[name] = write_part(out, table, SCHEMAS[table].empty_table(), "empty")
            (folder / own[name].hidden).replace(folder / name)
        sync_folder(folder)
        said[table] = _said({file: own[file] for file in sorted(own)})
    sync_folder(out)
    return said


def _said(parts: Mapping[str, Part]) -> dict[str, Any]:
    files = {file: {"rows": part.rows, "bytes": part.size, "sha256": part.sha256} for file, part in parts.items()}
    return {"rows": sum(part.rows for part in parts.values()), "parts": files}


@contextmanager
def whole(folder: Path, name: str) -> Iterator[Any]:
    """Write a file that appears under its name only when it is complete and on the disk."""
    hidden = folder / f".{name}.tmp"
    hidden.unlink(missing_ok=True)  # of an interrupted run
    with _new_file(hidden) as file:
        yield file
    hidden.replace(folder / name)
    sync_folder(folder)


@contextmanager
def _new_file(path: Path) -> Iterator[Any]:
    """Write a file that was not there, and put it on the disk; on an error it is gone again."""
    # O_EXCL: a link that somebody put there is never followed.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system has a way to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


BESIDE = (
    "beliefs.parquet", "impact.parquet", "signals.parquet", "summary.parquet", "tilts.parquet", "views.parquet",
)  # fmt: skip
"""What a run says of itself beside its tables."""


def digest_beside(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of what stands beside the tables, by file."""
    return {name: digest_file(folder / name) for name in BESIDE}


def write_seal(folder: Path, seal: Mapping[str, Any]) -> None:
    """Write ``run.json``: the last file of a run, and the one that makes it a run."""
    with whole(folder, SEAL) as file:
        file.write(json.dumps(seal, indent=2, allow_nan=False).encode() + b"\n")


def read_seal(folder: Path) -> dict[str, Any] | None:
    """Return what ``run.json`` says, or None where there is none; raise ``RunError`` where it is not ours."""
    try:
        seal = read_json((folder / SEAL).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise RunError(f"{folder / SEAL} cannot be read; choose another folder") from None
    if not isinstance(seal, dict) or seal.get("format") != FORMAT:
        raise RunError(f"{folder / SEAL} was not written by this version of trimtab; choose another folder")
    return seal


def digest_tables(out: Path) -> dict[str, dict[str, Any]]:
    """Return what a seal says of the tables that stand in a folder: rows, and rows, size and SHA-256 of each part."""
    found = {}
    for table in SCHEMAS:
        paths = sorted(p for p in table_folder(out, table).iterdir() if not p.name.startswith((".", "_")))
        found[table] = _said(
            {p.name: Part(pq.read_metadata(p).num_rows, p.stat().st_size, digest_file(p)) for p in paths}
        )
    return found


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def empty_rows(names: Sequence[str] = tuple(SCHEMAS)) -> dict[str, Columns]:
    """Return lists to fill, one a column of each table."""
    return {name: {column: [] for column in SCHEMAS[name].names} for name in names}
