"""Views to tilts, the algebra of tilts, and the table of tilts."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import ViewError
from trimtab.models import NO_TILT, Model, Tilt, View, read_tilts, tilt

ON = dt.date(2026, 11, 20)
ABOUT = ("SPY - IEF", "equity - bonds", "SPY", "EFA - cash", "2*SPY - EFA - IEF", "US - EFA", "- IEF", "EFA - 0.3*SPY")
views = st.lists(
    st.builds(
        View,
        about=st.sampled_from(ABOUT),
        gain=st.floats(-0.2, 0.2),
        confidence=st.floats(0.01, 0.99),
        basis=st.sampled_from(["active", "excess", "total"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda v: v.id,
)


def _p(market, model, about):
    b = model.vector(market.universe)
    return sum(size * market.universe.mix(name, b) for size, name in market.universe.legs(about))


@settings(max_examples=100)
@given(stated=views)
def test_black_and_litterman_by_the_textbook(small, balanced, stated):
    """The posterior mean less the prior, with omega = tau (1-c)/c diag(p Sigma p'), for any tau; and its split."""
    sigma, b, gamma = small.risk.covariance, balanced.vector(small.universe), balanced.risk_aversion
    p = np.array([_p(small, balanced, v.about) for v in stated])
    c = np.array([v.confidence for v in stated])
    prior = gamma * sigma @ b
    # A view of basis active is over the prior, one of basis total over cash as well.
    q = [
        v.gain
        + (row @ prior if v.basis == "active" else 0.0)
        - (small.cash_rate * row.sum() if v.basis == "total" else 0.0)
        for v, row in zip(stated, p, strict=True)
    ]
    answers = []
    for tau in (0.025, 1.0):
        omega = np.diag(tau * (1 - c) / c * np.diag(p @ sigma @ p.T))
        answers.append(tau * sigma @ p.T @ np.linalg.inv(p @ (tau * sigma) @ p.T + omega) @ (q - p @ prior))
    said = tilt(stated, small, balanced, ON)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-9)
    np.testing.assert_allclose(said.alpha(gamma), answers[1], atol=1e-9)
    np.testing.assert_allclose(said.rows(gamma).sum(axis=0), said.alpha(gamma), atol=1e-15)
    assert said.views == tuple(v.id for v in stated)
    for row, size, leg in zip(said.rows(gamma), said.lambdas, p, strict=True):
        np.testing.assert_allclose(row, size * sigma @ leg, atol=1e-12)


@pytest.mark.parametrize("about", ABOUT)
@pytest.mark.parametrize("basis", ["active", "excess", "total"])
def test_one_certain_view_is_met_exactly(small, balanced, about, basis):
    p, gamma = _p(small, balanced, about), balanced.risk_aversion
    alpha = tilt([View(about, 0.03, 1, basis=basis)], small, balanced, ON).alpha(gamma)
    implied = gamma * p @ small.risk.times(balanced.vector(small.universe))
    expected = {"active": 0.03, "excess": 0.03 - implied, "total": 0.03 - implied - 0.03 * p.sum()}[basis]
    assert p @ alpha == pytest.approx(expected, abs=1e-14)


def test_the_slope_in_aversion_serves_every_account(small, balanced):
    stated = [View("SPY - IEF", 0.03, 0.6, basis="excess"), View("EFA - SPY", 0.01, 0.4)]
    one = tilt(stated, small, balanced, ON)
    for gamma in (1.0, 5.0, 12.0):
        other = tilt(stated, small, Model("balanced", dict(balanced.weights), gamma), ON)
        np.testing.assert_allclose(one.alpha(gamma), other.alpha(gamma), atol=1e-15)


