"""Who is asked and who is held: against a statement of the rules in plain numpy, alone and many at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.constraints import Band, Custom, Deviation, Policy, Rebalance, TrackingError, Turnover
from trimtab.models import Account, Tilt, View, tilt
from trimtab.models.cohorts import Cohort
from trimtab.optimizer import Outcome, due, rebalance, solve
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.problems import outline
from trimtab.optimizer.tactical import place_all, tactical_targets
from trimtab.optimizer.triggers import examine, look

ON = dt.date(2026, 11, 20)  # a Friday: the New York exchange is open
MODELS = {"m": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.35, "CASH": 0.05}}
VIEW = View("equity - bonds", gain="1.5%", confidence=0.6)


def policy_of(*limits, trigger="band", destination="ideal", **others):
    return Policy(limits, MODELS, rebalance=Rebalance(trigger, destination, **others))


def account_of(desk, *weights, **others):
    held = dict(zip(desk.market.universe.assets, weights, strict=True))
    return replace(Account.from_weights("1", "m", held, 1_000_000, desk.market), **others)


def belief_of(policy, desk, account, views=(), overlay=None):
    return tilt(views, desk.market, policy.model(account), ON) + (overlay or Tilt())


def asked(policy, desk, account, views=(), on=ON, overlay=None):
    return examine(outline(policy, desk.market), account, belief_of(policy, desk, account, views, overlay), on)


# -------------------------------------------------------------------------------- against a statement of the rules


def plainly_due(now, target, b, width, dev, frozen, flow):
    """Say the rules once more: a cash flow, a broken limit, a band left; what may not trade has not drifted."""
    lo, hi = np.maximum(0.0, b - dev), np.minimum(1.0, b + dev)
    t = np.where(frozen, now, np.clip(target, lo, hi))
    room_low, room_high = np.minimum(width, t - (b - dev)), np.minimum(width, (b + dev) - t)
    low, high = np.maximum(room_low, 0.0), np.maximum(room_high, 0.0)
    outside = (now < t - low - 1e-9) | (now > t + high + 1e-9)
    broken = (now < np.maximum(lo, 0.0) - 1e-9) | (now > hi + 1e-9)
    if frozen[:-1].all():  # nothing can be traded, so a band asks for nothing
        return bool(flow or broken.any())
    return bool(flow or broken.any() or outside.any())


@given(
    drift=st.lists(st.floats(-0.06, 0.06), min_size=3, max_size=3),
    width=st.floats(0.005, 0.06),
    frozen=st.lists(st.booleans(), min_size=3, max_size=3),
    flow=st.sampled_from([0.0, 0.0, 0.0, 20_000.0, -10_000.0]),
    gain=st.sampled_from(["0%", "1.5%", "-3%"]),
)
def test_held_exactly_where_nothing_is_due(desk, drift, width, frozen, flow, gain):
    """By one account: HELD where the plain rules say that nothing is due, solved elsewhere."""
    b = np.array([0.4, 0.2, 0.35, 0.05])
    weights = b + np.array([*drift, -sum(drift)])
    weights = np.maximum(weights, 0.0)
    weights /= weights.sum()
    names = desk.market.universe.assets
    rules = tuple((names[i], "frozen") for i in range(3) if frozen[i])
    account = account_of(desk, *weights, cash_flow=flow, restrictions=rules)
    policy = policy_of(Deviation("5%"), Band(width))
    views = [replace(VIEW, gain=float(gain.strip("%")) / 100)]
    belief = belief_of(policy, desk, account, views)
    problem = outline(policy, desk.market)
    target = tactical_targets(problem, "m", np.array([6.0]), belief)[0]
    after = weights * 1e6
    after[3] += flow
    after /= after.sum()
    expected = plainly_due(after, target, b, width, 0.05, np.array([*frozen, False]), flow)
    assert bool(due(problem, account, belief, ON)) is expected
    proposal = rebalance(account, policy, desk.market, views, ON)
    assert (proposal.outcome is Outcome.HELD) is (not expected)
    if not expected:
        assert proposal.reason.startswith(
            ("every band holds", "every asset is frozen") if all(frozen) else "every band"
        )
        assert not proposal.trades
        assert (proposal.weights["target"] == proposal.weights["current"]).all()


@given(share=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_an_account_inside_its_bands_is_held(desk, share):
    """Wherever it stands inside."""
    policy = policy_of(TrackingError("5%"), Turnover("20%"), Band(relative=0.2, floor=0.02))
    account = account_of(desk, 0.4, 0.2, 0.35, 0.05)
    target = tactical_targets(
        outline(policy, desk.market), "m", np.array([6.0]), belief_of(policy, desk, account, [VIEW])
    )[0]
    half = np.maximum(0.02, 0.2 * target)
    move = 0.33 * half.min() * np.array([*share, -sum(share)])
    account = account_of(desk, *(target + move))
    proposal = rebalance(account, policy, desk.market, [VIEW], ON)
    assert proposal.outcome is Outcome.HELD
    widest = (np.abs(move) / half).max()
    assert f"{100 * widest:.0f}% of its band" in proposal.reason or widest < 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_many_are_looked_at_as_one_by_one(desk, seed):
    """The same causes and the same sentences, whoever stands beside them, in any order."""
    rng = np.random.default_rng([seed, 11])
    policy = policy_of(
        Deviation("12%"), Band(0.03), Band(0.05, on="equity", of="sum", name="whole"),
        trigger=["band", "calendar", "tracking_error", "views"], tracking_error="0.4%", cooldown_sessions=3,
    )  # fmt: skip
    names = desk.market.universe.assets
    belief = tilt([VIEW], desk.market, policy.model(account_of(desk, 0.4, 0.2, 0.35, 0.05)), ON)
    accounts = []
    for i in range(12):
        weights = np.clip(np.array([0.4, 0.2, 0.35, 0.05]) + rng.normal(0, 0.02, 4), 0, 1)
        last = None if rng.random() < 0.2 else ON - dt.timedelta(days=int(rng.integers(1, 60)))
        seen = str(rng.choice(["", "x", belief.sign, belief.sign]))
        own = account_of(desk, *(weights / weights.sum()), cash_flow=float(rng.choice([0.0, 0.0, 1e4])))
        accounts.append(replace(own, id=str(i), last_rebalance=last, last_views=seen))
    problem = outline(policy, desk.market)
    cohort = Cohort(
        np.array([a.id for a in accounts], dtype=object), "m",
        np.array([[a.quantities.get(n, 0.0) for n in names] for a in accounts]), np.zeros((12, 4)),
        np.array([a.cash_flow for a in accounts]),
        last_rebalance=np.array([a.last_rebalance for a in accounts], dtype="datetime64[D]"),
        last_views=np.array([a.last_views for a in accounts], dtype=object),
    )  # fmt: skip
    cases, kept = place_all(problem, cohort, belief)
    assert len(kept) == 12
    whole, order = look(problem, cases, ON), rng.permutation(12)
    mixed = look(problem, cases.pick(order), ON)
    for i, account in enumerate(accounts):
        cause, held = examine(problem, account, belief, ON)
        assert bool(cause) is bool(whole.due[i])
        assert whole.words[i] == (cause or held)
        assert mixed.words[int(np.flatnonzero(order == i)[0])] == whole.words[i]
    decided, _ = decide_all(problem, cohort, belief, ON)
    held = {name for d, _ in decided if d.outcome is Outcome.HELD for name in d.cases.cohort.ids}
    assert held == {a.id for i, a in enumerate(accounts) if not whole.due[i]}


# ------------------------------------------------------------------------------------------------- each trigger


def test_a_band_says_what_has_drifted(desk):
    policy = policy_of(Band(0.03))
    cause, held = asked(policy, desk, account_of(desk, 0.46, 0.20, 0.30, 0.04))
    assert (cause, held) == ("SPY is 6.00% above its tactical target, and its band 3.00%", "")
    assert asked(policy, desk, account_of(desk, 0.415, 0.20, 0.335, 0.05))[1] == (
        "every band holds: the widest drift is 50% of its band (SPY)"
    )


def test_a_new_view_moves_the_target_and_may_itself_breach(desk):
    policy, account = policy_of(Band(0.03)), account_of(desk, 0.4, 0.2, 0.35, 0.05)
    assert not asked(policy, desk, account)[0]
    assert "tactical target" in asked(policy, desk, account, [VIEW])[0]


def test_the_tilt_widens_a_band(desk):
    policy, account = policy_of(Band(0.03)), account_of(desk, 0.44, 0.2, 0.31, 0.05)
    assert asked(policy, desk, account)[0]
    assert not asked(policy, desk, account, overlay=Tilt(band_low=2.0, band_high=2.0))[0]
    capped = policy_of(Band(0.03, most=0.035))
    assert asked(capped, desk, account, overlay=Tilt(band_low=2.0, band_high=2.0))[0]


def test_a_broken_limit_asks_whatever_the_trigger(desk):
    account = account_of(desk, 0.46, 0.2, 0.29, 0.05, last_rebalance=ON)
    policy = policy_of(Deviation("5%"), trigger="calendar", cooldown_sessions=10)
    assert asked(policy, desk, account)[0] == "the limit deviation on SPY is broken"
    soft = policy_of(Deviation("5%", tier=1), trigger="calendar", cooldown_sessions=10)
    assert asked(soft, desk, account) == ("", "0 of 21 sessions have passed since the last rebalance")


def test_a_band_that_binds_is_a_limit(desk):
    account = account_of(desk, 0.46, 0.2, 0.29, 0.05, last_rebalance=ON)
    policy = policy_of(Band(0.03, use="constraint"), trigger="calendar")
    assert asked(policy, desk, account)[0] == "the limit band on SPY is broken"
    proposal = rebalance(account, policy, desk.market, [], ON)
    assert (proposal.weights["target"] - [0.4, 0.2, 0.35, 0.05]).abs().max() <= 0.03 + 1e-9


def test_a_cash_flow_asks(desk):
    policy = policy_of(Band(0.1))
    assert asked(policy, desk, account_of(desk, 0.4, 0.2, 0.35, 0.05, cash_flow=1e4))[0] == "cash of 0.99% comes"
    assert asked(policy, desk, account_of(desk, 0.4, 0.2, 0.35, 0.05, cash_flow=-1e4))[0] == "cash of 1.01% goes"


def test_the_calendar_counts_sessions_and_the_tilt_stretches_it(desk):
    policy = policy_of(trigger="calendar", every_sessions=21)
    account = account_of(desk, 0.5, 0.2, 0.25, 0.05, last_rebalance=dt.date(2026, 10, 21))
    assert asked(policy, desk, account)[0] == "22 sessions have passed"
    assert asked(policy, desk, account, overlay=Tilt(frequency=1.5))[1] == (
        "22 of 31.5 sessions have passed since the last rebalance"
    )
    assert asked(policy, desk, replace(account, last_rebalance=None))[0] == "when it last traded is not known"
    assert asked(policy, desk, account, on=dt.date(2026, 11, 26))[1] == "XNYS is closed on 2026-11-26"  # Thanksgiving


def test_a_cooldown_keeps_all_but_the_urgent_waiting(desk):
    policy = policy_of(Band(0.03), trigger=["band", "always"], cooldown_sessions=10)
    account = account_of(desk, 0.46, 0.2, 0.29, 0.05, last_rebalance=dt.date(2026, 11, 13))
    assert asked(policy, desk, account)[1] == "it traded 5 sessions ago, and the cooldown is 10"
    assert asked(policy, desk, replace(account, cash_flow=1e4))[0] == "cash of 0.99% comes"
    assert asked(policy, desk, account, overlay=Tilt(frequency=0.5))[0].startswith("SPY is 6.00% above")


def test_tracking_error_from_either_side(desk):
    account = account_of(desk, 0.44, 0.2, 0.31, 0.05)
    size = float(desk.market.risk.volatility(np.array([0.04, 0.0, -0.04, 0.0])))
    for centre in ("tactical", "strategic"):
        tight = policy_of(trigger="tracking_error", tracking_error=size * 0.99, tracking_error_from=centre)
        loose = policy_of(trigger="tracking_error", tracking_error=size * 1.01, tracking_error_from=centre)
        assert asked(tight, desk, account)[0].startswith(f"tracking error from the {centre} weights is {size:.2%}")
        assert "at most" in asked(loose, desk, account)[1]
    # The view moves the tactical target towards where the account stands, not the strategic weights.
    tactical = policy_of(trigger="tracking_error", tracking_error=size * 0.99)
    assert not asked(tactical, desk, account, [replace(VIEW, gain=0.008)])[0]


def test_changed_views_ask(desk):
    policy, account = policy_of(trigger="views"), account_of(desk, 0.5, 0.2, 0.25, 0.05)
    sign = belief_of(policy, desk, account, [VIEW]).sign
    knows = replace(account, last_views=sign)
    assert asked(policy, desk, account, [VIEW])[0] == "the views of its last decision are not known"
    assert asked(policy, desk, knows, [VIEW])[1] == "the live views are those of its last decision"
    for views in ([], [replace(VIEW, gain=0.02)], [VIEW, View("SPY - EFA", 0.01, 0.5)], [replace(VIEW, until=ON)]):
        assert asked(policy, desk, knows, views)[0] == "the live views have changed"
    same = [replace(VIEW, author="somebody else", because="another reason")]
    assert not asked(policy, desk, knows, same)[0]


def test_a_custom_limit_can_be_broken_too(desk):
    most = 0.45
    custom = Custom(lambda w, w0: [w[0] <= most], lambda w, w0: most - w[0], "no more of the first")
    policy = policy_of(custom, Band(0.2))
    assert asked(policy, desk, account_of(desk, 0.46, 0.2, 0.29, 0.05))[0] == "the limit custom is broken"
    assert not asked(policy, desk, account_of(desk, 0.44, 0.2, 0.31, 0.05))[0]


def test_blocked_and_empty_accounts_are_held_before_anything_is_asked(desk):
    policy = policy_of(Band(0.03))
    blocked = account_of(desk, 0.6, 0.2, 0.15, 0.05, status="blocked")
    assert asked(policy, desk, blocked) == ("", "the account is blocked")


def test_without_a_tactical_target_bands_that_bind_leave_no_answer(desk):
    """Nobody is released for want of a band: where there is no target, whatever the reason, the account is UNSOLVED."""
    policy = policy_of(Deviation("5%"), Band(0.03, use="both"))
    account = account_of(desk, 0.46, 0.2, 0.29, 0.05)
    problem, belief = outline(policy, desk.market), belief_of(policy, desk, account)
    problem.tacticals[belief, "m", 6.0] = np.full(4, np.nan)
    assert examine(problem, account, belief, ON)[0] == "its tactical target is not known"
    solution = solve(problem, account, belief)
    assert solution.outcome is Outcome.UNSOLVED
    assert "no tactical target" in solution.reason
    cohort = Cohort(np.array(["1"], dtype=object), "m", np.ones((1, 4)), np.zeros((1, 4)), np.zeros(1))
    assert decide_all(problem, cohort, belief, ON) == ([], 0.0)
