"""What the databases refuse whoever asks, in plain SQL, with our own code out of the way."""

import datetime as dt
from itertools import chain as chain_

import pytest
import sqlalchemy as sa

from trimtab.errors import EntryRefused, LedgerError
from trimtab.governance import Draft, append, open_ledger, read, verify
from trimtab.governance.canonical import sha256
from trimtab.governance.entries import COLUMNS, GENESIS, chain, person, preimage, stamp
from trimtab.governance.guards import SWITCH
from trimtab.governance.schemas import INSERT, postgres_guards, postgres_statements

V1, V2 = "1" * 64, "2" * 64
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def table(ledger):
    return "entries" if ledger.is_file else "trimtab.entries"


def run(ledger, statement, *rows):
    """Run SQL as whoever opened the ledger; return what the database said, "" where it obeyed."""
    try:
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql(statement, list(rows) or None)
    except sa.exc.DBAPIError as error:
        return str(error.orig)
    return ""


def rows_after(ledger, *drafts, at=NOON):
    sequence, digest = 0, GENESIS
    for entry in read(ledger):
        sequence, digest = entry.sequence, entry.digest
    return list(chain(drafts, sequence, digest, stamp(at)))


def insert(ledger, *rows):
    return run(ledger, INSERT["sqlite" if ledger.is_file else "postgresql"], *rows)


@pytest.fixture
def filled(ledger):
    append(ledger, [Draft("ann", "submit", "p", version=V1, key="a"), Draft("ben", "edit", "p", version=V2)], at=NOON)
    return ledger


@pytest.mark.parametrize(
    "statement",
    ["UPDATE {t} SET actor = 'eve'", "UPDATE {t} SET actor = actor WHERE sequence = 1", "DELETE FROM {t}",
     "DELETE FROM {t} WHERE sequence = 2", "TRUNCATE {t}"],
)  # fmt: skip
def test_nothing_is_updated_deleted_truncated(filled, statement):
    if "TRUNCATE" in statement and filled.is_file:
        pytest.skip("SQLite has no TRUNCATE")
    before = list(read(filled))
    assert "trimtab:APPEND_ONLY" in run(filled, statement.format(t=table(filled)))
    assert list(read(filled)) == before


def test_a_record_cannot_be_replaced(filled):
    before = list(read(filled))
    (row,) = rows_after(filled, Draft("eve", "note", "p", key="a"))
    if filled.is_file:  # REPLACE would delete the twin without asking the guard of deletions
        said = run(filled, INSERT["sqlite"].replace("INSERT", "INSERT OR REPLACE"), row)
        assert "trimtab:KEY" in said
        said = run(filled, INSERT["sqlite"].replace("INSERT", "INSERT OR REPLACE"), (1, *row[1:7], "b", *row[8:]))
        assert "trimtab:SEQUENCE" in said
    else:
        upsert = INSERT["postgresql"] + " ON CONFLICT (key) DO UPDATE SET actor = 'eve'"
        assert "trimtab:APPEND_ONLY" in run(filled, upsert, row)
    assert list(read(filled)) == before


def test_the_chain_is_checked_by_the_database(filled):
    (row,) = rows_after(filled, Draft("eve", "note", "p"))
    assert "trimtab:SEQUENCE" in insert(filled, (4, *row[1:]))
    taken = "trimtab:SEQUENCE" if filled.is_file else "entries_pkey"  # the guard, or the index that comes before it
    assert taken in insert(filled, (2, *row[1:]))
    assert "trimtab:SEQUENCE" in insert(filled, (0, *row[1:]))
    assert "trimtab:PREVIOUS" in insert(filled, (3, GENESIS, *row[2:]))
    (early,) = rows_after(filled, Draft("eve", "note", "p"), at=NOON - dt.timedelta(seconds=1))
    assert "trimtab:CLOCK" in insert(filled, early)
    (twin,) = rows_after(filled, Draft("eve", "note", "p", key="a"))
    assert insert(filled, twin)  # SQLite's guard, PostgreSQL's unique index
    assert len(list(read(filled))) == 2
    assert insert(filled, row) == ""


