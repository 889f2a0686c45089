"""Who may agree to what: never one's own, never other bytes, not for ever; asked of both databases."""

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.governance import Draft, append, read
from trimtab.governance.approvals import (
    approve,
    edit,
    expire,
    override,
    reject,
    revert,
    review,
    submit,
    unreviewed,
    withdraw,
)
from trimtab.governance.canonical import sha256
from trimtab.governance.folds import fold
from trimtab.governance.states import MACHINES, UNSAID
from trimtab.governance.statuses import standing

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ONE, TWO, THREE = b"most = 0.05\n", b"most = 0.06\n", b"most = 0.07\n"
P = "policy/balanced"


def test_a_policy_from_proposal_to_expiry(ledger, state):
    assert state(ledger) == ""
    submit(ledger, "ann", P, ONE, since=dt.date(2026, 11, 22), at=NOON)
    assert state(ledger) == "submitted"
    approve(ledger, "ben", P, ONE, days=10, at=NOON)
    assert [state(ledger, NOON + n * DAY) for n in (0, 1, 2, 9, 10)] == ["approved"] * 2 + ["active"] * 2 + ["expired"]
    approve(ledger, "ben", P, ONE, days=10, at=NOON + 12 * DAY)
    assert state(ledger, NOON + 13 * DAY) == "active"
    expire(ledger, "cat", P, because="wrong", at=NOON + 14 * DAY)
    assert state(ledger, NOON + 14 * DAY) == "expired"


@pytest.mark.parametrize("verb", ["approve", "override"])
@pytest.mark.parametrize("who", ["ann", "ANN", "Ben"])
def test_nobody_signs_what_they_wrote_here_nor_in_the_database(ledger, who, verb, refused):
    submit(ledger, "ann", P, ONE, at=NOON)
    edit(ledger, "ben", P, TWO, at=NOON)
    say = (lambda: approve(ledger, who, P, TWO, at=NOON)) if verb == "approve" else (
        lambda: override(ledger, who, P, TWO, because="fire", review=NOON.date(), at=NOON))  # fmt: skip
    refused("SELF_APPROVAL", say)
    until = {"until": "2027-01-01T00:00:00.000000Z"}
    refused("SELF_APPROVAL", append, ledger, [Draft(who, verb, P, until, sha256(TWO))], at=NOON)


def test_whoever_wrote_these_bytes_cannot_hide_behind_who_submits_them(ledger, refused, state):
    edit(ledger, "ann", P, ONE, at=NOON)  # ann writes, ben hands in, ann would agree
    submit(ledger, "ben", P, ONE, at=NOON)
    refused("SELF_APPROVAL", approve, ledger, "ann", P, ONE, at=NOON)
    refused("SELF_APPROVAL", append, ledger, [Draft("ann", "approve", P, {}, sha256(ONE))], at=NOON)
    submit(ledger, "cat", P, ONE, at=NOON)  # and again, by way of a third
    for who in ("ann", "ben", "cat"):
        refused("SELF_APPROVAL", append, ledger, [Draft(who, "approve", P, {}, sha256(ONE))], at=NOON)
    approve(ledger, "dan", P, ONE, at=NOON)
    assert state(ledger) == "active"


def test_an_edit_voids_what_was_approved_and_changing_back_does_not_revive_it(ledger, refused, state):
    submit(ledger, "ann", P, ONE, people=2, at=NOON)
    approve(ledger, "ben", P, ONE, at=NOON)
    edit(ledger, "ann", P, TWO, people=2, at=NOON)
    refused("VERSION", approve, ledger, "cat", P, ONE, at=NOON)
    edit(ledger, "ann", P, ONE, people=2, at=NOON)
    approve(ledger, "cat", P, ONE, at=NOON)
    assert state(ledger) == "submitted"  # cat alone: ben spoke before
    approve(ledger, "ben", P, ONE, at=NOON)
    assert state(ledger) == "active"


def test_a_quorum_is_of_different_people(ledger, state):
    submit(ledger, "ann", P, ONE, people=3, at=NOON)
    for who in ("ben", "Ben", "BEN", "cat"):
        approve(ledger, who, P, ONE, at=NOON)
        assert state(ledger) == "submitted"
    approve(ledger, "dan", P, ONE, at=NOON)
    assert state(ledger) == "active"


