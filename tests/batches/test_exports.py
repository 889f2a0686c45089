"""Runs opened again, and their tables as CSV that no spreadsheet can be made to obey."""

import csv
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.batches import export, open_run
from trimtab.batches.exports import BESIDE
from trimtab.batches.stores import SCHEMAS
from trimtab.errors import RunError

NUMBERS = [field.name for field in SCHEMAS["trades"] if field.type == pa.float64()]
TEXTS = [field.name for field in SCHEMAS["trades"] if field.type == pa.string()]
OBEYED = set("=+-@\t\r\n\0＝＋－＠")


@pytest.fixture
def copy(plain_run, tmp_path):
    """A run of one's own to spoil."""
    return shutil.copytree(plain_run.path, tmp_path / "run")


def put(run, rows):
    """Replace the trades of a run."""
    path = run / "trades.parquet"
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.mkdir()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMAS["trades"]), path / "part-00000.parquet")


def cells(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


# ------------------------------------------------------------------------------------------------ opening


def test_a_run_is_opened_again(plain_run):
    again = open_run(str(plain_run.path))
    assert (again.run_id, again.counts, again.blocked, again.why) == (
        (plain_run.run_id, plain_run.counts, plain_run.blocked, plain_run.why)
    )
    assert not again.fresh
    pd.testing.assert_frame_equal(again.table("trades"), plain_run.table("trades"))


def test_what_is_no_finished_run_is_named(copy, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(RunError, match="holds no run"):
            open_run(folder)
    seal = (copy / "run.json").read_text()
    for wrong in ("{", "[]", '{"format": "else"}', seal.replace('"counts"', '"count"')):
        (copy / "run.json").write_text(wrong)
        with pytest.raises(RunError, match=r"run\.json"):
            open_run(copy)
    (copy / "run.json").unlink()
    (copy / ".run-abc").touch()
    with pytest.raises(RunError, match="not finished"):
        export(copy, tmp_path / "csv")
    assert not (tmp_path / "csv").exists()


def test_a_lost_table_is_named(copy):
    path = copy / "targets.parquet"
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(RunError, match=r"no targets\.parquet"):
        open_run(copy)


# ------------------------------------------------------------------------------------------------ exporting


def test_every_table_with_every_digit(copy, tmp_path):
    run = open_run(copy)
    files = export(copy, tmp_path / "new" / "csv")
    assert [f.name for f in files] == [f"{name}.csv" for name in (*SCHEMAS, *BESIDE)]
    assert {p.name for p in (tmp_path / "new" / "csv").iterdir()} == {f.name for f in files}
    for name in ("accounts", "targets", "trades"):
        table = run.table(name)
        read = pd.read_csv(tmp_path / "new" / "csv" / f"{name}.csv", dtype=str, keep_default_na=False)
        assert (read["account_id"] == table["account_id"]).all()  # "001" is not 1
        for column in table.columns[[pd.api.types.is_float_dtype(kind) for kind in table.dtypes]]:
            digits = read[column].map(lambda cell: float(cell or "nan"))
            np.testing.assert_array_equal(digits, table[column].to_numpy(float))
    assert cells(files[3]) == [SCHEMAS["quarantine"].names]  # a table without rows has its heading


def test_only_what_was_asked_for(copy, tmp_path):
    assert export(copy, tmp_path, ["trades", "accounts", "trades"]) == (
        (tmp_path / "trades.csv", tmp_path / "accounts.csv")
    )
    with pytest.raises(RunError, match="did you mean 'trades'"):
        export(copy, tmp_path / "more", ["trade"])
    with pytest.raises(RunError, match="no table 'books'"):
        export(copy, tmp_path / "more", ["books"])


def test_nothing_is_overwritten(copy, tmp_path):
    (tmp_path / "trades.csv").write_text("mine")
    with pytest.raises(RunError, match=r"trades\.csv is there already"):
        export(copy, tmp_path)
    (tmp_path / "trades.csv").unlink()
    (tmp_path / "trades.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is there already"):
        export(copy, tmp_path)
    assert not (tmp_path / "accounts.csv").exists()
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="cannot be written"):
        export(copy, tmp_path / "file")


def test_damage_leaves_no_file_behind(copy, tmp_path):
    path = copy / "trades.parquet"
    part = next(path.glob("part-*")) if path.is_dir() else path
    sound = part.read_bytes()
    for spoilt in (sound[:-8], sound[:80] + bytes([sound[80] ^ 0xFF]) + sound[81:]):
        part.write_bytes(spoilt)
        with pytest.raises(RunError, match="cannot be read whole"):
            export(copy, tmp_path / "csv")
        assert not list((tmp_path / "csv").iterdir())
    part.write_bytes(sound)
    assert len(export(copy, tmp_path / "csv")) == len(SCHEMAS) + len(BESIDE)  # a second try is not in its own way


WICKED = st.text(st.sampled_from("=+-@\t\r\n\0＝＋ '\"`\u200b\ufeff\xa0,;1Aé|"), max_size=6)
CELL = st.one_of(st.none(), WICKED, st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
NUMBER = st.one_of(st.none(), st.floats(allow_nan=False))


@given(st.lists(st.fixed_dictionaries({**dict.fromkeys(TEXTS, CELL), **dict.fromkeys(NUMBERS, NUMBER)}), max_size=12))
def test_no_cell_of_text_is_obeyed_and_no_number_changes(plain_run, tmp_path_factory, rows):
    home = tmp_path_factory.mktemp("home")
    run = home / "run"
    shutil.copytree(plain_run.path, run)
    put(run, rows)
    header, *read = cells(export(run, home / "csv", ["trades"])[0])
    assert header == SCHEMAS["trades"].names
    assert len(read) == len(rows)
    for cell, row in zip(read, rows, strict=True):
        got = dict(zip(header, cell, strict=True))
        for name in TEXTS:
            meant, text = row[name] or "", got[name]
            assert text.lstrip(" \xa0'\"`\u200b\ufeff")[:1] not in OBEYED or text[0] == "'"
            assert text[:1] not in OBEYED
            assert "\0" not in text or text[0] == "'"
            assert text in (meant, "'" + meant)
        for name in NUMBERS:
            assert got[name] == "" if row[name] is None else float(got[name]) == row[name]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =1", '"=1', "' @x", "a\0b", "\ufeff=1", "＝1"]
)
def test_what_a_spreadsheet_might_run_is_text(copy, tmp_path, text):
    put(copy, [dict.fromkeys(SCHEMAS["trades"].names) | {"reason": text, "weight": -0.5}])
    row = dict(zip(*cells(export(copy, tmp_path / "csv", ["trades"])[0]), strict=True))
    assert row["reason"] == "'" + text
    assert row["weight"] == "-0.5"


@pytest.mark.parametrize("text", ["007", "a-b", "BRK=B", "it's", "view V2", "", "a\nb"])
def test_harmless_text_is_left_alone(copy, tmp_path, text):
    put(copy, [dict.fromkeys(SCHEMAS["trades"].names) | {"reason": text, "value": math.pi}])
    row = dict(zip(*cells(export(copy, Path(tmp_path) / "csv", ["trades"])[0]), strict=True))
    assert (row["reason"], float(row["value"])) == (text, math.pi)
