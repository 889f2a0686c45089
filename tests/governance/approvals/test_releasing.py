"""What a run must have before it goes out; that it goes out once; and that it can be taken back."""

import datetime as dt

import pytest

from trimtab.errors import EntryRefused, NotApproved
from trimtab.governance import read
from trimtab.governance.approvals import approve, edit, expire, override, reject, submit
from trimtab.governance.gates import extension_bytes, measure, read_candidate
from trimtab.governance.releases import complete, release, withdraw_release
from trimtab.governance.statuses import standing

DAY = dt.timedelta(days=1)
RELAXED = '[{"limit": "turnover", "on": "", "bound": 0.3, "used": 0.31}]'


def refused(code, desk, folder, at, policy=None):
    with pytest.raises(NotApproved) as told:
        release(desk.ledger, "ann", folder, policy or desk.made.policy, at=at)
    assert told.value.code == code, told.value


def test_a_run_goes_out_once_when_everything_is_approved(desk, now):
    folder = desk.made.folder
    refused("CHANGED", desk, folder, now)
    one = read_candidate(folder)
    submit(desk.ledger, "ann", one.subject, one.data, at=now)
    refused("POLICY", desk, folder, now)
    desk.documents()
    refused("QUORUM", desk, folder, now)
    approve(desk.ledger, "ben", one.subject, one.data, at=now)
    done = release(desk.ledger, "ann", folder, desk.made.policy, at=now)
    assert standing(desk.ledger, one.subject, now).state == "released"
    taken = list(read(desk.ledger, kind="release_account"))
    assert done.accounts == len(taken) == 8
    assert done.orders == sum(len(e.body["trades"]) for e in taken)
    before = len(list(read(desk.ledger)))
    assert release(desk.ledger, "cat", folder, desk.made.policy, at=now).entry == done.entry  # by anybody, any time
    assert len(list(read(desk.ledger))) == before


def test_an_approval_ends(small_desk, now):
    small_desk.documents()
    small_desk.propose(small_desk.made.folder, "ben", days=7)
    refused("QUORUM", small_desk, small_desk.made.folder, now + 7 * DAY)
    release(small_desk.ledger, "ann", small_desk.made.folder, small_desk.made.policy, at=now + 6 * DAY)


def test_an_approval_of_a_run_lasts_no_longer_than_its_policy_says(small_desk, now):
    small_desk.documents()
    small_desk.propose(small_desk.made.folder, "ben", days=100)
    refused("QUORUM", small_desk, small_desk.made.folder, now + 7 * DAY)


@pytest.mark.parametrize("table", ["run.json", "trades", "targets", "accounts", "positions"])
def test_one_changed_byte_of_a_run_stops_it(small_desk, now, altered, table):
    folder = altered("b")
    small_desk.documents()
    small_desk.propose(folder, "ben")
    path = folder / table if table == "run.json" else next((folder / f"{table}.parquet").iterdir())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused("CHANGED", small_desk, folder, now)


@pytest.mark.parametrize("document", ["policy", "views", "tilts"])
def test_what_a_run_was_made_from_must_be_in_force(small_desk, now, document):
    desk = small_desk
    desk.documents()
    desk.propose(desk.made.folder, "ben")
    subject = {"policy": "policy/demo", "views": "view/desk", "tilts": "view/tilts"}[document]
    expire(desk.ledger, "cat", subject, because="stale", at=now)
    refused("POLICY" if document == "policy" else "VIEWS", desk, desk.made.folder, now)


def test_another_policy_than_the_runs_is_refused_though_it_is_in_force(small_desk, now):
    other = small_desk.made.policy.read_bytes().replace(b"0.30", b"0.29")
    small_desk.documents()
    small_desk.propose(small_desk.made.folder, "ben")
    refused("POLICY", small_desk, small_desk.made.folder, now, other)
    submit(small_desk.ledger, "ann", "policy/other", other, at=now)
    approve(small_desk.ledger, "ben", "policy/other", other, at=now)
    refused("POLICY", small_desk, small_desk.made.folder, now, other)


