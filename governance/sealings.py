"""A finished run entered into the ledger: what it read and wrote goes into the store, its root into an entry.

The entry ``seal`` of ``run/<run id>`` carries, as its version, the SHA-256 of ``run.json``, which names the digest of
every table of the run: who approves that version approves every weight and every trade.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from ..batches.books import Book, read_book
from ..batches.openings import open_run
from ..batches.seals import digest_tables
from ..batches.stores import SEAL, read_seal
from ..batches.streams import table_files
from ..errors import BookError, EntryRefused, LedgerBroken
from ..units import FrozenMap, day
from .account_records import leaves
from .canonical import sha256
from .entries import Draft, Entry
from .environments import lock, surroundings
from .keyrings import counted
from .ledgers import Ledger, read
from .merkle import merkle_root, new_secret
from .snapshots import POLICY, Inputs, Piece, Store, fetch, fetch_json, lay_out, locate, put, put_json, read_inputs
from .statuses import act

FORMAT = "trimtab snapshot 1"
KIND = "seal"


@dataclass(frozen=True, eq=False)
class Sealed:
    """A run as the ledger and the store know it.

    Parameters
    ----------
    run_id, on, version
        Its id, its day, the SHA-256 of its ``run.json``.
    root
        Of the Merkle tree over its account records.
    entry
        The entry of its seal.
    inputs, tables
        What it read; the SHA-256 of the files of each table it wrote.
    said
        Its snapshot.
    """

    run_id: str
    on: dt.date
    version: str
    root: str
    entry: Entry
    inputs: Inputs
    tables: Mapping[str, tuple[str, ...]]
    said: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What entries about it are about."""
        return f"run/{self.run_id}"


def take_in(store: Store, book: str | Path, policy: str | Path, handed: Mapping[str, pa.Table] | None = None) -> Path:
    """Copy a book and a policy into the store and return a folder there that holds the copy, to make the run from.

    Parameters
    ----------
    book, policy
        A folder of tables, a TOML file.
    handed
        Tables that take the place of the book's own, or come to it: what the ledger hands over.

    Raises
    ------
    BookError
        The book cannot be read, or a file of it changed while it was copied.
    """
    taken = read_book(book)
    tables = {name: _pieces(store, taken, name) for name in taken.tables}
    for name, rows in (handed or {}).items():
        tables[name] = (Piece(put(store, parquet_bytes(rows)), ".parquet"),)
    return lay_out(store, Inputs(FrozenMap(dict(sorted(tables.items()))), put(store, Path(policy))))


def _pieces(store: Store, book: Book, table: str) -> tuple[Piece, ...]:
    found = []
    for part in book.tables[table].parts:
        if put(store, part.path) != part.digest:
            raise BookError(
                f"{part.path.name} changed while it was copied", code="CHANGED", table=table, value=part.path.name,
                mend="give the same command again once the book is written",
            )  # fmt: skip
        found.append(Piece(part.digest, part.path.suffix, part.path.parent == book.path))
    return tuple(found)