def test_a_wrong_digest_is_refused_or_found(filled):
    (row,) = rows_after(filled, Draft('e"v\\e', "note", "p'; DROP TABLE entries; --", {"é": '\\"\n'}))
    said = insert(filled, (*row[:-1], "f" * 64))
    if filled.is_file:
        assert verify(filled).bad == 3
    else:
        assert "trimtab:DIGEST" in said
        assert insert(filled, row) == ""
        assert verify(filled).is_whole


@pytest.mark.parametrize(("actor", "version"), [("ann", V2), ("ben", V2), ("cleo", V1)])
def test_self_approval_is_refused_by_the_database(filled, actor, version):
    (row,) = rows_after(filled, Draft(actor, "approve", "p", version=version))
    assert "trimtab:" + ("VERSION" if version == V1 else "SELF_APPROVAL") in insert(filled, row)
    (row,) = rows_after(filled, Draft("cleo", "approve", "p", version=V2))
    assert insert(filled, row) == ""


def chained(ledger, *drafts, spoil=None):
    """Rows one after another, one of them spoiled and all after it chained on as if it were right."""
    sequence, previous = max(((e.sequence, e.digest) for e in read(ledger)), default=(0, GENESIS))
    rows = []
    for i, draft in enumerate(drafts):
        (row,) = chain([draft], sequence, previous, stamp(NOON))
        row = spoil[1](row) if spoil and i == spoil[0] else row
        rows.append(row)
        sequence, previous = row[0], row[-1]
    return rows


def redigested(row):
    return (*row[:-1], sha256(preimage(row)))


SPOILED = {
    "SEQUENCE": lambda row: redigested((row[0] + 1, *row[1:])),
    "PREVIOUS": lambda row: redigested((row[0], "e" * 64, *row[2:])),
    "CLOCK": lambda row: redigested((*row[:2], stamp(NOON - dt.timedelta(microseconds=1)), *row[3:])),
    "DIGEST": lambda row: (*row[:-1], "d" * 64),
}


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("code", SPOILED)
def test_one_bad_row_of_many_in_one_statement_refuses_all(filled, code, place):
    notes = [Draft("eve", "note", "p", {"i": i}, key=f"k{i}") for i in range(4)]
    rows = chained(filled, *notes, spoil=(place, SPOILED[code]))
    said = at_once(filled, *rows)
    if filled.is_file and code == "DIGEST":
        assert verify(filled).bad == 3 + place
        return
    assert f"trimtab:{code}" in said
    assert len(list(read(filled))) == 2
    assert at_once(filled, *chained(filled, *notes)) == ""
    assert verify(filled).is_whole


def at_once(ledger, *rows):
    """Insert rows in one statement, not one after another."""
    mark = "?" if ledger.is_file else "%s"
    values = ", ".join(f"({', '.join([mark] * len(COLUMNS))})" for _ in rows)
    return run(ledger, f"INSERT INTO {table(ledger)} ({', '.join(COLUMNS)}) VALUES {values}", tuple(chain_(*rows)))


def test_what_stands_before_it_in_its_own_statement_counts(filled):
    submit, own = (Draft("cleo", verb, "q", version=V1) for verb in ("submit", "approve"))
    assert "trimtab:NOTHING_SUBMITTED" in at_once(filled, *chained(filled, own, submit))
    assert "trimtab:SELF_APPROVAL" in at_once(filled, *chained(filled, submit, own))
    other = Draft("dan", "approve", "q", version=V1)
    edit = Draft("dan", "edit", "q", version=V1)
    assert "trimtab:SELF_APPROVAL" in at_once(filled, *chained(filled, submit, edit, other))
    assert at_once(filled, *chained(filled, submit, other, edit)) == ""  # what comes after it does not
    go, stop = Draft("eve", "release", "q", version=V1), Draft("eve", "kill", SWITCH)
    assert "trimtab:UNAPPROVED" in at_once(filled, *chained(filled, go))
    again = Draft("flo", "approve", "q", version=V1)
    assert "trimtab:KILLED" in at_once(filled, *chained(filled, again, stop, go))
    assert at_once(filled, *chained(filled, again, go, stop)) == ""
    assert verify(filled).is_whole


