"""Whoever has the file in hand is found: one checkpoint is enough."""

import os
import random
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.intruders import CHANGES, intrude, unguarded
from benchmarks.ledgers import campaign, fill, head
from trimtab.errors import GovernanceError, LedgerError
from trimtab.governance import Draft, append, open_ledger, read, verify
from trimtab.governance.entries import GENESIS

MORE = int(os.environ.get("TRIMTAB_CAMPAIGN", "60")) // 60


def table(ledger):
    return "entries" if ledger.is_file else "trimtab.entries"


def change(ledger, statement):
    with unguarded(ledger) as connection:
        connection.exec_driver_sql(statement.format(t=table(ledger)))


@pytest.fixture
def filled(ledger):
    fill(ledger, 40)
    return ledger


def test_an_untouched_ledger_is_whole(ledger):
    assert verify(ledger).is_whole
    assert verify(ledger).head == GENESIS
    fill(ledger, 7)
    assert (verify(ledger).records, verify(ledger).unsealed) == (7, 7)
    mark = head(ledger)
    fill(ledger, 3)
    verdict = verify(ledger, [mark])
    assert verdict.is_whole
    assert (verdict.records, verdict.sealed, verdict.unsealed) == (10, 7, 3)
    assert verdict.head == head(ledger).digest


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE {t} SET actor = 'eve' WHERE sequence = 17", 17),
        ("UPDATE {t} SET body = '{{}}' WHERE sequence = 1", 1),
        ("UPDATE {t} SET version = '" + "0" * 64 + "' WHERE sequence = 40", 40),
        ("UPDATE {t} SET at = '2020-01-01T00:00:00.000000Z' WHERE sequence = 5", 5),
        ("DELETE FROM {t} WHERE sequence = 9", 9),
        ("DELETE FROM {t} WHERE sequence > 30", 31),
        ("DELETE FROM {t}", 1),
        ("UPDATE {t} SET sequence = 99 WHERE sequence = 40", 40),
    ],
)
def test_the_first_bad_record_is_named(filled, statement, bad):
    mark = head(filled)
    change(filled, statement)
    verdict = verify(filled, [mark])
    assert verdict.bad == bad
    assert verdict.records == bad - 1
    assert str(bad) in verdict.why


def test_a_record_written_anew_with_its_digest_is_named(filled):
    """Digest and record agree; the next one follows another."""
    from trimtab.governance.canonical import sha256
    from trimtab.governance.entries import preimage

    with unguarded(filled) as connection:
        columns = "sequence, previous, at, actor, kind, subject, version, key, body"
        row = list(connection.exec_driver_sql(f"SELECT {columns} FROM {table(filled)} WHERE sequence = 12").one())
        row[3] = "eve"
        digest = sha256(preimage(tuple(row)))
        connection.exec_driver_sql(f"UPDATE {table(filled)} SET actor = 'eve', digest = '{digest}' WHERE sequence = 12")
    verdict = verify(filled)
    assert (verdict.bad, verdict.records) == (12, 11)


def test_the_head_is_that_of_the_last_sound_record_where_it_is_known(sqlite_ledger):
    fill(sqlite_ledger, 20)
    digests = [GENESIS, *(entry.digest for entry in read(sqlite_ledger))]
    change(sqlite_ledger, "UPDATE {t} SET actor = 'eve' WHERE sequence = 17")
    verdict = verify(sqlite_ledger)
    assert (verdict.records, verdict.head, verdict.unsealed) == (16, digests[16], 16)
    assert "record 17 was changed: its digest is another" in verdict.why
    change(sqlite_ledger, "UPDATE {t} SET previous = '" + "0" * 64 + "' WHERE sequence = 9")
    verdict = verify(sqlite_ledger)
    assert (verdict.records, verdict.head) == (8, digests[8])


def test_of_a_record_that_follows_another_the_head_is_not_known(sqlite_ledger):
    """Its predecessor was written anew, so the last sound record is the one before that; its digest is not known."""
    from trimtab.governance.canonical import sha256
    from trimtab.governance.entries import preimage

    fill(sqlite_ledger, 6)
    with unguarded(sqlite_ledger) as connection:
        columns = "sequence, previous, at, actor, kind, subject, version, key, body"
        row = list(connection.exec_driver_sql(f"SELECT {columns} FROM entries WHERE sequence = 3").one())
        row[3] = "eve"
        digest = sha256(preimage(tuple(row)))
        connection.exec_driver_sql(f"UPDATE entries SET actor = 'eve', digest = '{digest}' WHERE sequence = 3")
    verdict = verify(sqlite_ledger)
    assert (verdict.bad, verdict.records, verdict.head) == (3, 2, "")
    assert "record 3 was changed, moved or put in: record 4 follows another" in verdict.why


