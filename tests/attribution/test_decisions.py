"""Decisions: no remainder, whoever did everything gets everything, and no order of views matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.attribution import attribute, chain
from trimtab.attribution.chains import STAGES, Origin, split_by_signal
from trimtab.attribution.decisions import restrict
from trimtab.errors import InputError


def world(seed, *, periods=None, views=3):
    """An account led through a random history by hand, with money: flows, costs, phases, lots, its own returns."""
    rng = np.random.default_rng(seed)
    t, n = periods or int(rng.integers(2, 9)), int(rng.integers(2, 6))
    r = rng.normal(0.005, 0.04, (t, n))
    own = r + (rng.normal(0, 0.01, (t, n)) if rng.random() < 0.5 else 0.0)
    portfolios = lambda: rng.dirichlet(np.ones(n), t)  # noqa: E731
    stages = {name: portfolios() for name in STAGES[:-1]}
    if rng.random() < 0.3:
        stages["phased"] = 0.5 * stages["ideal"] + 0.5 * stages["decided"]
    parts = rng.normal(0, 0.05, (views, t, n))
    parts -= parts.mean(-1, keepdims=True)
    stages["tactical"] = stages["strategic"] + parts.sum(0)
    holds = rng.normal(0, 0.05, (2, t, n)) if rng.random() < 0.5 else None
    # The money: units drift from what was filled, a flow comes as cash, costs are paid from the last asset.
    money, held, nav, costs, earned = (
        rng.uniform(1e5, 1e7),
        np.zeros((t, n)),
        np.zeros(t),
        np.zeros((t, n)),
        np.zeros(t),
    )
    values = money * stages["filled"][0]
    for k in range(t):
        if k and rng.random() < 0.5:
            values = values.sum() * stages["filled"][k]  # traded
        if rng.random() < 0.3:
            values[-1] += rng.uniform(-0.05, 0.5) * values.sum() * (rng.random() < 0.5)
        begin = values.sum()
        held[k], nav[k] = values / begin, begin
        values = values * (1.0 + own[k])
        paid = rng.uniform(0, 0.001, n) * begin * (rng.random() < 0.7)
        values[-1] -= paid.sum()
        costs[k], earned[k] = paid / begin, values.sum() / begin - 1.0
    stages["held"] = held
    index, columns = pd.date_range("2020-01-31", periods=t, freq="ME"), [f"a{i}" for i in range(n)]
    frame = lambda x: pd.DataFrame(x, index, columns)  # noqa: E731
    made = chain(
        "random", {k: frame(v) for k, v in stages.items()}, frame(r), own=frame(own), costs=frame(costs),
        nav=pd.Series(nav, index), earned=pd.Series(earned, index),
        beliefs={f"view {k}": frame(p) for k, p in enumerate(parts)},
        holds={} if holds is None else {f"held back by limit {k}": frame(x) for k, x in enumerate(holds)},
        reference=frame(portfolios()) if rng.random() < 0.5 else None,
        regimes=[("calm", "fear")[i] for i in rng.integers(0, 2, t)],
    )  # fmt: skip
    return made


def test_nothing_is_left_over_in_a_thousand_random_histories():
    """``earned`` is what the account's money says; no effect was made of it."""
    worst = gap = 0.0
    for seed in range(1000):
        found = attribute(world(seed))
        worst = max(worst, found.residual)
        gap = max(gap, abs(found.linked.sum() - found.excess) / (1.0 + abs(found.excess)))
    assert worst < 1e-14
    assert gap < 1e-12


def test_a_wrong_return_is_left_over():
    """A residual that could not be found would prove nothing."""
    made = world(1)
    wrong = type(made)(**{**made.__dict__, "earned": made.earned + 1e-6})
    assert attribute(wrong).residual == pytest.approx(1e-6, rel=1e-6)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.permutations(range(4)))
def test_the_order_of_the_views_does_not_matter_and_their_shares_sum(seed, order):
    made = world(seed, views=4)
    names = list(made.beliefs)
    other = type(made)(**{**made.__dict__, "beliefs": {names[k]: made.beliefs[names[k]] for k in order}})
    first, second = attribute(made).by("effect"), attribute(other).by("effect")
    pd.testing.assert_frame_equal(first, second.reindex(first.index), atol=1e-15, rtol=0)
    lean = (made.stage("tactical") - made.stage("strategic")).to_numpy() * made.returns
    assert first.loc[names, "sum"].sum() == pytest.approx(lean.sum(), abs=1e-14)


