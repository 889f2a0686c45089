"""Parquet, streamed: every page decoded and its checksum compared, however large a row group is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import BookError
from .layouts import LAYOUTS, check_columns
from .sources import BATCH, CODED, MOST_BYTES, Source, bad_file, blocks, open_source


def check_parquet(table: str, path: Path, source: Source, coded: Sequence[str]):
    """Return digest, schema, rows and jumps of a file, as a :class:`~trimtab.batches.parts.Part` has them."""
    digest = hashlib.sha256()
    for block in blocks(source):
        digest.update(block)
    with open_source(source) as file:
        meta = pq.ParquetFile(file)
        groups = (meta.metadata.row_group(i) for i in range(meta.metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > MOST_BYTES:
            raise bad_file(table, path, "TOO_LARGE", f"unpacks to more than {MOST_BYTES >> 30} GiB")
        columns = meta.schema_arrow
    check_columns(table, list(columns.names))
    schema = pa.schema([(f.name, _kind(table, path, f, coded)) for f in columns])
    rows = 0
    for batch in stream_parquet(source, schema):
        batch.validate(full=True)  # text in Parquet need not be UTF-8
        rows += batch.num_rows
    if rows != meta.metadata.num_rows:
        words = f"says it has {meta.metadata.num_rows} rows and has {rows}"
        raise bad_file(table, path, "TRUNCATED", words, "write the file again: it may have been cut off")
    return digest.hexdigest(), schema, rows, ()


def stream_parquet(source: Source, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Read the rows of a file; no text is missing."""
    coded = [field.name for field in schema if field.type == CODED]
    with open_source(source) as file:
        # With a buffer a large row group is read bit by bit.
        data = pq.ParquetFile(file, read_dictionary=coded, page_checksum_verification=True, buffer_size=1 << 20)
        for batch in data.iter_batches(batch_size=BATCH):
            columns = [_plain(batch.column(i), field.type) for i, field in enumerate(schema)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _kind(table: str, path: Path, field: pa.Field, coded: Sequence[str]) -> pa.DataType:
    """Return as what a column is handed out: text of every make as one; refuse a text column that is something else."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    # a part whose every cell is missing has no type
    if is_text or (field.name in LAYOUTS[table].texts and pa.types.is_null(kind)):
        return CODED if field.name in coded else pa.string()
    if field.name in LAYOUTS[table].texts:
        raise BookError(
            f"the column {field.name!r} of {path.name} is {kind}, not text",
            code="NOT_TEXT",
            table=table,
            field=field.name,
            value=kind,
            mend="write ids as text: 007 is not 7",
        )
    return kind


def _plain(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if values.type != kind or (values.null_count and (kind == CODED or pa.types.is_string(kind))):
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if kind != CODED and not pa.types.is_string(kind):
            return values.cast(kind)
        values = values.cast(pa.string()).fill_null("")
        values = values.dictionary_encode() if kind == CODED else values
    return values