def test_little_confidence_says_little(small, balanced):
    sizes = [
        np.abs(tilt([View("SPY - IEF", 0.03, c)], small, balanced, ON).alpha(5.0)).max() for c in (1.0, 0.1, 1e-3, 1e-9)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-10
    assert sizes[1] == pytest.approx(0.1 * sizes[0])  # one view: the gain times the confidence


def test_views_outside_their_days_say_nothing(small, balanced):
    stated = [View("SPY", 0.1, 0.5, until="2026-11-20"), View("EFA", 0.1, 0.5, since="2026-11-21")]
    said = tilt(stated, small, balanced, ON)
    assert said.views == ()
    np.testing.assert_array_equal(np.broadcast_to(said.alpha(5.0), 5), 0.0)
    assert tilt([View("SPY", 0.1, 0.5, since="2026-11-20", until="2026-11-21")], small, balanced, ON).views == ("SPY",)


def test_a_leg_the_model_does_not_hold_drops_its_view_by_name(small, balanced):
    stated = [View("BRK-B - SPY", 0.05, 0.5, id="berkshire"), View("SPY - IEF", 0.02, 0.5)]
    said = tilt(stated, small, balanced, ON)
    assert said.views == ("SPY - IEF",)
    assert said.dropped == (("berkshire", "BRK-B has no strategic weight in model balanced"),)
    np.testing.assert_array_equal(said.alpha(5.0), tilt(stated[1:], small, balanced, ON).alpha(5.0))


def test_certain_views_that_depend_on_each_other_are_refused(small, balanced):
    a, b, c = View("SPY - IEF", 0.03, 1), View("IEF - EFA", 0.01, 1), View("SPY - EFA", 0.09, 1)
    with pytest.raises(ViewError) as error:
        tilt([a, b, c], small, balanced, ON)
    assert error.value.code == "CONTRADICTION"
    assert all(v.id in error.value.value for v in (a, b, c))
    tilt([a, b], small, balanced, ON)
    nearly = tilt([a, b, View("SPY - EFA", 0.09, 0.9)], small, balanced, ON)
    assert np.isfinite(nearly.alpha(5.0)).all()


def test_a_contradiction_names_only_those_who_contradict(small, balanced):
    stated = [View("SPY - IEF", 0.03, 1), View("IEF - SPY", 0.03, 1), View("EFA - cash", 0.03, 1)]
    with pytest.raises(ViewError) as error:
        tilt(stated, small, balanced, ON)
    assert "EFA" not in error.value.value


@pytest.mark.parametrize("about", ["SPY - SPY", "cash", "US - US"])
def test_legs_without_risk_are_refused(small, balanced, about):
    with pytest.raises(ViewError) as error:
        tilt([View(about, 0.01, 0.5)], small, balanced, ON)
    assert error.value.code == "NO_RISK"


def test_an_unknown_leg_names_view_and_suggestion(small, balanced):
    with pytest.raises(ViewError, match=r"view 'v1': 'equty'.*did you mean 'equity'"):
        tilt([View("equty - bonds", 0.01, 0.5, id="v1")], small, balanced, ON)


def test_two_live_views_of_one_name_are_refused(small, balanced):
    twice = [View("SPY", 0.01, 0.5, id="v"), View("EFA", 0.01, 0.5, id="v")]
    with pytest.raises(ViewError, match="two live views"):
        tilt(twice, small, balanced, ON)


def test_a_view_less_bullish_than_the_others_imply_has_a_negative_price(small, balanced):
    said = tilt([View("SPY - IEF", 0.10, 0.9), View("equity - bonds", 0.01, 0.9)], small, balanced, ON)
    assert said.lambdas[0] > 0 > said.lambdas[1]


def test_a_fading_view_fades(small, balanced):
    view = View("SPY - IEF", 0.04, 0.8, since="2026-10-21", half_life_days=30)
    faded = tilt([view], small, balanced, ON).alpha(5.0)
    np.testing.assert_allclose(faded, tilt([View("SPY - IEF", 0.04, 0.4)], small, balanced, ON).alpha(5.0), atol=1e-15)


@pytest.mark.filterwarnings("error")
def test_a_view_faded_to_nothing_says_nothing(small, balanced):
    old = View("SPY - IEF", 0.04, 0.8, since="2022-01-01", half_life_days=1)
    np.testing.assert_array_equal(tilt([old], small, balanced, ON).alpha(5.0), 0.0)


# ------------------------------------------------------------------------------------------------ the algebra


def _same(one, two):
    for f in fields(Tilt):
        a, b = getattr(one, f.name), getattr(two, f.name)
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, np.broadcast_to(b, a.shape) if a.size and b.size else b)
        else:
            assert a == b, f.name


@given(stated=views, shift=st.floats(-0.05, 0.05), m=st.floats(0.1, 5), q=st.floats(0.1, 5))
def test_nothing_added_is_nothing_changed(small, balanced, stated, shift, m, q):
    one = tilt(stated, small, balanced, ON) + Tilt(target=[shift, 0, -shift, 0, 0], risk=[m, 1, 1, 1, 1], aversion=q)
    _same(one + NO_TILT, one)
    _same(NO_TILT + one, one)


def test_gains_and_targets_add_and_the_rest_multiply(small, balanced):
    a = tilt([View("SPY - IEF", 0.04, 0.5)], small, balanced, ON) + Tilt(
        target=[0.1, -0.1, 0, 0, 0], risk=2.0, frequency=2.0
    )
    b = tilt([View("EFA", 0.01, 0.5, basis="excess")], small, balanced, ON) + Tilt(
        target=[0.1, 0, -0.1, 0, 0], risk=[1, 3, 1, 1, 1]
    )
    both = a + b + Tilt(aversion=2.0, buy_pace=0.5, band_low=2.0) + Tilt(aversion=3.0, sell_pace=0.0)
    np.testing.assert_allclose(both.alpha(5.0), a.alpha(5.0) + b.alpha(5.0), atol=1e-18)
    np.testing.assert_allclose(both.target, [0.2, -0.1, -0.1, 0, 0])
    np.testing.assert_allclose(both.risk, [2, 6, 2, 2, 2])
    assert (both.aversion, both.frequency) == (6.0, 2.0)
    assert both.views == ("SPY - IEF", "EFA")
    assert [c.id for c in both.causes] == ["SPY - IEF", "EFA"]


