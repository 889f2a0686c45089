"""How a ledger is reached: a file or a server, who may read it, and errors that give no password away."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool, QueuePool

from ..errors import EntryRefused, GovernanceError, LedgerError
from .schemas import FORMATS, LOCK, REFUSALS, SCHEMA, postgres_statements, sqlite_statements
from .signatures import Signer

PATIENCE = 30.0
"""Seconds that a write waits for a lock or for a server that restarts."""
_PLAIN = re.compile(r"[\w.:-]*")
_TAKEN = {"entries_pkey": "SEQUENCE", "entries_key": "KEY"}
_SERVER = "see that it runs and may be reached from here"
# What a database says, its state or (before there is a connection) a piece of its text; and what we say instead.
_FAULTS = (
    ("authentication failed", "the user or the password is wrong", "see ~/.pgpass, or ask the database's owner"),
    ("no password supplied", "the server asks for a password", "put it into ~/.pgpass"),
    ("no pg_hba.conf entry", "the server lets nobody in from here under this name", "ask the database's owner"),
    ('role "', "the server knows no such user", "name one: postgresql://USER@host/database"),
    ('database "', "there is no such database", "make it: createdb"),
    ("Connection refused", "no server answers", _SERVER),
    ("No such file or directory", "no server answers", _SERVER),
    ("timeout expired", "no server answers", _SERVER),
    ("could not translate host name", "nobody knows this host", "look at the address"),
    ("failed to resolve host", "nobody knows this host", "look at the address"),
    ("42501", "this user may not do that", "GRANT trimtab_writer (or trimtab_reader) TO them"),
    ("SQLITE_NOTADB", "this file is no ledger", "name the ledger's own file"),
    ("SQLITE_READONLY", "it may only be read", "look at the rights of the file and its folder"),
    ("SQLITE_READONLY_DIRECTORY", "its folder may only be read", "look at the rights of the folder"),
    ("SQLITE_CANTOPEN", "it cannot be opened", "look at the rights of the file and its folder"),
    ("SQLITE_FULL", "the disk is full", "make room, and give the same command again"),
)
DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")


@dataclass(frozen=True)
class Ledger:
    """An open ledger.

    Parameters
    ----------
    where
        The file, or ``postgresql://host/database``: never a user's password.
    engine
        The way in.
    patience
        Seconds that a write waits for a lock or for a server that restarts.
    signer
        Who signs what they do; see `keyrings.signing`.
    """

    where: str
    engine: sa.Engine = field(repr=False)
    patience: float = PATIENCE
    signer: Signer | None = None

    @property
    def is_file(self) -> bool:
        """Whether this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(where: str | Path, *, make: bool) -> Ledger:
    """Open a ledger, and make it first where asked to."""
    is_server = isinstance(where, str) and "://" in where
    if make and not is_server:
        _make_file(Path(where).absolute())
    ledger = _server(str(where)) if is_server else _file(Path(where).absolute())
    try:
        with ledger.engine.connect() as connection:
            if is_server and make:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                _fill(connection)
                connection.commit()
            found = _format(connection)
        wanted = FORMATS[ledger.engine.dialect.name]
        if found == wanted:
            return ledger
    except exc.DBAPIError as error:
        ledger.close()
        raise refused(ledger, error) from None
    ledger.close()
    if found is None:
        raise LedgerError(f"{ledger.where} holds no ledger", code="NO_LEDGER", mend="make it: `trimtab ledger init`")
    raise LedgerError(
        f"{ledger.where} holds a ledger of format {found}, not {wanted}",
        code="FORMAT",
        mend="use the trimtab that made it" if found < wanted else "update trimtab",
    )


def _format(connection: sa.Connection) -> int | None:
    """Return the number of the layout, None where there is no ledger."""
    if connection.dialect.name == "sqlite":
        is_made = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'entries'").scalar()
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        return int(version) if is_made and version else None
    comment = connection.execute(
        sa.text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name"), {"name": SCHEMA}
    ).scalar()
    return None if comment is None else int(str(comment).rpartition(" ")[2])


def _fill(connection: sa.Connection) -> None:
    """Make table and guards where there is no ledger yet."""
    if _format(connection) is None:
        for statement in sqlite_statements() if connection.dialect.name == "sqlite" else postgres_statements():
            connection.exec_driver_sql(statement)


def _make_file(path: Path) -> None:
    """Make a ledger under another name and give it its own at once: nobody ever sees half a ledger."""
    if os.path.lexists(path):
        return
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # private from the first moment on
        ledger = _file(hidden)
        with ledger.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")  # the file remembers
            _fill(connection)
            connection.commit()
        with suppress(FileExistsError):  # somebody was quicker: theirs is the ledger
            os.link(hidden, path)
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}", code="UNREACHABLE", mend="choose another file") from None
    finally:
        hidden.unlink(missing_ok=True)


