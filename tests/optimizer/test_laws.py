"""Laws that hold for every mandate: scale, order, room, rest, and what a tilt may and may not do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from trimtab.constraints import Deviation, Group, Policy, TrackingError, Turnover, Volatility
from trimtab.models import NO_TILT, Account, Costs, Market, Risk, Tilt, Universe, View, tilt
from trimtab.optimizer import Outcome, rebalance, solve, state
from trimtab.optimizer.engines import ask
from trimtab.optimizer.problems import pose

DEEP = settings().max_examples > 50  # --hypothesis-profile=search
FEW = settings() if DEEP else settings(max_examples=15)
SEEDS = st.integers(0, 10_000)


def _solved(d):
    problem = state(d.policy, d.market)
    solution = solve(problem, d.account, d.belief)
    assume(solution.outcome is Outcome.OPTIMAL)
    return problem, solution


def _same(d, solution, weights, certificate):
    """Say: the same to 1e-9; with impact as near as both certificates say, since 1 draw in 100 is not refined."""
    if np.abs(weights - solution.ideal).max() > 1e-9:
        assert d.iota.any()
        apart = np.sqrt((weights - solution.ideal) @ d.tilted_sigma @ (weights - solution.ideal))
        assert apart <= certificate.certified_te + solution.certificate.certified_te


@FEW
@given(seed=SEEDS, power=st.floats(-6, 6))
def test_the_objective_has_no_unit(draws, seed, power):
    """Gamma, alpha and costs times one number: the same weights to 1e-9, though a solver would see another problem."""
    d = draws.draw(seed)
    problem, solution = _solved(d)
    p, s = solution.case.program, 10.0**power
    scaled = replace(p, gamma=s * p.gamma, force=s * p.force, cost=s * p.cost, impact=s * p.impact)
    found = ask(scaled, problem.statement(scaled))
    _same(d, solution, found.weights, found.certificate)


@FEW
@given(seed=SEEDS, power=st.floats(-3, 3))
def test_the_policy_has_no_unit_either(draws, seed, power):
    """The same through the front door: volatilities times s, gamma over s squared, limits on risk times s."""
    d = draws.draw(seed)
    assume(not d.iota.any() and 1e-6 <= d.gamma * 10 ** (-2 * power / 6) <= 1e6)
    s = 10.0 ** (power / 6)  # volatilities must stay plausible
    _, before = _solved(d)
    market = replace(d.market, risk=Risk(d.market.risk.loadings * s, d.market.risk.specific * s))
    limits = tuple(
        replace(x, most=x.most * s) if isinstance(x, (TrackingError, Volatility)) else x for x in d.policy.limits
    )
    policy = replace(d.policy, limits=limits, risk_aversion=d.policy.risk_aversion / s**2)
    own = {k: v / s**2 for k, v in d.account.overrides.items()}
    n = len(d.b)
    belief = Tilt(gain=d.alpha[None, :], gain_per_aversion=np.zeros((1, n)), views=("all",))
    belief += Tilt(target=d.shift) + Tilt(risk=d.m) + Tilt(aversion=d.q)
    after = solve(state(policy, market), replace(d.account, overrides=own), belief)
    np.testing.assert_allclose(after.ideal, before.ideal, rtol=0, atol=1e-9)


@FEW
@given(seed=SEEDS, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_assets_says_nothing(draws, seed, shuffle):
    d = draws.draw(seed)
    _, before = _solved(d)
    n = len(d.b)
    order = list(range(n))
    shuffle.shuffle(order)
    u, r, c = d.market.universe, d.market.risk, d.market.costs
    universe = Universe(tuple(u.assets[i] for i in order), tuple(u.classes[i] for i in order))
    costs = Costs(c.proportional[order], c.ticket_fee, c.impact, c.adv[order])
    market = Market(universe, Risk(r.loadings[order], r.specific[order]), costs, d.market.prices[order])
    belief = tilt(d.views, market, d.policy.model(d.account), draws.ON)
    belief += Tilt(target=d.shift[order]) + Tilt(risk=d.m[order]) + Tilt(aversion=d.q)
    after = solve(state(d.policy, market), d.account, belief)
    _same(d, before, after.ideal[np.argsort(order)], after.certificate)


@FEW
@given(seed=SEEDS, which=st.integers(0, 1000), by=st.floats(1e-6, 0.1))
def test_more_room_is_never_worse(draws, seed, which, by):
    problem, solution = _solved(draws.draw(seed))
    p = solution.case.program
    ends = (
        ["hi", "lo"] + ["most"] * len(p.most) + ["ball_most"] * len(p.ball_most) + ["rows_hi", "rows_lo"] * len(p.rows)
    )
    name = ends[which % len(ends)]
    values = np.array(getattr(p, name))
    values[which % len(values)] += -by if name.endswith("lo") else by
    wider = replace(p, **{name: values})
    found = ask(wider, problem.statement(wider))
    assert found.weights is not None
    assert p.utility(found.weights) >= p.utility(solution.ideal) - found.certificate.gap - 1e-15


def _at_rest(draws, d):
    """Stand an account of a draw's market exactly at strategic, without a view."""
    limits = (Deviation(0.02), TrackingError(0.005), Turnover(0.1), Group("equity", most=0.01, around="strategic"))
    policy = replace(d.policy, limits=limits, long_only=True)
    weights = dict(zip(d.market.universe.assets, d.b, strict=True))
    account = Account.from_weights("1", "m", weights, 1e6, d.market)
    ideal = solve(state(policy, d.market), account, NO_TILT).ideal
    np.testing.assert_allclose(ideal, d.b, rtol=0, atol=1e-12)
    proposal = rebalance(account, policy, d.market, [], draws.ON)
    assert proposal.outcome is Outcome.OPTIMAL
    assert sum(t.value for t in proposal.trades) < 1e-6


