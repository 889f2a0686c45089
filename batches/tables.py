"""Reading one table of a book: a CSV or Parquet file, or a folder of them, without guessing.

Every file is read once into memory; the digest is of the very bytes that were parsed, so a file that changes while
it is read cannot slip between the two. CSV cells are all text: what a number is decides the column (``columns.py``).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ..errors import BookError
from .layouts import LAYOUTS, check_columns

SUFFIXES = (".csv", ".parquet")
MOST_BYTES = 16 << 30
"""What one file may hold, unpacked: a book of a million accounts needs a tenth of it, a zip bomb more."""


@dataclass(frozen=True)
class Part:
    """One file of a table: its path, the SHA-256 of its bytes, its rows; ``plain`` if a CSV row is a line."""

    path: Path
    digest: str
    rows: int
    plain: bool


@dataclass(frozen=True, eq=False)
class Table:
    """One table of a book as it was read: text columns for CSV, typed ones for Parquet, no missing text."""

    name: str
    data: pa.Table
    parts: tuple[Part, ...]

    def __len__(self) -> int:
        """Count the rows."""
        return self.data.num_rows

    def has(self, column: str) -> bool:
        """Say whether the table has the column."""
        return column in self.data.column_names

    def place(self, row: int) -> str:
        """Say where a row stands: ``line 5 of holdings.csv``; lines of CSV count from 1, the header included."""
        for part in self.parts:
            if row < part.rows:
                if part.path.suffix == ".csv":
                    return f"line {row + 2 if part.plain else _line(part.path, row)} of {part.path.name}"
                return f"row {row + 1} of {part.path.name}"
            row -= part.rows
        return f"beyond the last row of {self.name}"


def read_table(name: str, path: Path) -> Table:
    """Read a table from a file, or from the parts in a folder in the order of their names.

    Raises
    ------
    BookError
        Empty, truncated, not UTF-8, ragged, an id column that is not text, columns missing, doubled or unknown.
    """
    read = [_read_part(name, file) for file in _files(name, path)]
    tables, parts = [data for data, _ in read], tuple(part for _, part in read)
    for data, part in read[1:]:
        if set(data.column_names) != set(tables[0].column_names):
            raise BookError(
                f"{part.path.name} has other columns than {parts[0].path.name}",
                code="PARTS_DIFFER",
                table=name,
                value=part.path.name,
                mend="give every part the same columns",
            )
    tables = [data.select(tables[0].column_names) for data in tables]
    return Table(name, pa.concat_tables(_alike(tables)), parts)


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


def _read_part(name: str, path: Path) -> tuple[pa.Table, Part]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BookError(
                f"{path.name} is larger than {MOST_BYTES >> 30} GiB",
                code="TOO_LARGE",
                table=name,
                value=path.name,
                mend="split it into parts in a folder",
            )
        data = path.read_bytes()
    except OSError as error:
        raise BookError(
            f"{path.name} cannot be read: {error.strerror}", code="UNREADABLE", table=name, value=path.name
        ) from None
    if not data:
        raise BookError(
            f"{path.name} is empty",
            code="EMPTY_FILE",
            table=name,
            value=path.name,
            mend="a table without rows still has a header",
        )
    table = _parse_csv(name, path, data) if path.suffix == ".csv" else _parse_parquet(name, path, data)
    plain = path.suffix == ".csv" and b'"' not in data and b"\n\n" not in data and b"\n\r\n" not in data
    return table, Part(path, hashlib.sha256(data).hexdigest(), table.num_rows, plain)


def _parse_csv(name: str, path: Path, data: bytes) -> pa.Table:
    text = data.removeprefix(b"\xef\xbb\xbf")
    try:
        # One decode of everything names the byte; arrow would only name a column.
        text.decode("utf-8")
        if b"\x00" in text:
            raise UnicodeDecodeError("utf-8", text, text.index(b"\x00"), text.index(b"\x00") + 1, "zero byte")
    except UnicodeDecodeError as error:
        offset = error.start + len(data) - len(text)
        raise BookError(
            f"{path.name} is not UTF-8 at byte {offset}",
            code="NOT_UTF8",
            table=name,
            value=offset,
            mend="save it as UTF-8",
        ) from None
    if text.count(b'"') % 2:
        raise BookError(
            f"{path.name} opens a quote that it never closes",
            code="TRUNCATED",
            table=name,
            value=path.name,
            mend="write the file again: it may have been cut off",
        )
    header = next((row for row in csv.reader(_lines(text)) if row), [])
    if not header:
        raise BookError(
            f"{path.name} has no header",
            code="EMPTY_FILE",
            table=name,
            value=path.name,
            mend="a table without rows still has a header",
        )
    check_columns(name, header)
    if not text.endswith(b"\n"):
        text += b"\n"  # arrow takes a header alone only with its line end
    options = pyarrow.csv.ConvertOptions(
        check_utf8=False,
        column_types=dict.fromkeys(header, pa.string()),
        strings_can_be_null=False,
        quoted_strings_can_be_null=False,
    )
    try:
        return pyarrow.csv.read_csv(
            io.BytesIO(text), parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True), convert_options=options
        )
    except pa.ArrowInvalid as error:
        raise _ragged(name, path, text, len(header), str(error)) from None


def _ragged(name: str, path: Path, text: bytes, width: int, said: str) -> BookError:
    reader = csv.reader(_lines(text))
    for row in reader:
        if row and len(row) != width:
            return BookError(
                f"line {reader.line_num} of {path.name} has {len(row)} columns, the header {width}",
                code="RAGGED",
                table=name,
                value=reader.line_num,
                mend="mend the line, or write the file again if it was cut off",
            )
    return BookError(f"{path.name} is no CSV: {said.splitlines()[0]}", code="NOT_CSV", table=name, value=path.name)


def _lines(text: bytes) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")


def _line(path: Path, row: int) -> int:
    """Find the line of a row where quotes or blank lines part the two; asked for a message only."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader, seen, before = csv.reader(file), -1, 0
        for record in reader:
            seen += bool(record)
            if seen == row + 1:
                return before + 1
            before = reader.line_num
    return before