def guards_of(name):
    (statement,) = (each for each in postgres_statements() if each.startswith(f"CREATE TRIGGER {name} "))
    return statement


HOSTILE = [
    "'; DROP TABLE entries; --",
    '"',
    "\\",
    "%s",
    "?",
    ":x",
    "{0}",
    "$$",
    "é🙂",
    "a\tb",
    "=1+1",
    "../../etc",
    "a'b\"c",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(ledger, name):
    if "\t" in name:
        with pytest.raises(EntryRefused):
            Draft(name, "note", "s")
        return
    append(ledger, [Draft(name, "note", name, {name: [name]}, key=name)])
    (found,) = read(ledger, subject=name)
    assert (found.actor, found.subject, found.key, found.body) == (person(name), name, name, {name: [name]})
    assert list(read(ledger, kind=name)) == []
    assert verify(ledger).is_whole


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\u00a0b", "\ud800", "x" * 201]
)
def test_names_that_cannot_be_seen_are_refused(name):
    for fields in ({"actor": name}, {"subject": name}, {"key": name}):
        with pytest.raises(EntryRefused):
            Draft(**{"actor": "ann", "kind": "note", "subject": "s", **fields})


def test_one_person_has_one_spelling():
    assert len({Draft(name, "note", "s").actor for name in ("Zoë", "zoë", "ZOË", "Zoe\u0308", "\uff3aoë")}) == 1


FORBIDDEN = (
    "UPDATE trimtab.entries SET actor = 'eve'",
    "DELETE FROM trimtab.entries",
    "TRUNCATE trimtab.entries",
    "ALTER TABLE trimtab.entries DISABLE TRIGGER ALL",
    "DROP TABLE trimtab.entries",
    "DROP SCHEMA trimtab CASCADE",
    "CREATE OR REPLACE FUNCTION trimtab.guard_insert() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "SET session_replication_role = replica",
)


