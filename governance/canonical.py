"""One value, one text: the JSON that is hashed, and a reader that believes nothing.

A hash says that bytes are the same; so each value must have one text only, on every machine and in every language.
Hence: keys sorted by code point, no blanks, UTF-8, text as given (no Unicode normalisation: "é" in one or two code
points is two texts), whole numbers within ±(2^53 − 1), and no fractions: 0.1 has many texts. Amounts travel as decimal
text.
"""

from __future__ import annotations

import hashlib
import json
import re

from ..errors import EntryRefused

DEEPEST = 32
"""How many brackets may stand inside each other."""
LARGEST = 1 << 20
"""Bytes of one document."""
MOST = 2**53 - 1
"""The largest whole number that every JSON reader keeps."""

_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{\]}]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: object) -> bytes:
    """Return the one text of a value.

    Parameters
    ----------
    value
        Dictionaries with text keys, lists, tuples, text, whole numbers, true, false, None; these types themselves.

    Returns
    -------
    bytes
        UTF-8, at most 1 MiB.

    Raises
    ------
    EntryRefused
        A fraction, NaN, a large number, a key that is no text, half a surrogate pair, too deep, too long.

    >>> canonical_json({"weight": "0.25", "account": "7", "ids": [2, 1]})
    b'{"account":"7","ids":[2,1],"weight":"0.25"}'
    """
    _check(value, 0)
    try:
        data = _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise EntryRefused(
            "half a surrogate pair is no text", code="BAD_JSON", mend="give text that is UTF-8"
        ) from None
    if len(data) > LARGEST:
        raise EntryRefused(f"{len(data)} bytes are more than {LARGEST}", code="BAD_JSON", mend="record a hash instead")
    return data


def _check(value: object, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:  # most values, and appends are counted in thousands a second
        return
    if kind is int:
        if not -MOST <= value <= MOST:  # pyright: ignore[reportOperatorIssue]  narrowed by `kind`
            raise EntryRefused("a whole number beyond 2^53 - 1", code="BAD_JSON", mend="give it as text")
        return
    if kind is not dict and kind is not list and kind is not tuple:
        # Subclasses too: an enumeration or numpy's text may print otherwise than it compares.
        raise EntryRefused(f"a {kind.__name__} has no one text", code="BAD_JSON", mend="give amounts as decimal text")
    if depth >= DEEPEST:  # this bracket would be one more than `parse` reads
        raise EntryRefused(f"nested deeper than {DEEPEST}", code="BAD_JSON", mend="flatten it")
    if kind is dict:
        for key in value:  # pyright: ignore[reportGeneralTypeIssues]  the same
            if type(key) is not str:
                raise EntryRefused(f"a key is {type(key).__name__}, not text", code="BAD_JSON", mend="make it text")
    for inner in value.values() if kind is dict else value:  # pyright: ignore  the same
        _check(inner, depth + 1)


def parse(data: bytes | str) -> object:
    """Read JSON that anyone may have written.

    Parameters
    ----------
    data
        UTF-8, at most 1 MiB, at most 32 brackets deep.

    Raises
    ------
    EntryRefused
        What is no JSON, a key that stands twice, ``NaN`` or ``Infinity``, too deep, too long.

    >>> parse(b'{"a": [1, "x"]}')
    {'a': [1, 'x']}
    """
    try:
        raw = data.encode() if isinstance(data, str) else bytes(data)
        if len(raw) > LARGEST:
            raise EntryRefused(f"{len(raw)} bytes are more than {LARGEST}", code="BAD_JSON", mend="make it smaller")
        _check_depth(raw)  # before the reader, whose own limit is the stack
        return _DECODER.decode(raw.decode())
    except (UnicodeError, ValueError) as error:
        raise EntryRefused(
            f"this is no JSON: {type(error).__name__}", code="BAD_JSON", mend="give JSON in UTF-8"
        ) from None


def _check_depth(raw: bytes) -> None:
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:  # nearly always
        return
    depth = 0
    for bracket in _BRACKETS.findall(_TEXTS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            raise EntryRefused(f"nested deeper than {DEEPEST}", code="BAD_JSON", mend="flatten it")


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise EntryRefused("a key stands twice", code="BAD_JSON", mend="say it once")
    return found


def _no_constant(name: str) -> object:
    raise EntryRefused(f"{name} is no number", code="BAD_JSON", mend="leave it out")


_DECODER = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_no_constant)


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, 64 hex digits.

    >>> sha256(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()