def _parse_parquet(name: str, path: Path, data: bytes) -> pa.Table:
    try:
        file = pq.ParquetFile(io.BytesIO(data), page_checksum_verification=True)
        meta = file.metadata
        unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if unpacked > MOST_BYTES:
            raise BookError(
                f"{path.name} unpacks to more than {MOST_BYTES >> 30} GiB",
                code="TOO_LARGE",
                table=name,
                value=path.name,
            )
        check_columns(name, list(file.schema_arrow.names))
        table = file.read().replace_schema_metadata(None)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise BookError(
            f"{path.name} is no sound Parquet file: {str(error).splitlines()[0]}",
            code="NOT_PARQUET",
            table=name,
            value=path.name,
            mend="write it again",
        ) from None
    return pa.table({column: _plain(name, path, column, table[column]) for column in table.column_names})


def _plain(name: str, path: Path, column: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bring text of every make to one make without missing cells; refuse a text column that is something else."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        values = values.cast(kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string()).fill_null("")
    texts = (*LAYOUTS[name].texts,)
    if column not in texts:
        return values
    if pa.types.is_null(kind):  # a part whose every cell is missing has no type
        return pa.chunked_array([pa.array([""] * len(values), pa.string())])
    raise BookError(
        f"the column {column!r} of {path.name} is {kind}, not text",
        code="NOT_TEXT",
        table=name,
        field=column,
        value=kind,
        mend="write ids as text: 007 is not 7",
    )


def _alike(tables: list[pa.Table]) -> list[pa.Table]:
    """Give the parts one type a column: a part without values takes the others', numbers meet in float64."""
    if len(tables) < 2:
        return tables
    fields = []
    for column in tables[0].column_names:
        kinds = {t.schema.field(column).type for t in tables}
        known = [k for k in kinds if not pa.types.is_null(k)]
        if len(known) > 1:
            numeric = all(pa.types.is_floating(k) or pa.types.is_integer(k) for k in known)
            fields.append(pa.field(column, pa.float64() if numeric else pa.string()))
        else:
            fields.append(pa.field(column, known[0] if known else pa.string()))
    return [t.cast(pa.schema(fields), safe=False) for t in tables]
