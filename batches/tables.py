"""The tables of a book: those that accounts share in memory, those with rows an account left where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..errors import BookError
from .parts import SUFFIXES, Part, check_part, load, stream
from .sources import CODED

CODED_COLUMNS = ("account_id", "asset_id", "model_id", "status", "rule", "side", "limit", "origin")
"""Columns of the tables with rows an account whose values come again and again."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in memory: text columns for CSV, typed ones for Parquet, no missing text.

    Parameters
    ----------
    name, data, parts
        The table, its rows, and the files they stand in.
    rows
        Which rows of the files these are; None: all.
    """

    name: str
    data: pa.Table
    parts: tuple[Part, ...]
    rows: np.ndarray | None = None

    def __len__(self) -> int:
        """Count the rows."""
        return self.data.num_rows

    def has(self, column: str) -> bool:
        """Say whether the table has the column."""
        return column in self.data.column_names

    def place(self, row: int) -> str:
        """Say where a row stands: ``line 5 of holdings.csv``; lines of CSV count from 1, the header included."""
        return place(self.name, self.parts, row if self.rows is None else int(self.rows[row]))

    def take(self, rows: np.ndarray) -> Table:
        """Return some of the rows, which still know their places."""
        return Table(self.name, self.data.take(rows), self.parts, rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True, eq=False)
class Stored:
    """A table that was checked and stays in its files until its rows are asked for.

    Parameters
    ----------
    name, parts
        The table and its files, in the order of their names.
    schema
        Its columns as they are handed out: ids as text by number, one type a column in all parts.
    """

    name: str
    parts: tuple[Part, ...]
    schema: pa.Schema

    def __len__(self) -> int:
        """Count the rows."""
        return sum(part.rows for part in self.parts)

    def has(self, column: str) -> bool:
        """Say whether the table has the column."""
        return column in self.schema.names

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the rows in batches, in their order.

        Raises
        ------
        BookError
            A file has changed since the book was read (``CHANGED``), or can no longer be read.
        """
        for part in self.parts:
            for batch in stream(self.name, part):
                yield _cast(batch, self.schema)

    def read(self) -> Table:
        """Read all rows into memory; raise ``BookError`` like :meth:`batches`."""
        return Table(self.name, _join(self.batches(), self.schema), self.parts)


def place(name: str, parts: Sequence[Part], row: int) -> str:
    """Say where a row of a table stands in its files."""
    for part in parts:
        if row < part.rows:
            return part.place(row)
        row -= part.rows
    return f"beyond the last row of {name}"


def read_table(name: str, path: Path) -> Table:
    """Read a table from a file, or from the parts in a folder in the order of their names.

    Each file is read once: what is digested is what is parsed.

    Raises
    ------
    BookError
        Empty, truncated, not UTF-8, ragged, an id column that is not text, columns missing, doubled or unknown.
    """
    read = []
    for file in _files(name, path):
        check = check_part(name, file, source=(data := load(name, file)))
        read.append((check, list(stream(name, check, data))))
    parts = tuple(part for part, _ in read)
    schema = _one_schema(name, parts)
    batches = (_cast(batch, schema) for _, batches in read for batch in batches)
    return Table(name, _join(batches, schema), parts)


def store_table(name: str, path: Path) -> Stored:
    """Check a table as :func:`read_table` does, bit by bit, and leave its rows where they are."""
    parts = tuple(check_part(name, file, CODED_COLUMNS) for file in _files(name, path))
    return Stored(name, parts, _one_schema(name, parts))


def _files(name: str, path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = []
    for inner in sorted(path.iterdir(), key=lambda p: p.name):
        if inner.name.startswith((".", "_")):
            continue
        if inner.suffix not in SUFFIXES or not inner.is_file():
            raise BookError(
                f"{inner.name} is no part of a table",
                code="BAD_PART",
                table=name,
                value=inner.name,
                mend="keep only .csv or .parquet files there, or begin its name with _",
            )
        files.append(inner)
    if not files:
        raise BookError(
            f"the folder {path.name} holds no parts",
            code="EMPTY_TABLE",
            table=name,
            value=path.name,
            mend="write at least one part, with a header and no rows if need be",
        )
    return files


def _one_schema(name: str, parts: Sequence[Part]) -> pa.Schema:
    """Give the parts one type a column: a part without values takes the others', numbers meet in float64."""
    schemas = [part.schema for part in parts if part.schema is not None]
    for part, schema in zip(parts[1:], schemas[1:], strict=True):
        if set(schema.names) != set(schemas[0].names):
            raise BookError(
                f"{part.path.name} has other columns than {parts[0].path.name}",
                code="PARTS_DIFFER",
                table=name,
                value=part.path.name,
                mend="give every part the same columns",
            )
    fields = []
    for column in schemas[0].names:
        kinds = dict.fromkeys(schema.field(column).type for schema in schemas)
        known = [kind for kind in kinds if not pa.types.is_null(kind)]
        if len(known) > 1:
            numeric = all(pa.types.is_floating(k) or pa.types.is_integer(k) for k in known)
            fields.append((column, pa.float64() if numeric else pa.string()))
        else:
            fields.append((column, known[0] if known else pa.null()))
    return pa.schema(fields)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.equals(schema):
        return batch
    columns = []
    for field in schema:
        values = batch.column(field.name)
        if values.type != field.type:
            values = values.cast(field.type, safe=False)
            values = values.fill_null("") if pa.types.is_string(field.type) else values
        columns.append(values)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _join(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    joined = pa.Table.from_batches(list(batches), schema)
    return joined.unify_dictionaries() if any(field.type == CODED for field in schema) else joined
