"""The table of the ledger, and the guards that the database itself keeps: whoever speaks SQL meets them too.

=================  =====================================================================================
SEQUENCE           a record has the number after the last
PREVIOUS           and the last one's digest
CLOCK              and does not stand before it in time
KEY                an act is recorded once
NOTHING_SUBMITTED  an approval is of something submitted
VERSION            and of its current version: that of the subject's last ``submit`` or ``edit``
SELF_APPROVAL      and not by the person of the last ``submit``, of the last ``edit``, or any who wrote these bytes
KILLED             nothing is released while the kill switch is on
UNAPPROVED         nor a run that nobody approved as it is
APPEND_ONLY        nothing is updated, deleted or truncated
DIGEST             PostgreSQL: the digest is that of the record (SQLite has no SHA-256; there `verify` finds it)
=================  =====================================================================================

In PostgreSQL the table lies in the schema ``trimtab`` and is always named with it: a temporary table of the same name,
which anyone may make, does not deceive the guards. The role ``trimtab_writer`` may insert and read, and
``trimtab_reader`` read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from .entries import APPROVING, COLUMNS, GENESIS
from .guards import REFUSALS as GUARDED
from .guards import RELEASING, approval_checks, listed, release_checks

FORMATS = {"sqlite": 1, "postgresql": 2}
"""The number of each layout (SQLite: ``user_version``; PostgreSQL: the comment of the schema)."""
SCHEMA = "trimtab"
WRITER, READER = "trimtab_writer", "trimtab_reader"
LOCK = 0x7472_696D_7461_62
"""The advisory lock that appends take in turn ("trimtab")."""

ENTRIES = sa.Table(
    "entries",
    sa.MetaData(),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("previous", "at", "actor", "kind", "subject", "version")),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

REFUSALS = {
    "SEQUENCE": "a record does not have the number after the last",
    "PREVIOUS": "a record does not carry the digest of the last",
    "CLOCK": "the clock went backwards: the last record is later",
    "KEY": "this key is taken by another record",
    **GUARDED,
    "APPEND_ONLY": "the ledger is append-only: no update, delete or truncate",
    "DIGEST": "the digest is not that of the record",
}
"""What each guard says; the database's message is ``trimtab:CODE``."""


