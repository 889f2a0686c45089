"""JSON as we write it and no other: no constants that are no numbers, no name twice, nothing endless."""

from __future__ import annotations

import json
from typing import Any

MOST_JSON = 1 << 30
"""Bytes: what a run says of a million chunks is far below."""
_DEEPEST = 32


def read_json(data: bytes) -> Any:
    """Read what :mod:`json` wrote for us.

    Raises
    ------
    ValueError
        Not JSON; NaN, infinity or a number beyond floats; a name twice in an object (the last would win); nested more
        than 32 deep; larger than 1 GiB.

    >>> read_json(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> read_json(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: 'a' stands twice in an object
    """
    if len(data) > MOST_JSON:
        raise ValueError(f"more than {MOST_JSON >> 20} MiB of JSON")
    try:
        found = json.loads(data, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is nested without end") from None
    _check_depth(found, _DEEPEST)
    return found


def _check_depth(found: Any, left: int) -> None:
    if not isinstance(found, (dict, list)):
        return
    if not left:
        raise ValueError(f"nested more than {_DEEPEST} deep")
    for inner in found.values() if isinstance(found, dict) else found:
        _check_depth(inner, left - 1)


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) < float("inf") else _refuse(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in an object")
    return found
