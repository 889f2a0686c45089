"""The manifest of a run: which chunks are done, who is at work on which, and where workers died.

One SQLite file that several parents may share, on one machine or on a shared folder. A chunk is taken by a *lease* that
its holder renews, with a *token* that grows whenever the chunk changes hands. What a holder has made is published and
marked as done in one transaction, and only while its token is the newest: who was taken for dead and comes back cannot
put old parts in place of new ones.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from ..errors import RunError
from .holders import is_gone
from .stores import Part

LEASE = 60.0
"""Seconds after which a silent holder on another machine is taken for dead; clocks may differ by less than that."""
PATIENCE = 60.0
"""Seconds to wait for another parent's transaction."""
CUT, CLOSE = (-1, 0), -1
"""What is done once and by one parent, leased like a chunk: cutting the book, and what follows a round's chunks."""

_TABLES = """
create table if not exists plan (size integer, chunks integer, accounts integer, began text);
create table if not exists rounds (round integer primary key, extra text not null);
create table if not exists chunks (
    round integer, chunk integer, holder text, inside integer not null default 0, token integer not null default 0,
    expires real not null default 0, deaths integer not null default 0, done integer not null default 0,
    accounts integer, quarantined integer, counts text, parts text, primary key (round, chunk)
);
create table if not exists deaths (
    chunk integer, start integer, stop integer, times integer not null, primary key (chunk, start, stop)
);
"""


@dataclass(frozen=True)
class Plan:
    """How a book was cut: accounts a chunk at most, chunks, accounts; and when the run began (ISO)."""

    size: int
    chunks: int
    accounts: int
    began: str = ""


@dataclass(frozen=True)
class Claim:
    """A chunk of a round, ours until somebody holds a newer token; and the deaths of workers in its company so far."""

    round: int
    chunk: int
    token: int
    deaths: int = 0


@dataclass(frozen=True)
class Done:
    """What became of a chunk: its accounts by outcome, its published parts by table."""

    claim: Claim
    counts: Mapping[str, int]
    parts: Mapping[str, Part]


@dataclass(frozen=True, eq=False)
class Manifest:
    """An open manifest, and who we are in it; for one thread."""

    path: Path
    holder: str
    connection: sqlite3.Connection


