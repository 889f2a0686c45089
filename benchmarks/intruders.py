"""Someone with a copy of the tools and the file in hand: changes to a ledger that the database did not see.

Each change first takes the guards away, as anyone may who can write the file, and puts them back, so that only the
records tell. A clever intruder also makes every digest right again from the change on; then only a signed head is left.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from trimtab.governance.canonical import sha256
from trimtab.governance.connections import Ledger
from trimtab.governance.entries import COLUMNS, GENESIS, preimage
from trimtab.governance.schemas import INSERT, READ_ALL, SCHEMA, postgres_statements, sqlite_statements

Row = list
Rows = list[Row]


def edit(rows: Rows, rng: random.Random) -> str:
    """Change one field of one record."""
    row = rng.choice(rows)
    column = rng.choice([i for i in range(1, len(COLUMNS)) if row[i]])
    old = row[column]
    place = rng.randrange(len(old))
    new = rng.choice([c for c in "0123456789abcdefxyz" if c != old[place]])
    row[column] = old[:place] + new + old[place + 1 :]
    return f"{COLUMNS[column]} of record {row[0]}"


def delete(rows: Rows, rng: random.Random) -> str:
    """Take out one record, and close the gap in the numbering or leave it."""
    gone = rng.randrange(len(rows) - 1)  # the last is a truncation
    del rows[gone]
    if rng.random() < 0.5:
        _number(rows)
    return f"record {gone + 1} taken out"


def reorder(rows: Rows, rng: random.Random) -> str:
    """Exchange the places of two records."""
    i, j = rng.sample(range(len(rows)), 2)
    rows[i][1:], rows[j][1:] = rows[j][1:], rows[i][1:]
    return f"records {i + 1} and {j + 1} exchanged"


def insert(rows: Rows, rng: random.Random) -> str:
    """Put in a record that looks like another."""
    at = rng.randrange(len(rows))
    twin = list(rng.choice(rows))
    twin[COLUMNS.index("key")] += "x"
    rows.insert(at, twin)
    _number(rows)
    return f"one put in at {at + 1}"


def truncate(rows: Rows, rng: random.Random) -> str:
    """Cut off the tail."""
    kept = rng.randrange(len(rows))
    del rows[kept:]
    return f"cut off after {kept}"


CHANGES: tuple[Callable[[Rows, random.Random], str], ...] = (edit, delete, reorder, insert, truncate)


def _number(rows: Rows) -> None:
    for number, row in enumerate(rows, 1):
        row[0] = number


def rechain(rows: Rows) -> None:
    """Make numbering, previous digests and digests right again: what only a signed head can tell from the truth."""
    _number(rows)
    previous = GENESIS
    for row in rows:
        row[1] = previous
        row[-1] = previous = sha256(preimage(tuple(row)))


def intrude(ledger: Ledger, seed: int) -> str:
    """Change a ledger behind its back in one random way, and say how."""
    rng = random.Random(seed)  # noqa: S311  a made-up intruder
    with unguarded(ledger) as connection:
        true = connection.exec_driver_sql(READ_ALL[connection.dialect.name]).all()
        rows, said = [list(row) for row in true], ""
        while [tuple(row) for row in rows] == [tuple(row) for row in true]:  # a digest changed and made right again
            said = rng.choice(CHANGES)(rows, rng)
            if rng.random() < 0.5:
                rechain(rows)
                said += ", all digests made right"
        table = "entries" if ledger.is_file else f"{SCHEMA}.entries"
        connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        if rows:
            connection.exec_driver_sql(INSERT[connection.dialect.name], [tuple(row) for row in rows])
    return said


@contextmanager
def unguarded(ledger: Ledger) -> Iterator[sa.Connection]:
    """Give a connection past the guards, and put them back as they were."""
    with ledger.engine.connect() as connection, connection.begin():
        if ledger.is_file:
            made = [s for s in sqlite_statements() if s.startswith("CREATE TRIGGER")]
            for statement in made:
                connection.exec_driver_sql(f"DROP TRIGGER {statement.split()[2]}")
        else:
            made = [s for s in postgres_statements() if "ENABLE ALWAYS TRIGGER" in s]
            connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.entries DISABLE TRIGGER ALL")
        yield connection
        for statement in made:
            connection.exec_driver_sql(statement)
