"""Cells as what their column says they are: ids, numbers, days, flags. Nothing is guessed.

A number is digits with a point: no decimal comma, no thousands separator, no percent, no spaces, no infinity. Each
reader returns its values and a mask of the cells that are none; ``demand`` turns the first of those into an error for
shared tables, accounts turn them into a refusal of their own.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..errors import BookError
from ..units import day
from .tables import Table

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
ISO = "an ISO date like 2016-12-30"
"""What mends a cell that should be a date."""
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def texts(table: Table, column: str) -> list[str]:
    """Return the cells of a text column; empty texts where the table has no such column."""
    return table.data[column].to_pylist() if table.has(column) else [""] * len(table)


def codes(table: Table, column: str) -> tuple[np.ndarray, list[str]]:
    """Return a text column as positions in the list of its distinct values.

    They come in order of first occurrence, except where the column was read as numbers of such a list.
    """
    if not table.has(column):
        return np.zeros(len(table), dtype=np.int64), [""]
    encoded = table.data[column].unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def numbers(table: Table, column: str, blank: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as floats, and the mask of cells that are no finite number.

    ``blank`` stands in for an empty cell, and for every cell where the table has no such column; None makes an empty
    cell bad.
    """
    if not table.has(column):
        return np.full(len(table), np.nan if blank is None else blank), np.full(len(table), blank is None)
    cells = table.data[column]
    if pa.types.is_string(cells.type):
        empty = _mask(_pc.equal(cells, ""))
        fine = _pc.match_substring_regex(cells, _NUMBER)
        plain = _pc.replace_substring_regex(_pc.if_else(fine, cells, "nan"), r"^\+", "")
        values = np.array(_pc.cast(plain, pa.float64()).to_numpy())
    elif pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type) or pa.types.is_decimal(cells.type):
        empty = _mask(_pc.is_null(cells))
        values = np.array(_pc.fill_null(_pc.cast(cells, pa.float64(), safe=False), float("nan")).to_numpy())
    elif pa.types.is_null(cells.type):
        empty, values = np.full(len(table), True), np.full(len(table), np.nan)
    else:
        return np.full(len(table), np.nan), np.full(len(table), True)
    bad = ~np.isfinite(values)
    if blank is not None:
        values[empty], bad = blank, bad & ~empty
    return values, bad


def days(table: Table, column: str) -> tuple[list[dt.date | None], np.ndarray]:
    """Return a column as dates, None for empty cells, and the mask of cells that are neither."""
    read: list[dt.date | None] = []
    bad = np.zeros(len(table), dtype=bool)
    for i, cell in enumerate(table.data[column].to_pylist() if table.has(column) else [None] * len(table)):
        try:
            read.append(None if cell is None or cell == "" else day(cell))
        except ValueError:
            read.append(None)
            bad[i] = True
    return read, bad