def test_an_approver_may_ask_for_more_people_and_nobody_for_fewer(ledger, state):
    submit(ledger, "ann", P, ONE, people=1, at=NOON)
    approve(ledger, "ben", P, ONE, people=2, at=NOON)
    assert state(ledger) == "submitted"
    approve(ledger, "cat", P, ONE, people=1, at=NOON)
    assert state(ledger) == "active"


def test_the_policy_before_stays_in_force_until_the_new_one_is_approved(ledger):
    submit(ledger, "ann", P, ONE, at=NOON)
    approve(ledger, "ben", P, ONE, at=NOON)
    submit(ledger, "cat", P, TWO, at=NOON)
    assert standing(ledger, P, NOON).in_force.sha256 == sha256(ONE)
    approve(ledger, "ben", P, TWO, at=NOON)
    assert standing(ledger, P, NOON).in_force.sha256 == sha256(TWO)
    revert(ledger, "dan", P, because="worse", at=NOON)
    assert standing(ledger, P, NOON).in_force.sha256 == sha256(ONE)
    edit(ledger, "cat", P, THREE, at=NOON)
    reject(ledger, "ben", P, because="no", at=NOON)
    assert standing(ledger, P, NOON).in_force.sha256 == sha256(ONE)


def test_what_was_replaced_does_not_rise_because_its_successor_ended(ledger, state):
    for who, data, days in (("ann", ONE, 300), ("cat", TWO, 10)):
        submit(ledger, who, P, data, at=NOON)
        approve(ledger, "ben", P, data, days=days, at=NOON)
    later = NOON + 20 * DAY
    assert state(ledger, later) == "expired"
    assert standing(ledger, P, later).in_force is None
    edit(ledger, "cat", P, THREE, at=later)
    assert standing(ledger, P, later).in_force is None


def test_an_override_takes_two_people_and_ends_with_its_review(ledger, refused, state):
    submit(ledger, "ann", P, ONE, people=5, at=NOON)
    due = NOON.date() + 5 * DAY
    override(ledger, "ben", P, ONE, because="fire", review=due, at=NOON)
    override(ledger, "Ben", P, ONE, because="fire", review=due, at=NOON)
    assert state(ledger) == "submitted"
    override(ledger, "cat", P, ONE, because="fire", review=due + DAY, at=NOON)
    assert state(ledger) == "active"
    assert state(ledger, dt.datetime(2026, 11, 25, 23, 59, tzinfo=dt.UTC)) == "active"
    assert state(ledger, dt.datetime(2026, 11, 26, tzinfo=dt.UTC)) == "expired"
    refused("SELF_REVIEW", review, ledger, "BEN", P, because="fine", at=NOON)
    review(ledger, "dan", P, because="fine", at=NOON)
    refused("STATE", review, ledger, "dan", P, because="again", at=NOON)


@pytest.mark.parametrize("gone", [withdraw, reject, expire, submit])
def test_an_override_is_reviewed_whatever_became_of_what_it_let_through(sqlite_ledger, gone, refused):
    ledger, since = sqlite_ledger, NOON.date() + DAY  # approved, not active yet: anything may follow
    submit(ledger, "ann", P, ONE, since=since, at=NOON)
    for who in ("ben", "cat"):
        override(ledger, who, P, ONE, because="fire", review=since, at=NOON)
    gone(ledger, "ann", P, *((TWO,) if gone is submit else ()), because="no fire", at=NOON)
    assert [entry.actor for entry in unreviewed(ledger)[P]] == ["ben", "cat"]
    refused("SELF_REVIEW", review, ledger, "cat", P, because="fine", at=NOON)
    review(ledger, "dan", P, because="a false alarm", at=NOON)
    assert not unreviewed(ledger)


@pytest.mark.parametrize(("named", "code"), [
    ({"because": " ", "review": NOON.date()}, "REASON"),
    ({"because": "fire", "review": NOON.date() - DAY}, "REVIEW"),
    ({"because": "fire", "review": NOON.date() + 31 * DAY}, "REVIEW"),
])  # fmt: skip
def test_an_override_says_why_and_when_it_is_looked_at(sqlite_ledger, named, code, refused):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    refused(code, override, sqlite_ledger, "ben", P, ONE, at=NOON, **named)


