"""The ledger: opened, appended to, read. Nothing here can change what stands.

Appending is all or nothing, in turn and durable: when `append` returns, the records are on the disk (SQLite: a log
written ahead, ``synchronous=FULL``; PostgreSQL: ``synchronous_commit=on``). Whatever breaks in between, the same drafts
may be appended again: each carries a key, and a key that stands is not recorded twice.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from ..errors import EntryRefused, LedgerError
from .canonical import canonical_json
from .connections import Ledger, broken_off, opened, read_only, refused, writing
from .entries import GENESIS, Draft, Entry, chain, entry, moment, stamp
from .schemas import COPY, ENTRIES, INSERT, READ_KEYS, REFUSALS

BATCH = 5_000
"""Rows read at a time."""
LINES = 500
"""Rows sent at a time."""


def create_ledger(where: str | Path) -> Ledger:
    """Make an empty ledger, or open the one that stands there.

    Parameters
    ----------
    where
        A file's path (SQLite; made with permissions 0600), or ``postgresql://user:password@host/database``.

    Raises
    ------
    LedgerError
        It cannot be made there, or something else stands there.
    """
    return opened(where, make=True)


def open_ledger(where: str | Path) -> Ledger:
    """Open a ledger that stands; a wrong path is an error, never an empty ledger in which nothing is forbidden.

    Parameters
    ----------
    where
        As for `create_ledger`.

    Raises
    ------
    LedgerError
        There is none, it cannot be reached, or others than its owner may read or write the file.
    """
    return opened(where, make=False)


def append(ledger: Ledger, drafts: Iterable[Draft], *, at: dt.datetime | None = None) -> list[Entry]:
    """Record drafts, all or none, and return them as they stand.

    Parameters
    ----------
    ledger
        Where.
    drafts
        In order. A draft whose key stands with the same content is not recorded again: its entry is returned.
    at
        The moment, for all of them; by default the database's clock (PostgreSQL) or this machine's (SQLite).

    Raises
    ------
    EntryRefused
        The clock went backwards, a key stands with other content, or the database refuses (`schemas.REFUSALS`).
    LedgerError
        The database cannot be reached for longer than ``ledger.patience``; the same drafts may be appended again.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder, create_ledger(pathlib.Path(folder) / "ledger.db") as ledger:
    ...     first, = append(ledger, [Draft("ann", "submit", "policy/balanced", {"most": "0.05"}, version="a" * 64)])
    ...     again, = append(ledger, [Draft("ann", "submit", "policy/balanced", {"most": "0.05"}, "a" * 64, first.key)])
    ...     first.sequence, again == first
    (1, True)
    """
    wanted = list(drafts) if ledger.signer is None else list(map(ledger.signer.sign, drafts))
    until, pause = time.monotonic() + ledger.patience, 0.05
    while wanted:
        try:
            with writing(ledger) as connection:
                return _append(connection, wanted, at)
        except exc.DBAPIError as error:
            # After COMMIT was sent nobody here knows whether it stands; the keys make asking again safe.
            if not broken_off(error):
                raise refused(ledger, error) from None
            if time.monotonic() + pause > until:
                raise LedgerError(
                    f"{ledger.where} cannot be reached", code="UNREACHABLE", mend="append the same drafts again later"
                ) from None
        time.sleep(pause)
        pause = min(2 * pause, 1.0)
    return []


def _append(connection: sa.Connection, drafts: list[Draft], at: dt.datetime | None) -> list[Entry]:
    standing = _standing(connection, [draft.key for draft in drafts])
    new: dict[str, Draft] = {}
    for draft in drafts:
        twin = standing.get(draft.key) or new.get(draft.key)
        if twin is None:
            new[draft.key] = draft
        elif _content(twin) != _content(draft):
            raise EntryRefused(REFUSALS["KEY"], code="KEY", mend="give a new act a new key")
    if new:
        head = connection.execute(_HEAD).first() or (0, GENESIS, "")
        now = stamp(at) if at is not None else _now(connection)
        if now < head[2]:
            raise EntryRefused(
                f"{REFUSALS['CLOCK']} ({head[2]}; now {now})", code="CLOCK", mend="set the clock right; do not go back"
            )
        rows = chain(new.values(), head[0], head[1], now)
        done = _copy(connection, rows) if connection.dialect.name == "postgresql" else _insert(connection, rows)
        standing |= {row[7]: entry(row) for row in done}
    return [standing[draft.key] for draft in drafts]


def _insert(connection: sa.Connection, rows: Iterator[tuple]) -> list[tuple]:
    """Append rows to SQLite and return them."""
    done = list(rows)
    connection.exec_driver_sql(INSERT["sqlite"], done)
    return done


def _copy(connection: sa.Connection, rows: Iterator[tuple]) -> list[tuple]:
    """Append rows to PostgreSQL as lines and return them; the server takes some while the next are put together.

    No canonical text holds tabs or breaks, so a backslash alone is escaped.
    """
    driver, done = connection.connection.driver_connection, []
    try:
        with driver.cursor() as cursor, cursor.copy(COPY) as copied:  # pyright: ignore[reportOptionalMemberAccess]
            while some := list(islice(rows, LINES)):
                lines = "".join("\t".join(map(str, row)) + "\n" for row in some)
                copied.write(lines.replace("\\", "\\\\"))
                done += some
    except connection.dialect.loaded_dbapi.Error as error:  # as SQLAlchemy would, had it been asked
        raise exc.DBAPIError.instance(COPY, None, error, connection.dialect.loaded_dbapi.Error) from None
    return done


_HEAD = sa.select(ENTRIES.c.sequence, ENTRIES.c.digest, ENTRIES.c.at).order_by(ENTRIES.c.sequence.desc()).limit(1)


def _content(act: Draft | Entry) -> tuple:
    text = act.text if isinstance(act, Draft) else canonical_json(dict(act.body)).decode()
    return act.actor, act.kind, act.subject, act.version, text


def _standing(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Entry]:
    """Return the entries that already carry these keys."""
    if connection.dialect.name == "postgresql":  # all in one array: a list of parameters costs more than the question
        rows = connection.exec_driver_sql(READ_KEYS, (list(keys),))
        return {row[7]: entry(tuple(row)) for row in rows}
    found: dict[str, Entry] = {}
    for start in range(0, len(keys), 500):  # below SQLite's limit of parameters
        chosen = sa.select(*ENTRIES.c).where(ENTRIES.c.key.in_(keys[start : start + 500]))
        found |= {row.key: entry(tuple(row)) for row in connection.execute(chosen)}
    return found


def _now(connection: sa.Connection) -> str:
    """Return the moment by the one clock that all writers share: the database's."""
    if connection.dialect.name == "postgresql":
        return stamp(connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one())
    return stamp(dt.datetime.now(dt.UTC))


