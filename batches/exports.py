r"""The tables of a run as CSV, for spreadsheets: a cell of text can never be taken for a formula there.

A spreadsheet runs what begins with ``=``, ``+``, ``-`` or ``@``, and some skip spaces, quotes and control characters
before it. Such a cell gets an apostrophe in front, which makes it text; numbers are written as numbers, every digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
from pyarrow import csv

from ..errors import RunError
from ..units import did_you_mean
from .openings import open_run
from .stores import BESIDE as FILES
from .stores import SCHEMAS, whole
from .streams import schema, stream

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
BESIDE = tuple(name.removesuffix(".parquet") for name in FILES)
"""Tables that a run may hold beside those of every run."""
# Spaces, marks without a width and quotes, then what a spreadsheet obeys (the full-width forms too) or a control
# character; or a NUL anywhere: some readers end the cell there and begin another.
_OBEYED = r"""^[\p{Z}\p{Cf}"'`‘’“”]*[=+\-@＝＋－＠−\p{Cc}]|\x00"""


def export(run: str | Path, folder: str | Path, tables: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write tables of a finished run as ``NAME.csv`` into a folder: all of them, or none.

    Parameters
    ----------
    run
        The folder of a finished run.
    folder
        Made where it is not there; none of the files to write may be in it.
    tables
        Names like ``"trades"``; every table of the run by default.

    Returns
    -------
    tuple of Path
        The files, in the order asked for. UTF-8, text quoted and numbers not, an empty field for no value.

    Raises
    ------
    RunError
        No finished run, a table it does not have, damage, a file in the way, a folder that cannot be written.
    """
    source, folder = open_run(run).path, Path(folder)
    known = (*SCHEMAS, *(name for name in BESIDE if (source / f"{name}.parquet").exists()))
    asked = tuple(dict.fromkeys(tables)) or known
    for name in asked:
        if name not in known:
            raise RunError(
                f"the run in {source} has no table {name!r}; "
                + (did_you_mean(name, known) or f"it has {', '.join(known)}")
            )
    return _write_all(folder, asked, lambda name: (schema(source, name), stream(source, name)))


def write_csvs(folder: str | Path, tables: Mapping[str, pa.Table]) -> tuple[Path, ...]:
    """Write tables as ``NAME.csv`` in the same way, all of them or none; raise ``RunError`` like :func:`export`."""
    return _write_all(Path(folder), tuple(tables), lambda name: (tables[name].schema, [tables[name]]))


def _write_all(
    folder: Path, names: Sequence[str], read: Callable[[str], tuple[pa.Schema, Iterable[pa.Table]]]
) -> tuple[Path, ...]:
    files = tuple(folder / f"{name}.csv" for name in names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            if path.exists() or path.is_symlink():
                raise RunError(f"{path} is there already; choose another folder, or move it away")
        with ExitStack() as stack:  # every file gets its name when all are complete
            for name, path in zip(names, files, strict=True):
                _write(*read(name), stack.enter_context(whole(folder, path.name)))
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}; choose another folder") from None
    return files


def _write(shape: pa.Schema, pieces: Iterable[pa.Table], file: Any) -> None:
    texts = [i for i, field in enumerate(shape) if pa.types.is_string(field.type)]
    with csv.CSVWriter(file, shape, write_options=csv.WriteOptions(quoting_style="needed")) as writer:
        for piece in pieces:
            inert = piece
            for i in texts:
                inert = inert.set_column(i, shape.field(i), _inert(piece.column(i)))
            writer.write_table(inert)


def _inert(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    obeyed = _pc.fill_null(_pc.match_substring_regex(texts, _OBEYED), False)
    return _pc.if_else(obeyed, _pc.binary_join_element_wise("'", texts, ""), texts)