def ordinals(table: Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column as ordinals of days, NaN for empty cells, and the mask of cells that are neither.

    Each distinct value is read once: a history names the same few days a million times.
    """
    if not table.has(column) or pa.types.is_null(table.data[column].type):
        return np.full(len(table), np.nan), np.zeros(len(table), dtype=bool)
    encoded = table.data[column].unify_dictionaries().combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    values, bad = [np.nan], [False]
    for value in encoded.dictionary.to_pylist():
        try:
            values.append(np.nan if value is None or value == "" else day(value).toordinal())
            bad.append(False)
        except ValueError:
            values.append(np.nan)
            bad.append(True)
    own = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False) + 1
    return np.array(values)[own], np.array(bad, dtype=bool)[own]


def flags(table: Table, column: str, blank: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a column of true and false (or 1 and 0) as booleans, and the mask of cells that are neither."""
    cells = table.data[column].to_pylist() if table.has(column) else [None] * len(table)
    read = [blank if c is None or c == "" else _FLAGS.get(str(c).lower()) for c in cells]
    return np.array([bool(r) for r in read], dtype=bool), np.array([r is None for r in read], dtype=bool)


def cell(table: Table, column: str, row: int) -> str:
    """Return one cell as text."""
    value = table.data[column][row].as_py() if table.has(column) else None
    return "" if value is None else str(value)


def demand(table: Table, column: str, read: tuple, mend: str):
    """Return the values, or raise ``BookError`` for the first cell that is bad: table, column, line and value."""
    values, bad = read
    if bad.any():
        row = int(np.argmax(bad))
        raise bad_cell(table, column, row, mend)
    return values


def demand_days(table: Table, column: str) -> list[dt.date]:
    """Return a column as dates, one in every row, or raise ``BookError`` for the first cell that holds none."""
    read: list[dt.date] = []
    for row, each in enumerate(demand(table, column, days(table, column), ISO)):
        if each is None:
            raise bad_cell(table, column, row, ISO)
        read.append(each)
    return read


def bad_cell(table: Table, column: str, row: int, mend: str, code: str = "BAD_CELL", words: str = "") -> BookError:
    """Make the error that names a cell."""
    value = cell(table, column, row)
    return BookError(
        f"{table.place(row)}: {words or f'{column} is {value[:40]!r}'}",
        code=code,
        table=table.name,
        field=column,
        value=value,
        mend=mend,
    )


def id_fault(text: str) -> str:
    """Say what is wrong with an id, or nothing.

    >>> id_fault("007"), id_fault("007 "), id_fault("")
    ('', 'has spaces around it', 'is empty')
    """
    if text.isascii() and text.isprintable() and text and text[0] != " " and text[-1] != " " and len(text) <= 200:
        return ""  # nearly every id, at the price of four comparisons
    if not text:
        return "is empty"
    if len(text) > 200:
        return "is longer than 200 characters"
    if text != text.strip():
        return "has spaces around it"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs") or c == "\u00a0" for c in text):
        return "holds a character that nobody can see"
    return "is not in Unicode's composed form (NFC)" if text != unicodedata.normalize("NFC", text) else _mixture(text)


def _mixture(text: str) -> str:
    r"""Say whether a word of an id is written in several scripts that look alike.

    >>> _mixture("Account A"), _mixture("\N{CYRILLIC CAPITAL LETTER A}ccount A")
    ('', 'mixes letters of Latin and Cyrillic in one word, which look alike')
    """
    mixed = next((scripts for word in re.findall(r"[^\W\d_]+", text) if len(scripts := _scripts(word)) > 1), ())
    return f"mixes letters of {' and '.join(mixed)} in one word, which look alike" if mixed else ""


_ALIKE = ("LATIN", "CYRILLIC", "GREEK")


def _scripts(word: str) -> tuple[str, ...]:
    """Return the scripts of a word, of those whose letters are taken for each other."""
    names = {unicodedata.name(c, "").partition(" ")[0] for c in word}
    return tuple(name.capitalize() for name in _ALIKE if name in names)


def tidy(text: str) -> str:
    """Return the id that a person probably meant: composed, without hidden characters and spaces around."""
    seen = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFC", seen.replace("\u00a0", " ")).strip()


def demand_ids(table: Table, column: str, check: Callable[[str], str] = id_fault) -> list[str]:
    """Return a column of ids, or raise ``BookError`` for the first that is none."""
    ids = texts(table, column)
    for row, text in enumerate(ids):
        if fault := check(text):
            raise bad_cell(
                table, column, row, "a plain text without spaces around it", "BAD_ID", f"the id {text[:40]!r} {fault}"
            )
    return ids


def _mask(values: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(values.to_numpy(), dtype=bool)


def repeats(keys: np.ndarray) -> np.ndarray:
    """Mark every occurrence of a key but its first."""
    repeated = np.zeros(len(keys), dtype=bool)
    plain = np.sort(keys)
    if (plain[1:] == plain[:-1]).any():
        order = np.argsort(keys, kind="stable")
        repeated[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return repeated