def test_a_comment_changed_in_the_policy_is_another_policy(small_desk, now):
    small_desk.documents()
    small_desk.propose(small_desk.made.folder, "ben")
    refused("POLICY", small_desk, small_desk.made.folder, now, small_desk.made.policy.read_bytes() + b"# fine\n")


def test_a_blocked_run_needs_an_approval_that_says_so(desk, now, altered):
    folder = altered("b", blocked=True, why=["too many refused"])
    desk.documents()
    one = desk.propose(folder, "ben")
    refused("BLOCKED", desk, folder, now)
    approve(desk.ledger, "cat", one.subject, one.data, blocked=True, at=now)
    release(desk.ledger, "ann", folder, desk.made.policy, at=now)


def test_a_relaxed_run_needs_two_whatever_its_proposer_says(small_desk, now, altered):
    folder = altered("c", rows={"accounts": lambda frame: frame.assign(relaxed=RELAXED)})
    assert measure(read_candidate(folder)).relaxation == pytest.approx(0.01)
    small_desk.documents()
    one = small_desk.propose(folder, "ben")
    refused("QUORUM", small_desk, folder, now)
    approve(small_desk.ledger, "cat", one.subject, one.data, at=now)
    release(small_desk.ledger, "ann", folder, small_desk.made.policy, at=now)


def test_a_far_leaning_run_needs_two(small_desk, now, altered):
    def lean(frame):
        frame.loc[0, ["current", "target"]] = [frame.strategic[0], frame.strategic[0] + 0.15]
        return frame

    folder = altered("d", rows={"targets": lean})
    small_desk.documents()
    small_desk.propose(folder, "ben")
    assert measure(read_candidate(folder)).deviation == pytest.approx(0.15)
    refused("QUORUM", small_desk, folder, now)


def test_what_nobody_trades_is_no_deviation_of_the_run(small_desk, altered):
    far = {"targets": lambda frame: frame.assign(current=0.9, target=0.9)}
    assert measure(read_candidate(altered("e", rows=far))).deviation == 0.0


def test_an_account_goes_out_once_a_day_and_again_after_a_withdrawal(desk, now, altered):
    ledger, policy = desk.ledger, desk.made.policy
    half = {"trades": lambda frame: frame[frame.account_id <= "004"]}
    first, second = altered("f", rows=half), altered("0a")
    desk.documents()
    desk.propose(first, "ben")
    desk.propose(second, "ben")
    assert release(ledger, "ann", first, policy, at=now).accounts == 4
    done = release(ledger, "ann", second, policy, at=now)
    assert sorted(done.held) == ["001", "002", "003", "004"]
    assert done.accounts == 4
    again = desk.propose(altered("0b", rows=half), "ben")
    refused("RELEASED", desk, again.path, now)
    withdraw_release(ledger, "cat", read_candidate(first).run_id, because="wrong", at=now)
    assert release(ledger, "ann", again.path, policy, at=now).accounts == 4


def test_a_withdrawn_run_needs_new_approvals(desk, now):
    ledger, folder = desk.ledger, desk.made.folder
    desk.documents()
    one = desk.propose(folder, "ben")
    with pytest.raises(EntryRefused):
        withdraw_release(ledger, "cat", one.run_id, because="nothing yet", at=now)
    first = release(ledger, "ann", folder, desk.made.policy, at=now)
    withdraw_release(ledger, "cat", one.run_id, because="wrong", at=now)
    refused("QUORUM", desk, folder, now)
    approve(ledger, "ben", one.subject, one.data, at=now)
    second = release(ledger, "ann", folder, desk.made.policy, at=now)
    assert (second.accounts, second.orders) == (first.accounts, first.orders)
    assert second.entry.sequence > first.entry.sequence
    complete(ledger, "ann", one.run_id, at=now)
    with pytest.raises(EntryRefused):
        withdraw_release(ledger, "cat", one.run_id, because="late", at=now)


