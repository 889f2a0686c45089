"""Schedules: what a phase releases, what is done when the signals are read again, and what overrides both."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trimtab.constraints import (
    Band,
    Deviation,
    Group,
    Phases,
    Policy,
    Rebalance,
    TimeLimit,
    TrackingError,
    Turnover,
)
from trimtab.models import Account, PhasedTrade, TacticalPosition, View, tilt
from trimtab.models.cohorts import Cohort
from trimtab.models.schedules import read_schedule, stack_schedules
from trimtab.optimizer import Outcome, rebalance, why
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.problems import outline
from trimtab.optimizer.rebalancing import decide

DAY = dt.date(2026, 7, 1)
PHASES = Phases(((0, "50%"), (30, "25%"), (60, "25%")))
VIEW = View("equity - bonds", 0.08, 0.9)
BACK = View("bonds - equity", 0.08, 0.9)
RISKY = ["SPY", "EFA", "IEF"]


@pytest.fixture(scope="module")
def mandate(desk):
    return Policy((Deviation("5%"),), desk.models, phases=PHASES)


def account_of(desk, weights, rows=(), **more):
    plain = Account.from_weights("1", "balanced", weights, 1e6, desk.free)
    return replace(plain, phases=rows, **more)


def after(desk, proposal, **more):
    target = proposal.weights["target"]
    return account_of(desk, target / target.sum(), proposal.phases, **more)


def day(k):
    return DAY + dt.timedelta(k)


def begun(desk, policy, **more):
    """The account the day after its schedule began."""
    first = rebalance(account_of(desk, desk.models["balanced"]), policy, desk.free, [VIEW], DAY)
    return after(desk, first, **more)


def status(proposal):
    return {row.status for row in proposal.phases}


def target_of(desk, policy):
    plain = replace(policy, phases=None)
    proposal = rebalance(account_of(desk, desk.models["balanced"]), plain, desk.free, [VIEW], DAY)
    return proposal.weights["target"]


@pytest.mark.parametrize("of", ["original", "remaining"])
@pytest.mark.parametrize("trigger", ["always", ["band", "calendar"]])
def test_the_phases_sum_to_the_target(desk, mandate, of, trigger):
    policy = replace(
        mandate, phases=replace(PHASES, of=of), limits=(*mandate.limits, Band("1%")), rebalance=Rebalance(trigger)
    )
    goal, account, seen = target_of(desk, mandate), account_of(desk, desk.models["balanced"]), []
    start = np.array([0.4, 0.2, 0.4])
    for k in (0, 1, 29, 30, 59, 60, 61):
        proposal = rebalance(account, policy, desk.free, [VIEW], day(k))
        share = (proposal.weights["target"][RISKY] - start) / (goal[RISKY] - start)
        np.testing.assert_allclose(share, 0.5 if k < 30 else 0.75 if k < 60 else 1.0, atol=1e-9)
        seen.append((proposal.outcome.name, *status(proposal)))
        account = after(desk, proposal)
    assert seen[0] == ("OPTIMAL", "started")
    assert seen[1:3] == [("HELD", "waiting")] * 2
    assert seen[3:5] == [("OPTIMAL", "continued"), ("HELD", "waiting")]
    assert seen[5] == ("OPTIMAL", "finished")
    assert len(seen[6]) == 1  # forgotten the day after


def test_between_phases_it_is_held_and_says_what_it_waits_for(desk, mandate):
    held = rebalance(begun(desk, mandate), mandate, desk.free, [VIEW], day(29))
    assert held.outcome is Outcome.HELD
    assert held.reason == "phase 2 of 3 is due on 2026-07-31; 50% of the gap is done"
    assert {row.next_date for row in held.phases} == {day(30)}
    assert rebalance(begun(desk, mandate), mandate, desk.free, [VIEW], day(30)).cause == "phase 2 of 3 is due"


def test_continued(desk, mandate):
    proposal = rebalance(begun(desk, mandate), mandate, desk.free, [VIEW], day(31))
    assert status(proposal) == {"continued"}
    assert proposal.reason.endswith(
        "phase 2 of 3 continued as planned; 75% of the gap is done, phase 3 is due on 2026-08-30"
    )


def test_accelerated_after_a_missed_date(desk, mandate):
    late = replace(mandate, phases=replace(PHASES, steps=(*((k, "20%") for k in (0, 10, 20, 30, 40)),)))
    proposal = rebalance(begun(desk, late), late, desk.free, [VIEW], day(35))
    assert status(proposal) == {"accelerated"}
    assert "phases 2 to 4 of 5 accelerated, for a date was missed; 80% of the gap is done" in proposal.reason


def test_accelerated_where_the_views_end_before_the_schedule(desk, mandate):
    ends = replace(VIEW, since=day(-1), until=day(45))
    proposal = rebalance(begun(desk, mandate), mandate, desk.free, [ends], day(30))
    assert "accelerated, for the live views end on 2026-08-15, before the next phase" in proposal.reason
    np.testing.assert_allclose(proposal.weights["target"], target_of(desk, mandate), atol=1e-9)
    # A view that lives on is waited for.
    lives = replace(ends, until=day(61))
    assert status(rebalance(begun(desk, mandate), mandate, desk.free, [lives], day(30))) == {"continued"}


def test_merged_with_a_target_that_moved(desk, mandate):
    wider = replace(mandate, limits=(Deviation("9%"),))
    proposal = rebalance(begun(desk, mandate), wider, desk.free, [VIEW], day(30))
    assert status(proposal) == {"merged"}
    assert "merged, for the gap moved: -6.50% of IEF remain, where -2.50% were planned" in proposal.reason
    rows = {row.asset: row for row in proposal.phases}
    assert rows["IEF"].gap == pytest.approx(-0.09)  # what is done and what remained
    assert rows["IEF"].done == pytest.approx(-0.75 * 0.09)
    assert rows["IEF"].next_date == day(60)  # the dates stay
    last = rebalance(after(desk, proposal), wider, desk.free, [VIEW], day(60))
    np.testing.assert_allclose(last.weights["target"], target_of(desk, wider), atol=1e-9)


@pytest.mark.parametrize("k", [10, 30])
def test_restarted_where_the_gap_turned_round(desk, mandate, k):
    proposal = rebalance(begun(desk, mandate), mandate, desk.free, [BACK], day(k))
    assert status(proposal) == {"restarted"}
    assert "restarted, for the gap of IEF turned round and is +7.50%" in proposal.reason
    rows = {row.asset: row for row in proposal.phases}
    assert (rows["IEF"].started, rows["IEF"].gap, rows["IEF"].done) == (
        day(k), pytest.approx(0.075), pytest.approx(0.0375),
    )  # fmt: skip


def test_cancelled_where_nothing_is_left_to_go(desk, mandate):
    there = account_of(desk, target_of(desk, mandate), begun(desk, mandate).phases)
    proposal = rebalance(there, mandate, desk.free, [VIEW], day(30))
    assert status(proposal) == {"cancelled"}
    assert proposal.reason.endswith("its schedule is cancelled: nothing is left to go, no gap is wider than 0.10%")
    assert not proposal.trades


def test_cancelled_where_it_turned_round_and_nothing_asks_for_another(desk, mandate):
    policy = replace(mandate, limits=(*mandate.limits, Band("8%")), rebalance=Rebalance("band"))
    proposal = rebalance(begun(desk, mandate), policy, desk.free, [BACK], day(3))
    assert proposal.outcome is Outcome.HELD
    assert status(proposal) == {"cancelled"}
    assert proposal.reason.startswith(
        "its schedule is cancelled: the gap of IEF turned round and is +7.50%; every band"
    )


def test_a_small_gap_is_not_phased(desk, mandate):
    near = target_of(desk, mandate) + np.array([0.0004, 0.0004, -0.0008, 0.0])
    proposal = rebalance(account_of(desk, near), mandate, desk.free, [VIEW], DAY)
    assert not proposal.phases
    np.testing.assert_allclose(proposal.weights["target"], target_of(desk, mandate), atol=1e-9)


def test_no_schedule_begins_where_costs_leave_nothing_to_trade(desk, mandate):
    faint = replace(VIEW, gain=0.002)
    costly = Policy(desk.linear.limits, desk.models, phases=PHASES, cost_horizon_years=0.01)
    account = Account.from_weights("1", "balanced", desk.models["balanced"], 1e6, desk.market)
    proposal = rebalance(account, costly, desk.market, [faint], DAY)
    free = rebalance(account, costly, desk.free, [faint], DAY)
    assert (proposal.outcome, proposal.trades, proposal.phases) == (Outcome.OPTIMAL, (), ())
    assert status(free) == {"started"}


def test_a_broken_hard_limit_does_not_wait(desk, mandate):
    broken = account_of(desk, {"SPY": 0.36, "EFA": 0.13, "IEF": 0.51}, begun(desk, mandate).phases)
    proposal = rebalance(broken, mandate, desk.free, [VIEW], day(10))
    assert proposal.outcome is Outcome.OPTIMAL
    assert proposal.cause == "the limit deviation on IEF is broken"
    assert proposal.weights["target"]["IEF"] <= 0.45 + 1e-9
    assert status(proposal) == {"waiting"}


@pytest.mark.parametrize("priced", [False, True])
def test_a_broken_ball_widens_the_phase_on_the_way_to_the_target(desk, mandate, priced):
    policy = replace(mandate, limits=(Deviation("9%"), TrackingError("1%")))
    broken = account_of(desk, {"SPY": 0.32, "EFA": 0.13, "IEF": 0.55}, begun(desk, mandate).phases)
    proposal = rebalance(broken, policy, desk.market if priced else desk.free, [VIEW], day(10))
    assert proposal.outcome is Outcome.OPTIMAL
    assert proposal.tracking_error <= 0.01 + 1e-9
    assert proposal.weights["target"]["IEF"] > target_of(desk, policy)["IEF"] + 0.05  # no farther than it must


def test_an_expiring_position_does_not_wait(desk, mandate):
    policy = replace(mandate, limits=(Deviation("5%"), TimeLimit(20, 10)))
    old = TacticalPosition("IEF", "under", day(-5))
    proposal = rebalance(begun(desk, mandate, positions=(old,)), policy, desk.free, [VIEW], day(14))
    assert proposal.weights["target"]["IEF"] >= 0.4 - 0.05 * 0.1 - 1e-9
    assert "time_limit" in proposal.cause


def test_what_only_a_wider_phase_can_meet_is_relaxed_and_says_so(desk, mandate):
    policy = replace(mandate, limits=(Deviation("9%"), Group("equity", least="60%")))
    stuck = account_of(desk, {"SPY": 0.4, "EFA": 0.13, "IEF": 0.47}, begun(desk, mandate).phases)
    stuck = replace(stuck, restrictions=(("EFA", "frozen"),))
    proposal = rebalance(stuck, policy, desk.free, [BACK], day(10))
    assert proposal.outcome is Outcome.RELAXED
    assert {gave.limit for gave in proposal.relaxed} == {"phase"}
    assert "the phase of its schedule, by 7.0" in proposal.reason
    assert proposal.weights["target"][["SPY", "EFA"]].sum() >= 0.6 - 1e-9


def test_a_turnover_limit_outranks_the_phase(desk, mandate):
    policy = replace(mandate, limits=(*mandate.limits, Turnover("1%")))
    account, total = account_of(desk, desk.models["balanced"]), 0.0
    for k in (0, 30, 60):
        proposal = rebalance(account, policy, desk.free, [VIEW], day(k))
        total += proposal.turnover
        assert proposal.turnover <= 0.01 + 1e-9
        account = after(desk, proposal)
    assert total == pytest.approx(0.03)
    assert "60% of the gap is done, that was the last" in proposal.reason


@pytest.mark.parametrize("flow", [50_000.0, -50_000.0])
@pytest.mark.parametrize("priced", [False, True])
def test_a_cash_flow_is_invested_or_raised_at_once_and_the_tilt_waits(desk, mandate, flow, priced):
    market = desk.market if priced else desk.free
    account = begun(desk, mandate, cash_flow=flow)
    proposal = rebalance(account, mandate, market, [VIEW], day(10))
    assert proposal.outcome is Outcome.OPTIMAL
    assert status(proposal) == {"waiting"}
    now, goal = proposal.weights["current"], proposal.weights["target"]
    nav = 1e6 + flow
    mix = account_of(desk, desk.models["balanced"]).quantities  # prices are 1
    assert set(mix) == set(RISKY)
    if flow > 0:  # what is below its target is bought in the account's own mix
        for asset in ("SPY", "EFA"):
            assert goal[asset] - now[asset] == pytest.approx(account.quantities[asset] / 1e6 * flow / nav, abs=1e-6)
    else:
        assert goal["CASH"] >= -1e-9
    done = {row.asset: row.done for row in proposal.phases}
    for asset in RISKY:  # what a flow alone would have traded is no part of the gap
        before = account.quantities[asset] / 1e6
        assert done[asset] == pytest.approx((before - 0.4 if asset != "EFA" else before - 0.2) + goal[asset] - before)


def test_an_account_funded_by_its_first_deposit_is_phased(desk, mandate):
    new = Account("1", "balanced", {}, cash_flow=1e6)
    proposal = rebalance(new, replace(mandate, limits=()), desk.free, [], DAY)
    target = proposal.weights["target"]
    np.testing.assert_allclose(target[["SPY", "EFA"]], [0.2, 0.1], atol=1e-9)
    # A phase allows and does not force: with half of the equity, less than half of the bonds is the better portfolio.
    assert 0.1 < target["IEF"] < 0.2


def test_a_blocked_account_keeps_its_schedule(desk, mandate):
    blocked = rebalance(begun(desk, mandate, status="blocked"), mandate, desk.free, [VIEW], day(40))
    assert blocked.outcome is Outcome.HELD
    assert status(blocked) == {"waiting"}
    freed = rebalance(after(desk, blocked), mandate, desk.free, [VIEW], day(61))
    assert "phases 2 and 3 of 3 accelerated, for a date was missed" in freed.reason


def test_a_phase_without_an_answer_is_still_due_tomorrow(desk, mandate):
    stuck = account_of(desk, {"SPY": 0.36, "EFA": 0.13, "IEF": 0.51}, begun(desk, mandate).phases)
    stuck = replace(stuck, restrictions=(("IEF", "frozen"),))
    unsolved = rebalance(stuck, mandate, desk.free, [VIEW], day(30))
    assert unsolved.outcome is Outcome.UNSOLVED
    assert {(row.status, row.step, row.next_date) for row in unsolved.phases} == {("waiting", 1, day(30))}
    assert {row.done for row in unsolved.phases} == {row.done for row in stuck.phases}


def test_a_first_phase_that_is_later_trades_nothing_today(desk, mandate):
    policy = replace(mandate, phases=Phases(((5, "50%"), (10, "50%"))))
    first = rebalance(account_of(desk, desk.models["balanced"]), policy, desk.free, [VIEW], DAY)
    assert not first.trades
    assert "phase 1 of 2 will begin a schedule; 0% of the gap is done, phase 1 is due on 2026-07-06" in first.reason
    again = rebalance(after(desk, first), policy, desk.free, [VIEW], day(5))
    assert status(again) == {"continued"}


def test_a_step_nobody_told_is_read_off_what_is_done(desk, mandate):
    rows = tuple(replace(row, step=None, status="") for row in begun(desk, mandate).phases)
    account = replace(begun(desk, mandate), phases=rows)
    assert rebalance(account, mandate, desk.free, [VIEW], day(29)).outcome is Outcome.HELD
    assert status(rebalance(account, mandate, desk.free, [VIEW], day(30))) == {"continued"}


def test_a_schedule_from_tomorrow_is_refused(desk, mandate):
    row = PhasedTrade("SPY", day(1), 0.03)
    proposal = rebalance(account_of(desk, desk.models["balanced"], (row,)), mandate, desk.free, [VIEW], DAY)
    assert (proposal.outcome, proposal.code, proposal.field) == (Outcome.QUARANTINED, "LOOK_AHEAD", "started")


def test_without_phases_a_schedule_says_nothing(desk, mandate):
    plain = replace(mandate, phases=None)
    with_rows, without = (
        rebalance(account, plain, desk.free, [VIEW], day(10))
        for account in (begun(desk, mandate), replace(begun(desk, mandate), phases=()))
    )
    np.testing.assert_array_equal(with_rows.weights["target"], without.weights["target"])
    assert not with_rows.phases


def test_the_reasons_tell_a_phase_as_one_difference(desk, mandate):
    told = why(account_of(desk, desk.models["balanced"]), mandate, desk.market, [VIEW], DAY)
    parts = told.to_frame()
    np.testing.assert_allclose(parts.drop(columns="trade").sum(axis=1), parts["trade"], atol=1e-12)
    name = next(column for column in parts if "phase" in column)
    assert name == "held back by phase"
    assert parts[name]["IEF"] == pytest.approx(0.025, abs=1e-6)
    views = parts[next(column for column in parts if "equity - bonds" in column)]
    assert views["IEF"] == pytest.approx(-0.05, abs=1e-6)
    assert np.abs(parts.to_numpy()).max() <= 0.05 + 1e-9


weights = st.lists(st.integers(1, 20), min_size=4, max_size=4)
rows = st.tuples(
    st.integers(0, 70), st.lists(st.floats(-0.08, 0.08), min_size=3, max_size=3), st.floats(0, 1.1),
    st.one_of(st.none(), st.integers(0, 3)),
)  # fmt: skip
cases = st.tuples(weights, st.one_of(st.none(), rows), st.sampled_from([0.0, 0.0, 60_000.0, -60_000.0]))


def drawn_account(desk, i, drawn):
    sizes, schedule, flow = drawn
    held = dict(zip([*RISKY, "CASH"], np.array(sizes) / sum(sizes), strict=True))
    own = ()
    if schedule is not None:
        age, gaps, share, step = schedule
        own = tuple(
            PhasedTrade(asset, day(-age), gap, share * gap, step) for asset, gap in zip(RISKY, gaps, strict=True)
        )
    plain = Account.from_weights(str(i), "balanced", held, 1e6, desk.market, flow)
    return replace(plain, phases=own)


@settings(max_examples=25, deadline=None)
@given(cases, st.sampled_from(["original", "remaining"]), st.sampled_from([(), (Turnover("3%"),)]))
def test_a_trade_stays_between_nothing_and_what_is_released(desk, drawn, of, more):
    """Where no limit is broken, nothing goes past today's target, nor beyond the plain arithmetic of the schedule."""
    policy = Policy((Deviation("40%"), *more), desk.models, phases=replace(PHASES, of=of))
    account = drawn_account(desk, 1, drawn)
    assume(account.cash_flow >= 0)  # a withdrawal may break the cash floor
    proposal = rebalance(account, policy, desk.market, [VIEW], DAY)
    assert proposal.outcome in (Outcome.OPTIMAL, Outcome.HELD)
    now, target, tactical = (
        proposal.weights["current"][RISKY].to_numpy(), proposal.weights["target"][RISKY].to_numpy(),
        tactical_of(desk, policy)[:3],
    )  # fmt: skip
    trade, gap = target - now, tactical - now
    assert (trade * np.sign(gap) >= -1e-9).all()
    assert (np.abs(trade) <= np.abs(gap) + 1e-9).all()
    if "waiting" in status(proposal) and not account.cash_flow:
        assert not proposal.trades
    if status(proposal) == {"started"}:
        flow = now / (1 - account.cash_flow / (1e6 + account.cash_flow)) - now
        np.testing.assert_array_less(np.abs(trade), 0.5 * np.abs(gap - flow) + flow + 1e-9)