def _file(path: Path) -> Ledger:
    try:
        check_private(path)
    except FileNotFoundError:
        raise LedgerError(f"{path} does not exist", code="NO_LEDGER", mend="make it: `trimtab ledger init`") from None
    except OSError as error:
        raise LedgerError(f"{path}: {error.strerror}", code="UNREACHABLE", mend="choose another file") from None
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"timeout": PATIENCE}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        for setting in ("synchronous=FULL", "trusted_schema=OFF", "cell_size_check=ON", "cache_size=-65536"):
            connection.execute(f"PRAGMA {setting}").fetchall()

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # Written to from the start: a reader that becomes a writer could find its place taken.
        writes = connection.get_execution_options().get("trimtab_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Ledger(str(path), engine)


def check_private(path: Path) -> None:
    """Refuse a file that others than its owner may read or write, or that is none.

    Raises
    ------
    LedgerError
        With the mend.
    """
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise LedgerError(f"{path} is a link or no file", code="PERMISSIONS", mend="name the file itself")
    if os.name == "posix" and mode & 0o077:
        raise LedgerError(
            f"others may read or write {path} (mode {stat.S_IMODE(mode):04o})", code="PERMISSIONS", mend="chmod 600"
        )


def _server(text: str) -> Ledger:
    try:
        url = sa.make_url(text)
        # A password with an unescaped @ or / would end up in these two, and they are shown.
        known = url.drivername in DRIVERS and _PLAIN.fullmatch(url.host or "") and _PLAIN.fullmatch(url.database or "")
    except (ValueError, exc.ArgumentError):
        url = known = None
    if url is None or not known:  # the text is not repeated: it may hold a password
        raise LedgerError(
            "this is no PostgreSQL address",
            code="ADDRESS",
            mend="postgresql://user@host/database; in a password write @ as %40",
        )
    place = f"postgresql://{url.host or url.query.get('host', '')}/{url.database or ''}"
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=QueuePool,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "application_name": "trimtab"},
        )
    except ImportError:
        raise LedgerError(
            "a ledger in PostgreSQL needs psycopg", code="NO_DRIVER", mend="pip install 'trimtab[postgres]'"
        ) from None
    return Ledger(place, engine.execution_options(schema_translate_map={None: SCHEMA}))


@contextmanager
def read_only(ledger: Ledger) -> Iterator[sa.Connection]:
    """Give a connection to read by; foreign errors become ours."""
    try:
        with ledger.engine.connect() as connection:
            yield connection
    except exc.DBAPIError as error:
        raise refused(ledger, error) from None


@contextmanager
def writing(ledger: Ledger) -> Iterator[sa.Connection]:
    """Give a connection that alone may append, and commit durably at the end."""
    with ledger.engine.connect().execution_options(trimtab_writes=True) as connection, connection.begin():
        if not ledger.is_file:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        yield connection


def broken_off(error: exc.DBAPIError) -> bool:
    """Return whether the way to a server broke, so that nobody knows what it did last."""
    state = getattr(error.orig, "sqlstate", None) or ""
    is_server = type(error.orig).__module__.startswith("psycopg")
    # 57P01..03: shut down, crashed, starting up; 08: connection; 40: take it again; none: it broke on this side.
    gone = state[:2] in ("08", "40") or state in ("57P01", "57P02", "57P03") or not state
    return error.connection_invalidated or (
        is_server and gone and isinstance(error, (exc.OperationalError, exc.InterfaceError))
    )


def refused(ledger: Ledger, error: exc.DBAPIError) -> GovernanceError:
    """Return our error for the database's; its own text stays behind: it may hold parameters or an address."""
    text = str(error.orig)
    for code, sentence in REFUSALS.items():
        if f"trimtab:{code}" in text:
            return EntryRefused(sentence, code=code, mend="see docs/governance/ledger.md")
    taken = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if code := _TAKEN.get(taken or ""):  # PostgreSQL's indices come before its guards
        return EntryRefused(REFUSALS[code], code=code, mend="see docs/governance/ledger.md")
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
    for sign, why, mend in _FAULTS:
        if sign == state or (not state and sign in text):
            return LedgerError(f"{ledger.where}: {why}", code="UNREACHABLE", mend=mend)
    return LedgerError(
        f"{ledger.where} refused ({state or 'no connection'})",
        code="UNREACHABLE", mend="look at the server, the file, the rights",
    )  # fmt: skip
