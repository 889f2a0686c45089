"""Losses under a named shock, cash that is kept in money, and limits that hold in a regime alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.constraints import Cash, Context, Deviation, Lots, Policy, Stress, TradeCount, Turnover, read_policy
from trimtab.errors import PolicyError
from trimtab.models import Account, Shock, View
from trimtab.optimizer import rebalance
from trimtab.scenarios import shock

CRASH = Shock("2008", {"equity": "-40%", "bonds": "5%"})
MODELS = {"m": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}


def test_stress_is_a_sentence_and_a_row(context):
    limit = Stress.of(CRASH, "20%")
    assert str(limit) == "a shock like 2008 loses at most 20.00%"
    (rows,) = limit.terms(context)
    np.testing.assert_allclose(rows.matrix, [[0.4, 0.4, -0.05, 0.0]])
    assert (rows.hi[0], rows.lo[0], rows.labels) == (0.2, -np.inf, ("2008",))
    (around,) = replace(limit, around="strategic", most=0.01).terms(context)
    assert around.hi[0] == pytest.approx(0.6 * 0.4 - 0.4 * 0.05 + 0.01)


def test_a_policy_file_says_a_shock():
    said = {"kind": "stress", "shock": "2008", "most": "20%", "moves": {"equity": "-40%", "bonds": "5%"}}
    assert read_policy({"limits": [said]}).limits == (Stress.of(CRASH, 0.2),)


REFUSED = [
    ({"shock": "x", "moves": {"equity": -0.4}}, "most"),
    ({"shock": "", "moves": {"equity": -0.4}, "most": 0.2}, "shock"),
    ({"shock": "x", "most": 0.2}, "moves"),
    ({"shock": "x", "moves": {"equity": -1.4}, "most": 0.2}, "moves"),
    ({"shock": "x", "moves": {"equity": "a lot"}, "most": 0.2}, "moves"),
    ({"shock": "x", "moves": {"equity": -0.4}, "most": 0.2, "on": "equity"}, "on"),
    ({"shock": "x", "moves": {"equity": -0.4}, "most": 0.2, "around": "cash"}, "around"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=[f for _, f in REFUSED])
def test_what_is_no_shock_is_refused(fields, field):
    with pytest.raises(PolicyError) as caught:
        Stress(**fields)
    assert caught.value.field == field


def test_an_unknown_name_is_the_policys_fault(context):
    with pytest.raises(PolicyError) as caught:
        Stress("x", {"equities": -0.4}, 0.2).terms(context)
    assert caught.value.table == "policy"


def test_the_loss_a_limit_allows_is_the_loss_a_shock_finds(small):
    policy = Policy((Stress.of(CRASH, "21%"),), MODELS)
    market = replace(small, on=None)
    account = Account.from_weights("1", "m", {"SPY": 0.5, "EFA": 0.2, "IEF": 0.3}, 1e6, market)
    proposal = rebalance(account, policy, market, [View("equity - bonds", 0.1, 0.9)], "2026-07-01")
    assert shock(proposal, CRASH, market).loc["2008", "target"] == pytest.approx(-0.21, abs=1e-8)
    assert [(r.limit, r.on) for r in proposal.binding if r.limit == "stress"] == [("stress", "2008")]


def test_an_account_may_lose_less_than_the_policy_allows(context):
    (rows,) = Stress.of(CRASH, "20%").terms(replace(context, overrides={"stress": 0.15}))
    assert rows.hi[0] == 0.15


def test_a_reserve_in_money_is_kept(context):
    assert str(Cash(least_value=20000)) == "cash is at least 20,000.00 in money"
    assert str(Cash(least="1%", least_value=20000)) == "cash is at least 1.00% and at least 20,000.00 in money"
    assert Cash(least_value=20000).terms(context)[0].most == -0.02
    assert Cash(least="5%", least_value=20000).terms(context)[0].most == -0.05
    assert not Cash(least_value=1).shared  # money is another part of each account: no target of a model knows it
    assert Cash(least="1%").shared
    with pytest.raises(PolicyError):
        Cash(least_value=-1)


CALM = Policy((Deviation("10%"), Deviation("2%", name="crisis deviation", when="crisis")), MODELS)


def test_a_limit_with_when_holds_in_its_regime_alone(small):
    b = np.array([0.4, 0.2, 0.4, 0.0])
    context = Context(small, b, b)
    assert [name for name, _ in CALM.terms(context)] == ["long_only", "cash_floor", "deviation"]
    assert [name for name, _ in CALM.in_regime("crisis").terms(context)][-1] == "crisis deviation"
    assert CALM.names == ("deviation", "crisis deviation")  # an account's own number has its column all the time
    assert CALM.hash != CALM.in_regime("crisis").hash
    assert "in crisis" in str(CALM)


@pytest.mark.parametrize(("regime", "lean"), [("", 0.1), ("crisis", 0.02), ("boom", 0.1)])
def test_a_regime_tightens_what_is_proposed(small, regime, lean):
    account = Account.from_weights("1", "m", MODELS["m"], 1e6, small)
    views = [View("equity - bonds", 0.2, 0.9)]
    proposal = rebalance(account, CALM.in_regime(regime), small, views, "2026-07-01")
    assert proposal.weights is not None
    active = proposal.weights["target"] - proposal.weights["strategic"]
    assert active.abs().max() == pytest.approx(lean, abs=1e-9)


VIEWS = [View("EFA - IEF", 0.1, 0.9)]


def test_rules_of_whole_trades_have_their_regimes_too(small):
    policy = Policy((TradeCount(1, when="crisis"), Lots(5, when=["crisis", "panic"])), MODELS)
    assert policy.in_force == ()
    assert policy.in_regime("panic").in_force == policy.limits[1:]
    account = Account.from_weights("1", "m", {"SPY": 0.6, "EFA": 0.1, "IEF": 0.3}, 1e6, small)
    free, held = (rebalance(account, p, small, VIEWS, "2026-07-01") for p in (policy, policy.in_regime("crisis")))
    assert len(free.trades) > 1 >= len(held.trades)


def test_a_policy_file_says_when(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('regime = "crisis"\n[[limits]]\nkind = "turnover"\nmost = "5%"\nwhen = ["crisis", "panic"]\n')
    policy = read_policy(path)
    assert policy.in_force == (Turnover(0.05, when=("crisis", "panic")),)
    with pytest.raises(PolicyError) as caught:
        Turnover(0.05, when="")
    assert caught.value.field == "when"
