"""Reasons: parts that sum to the trade, ends that are the solver's, shares that depend on what is believed alone."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Custom, Deviation, Group, Leverage, Policy, TrackingError, Turnover
from trimtab.errors import UnsolvedError
from trimtab.models import NO_TILT, Account, Costs, Market, Risk, Tilt, Universe, View, tilt
from trimtab.optimizer import explain, propose, rebalance, solve, state, trace_model, why
from trimtab.optimizer.legs import trace_account
from trimtab.optimizer.paths import follow
from trimtab.optimizer.pulls import trade_reasons
from trimtab.optimizer.reasons import BACK, LAST, OUTSIDE

ROUNDING = 1e-13


def told(policy, market, account, belief, target=None):
    """Explain an account; its target is its ideal unless another is given."""
    solution = solve(state(policy, market), account, belief)
    return solution, explain(solution, solution.ideal if target is None else target)


def sizes(told, *names):
    return told.to_frame()[list(names)].to_numpy().T


# ------------------------------------------------------------------------------------------------ random mandates


@pytest.mark.parametrize("first", range(0, 40, 8))
def test_the_parts_sum_to_the_trade_and_the_legs_end_at_the_solvers_answers(draws, first):
    asked = 0
    for seed in range(first, first + 8):
        d = draws.draw(seed)
        problem = state(d.policy, d.market)
        solution = solve(problem, d.account, d.belief)
        if solution.multipliers is None:
            continue
        asked += 1
        leg = trace_model(problem, "m", solution.case.aversion, d.belief)
        second = trace_account(solution, leg)
        for end, answer, gap in (
            (leg.end, leg.program, leg.gap), (second.end, solution.case.program, second.gap),
        ):  # fmt: skip
            assert answer.violations(end).max() < 1e-9, (seed, d.kinds)
            assert gap < 1e-9 or d.iota.any(), (seed, d.kinds, gap)
        apart = second.end - solution.ideal
        assert np.sqrt(apart @ d.tilted_sigma @ apart) <= solution.certificate.certified_te + 1e-10
        nothing = np.abs(leg.parts.sum(axis=0) - (leg.end - leg.start)).max()
        assert max(nothing, np.abs(second.parts.sum(axis=0) - (second.end - second.start)).max()) < ROUNDING
        lots = solution.ideal.round(4)  # as if in lots
        explained = explain(solution, lots, leg)
        np.testing.assert_allclose(explained.parts.sum(axis=0), lots - d.w0, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(sizes(explained, BACK)[0], d.b - d.w0, rtol=0, atol=ROUNDING)
        assert len(set(explained.names)) == len(explained.names)
        assert str(explained)
    assert asked >= 4


def test_no_part_is_a_move_out_of_nothing(draws):
    """Each part of a leg is balanced: what it buys it sells elsewhere, cash included."""
    d = draws.draw(9)
    solution, explained = told(d.policy, d.market, d.account, d.belief)
    assert solution.multipliers is not None
    np.testing.assert_allclose(explained.parts.sum(axis=1), 0.0, atol=ROUNDING)


@pytest.mark.parametrize("seed", [7, 12, 16, 26])
def test_splitting_or_reordering_views_leaves_the_shares(draws, seed):
    d = draws.draw(seed)
    first, *rest = d.belief.gain
    slope, *slopes = d.belief.gain_per_aversion
    halves = replace(
        d.belief,
        gain=np.array([*rest, first / 2, first / 2]),
        gain_per_aversion=np.array([*slopes, slope / 2, slope / 2]),
        views=(*d.belief.views[1:], "one", "other"),
        legs=np.zeros((0, 1)),
        lambdas=(),
    )
    whole, split = (told(d.policy, d.market, d.account, belief)[1] for belief in (d.belief, halves))
    same = [name for name in whole.names if name != f"view {d.belief.views[0]}"]
    np.testing.assert_allclose(sizes(split, *same), sizes(whole, *same), rtol=0, atol=1e-11)
    one, other = sizes(split, "view one", "view other")
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)
    np.testing.assert_allclose(one + other, sizes(whole, f"view {d.belief.views[0]}")[0], rtol=0, atol=1e-11)


# ------------------------------------------------------------------------------------------------ closed forms


@pytest.fixture
def free(desk):
    """No costs, and no limit that matters."""
    return Policy((Leverage(20.0),), desk.models, long_only=False)


def test_without_limits_and_costs_a_view_moves_its_own_legs(desk, free):
    """Part k = lambda_k p_k / gamma; where the legs do not sum to zero, cash pays."""
    views = [desk.view, View("SPY - EFA", "1%", 0.4), View("IEF", "-0.5%", 0.5, id="alone")]
    belief = tilt(views, desk.free, free.model(desk.account), desk.on)
    solution, explained = told(free, desk.free, desk.account, belief)
    for name, size, row in zip(belief.views, belief.lambdas, belief.legs, strict=True):
        part = size * row / free.risk_aversion
        part[-1] -= part.sum()
        np.testing.assert_allclose(sizes(explained, f"view {name}")[0], part, rtol=0, atol=1e-13)
    assert explained.exceed == 1.0
    assert not explained.stops
    np.testing.assert_allclose(sizes(explained, LAST, OUTSIDE), 0.0, atol=1e-13)
    shift = np.array([0.02, 0.0, -0.02, 0.0])
    _, moved = told(free, desk.free, desk.account, Tilt(target=shift))
    np.testing.assert_allclose(sizes(moved, "strategic shift")[0], shift, atol=1e-13)
    assert solution.certificate.released


def test_a_binding_ball_leaves_the_shares_when_all_gains_double(draws):
    tried = 0
    for seed in range(60):
        d = draws.draw(seed)
        if len(d.views) < 2 or not d.long_only:
            continue
        views = [replace(view, basis="active") for view in d.views]
        policy = Policy((TrackingError(0.002), Deviation(0.1)), d.policy.models, risk_aversion=2.0)
        market = replace(d.market, costs=Costs(np.zeros(1)))
        once, twice = (
            trace_model(state(policy, market), "m", 2.0, tilt(each, market, policy.model(d.account), draws.ON))
            for each in (views, [replace(view, gain=2 * view.gain) for view in views])
        )
        if once.prices.balls[0] <= 0:
            continue
        tried += 1
        np.testing.assert_allclose(twice.end, once.end, rtol=0, atol=1e-9)
        np.testing.assert_allclose(twice.parts, once.parts, rtol=0, atol=1e-9)
        if tried == 5:
            return
    pytest.fail("too few draws with a binding ball")


def test_the_shares_are_the_integral_along_the_path(desk):
    """Against an independent way: at 400 points of the path cvxpy says what is free, dense algebra does the rest."""
    covariance = desk.covariance.to_numpy()
    policy = Policy((Deviation("4%"), Group("equity", most=0.63)), desk.models)
    views = [desk.view, View("SPY - EFA", "2%", 0.7, id="us"), View("IEF - CASH", "1%", 0.6, id="rates")]
    belief = tilt(views, desk.free, policy.model(desk.account), desk.on)
    leg = trace_model(state(policy, desk.free), "balanced", 6.0, belief)
    b, steps = np.array([0.4, 0.2, 0.4, 0.0]), 400
    sigma = np.zeros((4, 4))
    sigma[:3, :3] = covariance
    forces = belief.rows(6.0)
    w, force = cp.Variable(4), cp.Parameter(4)
    row = np.array([1.0, 1.0, 0.0, 0.0])
    cone = cp.Problem(
        cp.Maximize(force @ w - 3.0 * cp.quad_form(w - b, cp.psd_wrap(sigma))),
        [cp.sum(w) == 1, w >= np.maximum(b - 0.04, 0), w <= b + 0.04, row @ w <= 0.63],
    )
    parts = np.zeros((3, 4))
    for k in range(steps):
        force.value = (k + 0.5) / steps * forces.sum(axis=0)
        cone.solve(solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
        at = w.value
        inside = (at > np.maximum(b - 0.04, 0) + 1e-5) & (at < b + 0.04 - 1e-5)
        rows = [np.ones(4), row] if row @ at > 0.63 - 1e-5 else [np.ones(4)]
        kkt = np.block([[6.0 * sigma, np.array(rows).T], [np.array(rows), np.zeros((len(rows), len(rows)))]])
        keep = np.append(inside, np.ones(len(rows), bool))
        for q in range(3):
            right = np.append(forces[q], np.zeros(len(rows)))[keep]
            move = np.linalg.lstsq(kkt[np.ix_(keep, keep)], right, rcond=None)[0]
            parts[q, inside] += move[: inside.sum()] / steps
    np.testing.assert_allclose(leg.parts, parts, rtol=0, atol=3e-4)
    assert leg.path.pieces >= 3


# ------------------------------------------------------------------------------------------------ planted


def test_what_stops_a_path_is_named_with_its_price(desk):
    belief = tilt([replace(desk.view, gain=0.05)], desk.market, desk.policy.model(desk.account), desk.on)
    policy = Policy((Deviation("3%"),), desk.models)
    solution, explained = told(policy, desk.market, desk.account, belief)
    assert {stop.limit for stop in explained.stops} == {"deviation"}
    prices = {(p.limit, p.on): p.price for p in solution.prices if p.limit != "long_only"}
    for stop in explained.stops:
        assert stop.price == pytest.approx(prices[stop.limit, stop.on], rel=1e-6)
        assert 0 <= stop.since < 1
    assert any("stopped by deviation (one percentage point more would add" in s for s in explained.sentences)
    assert explained.exceed > 2
    assert "views exceed the limits" in explained.sentences[0]
    # A price is a derivative: one more unit of the limit, in utility a year.
    looser = solve(state(Policy((Deviation(0.03 + 1e-6),), desk.models), desk.market), desk.account, belief)
    gained = looser.case.program.utility(looser.ideal) - solution.case.program.utility(solution.ideal)
    assert gained / 1e-6 == pytest.approx(sum(stop.price for stop in explained.stops), rel=1e-3)


def test_what_holds_an_account_back_is_named(desk):
    belief = tilt([desk.view], desk.market, desk.policy.model(desk.account), desk.on)
    free = replace(desk.market, costs=Costs(np.zeros(1)))
    barred = replace(desk.account, restrictions=(("SPY", "no_sell"),))
    tight = Policy((Turnover("1%"),), desk.models)
    drifted = Account.from_weights("1", "balanced", {"SPY": 0.6, "EFA": 0.1, "IEF": 0.3}, 1e6, desk.market)
    _, explained = told(tight, desk.market, drifted, belief)
    assert np.abs(sizes(explained, "held back by turnover")).max() > 0.01
    _, explained = told(Policy((), desk.models), free, barred, NO_TILT)
    assert explained.to_frame().loc["SPY", "held back by no_sell"] > 0
    assert explained.to_frame().loc["SPY", "trade"] == pytest.approx(0.0, abs=1e-12)
    assert any(s.startswith("no trade in SPY: ") and "held back by no sell +" in s for s in explained.sentences)
    problem = state(tight, desk.market)
    leg = trace_model(problem, "balanced", 6.0, belief)
    trades = propose(solve(problem, drifted, belief), "always", leg).trades
    assert any(t.reason == "back to strategic; held back by turnover" for t in trades)


def test_a_deviation_that_binds_is_in_the_reason_of_the_trade(desk):
    belief = tilt([replace(desk.view, gain=0.05)], desk.market, desk.policy.model(desk.account), desk.on)
    problem = state(Policy((Deviation("3%"),), desk.models), desk.market)
    resting = Account.from_weights("1", "balanced", desk.models["balanced"], 1e6, desk.market)
    solution = solve(problem, resting, belief)
    leg = trace_model(problem, "balanced", 6.0, belief)
    reasons = {t.asset: t.reason for t in propose(solution, "always", leg).trades}
    assert reasons["IEF"] == "view equity - bonds; stopped by deviation"
    assert set(reasons.values()) <= {"view equity - bonds; stopped by deviation", "view equity - bonds"}
    many = (np.stack([solution.ideal] * 3), solution.multipliers.lift())
    lifted = solution.case.lift().pick(np.array([0, 0, 0]))
    prices = many[1].pick(np.array([0, 0, 0]))
    pull, names = trade_reasons(lifted, many[0], many[0], prices, {6.0: leg})
    assert [names[k] for k in pull[: len(reasons)]] == list(reasons.values())
    assert (pull.reshape(3, -1) == pull[: len(reasons)]).all()
    unknown, words = trade_reasons(lifted, many[0], many[0], prices, {})  # no leg 1 at this aversion
    assert len(unknown) == len(pull)
    assert max(unknown) < len(words)


def test_strategic_weights_outside_the_limits_come_inside_first(desk):
    """The model breaks a row: its way inside is a part of its own, and the path is followed from its end."""
    policy = Policy((Group("equity", most=0.5), Deviation("20%")), desk.models)
    belief = tilt([desk.view], desk.market, policy.model(desk.account), desk.on)
    solution, explained = told(policy, desk.market, desk.account, belief)
    outside = explained.to_frame()[OUTSIDE]
    assert outside[["SPY", "EFA"]].sum() == pytest.approx(-0.1, abs=1e-9)
    np.testing.assert_allclose(explained.parts.sum(axis=0), explained.trade, rtol=0, atol=ROUNDING)
    assert explained.gap < 1e-9
    leg = trace_model(solution.problem, "balanced", 6.0, NO_TILT)
    assert leg.parts.shape[0] == 0
    np.testing.assert_allclose(leg.start, leg.end, atol=1e-10)
    assert ("group", "equity") in {(stop.limit, stop.on) for stop in explained.stops}


def test_an_account_that_may_stay_outside_is_released(desk):
    policy = Policy((Deviation("2%", grandfather=True),), desk.models)
    account = Account.from_weights("1", "balanced", {"SPY": 0.5, "EFA": 0.15, "IEF": 0.35}, 1e6, desk.market)
    belief = tilt([replace(desk.view, gain=0.08)], desk.market, policy.model(account), desk.on)
    solution, explained = told(policy, desk.market, account, belief)
    assert solution.ideal[0] > 0.42 + 1e-6
    assert explained.gap < 1e-9
    assert "released by deviation" in explained.names
    np.testing.assert_allclose(explained.parts.sum(axis=0), explained.trade, rtol=0, atol=ROUNDING)


def test_ties_everywhere_are_no_trouble():
    """Twelve assets alike, pushed alike: they meet their bounds at once, and leave them at once."""
    n = 12
    names = [f"A{i}" for i in range(n)]
    universe = Universe(tuple(names), ("up",) * 4 + ("down",) * 4 + ("still",) * 4)
    risk = Risk.from_covariance(pd.DataFrame(0.03 * np.eye(n) + 0.01, names, names), universe)
    market = Market(universe, risk, Costs(np.append(np.full(n, 0.001), 0.0)), np.ones(n + 1))
    limits = (Deviation("1%"), Group("up", most=0.36), Group("up", most=0.36, name="again"), Turnover("6%"))
    policy = Policy(limits, {"m": dict.fromkeys(names, 1 / n)})
    account = Account.from_weights("1", "m", dict.fromkeys(names, 1 / n), 1e6, market)
    views = [View("up - down", 0.09, 0.9, id="a"), View("up - still", 0.02, 0.5, id="b")]
    belief = tilt(views, market, policy.model(account), pd.Timestamp("2026-01-02").date())
    solution, explained = told(policy, market, account, belief)
    assert explained.gap < 1e-9
    np.testing.assert_allclose(explained.parts.sum(axis=0), explained.trade, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(explained.parts[:, :4], explained.parts[:, :1] * np.ones(4), atol=1e-10)
    assert solution.certificate.released


def test_a_custom_limit_holds_back_whatever_nothing_else_does(desk):
    """Its price is not known; what force is left at the ideal is its own."""
    rule = Custom(bind=lambda w, w0: [w[0] + 2 * w[1] <= 0.78], slack=lambda w, w0: 0.78 - w[0] - 2 * w[1], name="rule")
    policy = Policy((Deviation("5%"), rule), desk.models)
    belief = tilt([desk.view], desk.market, policy.model(desk.account), desk.on)
    solution, explained = told(policy, desk.market, desk.account, belief)
    assert solution.certificate.waived
    assert explained.gap < 1e-10
    assert explained.to_frame().loc["EFA", "held back by rule"] < -0.02
    leg = trace_model(solution.problem, "balanced", 6.0, belief)
    assert [t.reason for t in propose(solution, "always", leg).trades] == ["makes up for rule"]


def test_assets_that_are_one_and_the_same_do_not_make_a_path_jump(desk):
    names = ["A", "B", "C"]
    factor = np.array([[0.2, 0.0], [0.2, 0.0], [0.0, 0.06]])
    universe = Universe(tuple(names), ("equity", "equity", "bonds"))
    risk = Risk.from_covariance(pd.DataFrame(factor @ factor.T, names, names), universe)
    market = Market(universe, risk, Costs(np.array([0.001, 0.001, 0.001, 0.0])), np.ones(4))
    limits = (Deviation("5%"), TrackingError("0.4%"), Turnover("10%"))
    policy = Policy(limits, {"m": {"A": 0.3, "B": 0.3, "C": 0.4}})
    account = Account.from_weights("1", "m", {"A": 0.4, "B": 0.25, "C": 0.35}, 1e6, market)
    views = [View("A - C", 0.02, 0.5, id="x"), View("C - equity", 0.01, 0.5, id="y")]
    solution, explained = told(policy, market, account, tilt(views, market, policy.model(account), desk.on))
    assert solution.certificate.released
    assert explained.gap < 1e-8
    np.testing.assert_allclose(explained.parts.sum(axis=0), explained.trade, rtol=0, atol=ROUNDING)


def test_every_point_of_a_path_is_the_answer_there(draws):
    """Half the forces: the path of half of them ends where the whole one is half way, which PIQP says too."""
    d = draws.draw(2)
    problem = state(d.policy, d.market)
    leg = trace_model(problem, "m", d.gamma, d.belief)
    if leg.program.ball_most.size:
        pytest.skip("the draw has a ball")
    half = follow(replace(leg.course, forces=0.5 * leg.course.forces), leg.start, np.zeros(len(leg.course.rows)))
    course = leg.course
    w = cp.Variable(len(half.weights))
    force = 0.5 * course.forces.sum(axis=0)
    plain = cp.Problem(
        cp.Minimize(0.5 * cp.quad_form(w - course.centre, cp.psd_wrap(course.hessian)) - force @ w),
        [w >= course.lo, w <= course.hi, course.rows @ w <= course.rows_hi]
        + [course.rows[k] @ w >= lo for k, lo in enumerate(course.rows_lo) if np.isfinite(lo)],
    )
    plain.solve(solver="CLARABEL")
    np.testing.assert_allclose(half.weights, w.value, atol=1e-6)


# ------------------------------------------------------------------------------------------------ front doors


def test_why_explains_what_rebalance_proposes(desk):
    asked = (desk.account, desk.policy, desk.market, desk.view, desk.on)
    proposal, explained = rebalance(*asked), why(*asked)
    trade = proposal.weights["target"] - proposal.weights["current"]
    np.testing.assert_allclose(explained.to_frame()["trade"], trade, atol=1e-15)
    np.testing.assert_allclose(explained.by_group().drop(columns="trade").sum(axis=1), trade, atol=ROUNDING)
    assert "<pre>" in explained._repr_html_()
    assert "back to strategic" in str(explained)


def test_without_an_answer_there_is_nothing_to_explain(desk):
    frozen = replace(desk.account, restrictions=(("SPY", "no_hold"), ("SPY", "frozen")))
    with pytest.raises(UnsolvedError, match="account 001"):
        why(frozen, desk.policy, desk.market, desk.view, desk.on)
    impossible = Policy((Group("equity", most=0.1), Group("bonds", most=0.1), Group("cash", most=0.1)), desk.models)
    with pytest.raises(UnsolvedError, match="no tactical target"):
        trace_model(state(impossible, desk.market), "balanced", 6.0, NO_TILT)
