"""What becomes of tactical positions: opened by trades alone, aged, led back, rested, extended; alone as in a chunk."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Deviation, Policy, Restriction, TimeLimit, TradeSize
from trimtab.models import NO_TILT, Account, TacticalPosition, View, tilt
from trimtab.models.cohorts import Cohort
from trimtab.models.histories import stack_histories
from trimtab.models.positions import read_positions, stack_clocks
from trimtab.optimizer import Outcome, rebalance
from trimtab.optimizer.clocks import mark
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.problems import outline, pose, pose_all

DAY = dt.date(2026, 7, 1)
LIMIT = TimeLimit(20, 10, rest_days=15)
VIEW = View("equity - bonds", 0.08, 0.9)


@pytest.fixture(scope="module")
def mandate(desk):
    return Policy((Deviation("5%"), LIMIT), desk.models)


def account_of(desk, weights, *positions, **more):
    plain = Account.from_weights("1", "balanced", weights, 1e6, desk.market)
    return replace(plain, positions=positions, **more)


def walk(desk, policy, days, views, account, step=1):
    """Live through days of flat prices; yield the day's number and proposal."""
    for k in range(0, days, step):
        on = DAY + dt.timedelta(k)
        proposal = rebalance(account, policy, desk.market, views(k), on)
        yield k, proposal
        target = proposal.weights["target"]
        account = account_of(desk, target / target.sum(), *proposal.positions)


def states(proposal, asset="IEF"):
    return {p.side: (p.state, p.age_days) for p in proposal.positions if p.asset == asset}


def test_a_view_that_never_dies_is_in_position_for_its_life_and_then_rests(desk, mandate):
    seen = []
    for _, proposal in walk(desk, mandate, 75, lambda k: [VIEW], account_of(desk, desk.models["balanced"])):
        lean = proposal.weights["strategic"] - proposal.weights["target"]
        (state, age), allowed = states(proposal)["under"], {p.asset: p.allowed for p in proposal.positions}["IEF"]
        assert lean["IEF"] <= allowed + 1e-9
        assert state == ("open" if age <= 10 else "reverting" if age < 20 else "resting")
        if age >= 20:
            assert lean["IEF"] <= 0.001 + 1e-9
        seen.append(state)
    assert [k for k, s in enumerate(seen) if s == "open" and (k == 0 or seen[k - 1] != "open")] == [0, 35, 70]
    assert np.mean([s != "resting" for s in seen[:70]]) <= 20 / 35


def test_drift_alone_opens_nothing_and_a_trade_does(desk, mandate):
    drifted = account_of(desk, {"SPY": 0.43, "EFA": 0.2, "IEF": 0.37})
    still = replace(mandate, limits=(*mandate.limits, Restriction("SPY", rule="frozen")))
    proposal = rebalance(drifted, still, desk.market, [], DAY)
    assert proposal.weights["target"]["SPY"] == 0.43
    assert not states(proposal, "SPY")
    slow = replace(mandate, limits=(*mandate.limits, TradeSize(most="1%")))
    proposal = rebalance(drifted, slow, desk.market, [], DAY)
    assert proposal.weights["target"]["SPY"] == pytest.approx(0.42)
    assert states(proposal, "SPY") == {"over": ("open", 0)}  # somebody decided that 2 % stay


def test_it_closes_below_close_at_unless_it_is_being_led_back(desk, mandate):
    at_home = desk.models["balanced"]
    young, old = (TacticalPosition("SPY", "over", DAY - dt.timedelta(age)) for age in (5, 15))
    assert states(rebalance(account_of(desk, at_home, young), mandate, desk.market, [], DAY), "SPY") == {
        "over": ("closed", 5)
    }
    assert states(rebalance(account_of(desk, at_home, old), mandate, desk.market, [], DAY), "SPY") == {
        "over": ("reverting", 15)
    }


def test_a_closed_position_is_forgotten_the_day_after(desk, mandate):
    closed = TacticalPosition("SPY", "over", DAY - dt.timedelta(5), state="closed")
    assert not rebalance(account_of(desk, desk.models["balanced"], closed), mandate, desk.market, [], DAY).positions


def test_an_approved_extension_gives_a_resting_side_a_longer_life(desk, mandate):
    rested = TacticalPosition("IEF", "under", DAY - dt.timedelta(25), state="resting")
    later = replace(rested, extended_until=DAY + dt.timedelta(30), approval="minutes 12")
    resting, living = (
        rebalance(account_of(desk, desk.models["balanced"], one), mandate, desk.market, [VIEW], DAY)
        for one in (rested, later)
    )
    assert resting.weights["target"]["IEF"] == pytest.approx(0.4 - 0.001, abs=1e-9)
    assert living.weights["target"]["IEF"] == pytest.approx(0.35, abs=1e-9)
    assert states(living) == {"under": ("open", 25)}
    assert next(p for p in living.positions if p.asset == "IEF").approval == "minutes 12"