@pytest.mark.parametrize("by", ["effect", "group", "asset", "class", "regime", "period", "view", "signal", "author"])
def test_every_split_sums_to_the_excess_return(by):
    made = world(5)
    origins = {"view 0": Origin("view", "ES"), "view 1": Origin("rule", "desk")}
    shares = {"view 0": {"trend": np.full(len(made.periods), 0.75), "value": np.full(len(made.periods), 0.25)}}
    parts, origins = split_by_signal(made.beliefs, origins, shares)
    given = {"beliefs": parts, "origins": origins, "classes": {"a0": "equity", "a1": "equity"}}
    found = attribute(type(made)(**{**made.__dict__, **given}))
    table = found.by(by)
    assert table["linked"].sum() == pytest.approx(found.excess, abs=1e-14)
    assert table["sum"].sum() == pytest.approx((found.portfolio - found.benchmark).sum(), abs=1e-14)
    own = found.by("effect").loc["view 0", "linked"]
    if by == "signal":
        assert table.loc["trend", "linked"] == pytest.approx(0.75 * own, abs=1e-16)
    if by == "author":
        assert table.loc["ES", "linked"] == pytest.approx(own, abs=1e-16)
    if by == "class":
        assert "equity" in table.index
        assert "a0" not in table.index


def test_who_did_everything_gets_everything():
    """One view moves everything, at once and for nothing: every other effect is zero in every asset and period."""
    rng = np.random.default_rng(3)
    index, columns = pd.date_range("2020-01-31", periods=24, freq="ME"), ["EQ", "BD", "CASH"]
    frame = lambda x: pd.DataFrame(x, index, columns)  # noqa: E731
    b = np.tile([0.6, 0.3, 0.1], (24, 1))
    move = 0.1 * rng.choice([-1, 1], 24)[:, None] * [1.0, -1.0, 0.0]
    found = attribute(
        chain("one", {"strategic": frame(b), "tactical": frame(b + move), "held": frame(b + move)},
              frame(rng.normal(0, 0.03, (24, 3))), beliefs={"view up": frame(move), "view silent": frame(0 * move)})
    )  # fmt: skip
    table = found.by("effect")
    assert table.loc["view up", "linked"] == pytest.approx(found.excess, abs=1e-15)
    rest = found.effects[:, [k for k, name in enumerate(found.names) if name != "view up"]]
    assert np.abs(rest).max() < 1e-17


def test_a_composite_is_its_accounts_by_money():
    a, b = world(11, periods=6), world(12, periods=6)
    n = min(len(a.assets), len(b.assets))
    if len(a.assets) != len(b.assets):
        with pytest.raises(InputError, match="other assets"):
            attribute([a, b])
    twins = [type(a)(**{**a.__dict__, "name": k, "nav": a.nav * x}) for k, x in (("one", 1.0), ("two", 3.0))]
    pd.testing.assert_frame_equal(attribute(twins).by("effect"), attribute(a).by("effect"), atol=1e-15, rtol=0)
    assert n >= 2


def test_the_reference_is_judged_apart():
    made = next(m for m in map(world, range(50)) if m.reference is not None)
    found = attribute(made)
    choice = (made.weights[:, 0] - made.reference) * made.returns
    assert found.by("group").loc["strategic choice", "sum"] == pytest.approx(choice.sum(), abs=1e-15)


def test_the_waterfall_leads_from_the_benchmark_to_the_account():
    found = attribute(world(4))
    table = found.waterfall()
    np.testing.assert_allclose(
        table["end"].iloc[1:-1], table["start"].iloc[1:-1] + table["size"].iloc[1:-1], atol=1e-16
    )
    assert table["end"].iloc[-2] == pytest.approx(table["end"].iloc[-1], abs=1e-15)
    assert table["end"].iloc[-1] == pytest.approx(np.prod(1 + found.portfolio) - 1, abs=1e-14)


def test_a_regime_is_linked_by_itself():
    made = next(m for m in map(world, range(50)) if len(set(m.regimes)) == 2)
    found = restrict(attribute(made), "calm")
    assert found.linked.sum() == pytest.approx(found.excess, abs=1e-14)


def test_what_makes_no_sense_is_refused():
    made = world(2)
    for changed, match in (
        ({"weights": 2.0 * made.weights}, "sum to"),
        ({"returns": made.returns[:-1]}, "shape"),
        ({"returns": made.returns + np.nan}, "missing"),
    ):
        with pytest.raises(InputError, match=match):
            type(made)(**{**made.__dict__, **changed})
    with pytest.raises(InputError, match="no period"):
        attribute(made, start=pd.Timestamp("2099-01-01"))
    with pytest.raises(InputError, match="not split by"):
        attribute(made).by("colour")