def test_what_cannot_be_asked_is_an_error_and_no_verdict(ledger, monkeypatch):
    """A server that refuses, or a connection that is gone: nobody may take that for a ledger that is whole."""
    from trimtab.governance import verification

    if ledger.is_file:
        gone = SimpleNamespace(connection=SimpleNamespace(driver_connection=None))
        monkeypatch.setattr(verification, "_lost_guards", lambda ledger: "")
        monkeypatch.setattr(verification, "read_only", lambda ledger: nullcontext(gone))
    else:
        monkeypatch.setattr(verification, "READ_ALL", {"postgresql": "SELECT 1 / 0"})
    with pytest.raises(LedgerError) as told:
        verify(ledger)
    assert told.value.code == "UNREACHABLE"


@pytest.mark.parametrize("seed", range(15))
def test_an_intruder_is_found_on_both_databases(filled, seed):
    mark = head(filled)
    said = intrude(filled, seed)
    verdict = verify(filled, [mark])
    assert not verdict.is_whole, said
    assert verdict.bad is not None


def test_the_sample_has_every_kind_of_change():
    kinds = {random.Random(seed).choice(CHANGES).__name__ for seed in range(15)}
    assert kinds == {each.__name__ for each in CHANGES}


def test_a_hundred_intruders_with_a_copy_of_the_file_are_found(sqlite_ledger, tmp_path):
    fill(sqlite_ledger, 60)
    assert campaign(sqlite_ledger, tmp_path, range(1000, 1000 + 100 * MORE)) == []


def test_a_flipped_byte_is_found_or_changes_nothing(sqlite_ledger, tmp_path):
    fill(sqlite_ledger, 60)
    mark, true = head(sqlite_ledger), list(read(sqlite_ledger))
    sqlite_ledger.close()
    whole, rng, found = Path(sqlite_ledger.where).read_bytes(), random.Random(6), 0
    for i in range(60):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        copy = tmp_path / f"flipped{i}.db"
        copy.touch(0o600)
        copy.write_bytes(flipped)
        try:
            with open_ledger(copy) as opened:
                if verify(opened, [mark]).is_whole:
                    assert list(read(opened)) == true
                    assert list(read(opened, kind="fill")) == true
                else:
                    found += 1
        except GovernanceError:
            found += 1
    assert found > 20


def test_a_record_hidden_from_an_index_is_found(sqlite_ledger):
    append(sqlite_ledger, [Draft("ann", "kill", "s"), Draft("ben", "note", "s")])
    mark = head(sqlite_ledger)
    with sqlite_ledger.engine.connect() as connection:
        # The index is made anew over a wish, and then said to be the old one.
        true = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'entries_kind'").scalar_one()
        connection.exec_driver_sql("DROP INDEX entries_kind")
        connection.exec_driver_sql("CREATE INDEX entries_kind ON entries (kind, sequence) WHERE kind <> 'kill'")
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql(f"UPDATE sqlite_master SET sql = '{true}' WHERE name = 'entries_kind'")
        connection.commit()
    assert list(read(sqlite_ledger, kind="kill")) == []
    assert "entries_kind" in verify(sqlite_ledger, [mark]).why


@pytest.mark.parametrize(
    "statement",
    ["DROP TRIGGER entries_no_update", "DROP INDEX entries_key", "CREATE VIEW kills AS SELECT 1",
     "CREATE TRIGGER t AFTER INSERT ON entries BEGIN SELECT 1; END", "DROP TABLE entries"],
)  # fmt: skip
def test_a_file_that_lost_a_guard_is_found(sqlite_ledger, statement):
    fill(sqlite_ledger, 5)
    mark = head(sqlite_ledger)
    with sqlite_ledger.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert not verify(sqlite_ledger, [mark]).is_whole


def test_text_kept_as_a_blob_is_found(sqlite_ledger):
    append(sqlite_ledger, [Draft("ann", "kill", "s"), Draft("ben", "note", "s")])
    with sqlite_ledger.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        connection.exec_driver_sql("UPDATE entries SET kind = CAST(kind AS BLOB) WHERE sequence = 1")
        from trimtab.governance.schemas import sqlite_statements

        connection.exec_driver_sql(next(s for s in sqlite_statements() if "entries_no_update" in s))
        connection.commit()
    assert list(read(sqlite_ledger, kind="kill")) == []
    assert not verify(sqlite_ledger).is_whole


def test_a_copy_is_as_good_as_the_file(sqlite_ledger, tmp_path):
    fill(sqlite_ledger, 5)
    sqlite_ledger.close()
    shutil.copy(sqlite_ledger.where, tmp_path / "copy.db")
    with open_ledger(tmp_path / "copy.db") as copy:
        assert list(read(copy)) == list(read(sqlite_ledger))