@pytest.mark.parametrize(
    ("position", "code"),
    [
        (TacticalPosition("IEF", "under", DAY, extended_until=DAY + dt.timedelta(9)), "NO_APPROVAL"),
        (TacticalPosition("IEF", "short", DAY), "BAD_SIDE"),
        (TacticalPosition("IEF", "under", DAY, state="gone"), "BAD_STATE"),
        (TacticalPosition("XXX", "under", DAY), "UNKNOWN_ASSET"),
        (TacticalPosition("IEF", "under", DAY + dt.timedelta(1)), "LOOK_AHEAD"),
        (TacticalPosition("IEF", "under", DAY, base=-1.0), "BAD_POSITION"),
    ],
)
def test_a_bad_position_is_the_accounts_own_fault(desk, mandate, position, code):
    proposal = rebalance(account_of(desk, desk.models["balanced"], position), mandate, desk.market, [], DAY)
    assert (proposal.outcome, proposal.code) == (Outcome.QUARANTINED, code)


def test_one_side_of_an_asset_stands_once(desk, mandate):
    twice = [TacticalPosition("IEF", "under", DAY - dt.timedelta(k)) for k in (1, 2)]
    proposal = rebalance(account_of(desk, desk.models["balanced"], *twice), mandate, desk.market, [], DAY)
    assert proposal.code == "DUPLICATE_POSITION"


@pytest.mark.parametrize("status", ["active", "blocked"])
def test_who_does_not_trade_grows_older_all_the_same(desk, mandate, status):
    barred = replace(mandate, limits=(*mandate.limits, Restriction("SPY", rule="no_sell")))
    leaning = account_of(desk, {"SPY": 0.44, "EFA": 0.2, "IEF": 0.36},
                         TacticalPosition("SPY", "over", DAY - dt.timedelta(21)), status=status)  # fmt: skip
    proposal = rebalance(leaning, barred, desk.market, [], DAY)
    assert proposal.outcome is (Outcome.UNSOLVED if status == "active" else Outcome.HELD)
    (one,) = [p for p in proposal.positions if p.asset == "SPY"]
    assert (one.state, one.age_days) == ("reverting", 21)  # past its end and not back: it does not rest


def test_without_a_deviation_limit_it_comes_back_from_where_it_stood(desk):
    policy = Policy((TimeLimit(20, 10),), desk.models)
    start = None
    for k, proposal in walk(desk, policy, 21, lambda k: [VIEW], account_of(desk, desk.models["balanced"])):
        lean = 0.4 - proposal.weights["target"]["IEF"]
        start = lean if k == 10 else start
        if k > 10:
            (one,) = [p for p in proposal.positions if p.asset == "IEF"]
            assert one.base == pytest.approx(start, abs=1e-9)
            assert lean <= max(start * (20 - k) / 10, 0.001) + 1e-9
    assert start > 0.05


def test_nothing_is_timed_without_a_time_limit(desk):
    position = TacticalPosition("IEF", "under", DAY - dt.timedelta(400))
    case = pose(
        outline(desk.linear, desk.market.dated(DAY)), account_of(desk, desk.models["balanced"], position), NO_TILT
    )
    assert mark(desk.linear, case, case.program.current) is None


positions = st.lists(
    st.tuples(
        st.sampled_from(["SPY", "EFA", "IEF"]), st.sampled_from(["over", "under", ""]), st.integers(0, 60),
        st.sampled_from(["open", "reverting", "resting", "closed"]), st.one_of(st.none(), st.integers(-5, 40)),
    ),
    max_size=4, unique_by=lambda row: row[:1],
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(positions, st.floats(-0.06, 0.06)), min_size=1, max_size=6), st.booleans())
def test_alone_or_in_a_chunk_it_is_the_same_position(desk, drawn, limited):
    limits = (Deviation("5%"), LIMIT) if limited else (LIMIT,)
    policy, market = Policy(limits, desk.models), desk.market.dated(DAY)
    accounts = []
    for rows, lean in drawn:
        own = [
            TacticalPosition(
                asset, side, DAY - dt.timedelta(age),
                None if more is None else DAY + dt.timedelta(more), "" if more is None else f"note {more}", state,
            )
            for asset, side, age, state, more in rows
        ]  # fmt: skip
        accounts.append(account_of(desk, {"SPY": 0.4 + lean, "EFA": 0.2, "IEF": 0.4 - lean}, *own))
    held = np.array([[a.quantities.get(x, 0.0) for x in market.universe.assets] for a in accounts])
    clocks = stack_clocks([read_positions(a.positions, market.universe) for a in accounts])
    ids = np.arange(len(accounts)).astype(str).astype(object)
    cohort = Cohort(ids, "balanced", held, 0 * held, np.zeros(len(held)), clocks=clocks, history=stack_histories([]))
    belief, problem = tilt([VIEW], market, policy.model(accounts[0]), DAY), outline(policy, market)
    cases, posed = pose_all(problem, cohort, belief)
    assert len(posed) == len(accounts)
    decided, _ = decide_all(problem, cohort, belief, DAY)  # who is at a corner is asked alone
    decisions, kept = decided[0] if decided else (None, np.zeros(0, dtype=int))
    for i, account in enumerate(accounts):
        case = pose(problem, account, belief)
        np.testing.assert_array_equal(case.program.lo, cases.program.lo[i])
        np.testing.assert_array_equal(case.program.hi, cases.program.hi[i])
        alike, _ = decide_all(problem, cohort.pick(np.array([i])), belief, DAY)
        assert len(alike) == (i in kept)
        for k in np.flatnonzero(kept == i):
            only = alike[0][0]
            np.testing.assert_array_equal(only.target[0], decisions.target[k])
            alone = mark(policy, case, decisions.target[k])
            for name in ("state", "age", "allowed"):
                np.testing.assert_array_equal(getattr(only.marks, name)[0], getattr(decisions.marks, name)[k])
                np.testing.assert_array_equal(getattr(alone, name), getattr(decisions.marks, name)[k])


