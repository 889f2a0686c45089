"""Is every record what was written? Reads each byte once and trusts nothing that the database says about itself.

What is found, and by what:

- a changed field: the record's digest;
- a record changed together with its digest, taken out, put in or moved: the next one's previous digest, the numbering;
- everything from some record on written anew, or the tail cut off: a signed checkpoint of a later head;
- a database that hides a record from questions (an index without it, text kept as a blob) or has lost its guards:
  each index against the table, and the text of the schema; in PostgreSQL the list of enabled triggers and their source.

What was appended after the last checkpoint, by someone who may write, is a record like any other (`Verdict.unsealed`).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import exc

from ..errors import LedgerError
from .checkpoints import Checkpoint
from .connections import Ledger, read_only
from .entries import GENESIS
from .schemas import GUARDS, HIDDEN, READ_ALL, postgres_guards, sqlite_statements


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Parameters
    ----------
    records
        How many records are sound, from the first on.
    head
        The digest of the last of them, "" where that is not known.
    sealed
        The sequence number up to which checkpoints vouch.
    bad
        The sequence number of the first bad record, None where all are sound.
    why
        What is wrong, in a sentence.
    """

    records: int
    head: str
    sealed: int = 0
    bad: int | None = None
    why: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.why

    @property
    def unsealed(self) -> int:
        """How many records no checkpoint vouches for yet."""
        return max(0, self.records - self.sealed)


def verify(ledger: Ledger, checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """Read the whole ledger and name the first bad record.

    Parameters
    ----------
    ledger
        Which; a reader's rights suffice.
    checkpoints
        Signed heads, from `read_checkpoints`. Without any, a tail cut off or everything written anew is not found.

    Returns
    -------
    Verdict
        A million records take about 4 seconds on two free cores.
    """
    wanted = sorted(checkpoints, key=lambda each: each.sequence)
    # SQLite lets go of Python's lock while it works: its own questions are answered beside the walk.
    with ThreadPoolExecutor(1) as beside:
        guards = beside.submit(_lost_guards, ledger)
        with _raw_rows(ledger) as rows:
            verdict = _walk(rows, wanted)
        if verdict.is_whole and (lost := guards.result()):
            return Verdict(verdict.records, verdict.head, verdict.sealed, None, lost)
    return verdict


def _walk(rows: Iterable[tuple], checkpoints: list[Checkpoint]) -> Verdict:
    """Follow the chain. One loop without calls of our own: a million turns in seconds."""
    sha256, previous_digest, last_at, count, sealed = hashlib.sha256, GENESIS.encode(), b"", 0, 0
    due = iter([*checkpoints, None])
    stop = next(due)
    row: tuple = ()
    try:
        for row in rows:
            sequence, previous, at, actor, kind, subject, version, key, body, digest = row
            count += 1
            names = b"%b%b%b" % (actor, key, subject)
            if b'"' in names or b"\\" in names:
                actor, key, subject = _escaped(actor), _escaped(key), _escaped(subject)
            # As `entries.preimage`, in bytes: whatever stands in a column ends up in the hash.
            record = (
                b'{"actor":"%b","at":"%b","body":%b,"key":"%b","kind":"%b","previous":"%b","sequence":%d,"subject":"%b",'
                b'"version":"%b"}' % (actor, at, body, key, kind, previous, sequence, subject, version)
            )
            found = sha256(record).hexdigest().encode()
            if sequence != count or previous != previous_digest or found != digest or at < last_at:
                return _bad(count, row, previous_digest.decode(), found, sealed)
            previous_digest, last_at = digest, at
            while stop is not None and stop.sequence == count:
                if stop.digest.encode() != digest:
                    return _rewritten(count, sealed)
                sealed, stop = count, next(due)
    except (TypeError, ValueError, sqlite3.DatabaseError) as error:
        why = f"record {count or 1} cannot be read ({type(error).__name__})"
        return Verdict(max(0, count - 1), previous_digest.decode(), sealed, count or 1, why)
    if stop is not None:
        lost = checkpoints[-1].sequence
        why = f"records {count + 1} to {lost} are cut off: a checkpoint vouches for them"
        return Verdict(count, previous_digest.decode(), sealed, count + 1, why)
    return Verdict(count, previous_digest.decode(), sealed)


def _escaped(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _bad(count: int, row: tuple, before: str, found: bytes, sealed: int) -> Verdict:
    """Say what is wrong with the record that should be number ``count``."""
    sequence, previous, digest = row[0], row[1], row[-1]
    bad = count
    if sequence != count:
        why = f"record {count} is missing: record {sequence} stands in its place"
    elif found != digest:
        why = f"record {count} was changed: its digest is another"
    elif previous != before.encode():
        # It is what its writer wrote, so the one before it is not what stood there then.
        bad = max(1, count - 1)
        why = f"record {bad} was changed, moved or put in: record {count} follows another"
    else:
        why = f"record {count} stands before its predecessor in time"
    return Verdict(bad - 1, before if bad == count else "", sealed, bad, why)


def _rewritten(count: int, sealed: int) -> Verdict:
    why = f"records {sealed + 1} to {count} were written anew: the checkpoint at {count} vouches for others"
    return Verdict(sealed, "", sealed, sealed + 1, why)


@contextmanager
def _raw_rows(ledger: Ledger) -> Iterator[Iterable[tuple]]:
    """Give every record in order as bytes, straight from the driver."""
    with read_only(ledger) as connection:
        driver = connection.connection.driver_connection
        if driver is None:
            raise LedgerError(f"{ledger.where} is closed", code="UNREACHABLE", mend="open it again")
        if ledger.is_file:
            driver.text_factory = bytes
            with closing(_rows(driver)) as rows:
                yield rows
            return
        import psycopg

        try:
            with driver.cursor() as cursor, cursor.copy(f"COPY ({READ_ALL['postgresql']}) TO STDOUT") as copied:
                yield _lines(copied)
        except psycopg.Error as error:
            state = error.sqlstate or "no connection"
            raise LedgerError(f"{ledger.where} refused ({state})", code="UNREACHABLE", mend="see the server") from None
        finally:
            connection.invalidate()  # who stopped at a bad record leaves rows behind that nobody will read


def _rows(driver: sqlite3.Connection) -> Generator[tuple, None, None]:
    yield from driver.execute(READ_ALL["sqlite"])  # here, so that even a table that is gone is a verdict


def _lines(copied: Iterable[bytes]) -> Iterator[tuple]:
    """Split the lines of COPY's text format: it doubles a backslash, and no canonical text holds tabs or breaks."""
    for line in copied:
        text = bytes(line)
        fields = text[:-1].split(b"\t")
        if b"\\" in text:
            fields = [each.replace(b"\\\\", b"\\") for each in fields]
        yield (int(fields[0]), *fields[1:])


def _lost_guards(ledger: Ledger) -> str:
    """Say what the database has lost of what makes it a ledger, "" where nothing."""
    with read_only(ledger) as connection:
        if not ledger.is_file:
            missing = set(postgres_guards()) - {tuple(row) for row in connection.execute(sa.text(GUARDS))}
            return f"the database lost the guard {min(missing)[0]}" if missing else ""
        try:
            made = set(connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").scalars())
            if made != {statement for statement in sqlite_statements() if statement.startswith("CREATE")}:
                return "the tables, indices or guards of the file are not those that were made"
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if damage != "ok":
                return f"the file is damaged: {damage}"
            for index, question in HIDDEN.items():
                if connection.exec_driver_sql(question).scalar_one():
                    return f"the index {index} does not show every record"
        except exc.DatabaseError:
            return "the file is damaged: SQLite cannot read it"
    return ""
