"""CSV, streamed: judged from end to end without being held, then read in batches of text."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from ..errors import BookError
from . import sources
from .layouts import check_columns
from .sources import CODED, Source, bad_file, blocks, open_source


def check_csv(table: str, path: Path, source: Source, coded: Sequence[str]):
    """Return digest, schema, rows and jumps of a file, as a :class:`~trimtab.batches.parts.Part` has them."""
    digest, ends = _scan(table, path, source)
    with _text(source) as text:
        filled = (row for row in csv.reader(text) if row)
        header, second = next(filled, []), next(filled, None)
    if not header:
        raise bad_file(table, path, "EMPTY_FILE", "has no header", "a table without rows still has a header")
    check_columns(table, header)
    schema = pa.schema([(c, CODED if c in coded else pa.string()) for c in header])
    try:
        # arrow takes a header alone only with its line end
        rows = sum(batch.num_rows for batch in stream_csv(source, schema)) if second else 0
    except pa.ArrowInvalid as error:
        raise _ragged(table, path, source, len(header), str(error)) from None
    return digest, schema, rows, () if ends == rows + 1 else _jumps(source)


def stream_csv(source: Source, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Read the rows of a file that has some."""
    options = pyarrow.csv.ConvertOptions(
        check_utf8=False,
        column_types=schema,
        strings_can_be_null=False,
        quoted_strings_can_be_null=False,
    )
    with open_source(source) as file:
        yield from pyarrow.csv.open_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(block_size=sources.BLOCK),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )


def _scan(table: str, path: Path, source: Source) -> tuple[str, int]:
    """Return the digest, and how many lines there are (-1 where lines end in more ways than one)."""
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    zero, quotes, feeds, returns, pairs, seen, pending, last = -1, 0, 0, 0, 0, 0, 0, b""
    try:
        for block in blocks(source):
            digest.update(block)
            pending = len(decoder.getstate()[0])
            decoder.decode(block)
            if zero < 0 and b"\x00" in block:
                zero = seen + block.index(b"\x00")
            quotes += block.count(b'"')
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
            pairs += block.count(b"\r\n") + (last == b"\r" and block[:1] == b"\n")
            seen, last = seen + len(block), block[-1:]
        pending = len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        zero = seen - pending + error.start
    if zero >= 0:
        raise BookError(
            f"{path.name} is not UTF-8 at byte {zero}",
            code="NOT_UTF8",
            table=table,
            value=zero,
            mend="save it as UTF-8",
        )
    if quotes % 2:
        raise bad_file(
            table,
            path,
            "TRUNCATED",
            "opens a quote that it never closes",
            "write the file again: it may have been cut off",
        )
    return digest.hexdigest(), feeds + (last != b"\n") if returns == pairs else -1


def _text(source: Source) -> io.TextIOWrapper:
    return io.TextIOWrapper(open_source(source), encoding="utf-8-sig", newline="")


def _ragged(table: str, path: Path, source: Source, width: int, said: str) -> BookError:
    with _text(source) as text:
        reader = csv.reader(text)
        for row in reader:
            if row and len(row) != width:
                return BookError(
                    f"line {reader.line_num} of {path.name} has {len(row)} columns, the header {width}",
                    code="RAGGED",
                    table=table,
                    value=reader.line_num,
                    mend="mend the line, or write the file again if it was cut off",
                )
    return bad_file(table, path, "NOT_CSV", f"is no CSV: {said.splitlines()[0]}")


def _jumps(source: Source) -> tuple[tuple[int, int], ...]:
    """Return from which rows on the lines run how far ahead, where quotes or blank lines part the two."""
    jumps: list[tuple[int, int]] = []
    with _text(source) as text:
        reader, row, before, ahead = csv.reader(text), -2, 0, 0
        for record in reader:
            row += bool(record)
            if record and row >= 0 and before - row - 1 != ahead:
                ahead = before - row - 1
                jumps.append((row, ahead))
            before = reader.line_num
    return tuple(jumps)
