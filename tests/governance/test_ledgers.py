"""Appending and reading, the same on both databases."""

import datetime as dt
from itertools import pairwise

import pytest

from trimtab.errors import EntryRefused
from trimtab.governance import Draft, append, create_ledger, open_ledger, read, verify
from trimtab.governance.connections import writing

V1, V2 = "1" * 64, "2" * 64
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def test_what_is_appended_is_read_in_order(ledger, where):
    wanted = [Draft("ann", "note", f"s/{i}", {"i": i}) for i in range(5)]
    entries = append(ledger, wanted[:2]) + append(ledger, wanted[2:])
    assert [e.sequence for e in entries] == [1, 2, 3, 4, 5]
    assert list(read(ledger)) == entries
    assert list(read(ledger, since=3)) == entries[3:]
    assert list(read(ledger, subject="s/1", kind="note")) == [entries[1]]
    assert all(b.previous == a.digest for a, b in pairwise(entries))
    with open_ledger(where) as again:
        assert list(read(again)) == entries


@pytest.mark.parametrize("text", ["\\N", "\\.", "a\tb\nc\r\\t", 'say "so"\\', "\u2028é😀", "\x00\x1f\x7f"])
def test_text_stands_as_it_was_given(ledger, text):
    name = "s" + "".join(c for c in text if c.isprintable())  # of names, what a name may hold
    (stood,) = append(ledger, [Draft(name, "note", name, {text: text}, key=name)])
    assert (stood.subject, stood.key, stood.body) == (name, name, {text: text})
    assert list(read(ledger)) == [stood]
    assert verify(ledger).is_whole


def test_a_ledger_waits_for_the_disk(where):
    """The fixtures of these tests do not; what a desk opens does, whoever wrote the settings of the file or server."""
    with create_ledger(where) as opened, writing(opened) as connection:
        question = "PRAGMA synchronous" if opened.is_file else "SHOW synchronous_commit"
        assert connection.exec_driver_sql(question).scalar_one() == (2 if opened.is_file else "on")


def test_the_same_key_records_once(ledger):
    draft = Draft("ann", "note", "s", {"x": 1})
    assert append(ledger, [draft, draft]) == 2 * append(ledger, [draft])
    with pytest.raises(EntryRefused) as told:
        append(ledger, [Draft("ann", "note", "s", {"x": 2}, key=draft.key)])
    assert told.value.code == "KEY"
    assert len(list(read(ledger))) == 1


def test_the_clock_does_not_go_backwards(ledger):
    append(ledger, [Draft("ann", "note", "s")], at=NOON)
    append(ledger, [Draft("ann", "note", "s")], at=NOON)
    with pytest.raises(EntryRefused) as told:
        append(ledger, [Draft("ann", "note", "s")], at=NOON - dt.timedelta(microseconds=1))
    assert told.value.code == "CLOCK"


@pytest.mark.parametrize(
    ("approver", "version", "code"),
    [("ann", V2, "SELF_APPROVAL"), ("Ben", V2, "SELF_APPROVAL"), ("cat", V1, "VERSION"), ("cat", V2, "")],
)
def test_the_database_knows_who_may_approve(ledger, approver, version, code):
    append(ledger, [Draft("ann", "submit", "p", version=V1), Draft("ben", "edit", "p", version=V2)])
    if not code:
        assert append(ledger, [Draft(approver, "approve", "p", version=version)])
        return
    with pytest.raises(EntryRefused) as told:
        append(ledger, [Draft(approver, "approve", "p", version=version)])
    assert told.value.code == code
    assert len(list(read(ledger))) == 2


def test_nothing_submitted_nothing_approved(ledger):
    with pytest.raises(EntryRefused) as told:
        append(ledger, [Draft("ann", "approve", "p", version=V1)])
    assert told.value.code == "NOTHING_SUBMITTED"