@FEW
@given(seed=SEEDS)
def test_no_opinion_and_no_drift_is_no_trade(draws, seed):
    d = draws.draw(seed)
    assume((d.b >= 0).all())
    _at_rest(draws, replace(d, market=replace(d.market, costs=replace(d.market.costs, impact=0.0))))


@pytest.mark.parametrize("seed", [0, 3, 9, 54])
def test_no_opinion_and_no_drift_is_no_trade_with_impact(draws, seed):
    d = draws.draw(seed)
    _at_rest(draws, replace(d, market=replace(d.market, costs=replace(d.market.costs, impact=1.0))))


@FEW
@given(seed=SEEDS)
def test_views_without_confidence_are_no_views(draws, seed):
    d = draws.draw(seed)
    assume(d.views)
    problem = state(d.policy, d.market)
    views = [replace(v, confidence=1e-10) for v in d.views]
    faint = solve(problem, d.account, tilt(views, d.market, d.policy.model(d.account), draws.ON))
    none = solve(problem, d.account, NO_TILT)
    assert faint.outcome is none.outcome
    np.testing.assert_allclose(faint.ideal, none.ideal, rtol=0, atol=1e-7)


@FEW
@given(seed=SEEDS, factor=st.sampled_from([2.0, 0.5, 1000.0]))
def test_the_size_of_an_account_says_nothing_without_impact(draws, seed, factor):
    d = draws.draw(seed)
    assume(not d.iota.any())
    problem, one = _solved(d)
    quantities = {a: factor * q for a, q in d.account.quantities.items()}
    twice = solve(problem, replace(d.account, quantities=quantities, cash_flow=factor * d.account.cash_flow), d.belief)
    np.testing.assert_allclose(twice.ideal, one.ideal, rtol=0, atol=1e-9)


