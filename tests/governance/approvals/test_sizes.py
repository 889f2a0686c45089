"""How large a run is, as its gate measures it, and that a release is the same whatever it is cut into."""

import datetime as dt
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from trimtab.constraints import Deviation, Policy, Turnover
from trimtab.errors import EntryRefused, NotApproved, PolicyError
from trimtab.governance import gates, read, releases
from trimtab.governance.approvals import approve, override, reject, submit
from trimtab.governance.gates import (
    Candidate,
    excess,
    in_force,
    measure,
    people_for_policy,
    policy_of,
    read_candidate,
)
from trimtab.governance.kills import kill
from trimtab.governance.releases import Release, complete, digest_of, release, withdraw_release
from trimtab.governance.statuses import standing

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("bound", "size"),
    [
        ({"used": 0.31, "bound": 0.3}, 0.01), ({"used": -0.02, "bound": 0.01}, 0.03), ({"used": 1, "bound": 1}, 0.0),
        ({"used": None, "bound": 0.3}, math.inf), ({"used": 0.3, "bound": "0.3"}, math.inf), ({}, math.inf),
        ({"used": 0.3}, math.inf), ({"bound": 0.3}, math.inf),
    ],
)  # fmt: skip
def test_how_far_a_limit_gave_way(bound, size):
    assert excess(bound) == pytest.approx(size)


def test_the_largest_of_everything_counts(altered):
    rows = [
        [{"used": 0.3, "bound": 0.29}, {"used": 0.1, "bound": 0.17}],
        [{"used": 0.02, "bound": 0.01}],
        [],
    ]

    def relaxed(frame):
        texts = [json.dumps(row) for row in rows]
        return frame.assign(relaxed=[texts[i] if i < len(texts) else "" for i in range(len(frame))])

    def lean(frame):
        frame.loc[:, ["current", "target"]] = frame[["strategic", "strategic"]].to_numpy()
        frame.loc[0, "target"] += 0.02
        frame.loc[1, "target"] -= 0.07
        frame.loc[2, "target"] += 0.03
        frame.loc[3, ["current", "target"]] = 0.9  # not traded
        frame.loc[4, "target"] += 1e-13  # rounding
        return frame

    sizes = measure(read_candidate(altered("a", rows={"accounts": relaxed, "targets": lean})))
    assert sizes.relaxation == pytest.approx(0.07)
    assert sizes.deviation == pytest.approx(0.07)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_cannot_be_measured_is_as_large_as_can_be(altered, bad):
    def spoil(frame):
        frame.loc[0, ["current", "target"]] = [0.0, bad]
        return frame

    sizes = measure(read_candidate(altered("a", rows={"targets": spoil})))
    assert (sizes.deviation, sizes.relaxation) == (math.inf, 0.0)


def test_a_policy_is_approved_by_as_many_as_its_widest_side_asks_for():
    models = {"m": {"A": 1.0}}
    rules = lambda *limits: SimpleNamespace(  # noqa: E731
        limits=limits, governance=SimpleNamespace(people=lambda *, deviation, relaxation: (deviation, relaxation))
    )
    assert people_for_policy(rules(Deviation("5%"), Turnover("90%"))) == (0.05, 0.0)
    assert people_for_policy(rules(Deviation(up="2%", down="8%"), Deviation("3%"))) == (0.08, 0.0)
    assert people_for_policy(rules(Turnover("10%"))) == (1.0, 0.0)  # nothing keeps it near
    assert people_for_policy(Policy((Deviation("1%"),), models)) == 1


