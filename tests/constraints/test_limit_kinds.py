"""Each limit: its sentence, its numbers, what it refuses, and the term it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import (
    Cash,
    Custom,
    Deviation,
    Group,
    Leverage,
    Lots,
    Policy,
    Position,
    Restriction,
    TrackingError,
    TradeCount,
    TradeSize,
    Turnover,
    Volatility,
)
from trimtab.constraints import terms as said
from trimtab.constraints.restrictions import account_boxes, barred
from trimtab.errors import AccountError, PolicyError


def account_box(context):
    """What all rules together leave free, as a program stacks them."""
    boxes = [box for _, box in account_boxes(context)]
    return said.Box(np.max([b.lo for b in boxes], axis=0), np.min([b.hi for b in boxes], axis=0))


INF = np.inf
SENTENCES = [
    (Deviation("5%"), "each asset stays within 5.00% of its strategic weight"),
    (Deviation(up=0.05, down="200bp"), "each asset stays between 2.00% below and 5.00% above its strategic weight"),
    (Deviation(0.05, up=0.1, on="equity"), "equity stays between 5.00% below and 10.00% above its strategic weight"),
    (Group("equity", least=0.3, most=0.7), "equity is between 30.00% and 70.00%"),
    (Group("equity", most="5%", around="strategic"), "equity stays at most 5.00% around its strategic weight"),
    (Group(exposure={"IEF": 7.0}, least=2, name="duration"), "the exposure duration is at least 2"),
    (TrackingError("2%"), "tracking error is at most 2.00% a year"),
    (TrackingError(0.02, on=["SPY", "IEF"]), "tracking error of SPY, IEF is at most 2.00% a year"),
    (Volatility("10%", on="equity"), "volatility of equity is at most 10.00% a year"),
    (Turnover("10%"), "one-way turnover is at most 10.00% a rebalance"),
    (Turnover(0.1, on="bonds"), "one-way turnover of bonds is at most 10.00% a rebalance"),
    (Cash(least="0.5%"), "cash is at least 0.50%"),
    (Cash(least=0, most=0.1), "cash is between 0.00% and 10.00%"),
    (Position(most="30%"), "each weight is at most 30.00%"),
    (Position("equity", least=0.01), "equity: each weight is at least 1.00%"),
    (Restriction("SPY", rule="no_buy"), "SPY: no_buy"),
    (Leverage("150%"), "gross weight outside cash is at most 150.00%"),
    (TradeSize(least="0.1%", most=0.05), "no trade is smaller than 0.10% or larger than 5.00%"),
    (TradeSize(least_value=500), "no trade is smaller than 500.00"),
    (TradeCount(8), "at most 8 trades"),
    (Lots(), "trades are in whole lots"),
    (Lots(100), "trades are in whole lots of 100"),
    (Custom(lambda w, w0: [], lambda w, w0: 0.0, "no more than the neighbours"), "no more than the neighbours"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "sentence"), SENTENCES, ids=[s for _, s in SENTENCES])
def test_a_limit_is_a_sentence(limit, sentence):
    assert str(limit) == sentence
    assert limit.name
    assert limit.tier == 0


REFUSED = [
    (Deviation, {}, "most"),
    (Deviation, {"up": 0.05}, "most"),
    (Deviation, {"most": -0.1}, "most"),
    (Deviation, {"most": "5 percent"}, "most"),
    (Deviation, {"most": float("nan")}, "most"),
    (Deviation, {"most": True}, "most"),
    (Deviation, {"most": 0.1, "tier": -1}, "tier"),
    (Deviation, {"most": 0.1, "tier": 1.0}, "tier"),
    (Deviation, {"most": 0.1, "tier": True}, "tier"),
    (Group, {"on": "equity"}, "most"),
    (Group, {"most": 0.1}, "on"),
    (Group, {"on": "equity", "least": 0.5, "most": 0.4}, "least"),
    (Group, {"on": "equity", "most": 0.4, "around": "benchmark"}, "around"),
    (TrackingError, {"most": "2"}, "most"),
    (TrackingError, {"most": 20}, "most"),
    (Turnover, {"most": "1.5"}, None),
    (Volatility, {"most": -1}, "most"),
    (Turnover, {"most": float("inf")}, "most"),
    (Cash, {}, "most"),
    (Cash, {"least": 0.1, "most": 0.05}, "least"),
    (Cash, {"least": 0.1, "on": "equity"}, "on"),
    (Position, {}, "most"),
    (Position, {"least": 0.2, "most": 0.1}, "least"),
    (Restriction, {"on": "SPY", "rule": "nobuy"}, "rule"),
    (Restriction, {"on": "SPY", "rule": "no_buy", "tier": 1}, "tier"),
    (Restriction, {"on": "SPY", "rule": "no_buy", "grandfather": True}, "tier"),
    (Leverage, {"most": 1.5, "on": "equity"}, "on"),
    (Leverage, {"most": 101}, "most"),
    (TradeSize, {"least": -0.1}, "least"),
    (TradeSize, {"least_value": -5.0}, "least_value"),
    (TradeCount, {"most": 2.5}, "most"),
    (TradeCount, {"most": -1}, "most"),
    (TradeCount, {"most": True}, "most"),
    (TradeSize, {"least_value": 250, "tier": 1}, "tier"),
    (TradeCount, {"most": 3, "tier": 1}, "tier"),
    (Lots, {"tier": 1}, "tier"),
    (Lots, {"size": 0}, "size"),
    (Lots, {"size": float("nan")}, "size"),
    (Custom, {}, "bind"),
    (Custom, {"bind": lambda w, w0: []}, "bind"),
    (Custom, {"bind": lambda w, w0: [], "slack": lambda w, w0: 0.0, "tier": 1}, "tier"),
]


@pytest.mark.parametrize(("kind", "fields", "field"), REFUSED)
def test_what_a_limit_cannot_say(kind, fields, field):
    if field is None:
        assert kind(**fields).most == 1.5  # "1.5" is the decimal: 150 %
        return
    with pytest.raises(PolicyError) as error:
        kind(**fields)
    assert error.value.field == field
    assert error.value.mend
    assert (fields.get("name") or kind.kind) in str(error.value)


def _one(limit, context):
    (term,) = limit.terms(context)
    return term


def test_deviation_is_a_box(context):
    box = _one(Deviation(up=0.05, down=0.02, on="equity"), context)
    np.testing.assert_allclose(box.lo, [0.38, 0.18, -INF, -INF])
    np.testing.assert_allclose(box.hi, [0.45, 0.25, INF, INF])
    everything = _one(Deviation(0.05), context)  # cash included
    np.testing.assert_allclose(everything.hi, [0.45, 0.25, 0.45, 0.05])


def test_position_and_cash_are_boxes_and_a_floor(context):
    box = _one(Position("equity", least=0.01, most=0.3), context)
    np.testing.assert_allclose(box.lo, [0.01, 0.01, -INF, -INF])
    np.testing.assert_allclose(box.hi, [0.3, 0.3, INF, INF])
    floor, ceiling = Cash(least=0.01, most=0.1).terms(context)
    np.testing.assert_allclose(ceiling.hi, [INF, INF, INF, 0.1])
    # Cash after costs: 5 % - 0.2 % of 20 % traded.
    weights = np.array([0.4, 0.2, 0.35, 0.05])
    (use,) = said.use(floor, weights, context.current, context.market.risk, context.market.universe)
    assert use.bound == 0.01
    assert use.used == pytest.approx(0.05 - 0.002 * 0.2)
    assert use.room == pytest.approx(0.04 - 0.0004)


def test_group_is_a_row(context):
    row = _one(Group("equity", least=0.3, most=0.7), context)
    np.testing.assert_array_equal(row.matrix, [[1, 1, 0, 0]])
    assert (row.lo, row.hi) == (0.3, 0.7)
    around = _one(Group("equity", least=-0.05, around="strategic"), context)
    np.testing.assert_allclose(around.lo, 0.55)
    assert around.hi == INF
    exposure = _one(Group(exposure={"equity": 1.0, "SPY": 1.2, "IEF": -0.5}, most=1.0), context)
    np.testing.assert_allclose(exposure.matrix, [[1.2, 1.0, -0.5, 0]])  # the later, narrower name
    part = _one(Group("SPY", exposure={"equity": 2.0}, most=1.0), context)
    np.testing.assert_allclose(part.matrix, [[2.0, 0, 0, 0]])


def test_risk_limits_are_balls(context):
    sigma = context.market.risk.covariance
    te = _one(TrackingError(0.02), context)
    (use,) = said.use(te, context.current, context.current, context.market.risk, context.market.universe)
    away = context.current - context.strategic
    assert use.used == pytest.approx(np.sqrt(away @ sigma @ away))
    vol = _one(Volatility(0.1, on="equity"), context)
    (use,) = said.use(vol, context.current, context.current, context.market.risk, context.market.universe)
    part = np.array([0.5, 0.1, 0, 0])
    assert use.used == pytest.approx(np.sqrt(part @ sigma @ part))
    assert use.room == pytest.approx(0.1 - use.used)


@pytest.mark.parametrize(
    ("trade", "flow", "turnover"),
    [
        ([0.05, -0.05, 0.0, 0.0], 0.0, 0.05),  # a 5 % switch is 5 %
        ([-0.2, 0.0, 0.0, 0.2], 0.0, 0.2),  # selling 20 % into cash is 20 %
        ([0.03, 0.0, 0.0, -0.03], 0.03, 0.0),  # investing a deposit is nothing
        ([0.0, -0.03, 0.0, 0.03], -0.03, 0.0),  # raising a withdrawal is nothing
        ([0.08, -0.05, 0.0, -0.03], 0.03, 0.05),
        ([0.02, -0.05, 0.0, 0.03], -0.03, 0.02),
        ([0.0, 0.0, 0.0, 0.0], 0.0, 0.0),
    ],
)
def test_turnover_is_one_way_and_flows_are_free(context, trade, flow, turnover):
    context = replace(context, inflow=max(flow, 0.0), outflow=max(-flow, 0.0))
    uses = [
        said.use(t, context.current + np.array(trade), context.current, context.market.risk, context.market.universe)[0]
        for t in Turnover(0.1).terms(context)
    ]
    assert max(u.used for u in uses) == pytest.approx(turnover, abs=1e-15)
    assert {u.bound for u in uses} == {0.1}


def test_leverage_counts_both_signs_and_no_cash(context):
    gross, box = Leverage(1.5).terms(context)
    weights = np.array([0.9, -0.3, 0.2, 0.2])
    (use,) = said.use(gross, weights, context.current, context.market.risk, context.market.universe)
    assert use.used == pytest.approx(1.4)
    np.testing.assert_allclose(box.lo, [-1.5, -1.5, -1.5, -0.5])
    np.testing.assert_allclose(box.hi, [1.5, 1.5, 1.5, 2.5])


@pytest.mark.parametrize(
    ("rule", "lo", "hi"), [("no_buy", -INF, 0.5), ("no_sell", 0.5, INF), ("frozen", 0.5, 0.5), ("no_hold", 0.0, 0.0)]
)
def test_restrictions_are_boxes(context, rule, lo, hi):
    for box in (
        _one(Restriction("SPY", rule=rule), context),
        account_box(replace(context, rules=barred([("SPY", rule)], context.market.universe))),
    ):
        assert (box.lo[0], box.hi[0]) == (lo, hi)
        assert np.isinf(box.lo[1:]).all()
        assert np.isinf(box.hi[1:]).all()


def test_restrictions_add_up_and_frozen_assets_stay(context):
    box = account_box(
        replace(
            context, rules=barred([("SPY", "no_buy"), ("SPY", "no_sell"), ("EFA", "no_buy")], context.market.universe)
        )
    )
    assert (box.lo[0], box.hi[0], box.hi[1]) == (0.5, 0.5, 0.1)
    frozen = account_box(replace(context, rules={"frozen": np.array([False, False, True, False])}))
    assert (frozen.lo[2], frozen.hi[2]) == (0.35, 0.35)
    with pytest.raises(AccountError, match="did you mean 'no_buy'"):
        barred([("SPY", "nobuy")], context.market.universe)
    with pytest.raises(AccountError, match="not in the assets table"):
        barred([("equity", "no_buy")], context.market.universe)


def test_tickets_are_no_convex_terms_but_the_largest_trade(context):
    assert TradeCount(3).terms(context) == ()
    assert Lots().terms(context) == ()
    assert TradeSize(least=0.01).terms(context) == ()
    box = _one(TradeSize(most=0.05), context)
    np.testing.assert_allclose(box.hi, [0.55, 0.15, 0.40, INF])
    np.testing.assert_allclose(
        TradeSize(least=0.001, least_value=5000, on="equity").smallest(context), [0.005, 0.005, 0, 0]
    )
    np.testing.assert_allclose(Lots(10, on="bonds").units(context), [0, 0, 10, 0])


@pytest.mark.parametrize("limit", [Deviation(0.1, on="equty"), Group("equty", most=1), TrackingError(0.1, on="equty")])
def test_an_unknown_name_says_which_limit_and_which_name_was_meant(context, limit):
    with pytest.raises(PolicyError, match="did you mean 'equity'") as error:
        limit.terms(context)
    assert limit.name in str(error.value)


def test_an_unknown_exposure_says_which_limit(context):
    with pytest.raises(PolicyError):
        Group(exposure={"equty": 1.0}, most=1.0).terms(context)


# ------------------------------------------------------------------------------------------------ overrides


@pytest.mark.parametrize("limit", [Turnover(0.1), TrackingError(0.02), Volatility(0.1), Deviation(0.05), Leverage(1.5)])
def test_an_override_only_tightens(context, limit):
    own = 0.4 * limit.most

    def bound(c):
        term = limit.terms(c)[0]
        return (term.hi - c.strategic)[0] if isinstance(term, said.Box) else float(term.most)

    assert bound(context) == pytest.approx(limit.most)
    assert bound(replace(context, overrides={limit.name: own})) == pytest.approx(own)
    for bad in (limit.most * 1.01, -0.01, float("nan")):
        with pytest.raises(AccountError) as error:
            limit.terms(replace(context, overrides={limit.name: bad}))
        assert error.value.code == ("BAD_OVERRIDE" if bad < 0 else "LOOSER_OVERRIDE")
        assert error.value.field == limit.name


@pytest.mark.parametrize(
    "limit",
    [Group("equity", most=0.7), Cash(most=0.1), Position(most=0.6), TradeSize(most=0.1), TradeCount(3), Lots()],
    ids=lambda x: x.kind,
)
def test_an_override_is_never_ignored(context, limit):
    with pytest.raises(AccountError, match="one number cannot tighten"):
        Policy((limit,)).terms(replace(context, overrides={limit.name: 0.01}))


# ------------------------------------------------------------------------------------------------ grandfathering


def test_who_starts_outside_may_stay_or_improve(context):
    c, risk = context, context.market.risk
    box = said.grandfathered(_one(Deviation(0.05), c), c.current, risk)
    np.testing.assert_allclose(box.hi, [0.5, 0.25, 0.45, 0.05])
    np.testing.assert_allclose(box.lo, [0.35, 0.1, 0.35, -0.05])
    rows = said.grandfathered(_one(Group("equity", most=0.5), c), c.current, risk)
    np.testing.assert_allclose(rows.hi, 0.6)
    inside = said.grandfathered(_one(Group("equity", most=0.7), c), c.current, risk)
    np.testing.assert_allclose(inside.hi, 0.7)
    ball = said.grandfathered(_one(TrackingError(0.001), c), c.current, risk)
    (use,) = said.use(ball, c.current, c.current, risk, c.market.universe)
    assert use.room == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("limit", [Leverage(0.5), Cash(least=0.2)], ids=lambda x: x.kind)
def test_grandfathering_reaches_every_state_a_limit_is_on(context, limit):
    for term in limit.terms(context):
        kept = said.grandfathered(term, context.current, context.market.risk)
        uses = said.use(kept, context.current, context.current, context.market.risk, context.market.universe)
        assert min((u.room for u in uses), default=0.0) >= -1e-12


def test_many_accounts_are_stated_at_once(context):
    """A leading axis of accounts goes through every term that the batch engine reads."""
    many = replace(
        context,
        strategic=np.tile(context.strategic, (3, 1)),
        current=np.tile(context.current, (3, 1)) + np.arange(3)[:, None] * 0.01,
        nav=np.full(3, 1e6),
        inflow=np.zeros(3),
        outflow=np.zeros(3),
    )
    limits = (
        Deviation(0.05),
        Group("equity", most=0.01, around="strategic"),
        TrackingError(0.02),
        Volatility(0.1),
        Turnover(0.1),
        Cash(least=0.01, most=0.1),
        Position("equity", most=0.5),
        Restriction("SPY", rule="no_buy"),
        Leverage(1.5),
    )
    for limit in limits:
        together, alone = limit.terms(many), limit.terms(replace(context, inflow=0.0, current=many.current[1]))
        for one, other in zip(together, alone, strict=True):
            for name in ("lo", "hi", "anchor"):
                if hasattr(one, name):
                    whole = np.broadcast_to(getattr(one, name), (3, *np.shape(getattr(other, name))))
                    np.testing.assert_array_equal(whole[1], getattr(other, name), err_msg=f"{limit.kind} {name}")
