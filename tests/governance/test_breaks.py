"""Servers that stop, connections that break, many writers at once: nothing lost, nothing doubled."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from trimtab.errors import LedgerError
from trimtab.governance import Draft, append, create_ledger, open_ledger, read, verify


def notes(count, who="ann"):
    return [Draft(who, "note", f"s/{who}", {"i": i}) for i in range(count)]


def test_many_writers_take_turns(ledger, where):
    def write(number):
        with open_ledger(where) as own:
            for draft in notes(10, f"writer{number}"):
                append(own, [draft])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    entries = list(read(ledger))
    assert [e.sequence for e in entries] == list(range(1, 41))
    assert verify(ledger).is_whole
    for number in range(4):
        own = [e.body["i"] for e in entries if e.actor == f"writer{number}"]
        assert own == list(range(10))


def test_all_of_a_batch_or_nothing(ledger):
    good, bad = Draft("ann", "note", "s"), Draft("ann", "approve", "s", version="1" * 64)
    with pytest.raises(Exception, match="submitted"):
        append(ledger, [good, bad])
    assert list(read(ledger)) == []


def test_many_make_one_ledger_at_once(where):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(create_ledger, [where] * 4))
    append(made[0], notes(1))
    assert len(list(read(made[3]))) == 1
    for ledger in made:
        ledger.close()


def break_off_after_commit(ledger, times):
    """Break the way to the server just after COMMIT was carried out, so that its answer never comes."""
    left = [times]

    @sa.event.listens_for(ledger.engine, "commit")
    def commit(connection):
        if left[0] and connection.get_execution_options().get("trimtab_writes"):
            left[0] -= 1
            driver = connection.connection.driver_connection
            driver.commit()  # what the server did
            driver.close()  # and what was heard of it: nothing

    return left


@pytest.mark.parametrize("times", [1, 3])
def test_a_connection_dropped_after_commit_doubles_nothing(postgres, times):
    with create_ledger(postgres.url(postgres.new_database())) as ledger:
        left = break_off_after_commit(ledger, times)
        drafts = notes(20)
        entries = append(ledger, drafts)
        assert left == [0]
        assert [e.key for e in entries] == [d.key for d in drafts]
        assert list(read(ledger)) == entries
        assert append(ledger, drafts) == entries
        assert verify(ledger).is_whole


@pytest.mark.parametrize("when", ["before the rows", "before commit"])
def test_a_connection_dropped_before_commit_loses_nothing(postgres, when):
    with create_ledger(postgres.url(postgres.new_database())) as ledger:
        killed = []

        def kill(connection):
            if not killed:
                killed.append(True)
                pid = connection.connection.driver_connection.info.backend_pid
                with sa.create_engine(ledger.engine.url).connect() as other:
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")

        @sa.event.listens_for(ledger.engine, "after_cursor_execute")
        def executed(connection, cursor, statement, *_):
            if when == "before the rows" and "clock_timestamp" in statement:
                kill(connection)

        @sa.event.listens_for(ledger.engine, "commit")
        def commit(connection):
            if when == "before commit" and connection.get_execution_options().get("trimtab_writes"):
                kill(connection)

        entries = append(ledger, notes(20))
        assert killed
        assert list(read(ledger)) == entries
        assert len(entries) == 20


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_the_server_loses_and_doubles_nothing(postgres, mode):
    with create_ledger(postgres.url(postgres.new_database())) as ledger:
        drafts, done = notes(60), []
        halfway = threading.Event()

        def write():
            for draft in drafts:
                done.extend(append(ledger, [draft]))
                if len(done) == 20:
                    halfway.set()

        writer = threading.Thread(target=write)
        writer.start()
        assert halfway.wait(30)
        postgres.stop(mode)
        postgres.start()
        writer.join(60)
        assert not writer.is_alive()
        assert [e.key for e in done] == [d.key for d in drafts]
        assert list(read(ledger)) == done
        assert verify(ledger).is_whole


def test_who_waits_too_long_is_told_and_may_ask_again(postgres):
    import dataclasses

    with create_ledger(postgres.url(postgres.new_database())) as ledger:
        drafts = notes(3)
        postgres.stop()
        try:
            with pytest.raises(LedgerError) as told:
                append(dataclasses.replace(ledger, patience=0.2), drafts)
        finally:
            postgres.start()
        assert told.value.code == "UNREACHABLE"
        assert append(ledger, drafts) == list(read(ledger))


def test_a_crash_in_the_middle_of_writing_a_file_loses_only_what_was_not_told(sqlite_ledger, tmp_path):
    """The file and its log, copied while a writer stands before COMMIT, are what a crash leaves."""
    import shutil

    from trimtab.governance.connections import writing
    from trimtab.governance.entries import chain, stamp
    from trimtab.governance.ledgers import last
    from trimtab.governance.schemas import INSERT

    told = append(sqlite_ledger, notes(5))
    sequence, digest, at = last(sqlite_ledger)
    with writing(sqlite_ledger) as connection:
        connection.exec_driver_sql(INSERT["sqlite"], list(chain(notes(50), sequence, digest, stamp(at))))
        for file in tmp_path.glob("ledger.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, tmp_path / file.name.replace("ledger", "crashed"))
    with open_ledger(tmp_path / "crashed.db") as crashed:
        assert list(read(crashed)) == told
        assert verify(crashed).is_whole
    assert len(list(read(sqlite_ledger))) == 55


SECRET = "hunter2"  # noqa: S105  the one that must not be said
WRONG = [
    ("postgresql://{s}:{s}@/DATABASE?host=HOST", "no such user"),
    ("postgresql://owner:{s}@/nowhere?host=HOST", "no such database"),
    ("postgresql://owner:{s}@/DATABASE?host=HOST&port=5999", "no server answers"),
    ("postgresql://owner:{s}@127.0.0.1:1/x", "no server answers"),
    ("postgresql://owner:{s}@/postgres?host=HOST", "holds no ledger"),
    ("postgresql://owner:a@{s}@/x", "no PostgreSQL address"),
    ("mysql://owner:{s}@/x", "no PostgreSQL address"),
]


@pytest.mark.parametrize(("address", "said"), WRONG)
def test_a_wrong_address_is_told_from_another_and_no_secret_is_said(postgres, address, said):
    database = postgres.new_database()
    url = address.format(s=SECRET).replace("DATABASE", database).replace("HOST", str(postgres.folder))
    with pytest.raises(LedgerError, match=said) as told:
        open_ledger(url)
    assert SECRET not in str(told.value).replace(f"postgresql://{SECRET}:", "")
    assert SECRET not in repr(told.value.__dict__)


def test_a_wrong_password_is_said_and_not_repeated(postgres):
    database = postgres.new_database()
    with create_ledger(postgres.url(database)) as owner, owner.engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE with_password LOGIN PASSWORD 'right'")
    rules = postgres.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all with_password scram-sha-256\n" + before)
    postgres.reload()
    try:
        address = postgres.url(database, f"with_password:{SECRET}")
        with pytest.raises(LedgerError, match="the user or the password is wrong") as told:
            open_ledger(address)
        assert SECRET not in str(told.value)
        with pytest.raises(LedgerError, match="asks for a password"):
            open_ledger(postgres.url(database, "with_password"))
        known = open_ledger(address.replace(SECRET, "right"))
        with known, pytest.raises(LedgerError, match="may not do that"):  # who has no role may not even read
            list(read(known))
    finally:
        rules.write_text(before)
        postgres.reload()


def test_a_file_that_is_no_ledger_is_told_from_one_that_may_only_be_read(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("not a database, however long it may be " * 100)
    other.chmod(0o600)
    for make in (open_ledger, create_ledger):
        with pytest.raises(LedgerError, match="this file is no ledger"):
            make(other)
    assert other.read_text().startswith("not a database")
