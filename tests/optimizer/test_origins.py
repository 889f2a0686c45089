"""A shift and a tilt of risk, split by who asked for them: parts that sum, whoever is cut in two or moved about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.constraints import Deviation, Leverage, Policy, TrackingError, Turnover
from trimtab.models import Account, Tilt
from trimtab.models.causes import Cause, list_shifts
from trimtab.optimizer import explain, propose, rebalance, solve, state, trace_model, why
from trimtab.optimizer.forces import beliefs
from trimtab.optimizer.problems import pose

ROUNDING = 1e-12


def shift(name, *values, by="rule", because=""):
    return Tilt(target=values, causes=(Cause("target", name, "", because, by, values),))


def risk(name, *values):
    return Tilt(risk=values, causes=(Cause("risk", name, by="overlay", values=values),))


def aversion(name, value):
    return Tilt(aversion=value, causes=(Cause("aversion", name, by="overlay", values=(value,)),))


def parts(desk, policy, *tilts):
    belief = sum(tilts, Tilt())
    solution = solve(state(policy, desk.market), desk.account, belief)
    frame = explain(solution, solution.ideal).to_frame()
    assert np.abs(frame.drop(columns="trade").sum(axis=1) - frame["trade"]).max() < ROUNDING
    return frame


CUT = (-0.03, 0.0, 0.03, 0.0)
SWAP = (0.02, -0.02, 0.0, 0.0)


def test_every_shift_has_a_part_of_its_own_name(desk):
    frame = parts(desk, desk.policy, shift("cut equity", *CUT), shift("swap", *SWAP, by="overlay"), Tilt(target=SWAP))
    assert {"rule: cut equity", "overlay: swap", "strategic shift"} <= set(frame.columns)


def test_without_limits_and_costs_each_part_is_the_shift_itself(desk):
    free = Policy((Leverage(20.0),), desk.models, long_only=False)
    belief = shift("cut", *CUT) + shift("swap", *SWAP)
    frame = why(desk.account, free, desk.free, (), desk.on, overlay=belief).to_frame()
    np.testing.assert_allclose(frame["rule: cut"], CUT, atol=1e-13)
    np.testing.assert_allclose(frame["rule: swap"], SWAP, atol=1e-13)


POLICIES = (
    Policy(
        (Deviation("5%"), TrackingError("0.4%"), Turnover("10%")), {"balanced": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}
    ),
    Policy((Deviation("2%"),), {"balanced": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}),
)


@pytest.mark.parametrize("policy", POLICIES, ids=["tracking error", "deviation"])
def test_halves_of_a_shift_share_its_part_and_move_no_other(desk, policy):
    half = tuple(x / 2 for x in CUT)
    whole = parts(desk, policy, shift("cut", *CUT), shift("swap", *SWAP), aversion("fear", 1.3))
    split = parts(desk, policy, shift("one", *half), aversion("fear", 1.3), shift("swap", *SWAP), shift("two", *half))
    np.testing.assert_allclose(split["rule: one"], split["rule: two"], atol=ROUNDING)
    np.testing.assert_allclose(split["rule: one"] + split["rule: two"], whole["rule: cut"], atol=1e-11)
    for name in ("rule: swap", "overlay: fear", "back to strategic"):
        np.testing.assert_allclose(split[name], whole[name], atol=1e-11)


@pytest.mark.parametrize("policy", POLICIES, ids=["tracking error", "deviation"])
def test_halves_of_a_multiplier_share_its_part_and_move_no_other(desk, policy):
    up, root = (1.5, 1.2, 1.0, 1.0), tuple(float(np.sqrt(x)) for x in (1.5, 1.2, 1.0, 1.0))
    whole = parts(desk, policy, risk("spike", *up), aversion("fear", 1.4), shift("swap", *SWAP))
    split = parts(desk, policy, aversion("fear", 1.4), risk("one", *root), shift("swap", *SWAP), risk("two", *root))
    np.testing.assert_allclose(split["overlay: one"], split["overlay: two"], atol=ROUNDING)
    np.testing.assert_allclose(split["overlay: one"] + split["overlay: two"], whole["overlay: spike"], atol=1e-11)
    np.testing.assert_allclose(split["overlay: fear"], whole["overlay: fear"], atol=1e-11)


def test_multipliers_of_aversion_alone_share_by_their_logarithms(desk):
    frame = parts(desk, desk.policy, aversion("one", 1.2), aversion("two", 1.2**3))
    np.testing.assert_allclose(frame["overlay: two"], 3 * frame["overlay: one"], atol=1e-11)


MULTIPLIERS = st.lists(st.floats(0.3, 3.0), min_size=3, max_size=3).map(lambda x: (*x, 1.0))


@given(MULTIPLIERS, MULTIPLIERS, st.floats(0.3, 3.0), st.floats(0.3, 3.0))
def test_the_parts_of_a_tilt_of_risk_sum_to_its_force(desk, first, second, one, two):
    belief = risk("a", *first) + aversion("b", one) + Tilt(risk=second) + aversion("c", two) + shift("s", *CUT)
    case = solve_case(desk, belief)
    pulls = {pull.name: pull.force for pull in beliefs(case.program, belief, case.aversion, case.context.strategic)}
    tilted = sum(pulls[name] for name in pulls if name != "rule: s")
    scale = np.abs(case.program.force).max() + 1e-9
    np.testing.assert_allclose(tilted, case.program.force, atol=1e-12 * (1 + scale))


def solve_case(desk, belief):
    return pose(state(desk.linear, desk.market), desk.account, belief)


def test_a_shift_that_others_claim_whole_leaves_nothing_unclaimed():
    values = (0.1, 0.2, -0.3)
    causes = [Cause("target", str(i), by="rule", values=values) for i in range(3)]
    assert [name for name, _ in list_shifts(causes, 3 * np.array(values))] == ["rule: 0", "rule: 1", "rule: 2"]


@pytest.mark.parametrize("traced", [True, False])
def test_the_reason_of_a_trade_names_rule_and_signal(desk, traced):
    market = desk.free  # at a cost, bonds would not be worth their trade here
    belief = shift(
        "cut equity when trend breaks", -0.04, 0.0, 0.04, 0.0, because="equity trend -0.42, below 0 for 6 days"
    )
    account = Account.from_weights("1", "balanced", {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}, 1e6, market)
    if traced:
        problem = state(desk.policy, market.dated(desk.on))
        solution = solve(problem, account, belief)
        leg = trace_model(problem, "balanced", solution.case.aversion, belief)
        trades = propose(solution, "always", leg).trades
    else:
        trades = rebalance(account, desk.policy, market, (), desk.on, overlay=belief).trades
    said = "rule: cut equity when trend breaks (equity trend -0.42, below 0 for 6 days)"
    assert {t.asset for t in trades if t.reason.startswith(said)} >= {"SPY", "IEF"}