def parquet_bytes(rows: pa.Table) -> bytes:
    """Return a table as Parquet; the same rows give the same bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows.combine_chunks(), sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def seal(ledger: Ledger, store: Store, run: str | Path, inputs: Path, actor: str) -> Entry:
    """Enter a finished run into the ledger; entering it again is nothing new.

    Parameters
    ----------
    run
        Its folder.
    inputs
        The folder of `take_in` that it was made from.
    actor
        Who made it.

    Raises
    ------
    EntryRefused
        The run was made from something else.
    RunError
        There is no finished run.
    """
    done, folder = open_run(run), Path(run)
    data = (folder / SEAL).read_bytes()
    said, version = cast("dict[str, Any]", read_seal(folder)), sha256(data)
    for entry in counted(ledger, read(ledger, kind=KIND, subject=f"run/{done.run_id}")):
        if entry.version == version:
            return entry
    if digest_tables(folder) != said["tables"]:
        raise EntryRefused("a table of the run was changed", code="RUN_TABLES", mend="make it again in a new folder")
    taken = _inputs_in(inputs)
    given = {name: list(own) for name, own in read_book(inputs).digests.items()}
    if given != said["inputs"]["book"]:
        raise EntryRefused("the run was made from another book", code="RUN_INPUTS", mend="seal it with its own")
    tables = {name: [put(store, path) for path in table_files(folder, name)] for name in sorted(said["tables"])}
    secret = new_secret()
    snapshot = {
        "format": FORMAT,
        "run_id": done.run_id,
        "on": said["on"],
        "inputs": taken.plain(),
        "run": put(store, data),
        "tables": tables,
        "environment": surroundings(),
        "lock": put(store, lock()),
        "secret": secret,
    }
    body = {
        "on": said["on"],
        "accounts": sum(done.counts.values()),
        "blocked": done.blocked,
        "why": list(done.why),
        "root": merkle_root([bytes.fromhex(sha256(leaf)) for _, leaf in leaves(store, tables)], secret),
        "policy": taken.policy,
        "snapshot": put_json(store, snapshot),
    }
    return act(ledger, Draft(actor, KIND, f"run/{done.run_id}", body, version, f"seal/{done.run_id}/{version}"))


def _inputs_in(folder: Path) -> Inputs:
    """Return what a folder of `take_in` holds."""
    book = read_book(folder)
    tables = {
        name: tuple(Piece(p.digest, p.path.suffix, p.path.parent == book.path) for p in table.parts)
        for name, table in sorted(book.tables.items())
    }
    return Inputs(FrozenMap(tables), sha256((folder / POLICY).read_bytes()))


def find_sealed(ledger: Ledger, store: Store, run: str, version: str = "") -> Sealed:
    """Return a sealed run by its id, or by the beginning of one that no other has.

    Raises
    ------
    EntryRefused
        No such run, or several.
    LedgerBroken
        What the store holds is not what the ledger says.
    """
    told = (
        entry
        for entry in read(ledger, kind=KIND)
        if run and entry.subject.startswith(f"run/{run}") and version in ("", entry.version)
    )
    found = counted(ledger, told)
    ids = {entry.subject for entry in found}
    if len(ids) != 1:
        said = f"{len(ids)} runs begin with {run[:12]}" if ids else f"the ledger has no run {run[:12]}"
        raise EntryRefused(said, code="NO_RUN", mend="`trimtab ledger show --kind seal` lists them")
    return open_sealed(store, found[-1])


def open_sealed(store: Store, entry: Entry) -> Sealed:
    """Return the run that an entry sealed, checked against the store."""
    said = fetch_json(store, str(entry.body.get("snapshot", "")))
    if not isinstance(said, dict) or said.get("format") != FORMAT or f"run/{said.get('run_id')}" != entry.subject:
        raise LedgerBroken(f"the snapshot of {entry.subject} is another's", code="SNAPSHOT")
    if said["run"] != entry.version:
        raise LedgerBroken(f"the snapshot of {entry.subject} holds another run.json", code="SNAPSHOT")
    tables = FrozenMap({name: tuple(own) for name, own in said["tables"].items()})
    return Sealed(
        said["run_id"], day(said["on"]), entry.version, str(entry.body["root"]), entry, read_inputs(said["inputs"]),
        tables, said,
    )  # fmt: skip


def run_json(store: Store, sealed: Sealed) -> dict[str, Any]:
    """Return what ``run.json`` said."""
    return json.loads(fetch(store, sealed.version))


def rows_of(store: Store, sealed: Sealed, table: str, columns: list[str] | None = None) -> pa.Table:
    """Return a table that a run wrote, from the store; each file is checked as it is read."""
    return pa.concat_tables(
        pq.read_table(locate(store, digest), columns=columns, page_checksum_verification=True)
        for digest in sealed.tables[table]
    )
