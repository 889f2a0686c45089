"""Approvals at the ends of what is allowed: the last day, the largest quorum, the first moment that is too late."""

import datetime as dt

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trimtab.constraints.quorums import MOST_DAYS, MOST_PEOPLE
from trimtab.governance import Draft, append, read
from trimtab.governance.approvals import (
    LASTS,
    REVIEW_WITHIN,
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
from trimtab.governance.kills import Switch, kill, kill_run, lift, switch
from trimtab.governance.states import DOCUMENT, MACHINES, RUN, UNSAID, machine_of
from trimtab.governance.statuses import standing

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY, TICK = dt.timedelta(days=1), dt.timedelta(microseconds=1)
ONE, TWO = b"most = 0.05\n", b"most = 0.06\n"
KEY = (
    Ed25519PrivateKey.from_private_bytes(bytes(32))
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
)
P = "policy/balanced"


# ------------------------------------------------------------------------------------------------ submitting


@pytest.mark.parametrize("act", [submit, edit])
def test_a_submission_says_everything_that_was_said(sqlite_ledger, act):
    told = {"because": "wider", "since": NOON.date(), "people": MOST_PEOPLE, "more": {"desk": "rates"}}
    said = act(sqlite_ledger, "ann", P, ONE, at=NOON, **told)
    assert said.body == {
        "because": "wider", "people": MOST_PEOPLE, "bytes": len(ONE), "since": "2026-11-20", "desk": "rates",
    }  # fmt: skip
    assert (said.kind, said.version, said.at) == (act.__name__, sha256(ONE), NOON)
    plain = act(sqlite_ledger, "ann", "policy/other", TWO, at=NOON)
    assert plain.body == {"because": "", "people": 1, "bytes": len(TWO)}


def test_what_more_is_said_overrules_nothing(sqlite_ledger):
    more = {"people": 1, "bytes": 0, "because": "other"}
    body = submit(sqlite_ledger, "ann", P, ONE, people=3, because="why", more=more, at=NOON).body
    assert (body["people"], body["bytes"], body["because"]) == (3, len(ONE), "why")


@pytest.mark.parametrize("people", [0, -1, MOST_PEOPLE + 1, True, 1.0, "2", None])
def test_a_quorum_is_a_number_of_people(sqlite_ledger, people, refused):
    said = refused("PEOPLE", submit, sqlite_ledger, "ann", P, ONE, people=people, at=NOON)
    assert f"{people!r} people cannot approve" in said
    assert not list(read(sqlite_ledger))


# ------------------------------------------------------------------------------------------------ approving


@pytest.mark.parametrize(("sort", "days"), LASTS.items())
def test_an_approval_lasts_as_long_as_its_kind(sqlite_ledger, sort, days):
    subject = f"{sort}/one"
    given = KEY if sort == "person" else ONE
    submit(sqlite_ledger, "ann", subject, given, at=NOON)
    said = approve(sqlite_ledger, "ben", subject, given, at=NOON)
    one = standing(sqlite_ledger, subject, NOON)
    assert (said.body["people"], said.body["because"], "blocked" in said.body) == (1, "", False)
    assert one.current.approvals[0].until == NOON + days * DAY
    assert one.current.signed(NOON + days * DAY - TICK)
    assert not one.current.signed(NOON + days * DAY)


def test_the_longest_approval_is_a_year_and_the_shortest_a_day(sqlite_ledger, refused):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    for days in (0, -1, MOST_DAYS + 1, True, 1.5, "7"):
        assert f"{days!r} days" in refused("EXPIRY", approve, sqlite_ledger, "ben", P, ONE, days=days, at=NOON)
    for days in (1, MOST_DAYS):
        until = standing_after(sqlite_ledger, days)
        assert until == NOON + days * DAY


def standing_after(ledger, days):
    approve(ledger, "ben", P, ONE, days=days, at=NOON)
    return standing(ledger, P, NOON).current.approvals[-1].until


def test_an_approval_of_today_is_by_the_clock_where_no_moment_is_told(sqlite_ledger):
    submit(sqlite_ledger, "ann", P, ONE)
    before = dt.datetime.now(dt.UTC)
    said = approve(sqlite_ledger, "ben", P, ONE, days=2, blocked=True, because="fine")
    until = standing(sqlite_ledger, P).current.approvals[0].until
    assert before + 2 * DAY <= until <= dt.datetime.now(dt.UTC) + 2 * DAY
    assert said.body["blocked"] is True
    assert standing(sqlite_ledger, P).current.approvals[0].blocked


def test_other_bytes_are_named_by_both_digests(sqlite_ledger, refused):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    said = refused("VERSION", approve, sqlite_ledger, "ben", P, TWO, at=NOON)
    assert f"{sha256(TWO)[:12]}, not {sha256(ONE)[:12]}" in said
    assert "ann proposed or edited" in refused("SELF_APPROVAL", approve, sqlite_ledger, "ann", P, ONE, at=NOON)


# ------------------------------------------------------------------------------------------------ overriding


@pytest.mark.parametrize("days", [0, REVIEW_WITHIN])
def test_an_override_may_be_reviewed_today_or_in_thirty_days(sqlite_ledger, days, state):
    submit(sqlite_ledger, "ann", P, ONE, people=5, at=NOON)
    due = NOON.date() + days * DAY
    for who in ("ben", "cat"):
        override(sqlite_ledger, who, P, ONE, because="fire", review=due, at=NOON)
    midnight = dt.datetime.combine(due + DAY, dt.time(), dt.UTC)
    assert state(sqlite_ledger, midnight - TICK) == "active"
    assert state(sqlite_ledger, midnight) == "expired"


@pytest.mark.parametrize("days", [-1, REVIEW_WITHIN + 1])
def test_an_override_is_reviewed_neither_yesterday_nor_later(sqlite_ledger, days, refused):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    named = {"because": "fire", "review": NOON.date() + days * DAY}
    assert "within 30 days" in refused("REVIEW", override, sqlite_ledger, "ben", P, ONE, at=NOON, **named)


def test_an_override_without_a_moment_is_by_the_clock(sqlite_ledger, refused, state):
    submit(sqlite_ledger, "ann", P, ONE)
    today = dt.datetime.now(dt.UTC).date()
    refused("REVIEW", override, sqlite_ledger, "ben", P, ONE, because="fire", review=today - 2 * DAY)
    override(sqlite_ledger, "ben", P, ONE, because="fire", review=today + 2 * DAY)
    assert state(sqlite_ledger, None) == "submitted"  # one of two


def test_a_review_is_by_somebody_else_and_of_what_was_overridden(sqlite_ledger, refused):
    ledger = sqlite_ledger
    for subject in (P, "policy/other"):
        submit(ledger, "ann", subject, ONE, at=NOON)
        override(ledger, "ben", subject, ONE, because="fire", review=NOON.date(), at=NOON)
    override(ledger, "cat", P, ONE, because="fire", review=NOON.date(), at=NOON)
    assert {subject: len(own) for subject, own in unreviewed(ledger).items()} == {P: 2, "policy/other": 1}
    assert "gave the override" in refused("SELF_REVIEW", review, ledger, "Cat", P, because="", at=NOON)
    assert "waits for review" in refused("STATE", review, ledger, "dan", "policy/none", because="", at=NOON)
    review(ledger, "cat", "policy/other", because="fine", at=NOON)  # hers was the other one
    assert set(unreviewed(ledger)) == {P}
    assert not unreviewed(ledger, "policy/other")
    review(ledger, "dan", P, because="fine", at=NOON)
    assert not unreviewed(ledger)
    assert [e.actor for e in read(ledger, kind="review")] == ["cat", "dan"]


# ------------------------------------------------------------------------------------------------ ending


@pytest.mark.parametrize(("end", "after"), [(reject, "draft"), (withdraw, "withdrawn"), (expire, "expired")])
def test_what_is_ended_is_bound_to_the_bytes_that_stood_there(sqlite_ledger, end, after, refused, state):
    submit(sqlite_ledger, "ann", P, ONE, since=NOON.date() + 5 * DAY, at=NOON)
    approve(sqlite_ledger, "ben", P, ONE, at=NOON)
    said = end(sqlite_ledger, "cat", P, because="no", at=NOON + DAY)
    assert (said.kind, said.version, said.body, said.at) == (end.__name__, sha256(ONE), {"because": "no"}, NOON + DAY)
    assert state(sqlite_ledger, NOON + DAY) == after
    refused("STATE", end, sqlite_ledger, "cat", P, because="again", at=NOON + DAY)


def test_what_is_active_is_reverted_to_nothing_where_nothing_came_before(sqlite_ledger, state):
    submit(sqlite_ledger, "ann", P, ONE, at=NOON)
    approve(sqlite_ledger, "ben", P, ONE, at=NOON)
    revert(sqlite_ledger, "cat", P, because="worse", at=NOON + DAY)
    assert state(sqlite_ledger, NOON + DAY) == "reverted"
    assert standing(sqlite_ledger, P, NOON + DAY).in_force is None


# ------------------------------------------------------------------------------------------------ the machines


@pytest.mark.parametrize("sort", MACHINES)
def test_no_verb_leads_out_of_a_state_that_is_final(sort):
    """Nobody undoes a kill, or a sealed run, alone or together: reviewing an override changes nothing."""
    machine = MACHINES[sort]
    assert machine_of(f"{sort}/x") is machine
    for (at, verb), to in machine.moves.items():
        assert to in machine.states
        assert at == "" or at in machine.states
        if at in ("killed", "sealed"):
            assert (verb, to) == ("review", at)
    assert not set(UNSAID) & machine.verbs
    for at in machine.states:
        verbs = machine.allowed(at)
        assert list(verbs) == sorted(verbs)
        assert set(verbs) == {verb for (state_, verb) in machine.moves if state_ == at} - set(UNSAID)


def test_nothing_is_released_but_what_is_approved():
    assert {at for (at, verb) in RUN.moves if verb == "release"} == {"approved"}
    for machine, before in ((RUN, "proposed"), (DOCUMENT, "submitted")):
        entering = {(at, verb) for (at, verb), to in machine.moves.items() if to == "approved" != at}
        assert entering == {(before, "quorum")}
    assert {at for (at, verb), to in DOCUMENT.moves.items() if to == "active" and at != "active"} == {"approved"}
    assert DOCUMENT.keeps_former
    assert not RUN.keeps_former
    assert machine_of("account/7") is None
    assert machine_of("runs") is None


# ------------------------------------------------------------------------------------------------ the switch


def test_the_switch_says_how_it_stands(sqlite_ledger, refused):
    assert str(switch(sqlite_ledger)) == str(Switch()) == "releases may go out"
    assert not Switch(lifters=("ann",)).is_on
    kill(sqlite_ledger, "Ann", because="", at=NOON)
    assert str(switch(sqlite_ledger)) == "killed by ann at 2026-11-20 12:00 UTC; lifted by 0 of 2"
    lift(sqlite_ledger, "ben", because="looked", at=NOON)
    assert str(switch(sqlite_ledger)) == "killed by ann at 2026-11-20 12:00 UTC; lifted by 1 of 2"
    assert switch(sqlite_ledger).lifters == ("ben",)
    assert "ben has lifted it already" in refused("SAME_PERSON", lift, sqlite_ledger, "Ben", because="", at=NOON)
    lift(sqlite_ledger, "cat", because="looked", at=NOON)
    assert str(switch(sqlite_ledger)) == "releases may go out"
    assert "nothing is killed" in refused("STATE", lift, sqlite_ledger, "dan", because="", at=NOON)
    kill(sqlite_ledger, "ann", because="again", at=NOON + DAY)
    assert str(switch(sqlite_ledger)) == "killed by ann at 2026-11-21 12:00 UTC (again); lifted by 0 of 2"


def test_a_lift_before_any_kill_or_of_another_lifts_nothing(sqlite_ledger):
    append(sqlite_ledger, [Draft("ben", "lift", "switch/release", {}, "0" * 64)], at=NOON)
    assert switch(sqlite_ledger) == Switch()
    first = kill(sqlite_ledger, "ann", because="one", at=NOON)
    for who, version in (("ben", "0" * 64), ("cat", first.digest), ("cat", first.digest), ("dan", "")):
        append(sqlite_ledger, [Draft(who, "lift", "switch/release", {}, version)], at=NOON)
    assert switch(sqlite_ledger).lifters == ("cat",)


def test_a_run_is_killed_once_and_for_all(sqlite_ledger, refused, state):
    run = "run/" + "a" * 64
    submit(sqlite_ledger, "ann", run, ONE, at=NOON)
    said = kill_run(sqlite_ledger, "cat", "a" * 64, because="stale", at=NOON)
    assert (said.subject, said.version, said.body) == (run, sha256(ONE), {"because": "stale"})
    assert state(sqlite_ledger, NOON, run) == "killed"
    refused("STATE", kill_run, sqlite_ledger, "cat", "a" * 64, because="twice", at=NOON)
    refused("STATE", kill_run, sqlite_ledger, "cat", "b" * 64, because="unknown", at=NOON)
    assert not switch(sqlite_ledger).is_on  # the switch is another thing
