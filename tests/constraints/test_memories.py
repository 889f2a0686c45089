"""Limits that remember what was traded: yearly turnover, cooldowns, holding periods; each account by itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Cooldown, Holding, Turnover
from trimtab.errors import AccountError, PolicyError
from trimtab.models import PastTrade
from trimtab.models.histories import History, read_history, stack_histories

DAY = dt.date(2026, 7, 1)
INF = np.inf


def sold(days, weight, asset="SPY"):
    return PastTrade(asset, DAY - dt.timedelta(days), -weight)


def bought(days, weight, asset="SPY"):
    return PastTrade(asset, DAY - dt.timedelta(days), weight)


@pytest.fixture
def after(small, context):
    """The context of an account that has traded so."""

    def make(*trades, frequency=1.0):
        market = replace(small, on=DAY)
        return replace(context, market=market, history=read_history(trades, small.universe), frequency=frequency)

    return make


@pytest.mark.parametrize(
    ("trades", "left"),
    [
        ((), 0.5),
        ((bought(10, 0.1), sold(10, 0.08, "IEF")), 0.4),  # a switch counts once: the larger side of its day
        ((bought(10, 0.1), sold(11, 0.08, "IEF")), 0.32),
        ((bought(364, 0.1),), 0.4),
        ((bought(365, 0.1),), 0.5),
        ((bought(0, 0.1),), 0.4),
        ((bought(-1, 0.1),), 0.5),  # tomorrow is not known yet
        ((bought(5, 0.3), sold(6, 0.3)), 0.0),
        ((PastTrade("CASH", DAY - dt.timedelta(3), 0.4),), 0.5),
    ],
)
def test_a_years_turnover_leaves_so_much(after, trades, left):
    buys, sells = Turnover(per_year="50%").terms(after(*trades))
    assert buys.most == sells.most == pytest.approx(left)
    assert Turnover("10%", per_year="50%").terms(after(*trades))[0].most == pytest.approx(min(left, 0.1))


def test_a_years_turnover_of_a_class_counts_that_class(after):
    trades = (bought(5, 0.1), sold(5, 0.1, "IEF"), bought(7, 0.04, "EFA"))
    assert Turnover(per_year="50%", on="equity").terms(after(*trades))[0].most == pytest.approx(0.36)
    assert Turnover(per_year="50%", on="bonds").terms(after(*trades))[0].most == pytest.approx(0.4)


def test_turnover_wants_one_of_two_numbers():
    assert str(Turnover("10%", per_year="80%")) == (
        "one-way turnover is at most 10.00% a rebalance and at most 80.00% in 365 days"
    )
    with pytest.raises(PolicyError) as caught:
        Turnover()
    assert caught.value.field == "most"


OPPOSITE, ALL = Cooldown(30), Cooldown(30, "all")


@pytest.mark.parametrize(
    ("limit", "trades", "sells", "buys"),
    [
        (OPPOSITE, (bought(10, 0.1),), False, True),
        (OPPOSITE, (sold(10, 0.1),), True, False),
        (OPPOSITE, (sold(29, 0.1),), True, False),
        (OPPOSITE, (sold(30, 0.1),), True, True),
        (OPPOSITE, (sold(20, 0.1), bought(10, 0.1)), False, True),  # the last trade counts
        (OPPOSITE, (sold(10, 0.1), bought(10, 0.1)), False, False),
        (OPPOSITE, (bought(10, 0.1, "EFA"),), True, True),
        (OPPOSITE, (bought(-1, 0.1),), True, True),
        (ALL, (bought(10, 0.1),), False, False),
        (ALL, (bought(30, 0.1),), True, True),
    ],
)
def test_a_cooldown_bars_the_other_way_or_all(after, limit, trades, sells, buys):
    context = after(*trades)
    (box,) = limit.terms(context)
    assert box.lo[0] == (-INF if sells else context.current[0])
    assert box.hi[0] == (INF if buys else context.current[0])


def test_the_frequency_of_a_tilt_stretches_a_cooldown(after):
    (box,) = Cooldown(10).terms(after(sold(15, 0.1), frequency=2.0))
    assert box.hi[0] == 0.5
    (box,) = Cooldown(10).terms(after(sold(6, 0.1), frequency=0.5))
    assert box.hi[0] == INF


def test_what_was_bought_is_held_first_in_first_out(after):
    (box,) = Holding(90).terms(after(bought(10, 0.04), bought(80, 0.02), bought(91, 0.3), sold(5, 0.01)))
    assert box.lo[0] == pytest.approx(0.06)  # of the 50 % it holds, 44 % may be sold
    (box,) = Holding(90).terms(after(bought(10, 0.9)))
    assert box.lo[0] == 0.5
    assert np.isinf(box.lo[1:]).all()
    assert np.isinf(box.hi).all()


def test_nobody_who_never_traded_is_held_back(context):
    assert Cooldown(30).terms(context) == ()
    assert Holding(30).terms(context) == ()


@pytest.mark.parametrize("kind", [Cooldown, Holding])
@pytest.mark.parametrize("days", [0, -3, 1.5, True, None])
def test_days_are_whole_and_at_least_one(kind, days):
    with pytest.raises(PolicyError) as caught:
        kind(days)
    assert caught.value.field == "days"


def test_a_cooldown_is_opposite_or_all():
    with pytest.raises(PolicyError):
        Cooldown(3, "sells")
    assert str(ALL) == "each asset: no trade for 30 days after a trade"


@pytest.mark.parametrize(("trade", "field"), [(bought(1, 0.1, "XXX"), "asset_id"), (bought(1, np.nan), "weight")])
def test_a_bad_trade_is_the_accounts_own_fault(small, trade, field):
    with pytest.raises(AccountError) as caught:
        read_history([trade], small.universe)
    assert (caught.value.table, caught.value.field) == ("history", field)


def _random(rng, names):
    rows = int(rng.integers(0, 12))
    return tuple(
        PastTrade(str(rng.choice(names)), DAY - dt.timedelta(int(rng.integers(-2, 400))), float(rng.normal(0, 0.1)))
        for _ in range(rows)
    )


def test_many_accounts_are_each_alone_to_the_bit(small, after):
    """Alone, among others, and among others turned round."""
    rng = np.random.default_rng(7)
    deals = [_random(rng, small.universe.assets) for _ in range(40)]
    history = stack_histories([read_history(own, small.universe) for own in deals])
    assert isinstance(history, History)
    m = len(deals)
    wide = lambda x: np.broadcast_to(x, (m, *np.shape(x)))  # noqa: E731
    base = after()
    chunk = replace(base, strategic=wide(base.strategic), current=wide(base.current), nav=wide(1e6), history=history)
    turned = replace(chunk, history=history.pick(np.arange(m)[::-1]))
    for limit in (Turnover(per_year="90%"), Turnover(per_year="90%", on="equity"), Cooldown(60), Holding(60)):
        for i, own in enumerate(deals):
            alone = limit.terms(after(*own))
            for k, term in enumerate(limit.terms(chunk)):
                for name in [name for name in ("most", "lo", "hi") if hasattr(term, name)]:
                    here, there = (_each(getattr(x, name), m) for x in (term, limit.terms(turned)[k]))
                    np.testing.assert_array_equal(there[m - 1 - i], here[i])
                    nothing = {"lo": -INF, "hi": INF}.get(name)
                    np.testing.assert_array_equal(getattr(alone[k], name) if alone else nothing, here[i])


def _each(numbers, m):
    return np.broadcast_to(numbers, (m, *np.shape(numbers)[1:]))
