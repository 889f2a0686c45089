"""The tables of a run read back piece by piece: memory does not grow with the accounts, and damage is told by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import RunError

ROWS = 65_536
"""Rows in a piece: fixed, so that a sum taken piece by piece does not depend on how the table was cut into parts."""


class Kept(Protocol):
    """What stands in a folder, like a run."""

    @property
    def path(self) -> Path:
        """The folder."""
        ...


def stream(folder: Path, table: str, columns: Sequence[str] | None = None, rows: int = ROWS) -> Iterator[pa.Table]:
    """Read a table of a run in pieces of ``rows`` rows, the last one shorter; page checksums are verified.

    Parameters
    ----------
    folder
        The run's.
    table
        ``"trades"`` is the file ``trades.parquet`` there, or the parts of the folder of that name, in their order.
    columns
        Those wanted, all by default.

    Raises
    ------
    RunError
        The table is missing, damaged, or lacks a column.
    """
    return _recut(_batches(table_files(folder, table), columns, rows), rows)


def table_files(folder: Path, table: str) -> tuple[Path, ...]:
    """Return the files of a table in their order; raise ``RunError`` where there is none."""
    path = folder / f"{table}.parquet"
    found = tuple(sorted(path.glob("part-*.parquet"))) if path.is_dir() else (path,) if path.is_file() else ()
    if not found:
        raise RunError(f"the run in {folder} has no {path.name}: it was not finished, or a file was taken away")
    return found


def schema(folder: Path, table: str) -> pa.Schema:
    """Return the columns of a table and their types; raise ``RunError`` where it is missing or damaged."""
    first = table_files(folder, table)[0]
    try:
        return pq.read_schema(first)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(first, error) from None


def _batches(files: Iterable[Path], columns: Sequence[str] | None, rows: int) -> Iterator[pa.RecordBatch]:
    for path in files:
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                # pyarrow leaves out a column that is not there without a word.
                if missing := set(columns or ()) - set(file.schema_arrow.names):
                    raise RunError(f"{path} has no column {min(missing)}: it was not written by this version")
                yield from file.iter_batches(rows, columns=None if columns is None else list(columns))
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> RunError:
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RunError(f"{path} cannot be read whole ({said}); make the run again in a new folder")


def _recut(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    held, count = [], 0
    for batch in batches:
        start = 0
        while start < len(batch):
            taken = batch.slice(start, rows - count)
            held.append(taken)
            start, count = start + len(taken), count + len(taken)
            if count == rows:
                yield pa.Table.from_batches(held)
                held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)
