"""A book in chunks says what the whole book says, whatever the size of the chunks, its files and its mess."""

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimtab.batches import Refused, read_book, spills
from trimtab.batches.partitions import MARKER, Partition, cut, read_chunk, read_rows
from trimtab.batches.premises import read_universe
from trimtab.constraints import Policy, Turnover
from trimtab.errors import BookError, RunError

POLICY = Policy(limits=(Turnover(0.3),))
IDS = (*"abcdef" * 8, "a ", "b\u200b", "c\u00a0", "", "*", "é", "e\u0301", "ab", "long" * 60, 'q"\n1')
ASSETS = (*("CASH", "GOLD", "BAA", "TECH", "USMKT", "ENERGY") * 4, "GLD", "")
QUANTITIES = (*("1", "2.5", "-3", "0") * 4, "", "1,5", "nan", "1e16")
COLUMNS = {
    "accounts": ("account_id", "model_id", "cash_flow", "status", "turnover"),
    "holdings": ("account_id", "asset_id", "quantity"),
    "orders": ("account_id", "asset_id", "quantity", "status", "trade_id"),
    "restrictions": ("account_id", "asset_id", "rule"),
    "positions": ("account_id", "asset_id", "opened", "side"),
}
CELLS = {
    "model_id": st.sampled_from((*("growth", "balanced") * 8, "balancd", "")),
    "asset_id": st.sampled_from(ASSETS),
    "quantity": st.sampled_from(QUANTITIES),
    "cash_flow": st.sampled_from((*("", "0", "5") * 4, "x")),
    "turnover": st.sampled_from((*("", "0.1") * 5, "5%")),
    "rule": st.sampled_from((*("no_buy", "frozen") * 4, "never")),
    "trade_id": st.just("t"),
    "opened": st.just("2016-01-01"),
    "side": st.sampled_from(("over", "under")),
}


def rows_of(table, most):
    named = {
        **CELLS,
        "account_id": st.sampled_from(IDS),
        "status": st.sampled_from((*("", "", "active", "blocked") * 3, "odd"))
        if table == "accounts"
        else st.sampled_from((*("", "open", "filled") * 3, "odd")),
    }
    return st.lists(st.tuples(*(named[c] for c in COLUMNS[table])), max_size=most)


@st.composite
def messes(draw):
    """Draw tables with rows an account, each with how it is written: csv or parquet, in how many parts."""
    found = {}
    for table in COLUMNS:
        if table in ("accounts", "holdings") or draw(st.booleans()):
            rows = draw(rows_of(table, 20 if table == "holdings" else 9))
            if table == "restrictions":  # a bad one of the desk refuses the whole book
                rows = [r for r in rows if r[0] != "*" or (r[1] in ASSETS[:6] and r[2] != "never")]
            if table == "accounts":  # most are known, some come twice
                rows = [
                    (x, "growth", "", "", "") for x in draw(st.lists(st.sampled_from("abcdef"), unique=True))
                ] + rows[:4]
            found[table] = (rows, draw(st.sampled_from(("csv", "parquet", "mixed"))), draw(st.integers(1, 3)))
    return found


def write_table(folder, table, rows, kind="parquet", parts=1, group=2):
    """Write a table; CSV has blank lines and quotes, Parquet small row groups and typed numbers where it can."""
    for old in folder.glob(f"{table}*"):
        old.unlink() if old.is_file() else shutil.rmtree(old)
    (folder / table).mkdir()
    for part, own in enumerate(np.array_split(np.arange(len(rows)), parts)):
        cells = {c: [rows[i][k] for i in own] for k, c in enumerate(COLUMNS[table])}
        path = folder / table / f"part-{part}"
        if kind == "csv" or (kind == "mixed" and part % 2):
            header, lines = list(cells), list(zip(*cells.values(), strict=True))
            text = [",".join(header), ""] + [",".join('"' + c.replace('"', '""') + '"' for c in line) for line in lines]
            path.with_suffix(".csv").write_text("\n".join(text), newline="")
        else:
            data = pa.table({c: pa.array(v, pa.string()) for c, v in cells.items()})
            if table == "holdings" and part == 0:
                numbers = [{"": None, "1,5": 1.5}.get(q, q) for q in cells["quantity"]]
                typed = pa.array([None if q is None else float(q) for q in numbers], pa.float64())
                data = data.set_column(2, "quantity", typed)
            pq.write_table(data, path.with_suffix(".parquet"), row_group_size=group, write_page_checksum=True)