def test_an_interrupted_release_goes_on_and_takes_nobody_twice(desk, now, monkeypatch):
    from trimtab.governance import releases

    monkeypatch.setattr(releases, "ACCOUNTS", 3)
    monkeypatch.setattr(releases, "BREATH", 0.0)
    desk.documents()
    desk.propose(desk.made.folder, "ben")
    real, calls = releases._guarded, []

    def breaks(ledger, drafts, at):
        calls.append(len(drafts))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(ledger, drafts, at)

    monkeypatch.setattr(releases, "_guarded", breaks)
    with pytest.raises(KeyboardInterrupt):
        release(desk.ledger, "ann", desk.made.folder, desk.made.policy, at=now)
    assert len(list(read(desk.ledger, kind="release_account"))) == 6
    assert not list(read(desk.ledger, kind="release"))
    done = release(desk.ledger, "ann", desk.made.folder, desk.made.policy, at=now)
    assert done.accounts == len(list(read(desk.ledger, kind="release_account"))) == 8


def test_two_people_override_what_is_missing_but_no_changed_byte(desk, now, altered):
    folder = altered("b", blocked=True, why=["x"])
    one = read_candidate(folder)
    submit(desk.ledger, "ann", one.subject, one.data, at=now)
    for who in ("ben", "cat"):
        refused("POLICY", desk, folder, now)
        override(desk.ledger, who, one.subject, one.data, because="fire", review=now.date() + DAY, at=now)
    path = folder / "run.json"
    path.write_bytes(one.data + b" ")
    refused("CHANGED", desk, folder, now)
    path.write_bytes(one.data)
    release(desk.ledger, "ann", folder, desk.made.policy, at=now)


@pytest.mark.parametrize("end", [reject, expire])
def test_who_says_no_ends_it(small_desk, now, end):
    small_desk.documents()
    one = small_desk.propose(small_desk.made.folder, "ben")
    end(small_desk.ledger, "cat", one.subject, because="no", at=now)
    refused({reject: "STATE", expire: "QUORUM"}[end], small_desk, small_desk.made.folder, now)


def test_a_run_submitted_with_other_bytes_must_be_approved_as_it_is(small_desk, now, altered):
    folder = altered("b")
    small_desk.documents()
    one = small_desk.propose(folder, "ben")
    edit(small_desk.ledger, "ann", one.subject, one.data + b"\n", at=now)
    refused("CHANGED", small_desk, folder, now)


def test_an_extension_must_be_approved_for_the_very_account_asset_side_and_day(small_desk, now, altered):
    until = dt.date(2017, 12, 31)

    def extend(frame):
        return frame.head(1).assign(
            account_id="001", asset_id="GOLD", side="over", opened=dt.date(2017, 1, 1), age_days=58.0, allowed=None,
            state="open", extended_until=until, approval="extension/gold", base=None,
        ).reindex(columns=frame.columns)  # fmt: skip

    folder = altered("b", rows={"positions": extend})
    assert read_candidate(folder)
    small_desk.documents()
    small_desk.propose(folder, "ben")
    words = r"of 001 in GOLD \(over\) is extended until 2017-12-31 and nothing in force says so \(extension/gold\)"
    with pytest.raises(NotApproved, match=words):
        release(small_desk.ledger, "ann", folder, small_desk.made.policy, at=now)
    refused("EXTENSION", small_desk, folder, now)
    for i, (who, day) in enumerate((("002", until), ("001", until - DAY), ("*", until))):
        data = extension_bytes(who, "GOLD", "over", day)
        submit(small_desk.ledger, "ann", f"extension/gold{i}", data, at=now)
        refused("EXTENSION", small_desk, folder, now)
        approve(small_desk.ledger, "ben", f"extension/gold{i}", data, at=now)
    release(small_desk.ledger, "ann", folder, small_desk.made.policy, at=now)