def read(
    ledger: Ledger, *, kind: str | Sequence[str] = (), subject: str = "", since: int = 0, most: int | None = None
) -> Iterator[Entry]:
    """Yield the entries in order, a few thousand in memory at a time.

    Parameters
    ----------
    ledger
        Which.
    kind
        Only this kind, or these.
    subject
        Only about this subject.
    since
        Only after this sequence number.
    most
        No more than so many, `BATCH` at most.
    """
    page = BATCH if most is None else min(most, BATCH)
    chosen = sa.select(*ENTRIES.c).order_by(ENTRIES.c.sequence).limit(page)
    if kind:
        chosen = chosen.where(ENTRIES.c.kind.in_([kind] if isinstance(kind, str) else list(kind)))
    if subject:
        chosen = chosen.where(ENTRIES.c.subject == subject)
    while True:
        # A page is one short transaction: a slow reader holds up no writer, and the next page sees what came since.
        with read_only(ledger) as connection:
            rows = [tuple(row) for row in connection.execute(chosen.where(ENTRIES.c.sequence > since))]
        yield from map(entry, rows)
        if len(rows) < BATCH or most is not None:
            return
        since = rows[-1][0]


def read_acts(ledger: Ledger, kinds: Iterable[str], *, sorts: Iterable[str] = (), subject: str = "") -> list[Entry]:
    """Return the entries of some kinds about some things, in order, in one question.

    Parameters
    ----------
    ledger, kinds
        Which.
    sorts
        Everything of these sorts (``"policy"``: ``policy/...``).
    subject
        And this one.
    """
    about = ENTRIES.c.subject
    # "0" follows "/": a range of the index of subjects. Sorted here, or a database reads the whole ledger in its order.
    ranges = [sa.and_(about >= f"{sort}/", about < f"{sort}0") for sort in sorts]
    chosen = sa.select(*ENTRIES.c).where(sa.or_(about == subject, *ranges), ENTRIES.c.kind.in_(sorted(kinds)))
    with read_only(ledger) as connection:
        return list(map(entry, sorted(tuple(row) for row in connection.execute(chosen))))


def find(ledger: Ledger, keys: Sequence[str]) -> dict[str, Entry]:
    """Return the entries that carry these keys."""
    with read_only(ledger) as connection:
        return _standing(connection, keys)


def last(ledger: Ledger) -> tuple[int, str, dt.datetime | None]:
    """Return the head: sequence, digest, moment; ``(0, GENESIS, None)`` of an empty ledger."""
    with read_only(ledger) as connection:
        row = connection.execute(_HEAD).first()
    return (row[0], row[1], moment(row[2])) if row else (0, GENESIS, None)
