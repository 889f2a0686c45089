"""Rows on their way into the files of their chunks, and out of them again: Arrow streams, one after the other.

Rows wait in memory until there are enough of them to be worth writing; a file is opened, appended to and closed, so
that a thousand chunks need no thousand open files.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc

BUDGET = 128 << 20
"""Bytes of rows that wait in memory for their chunk to be written."""


@dataclass(eq=False)
class Spill:
    """Rows on their way into their chunks: those that still wait, and the checksum of each file as it grows."""

    folder: Path
    size: int
    waiting: dict[tuple[int, str], list[pa.RecordBatch]] = field(default_factory=dict)
    held: int = 0
    sums: dict[int, dict[str, int]] = field(default_factory=dict)


def path_of(folder: Path, chunk: int, table: str = "") -> Path:
    """Return where the rows of a table in a chunk stand, or who is in the chunk."""
    return folder / (f"chunk-{chunk:06d}.{table}.arrows" if table else f"chunk-{chunk:06d}.json")


def hidden(path: Path) -> Path:
    """Return the name of a file that is not yet complete."""
    return path.with_name(f".{path.name}")


def put(
    spill: Spill, name: str, batch: pa.RecordBatch, ranks: np.ndarray, rows: np.ndarray, chunks: np.ndarray
) -> None:
    """Put the rows of a batch to those that wait for their chunk.

    Parameters
    ----------
    ranks, chunks
        Of the account of each row.
    rows
        Which rows of the table they are.
    """
    kept = [c for c in batch.schema.names if c != "account_id"]
    own = pa.array((ranks - chunks * spill.size).astype(np.int32))
    # The last two columns are ours, whatever the table calls its own.
    piece = pa.RecordBatch.from_arrays([*map(batch.column, kept), own, pa.array(rows)], [*kept, "own", "row"])
    if (chunks[1:] < chunks[:-1]).any():
        order = np.argsort(chunks, kind="stable")
        piece, chunks = piece.take(pa.array(order)), chunks[order]
    edges = [0, *(np.flatnonzero(np.diff(chunks)) + 1).tolist(), len(chunks)]
    for a, b in pairwise(edges):
        if b > a:
            spill.waiting.setdefault((int(chunks[a]), name), []).append(piece.slice(a, b - a))
    spill.held += piece.nbytes
    if spill.held > BUDGET:
        flush(spill)


def flush(spill: Spill) -> None:
    """Append what waits to the files of its chunks."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    for (chunk, name), pieces in sorted(spill.waiting.items()):
        # Slices share the distinct values of their whole batch: each file gets those that it uses.
        data = _compact(pa.Table.from_batches(pieces))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, data.schema, options=options) as writer:
            writer.write_table(data)
        block = sink.getvalue()
        sums = spill.sums.setdefault(chunk, {})
        flags = os.O_WRONLY | (os.O_APPEND if name in sums else os.O_CREAT | os.O_EXCL)
        with os.fdopen(os.open(hidden(path_of(spill.folder, chunk, name)), flags, 0o644), "wb") as file:
            file.write(block)
        sums[name] = zlib.crc32(block, sums.get(name, 0))
    spill.waiting.clear()
    spill.held = 0


def _compact(data: pa.Table) -> pa.Table:
    data = data.unify_dictionaries().combine_chunks()
    for i, column in enumerate(data.columns):
        if pa.types.is_dictionary(column.type) and any(len(c.dictionary) > len(c) // 8 for c in column.chunks):
            own = column.cast(column.type.value_type).dictionary_encode()
            data = data.set_column(i, data.schema.field(i), own)
    return data


def unpack(data: bytes) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return the rows in the bytes of a file, whose each is within the chunk, and which row of the table it is."""
    source, streams = pa.BufferReader(data), []
    while source.tell() < len(data):
        with pa.ipc.open_stream(source) as reader:
            streams.append(reader.read_all())
    table = pa.concat_tables(streams).unify_dictionaries()
    own, rows = (column.to_numpy().astype(np.int64) for column in table.columns[-2:])
    return table.select(range(table.num_columns - 2)), own, rows
