"""The bound of the certificate, written out a second time: the least of the Lagrangian, found by looking everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Leverage, Policy
from trimtab.optimizer import Outcome, solve, state
from trimtab.optimizer.answers import Multipliers
from trimtab.optimizer.certificates import (
    CERTIFIED_TE,
    RESIDUAL,
    certify,
    conclude,
    gradient,
    left_over,
    lower_bound,
    measure,
    press,
    repair,
    signed,
)
from trimtab.optimizer.engines import ask

GRID = 4001


def solved(draws, seed):
    d = draws.draw(seed)
    solution = solve(state(d.policy, d.market), d.account, d.belief)
    if solution.outcome is not Outcome.OPTIMAL:
        pytest.skip("this mandate cannot be met")
    return d, solution.case.program, solution.ideal


def prices_of(rng, p):
    """Random prices, of either sign for rows: the upper end is charged at a positive, the lower at a negative one."""
    scale = p.scale * 10.0 ** rng.uniform(-3, 1)
    some = lambda size: np.abs(rng.normal(size=size)) * (rng.random(size) < 0.7) * scale  # noqa: E731
    sign = np.where(np.isfinite(p.rows_hi) & (~np.isfinite(p.rows_lo) | (rng.random(len(p.rows)) < 0.5)), 1.0, -1.0)
    return Multipliers(rng.normal() * scale, some(len(p.rows)) * sign, some(len(p.most)), some(len(p.ball_most)))


def tangent(p, x, y, w):
    """The Lagrangian at portfolios w (k, n), quadratic and balls replaced by their tangents at x, term by term."""
    sigma, limits = p.risk.covariance, p.market_risk.covariance
    away = x - p.centre
    out = 0.5 * p.gamma * away @ sigma @ away - p.force @ away + (w - x) @ (p.gamma * sigma @ away - p.force)
    z = w - p.current
    out = out + np.abs(z) @ p.cost + np.abs(z) ** 1.5 @ p.impact + y.budget * (w.sum(-1) - 1.0)
    for j, price in enumerate(y.rows):
        end = p.rows_hi[j] if price > 0 else p.rows_lo[j]
        out = out + (price * (w @ p.rows[j] - end) if price else 0.0)
    for j, price in enumerate(y.trades):
        moved = w if p.from_zero[j] else z
        used = np.maximum(moved, 0) @ p.buy[j] + np.maximum(-moved, 0) @ p.sell[j] + np.abs(moved) ** 1.5 @ p.power[j]
        out = out + price * (w @ p.row[j] + used - p.most[j])
    for j, price in enumerate(y.balls):
        on = p.ball_on[j]
        inside = np.where(on, x - p.anchor[j], 0.0)
        size = np.sqrt(inside @ limits @ inside)
        slope = np.where(on, limits @ inside, 0.0) / size if size > 0 else np.zeros(len(x))
        out = out + price * (size + (w - x) @ slope - p.ball_most[j])
    return out


def least_by_looking(p, x, y):
    """Its least over the box: assets do not meet in it, so each is looked through by itself."""
    base = np.clip(p.current, p.lo, p.hi)
    found = tangent(p, x, y, base[None])[0]
    start = found
    for i in range(len(base)):
        points = np.unique(np.clip([*np.linspace(p.lo[i], p.hi[i], GRID), p.current[i], 0.0], p.lo[i], p.hi[i]))
        w = np.tile(base, (len(points), 1))
        w[:, i] = points
        found += tangent(p, x, y, w).min() - start
    return found


def bounded(p):
    """The same program in a box that can be looked through."""
    return replace(p, lo=np.maximum(p.lo, -2.0), hi=np.minimum(p.hi, 2.0))


@pytest.mark.parametrize("seed", range(0, 60, 2))
def test_the_bound_is_the_least_of_the_lagrangian(draws, seed):
    _, p, ideal = solved(draws, seed)
    p, rng = bounded(p), np.random.default_rng(seed)
    for near in (0.0, 0.05):
        x, y = ideal + near * rng.normal(size=len(ideal)), prices_of(rng, p)
        bound, looked = float(lower_bound(p, x, y)), least_by_looking(p, x, y)
        size = p.scale + abs(y.budget) + np.abs(y.rows).sum() + y.trades.sum() + y.balls.sum()
        assert bound <= looked + 1e-12 * size
        assert bound >= looked - 1e-5 * size  # as fine as the grid is


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_the_gradient_is_the_slope_of_the_smooth_part(draws, seed):
    """Of what is left without costs, impact and caps on trading: those have kinks, not slopes."""
    _, p, ideal = solved(draws, seed)
    rng = np.random.default_rng(seed)
    x, y = ideal + 0.05 * rng.normal(size=len(ideal)), prices_of(rng, p)
    smooth = replace(
        p, cost=0 * p.cost, impact=0 * p.impact, buy=0 * p.buy, sell=0 * p.sell, power=0 * p.power,
        lo=np.full_like(p.lo, -np.inf), hi=np.full_like(p.hi, np.inf),
    )  # fmt: skip
    steps = x + np.eye(len(x))
    slopes = tangent(smooth, x, y, steps) - tangent(smooth, x, y, x[None])
    np.testing.assert_allclose(gradient(p, x, y), slopes, rtol=0, atol=1e-9 * (1 + np.abs(slopes).max()))


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_the_gap_is_what_is_lacking_plus_what_violations_cost(draws, seed):
    _, p, ideal = solved(draws, seed)
    p, rng = bounded(p), np.random.default_rng(seed)
    x, y = ideal + 0.02 * rng.normal(size=len(ideal)), prices_of(rng, p)
    n, r, t = len(ideal), len(p.rows), len(p.most)
    broken = p.violations(x)
    cost = sum(abs(price) * excess for price, excess in zip(y.rows, broken[n : n + r], strict=True))
    cost += sum(price * excess for price, excess in zip(y.trades, broken[n + r : n + r + t], strict=True))
    balls = broken[n + r + t : n + r + t + len(p.ball_most)]
    cost += sum(price * excess for price, excess in zip(y.balls, balls, strict=True))
    cost += abs(y.budget) * abs(x.sum() - 1.0)
    assert float(left_over(p, y, broken)) == pytest.approx(cost, rel=1e-12)
    residual, gap, te = measure(p, x, y)
    assert residual == broken.max()
    assert gap == pytest.approx(max(-p.utility(x) - float(lower_bound(p, x, y)), 0.0) + cost, rel=1e-12)
    assert te == pytest.approx(np.sqrt(2 * gap / p.gamma), rel=1e-12)
    assert certify(p, x, y).gap == gap
    many = measure(p.lift(), x[None], y.lift())
    np.testing.assert_array_equal(many, np.array([residual, gap, te])[:, None])


def test_prices_of_the_wrong_sign_count_as_none():
    y = signed(Multipliers(-1.0, np.array([-2.0, 3.0]), np.array([-1.0, 2.0]), np.array([-3.0, 4.0])))
    assert y.budget == -1.0
    np.testing.assert_array_equal(y.rows, [-2.0, 3.0])  # a row has two ends: the sign says which
    np.testing.assert_array_equal(y.trades, [0.0, 2.0])
    np.testing.assert_array_equal(y.balls, [0.0, 4.0])


# ------------------------------------------------------------------------------------------------ pressure


@pytest.mark.parametrize("seed", range(0, 40, 2))
def test_what_presses_on_a_bound_is_what_more_room_would_add(draws, seed):
    """At the optimum nothing is unheld: the ends of the box bear the rest, at what more room would add."""
    d, p, _ = solved(draws, seed)
    problem = state(d.policy, d.market)
    found = ask(p, problem.statement(p))
    force = press(p, found.weights, found.multipliers)
    small = 1e-6 * p.scale
    assert np.abs(force.unheld).max() <= small
    assert (force.above >= 0).all()
    assert (force.below <= 0).all()
    assert (found.weights[force.above > 0] >= p.hi[force.above > 0] - 1e-9).all()
    assert (found.weights[force.below < 0] <= p.lo[force.below < 0] + 1e-9).all()
    step, tried = 1e-5, 0
    for i in np.flatnonzero((force.above > 1e-3 * p.scale) ^ (force.below < -1e-3 * p.scale)):
        name, way = ("hi", 1.0) if force.above[i] > 0 else ("lo", -1.0)
        ends = [np.array(getattr(p, name)) for _ in range(2)]
        ends[0][i] += way * step
        ends[1][i] -= way * step
        up, down = (ask(q, problem.statement(q)) for q in (replace(p, **{name: end}) for end in ends))
        if up.weights is None or down.weights is None or tried >= 2:
            continue
        price, tried = max(force.above[i], -force.below[i]), tried + 1
        gained = (p.utility(up.weights) - p.utility(found.weights)) / step
        lost = (p.utility(found.weights) - p.utility(down.weights)) / step
        slack = 1e-3 * price + 1e-7 * p.scale
        assert gained - slack <= price <= lost + slack


def test_what_the_costs_hold_is_not_a_pressure(desk):
    """A push within the costs of trading moves nothing: from where it stands, a small view is not worth a trade."""
    program = solve(state(desk.linear, desk.market), desk.account, desk.no_tilt).case.program
    none = Multipliers(0.0, np.zeros(len(program.rows)), np.zeros(len(program.most)), np.zeros(0))
    at_rest = replace(program, centre=program.current, lo=program.lo - 1, hi=program.hi + 1)
    for share, held in ((0.99, True), (-0.99, True), (1.5, False), (-1.5, False)):
        pushed = replace(at_rest, force=share * program.cost)
        left = press(pushed, program.current, none).unheld
        beyond = np.sign(share) * 0.5 * program.cost
        np.testing.assert_allclose(left, 0.0 if held else beyond, rtol=0, atol=1e-15)
    traded = program.current + np.array([0.01, -0.01, 0.0, 0.0])
    flat = replace(at_rest, centre=traded, force=np.zeros(4))
    # What was bought is held at its cost from both sides: there the slope is one number, not a range.
    np.testing.assert_allclose(
        press(flat, traded, none).unheld[:3], [-program.cost[0], program.cost[1], 0.0], rtol=0, atol=1e-15
    )


def test_a_pressure_is_on_the_end_that_a_weight_is_at(desk):
    program = solve(state(desk.linear, desk.market), desk.account, desk.no_tilt).case.program
    none = Multipliers(0.0, np.zeros(len(program.rows)), np.zeros(len(program.most)), np.zeros(0))
    free = replace(program, cost=0 * program.cost, centre=program.current, current=program.current)
    w = program.current
    for lo, hi, push, above, below, unheld in (
        (w - 1, w, 1.0, 1.0, 0.0, 0.0),
        (w - 1, w, -1.0, 0.0, 0.0, -1.0),
        (w, w + 1, -1.0, 0.0, -1.0, 0.0),
        (w, w + 1, 1.0, 0.0, 0.0, 1.0),
        (w - 1, w + 5e-10, 1.0, 1.0, 0.0, 0.0),  # a rounding away from its end it is at it
        (w - 1, w + 5e-9, 1.0, 0.0, 0.0, 1.0),
        (w - 5e-10, w + 1, -1.0, 0.0, -1.0, 0.0),
        (w - 5e-9, w + 1, -1.0, 0.0, 0.0, -1.0),
    ):
        said = press(replace(free, lo=lo, hi=hi, force=np.full(4, push)), w, none)
        np.testing.assert_allclose(said.above, above, rtol=0, atol=1e-12)
        np.testing.assert_allclose(said.below, below, rtol=0, atol=1e-12)
        np.testing.assert_allclose(said.unheld, unheld, rtol=0, atol=1e-12)


def test_a_price_on_gross_weight_holds_what_is_nothing_and_pushes_what_is_not(desk):
    """At a price y on gross weight, long weights are pressed down by y, short ones up, and a weight of 0 stays put."""
    policy = Policy((Leverage(1.5),), desk.models, long_only=False)
    program = solve(state(policy, desk.free), desk.account, desk.no_tilt).case.program
    price = 0.01
    y = Multipliers(0.0, np.zeros(len(program.rows)), np.full(len(program.most), price), np.zeros(0))
    assert program.from_zero.all()
    weights = np.array([0.3, -0.2, 0.0, 0.9])
    held = replace(program, centre=weights, lo=np.full(4, -9.0), hi=np.full(4, 9.0), current=weights - 0.05)
    for push, unheld in (
        (0.0, [-price, price, 0.0]),
        (price, [0.0, 2 * price, 0.0]),
        (-price, [-2 * price, 0.0, 0.0]),
        (3 * price, [2 * price, 4 * price, 2 * price]),
        (-3 * price, [-4 * price, -2 * price, -2 * price]),
    ):
        said = press(replace(held, force=np.full(4, push)), weights, y)
        np.testing.assert_allclose(said.unheld[:3], unheld, rtol=0, atol=1e-15)


# ------------------------------------------------------------------------------------------------ what is said


@pytest.fixture
def program(desk):
    return solve(state(desk.policy, desk.market), desk.account, desk.no_tilt).case.program


@pytest.mark.parametrize(
    ("residual", "gap", "te", "released", "reason"),
    [
        (0.0, 0.0, 0.0, True, ""),
        (RESIDUAL, 1e-12, CERTIFIED_TE, True, ""),
        (np.inf, 0.0, 0.0, False, "the answer is not a number"),
        (np.nan, 0.0, 0.0, False, "the answer is not a number"),
        (0.0, np.inf, np.inf, False, "its prices are not numbers"),
        (0.0, np.nan, 0.0, False, "its prices are not numbers"),
        (1.1e-9, 0.0, 0.0, False, "a limit is exceeded by 1.1e-09"),
        (0.0, 1e-9, 1.1e-5, False, "certified only within 0.11 bp of tracking error"),
        (0.0, 1e-9, 2e-4, False, "certified only within 2.00 bp of tracking error"),
        (0.0, 1e-9, 0.5, False, "certified only within 5000.00 bp of tracking error"),
        (0.0, 1e-9, np.nan, False, "certified only within nan bp of tracking error"),
    ],
)
def test_what_is_concluded_is_said(program, residual, gap, te, released, reason):
    said = conclude(program, residual, gap, te)
    assert (said.released, said.reason, said.waived) == (released, reason, False)
    if np.isfinite(residual) and np.isfinite(gap):
        assert (said.residual, said.gap) == (residual, gap)
        np.testing.assert_equal(said.certified_te, te)
    else:
        assert not np.isfinite(said.gap)
        assert not np.isfinite(said.certified_te)


def test_a_custom_limit_waives_the_proof_and_nothing_else(program):
    custom = replace(program, customs=(object(),))
    unknown = conclude(custom, 0.0, 1e-6, 1e-3)
    assert unknown.released
    assert unknown.waived
    assert np.isnan(unknown.certified_te)
    assert "custom limit binds" in unknown.reason
    proved = conclude(custom, 0.0, 0.0, CERTIFIED_TE)
    assert proved.released
    assert not proved.waived  # it does not bind: there is a proof
    for residual, gap in ((1.1e-9, 1e-6), (np.inf, 1e-6), (0.0, np.inf)):
        assert not conclude(custom, residual, gap, 1e-3).released


def test_what_rounding_moved_does_not_move(program):
    now = program.current
    wiggle = np.array([1.0, -1.0, 1.0, -1.0])
    np.testing.assert_array_equal(repair(program, now + 9e-12 * wiggle), now)
    moved = repair(program, now + 2e-11 * wiggle)
    assert (moved[:3] != now[:3]).all()
    outside = repair(program, np.array([0.9, 0.1, 0.5, 0.0]))
    np.testing.assert_allclose(outside[:3], [program.hi[0], program.lo[1], program.hi[2]])
    assert outside.sum() == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_measures_of_what_is_no_number_are_infinite(program, bad):
    sizes = {"rows": len(program.rows), "trades": len(program.most), "balls": len(program.ball_most)}
    plain = Multipliers(0.0, *(np.zeros(k) for k in sizes.values()))
    assert {float(x) for x in measure(program, np.full(4, bad), plain)} == {np.inf}
    wrong = [{"budget": bad}, *({name: np.full(k, bad)} for name, k in sizes.items() if k)]
    for change in wrong:
        if bad == -np.inf and not change.keys() & {"budget", "rows"}:
            continue  # of the wrong sign: no price at all
        residual, gap, te = measure(program, program.current, replace(plain, **change))
        assert np.isfinite(residual)
        assert gap == te == np.inf