def resting(asset="IEF", side="under", age=25, **more):
    return TacticalPosition(asset, side, DAY - dt.timedelta(age), state="resting", **more)


@pytest.mark.parametrize(
    ("since", "gain", "free"),
    [(4, 0.08, True), (5, 0.08, False), (6, 0.08, False), (None, 0.08, False), (4, -0.08, False)],
    ids=["after the end", "on the day of the end", "before the end", "nobody says since when", "the other way"],
)
def test_a_view_approved_after_the_expiry_ends_the_rest_of_its_own_side(desk, mandate, since, gain, free):
    """The position ended 5 days ago; a view that is live since a later day pushes the asset the same way, or not."""
    view = replace(VIEW, gain=gain, since=None if since is None else DAY - dt.timedelta(since))
    at_home = desk.models["balanced"]
    proposal = rebalance(account_of(desk, at_home, resting()), mandate, desk.market, [view], DAY)
    lean = 0.4 - proposal.weights["target"]["IEF"]
    if free:
        assert lean == pytest.approx(0.05, abs=1e-9)
        assert states(proposal) == {"under": ("open", 0)}  # a new life, counted from today
    else:
        assert lean <= 0.001 + 1e-9
        assert states(proposal)["under"] == ("resting", 25)


def test_a_new_view_frees_nobody_who_was_never_seen_back(desk, mandate):
    view = replace(VIEW, since=DAY)
    late = TacticalPosition("IEF", "under", DAY - dt.timedelta(25), state="reverting")
    leaning = account_of(desk, {"SPY": 0.43, "EFA": 0.2, "IEF": 0.37}, late)
    proposal = rebalance(leaning, mandate, desk.market, [view], DAY)
    assert 0.4 - proposal.weights["target"]["IEF"] <= 0.001 + 1e-9
    (one,) = [p for p in proposal.positions if p.asset == "IEF"]
    assert one.state == "resting"
    back = account_of(desk, proposal.weights["target"] / proposal.weights["target"].sum(), one)
    after = rebalance(back, mandate, desk.market, [view], DAY + dt.timedelta(1))
    assert 0.4 - after.weights["target"]["IEF"] == pytest.approx(0.05, abs=1e-9)


def test_one_view_frees_a_side_once(desk, mandate):
    """A view that never dies ended one rest; its own position expires after it, so it ends no second one."""
    view = replace(VIEW, since=DAY - dt.timedelta(1))
    account, seen = account_of(desk, desk.models["balanced"], resting()), []
    for k in range(30):
        proposal = rebalance(account, mandate, desk.market, [view], DAY + dt.timedelta(k))
        seen.append(states(proposal)["under"][0])
        target = proposal.weights["target"]
        account = account_of(desk, target / target.sum(), *proposal.positions)
    assert seen[0] == "open"
    assert set(seen[20:]) == {"resting"}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(20, 34), st.booleans()), min_size=2, max_size=5), st.integers(0, 12))
def test_rests_end_alike_alone_and_in_a_chunk(desk, mandate, rows, ago):
    market = desk.market.dated(DAY)
    view = replace(VIEW, since=DAY - dt.timedelta(ago))
    accounts = [
        account_of(desk, desk.models["balanced"], resting(age=age, side="under" if under else "over"))
        for age, under in rows
    ]
    held = np.array([[a.quantities.get(x, 0.0) for x in market.universe.assets] for a in accounts])
    clocks = stack_clocks([read_positions(a.positions, market.universe) for a in accounts])
    ids = np.arange(len(accounts)).astype(str).astype(object)
    cohort = Cohort(ids, "balanced", held, 0 * held, np.zeros(len(held)), clocks=clocks)
    problem = outline(mandate, market)
    belief = tilt([view], market, mandate.model(accounts[0]), DAY)
    cases, _ = pose_all(problem, cohort, belief)
    for i, account in enumerate(accounts):
        case = pose(problem, account, belief)
        np.testing.assert_array_equal(case.program.lo, cases.program.lo[i])
        np.testing.assert_array_equal(case.program.hi, cases.program.hi[i])