def told(entries):
    """Return everything there is to say about accounts, fit to be compared."""
    return [
        (e.account_id, e.model_id, str(e.error), e.error.code, e.error.field, e.error.value, type(e.error))
        if isinstance(e, Refused)
        else e
        for e in entries
    ]


def chunked(book, policy, folder, size):
    universe = read_universe(book.tables["assets"])
    made = cut(book, policy, folder, size)
    rosters = [read_chunk(folder, k, policy, universe) for k in range(made.chunks)]
    assert [len(r) for r in rosters] == [min(size, made.accounts - k * size) for k in range(made.chunks)]
    return [entry for roster in rosters for entry in roster]


@pytest.fixture
def folder(book, tmp_path):
    for table in COLUMNS:
        (book / f"{table}.csv").unlink(missing_ok=True)
    return book


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mess=messes(), size=st.sampled_from((1, 2, 7, 1000)), budget=st.sampled_from((1, 1 << 20)))
def test_chunks_of_any_size_say_what_the_whole_book_says(folder, tmp_path, mess, size, budget):
    for table in COLUMNS:
        shutil.rmtree(folder / table, ignore_errors=True)
        if table in mess:
            write_table(folder, table, *mess[table])
    book = read_book(folder)
    policy = book.policy(POLICY)
    whole = told(book.roster(policy))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spills, "BUDGET", budget)
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        assert told(chunked(book, policy, tmp_path / "cut", size)) == whole


@pytest.fixture
def small(folder):
    """Nine accounts in two parts, four of them with rows in every table, one in the last only."""
    write_table(folder, "accounts", [(x, "growth", "0", "", "") for x in "abcdefghi"], parts=2)
    write_table(folder, "holdings", [(x, asset, "1") for x in "ihgfedcba" for asset in ("CASH", "GOLD")])
    write_table(folder, "positions", [(x, "GOLD", "2016-01-01", "over") for x in ("h", "nobody", "a", "h")])
    return folder


def test_a_finished_partition_is_only_looked_at(small, tmp_path):
    book = read_book(small)
    made = cut(book, POLICY, tmp_path / "cut", 4)
    assert made == Partition(tmp_path / "cut", 4, 3, 9)
    before = {p.name: p.stat().st_mtime_ns for p in made.folder.iterdir()}
    shutil.rmtree(small / "holdings")
    assert cut(book, POLICY, tmp_path / "cut", 4) == made
    assert {p.name: p.stat().st_mtime_ns for p in made.folder.iterdir()} == before


@pytest.mark.parametrize("size", [4, 3])
def test_an_unfinished_partition_and_another_ones_are_cut_again(small, tmp_path, monkeypatch, size):
    book, folder = read_book(small), tmp_path / "cut"
    policy, write = book.policy(POLICY), spills.flush

    def die(spill):
        write(spill)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("trimtab.batches.partitions.flush", die)
        with pytest.raises(KeyboardInterrupt):
            cut(book, POLICY, folder, 4)
    assert not (folder / MARKER).exists()
    with pytest.raises(RunError, match="no complete partition"):
        read_chunk(folder, 0, policy, read_universe(book.tables["assets"]))
    whole = told(book.roster(policy))
    assert told(chunked(book, policy, folder, size)) == whole
    write_table(small, "holdings", [("a", "CASH", "2")])
    book = read_book(small)
    assert told(chunked(book, policy, folder, size)) == told(book.roster(policy)) != whole
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_a_damaged_chunk_is_refused_by_name(small, tmp_path):
    book = read_book(small)
    made = cut(book, POLICY, tmp_path / "cut", 4)
    path = made.folder / "chunk-000001.holdings.arrows"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    universe = read_universe(book.tables["assets"])
    with pytest.raises(RunError, match=r"chunk-000001\.holdings\.arrows is damaged"):
        read_chunk(made.folder, 1, book.policy(POLICY), universe)
    assert len(read_chunk(made.folder, 2, book.policy(POLICY), universe)) == 1
    with pytest.raises(RunError, match="chunk 3"):
        read_chunk(made.folder, 3, book.policy(POLICY), universe)


