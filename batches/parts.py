"""One file of a table, CSV or Parquet: checked, counted and digested once, then read in batches, never whole.

What is said about a file is said of its bytes at that time: whoever reads it later asks whether it is still the same.
CSV cells are all text: what a number is decides the column (``columns.py``).
"""

from __future__ import annotations

import bisect
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ..errors import BookError
from .csvs import check_csv, stream_csv
from .parquets import check_parquet, stream_parquet
from .sources import MOST_BYTES, Source, bad_file

SUFFIXES = (".csv", ".parquet")
_SPLIT = "split it into parts in a folder"


@dataclass(frozen=True, eq=False)
class Part:
    """One file of a table.

    Parameters
    ----------
    path, digest, rows
        Where it is, the SHA-256 of its bytes, how many rows it has.
    jumps
        ``(row, lines)``: from that row on, lines of a CSV file run so far ahead of its rows (blank lines, cells of
        several lines).
    schema
        Its columns as they are read.
    stamp
        Size and time of change when it was digested.
    """

    path: Path
    digest: str
    rows: int
    jumps: tuple[tuple[int, int], ...] = ()
    schema: pa.Schema | None = None
    stamp: tuple[int, int] = (0, 0)

    def place(self, row: int) -> str:
        """Say where a row stands: ``line 5 of holdings.csv``; lines of CSV count from 1, the header included."""
        if self.path.suffix != ".csv":
            return f"row {row + 1} of {self.path.name}"
        before = bisect.bisect_right(self.jumps, row, key=lambda jump: jump[0])
        return f"line {row + 2 + (self.jumps[before - 1][1] if before else 0)} of {self.path.name}"


def check_part(table: str, path: Path, coded: Sequence[str] = (), source: bytes | None = None) -> Part:
    """Read a file from end to end and keep nothing but what it is.

    Parameters
    ----------
    coded
        Text columns that are handed out as :data:`CODED`.
    source
        Its bytes, where they are in memory already.

    Raises
    ------
    BookError
        Empty, cut off, damaged, not UTF-8, ragged; an id column that is not text; columns missing, doubled or unknown.
    """
    given: Source = path if source is None else source
    with _named(table, path):
        stamp = stamp_of(path) if source is None else (len(source), 0)
        if stamp[0] > MOST_BYTES:
            raise bad_file(table, path, "TOO_LARGE", f"is larger than {MOST_BYTES >> 30} GiB", _SPLIT)
        if not stamp[0]:
            raise bad_file(table, path, "EMPTY_FILE", "is empty", "a table without rows still has a header")
        check = check_csv if path.suffix == ".csv" else check_parquet
        digest, schema, rows, jumps = check(table, path, given, coded)
        if source is None and stamp_of(path) != stamp:
            raise changed(table, path)
    return Part(path, digest, rows, jumps, schema, stamp)


def load(table: str, path: Path) -> bytes:
    """Read a whole file into memory; raise ``BookError`` where that is not possible or too much."""
    with _named(table, path):
        if stamp_of(path)[0] > MOST_BYTES:
            raise bad_file(table, path, "TOO_LARGE", f"is larger than {MOST_BYTES >> 30} GiB", _SPLIT)
        return path.read_bytes()


def stream(table: str, part: Part, source: bytes | None = None) -> Iterator[pa.RecordBatch]:
    """Read the rows of a file that was checked, in batches; no text is missing.

    Raises
    ------
    BookError
        The file is no longer the one that was checked, or can no longer be read.
    """
    rows, given = 0, part.path if source is None else source
    read = stream_csv if part.path.suffix == ".csv" else stream_parquet
    with _named(table, part.path, part if source is None else None):
        if source is None and not _is_same(part):
            raise changed(table, part.path)
        for batch in read(given, part.schema) if part.rows else ():
            rows += batch.num_rows
            yield batch
        if rows != part.rows or (source is None and not _is_same(part)):
            raise changed(table, part.path)


def _is_same(part: Part) -> bool:
    try:
        return stamp_of(part.path) == part.stamp
    except OSError:
        return False


def stamp_of(path: Path) -> tuple[int, int]:
    """Return the size of a file in bytes and when it was written, in nanoseconds."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def changed(table: str, path: Path) -> BookError:
    """Make the error for a file that is not what it was when the book was read."""
    return bad_file(table, path, "CHANGED", "has changed since the book was read", "read it when nothing writes to it")


@contextmanager
def _named(table: str, path: Path, part: Part | None = None) -> Iterator[None]:
    """Name the errors of the disk, of arrow and of csv after the file; damage done since the check is a change."""
    try:
        yield
    except (pa.ArrowException, OSError, csv.Error, UnicodeDecodeError) as error:
        said = (str(error).splitlines() or [""])[0]
        if isinstance(error, OSError) and error.errno:
            fault = bad_file(table, path, "UNREADABLE", f"cannot be read: {error.strerror}")
        elif part is not None and not _is_same(part):
            fault = changed(table, path)
        elif path.suffix == ".csv":
            fault = bad_file(table, path, "NOT_CSV", f"is no CSV: {said}")
        else:
            fault = bad_file(table, path, "NOT_PARQUET", f"is no sound Parquet file: {said}", "write it again")
        raise fault from None