def test_a_policy_is_read_from_its_bytes():
    text = '[[limits]]\nkind = "deviation"\nmost = "5%"\n'
    for data in (text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert policy_of(data).limits[0].kind == "deviation"
    for bad in (b"\xff\xfe", b"[[limits", b'[[limits]]\nkind = "no such"\n'):
        with pytest.raises(PolicyError):
            policy_of(bad)


# ------------------------------------------------------------------------------------------------ what is no run


def test_what_is_no_whole_run_is_no_candidate(made, altered, tmp_path):
    one = read_candidate(made.folder)
    assert isinstance(one, Candidate)
    assert one.subject == f"run/{one.run_id}"
    assert one.on == dt.date(2017, 2, 28)
    (tmp_path / "empty").mkdir()
    seal = json.loads(one.data)
    broken = [{"on": "yesterday"}, {"on": None}, {"tables": {}}, {"beside": {}}, {"sealed": False}]
    for change in broken:
        folder = altered(f"{broken.index(change):x}")
        (folder / "run.json").write_text(json.dumps({**json.loads((folder / "run.json").read_bytes()), **change}))
        with pytest.raises(NotApproved) as told:
            read_candidate(folder)
        assert told.value.code == "CHANGED"
    for text in ("", "[]", "{}", json.dumps({k: v for k, v in seal.items() if k != "run_id"})):
        (tmp_path / "empty" / "run.json").write_text(text)
        with pytest.raises(NotApproved) as told:
            read_candidate(tmp_path / "empty")
        assert told.value.code == "CHANGED"
    with pytest.raises(NotApproved):
        read_candidate(tmp_path / "nowhere")


# ------------------------------------------------------------------------------------------------ letting go


def ready(desk, folder):
    desk.documents()
    return desk.propose(folder, "ben")


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9])
def test_a_release_is_the_same_whatever_it_is_cut_into(small_desk, now, monkeypatch, size):
    breaths = []
    monkeypatch.setattr(releases, "ACCOUNTS", size)
    monkeypatch.setattr(releases, "time", SimpleNamespace(sleep=breaths.append))
    ledger, one = small_desk.ledger, ready(small_desk, small_desk.made.folder)
    done = release(ledger, "ann", one.path, small_desk.made.policy, because="today", at=now)
    assert breaths == [releases.BREATH] * (-(-8 // size) - 1)  # a breath between two transactions, none at the ends
    taken = list(read(ledger, kind="release_account"))
    assert sorted(e.body["account"] for e in taken) == [f"{i:03d}" for i in range(1, 9)]
    orders = [trade for e in taken for trade in e.body["trades"]]
    assert len(set(orders)) == len(orders) == done.orders
    assert done.entry.body == {
        "on": "2017-02-28", "accounts": 8, "orders": len(orders), "held": [], "because": "today", "turn": 0,
    }  # fmt: skip
    assert str(done) == f"run {one.run_id[:12]} released: 8 accounts, {len(orders)} orders"
    breaths.clear()
    withdraw_release(ledger, "cat", one.run_id, because="wrong", at=now)
    assert breaths == [releases.BREATH] * (-(-8 // size) - 1)
    freed = list(read(ledger, kind="withdraw_account"))
    assert sorted(e.body["account"] for e in freed) == [f"{i:03d}" for i in range(1, 9)]
    assert all(e.body["trades"] == [] and e.body["because"] == "wrong" for e in freed)
    approve(ledger, "ben", one.subject, one.data, at=now)
    again = release(ledger, "ann", one.path, small_desk.made.policy, at=now)
    assert (again.accounts, again.entry.body["turn"]) == (8, 1)


def test_what_is_held_is_told_with_its_reason(small_desk, now, altered, monkeypatch):
    half = {"trades": lambda frame: frame[frame.account_id <= "003"]}
    first = ready(small_desk, altered("f", rows=half))
    second = small_desk.propose(altered("0a"), "ben")
    policy = small_desk.made.policy
    release(small_desk.ledger, "ann", first.path, policy, at=now)
    monkeypatch.setattr(releases, "MOST_HELD", 2)
    with pytest.raises(NotApproved, match="3 accounts would be held") as told:
        release(small_desk.ledger, "ann", second.path, policy, at=now)
    assert told.value.code == "RELEASED"
    monkeypatch.setattr(releases, "MOST_HELD", 3)
    done = release(small_desk.ledger, "ann", second.path, policy, at=now)
    assert str(done).endswith("; 3 held")
    assert done.held["001"] == f"account 001 has a release of 2017-02-28 (run {first.run_id[:12]})"
    assert done.entry.body["held"] == ["001", "002", "003"]
    again = release(small_desk.ledger, "cat", second.path, policy, at=now)
    assert (again.entry, again.accounts, again.orders) == (done.entry, done.accounts, done.orders)
    assert again.held == dict.fromkeys(["001", "002", "003"], "held when the run was released")


def test_a_run_that_trades_nothing_goes_out_with_nothing(small_desk, now, altered):
    one = ready(small_desk, altered("a", rows={"trades": lambda frame: frame.head(0)}))
    done = release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)
    assert (done.accounts, done.orders, done.held) == (0, 0, {})
    assert not list(read(small_desk.ledger, kind="release_account"))
    withdraw_release(small_desk.ledger, "cat", one.run_id, because="no", at=now)
    with pytest.raises(EntryRefused, match="nothing of run/") as told:
        withdraw_release(small_desk.ledger, "cat", one.run_id, because="no", at=now)
    assert told.value.code == "STATE"


def test_a_sealed_run_is_neither_withdrawn_nor_sealed_again_but_still_told(small_desk, now):
    one, ledger = ready(small_desk, small_desk.made.folder), small_desk.ledger
    with pytest.raises(EntryRefused, match="is not released"):
        complete(ledger, "ann", one.run_id, at=now)
    done = release(ledger, "ann", one.path, small_desk.made.policy, at=now)
    sealed = complete(ledger, "ann", one.run_id, because="filled", at=now)
    assert (sealed.version, sealed.body) == (one.version, {"because": "filled"})
    assert standing(ledger, one.subject, now).state == "sealed"
    assert release(ledger, "ann", one.path, small_desk.made.policy, at=now).entry == done.entry
    for act, words in ((complete, "is not released"), (withdraw_release, "is sealed")):
        with pytest.raises(EntryRefused, match=words) as told:
            act(ledger, "ann", one.run_id, because="again", at=now)
        assert told.value.code == "STATE"


def test_who_keeps_losing_accounts_to_others_gives_up(small_desk, now, monkeypatch):
    one, tried = ready(small_desk, small_desk.made.folder), []

    def taken(ledger, drafts, at):
        tried.append(len(drafts))
        raise EntryRefused("another was first", code="KEY", mend="")

    monkeypatch.setattr(releases, "_guarded", taken)
    with pytest.raises(NotApproved, match="other runs keep taking") as told:
        release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)
    assert told.value.code == "RELEASED"
    assert tried == [8] * 10
    monkeypatch.setattr(
        releases, "_guarded", lambda *a: (_ for _ in ()).throw(EntryRefused("x", code="CLOCK", mend=""))
    )
    with pytest.raises(EntryRefused):  # what is no race is not tried again
        release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)


def test_what_is_no_matter_of_approval_stays_what_it_is(small_desk, now, monkeypatch):
    """A clock that runs backwards is not a missing approval: the release says what the ledger said."""
    one = ready(small_desk, small_desk.made.folder)

    def late(ledger, drafts, at):
        raise EntryRefused("before the last record", code="CLOCK", mend="")

    monkeypatch.setattr(releases, "append", late)
    with pytest.raises(EntryRefused, match="before the last record"):
        release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)


