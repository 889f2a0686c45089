"""Every point of a sweep is the answer to its own question; turning a number does what the number says."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.constraints import Band, Deviation, Policy, TrackingError, Turnover, Volatility
from trimtab.errors import InputError
from trimtab.models import Account, Market, View, tilt
from trimtab.optimizer import solve, state
from trimtab.scenarios.knobs import Knob, Setting, name_knobs, spread, turn
from trimtab.scenarios.sweeps import sweep

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "EEM", "IEF", "TLT", "GLD"]


def setting(*limits, kappa: float = 0.0005, seed: int = 0):
    rng = np.random.default_rng(seed)
    factor = rng.normal(0, 0.08, (6, 6))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(6, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame({"asset_class": ["equity"] * 3 + ["bonds"] * 2 + ["gold"]}, index=NAMES)
    market = Market.from_frames(assets, sigma, costs=kappa)
    weights = dict(zip(NAMES, [0.3, 0.15, 0.1, 0.2, 0.15, 0.1], strict=True))
    policy = Policy(limits or (Deviation("6%"), TrackingError("2%"), Turnover("10%")), {"m": weights})
    drifted = dict(zip(NAMES, [0.34, 0.14, 0.11, 0.17, 0.15, 0.09], strict=True))
    account = Account.from_weights("001", "m", drifted, 1e6, market)
    views = (View("equity - bonds", "2%", 0.5, id="risk on"), View("GLD - IEF", "-1%", 0.4, id="gold"))
    return account, policy, market, views


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.sampled_from(["tracking_error", "turnover", "deviation", "gain", "view.gold.gain", "risk_aversion", "costs"]),
    st.integers(0, 100),
)
def test_each_point_is_the_answer_to_its_own_question(name, seed):
    account, policy, market, views = setting(seed=seed)
    values = {"gain": (0.0, 3.0), "view.gold.gain": (-0.03, 0.03), "risk_aversion": (1.0, 20.0), "costs": (0.0, 4.0)}
    low, high = values.get(name, (0.005, 0.08))
    found = sweep(account, policy, market, views, ON, {name: np.linspace(low, high, 24)})
    for value in found.points.index[[0, 7, 23]]:
        own = turn(Setting(policy, market.dated(ON), views), name, value)
        problem = state(own.policy, own.market)
        alone = solve(problem, account, tilt(own.views, own.market, own.policy.model(account), ON))
        assert found.points.loc[value, "outcome"] == alone.outcome.name
        apart = market.risk.volatility(found.weights.loc[value].to_numpy() - alone.ideal)
        assert apart <= 2e-5  # both are within 0.1 bp of the one optimum
    assert (found.points["certified_te"] <= 1e-5).all()


@pytest.mark.parametrize("name", ["tracking_error", "turnover", "deviation"])
def test_a_looser_limit_is_never_worse(name):
    account, policy, market, views = setting()
    found = sweep(account, policy, market, views, ON, {name: np.linspace(0.004, 0.1, 40)}).points
    assert (found["utility"].diff().dropna() >= -1e-12).all()
    assert found["binding"].iloc[0].split("; ").count(name) == 1


def test_two_knobs_make_a_grid_in_the_order_of_their_values():
    account, policy, market, views = setting()
    found = sweep(account, policy, market, views, ON, {"turnover": ["2%", "8%"], "gain": [0, 1, 2]})
    assert found.points.index.tolist() == [(t, g) for t in (0.02, 0.08) for g in (0.0, 1.0, 2.0)]
    assert found.points.loc[(0.02, 2.0), "turnover"] == pytest.approx(0.02)
    assert list(found.to_frame().columns[-7:]) == [*NAMES, "CASH"]


def test_a_point_that_cannot_be_says_why():
    account, policy, market, views = setting(Turnover("10%"), Volatility("20%"))
    found = sweep(account, policy, market, views, ON, {"volatility": [1.0, 10.0]}).points
    assert found.loc[1.0, "outcome"] == "OPTIMAL"
    assert found.loc[10.0, "outcome"] == "UNSOLVED"
    assert "volatility" in found.loc[10.0, "reason"]


def test_cost_and_turnover_are_those_of_the_trades():
    account, policy, market, views = setting()
    found = sweep(account, policy, market, views, ON, {"gain": [1.0]})
    current = np.array([0.34, 0.14, 0.11, 0.17, 0.15, 0.09])
    z = found.weights.iloc[0].to_numpy()[:-1] - current
    assert found.points["cost"].iloc[0] == pytest.approx(0.0005 * np.abs(z).sum())
    assert found.points["turnover"].iloc[0] == pytest.approx(max(z[z > 0].sum(), -z[z < 0].sum()))


def test_a_band_that_binds_moves_with_its_width():
    account, policy, market, views = setting(Band(absolute="2%", use="constraint"), Deviation("6%"))
    found = sweep(account, policy, market, views, ON, {"band": ["1%", "5%"]}).points
    assert found["utility"].is_monotonic_increasing


def test_every_named_knob_turns():
    _, policy, market, views = setting(Deviation("6%"), Band(absolute="2%"), TrackingError("2%"))
    start = Setting(policy, market, views)
    for name in name_knobs(start):
        assert turn(start, name, 0.03) != start, name
    assert turn(start, "limit.deviation.up", 0.01).policy.limits[0].up == 0.01


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("trackingerror", 0.02, "did you mean 'tracking_error'"),
        ("view.golf.gain", 0.02, "did you mean 'gold'"),
        ("limit.turnover.mst", 0.02, "has no number 'mst'"),
        ("turnover", -0.02, "between 0"),
        ("costs", -1.0, "at least 0"),
    ],
)
def test_what_cannot_be_turned_is_said(name, value, words):
    account, policy, market, views = setting()
    with pytest.raises(InputError, match=words):
        sweep(account, policy, market, views, ON, {name: [value]})


def test_knobs_are_read_from_text():
    assert spread("limit.deviation.up=1%,2%") == Knob("limit.deviation.up", (0.01, 0.02))
    assert spread("turnover=0:10%:3").values == (0.0, 0.05, 0.1)
    for text in ("turnover", "turnover=", "=1%", "turnover=1%:2%", "turnover=1%:2%:1", "turnover=a,b"):
        with pytest.raises(InputError):
            spread(text)
