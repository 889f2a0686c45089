"""The kill switch: one stops, two let go on, and no release stands after a kill, whoever was under way."""

import os
import subprocess
import sys

import pytest

from trimtab.errors import EntryRefused, NotApproved
from trimtab.governance import Draft, append, read, releases
from trimtab.governance.approvals import reject
from trimtab.governance.guards import RELEASING
from trimtab.governance.kills import kill, kill_run, lift, switch
from trimtab.governance.releases import release

# Another desk that goes on releasing account by account until something stops it; it says when it has begun.
CHILD = """
import sys
from trimtab.errors import EntryRefused
from trimtab.governance import Draft, append, open_ledger
with open_ledger(sys.argv[1]) as ledger:
    for i in range(100_000):
        try:
            append(ledger, [Draft("robot", "release_account", f"account/{i}", {}, "a" * 64)])
        except EntryRefused as error:
            print(error.code, i, flush=True)
            break
        if i == 3:
            print("begun", flush=True)
"""


def test_one_kills_and_two_lift(ledger):
    assert not switch(ledger).is_on
    with pytest.raises(EntryRefused):
        lift(ledger, "ann", because="nothing to lift")
    kill(ledger, "ann", because="a wrong price")
    assert "a wrong price" in str(switch(ledger))
    lift(ledger, "ben", because="looked")
    with pytest.raises(EntryRefused) as told:
        lift(ledger, "BEN", because="looked twice")
    assert told.value.code == "SAME_PERSON"
    assert switch(ledger).is_on
    lift(ledger, "ann", because="looked")
    assert not switch(ledger).is_on


def test_a_lift_is_of_one_kill(ledger):
    first = kill(ledger, "ann", because="one")
    lift(ledger, "ben", because="fine")
    kill(ledger, "cat", because="two")
    # meant for the first, late: said without looking again
    append(ledger, [Draft("dan", "lift", "switch/release", {}, first.digest)])
    lift(ledger, "ben", because="fine")
    assert switch(ledger).is_on
    with pytest.raises(EntryRefused) as told:
        append(ledger, [Draft("robot", "release_account", "account/1", {}, "a" * 64)])
    assert told.value.code == "KILLED"
    lift(ledger, "eve", because="fine")
    assert not switch(ledger).is_on
    append(ledger, [Draft("robot", "release_account", "account/1", {}, "a" * 64)])


def test_no_release_of_another_process_stands_after_the_kill(ledger, where):
    command = [sys.executable, "-P", "-c", CHILD, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as other:
        assert other.stdout.readline() == "begun\n"
        stop = kill(ledger, "ann", because="stop")
        said = other.stdout.read()
    assert said.startswith("KILLED")
    released = [e.sequence for e in read(ledger, kind=RELEASING)]
    assert released
    assert max(released) < stop.sequence


def test_a_killed_run_stays_killed(desk, now):
    desk.documents()
    one = desk.propose(desk.made.folder, "ben")
    kill_run(desk.ledger, "cat", one.run_id, because="stale prices", at=now)
    with pytest.raises(NotApproved) as told:
        release(desk.ledger, "ann", desk.made.folder, desk.made.policy, at=now)
    assert told.value.code == "STATE"
    with pytest.raises(EntryRefused):
        desk.propose(desk.made.folder, "ben")


@pytest.mark.parametrize("act", ["kill", "reject"])
def test_what_comes_between_the_check_and_the_release_stops_it(desk, now, monkeypatch, act):
    """Whoever checked a moment ago meets the guard in the database: accounts were taken, and none goes out."""
    desk.documents()
    one = desk.propose(desk.made.folder, "ben")
    real = releases._take

    def slow(*arguments):
        held = real(*arguments)
        if act == "kill":
            kill(desk.ledger, "cat", because="now", at=now)
        else:
            reject(desk.ledger, "cat", one.subject, because="now", at=now)
        return held

    monkeypatch.setattr(releases, "_take", slow)
    with pytest.raises(NotApproved) as told:
        release(desk.ledger, "ann", desk.made.folder, desk.made.policy, at=now)
    assert told.value.code == {"kill": "KILLED", "reject": "UNAPPROVED"}[act]
    assert not list(read(desk.ledger, kind="release"))