@(settings() if DEEP else settings(max_examples=30, suppress_health_check=[HealthCheck.filter_too_much]))
@given(seed=SEEDS)
@example(seed=7289)  # all pinned at the start
@example(seed=3225)  # every asset on an edge
def test_a_second_solve_stays_where_the_first_arrived(draws, seed):
    """Where no limit of the single rebalance binds and there is no impact; a cost is paid once only."""
    d = draws.draw(seed)
    assume(not d.iota.any())
    per_rebalance = {"turnover", "trade_size", "restriction", "cash_floor", "frozen", "no_buy", "no_sell", "cash"}
    problem, first = _solved(d)
    assume(not per_rebalance & {p.limit for p in first.prices})
    assume(not {"restriction"} & set(d.kinds) and not d.account.restrictions)
    weights = dict(zip(d.market.universe.assets, first.ideal, strict=True))
    there = Account.from_weights("2", "m", weights, 1e6, d.market)
    second = solve(problem, replace(there, overrides=d.account.overrides), d.belief)
    np.testing.assert_allclose(second.ideal, first.ideal, rtol=0, atol=2e-5)


@pytest.mark.parametrize("account_override", [None, 3.0])
def test_more_risk_in_equity_is_less_equity(desk, account_override):
    """Without any view, and the more the multiplier the less the equity; aversion does the same."""
    policy = Policy((), desk.models)
    own = {} if account_override is None else {"risk_aversion": account_override}
    at_strategic = Account.from_weights("1", "balanced", desk.models["balanced"], 1e6, desk.free)
    account = replace(at_strategic, overrides=own)
    problem = state(policy, desk.free)
    equity = np.array([1.0, 1.0, 0.0, 0.0])
    by_risk = [equity @ solve(problem, account, Tilt(risk=1 + equity * x)).ideal for x in (0.0, 0.25, 0.5, 1.0, 2.0)]
    by_aversion = [equity @ solve(problem, account, Tilt(aversion=x)).ideal for x in (1.0, 1.5, 2.0, 4.0)]
    assert by_risk[0] == pytest.approx(0.6, abs=1e-12)
    assert (np.diff(by_risk) < -1e-3).all()
    assert (np.diff(by_aversion) < -1e-3).all()
    assert by_aversion[2] == pytest.approx(0.3, abs=1e-9)  # twice as afraid holds half of everything risky


@FEW
@given(seed=SEEDS, m=st.floats(0.05, 3.0), q=st.floats(0.05, 5.0))
def test_an_opinion_on_risk_loosens_no_limit(draws, seed, m, q):
    d = draws.draw(seed)
    problem = state(d.policy, d.market)
    risk = np.where(np.array(d.market.universe.classes) == "equity", m, 1.0)
    calm = d.belief + Tilt(risk=risk) + Tilt(aversion=q)
    tilted = solve(problem, d.account, calm)
    assert (tilted.outcome is Outcome.OPTIMAL) is (solve(problem, d.account, d.belief).outcome is Outcome.OPTIMAL)
    if tilted.outcome is Outcome.OPTIMAL:
        assert d.violation(tilted.ideal) <= 2e-9
    plain, other = pose(problem, d.account, NO_TILT).program, tilted.case.program
    for name in (
        "lo",
        "hi",
        "rows",
        "rows_lo",
        "rows_hi",
        "buy",
        "sell",
        "row",
        "power",
        "most",
        "anchor",
        "ball_most",
    ):
        np.testing.assert_array_equal(getattr(plain, name), getattr(other, name))
    np.testing.assert_array_equal(plain.ball_sizes(d.w0), other.ball_sizes(d.w0))


def test_a_view_that_binds_nothing_moves_its_own_legs_only(desk):
    account = Account.from_weights("1", "balanced", desk.models["balanced"], 1e6, desk.free)
    belief = tilt([View("SPY - IEF", 0.001, 0.5)], desk.free, Policy((), desk.models).model(account), desk.on)
    moved = solve(state(Policy((), desk.models), desk.free), account, belief).ideal - np.array([0.4, 0.2, 0.4, 0.0])
    assert moved[0] == pytest.approx(-moved[2], abs=1e-10)
    assert moved[0] > 1e-4
    np.testing.assert_allclose(moved[[1, 3]], 0.0, rtol=0, atol=1e-10)
