"""What a committee asks of the ledger, on a run whose tables are known and on figures worked out by hand."""

import datetime as dt
import json

import numpy as np
import pytest

from trimtab.batches import read_book
from trimtab.constraints import read_policy
from trimtab.constraints.documents import read_policy as read
from trimtab.demo import ON, book_path
from trimtab.governance.approvals import approve, override, review, submit
from trimtab.governance.calendars import calendar, deviation_limits, used
from trimtab.governance.gates import read_candidate
from trimtab.governance.kills import kill, lift
from trimtab.governance.oversight import acts, by_person, drift, due, relaxations
from trimtab.governance.releases import release

DAY = dt.timedelta(days=1)
TODAY = dt.date.fromisoformat(ON)


@pytest.fixture(scope="module")
def universe():
    book = read_book(book_path())
    return book.market(book.policy(read_policy({"risk": {"periods_per_year": 12}})), ON).universe


def test_the_log_says_who_did_what(small_desk, now):
    desk, ledger = small_desk, small_desk.ledger
    desk.documents()
    one = desk.propose(desk.made.folder, "ben", because="fine")
    kill(ledger, "dan", because="wait", at=now)
    for who in ("ann", "cat"):
        lift(ledger, who, because="looked", at=now)
    release(ledger, "cat", desk.made.folder, desk.made.policy, at=now)
    done = acts(ledger)
    agreed = done[(done["subject"] == one.subject) & (done["act"] == "approved")]
    assert agreed[["person", "because"]].to_numpy().tolist() == [["ben", "fine"]]
    assert done.query("act == 'released'")["accounts"].tolist() == [8]
    table = by_person(done)
    assert table.loc["ann"].to_dict() == {
        "proposed": 4, "approved": 0, "released": 0, "held": 0, "overridden": 1, "reviewed": 0,
    }  # fmt: skip
    assert table.loc["dan", "held"] == table.loc["cat", "released"] == 1
    assert table.to_numpy().sum() == len(done)
    assert acts(ledger, since=now.date() + DAY).empty


def test_an_override_is_due_until_somebody_else_reviewed_it(small_desk, now):
    ledger = small_desk.ledger
    submit(ledger, "ann", "policy/p", b"x", at=now)
    for who, days in (("ben", 5), ("cat", 3)):
        override(ledger, who, "policy/p", b"x", because="fire", review=now.date() + days * DAY, at=now)
    (row,) = due(ledger, now).query("what == 'review of an override'").to_dict("records")
    assert (row["due"], row["people"], row["overdue"]) == (now.date() + 3 * DAY, "ben, cat", False)
    assert due(ledger, now + 4 * DAY)["overdue"].tolist() == [True]
    review(ledger, "dan", "policy/p", because="it was right", at=now + DAY)
    assert due(ledger, now + 4 * DAY).empty


def test_an_approval_is_due_before_it_ends_with_the_person_whose_quorum_it_is(small_desk, now):
    ledger = small_desk.ledger
    submit(ledger, "ann", "policy/p", b"x", people=2, at=now)
    for who, days in (("ben", 10), ("cat", 40), ("dan", 60)):
        approve(ledger, who, "policy/p", b"x", days=days, at=now)
    assert due(ledger, now + 20 * DAY).empty  # two last for 40 days
    assert due(ledger, now + 30 * DAY)["due"].tolist() == [now.date() + 40 * DAY]


def test_relaxations_wait_until_enough_have_agreed(small_desk, now, altered):
    bound = {"limit": "turnover", "on": "", "bound": 0.3, "used": 0.34}
    folder = altered("b", rows={"accounts": lambda f: f.assign(
        relaxed=np.where(f.account_id == "003", json.dumps([bound]), "[]"))})  # fmt: skip
    policy = small_desk.made.policy.read_bytes()
    assert relaxations(small_desk.ledger, [folder], policy, now).empty  # nobody proposes it
    one = small_desk.propose(folder, "ben")
    (row,) = relaxations(small_desk.ledger, [folder, small_desk.made.folder], policy, now).to_dict("records")
    assert (row["account_id"], row["limit"], row["people"], row["approved"]) == ("003", "turnover", 2, 1)
    assert row["excess"] == pytest.approx(0.04)
    approve(small_desk.ledger, "cat", one.subject, one.data, at=now)
    assert relaxations(small_desk.ledger, [folder], policy, now).empty