def test_a_folder_that_cannot_be_written_is_named(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        cut(read_book(small), POLICY, tmp_path / "file", 4)


def test_rows_of_later_tables_come_with_their_chunk(small, tmp_path):
    made = cut(read_book(small), POLICY, tmp_path / "cut", 4)
    found = [read_rows(made.folder, k, "positions") for k in range(made.chunks)]
    assert [t.data["account_id"].to_pylist() for t in found] == [["a"], ["h", "h"], ["nobody"]]
    assert [t.place(0) for t in found] == [f"row {n} of part-0.parquet" for n in (3, 1, 2)]
    assert not len(read_rows(made.folder, 0, "phases"))


def test_a_column_may_be_called_as_ours_are(small, tmp_path):
    (small / "phases.csv").write_text("account_id,asset_id,started,gap,row,own,_row\nb,GOLD,2016-01-01,0.1,x,y,z\n")
    cut(read_book(small), POLICY, tmp_path / "cut", 4)
    found = read_rows(tmp_path / "cut", 0, "phases")
    assert found.data.select(["account_id", "row", "own", "_row"]).to_pylist() == [
        {"account_id": "b", "row": "x", "own": "y", "_row": "z"}
    ]
    assert found.place(0) == "line 2 of phases.csv"


@pytest.mark.parametrize(
    ("table", "rows", "code"),
    [("restrictions", [("*", "GOLD", "no_buy"), ("*", "GLD", "no_buy")], "UNKNOWN_ASSET"), ("accounts", [], None)],
)
def test_what_concerns_everybody_is_refused_at_the_door(small, tmp_path, table, rows, code):
    policy = POLICY if code else Policy()  # without the limit that a column of accounts is named after
    write_table(small, table, rows)
    book = read_book(small)
    with pytest.raises(BookError) as whole:
        book.roster(policy)
    with pytest.raises(BookError) as cut_up:
        cut(book, policy, tmp_path / "cut", 2)
    assert str(cut_up.value) == str(whole.value)
    assert not (tmp_path / "cut" / MARKER).exists()


def test_a_table_that_changes_after_it_was_read_is_noticed(small, tmp_path):
    book = read_book(small)
    path = small / "holdings" / "part-0.parquet"
    write_table(small, "holdings", [("a", "CASH", "1")])
    for ask in (lambda: cut(book, POLICY, tmp_path / "cut", 2), lambda: book.roster(POLICY)):
        with pytest.raises(BookError, match=r"part-0\.parquet has changed") as caught:
            ask()
        assert caught.value.code == "CHANGED"
    path.unlink()
    with pytest.raises(BookError, match=r"part-0\.parquet"):
        cut(book, POLICY, tmp_path / "cut", 2)


def test_damage_that_keeps_size_and_time_is_met_while_streaming(small, tmp_path):
    book = read_book(small)
    path = small / "holdings" / "part-0.parquet"
    data, stat = bytearray(path.read_bytes()), path.stat()
    data[120] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(BookError) as caught:
        cut(book, POLICY, tmp_path / "cut", 2)
    assert caught.value.code == "NOT_PARQUET"
    assert not (tmp_path / "cut" / MARKER).exists()


def test_an_empty_book_has_no_chunks(folder, tmp_path):
    write_table(folder, "accounts", [])
    write_table(folder, "holdings", [], kind="csv")
    assert cut(read_book(folder), POLICY, tmp_path / "cut", 5).chunks == 0
    assert json.loads((tmp_path / "cut" / MARKER).read_text())["accounts"] == 0
    with pytest.raises(ValueError, match="at least one"):
        cut(read_book(folder), POLICY, tmp_path / "cut", 0)
