"""One value, one text; and a reader that believes nothing."""

import enum
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import EntryRefused
from trimtab.governance.canonical import DEEPEST, LARGEST, MOST, canonical_json, parse, sha256

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
    """So many brackets inside each other, by turns of both kinds."""
    value = 7
    for k in range(depth):
        value = [value] if k % 2 else {"a": value}
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


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (0.1, "a float has no one text"), (Colour.RED, "a Colour has no one text"), ({1: 2}, "a key is int, not text"),
        (MOST + 1, "beyond 2^53 - 1"), (-MOST - 1, "beyond 2^53 - 1"), ("\ud800", "half a surrogate pair"),
        ([(0.1,)], "a float"), ({"a": {"b": MOST + 1}}, "beyond"), (nested(DEEPEST + 1), "nested deeper than 32"),
        ("x" * LARGEST, f"{LARGEST + 2} bytes are more"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_refusal_says_why(value, why):
    with pytest.raises(EntryRefused) as refused:
        canonical_json(value)
    assert why in str(refused.value)
    assert refused.value.code == "BAD_JSON"


def test_the_ends_of_what_is_allowed_are_allowed():
    """Exactly as deep, as long and as large as is said: written, and read again."""
    for value in (nested(DEEPEST), MOST, -MOST, "x" * (LARGEST - 2), [(1, 2)], []):
        data = canonical_json(value)
        assert parse(data) == json.loads(data)
        assert len(data) <= LARGEST
    assert parse(" " * (LARGEST - 1) + "1") == 1
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST) == json.loads(b"[" * DEEPEST + b"]" * DEEPEST)


@pytest.mark.parametrize("leaf", ["1", '"x"', "true", "null", ""])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_one_more_bracket_than_is_allowed_is_neither_written_nor_read(opening, closing, leaf):
    leaf = leaf or "{}"
    depth = DEEPEST - (leaf == "{}")
    text = opening * depth + leaf + closing * depth
    assert canonical_json(parse(text)) == text.encode()
    deeper = opening + text + closing
    for refuse, what in ((parse, deeper), (canonical_json, json.loads(deeper))):
        with pytest.raises(EntryRefused, match="nested deeper"):
            refuse(what)


def test_siblings_are_not_depth():
    """Many brackets beside each other are fine: only those that stand inside each other count."""
    wide = [[i, {"a": [i]}] for i in range(10 * DEEPEST)]
    assert parse(canonical_json(wide)) == wide
    deep_and_wide = json.dumps([nested(DEEPEST - 1)] * 4)
    assert parse(deep_and_wide) == json.loads(deep_and_wide)
    with pytest.raises(EntryRefused, match="nested deeper"):
        parse(json.dumps([[], nested(DEEPEST)]))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":2}', "a key stands twice"), (b"NaN", "NaN is no number"), (b"[-Infinity]", "-Infinity"),
        (b"\xff", "UnicodeDecodeError"), (b"{", "JSONDecodeError"), ("\ud800", "UnicodeEncodeError"),
        (b" " * LARGEST + b"1", f"{LARGEST + 1} bytes are more than {LARGEST}"),
    ],
)  # fmt: skip
def test_a_reader_says_why_it_refuses(data, why):
    with pytest.raises(EntryRefused) as refused:
        parse(data)
    assert why in str(refused.value)
    assert refused.value.code == "BAD_JSON"


def test_text_and_bytes_read_alike():
    assert parse('{"a":"\u00e9"}') == parse('{"a":"\u00e9"}'.encode()) == {"a": "\u00e9"}
    assert parse(bytearray(b"[1]")) == [1]


def test_the_text_is_utf8_sorted_and_without_blanks():
    """As the page says, so that another language comes to the same bytes and the same hash."""
    text = '{"":[true,false,null],"A":-1,"a":{"b":[]},"\u00e9":"\U0001f600"}'
    value = {"\u00e9": "\U0001f600", "a": {"b": ()}, "A": -1, "": [True, False, None]}
    assert canonical_json(value) == text.encode()
    assert sha256(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_brackets_in_text_are_not_depth():
    assert parse(json.dumps("[" * 100 + '\\"{')) == "[" * 100 + '\\"{'
