"""Grandfathering with days of cure: who is outside may stay or improve until they are over; alone as in a chunk."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Deviation, Group, Policy, Restriction, TrackingError, Turnover
from trimtab.errors import PolicyError
from trimtab.models import NO_TILT, Account, Breach, View
from trimtab.models.breaches import read_breaches, stack_breaches
from trimtab.models.cohorts import Cohort
from trimtab.optimizer import Outcome, rebalance
from trimtab.optimizer.cures import watch
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.problems import outline, pose, pose_all

DAY = dt.date(2026, 7, 1)
CURED = Deviation("5%", grandfather=True, cure_days=30)
PULL = View("equity - bonds", 0.3, 0.95)
OUT = {"SPY": 0.48, "EFA": 0.2, "IEF": 0.32}


def account_of(desk, weights, *breaches, **more):
    plain = Account.from_weights("1", "balanced", weights, 1e6, desk.market)
    return replace(plain, breaches=breaches, **more)


def found(age, limit="deviation", **more):
    return Breach(limit, DAY - dt.timedelta(age), **more)


def asked(desk, policy, account, on=DAY):
    return rebalance(account, policy, desk.market, [PULL], on)


@pytest.mark.parametrize("age", [None, 0, 29, 30, 31, 400])
def test_it_may_stay_until_the_days_of_cure_are_over(desk, age):
    """A view pulls SPY up; outside by 3 %, it may stay for 30 days and has to be inside on the thirtieth."""
    rows = () if age is None else (found(age),)
    proposal = asked(desk, Policy((CURED,), desk.models), account_of(desk, OUT, *rows))
    lean = proposal.weights["target"]["SPY"] - 0.4
    if age is None or age < 30:
        assert lean == pytest.approx(0.08, abs=1e-9)
        (one,) = proposal.breaches
        since = DAY - dt.timedelta(age or 0)
        assert (one.limit, one.since, one.origin, one.days) == ("deviation", since, "passive", age or 0)
        assert one.until == since + dt.timedelta(30)
        assert one.excess == pytest.approx(0.03, abs=1e-9)
        assert "no longer" not in proposal.reason
    else:
        assert lean <= 0.05 + 1e-9
        assert proposal.breaches == ()
        assert f"30 days to cure the breach of {DAY - dt.timedelta(age)} are over" in proposal.reason


def test_lived_through_day_by_day_it_is_inside_after_so_many_days(desk):
    """What a proposal says is brought along to the next day, and nothing else is needed."""
    policy, account, seen = Policy((CURED,), desk.models), account_of(desk, OUT), []
    for k in range(33):
        proposal = asked(desk, policy, account, DAY + dt.timedelta(k))
        target = proposal.weights["target"]
        seen.append(float(np.abs(target - proposal.weights["strategic"]).max()))
        account = account_of(desk, target / target.sum(), *proposal.breaches)
    assert all(x > 0.05 + 1e-6 for x in seen[:30])
    assert all(x <= 0.05 + 1e-9 for x in seen[30:])
    assert np.all(np.diff(seen) <= 1e-9)  # it never worsens


def test_without_days_it_is_grandfathered_for_ever(desk):
    policy = Policy((replace(CURED, cure_days=None),), desk.models)
    proposal = asked(desk, policy, account_of(desk, OUT, found(4000)))
    assert proposal.weights["target"]["SPY"] == pytest.approx(0.48)
    assert proposal.breaches[0].until is None


def test_who_was_back_inside_begins_anew(desk):
    """A row of an account that stands inside today is over: its days do not count when it is outside again."""
    policy = Policy((CURED,), desk.models)
    proposal = asked(desk, policy, account_of(desk, desk.models["balanced"], found(20)))
    assert proposal.breaches == ()
    again = asked(desk, policy, account_of(desk, OUT, *proposal.breaches), DAY + dt.timedelta(5))
    assert again.breaches[0].since == DAY + dt.timedelta(5)


def test_a_trade_that_goes_outside_is_an_active_breach(desk):
    """A softer limit that gives way is exceeded by a trade: the breach is active, and stays so."""
    group = Group("bonds", most=0.3, grandfather=True, tier=1)  # the deviation asks for at least 35 %
    policy = Policy((Deviation("5%"), group), desk.models)
    start = {"SPY": 0.5, "EFA": 0.2, "IEF": 0.3}
    proposal = asked(desk, policy, account_of(desk, start))
    assert proposal.outcome is Outcome.RELAXED
    (one,) = proposal.breaches
    assert (one.limit, one.origin, one.since) == ("group", "active", DAY)
    target = proposal.weights["target"]
    again = asked(desk, policy, account_of(desk, target / target.sum(), one), DAY + dt.timedelta(9))
    assert (again.breaches[0].origin, again.breaches[0].days) == ("active", 9)


@pytest.mark.parametrize("tier", [0, 1])
def test_after_the_days_the_tier_says_what_becomes_of_who_cannot_come_back(desk, tier):
    """SPY is frozen outside: hard, there is no answer; of a tier, the limit gives way. Both say since when."""
    limits = (replace(CURED, tier=tier), Restriction("SPY", rule="frozen"))
    proposal = asked(desk, Policy(limits, desk.models), account_of(desk, OUT, found(30)))
    assert proposal.outcome is (Outcome.RELAXED if tier else Outcome.UNSOLVED)
    assert f"30 days to cure the breach of {DAY - dt.timedelta(30)} are over" in proposal.reason
    (one,) = proposal.breaches
    assert (one.days, one.origin, one.until) == (30, "passive", DAY)
    early = asked(desk, Policy(limits, desk.models), account_of(desk, OUT, found(29)))
    assert early.outcome is Outcome.OPTIMAL


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cure_days": 30}, "cure_days"),
        ({"cure_days": 0, "grandfather": True}, "cure_days"),
        ({"cure_days": True, "grandfather": True}, "cure_days"),
        ({"cure_days": 1.5, "grandfather": True}, "cure_days"),
        ({"cure_days": "30d", "grandfather": True}, "cure_days"),
    ],
)
def test_days_of_cure_need_something_to_cure(fields, field):
    with pytest.raises(PolicyError) as caught:
        Deviation("5%", **fields)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("rows", "code", "field"),
    [
        ((found(-1),), "LOOK_AHEAD", "since"),
        ((found(1), found(2)), "DUPLICATE_BREACH", "limit"),
        ((found(1, origin="market"),), "BAD_ORIGIN", "origin"),
    ],
)
def test_a_bad_row_is_the_accounts_own_fault(desk, rows, code, field):
    policy = Policy((CURED,), desk.models)
    proposal = asked(desk, policy, account_of(desk, OUT, *rows))
    assert (proposal.outcome, proposal.code, proposal.field) == (Outcome.QUARANTINED, code, field)
    assert asked(desk, Policy((Deviation("9%"),), desk.models), account_of(desk, OUT, *rows)).outcome is Outcome.OPTIMAL


LIMITS = {
    "box": (CURED, Turnover("60%")),
    "rows": (Group("equity", most="62%", grandfather=True, cure_days=30), Group("bonds", most=0.36, grandfather=True)),
    "ball": (TrackingError("0.5%", grandfather=True, cure_days=30), Deviation("9%", grandfather=True)),
}
drawn = st.lists(
    st.tuples(st.floats(-0.12, 0.12), st.one_of(st.none(), st.integers(0, 60)), st.booleans()), min_size=1, max_size=6
)


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@settings(max_examples=8, deadline=None)
@given(drawn)
def test_alone_or_in_a_chunk_it_is_the_same_breach(desk, limits, drawn):
    policy, market = Policy(limits, desk.models), desk.market.dated(DAY)
    name = limits[0].name
    accounts = [
        account_of(
            desk, {"SPY": 0.4 + lean, "EFA": 0.2, "IEF": 0.4 - lean},
            *(() if age is None else (found(age, name, origin="active" if own else "passive"),)),
        )
        for lean, age, own in drawn
    ]  # fmt: skip
    held = np.array([[a.quantities.get(x, 0.0) for x in market.universe.assets] for a in accounts])
    rows = stack_breaches([read_breaches(a.breaches) for a in accounts])
    ids = np.arange(len(accounts)).astype(str).astype(object)
    cohort = Cohort(ids, "balanced", held, 0 * held, np.zeros(len(held)), breaches=rows)
    problem = outline(policy, market)
    cases, posed = pose_all(problem, cohort, NO_TILT)
    assert len(posed) == len(accounts)
    decided, _ = decide_all(problem, cohort, NO_TILT, DAY)
    decisions, kept = decided[0] if decided else (None, np.zeros(0, dtype=int))
    for i, account in enumerate(accounts):
        case = pose(problem, account, NO_TILT)
        for part in ("lo", "hi", "rows_lo", "rows_hi", "ball_most"):
            np.testing.assert_array_equal(getattr(case.program, part), getattr(cases.program, part)[i])
        alone, together = (watch(policy, c, c.program.current) for c in (case, cases))
        np.testing.assert_array_equal(alone.since, together.since[i])
        np.testing.assert_array_equal(alone.active, together.active[i])
        np.testing.assert_allclose(alone.excess, together.excess[i], rtol=0, atol=1e-15)
        for k in np.flatnonzero(kept == i):
            only = decide_all(problem, cohort.pick(np.array([i])), NO_TILT, DAY)[0][0][0]
            np.testing.assert_array_equal(only.target[0], decisions.target[k])
            np.testing.assert_array_equal(only.outside.since[0], decisions.outside.since[k])
            assert only.reasons[0] == decisions.reasons[k]
