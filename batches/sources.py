"""The bytes of a file, on the disk or in memory, a block at a time; and the error that is about a whole file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ..errors import BookError

MOST_BYTES = 16 << 30
"""What one file may hold, unpacked: a book of a million accounts needs a tenth of it, a zip bomb more."""
BATCH = 1 << 18
"""Rows read at a time."""
BLOCK = 8 << 20
"""Bytes read at a time; no row of a CSV file is longer."""
CODED = pa.dictionary(pa.int32(), pa.string())
"""A text column with few distinct values: each once, and a number a row."""
Source = Path | bytes
"""Where the bytes are: on the disk, or read already."""


def bad_file(table: str, path: Path, code: str, words: str, mend: str = "") -> BookError:
    """Make the error that is about a file as a whole."""
    return BookError(f"{path.name} {words}", code=code, table=table, value=path.name, mend=mend)


def open_source(source: Source) -> pa.NativeFile:
    """Open a file for reading."""
    return pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source), "rb")


def blocks(source: Source) -> Iterator[bytes]:
    """Read a file a block at a time."""
    with open_source(source) as file:
        while block := file.read(BLOCK):
            yield block
