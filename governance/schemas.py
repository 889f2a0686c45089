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

import sqlalchemy as sa

from .entries import APPROVING, COLUMNS, GENESIS
from .guards import REFUSALS as GUARDED
from .guards import RELEASING, approval_checks, listed, release_checks

FORMAT = 1
"""The number of this layout (SQLite: ``user_version``; PostgreSQL: the comment of the schema)."""
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
        f"PRAGMA user_version = {FORMAT}",
    ]


_CHECKS = (
    "CHECK (length(previous) = 64 AND length(digest) = 64 AND length(version) IN (0, 64) AND length(at) = 27 "
    "AND length(actor) > 0 AND length(kind) > 0 AND length(subject) > 0 AND length(key) > 0)"
)


def postgres_statements() -> list[str]:
    """Return the statements that make the ledger in a PostgreSQL database: owner's work, done once."""
    table = f"{SCHEMA}.entries"
    columns = ", ".join(f'{c.name} text COLLATE "C" NOT NULL' for c in ENTRIES.columns[1:])
    return [
        f"CREATE SCHEMA {SCHEMA}",
        f"COMMENT ON SCHEMA {SCHEMA} IS 'trimtab ledger, format {FORMAT}'",
        f"CREATE TABLE {table} (sequence bigint PRIMARY KEY, {columns}, {_CHECKS})",
        f"CREATE UNIQUE INDEX entries_key ON {table} (key)",
        f"CREATE INDEX entries_subject ON {table} (subject, sequence)",
        f"CREATE INDEX entries_kind ON {table} (kind, sequence)",
        _postgres_insert_guard(table),
        f"CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE EXCEPTION 'trimtab:APPEND_ONLY'; END $$",
        f"CREATE TRIGGER entries_insert BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.guard_insert()",
        f"CREATE TRIGGER entries_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.refuse_change()",
        f"CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()",
        # Always, whatever session_replication_role says (a superuser's way round ordinary triggers).
        *(
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
            for name in ("entries_insert", "entries_no_change", "entries_no_truncate")
        ),
        *(f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
          for role in (WRITER, READER)),
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"REVOKE ALL ON {table} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {WRITER}, {READER}",
        f"GRANT INSERT, SELECT ON {table} TO {WRITER}",
        f"GRANT SELECT ON {table} TO {READER}",
    ]  # fmt: skip


def _postgres_insert_guard(table: str) -> str:
    approvals, releases = (
        "\n".join(f"    IF {is_so} THEN RAISE EXCEPTION 'trimtab:{code}'; END IF;" for code, is_so in checks.items())
        for checks in (approval_checks(table), release_checks(table))
    )
    return f"""CREATE FUNCTION {SCHEMA}.guard_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE last record;
BEGIN
  PERFORM pg_advisory_xact_lock({LOCK});
  SELECT sequence, digest, at INTO last FROM {table} ORDER BY sequence DESC LIMIT 1;
  IF NEW.sequence IS DISTINCT FROM coalesce(last.sequence, 0) + 1 THEN RAISE EXCEPTION 'trimtab:SEQUENCE'; END IF;
  IF NEW.previous IS DISTINCT FROM coalesce(last.digest, '{GENESIS}') THEN RAISE EXCEPTION 'trimtab:PREVIOUS'; END IF;
  IF NEW.at < last.at THEN RAISE EXCEPTION 'trimtab:CLOCK'; END IF;
  IF NEW.digest IS DISTINCT FROM encode(sha256(convert_to(
    '{{"actor":' || to_json(NEW.actor) || ',"at":"' || NEW.at || '","body":' || NEW.body
    || ',"key":' || to_json(NEW.key) || ',"kind":"' || NEW.kind
    || '","previous":"' || NEW.previous || '","sequence":' || NEW.sequence
    || ',"subject":' || to_json(NEW.subject) || ',"version":"' || NEW.version || '"}}', 'UTF8')), 'hex')
  THEN RAISE EXCEPTION 'trimtab:DIGEST'; END IF;
  IF NEW.kind IN ({listed(APPROVING)}) THEN
{approvals}
  ELSIF NEW.kind IN ({listed(RELEASING)}) THEN
{releases}
  END IF;
  RETURN NEW;
END $$"""


INSERT = {
    "sqlite": f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
    "postgresql": f"INSERT INTO {SCHEMA}.entries ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})",
}
"""How rows of `entries.COLUMNS` go in."""
COPY = f"COPY {SCHEMA}.entries ({', '.join(COLUMNS)}) FROM STDIN"
"""PostgreSQL: many rows at once, past the driver's costly arrays; the guards look at each row as at any other."""
READ_ALL = {
    "sqlite": f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY sequence",
    "postgresql": f"SELECT {', '.join(COLUMNS)} FROM {SCHEMA}.entries ORDER BY sequence",
}
"""And how all of them come out."""
HIDDEN = {
    index: f"SELECT (SELECT count(*) FROM entries NOT INDEXED) <> (SELECT count(*) FROM entries INDEXED BY {index} "
    f"WHERE {name} >= '') OR EXISTS (SELECT 1 FROM entries t NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM entries i "
    f"INDEXED BY {index} WHERE i.{name} = t.{name} AND i.sequence = t.sequence))"
    for index, name in (("entries_kind", "kind"), ("entries_subject", "subject"), ("entries_key", "key"))
}
"""For each index of SQLite: does it hide a record? Every record is found by it, and it has no more: the same set."""
GUARDS = f"""SELECT t.tgname, t.tgenabled::text, md5(p.prosrc) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = '{SCHEMA}.entries'::regclass AND NOT t.tgisinternal"""
"""What PostgreSQL says of its triggers, as `postgres_guards`."""


def postgres_guards() -> list[tuple[str, str, str]]:
    """Return name, state (A: always) and MD5 of the source of each trigger that must stand."""
    table = f"{SCHEMA}.entries"
    source = {"entries_insert": _postgres_insert_guard(table).split("$$")[1]}
    change = " BEGIN RAISE EXCEPTION 'trimtab:APPEND_ONLY'; END "
    source |= {"entries_no_change": change, "entries_no_truncate": change}
    return [(name, "A", hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()) for name, text in source.items()]
