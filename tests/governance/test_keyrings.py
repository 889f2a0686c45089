"""Who has a key in the ledger acts by it: what stands there in their name, and unsigned, changes nothing."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import EntryRefused, LedgerError
from trimtab.governance import Draft, append, create_ledger, make_key, read, signing, unsigned_acts, verify
from trimtab.governance.approvals import approve, override, review, submit, unreviewed, withdraw
from trimtab.governance.checkpoints import read_key
from trimtab.governance.keyrings import keyring
from trimtab.governance.kills import kill, lift, switch
from trimtab.governance.signatures import Signer, is_signed
from trimtab.governance.statuses import in_force, standing

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
POLICY = b"[governance]\n"


@pytest.fixture
def keys(tmp_path):
    """Make a key for each person: the file of the secret half."""
    for name in ("ann", "ben", "eve"):
        make_key(tmp_path / name)
    return tmp_path


def public(keys, name):
    return (keys / f"{name}.pub").read_bytes()


def enrol(ledger, keys, name, by, at=NOON, **how):
    submit(ledger, name, f"person/{name}", public(keys, name), at=at)
    approve(ledger, by, f"person/{name}", public(keys, name), at=at, **how)


def forged(ledger, actor, kind, subject, version="", at=NOON, **body):
    """Append what anybody can who may insert."""
    return append(dataclasses.replace(ledger, signer=None), [Draft(actor, kind, subject, body, version)], at=at)[0]


def test_from_the_key_on_only_what_is_signed_counts(ledger, keys):
    submit(ledger, "ann", "policy/p", POLICY, at=NOON)
    enrol(ledger, keys, "ben", "cat")
    version = standing(ledger, "policy/p", NOON).current.sha256
    until = {"until": "2027-01-01T00:00:00.000000Z"}
    fake = forged(ledger, "ben", "approve", "policy/p", version, **until)
    assert standing(ledger, "policy/p", NOON).state == "submitted"
    assert fake.sequence in standing(ledger, "policy/p", NOON).ignored
    assert [entry.sequence for entry in unsigned_acts(ledger)] == [fake.sequence]
    with pytest.raises(EntryRefused) as told:
        approve(ledger, "ben", "policy/p", POLICY, at=NOON)
    assert told.value.code == "UNSIGNED"
    with pytest.raises(EntryRefused, match="was not signed"):  # eve's key is not ben's, whatever name she gives
        approve(signing(ledger, "ben", keys / "eve"), "ben", "policy/p", POLICY, at=NOON)
    with pytest.raises(EntryRefused, match="is that of ben"):  # nor does ben's do for cat, who has none
        approve(signing(ledger, "cat", keys / "ben"), "cat", "policy/p", POLICY, at=NOON)
    approve(signing(ledger, "Ben", keys / "ben"), "ben", "policy/p", POLICY, at=NOON)
    assert version in in_force(ledger, "policy", NOON)
    assert len(unsigned_acts(ledger)) == 1
    assert verify(ledger).is_whole


def test_what_was_done_before_there_was_a_key_stands(sqlite_ledger, keys):
    submit(sqlite_ledger, "ann", "policy/p", POLICY, at=NOON)
    approve(sqlite_ledger, "ben", "policy/p", POLICY, at=NOON)
    for name, by in (("ann", "ben"), ("ben", "cat")):
        enrol(sqlite_ledger, keys, name, by)
    assert standing(sqlite_ledger, "policy/p", NOON).state == "active"
    assert unsigned_acts(sqlite_ledger) == []


def test_a_new_key_is_asked_for_by_the_old_one_or_by_two_others(sqlite_ledger, keys, tmp_path):
    ledger = sqlite_ledger
    enrol(ledger, keys, "ann", "ben")
    with pytest.raises(EntryRefused, match="was not signed"):
        submit(ledger, "ann", "person/ann", public(keys, "eve"), at=NOON)
    fake = forged(ledger, "ann", "submit", "person/ann", "e" * 64, public=public(keys, "eve").decode())
    ring = keyring(ledger)
    assert fake.sequence in ring.unsigned
    assert ring.key_of("ann", NOON)[1] == read_key(keys / "ann").public_key()
    withdraw(ledger, "ben", "person/ann", because="lost", at=NOON)  # nothing counts in ann's name now
    for opened in (ledger, signing(ledger, "ann", keys / "ann")):
        with pytest.raises(EntryRefused, match="has ended"):
            submit(opened, "ann", "policy/p", POLICY, at=NOON)
    make_key(tmp_path / "new")
    submit(ledger, "ben", "person/ann", public(tmp_path, "new"), at=NOON)
    with pytest.raises(EntryRefused, match="cannot approve"):
        approve(ledger, "ben", "person/ann", public(tmp_path, "new"), at=NOON)
    approve(ledger, "cat", "person/ann", public(tmp_path, "new"), at=NOON)
    submit(signing(ledger, "ann", tmp_path / "new"), "ann", "policy/p", POLICY, at=NOON)
    assert standing(ledger, "policy/p", NOON).state == "submitted"


def test_a_key_that_expired_is_no_way_round(sqlite_ledger, keys):
    enrol(sqlite_ledger, keys, "ben", "cat", days=3)
    submit(sqlite_ledger, "ann", "policy/p", POLICY, at=NOON)
    later = NOON + 4 * DAY
    version = standing(sqlite_ledger, "policy/p", NOON).current.sha256
    forged(sqlite_ledger, "ben", "approve", "policy/p", version, later, until="2027-01-01T00:00:00.000000Z")
    assert standing(sqlite_ledger, "policy/p", later).state == "submitted"
    with pytest.raises(EntryRefused, match="has ended"):
        approve(signing(sqlite_ledger, "ben", keys / "ben"), "ben", "policy/p", POLICY, at=later)


def test_an_unsigned_lift_lifts_nothing_and_an_unsigned_kill_kills(sqlite_ledger, keys):
    ledger = sqlite_ledger
    enrol(ledger, keys, "ben", "cat")
    stop = forged(ledger, "ben", "kill", "switch/release", because="stop")
    assert switch(ledger).is_on  # the safe side
    lift(ledger, "ann", because="checked", at=NOON)
    forged(ledger, "ben", "lift", "switch/release", stop.digest)
    assert switch(ledger).lifters == ("ann",)
    assert switch(ledger).is_on
    lift(signing(ledger, "ben", keys / "ben"), "ben", because="checked", at=NOON)
    assert not switch(ledger).is_on
    kill(signing(ledger, "ben", keys / "ben"), "ben", because="again", at=NOON)
    assert switch(ledger).is_on


def test_an_unsigned_review_reviews_nothing(sqlite_ledger, keys):
    ledger = sqlite_ledger
    submit(ledger, "ann", "policy/p", POLICY, at=NOON)
    for who in ("cat", "dan"):
        override(ledger, who, "policy/p", POLICY, because="now", review=NOON.date() + DAY, at=NOON)
    enrol(ledger, keys, "ben", "cat")
    forged(ledger, "ben", "review", "policy/p", "", because="fine")
    assert "policy/p" in unreviewed(ledger)
    review(signing(ledger, "ben", keys / "ben"), "ben", "policy/p", because="fine", at=NOON)
    assert not unreviewed(ledger)


def test_a_signature_says_nothing_in_another_ledger(tmp_path, keys):
    def desk(name):
        ledger = create_ledger(tmp_path / name)
        submit(ledger, "ann", "policy/p", POLICY, at=NOON)
        enrol(ledger, keys, "ben", "cat")
        return ledger

    with desk("one") as one, desk("two") as two:
        said = approve(signing(one, "ben", keys / "ben"), "ben", "policy/p", POLICY, at=NOON)
        copy = Draft(said.actor, said.kind, said.subject, said.body, said.version, said.key)
        append(two, [copy], at=NOON)
        assert standing(one, "policy/p", NOON).state == "active"
        assert standing(two, "policy/p", NOON).state == "submitted"
        assert [entry.key for entry in unsigned_acts(two)] == [said.key]


def test_the_same_draft_signed_twice_is_recorded_once(ledger, keys):
    append(ledger, [Draft("ann", "note", "s")])
    signed = signing(ledger, "ben", keys / "ben")
    draft = Draft("ben", "note", "s", {"list": ["1", {"a": True}]})
    assert append(signed, [draft]) == append(signed, [draft])
    assert len(list(read(ledger))) == 2
    (other,) = append(signed, [Draft("cat", "note", "s")])
    assert "signature" not in other.body


def test_a_key_is_private_and_a_public_key_is_one(sqlite_ledger, keys):
    with pytest.raises(LedgerError, match="empty"):
        signing(sqlite_ledger, "ann", keys / "ann")
    for data in (b"", b"-----BEGIN PUBLIC KEY-----\n", "ä".encode(), (keys / "ann").read_bytes()):
        with pytest.raises(EntryRefused, match="no public Ed25519 key"):
            submit(sqlite_ledger, "ann", "person/ann", data, at=NOON)
    append(sqlite_ledger, [Draft("ann", "note", "s")], at=NOON)
    (keys / "ann").chmod(0o644)
    with pytest.raises(LedgerError) as told:
        signing(sqlite_ledger, "ann", keys / "ann")
    assert told.value.code == "PERMISSIONS"


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    field=st.sampled_from(["actor", "kind", "subject", "version", "key", "body", "origin", "signature"]),
    bit=st.integers(0, 511),
)
def test_any_changed_field_voids_a_signature(field, bit):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from trimtab.governance.entries import Entry

    secret, origin = Ed25519PrivateKey.from_private_bytes(b"k" * 32), "a" * 64
    body = {"until": "2027-01-01T00:00:00.000000Z", "people": 2}
    draft = Signer("ben", secret, origin).sign(Draft("ben", "approve", "run/x", body, "b" * 64, "key"))
    entry = Entry(7, "", NOON, draft.actor, draft.kind, draft.subject, draft.version, draft.key, draft.body, "")
    assert is_signed(entry, secret.public_key(), origin)
    if field == "origin":
        assert not is_signed(entry, secret.public_key(), "c" * 64)
        return
    raw = bytearray(bytes.fromhex(draft.body["signature"]))
    raw[bit // 8] ^= 1 << bit % 8
    other = {
        "body": {**draft.body, "people": 2 + bit}, "signature": {**draft.body, "signature": raw.hex()},
    }.get(field)  # fmt: skip
    changed = {"body": other} if other else {field: getattr(entry, field) + "x"}
    if field == "body" and not bit:
        changed = {"body": {**draft.body, "more": None}}
    assert not is_signed(dataclasses.replace(entry, **changed), secret.public_key(), origin)