@contextmanager
def open_manifest(path: Path, holder: str) -> Iterator[Manifest]:
    """Open or make the manifest in a folder.

    Raises
    ------
    RunError
        It cannot be written, or is damaged.
    """
    with reading(path):
        # Autocommit: transactions are begun where they are meant. No write-ahead log: it does not work across machines.
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    manifest = Manifest(path, holder, connection)
    try:
        with reading(path):
            connection.execute("pragma journal_mode = delete")
            connection.execute("pragma synchronous = full")
            if connection.execute("pragma quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("it was changed by something else")
        with changing(manifest) as cursor:
            for statement in _TABLES.split(";\n"):
                cursor.execute(statement)
            cursor.execute("insert or ignore into rounds values (0, '')")
            cursor.execute("insert or ignore into chunks (round, chunk) values (?, ?)", CUT)
        yield manifest
    finally:
        connection.close()


@contextmanager
def changing(manifest: Manifest) -> Iterator[sqlite3.Cursor]:
    """Change the manifest in one transaction that keeps every other parent out; undone on any error."""
    with reading(manifest.path):
        cursor = manifest.connection.cursor()
        cursor.execute("begin immediate")
        try:
            yield cursor
        except BaseException:
            # A full disk ends a transaction by itself.
            if manifest.connection.in_transaction:
                cursor.execute("rollback")
            raise
        cursor.execute("commit")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name what SQLite complains about."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise RunError(f"{path} cannot be read or written: {error}; the same command resumes the run") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> RunError:
    return RunError(f"{path} is damaged ({error}); remove {path.parent} and the run starts afresh")


def read_plan(manifest: Manifest) -> Plan | None:
    """Return how the book was cut, or None before it was."""
    with reading(manifest.path):
        row = manifest.connection.execute("select size, chunks, accounts, began from plan").fetchone()
    return Plan(*row) if row else None


def lay_out(manifest: Manifest, claim: Claim, plan: Plan) -> bool:
    """Record how the book was cut and open round 0; False where the claim is no longer ours."""
    with changing(manifest) as cursor:
        if not _is_ours(cursor, manifest, claim):
            return False
        if cursor.execute("select count(*) from plan").fetchone() == (0,):  # else it was cut before, and lost
            cursor.execute("insert into plan values (?, ?, ?, ?)", (plan.size, plan.chunks, plan.accounts, plan.began))
            rows = [(0, chunk) for chunk in (CLOSE, *range(plan.chunks))]
            cursor.executemany("insert into chunks (round, chunk) values (?, ?)", rows)
        _mark(cursor, claim, {}, {})
    return True


def cut_again(manifest: Manifest) -> None:
    """Have the book cut once more, since what it was cut into is not there."""
    with changing(manifest) as cursor:
        cursor.execute("update chunks set done = 0 where round = ? and chunk = ?", CUT)


def open_round(manifest: Manifest, claim: Claim, chunks: Iterable[int], extra: str) -> bool:
    """Close a round and have these chunks decided again in the next, told ``extra``; False where the claim is lost."""
    with changing(manifest) as cursor:
        if not _is_ours(cursor, manifest, claim):
            return False
        cursor.execute("insert into rounds values (?, ?)", (claim.round + 1, extra))
        # Who killed workers in one round would do so in the next.
        cursor.executemany(
            "insert into chunks (round, chunk, deaths) "
            "values (?, ?, (select max(deaths) from chunks where chunk = ? and round >= 0))",
            [(claim.round + 1, chunk, chunk) for chunk in (CLOSE, *sorted(set(chunks)))],
        )
        _mark(cursor, claim, {}, {})
    return True


def read_rounds(manifest: Manifest) -> list[str]:
    """Return what the chunks of each round are told beside their accounts, the newest round last."""
    with reading(manifest.path):
        return [extra for (extra,) in manifest.connection.execute("select extra from rounds order by round")]


def claim_chunk(manifest: Manifest, turn: int, *, inside: bool, only: int | None = None) -> Claim | None:
    """Take a free chunk of a round, those in whose company workers died last; None where none is free.

    Parameters
    ----------
    turn
        The round.
    inside
        Whether this very process will decide it: dying then counts as a death in the chunk's company.
    only
        The chunk wanted, when it is not just any.
    """
    with changing(manifest) as cursor:
        _free_the_dead(cursor, turn)
        row = cursor.execute(
            "select chunk, token, deaths from chunks where round = ? and not done and holder is null "
            "and (chunk = ? or (? is null and chunk >= 0)) order by deaths > 1, chunk limit 1",
            (turn, only, only),
        ).fetchone()
        if row is None:
            return None
        claim = Claim(turn, row[0], row[1] + 1, row[2])
        cursor.execute(
            "update chunks set holder = ?, inside = ?, token = ?, expires = ? where round = ? and chunk = ?",
            (manifest.holder, inside, claim.token, time.time() + LEASE, claim.round, claim.chunk),
        )
        return claim


def _free_the_dead(cursor: sqlite3.Cursor, turn: int) -> None:
    """Take leases from who is gone, at once where that can be known and else when the lease has run out."""
    held = cursor.execute(
        "select distinct holder, expires < ? from chunks where round = ? and holder is not null and not done",
        (time.time(), turn),
    ).fetchall()
    for holder, expired in held:
        if expired or is_gone(holder):
            cursor.execute(
                "update chunks set holder = null, deaths = deaths + inside "
                "where round = ? and holder = ? and not done and (expires < ? or not ?)",
                (turn, holder, time.time(), expired),
            )


def renew(manifest: Manifest) -> None:
    """Say that we are still at work on what we hold."""
    with changing(manifest) as cursor:
        cursor.execute(
            "update chunks set expires = ? where holder = ? and not done", (time.time() + LEASE, manifest.holder)
        )


def let_go(manifest: Manifest) -> None:
    """Give back what we hold and have not done; nobody died."""
    with changing(manifest) as cursor:
        cursor.execute("update chunks set holder = null where holder = ? and not done", (manifest.holder,))


def give_back(manifest: Manifest, claim: Claim, deaths: int) -> None:
    """Give a chunk back in whose company workers died, unless it changed hands meanwhile."""
    with changing(manifest) as cursor:
        if _is_ours(cursor, manifest, claim):
            cursor.execute(
                "update chunks set holder = null, deaths = deaths + ? where round = ? and chunk = ?",
                (deaths, claim.round, claim.chunk),
            )


def commit(
    manifest: Manifest,
    claim: Claim,
    publish: Callable[[], None],
    counts: Mapping[str, int],
    parts: Mapping[str, Part],
) -> bool:
    """Publish what was made and mark it as done; False, and nothing happens, where the claim is no longer ours.

    Published first and marked second: what is marked is there. Nobody can take the chunk in between, since claims wait
    for this transaction.
    """
    with changing(manifest) as cursor:
        if not _is_ours(cursor, manifest, claim):
            return False
        publish()
        _mark(cursor, claim, counts, parts)
    return True


def _is_ours(cursor: sqlite3.Cursor, manifest: Manifest, claim: Claim) -> bool:
    row = cursor.execute(
        "select holder, token, done from chunks where round = ? and chunk = ?", (claim.round, claim.chunk)
    ).fetchone()
    return row == (manifest.holder, claim.token, 0)


def _mark(cursor: sqlite3.Cursor, claim: Claim, counts: Mapping[str, int], parts: Mapping[str, Part]) -> None:
    written = json.dumps({table: astuple(part) for table, part in parts.items()})
    cursor.execute(
        "update chunks set done = 1, holder = null, accounts = ?, quarantined = ?, counts = ?, parts = ? "
        "where round = ? and chunk = ?",
        (
            sum(counts.values()),
            counts.get("QUARANTINED", 0),
            json.dumps(dict(counts)),
            written,
            claim.round,
            claim.chunk,
        ),
    )


def count_open(manifest: Manifest, turn: int) -> int:
    """Return how many chunks of a round are not done."""
    with reading(manifest.path):
        rows = manifest.connection.execute(
            "select count(*) from chunks where round = ? and chunk >= 0 and not done", (turn,)
        )
        return rows.fetchone()[0]


def done_chunks(manifest: Manifest) -> list[Done]:
    """Return the chunks that are done, each as its newest round left it; where that round is open, it is left out."""
    with reading(manifest.path):
        rows = manifest.connection.execute(
            "select round, chunk, token, deaths, counts, parts, done, max(round) from chunks where chunk >= 0 "
            "and round >= 0 group by chunk order by chunk"
        ).fetchall()
    try:
        return [
            Done(
                Claim(turn, chunk, token, deaths),
                json.loads(counts),
                {table: Part(*part) for table, part in json.loads(parts).items()},
            )
            for turn, chunk, token, deaths, counts, parts, done, _ in rows
            if done
        ]
    except (ValueError, TypeError, AttributeError) as error:  # a text that nobody wrote so
        raise _damaged(manifest.path, error) from error


def undo(manifest: Manifest, done: Done, is_sound: Callable[[], bool]) -> None:
    """Have a chunk decided again whose parts are damaged, if they still are once nobody else can change them."""
    claim = done.claim
    with changing(manifest) as cursor:
        newest = cursor.execute(
            "select round, token, done from chunks where chunk = ? order by round desc limit 1", (claim.chunk,)
        ).fetchone()
        if newest == (claim.round, claim.token, 1) and not is_sound():
            cursor.execute("update chunks set done = 0 where round = ? and chunk = ?", (claim.round, claim.chunk))


def count_done(manifest: Manifest) -> tuple[int, int]:
    """Return the accounts of the chunks that are done, and how many of them are QUARANTINED."""
    with reading(manifest.path):
        return manifest.connection.execute(
            "select coalesce(sum(accounts), 0), coalesce(sum(quarantined), 0) from chunks c where done and chunk >= 0 "
            "and round = (select max(round) from chunks where chunk = c.chunk)"
        ).fetchone()
