"""How long a tilt lives: the way back in each shape, what closes and rests, and what a policy may not say."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.constraints import Context, Deviation, Lots, Policy, TimeLimit, Turnover, read_policy
from trimtab.constraints.time_limits import check_clocks
from trimtab.errors import MarketError, PolicyError
from trimtab.models import TacticalPosition
from trimtab.models.positions import Clocks, read_positions

DAY = dt.date(2026, 7, 1)
MODEL = {"m": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}


def leaning(small, *positions, lean=0.03, leeway=np.inf, lot=0.0, on=DAY):
    """A context that is over by ``lean`` in SPY and under in IEF."""
    b = np.array([0.4, 0.2, 0.4, 0.0])
    current = b + np.array([lean, 0.0, -lean, 0.0])
    clocks = read_positions(positions, small.universe).settle(current - b)
    return Context(replace(small, on=on), b, current, clocks=clocks, leeway=leeway, lot=np.full(4, lot))


def over(age, asset="SPY", **more):
    return TacticalPosition(asset, "over", DAY - dt.timedelta(age), **more)


SENTENCES = [
    (
        TimeLimit(180, 30),
        "each asset: no tilt lives longer than 180 days; it is led back over the last 30 (linear) and rests 180",
    ),
    (
        TimeLimit(90, 20, shape="steps", steps=4, rest_days=10, on="equity"),
        "equity: no tilt lives longer than 90 days; it is led back over the last 20 (4 steps) and rests 10",
    ),
]


@pytest.mark.parametrize(("limit", "sentence"), SENTENCES, ids=["plain", "steps"])
def test_it_is_a_sentence(limit, sentence):
    assert str(limit) == sentence


REFUSED = [
    ({}, "life_days"),
    ({"life_days": 10}, "reversion_days"),
    ({"life_days": 10, "reversion_days": 11}, "reversion_days"),
    ({"life_days": 10.5, "reversion_days": 5}, "life_days"),
    ({"life_days": True, "reversion_days": 1}, "life_days"),
    ({"life_days": 10, "reversion_days": 5, "shape": "lineal"}, "shape"),
    ({"life_days": 10, "reversion_days": 5, "steps": 0}, "steps"),
    ({"life_days": 10, "reversion_days": 5, "rest_days": -1}, "rest_days"),
    ({"life_days": 10, "reversion_days": 5, "open_at": 0.001, "close_at": 0.002}, "close_at"),
    ({"life_days": 10, "reversion_days": 5, "tier": 1}, "tier"),
    ({"life_days": 10, "reversion_days": 5, "grandfather": True}, "tier"),
    ({"life_days": 10, "reversion_days": 5, "when": "crisis"}, "when"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=[str(f) for f, _ in REFUSED])
def test_what_cannot_be_is_refused_by_field(fields, field):
    with pytest.raises(PolicyError) as caught:
        TimeLimit(**fields)
    assert caught.value.field == field


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from(["linear", "exponential", "steps"]), st.integers(1, 9))
def test_the_way_back_begins_whole_never_turns_and_ends_at_nothing(life, back, shape, steps):
    limit = TimeLimit(max(life, back), back, shape=shape, steps=steps)
    rho = limit.rho(np.arange(back + 1) / back)
    assert rho[0] == pytest.approx(1.0, abs=1e-15)
    assert rho[-1] == pytest.approx(0.0, abs=1e-15)
    assert (np.diff(rho) <= 1e-15).all()
    assert limit.steepest == pytest.approx(-np.diff(rho).min())
    if shape == "steps":
        assert len(np.unique(rho.round(12))) <= steps + 1


def test_the_formulae_of_the_page():
    assert TimeLimit(9, 6).rho(1 / 3) == pytest.approx(2 / 3)
    exponential = TimeLimit(9, 6, shape="exponential").rho(0.5)
    assert exponential == pytest.approx((math.exp(-1.5) - math.exp(-3)) / (1 - math.exp(-3)))
    stepped = TimeLimit(9, 6, shape="steps", steps=3)
    np.testing.assert_allclose(stepped.rho(np.array([0, 1, 2, 3, 4, 5, 6]) / 6), [1, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0, 0])


LIMIT = TimeLimit(100, 20, open_at=0.005, close_at=0.001, rest_days=50)


@pytest.mark.parametrize(
    ("age", "allowed"), [(0, np.inf), (80, np.inf), (81, 0.0475), (90, 0.025), (99, 0.0025), (100, 0.001), (149, 0.001)]
)
def test_the_allowed_deviation_follows_the_age(small, age, allowed):
    context = leaning(small, over(age, state="resting" if age > 100 else "open"), leeway=np.full((2, 4), 0.05))
    found = LIMIT.allowed(context)
    assert found[1, 0] == pytest.approx(allowed, rel=1e-12)
    assert np.isinf(np.delete(found.ravel(), 4)).all()  # this side of this asset alone
    (box,) = LIMIT.terms(context)
    assert box.hi[0] == pytest.approx(0.4 + allowed)
    assert np.isinf(box.lo).all()


def test_it_comes_back_from_where_it_stood_without_a_deviation_limit(small):
    assert LIMIT.allowed(leaning(small, over(90)))[1, 0] == pytest.approx(0.03 * 0.5)
    assert LIMIT.allowed(leaning(small, over(90, base=0.08)))[1, 0] == pytest.approx(0.08 * 0.5)


def test_a_lot_is_always_allowed(small):
    assert LIMIT.allowed(leaning(small, over(120), lot=0.004))[1, 0] == 0.004


def test_rest_ends_and_who_was_never_back_does_not_rest(small):
    for age in (150, 151, 1500):
        assert np.isinf(LIMIT.allowed(leaning(small, over(age, state="resting")))[1, 0])
    assert LIMIT.allowed(leaning(small, over(149, state="resting")))[1, 0] == 0.001
    assert LIMIT.allowed(leaning(small, over(1500)))[1, 0] == 0.001


def test_an_approved_extension_moves_the_end(small):
    later = {"extended_until": DAY + dt.timedelta(10), "approval": "minutes 7"}
    assert LIMIT.allowed(leaning(small, over(130, **later)))[1, 0] == pytest.approx(0.03 * 0.5)
    sooner = {"extended_until": DAY - dt.timedelta(30), "approval": "minutes 7"}
    assert np.isinf(LIMIT.allowed(leaning(small, over(60, **sooner)))[1, 0])  # an extension never shortens a life


def test_a_side_nobody_told_is_the_one_it_leans_on(small):
    told = leaning(small, TacticalPosition("IEF", "", DAY - dt.timedelta(90)))
    assert LIMIT.allowed(told)[0, 2] == pytest.approx(0.03 * 0.5)
    assert np.isinf(LIMIT.allowed(told)[1]).all()


def test_the_cash_has_no_position_and_a_closed_one_is_none(small):
    context = leaning(small, TacticalPosition("CASH", "over", DAY - dt.timedelta(90)), over(90, state="closed"))
    assert np.isinf(LIMIT.allowed(context)).all()


def test_who_has_no_positions_is_timed_nowhere(small):
    """No table of positions: no clock runs, no box binds, and a policy without time limits has nothing to pay for."""
    context = replace(leaning(small), clocks=None)
    assert not LIMIT.timed(context).any()
    assert LIMIT.timed(context).shape == LIMIT.allowed(context).shape == (2, 4)
    assert np.isinf(LIMIT.allowed(context)).all()
    assert LIMIT.terms(context) == ()
    np.testing.assert_allclose(LIMIT.bases(context), [[0.0, 0.0, 0.03, 0.0], [0.03, 0.0, 0.0, 0.0]], atol=1e-15)
    check_clocks((Turnover("0.1%"), Deviation("5%")), context, long_only=True)
    many = replace(context, strategic=np.stack([context.strategic] * 3), current=np.stack([context.current] * 3))
    assert LIMIT.allowed(many).shape == (3, 2, 4)


def test_days_cannot_be_counted_without_a_day(small):
    with pytest.raises(MarketError, match="no day"):
        LIMIT.terms(leaning(small, over(90), on=None))


def test_many_accounts_are_each_alone(small):
    rows = [(over(a), TacticalPosition("IEF", "under", DAY - dt.timedelta(a // 2))) for a in (0, 85, 95, 120)]
    alone = [leaning(small, *row, lean=0.01 * i) for i, row in enumerate(rows)]
    chunk = replace(
        alone[0],
        strategic=np.stack([c.strategic for c in alone]),
        current=np.stack([c.current for c in alone]),
        clocks=Clocks(*(np.stack([getattr(c.clocks, f) for c in alone]) for f in _ARRAYS)),
    )
    for i, one in enumerate(alone):
        np.testing.assert_array_equal(LIMIT.allowed(chunk)[i], LIMIT.allowed(one))


_ARRAYS = ("opened", "until", "base", "approval", "rested")


def test_two_time_limits_on_one_asset_are_refused(small):
    policy = Policy((TimeLimit(100, 20, name="all"), TimeLimit(50, 20, on="equity", name="few")), MODEL)
    b = np.array([0.4, 0.2, 0.4, 0.0])
    with pytest.raises(PolicyError, match="few") as caught:
        policy.check(Context(small, b, b))
    assert "SPY" in caught.value.mend
    apart = Policy((TimeLimit(100, 20, on="bonds"), TimeLimit(50, 20, on="equity")), MODEL)
    apart.check(Context(small, b, b))


PAYS = [
    ((Turnover("10%"), Deviation("5%"), TimeLimit(180, 30)), None),
    ((Turnover("0.1%"), Deviation("5%"), TimeLimit(180, 30)), "most"),
    ((Turnover("0.1%", tier=1), Deviation("5%"), TimeLimit(180, 30)), None),
    ((Turnover("2%"), Deviation("5%"), TimeLimit(180, 30, shape="steps", steps=2)), "most"),
    ((Turnover("5%"), Deviation("5%"), TimeLimit(180, 30, shape="steps", steps=2)), None),
    ((Turnover("1%", on="bonds"), Deviation("5%"), TimeLimit(180, 2, on="equity")), None),
    ((Turnover("1%"), TimeLimit(180, 30)), "most"),
    ((Turnover(per_year="39%"), Deviation("5%"), TimeLimit(180, 30)), "per_year"),
    ((Turnover(per_year="40%"), Deviation("5%"), TimeLimit(180, 30)), None),
    ((Turnover("20%", per_year="39%"), Deviation("5%"), TimeLimit(180, 30)), "per_year"),  # pays a day, not a year
    ((Turnover("0.1%", per_year="90%"), Deviation("5%"), TimeLimit(180, 30)), "most"),
]


@pytest.mark.parametrize(("limits", "field"), PAYS)
def test_a_turnover_limit_of_tier_0_has_to_pay_for_the_way_back(small, limits, field):
    policy, b = Policy(limits, MODEL), np.array([0.4, 0.2, 0.4, 0.0])
    if field is None:
        policy.check(Context(small, b, b))
        return
    with pytest.raises(PolicyError) as caught:
        policy.check(Context(small, b, b))
    assert (caught.value.code, caught.value.field) == ("UNPAYABLE", field)


def test_the_refusal_carries_its_arithmetic(small):
    b = np.array([0.4, 0.2, 0.4, 0.0])
    policy = Policy((Turnover("0.1%"), Deviation("5%"), TimeLimit(180, 30)), MODEL)
    with pytest.raises(PolicyError) as caught:
        policy.check(Context(small, b, b))
    # two of three assets 5 % below, the third and the cash 5 % above: 10 %, a thirtieth of it a day
    assert "up to 10.00% of tilts, led back together, take 0.33% on one day" in str(caught.value)
    assert "raise most to 0.34%" in caught.value.mend
    enough = Policy((Turnover("0.34%"), Deviation("5%"), TimeLimit(180, 30)), MODEL)
    enough.check(Context(small, b, b))


def test_nobody_leans_farther_than_all_that_is_held(small):
    """Long-only and without deviation limits everything held can be elsewhere, and no more than that."""
    b = np.array([0.4, 0.2, 0.4, 0.0])
    with pytest.raises(PolicyError, match=r"up to 100\.00% of tilts, led back together, take 3\.33% on one day"):
        Policy((Turnover("1%"), TimeLimit(180, 30)), MODEL).check(Context(small, b, b))


@pytest.mark.parametrize(
    ("fields", "mend"),
    [({"life_days": 0}, "a whole number of days, at least 1"), ({"steps": 0}, "a whole number, at least 1"),
     ({"rest_days": -1}, "a whole number of days, at least 0"), ({"life_days": 36501}, "a whole number of days"),
     ({"reversion_days": 11}, "at most life_days, 10"), ({"shape": "step"}, "did you mean 'steps'?")],
)  # fmt: skip
def test_a_refusal_says_what_would_do(fields, mend):
    with pytest.raises(PolicyError) as caught:
        TimeLimit(**{"life_days": 10, "reversion_days": 5, **fields})
    assert mend in caught.value.mend
    assert TimeLimit(36500, 36500, rest_days=0, steps=1).rest_days == 0


def test_a_policy_file_says_it():
    text = {"kind": "time_limit", "life_days": 180, "reversion_days": 30, "shape": "exponential", "open_at": "0.5%"}
    (limit,) = read_policy({"limits": [text]}).limits
    assert limit == TimeLimit(180, 30, shape="exponential", open_at=0.005)
    assert limit.rest_days == 180


def test_lots_and_deviations_are_what_it_stands_back_for(small):
    policy = Policy((Deviation("5%"), Deviation(up="2%", down="3%", on="bonds", name="b"), Lots(10), LIMIT), MODEL)
    b = np.array([0.4, 0.2, 0.4, 0.0])
    context = policy.measured(Context(small, b, b, nav=1000.0))
    np.testing.assert_array_equal(context.leeway, [[0.05, 0.05, 0.03, 0.05], [0.05, 0.05, 0.02, 0.05]])
    np.testing.assert_array_equal(context.lot, [0.01, 0.01, 0.01, 0.0])