def tactical_of(desk, policy):
    from trimtab.optimizer.tactical import tactical_targets

    problem = outline(policy, desk.market.dated(DAY))
    belief = tilt([VIEW], problem.market, policy.model(SimpleNamespace(model="balanced")), DAY)
    return tactical_targets(problem, "balanced", np.array([policy.risk_aversion]), belief)[0]


@settings(max_examples=12, deadline=None)
@given(st.lists(cases, min_size=2, max_size=5), st.sampled_from(["original", "remaining"]))
def test_alone_or_in_a_chunk_it_is_the_same_schedule(desk, drawn, of):
    limits = (Deviation("20%"), TrackingError("3%"))
    policy, market = Policy(limits, desk.models, phases=replace(PHASES, of=of)), desk.market.dated(DAY)
    accounts = [drawn_account(desk, i, own) for i, own in enumerate(drawn)]
    problem = outline(policy, market)
    belief = tilt([VIEW], market, policy.model(accounts[0]), DAY)
    cohort = Cohort(
        np.array([a.id for a in accounts], dtype=object), "balanced",
        np.array([[a.quantities.get(x, 0.0) for x in market.universe.assets] for a in accounts]),
        np.zeros((len(accounts), 4)), np.array([a.cash_flow for a in accounts]),
        schedules=stack_schedules([read_schedule(a.phases, market.universe) for a in accounts]),
    )  # fmt: skip
    together, _ = decide_all(problem, cohort, belief, DAY)
    for decisions, kept in together:
        for k, i in enumerate(kept):
            alone = decide(problem, accounts[i], belief, DAY)
            assert alone.outcome is decisions.outcome
            assert alone.reason == decisions.reasons[k]
            np.testing.assert_array_equal(alone.weights["low"], decisions.cases.program.lo[k])
            np.testing.assert_array_equal(alone.weights["high"], decisions.cases.program.hi[k])
            np.testing.assert_allclose(alone.weights["target"], decisions.target[k], atol=1e-9)
            ((single, _),), _ = decide_all(problem, cohort.pick(np.array([i])), belief, DAY)
            np.testing.assert_array_equal(single.target[0], decisions.target[k])
            for name in ("started", "step", "gap", "done"):
                one, many = (getattr(x.progress.schedules, name) for x in (single, decisions))
                np.testing.assert_array_equal(one[0], many[k])


@settings(max_examples=20, deadline=None)
@given(cases, st.sampled_from(["original", "remaining"]))
def test_whoever_breaks_a_limit_hurries_and_nothing_is_relaxed(desk, drawn, of):
    """Drifts and withdrawals that break hard limits are healed at once: the way to the target heals them all."""
    limits = (Deviation("10%"), TrackingError("1.5%"), Group("equity", least="55%"))
    policy = Policy(limits, desk.models, phases=replace(PHASES, of=of))
    proposal = rebalance(drawn_account(desk, 1, drawn), policy, desk.market, [VIEW], DAY)
    assert proposal.outcome in (Outcome.OPTIMAL, Outcome.HELD), proposal.reason
    target = proposal.weights["target"]
    assert (np.abs(target - proposal.weights["strategic"]) <= 0.1 + 1e-9).all()
    assert proposal.tracking_error <= 0.015 + 1e-9
    assert target[["SPY", "EFA"]].sum() >= 0.55 - 1e-9
    assert target["CASH"] - proposal.cost / proposal.nav >= -1e-9
