import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.batches.columns import codes, flags, id_fault, numbers, tidy
from trimtab.batches.tables import Table


def column(cells, kind=None):
    return Table("holdings", pa.table({"quantity": pa.array(cells, kind or pa.string())}), ())


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_is_read_to_its_last_bit(values):
    read, bad = numbers(column([repr(v) for v in values]), "quantity")
    assert not bad.any()
    assert [float(r) for r in read] == values


@given(st.text(max_size=12))
def test_text_is_a_number_only_where_python_agrees_and_it_is_finite(text):
    read, bad = numbers(column([text]), "quantity")
    if not bad[0]:
        assert math.isfinite(float(text))
        assert float(text) == read[0]


@pytest.mark.parametrize(
    "cell",
    [
        "1,5",
        "1.234,5",
        "1,234.5",
        "5%",
        "1 000",
        " 1",
        "1 ",
        "inf",
        "-inf",
        "nan",
        "NaN",
        "1e400",
        "1e",
        "0x1F",
        "",
        "-",
        ".",
        "１",
        "1_000",
        "£5",
        "1e5\n",
    ],
)
def test_what_is_no_plain_number_is_bad(cell):
    assert numbers(column([cell]), "quantity")[1].all()


@pytest.mark.parametrize(
    ("cell", "value"), [("+5", 5.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("1e-3", 1e-3), ("1E+3", 1e3)]
)
def test_plain_numbers(cell, value):
    read, bad = numbers(column([cell]), "quantity")
    assert (read[0], bad[0]) == (value, False)


def test_typed_numbers_and_blanks():
    read, bad = numbers(column([1, None, 3], pa.int64()), "quantity", blank=0.0)
    assert (list(read), bad.any()) == ([1.0, 0.0, 3.0], False)
    assert numbers(column([1.0, None, float("nan"), float("inf")], pa.float64()), "quantity")[1].tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert numbers(column([True], pa.bool_()), "quantity")[1].all()
    assert np.isnan(numbers(column(["", "2"]), "quantity", blank=np.nan)[0][0])


def test_flags():
    read, bad = flags(column(["true", "FALSE", "", "1", "yes"]), "quantity", blank=True)
    assert (read[:4].tolist(), bad.tolist()) == ([True, False, True, True], [False, False, False, False, True])


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "a\u200bb", "a\u00a0b", "a\tb", "e\u0301", "x" * 201, "\ufeff1", "a\u202eb"]
)
def test_ids_with_something_hidden(text):
    assert id_fault(text)


@given(st.text(max_size=30))
def test_a_tidy_id_is_fine_or_cannot_be_mended(text):
    meant = tidy(text)
    assert tidy(meant) == meant
    if not id_fault(text):
        assert meant == text


def test_codes_number_texts_in_their_order():
    own, names = codes(column(["b", "a", "b", ""]), "quantity")
    assert (own.tolist(), names) == ([0, 1, 0, 2], ["b", "a", ""])