class TestPostgreSQL:
    """What only a server has: people with rights of their own."""

    @pytest.fixture
    def server(self, postgres):
        database = postgres.new_database()
        from trimtab.governance import create_ledger

        with create_ledger(postgres.url(database)) as owner:
            for person, role in (("wanda", "trimtab_writer"), ("rita", "trimtab_reader"), ("nobody_yet", None)):
                create = f"DO $$ BEGIN CREATE ROLE {person} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
                assert run(owner, create) == ""
                if role:
                    assert run(owner, f"GRANT {role} TO {person}") == ""
            yield owner, lambda person: postgres.url(database, person)

    def test_a_writer_may_append_and_read_only(self, server):
        with open_ledger(server[1]("wanda")) as writer:
            append(writer, [Draft("wanda", "note", "s")])
            assert len(list(read(writer))) == 1
            assert verify(writer).is_whole
            run(writer, "GRANT ALL ON trimtab.entries TO wanda")  # a warning, and nothing granted
            for statement in FORBIDDEN:
                assert run(writer, statement), statement
            assert len(list(read(writer))) == 1

    def test_a_table_of_the_same_name_deceives_no_guard(self, server):
        append(server[0], [Draft("wanda", "submit", "p", version=V1)], at=NOON)
        with open_ledger(server[1]("wanda")) as writer:
            (row,) = rows_after(writer, Draft("wanda", "approve", "p", version=V1))
            with writer.engine.connect() as connection:
                connection.exec_driver_sql("CREATE TEMPORARY TABLE entries (LIKE trimtab.entries)")
                connection.exec_driver_sql("SET search_path = pg_temp, trimtab")
                connection.exec_driver_sql("CREATE TEMPORARY TABLE fresh (LIKE trimtab.entries)")
                with pytest.raises(sa.exc.DBAPIError, match="SELF_APPROVAL"):
                    connection.exec_driver_sql(INSERT["postgresql"], [row])

    @pytest.mark.parametrize(
        "way",
        [
            "WITH one AS (INSERT INTO trimtab.entries SELECT * FROM given WHERE kind = 'submit'), "
            "two AS (INSERT INTO trimtab.entries SELECT * FROM given WHERE kind = 'approve') SELECT 1",
            "MERGE INTO trimtab.entries t USING given g ON t.key = g.key WHEN NOT MATCHED THEN INSERT VALUES "
            "(g.sequence, g.previous, g.at, g.actor, g.kind, g.subject, g.version, g.key, g.body, g.digest)",
            "INSERT INTO trimtab.entries SELECT * FROM given ORDER BY sequence DESC ON CONFLICT DO NOTHING",
            "DO $$ BEGIN BEGIN INSERT INTO trimtab.entries SELECT * FROM given; EXCEPTION WHEN division_by_zero "
            "THEN NULL; END; END $$",
        ],
    )
    def test_no_other_way_of_inserting_passes_the_guard(self, server, way):
        drafts = [Draft("wanda", verb, "p", version=V1) for verb in ("submit", "approve")]
        with open_ledger(server[1]("wanda")) as writer, writer.engine.connect() as connection:
            connection.exec_driver_sql("CREATE TEMPORARY TABLE given (LIKE trimtab.entries)")
            connection.exec_driver_sql(
                INSERT["postgresql"].replace("trimtab.entries", "given"), list(rows_after(writer, *drafts))
            )
            if way.startswith("MERGE") and connection.dialect.server_version_info < (15,):
                pytest.skip("MERGE came with PostgreSQL 15")
            with pytest.raises(sa.exc.DBAPIError, match=r"SELF_APPROVAL|SEQUENCE"):
                connection.exec_driver_sql(way)
        assert list(read(server[0])) == []

    def test_a_reader_reads(self, server):
        append(server[0], [Draft("ann", "note", "s")])
        with open_ledger(server[1]("rita")) as reader:
            assert len(list(read(reader))) == 1
            assert verify(reader).is_whole
            with pytest.raises(LedgerError):
                append(reader, [Draft("rita", "note", "s")])

    def test_others_see_nothing(self, server):
        with pytest.raises(LedgerError), open_ledger(server[1]("nobody_yet")) as other:
            list(read(other))

    def test_a_disabled_or_rewritten_guard_is_found(self, server):
        owner = server[0]
        assert len(postgres_guards()) == 4
        assert verify(owner).is_whole
        assert run(owner, "ALTER TABLE trimtab.entries DISABLE TRIGGER entries_no_change") == ""
        assert "entries_no_change" in verify(owner).why
        assert run(owner, "ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_no_change") == ""
        assert verify(owner).is_whole
        for guard in (
            "BEFORE UPDATE OF key ON trimtab.entries FOR EACH ROW",
            "BEFORE UPDATE OR DELETE ON trimtab.entries FOR EACH ROW WHEN (OLD.actor = 'nobody')",
        ):  # the name and the function are right, and it never speaks
            assert run(owner, "DROP TRIGGER entries_no_change ON trimtab.entries") == ""
            made = f"CREATE TRIGGER entries_no_change {guard} EXECUTE FUNCTION trimtab.refuse_change()"
            assert run(owner, made) == ""
            assert run(owner, "ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_no_change") == ""
            assert "entries_no_change" in verify(owner).why
        lax = "CREATE OR REPLACE FUNCTION trimtab.guard_insert() RETURNS trigger LANGUAGE plpgsql AS "
        assert run(owner, lax + "$$ BEGIN RETURN NEW; END $$") == ""
        assert run(owner, "DROP TRIGGER entries_no_change ON trimtab.entries") == ""
        assert run(owner, guards_of("entries_no_change")) == ""
        assert run(owner, "ALTER TABLE trimtab.entries ENABLE ALWAYS TRIGGER entries_no_change") == ""
        assert "entries_insert" in verify(owner).why
