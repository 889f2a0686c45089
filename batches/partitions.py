"""A book cut into chunks of accounts: read once from end to end, written chunk by chunk, in bounded memory.

A partition is scratch that can be made again from its book. Its files appear under hidden names, get their own at the
end, and count for nothing until ``partition.json``, written last, says that they are complete::

    partition.json                     of which book, how many accounts and chunks, restrictions of the whole desk
    chunk-000012.json                  the ids of the chunk, what is wrong with them, checksums
    chunk-000012.holdings.arrows       its rows of one table, Arrow streams one after the other

What an account becomes never depends on the size of the chunks: what needs all ids at once is found while cutting and
travels with the chunk.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

from ..constraints.policies import Policy
from ..errors import AccountError, RunError
from ..models.universes import Universe
from ..units import FrozenMap
from .books import Book
from .censuses import Census, Register, close, enter_accounts, enter_others
from .enrolments import NAMING, of_everybody, put_together, read_desk
from .jsons import read_json
from .layouts import PER_ACCOUNT
from .overrides import check_overrides
from .parts import Part
from .pasts import LOOKED_BACK
from .premises import read_universe
from .rosters import Roster
from .spills import Spill, flush, hidden, path_of, put, unpack
from .stores import sync_folder
from .tables import Stored, Table

FORMAT = "trimtab partition 1"
MARKER = "partition.json"
LATER = tuple(name for name in PER_ACCOUNT if name not in ("accounts", *NAMING))
"""The tables that make no stranger of an id."""


@dataclass(frozen=True)
class Partition:
    """A book in chunks.

    Parameters
    ----------
    folder
        Where they stand.
    size
        Accounts a chunk, the last one may have fewer.
    chunks, accounts
        How many there are; strangers, ids that only other tables than ``accounts`` know, count.
    """

    folder: Path
    size: int
    chunks: int
    accounts: int


def cut(book: Book, policy: Policy, folder: str | Path, size: int) -> Partition:
    """Cut the tables with rows an account into chunks, or return the partition of this book that is already there.

    Parameters
    ----------
    folder
        Of its own, made where it is missing; an incomplete partition or another one's is cleared away.
    size
        Accounts a chunk.

    Raises
    ------
    BookError
        What :meth:`~trimtab.batches.books.Book.roster` raises; a table that has changed since the book was read.
    RunError
        The folder cannot be written.
    """
    if size < 1:
        raise ValueError(f"a chunk has at least one account, not {size}")
    check_overrides(book.stored["accounts"].schema.names, policy)
    universe, folder = read_universe(book.shared["assets"]), Path(folder)
    given = {"format": FORMAT, "size": size, "book": {name: list(own) for name, own in book.digests.items()}}
    with _written(folder):
        said = _read_json(folder / MARKER) or {}
        if any(said.get(key) != value for key, value in given.items()):
            _clear(folder)
            said = given | _cut(book, universe, folder, size)
            _write(folder / MARKER, said)
            sync_folder(folder)
    return Partition(folder, size, said["chunks"], said["accounts"])


def read_chunk(folder: str | Path, chunk: int, policy: Policy | None, universe: Universe) -> Roster:
    """Return the accounts of one chunk, as :meth:`~trimtab.batches.books.Book.roster` has them among all.

    Parameters
    ----------
    chunk
        From 0.
    policy
        With the book's models; None leaves models unchecked.

    Raises
    ------
    RunError
        There is no complete partition with this chunk, or a file of it is damaged.
    """
    said, people = _people(Path(folder), chunk)
    wanted = [name for name in said["tables"] if name not in LATER or name in LOOKED_BACK]
    read = {name: _read_rows(Path(folder), chunk, name, said, people) for name in wanted}
    known = min(max(said["known"] - chunk * said["size"], 0), len(people["ids"]))
    faults = {key: FrozenMap({name: _error(own) for name, own in people[key].items()}) for key in ("first", "last")}
    return put_together(
        {name: table for name, (table, _) in read.items()},
        {name: own for name, (_, own) in read.items()},
        Census(tuple(people["ids"]), known, faults["first"], faults["last"]),
        tuple((asset, rule) for asset, rule in said["desk"]),
        policy,
        universe,
    )


def read_rows(folder: str | Path, chunk: int, table: str) -> Table:
    """Return the rows of one table that belong to a chunk, in their order; none where the book has no such table.

    Rows of ``positions``, ``history`` and ``phases`` under an id that is nobody's stand in the last chunk. Raises
    ``RunError`` like :func:`read_chunk`.
    """
    said, people = _people(Path(folder), chunk)
    if table not in said["tables"]:
        return Table(table, pa.table({}), ())
    found, own = _read_rows(Path(folder), chunk, table, said, people)
    names = pa.array([*people["ids"], *people["others"]], pa.string())
    ids = pa.DictionaryArray.from_arrays(pa.array(own, pa.int32()), names)
    return Table(table, found.data.add_column(0, "account_id", ids), found.parts, found.rows)


# --------------------------------------------------------------------------------------------------------- cutting


def _cut(book: Book, universe: Universe, folder: Path, size: int) -> dict[str, Any]:
    """Write the files of all chunks; return what the marker says of them."""
    register, spill, desk = Register(), Spill(folder, size), ()
    for name in (name for name in ("accounts", *NAMING) if name in book.stored):
        if name == "restrictions":
            desk = _cut_restrictions(book.stored[name], universe, register, spill)
            continue
        start = 0
        for batch in book.stored[name].batches():
            rows, ids = np.arange(start, start + len(batch)), batch.column("account_id")
            is_first = name == "accounts"
            ranks = enter_accounts(register, ids, start) if is_first else enter_others(register, name, ids, rows)
            put(spill, name, batch, ranks, rows, ranks // size)
            start += len(batch)
    parts = {name: table.parts for name, table in book.stored.items()}
    census = close(register, parts)
    chunks = -(-len(census.ids) // size)
    for name in (name for name in LATER if name in book.stored and chunks):
        start = 0
        for batch in book.stored[name].batches():
            rows = np.arange(start, start + len(batch))
            ranks = enter_others(register, name, batch.column("account_id"), rows)
            put(spill, name, batch, ranks, rows, np.minimum(ranks // size, chunks - 1))
            start += len(batch)
    flush(spill)
    others = tuple(register.ranks)[len(census.ids) :]
    return {
        "chunks": chunks,
        "accounts": len(census.ids),
        "known": census.accounts,
        "desk": [list(pair) for pair in desk],
        "people": _finish(spill, census, chunks, others),
        "tables": {name: _described(book.stored[name]) for name in ("accounts", *NAMING, *LATER) if name in parts},
    }


def _cut_restrictions(table: Stored, universe: Universe, register: Register, spill: Spill):
    """Spill the accounts' own restrictions; return those of the desk, which concern every chunk."""
    start, of_desk = 0, []
    for batch in table.batches():
        own = Table(table.name, pa.Table.from_batches([batch]), table.parts, np.arange(start, start + len(batch)))
        is_desk = of_everybody(own)
        of_desk.append(own.take(np.flatnonzero(is_desk)))
        rows = np.flatnonzero(~is_desk)
        kept = batch.take(pa.array(rows))
        ranks = enter_others(register, table.name, kept.column("account_id"), start + rows)
        put(spill, table.name, kept, ranks, start + rows, ranks // spill.size)
        start += len(batch)
    data = pa.concat_tables([own.data for own in of_desk]) if of_desk else table.schema.empty_table()
    told = [own.rows for own in of_desk if own.rows is not None]
    rows = np.concatenate(told) if told else np.zeros(0, dtype=np.int64)
    return read_desk(Table(table.name, data, table.parts, rows), universe)


def _finish(spill: Spill, census: Census, chunks: int, others: Sequence[str]) -> list[int]:
    """Write who is in each chunk, put everything on the disk under its name; return a checksum a chunk."""
    ranks = {name: rank for rank, name in enumerate(census.ids)} if census.first or census.last else {}
    faults = {key: _by_chunk(own, ranks, spill.size) for key, own in (("first", census.first), ("last", census.last))}
    sums = []
    for chunk in range(chunks):
        people = {
            "ids": census.ids[chunk * spill.size : (chunk + 1) * spill.size],
            "others": others if chunk == chunks - 1 else (),
            "files": spill.sums.get(chunk, {}),
            **{key: own.get(chunk, {}) for key, own in faults.items()},
        }
        sums.append(_write(path_of(spill.folder, chunk), people))
        for name in people["files"]:
            path = path_of(spill.folder, chunk, name)
            _sync(hidden(path))
            hidden(path).replace(path)
    sync_folder(spill.folder)
    return sums


def _by_chunk(faults: Mapping[str, AccountError], ranks: Mapping[str, int], size: int) -> dict[int, dict[str, list]]:
    found: dict[int, dict[str, list]] = {}
    for name, e in faults.items():
        told = [e.message, e.code, e.table, e.field, e.value, e.mend]
        found.setdefault(ranks[name] // size, {})[name] = told
    return found


def _error(told: list) -> AccountError:
    message, code, table, column, value, mend = told
    return AccountError(message, code=code, table=table, field=column, value=value, mend=mend)


def _described(table: Stored) -> dict[str, Any]:
    """Return what a chunk must know of a table: its columns, and its files for the places of rows."""
    columns = base64.b64encode(table.schema.serialize()).decode()
    return {"schema": columns, "parts": [[p.path.name, p.digest, p.rows, p.jumps] for p in table.parts]}


# ---------------------------------------------------------------------------------------------------------- files


def _clear(folder: Path) -> None:
    """Make the folder, and take away what an interrupted or another partition left: the marker first."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder / MARKER, *folder.glob("chunk-*"), *folder.glob(".chunk-*"), folder / f".{MARKER}"):
        path.unlink(missing_ok=True)


def _write(path: Path, value: object) -> int:
    """Write a file that appears under its name only when it is complete and on the disk; return its checksum."""
    data = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    with os.fdopen(os.open(hidden(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    hidden(path).replace(path)
    return zlib.crc32(data)


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # reading the book names its own
        raise RunError(f"{folder} cannot be written: {error.strerror or error}") from error


def _read_json(path: Path) -> dict[str, Any] | None:
    """Return what a file of a partition says; None where there is none that can be understood."""
    try:
        found = read_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _people(folder: Path, chunk: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the marker says, and who is in a chunk."""
    try:
        said = _read_json(folder / MARKER)
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}") from None
    if said is None or said.get("format") != FORMAT or not 0 <= chunk < said["chunks"]:
        raise RunError(f"{folder} holds no complete partition with a chunk {chunk}; cut the book again")
    return said, json.loads(_checked(path_of(folder, chunk), said["people"][chunk]))


def _checked(path: Path, checksum: int) -> bytes:
    """Read a file of a partition; raise ``RunError`` where it is not what was written."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from None
    if zlib.crc32(data) != checksum:
        raise RunError(f"{path} is damaged; remove {MARKER} beside it, and the book is cut again")
    return data


def _read_rows(
    folder: Path, chunk: int, name: str, said: Mapping[str, Any], people: Mapping[str, Any]
) -> tuple[Table, np.ndarray]:
    """Return a chunk's rows of a table without their ids, and whose each is as a position in the chunk."""
    told = said["tables"][name]
    parts = tuple(Part(Path(p), digest, rows, tuple(map(tuple, jumps))) for p, digest, rows, jumps in told["parts"])
    if name not in people["files"]:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(told["schema"])))
        none = schema.remove(schema.get_field_index("account_id")).empty_table()
        return Table(name, none, parts, np.zeros(0, dtype=np.int64)), np.zeros(0, dtype=np.int64)
    data = _checked(path_of(folder, chunk, name), people["files"][name])
    table, own, rows = unpack(data)
    return Table(name, table, parts, rows), own