def test_what_is_not_there_cannot_be_approved_and_a_rejection_sends_back(sqlite_ledger, refused, state):
    ledger = sqlite_ledger
    refused("STATE", approve, ledger, "ben", P, ONE, at=NOON)
    refused("SUBJECT", submit, ledger, "ben", "account/7", ONE, at=NOON)
    refused("SUBJECT", approve, ledger, "ben", "account/7", ONE, at=NOON)
    refused("EXPIRY", approve, ledger, "ben", P, ONE, days=0, at=NOON)
    refused("PEOPLE", submit, ledger, "ann", P, ONE, people=0, at=NOON)
    submit(ledger, "ann", P, ONE, at=NOON)
    refused("STATE", revert, ledger, "ben", P, because="", at=NOON)
    reject(ledger, "ben", P, because="too wide", at=NOON)
    assert state(ledger) == "draft"
    refused("STATE", approve, ledger, "ben", P, ONE, at=NOON)
    withdraw(ledger, "ann", P, because="dropped", at=NOON)
    assert state(ledger) == "withdrawn"


def test_a_hundred_flipped_bytes_are_a_hundred_other_things(sqlite_ledger, refused):
    data = bytearray(random.Random(1).randbytes(1000))
    submit(sqlite_ledger, "ann", P, bytes(data), at=NOON)
    approve(sqlite_ledger, "ben", P, bytes(data), at=NOON)
    chance = random.Random(2)
    for _ in range(100):
        place, flip = chance.randrange(len(data)), chance.randrange(1, 256)
        data[place] ^= flip
        assert standing(sqlite_ledger, P, NOON).in_force.sha256 != sha256(bytes(data))
        refused("VERSION", approve, sqlite_ledger, "cat", P, bytes(data), at=NOON)
        data[place] ^= flip


def test_entries_that_nobody_could_have_said_change_nothing(sqlite_ledger):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    forged = [
        Draft("cat", verb, P, {"people": 1, "until": "2099-01-01T00:00:00.000000Z"}, sha256(ONE))
        for verb in (*UNSAID, "release", "activate", "approved")
    ]
    append(sqlite_ledger, [d for d in forged if d.kind != "release"], at=NOON)
    append(sqlite_ledger, [Draft("cat", "approve", P, {"until": "soon"}, sha256(ONE))], at=NOON)
    one = standing(sqlite_ledger, P, NOON)
    assert one.state == "submitted"
    assert len(one.ignored) == 1


@pytest.mark.parametrize("sort", MACHINES)
def test_a_machine_knows_the_states_of_the_contract(sort):
    wanted = {
        "run": "planned solved proposed approved released sealed rejected killed",
    }.get(sort, "draft submitted approved active expired reverted withdrawn")
    assert MACHINES[sort].states == set(wanted.split())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(
    ["submit", "edit", "approve", "reject", "withdraw", "revert", "expire", "override"]), st.sampled_from("12")),
    max_size=12), st.integers(0, 12))  # fmt: skip
def test_the_fold_is_the_same_whether_at_once_or_asked_again_and_approved_means_signed(said, cut):
    from trimtab.governance import Entry

    until = {"until": "2026-12-01T00:00:00.000000Z"}
    entries = [
        Entry(i, "", NOON + i * DAY, who, verb, P, version * 64, str(i), until, "")
        for i, (who, verb, version) in enumerate(said, 1)
    ]
    now = NOON + cut * DAY
    told = fold(entries, now).get(P)
    assert told == fold([e for e in entries if e.at <= now], now).get(P)
    if told is not None and told.state in ("approved", "active"):
        signers = {a.actor for a in told.current.approvals if a.holds(now)}
        assert signers
        assert not signers & {told.current.proposer, told.current.editor}


def test_every_act_is_an_entry(sqlite_ledger):
    submit(sqlite_ledger, "ann", P, ONE, because="new range", at=NOON)
    approve(sqlite_ledger, "ben", P, ONE, because="fine", at=NOON)
    assert [(e.actor, e.kind, e.version, e.body["because"]) for e in read(sqlite_ledger)] == [
        ("ann", "submit", sha256(ONE), "new range"), ("ben", "approve", sha256(ONE), "fine"),
    ]  # fmt: skip