def test_other_bytes_under_the_name_of_a_released_run_are_not_released(small_desk, now, altered):
    one = ready(small_desk, altered("a"))
    release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)
    (one.path / "run.json").write_bytes(one.data + b" ")
    assert "was not submitted" in refused("CHANGED", small_desk, one.path, now)


def test_an_interrupted_release_can_be_taken_back_and_frees_its_accounts(small_desk, now, monkeypatch):
    one, real = ready(small_desk, small_desk.made.folder), releases._guarded

    def breaks(ledger, drafts, at):
        if drafts[0].kind == "release":
            raise KeyboardInterrupt
        return real(ledger, drafts, at)

    monkeypatch.setattr(releases, "_guarded", breaks)
    with pytest.raises(KeyboardInterrupt):
        release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now)
    monkeypatch.setattr(releases, "_guarded", real)
    assert withdraw_release(small_desk.ledger, "cat", one.run_id, because="power cut", at=now) is None
    assert standing(small_desk.ledger, one.subject, now).state == "approved"  # it never was released
    assert len(list(read(small_desk.ledger, kind="withdraw_account"))) == 8
    assert release(small_desk.ledger, "ann", one.path, small_desk.made.policy, at=now).accounts == 8


def test_ids_that_hold_anything_have_a_plain_name():
    for account in ("001", "a/b", "é", "\ud800", ""):
        assert len(digest_of(account)) == 32
        assert int(digest_of(account), 16) >= 0
    assert str(Release("r" * 64, dt.date(2026, 1, 1), None, 12_345, 67_890, {})) == (
        "run rrrrrrrrrrrr released: 12,345 accounts, 67,890 orders"
    )