@pytest.mark.parametrize(
    "bad",
    [
        {"target": [0.1, 0, 0, 0, 0]},
        {"risk": 0.0},
        {"risk": -1.0},
        {"risk": np.nan},
        {"risk": 1e4},
        {"aversion": 0.0},
        {"aversion": np.inf},
        {"buy_pace": -0.1},
        {"frequency": 0.0},
        {"band_low": [1, np.nan, 1, 1, 1]},
    ],
)
def test_multipliers_that_cannot_be(bad):
    with pytest.raises(ViewError) as error:
        Tilt(**bad)
    assert error.value.code == "BAD_TILT"


@pytest.mark.parametrize(
    "bad", [{"target": [np.nan] * 5}, {"gain": [[np.nan] * 5], "gain_per_aversion": np.zeros((1, 5)), "views": ("v",)}]
)
def test_no_numbers_are_no_tilt(bad):
    with pytest.raises(ViewError):
        Tilt(**bad)


def test_a_gain_given_alone_is_not_lost():
    np.testing.assert_allclose(Tilt(gain=[[0.01, 0.02, 0.0]], views=("v",)).alpha(5.0), [0.01, 0.02, 0.0])


def test_a_row_without_a_name_is_refused():
    with pytest.raises(ViewError):
        Tilt(gain=[[0.01, 0.02]], gain_per_aversion=[[0.0, 0.0]])


def test_the_split_as_a_frame(small, balanced):
    frame = tilt([View("SPY - IEF", 0.04, 0.5), View("EFA", 0.01, 0.5)], small, balanced, ON).to_frame(
        small.universe, 5.0
    )
    assert list(frame.index) == ["SPY - IEF", "EFA", "target", "risk"]
    assert list(frame.columns) == list(small.universe.assets)


# ------------------------------------------------------------------------------------------------- the table


def _table(*rows):
    return pd.DataFrame([{"tilt_id": f"t{i}", **row} for i, row in enumerate(rows)])


def test_every_channel_of_the_table(small, balanced):
    said = read_tilts(
        _table(
            {"channel": "target", "about": "equity - bonds", "value": "5%"},
            {"channel": "risk", "about": "equity", "value": 1.5},
            {"channel": "risk", "about": "SPY", "value": 2},
            {"channel": "aversion", "about": "", "value": 1.2},
            {"channel": "band_low", "about": "IEF", "value": 0.5},
            {"channel": "band_high", "about": "US", "value": 2.0},
            {"channel": "buy_pace", "about": "SPY", "value": 0.0},
            {"channel": "sell_pace", "about": "EFA", "value": 0.25},
            {"channel": "frequency", "about": None, "value": 3},
        ),
        small, balanced, ON,
    )  # fmt: skip
    np.testing.assert_allclose(said.target, [0.0375, 0.0125, -0.05, 0, 0], atol=1e-15)
    np.testing.assert_allclose(said.risk, [3, 1.5, 1, 1.5, 1])
    assert (said.aversion, said.frequency) == (1.2, 3.0)
    assert said.band_low.tolist() == [1, 1, 0.5, 1, 1]
    assert said.band_high.tolist() == [2, 1, 2, 2, 1]
    assert said.buy_pace.tolist() == [0, 1, 1, 1, 1]
    assert said.sell_pace.tolist() == [1, 0.25, 1, 1, 1]
    assert [c.channel for c in said.causes][:3] == ["target", "risk", "risk"]


def test_rows_for_other_days_and_models_say_nothing(small, balanced):
    said = read_tilts(
        _table(
            {"channel": "aversion", "about": "", "value": 2.0, "until": "2026-11-20"},
            {"channel": "aversion", "about": "", "value": 3.0, "since": "2026-11-21"},
            {"channel": "aversion", "about": "", "value": 5.0, "model_id": "other"},
            {"channel": "aversion", "about": "", "value": 7.0, "since": "2026-11-20", "model_id": "balanced"},
        ),
        small, balanced, ON,
    )  # fmt: skip
    assert said.aversion == 7.0


@pytest.mark.parametrize(
    "row",
    [
        {"channel": "targets", "about": "equity - bonds", "value": 0.1},
        {"channel": "target", "about": "equity", "value": 0.1},
        {"channel": "target", "about": "equty - bonds", "value": 0.1},
        {"channel": "risk", "about": "equity", "value": "much"},
        {"channel": "risk", "about": "equity", "value": 0.0},
        {"channel": "aversion", "about": "", "value": None},
        {"channel": "aversion", "about": "", "value": 2.0, "since": "1/2/26"},
    ],
)
def test_rows_that_cannot_be_meant(small, balanced, row):
    with pytest.raises(ViewError):
        read_tilts(_table(row), small, balanced, ON)


def test_a_target_on_what_the_model_lacks_is_dropped_by_name(small, balanced):
    said = read_tilts(_table({"channel": "target", "about": "BRK-B - SPY", "value": 0.1}), small, balanced, ON)
    assert said.dropped == (("t0", "BRK-B has no strategic weight in this model"),)
    assert not said.target.any()