def sqlite_statements() -> list[str]:
    """Return the statements that make an empty SQLite file a ledger; SQLite keeps each word for word."""
    raising = "SELECT RAISE(ABORT, 'trimtab:{}') WHERE {};"
    order = {
        "KEY": "EXISTS (SELECT 1 FROM entries WHERE key = NEW.key)",  # before REPLACE could delete the other record
        "SEQUENCE": "NEW.sequence IS NOT coalesce((SELECT max(sequence) FROM entries), 0) + 1",
        "PREVIOUS": "NEW.previous IS NOT coalesce((SELECT digest FROM entries ORDER BY sequence DESC LIMIT 1), "
        f"'{GENESIS}')",
        "CLOCK": "NEW.at < (SELECT at FROM entries ORDER BY sequence DESC LIMIT 1)",
    }
    body = "\n".join("  " + raising.format(code, condition) for code, condition in order.items())
    approval, release = (
        "\n".join("  " + raising.format(code, is_so) for code, is_so in checks("entries").items())
        for checks in (approval_checks, release_checks)
    )
    columns = ", ".join(f"{c.name} TEXT NOT NULL CHECK (typeof({c.name}) = 'text')" for c in ENTRIES.columns[1:])
    return [
        f"CREATE TABLE entries (sequence INTEGER PRIMARY KEY NOT NULL, {columns}, {_CHECKS})",
        "CREATE UNIQUE INDEX entries_key ON entries (key)",
        "CREATE INDEX entries_subject ON entries (subject, sequence)",
        "CREATE INDEX entries_kind ON entries (kind, sequence)",
        f"CREATE TRIGGER entries_order BEFORE INSERT ON entries BEGIN\n{body}\nEND",
        f"CREATE TRIGGER entries_approval BEFORE INSERT ON entries WHEN NEW.kind IN ({listed(APPROVING)}) "
        f"BEGIN\n{approval}\nEND",
        f"CREATE TRIGGER entries_release BEFORE INSERT ON entries WHEN NEW.kind IN ({listed(RELEASING)}) "
        f"BEGIN\n{release}\nEND",
        *(
            f"CREATE TRIGGER entries_no_{verb.lower()} BEFORE {verb} ON entries "
            "BEGIN SELECT RAISE(ABORT, 'trimtab:APPEND_ONLY'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        f"PRAGMA user_version = {FORMATS['sqlite']}",
    ]


_CHECKS = (
    "CHECK (length(previous) = 64 AND length(digest) = 64 AND length(version) IN (0, 64) AND length(at) = 27 "
    "AND length(actor) > 0 AND length(kind) > 0 AND length(subject) > 0 AND length(key) > 0)"
)


def postgres_statements() -> list[str]:
    """Return the statements that make the ledger in a PostgreSQL database: owner's work, done once."""
    table, number = f"{SCHEMA}.entries", FORMATS["postgresql"]
    columns = ", ".join(f'{c.name} text COLLATE "C" NOT NULL' for c in ENTRIES.columns[1:])
    return [
        f"CREATE SCHEMA {SCHEMA}",
        f"COMMENT ON SCHEMA {SCHEMA} IS 'trimtab ledger, format {number}'",
        f"CREATE TABLE {table} (sequence bigint PRIMARY KEY, {columns}, {_CHECKS})",
        f"CREATE UNIQUE INDEX entries_key ON {table} (key)",
        f"CREATE INDEX entries_subject ON {table} (subject, sequence)",
        f"CREATE INDEX entries_kind ON {table} (kind, sequence)",
        *(
            f"CREATE FUNCTION {SCHEMA}.{function}() RETURNS trigger LANGUAGE plpgsql {_PATH} AS $${source}$$"
            for function, source in _sources(table).items()
        ),
        *(
            f"CREATE TRIGGER {guard.name} {guard.when} ON {table} {guard.each} EXECUTE FUNCTION "
            f"{SCHEMA}.{guard.function}()"
            for guard in _GUARDS
        ),
        # Always, whatever session_replication_role says (a superuser's way round ordinary triggers).
        *(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard.name}" for guard in _GUARDS),
        *(f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
          for role in (WRITER, READER)),
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"REVOKE ALL ON {table} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {WRITER}, {READER}",
        f"GRANT INSERT, SELECT ON {table} TO {WRITER}",
        f"GRANT SELECT ON {table} TO {READER}",
    ]  # fmt: skip


@dataclass(frozen=True)
class _Guard:
    """A trigger of PostgreSQL: its function, when it speaks, and the same as PostgreSQL's catalogue has it."""

    name: str
    function: str
    when: str
    each: str
    kind: int
    """``tgtype``: 1 each row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate."""
    fresh: str = ""
    """What the new rows are called (``tgnewtable``)."""


_GUARDS = (
    # Writers take turns before the first row goes in: two that each held half of what the other needs would deadlock.
    _Guard("entries_turn", "take_turn", "BEFORE INSERT", "FOR EACH STATEMENT", 2 + 4),
    # Once for all rows of a statement: a call a row costs more than the row.
    _Guard("entries_insert", "guard_insert", "AFTER INSERT", "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT", 4,
           "fresh"),
    _Guard("entries_no_change", "refuse_change", "BEFORE UPDATE OR DELETE", "FOR EACH ROW", 1 + 2 + 8 + 16),
    _Guard("entries_no_truncate", "refuse_change", "BEFORE TRUNCATE", "FOR EACH STATEMENT", 2 + 32),
)  # fmt: skip
_PATH = "SET search_path = pg_catalog, pg_temp"


def _sources(table: str) -> dict[str, str]:
    """Return the bodies of the guards' functions in PostgreSQL."""
    return {
        "take_turn": f" BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END ",
        "guard_insert": _insert_guard(table),
        "refuse_change": " BEGIN RAISE EXCEPTION 'trimtab:APPEND_ONLY'; END ",
    }


def _insert_guard(table: str) -> str:
    """Return what is asked of the rows of one statement, which stand in the table already; a refusal takes them out.

    Each row is held against the one before it, the first against the record that stood last; and an approval or a
    release against the records before it, those of its own statement too.
    """
    approvals, releases = (
        "\n".join(f"      IF {is_so} THEN RAISE EXCEPTION 'trimtab:{code}'; END IF;" for code, is_so in checks.items())
        for checks in (
            guard(table, "one", " AND sequence < one.sequence") for guard in (approval_checks, release_checks)
        )
    )
    return f"""
DECLARE
  last record;
  code text;
  one record;
BEGIN
  SELECT sequence, digest, at INTO last FROM {table} WHERE sequence < (SELECT min(sequence) FROM fresh)
    ORDER BY sequence DESC LIMIT 1;
  SELECT CASE WHEN sequence <> number + 1 THEN 'SEQUENCE' WHEN previous <> before THEN 'PREVIOUS'
      WHEN at < since THEN 'CLOCK' ELSE 'DIGEST' END INTO code
    FROM (SELECT *, lag(sequence, 1, coalesce(last.sequence, 0)) OVER so AS number,
        lag(digest, 1, coalesce(last.digest, '{GENESIS}')) OVER so AS before,
        lag(at, 1, coalesce(last.at, '')) OVER so AS since
      FROM fresh WINDOW so AS (ORDER BY sequence)) AS each
    WHERE sequence <> number + 1 OR previous <> before OR at < since OR digest <> encode(sha256(convert_to(
      '{{"actor":' || to_json(actor) || ',"at":"' || at || '","body":' || body || ',"key":' || to_json(key)
      || ',"kind":"' || kind || '","previous":"' || previous || '","sequence":' || sequence
      || ',"subject":' || to_json(subject) || ',"version":"' || version || '"}}', 'UTF8')), 'hex')
    ORDER BY sequence LIMIT 1;
  IF code IS NOT NULL THEN RAISE EXCEPTION USING MESSAGE = 'trimtab:' || code; END IF;
  FOR one IN SELECT * FROM fresh WHERE kind IN ({listed((*APPROVING, *RELEASING))}) ORDER BY sequence LOOP
    IF one.kind IN ({listed(APPROVING)}) THEN
{approvals}
    ELSE
{releases}
    END IF;
  END LOOP;
  RETURN NULL;
END """


INSERT = {
    "sqlite": f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
    "postgresql": f"INSERT INTO {SCHEMA}.entries ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})",
}
"""How rows of `entries.COLUMNS` go in."""
COPY = f"COPY {SCHEMA}.entries ({', '.join(COLUMNS)}) FROM STDIN"
"""PostgreSQL: many rows at once, past the driver's costly arrays; the guards look at these as at any other."""
READ_ALL = {
    "sqlite": f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY sequence",
    "postgresql": f"SELECT {', '.join(COLUMNS)} FROM {SCHEMA}.entries ORDER BY sequence",
}
"""And how all of them come out."""
READ_KEYS = f"SELECT {', '.join(COLUMNS)} FROM {SCHEMA}.entries WHERE key = ANY(%s)"
"""PostgreSQL: those that carry some keys."""
HIDDEN = {
    index: f"SELECT (SELECT count(*) FROM entries NOT INDEXED) <> (SELECT count(*) FROM entries INDEXED BY {index} "
    f"WHERE {name} >= '') OR EXISTS (SELECT 1 FROM entries t NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM entries i "
    f"INDEXED BY {index} WHERE i.{name} = t.{name} AND i.sequence = t.sequence))"
    for index, name in (("entries_kind", "kind"), ("entries_subject", "subject"), ("entries_key", "key"))
}
"""For each index of SQLite: does it hide a record? Every record is found by it, and it has no more: the same set."""
GUARDS = f"""SELECT t.tgname, t.tgenabled::text, t.tgtype::int, coalesce(t.tgnewtable, ''),
t.tgqual IS NULL AND t.tgattr::text = '' AND t.tgnargs = 0, l.lanname, p.proconfig::text, md5(p.prosrc)
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
WHERE t.tgrelid = '{SCHEMA}.entries'::regclass AND NOT t.tgisinternal"""
"""What PostgreSQL says of its triggers, as `postgres_guards`."""


def postgres_guards() -> list[tuple]:
    """Return what `GUARDS` must answer: each trigger, always on, when it speaks and the MD5 of what it does."""
    sources = {
        function: hashlib.md5(source.encode(), usedforsecurity=False).hexdigest()
        for function, source in _sources(f"{SCHEMA}.entries").items()
    }
    path = '{"search_path=pg_catalog, pg_temp"}'
    return [
        (guard.name, "A", guard.kind, guard.fresh, True, "plpgsql", path, sources[guard.function]) for guard in _GUARDS
    ]