def test_a_tilt_held_for_most_of_a_year_is_a_drift(small_desk, now, altered):
    """100 days at 4 %, then 201 at 1 %; a run that nobody released does not count."""

    def at(active):
        return {
            "targets": lambda f: f.assign(target=f.strategic + np.where(f.asset_id == "GOLD", active, 0.0)),
            "accounts": lambda f: f.assign(nav=100.0, model_id="m"),
            "trades": lambda f: f.head(0),
        }

    on = dt.date(2017, 12, 28)
    first = altered("b", rows=at(0.04), on=(on - 300 * DAY).isoformat())
    second = altered("c", rows=at(0.01), on=(on - 200 * DAY).isoformat())
    never = altered("d", rows=at(0.05), on=(on - 100 * DAY).isoformat())
    small_desk.documents()
    runs = [second, never, first]
    assert drift(small_desk.ledger, runs, {"GOLD": 0.05}, on).empty
    for folder in (first, second):
        small_desk.propose(folder, "ben")
        release(small_desk.ledger, "ann", folder, small_desk.made.policy, at=now)
    gold = drift(small_desk.ledger, runs, {"GOLD": 0.05}, on).iloc[0]
    assert (gold["asset_id"], gold["flagged"]) == ("GOLD", False)
    assert gold["mean"] == pytest.approx((100 * 0.04 + 201 * 0.01) / 301)
    assert gold["share"] == pytest.approx(gold["mean"] / 0.05)
    assert drift(small_desk.ledger, runs, {"GOLD": 0.039}, on).iloc[0]["flagged"]
    # Later 20 days of the first are still within the year.
    later = drift(small_desk.ledger, runs, {"GOLD": 0.05}, on + 144 * DAY, per="account_id")
    assert later.iloc[0]["mean"] == pytest.approx((20 * 0.04 + 345 * 0.01) / 365)


def test_the_calendar_of_a_position_worked_out_by_hand(small_desk, universe):
    policy = read(small_desk.made.policy)
    table = calendar(small_desk.made.folder, policy, universe, TODAY)
    positions = read_candidate(small_desk.made.folder).seal["tables"]["positions"]["rows"]
    assert 0 < len(table) == positions
    row = table.iloc[0]
    assert row["ends"] == row["opened"] + 180 * DAY
    assert row["reverts_from"] == row["opened"] + 150 * DAY
    assert row["life_left"] == (row["ends"] - TODAY).days == 180 - row["age_days"]
    assert [round((day - row["reverts_from"]).days) for day, _ in row["path"]] == [0, 8, 15, 22, 30]
    assert [left for _, left in row["path"]] == pytest.approx([1 - d / 30 for d in (0, 8, 15, 22, 30)], abs=1e-6)


def test_an_extension_moves_the_end(small_desk, universe, altered):
    until = TODAY + 300 * DAY
    folder = altered("b", rows={"positions": lambda f: f.assign(extended_until=until, approval="extension/1")})
    table = calendar(folder, read(small_desk.made.policy), universe, TODAY)
    assert set(table["ends"]) == {until}
    assert set(table["life_left"]) == {300}


def test_limits_used_beyond_a_share(small_desk, universe, altered):
    def set_(f):
        f = f.assign(strategic=0.1, target=0.1, low=0.05, high=0.15)
        f.loc[0, "target"], f.loc[1, "target"], f.loc[2, "target"] = 0.146, 0.054, 0.12
        return f

    accounts = {"accounts": lambda f: f.assign(tracking_error=0.01, turnover=0.299, binding="[]")}
    folder = altered("b", rows={"targets": set_, **accounts})
    policy = read(small_desk.made.policy)
    table, n = used(folder, policy), read_candidate(folder).seal["tables"]["accounts"]["rows"]
    assert table.query("limit == 'weight'")["share"].tolist() == pytest.approx([0.92, 0.92])
    assert table.query("limit == 'turnover'")["share"].tolist() == pytest.approx([0.299 / 0.3] * n)
    assert not len(table.query("limit == 'tracking_error'"))
    assert len(used(folder, policy, share=0.3).query("limit == 'tracking_error'")) == n
    bound = '[{"limit": "cap", "on": "", "bound": 0.3, "used": 0.3}]'
    full = altered("full", rows={
        "targets": lambda f: set_(f).assign(target=0.15),
        "accounts": lambda f: f.assign(tracking_error=0.01, turnover=0.01, binding=bound),
    })  # fmt: skip
    names = used(full, policy)["limit"].tolist()
    assert names == ["cap"] * n + ["weight"] * (len(names) - n)  # of equal shares the named limits stand first
    assert deviation_limits(policy, universe) == dict.fromkeys(universe.assets, 0.05)
