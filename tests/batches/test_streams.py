"""A run's tables read piece by piece: the same pieces however they are cut into parts, and damage told by name."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.batches.streams import stream
from trimtab.errors import RunError

ROWS = pa.table({"id": [f"{i:03d}" for i in range(100)], "x": [i / 7 for i in range(100)]})


def cut(folder, table, ends):
    """Write a table as the parts that end there."""
    home = folder / "t.parquet"
    home.mkdir(parents=True, exist_ok=True)
    starts = [0, *ends]
    for i, (start, end) in enumerate(zip(starts, [*ends, len(table)], strict=True)):
        pq.write_table(table.slice(start, end - start), home / f"part-{i:05d}.parquet", write_page_checksum=True)
    return folder


@given(st.lists(st.integers(0, 100), max_size=6).map(sorted), st.integers(1, 120))
def test_pieces_do_not_depend_on_the_parts(tmp_path_factory, ends, rows):
    folder = cut(tmp_path_factory.mktemp("run"), ROWS, ends)
    pieces = list(stream(folder, "t", rows=rows))
    assert pa.concat_tables(pieces).combine_chunks().equals(ROWS.combine_chunks())
    assert [len(p) for p in pieces[:-1]] == [rows] * (len(pieces) - 1)


def test_a_single_file_and_some_columns(tmp_path):
    pq.write_table(ROWS, tmp_path / "t.parquet")
    assert [p.column_names for p in stream(tmp_path, "t", ["x"])] == [["x"]]
    assert list(stream(cut(tmp_path / "empty", ROWS.slice(0, 0), []), "t")) == []


def test_what_begins_with_a_dot_is_no_part(tmp_path):
    cut(tmp_path, ROWS, [])
    (tmp_path / "t.parquet" / ".part-00001.parquet.tmp").write_bytes(b"half")
    assert sum(len(p) for p in stream(tmp_path, "t")) == 100


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(RunError, match=r"no t\.parquet"):
        list(stream(tmp_path, "t"))
    (tmp_path / "t.parquet").mkdir()
    with pytest.raises(RunError, match=r"no t\.parquet"):
        list(stream(tmp_path, "t"))
    cut(tmp_path, ROWS, [])
    with pytest.raises(RunError, match="no column y"):
        list(stream(tmp_path, "t", ["x", "y"]))


def test_damage_is_a_named_error(tmp_path):
    cut(tmp_path, ROWS, [50])
    path = tmp_path / "t.parquet" / "part-00001.parquet"
    sound = path.read_bytes()
    for damaged in (
        sound[:40],
        sound[:-30],
        b"",
        b"not parquet at all",
        sound[:60] + bytes([sound[60] ^ 1]) + sound[61:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(RunError, match=r"part-00001\.parquet cannot be read whole"):
            list(stream(tmp_path, "t"))
