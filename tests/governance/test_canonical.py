"""One value, one text; and a reader that believes nothing."""

import enum
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import EntryRefused
from trimtab.governance.canonical import DEEPEST, LARGEST, MOST, canonical_json, parse

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MOST, MOST) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read(value):
    data = canonical_json(value)
    assert parse(data) == value
    assert canonical_json(parse(data)) == data
    assert json.loads(data) == value


@given(st.dictionaries(TEXT, VALUES, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(value, rng):
    keys = list(value)
    rng.shuffle(keys)
    assert canonical_json({k: value[k] for k in keys}) == canonical_json(value)


def test_two_ways_to_write_one_letter_stay_two():
    assert canonical_json("\u00e9") != canonical_json("e\u0301")


class Colour(enum.StrEnum):
    RED = "red"


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        0.1, float("nan"), np.float64(1), np.int64(1), np.str_("x"), Colour.RED, MOST + 1, b"x", {1: 2}, {None: 1},
        {1, 2}, "\ud800", {"\udfff": 1}, nested(DEEPEST + 1), nested(5000), "x" * (LARGEST + 1),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_has_no_one_text_is_refused(value):
    with pytest.raises(EntryRefused):
        canonical_json(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}', b'{"x":{"a":1,"\\u0061":2}}', b"NaN", b"-Infinity", b'{"x":Infinity}', b"[" * 33 + b"]" * 33,
        b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"", b"{", b"'a'", b"\xff", b"\xef\xbb\xbf1", b"1 2",
        b"9" * 5000, b'"' + b"x" * LARGEST + b'"', b"\x00", b'{"a":1,}',
    ],
    ids=range(18),
)  # fmt: skip
def test_bad_json_is_refused(data):
    with pytest.raises(EntryRefused):
        parse(data)


def test_brackets_in_text_are_not_depth():
    assert parse(json.dumps("[" * 100 + '\\"{')) == "[" * 100 + '\\"{'