# ------------------------------------------------------------------------------------------------ quorums of runs


def refused(code, desk, folder, at):
    with pytest.raises(NotApproved) as told:
        release(desk.ledger, "ann", folder, desk.made.policy, at=at)
    assert told.value.code == code, told.value
    return str(told.value)


def test_a_killed_switch_stops_before_anything_is_looked_at(small_desk, now):
    one = ready(small_desk, small_desk.made.folder)
    kill(small_desk.ledger, "dan", because="fire", at=now)
    assert "killed by dan" in refused("KILLED", small_desk, one.path, now)
    assert not list(read(small_desk.ledger, kind="release_account"))


def test_a_blocked_run_counts_only_those_who_knew(small_desk, now, altered):
    """Two are needed since limits gave way: one who did not know of the tripwire does not make up the number."""
    relaxed = '[{"limit": "turnover", "on": "", "bound": 0.3, "used": 0.31}]'
    folder = altered("b", rows={"accounts": lambda f: f.assign(relaxed=relaxed)}, blocked=True, why=["a", "b"])
    one = ready(small_desk, folder)  # ben did not say that he knew
    assert "BLOCKED: a; b" in refused("BLOCKED", small_desk, folder, now)
    approve(small_desk.ledger, "cat", one.subject, one.data, blocked=True, at=now)
    refused("BLOCKED", small_desk, folder, now)
    approve(small_desk.ledger, "dan", one.subject, one.data, blocked=True, at=now)
    release(small_desk.ledger, "ann", folder, small_desk.made.policy, at=now)


def test_a_blocked_run_whose_few_approvers_all_knew_lacks_a_quorum(small_desk, now, altered):
    relaxed = '[{"limit": "turnover", "on": "", "bound": 0.3, "used": 0.31}]'
    folder = altered("b", rows={"accounts": lambda f: f.assign(relaxed=relaxed)}, blocked=True, why=["a"])
    small_desk.documents()
    small_desk.propose(folder, "ben", blocked=True)
    assert "has 1 of 2 approvals" in refused("QUORUM", small_desk, folder, now)


def test_half_an_override_is_no_approval(small_desk, now):
    small_desk.documents()
    one = small_desk.propose(small_desk.made.folder)
    override(small_desk.ledger, "ben", one.subject, one.data, because="fire", review=now.date(), at=now)
    assert "has 0 of 1 approvals" in refused("QUORUM", small_desk, one.path, now)


def test_the_state_is_asked_last_whatever_was_counted(small_desk, now, monkeypatch):
    small_desk.documents()
    one = small_desk.propose(small_desk.made.folder)
    monkeypatch.setattr(gates, "_check_people", lambda *a: None)
    assert "is proposed" in refused("QUORUM", small_desk, one.path, now)


def test_a_policy_that_is_approved_and_no_policy_lets_nothing_go(small_desk, now):
    one, bad = ready(small_desk, small_desk.made.folder), b"[[limits"
    submit(small_desk.ledger, "ann", "policy/bad", bad, at=now)
    approve(small_desk.ledger, "ben", "policy/bad", bad, at=now)
    with pytest.raises(NotApproved, match="the policy cannot be read") as told:
        release(small_desk.ledger, "ann", one.path, bad, at=now)
    assert told.value.code == "POLICY"


def test_a_rejected_run_is_refused_by_its_state(small_desk, now):
    one = ready(small_desk, small_desk.made.folder)
    reject(small_desk.ledger, "cat", one.subject, because="no", at=now)
    assert "is rejected" in refused("STATE", small_desk, one.path, now)


def test_what_is_in_force_is_what_is_signed_now(small_desk, now):
    data = small_desk.made.policy.read_bytes()
    submit(small_desk.ledger, "ann", "policy/demo", data, at=now)
    assert in_force(small_desk.ledger, "policy", now) == frozenset()
    approve(small_desk.ledger, "ben", "policy/demo", data, days=3, at=now)
    assert len(in_force(small_desk.ledger, "policy", now)) == 1
    assert in_force(small_desk.ledger, "view", now) == frozenset()
    assert in_force(small_desk.ledger, "policy", now + 3 * DAY) == frozenset()
