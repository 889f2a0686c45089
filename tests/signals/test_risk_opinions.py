"""Signals on risk: the nearest normal market, and what it does to weights."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.models import Market, Model
from trimtab.signals.beliefs import Belief, pool_beliefs
from trimtab.signals.definitions import Signal
from trimtab.signals.panels import Panel
from trimtab.signals.risk_opinions import RiskOpinion, form_beliefs, normal_covariance, read_risks
from trimtab.signals.subjects import legs_row

LABELS = ["SPY", "EFA", "IEF"]
HALF = np.array([[0.16, 0, 0], [0.14, 0.09, 0], [-0.02, 0.0, 0.05]])
MARKET = Market.from_frames(
    pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, LABELS), pd.DataFrame(HALF @ HALF.T, LABELS, LABELS)
)
B = Model("balanced", {"SPY": 0.45, "EFA": 0.15, "IEF": 0.4}, 5.0).vector(MARKET.universe)
SIGMA = MARKET.risk.covariance
DAYS = pd.date_range("2016-01-29", periods=3, freq="ME")
VIX = Signal("VIX", "published", ("vix",), stale_days=40)
PANEL = Panel.from_series({"vix": pd.Series([18.0, 31.0, 24.0], DAYS)}, 1)


def divergence(after: np.ndarray, before: np.ndarray) -> float:
    """Relative entropy of one normal distribution to another, risky assets only."""
    ratio = np.linalg.solve(before[:3, :3], after[:3, :3])
    return 0.5 * (np.trace(ratio) - 3 - np.linalg.slogdet(ratio)[1])


@given(st.floats(0.05, 0.6), st.floats(0.02, 0.2), st.floats(-0.7, 0.9))
def test_beliefs_hold_and_no_nearer_market_has_them(equity, bonds, alike):
    beliefs = [Belief("equity", equity), Belief("IEF", bonds), Belief("equity", alike, "correlation", beside="IEF")]
    after = normal_covariance(beliefs, MARKET, B)
    legs = np.array([legs_row(name, MARKET.universe, B) for name in ("equity", "IEF")])
    target = np.array([[equity**2, alike * equity * bonds], [alike * equity * bonds, bonds**2]])
    assert legs @ after @ legs.T == pytest.approx(target, rel=1e-9)
    assert np.linalg.eigvalsh(after[:3, :3])[0] > 0
    # Any other covariance with the same legs is farther: move in the space that the legs do not see.
    unseen = np.linalg.svd(legs[:, :3])[2][2:]
    for seed in range(5):
        side = np.random.default_rng(seed).normal(size=(3, 1))
        bend = 1e-3 * (unseen.T @ side.T + side @ unseen)
        moved = after.copy()
        moved[:3, :3] += bend
        if np.linalg.eigvalsh(moved[:3, :3])[0] > 0:
            assert divergence(moved, SIGMA) >= divergence(after, SIGMA) - 1e-12


def test_many_normal_scenarios_say_the_same():
    random = np.random.default_rng(2)
    half = random.normal(size=(20_000, 3))
    # Exactly the market's covariance, both halves mirrored, so that only the higher moments are a sample's.
    half = np.vstack([half, -half])
    half = half @ np.linalg.inv(np.linalg.cholesky(np.cov(half.T, bias=True))).T
    scenarios = pd.DataFrame(half @ HALF.T, columns=LABELS)
    beliefs = [Belief("equity", 0.2)]
    pooled = pool_beliefs(beliefs, scenarios, MARKET, B, periods_per_year=1.0).covariance
    assert pooled == pytest.approx(normal_covariance(beliefs, MARKET, B), abs=6e-4)


def test_without_news_nothing_changes():
    assert normal_covariance([], MARKET, B) is SIGMA
    own = float(np.sqrt(SIGMA[0, 0]))
    assert normal_covariance([Belief("SPY", own)], MARKET, B) == pytest.approx(SIGMA)
    assert normal_covariance([Belief("SPY", 0.5 * own, sense="least")], MARKET, B) == pytest.approx(SIGMA)
    assert normal_covariance([Belief("SPY", 2 * own, sense="most")], MARKET, B) == pytest.approx(SIGMA)
    assert np.sqrt(normal_covariance([Belief("SPY", 1.5, times=True)], MARKET, B)[0, 0]) == pytest.approx(1.5 * own)
    assert np.all(read_risks([], MARKET, B).risk == 1.0)


def test_implied_volatility_reaches_the_risk_channel():
    opinion = RiskOpinion("equity", "VIX", unit="1%", sense="least")
    on = dt.date(2016, 3, 5)
    (belief,), notes = form_beliefs([opinion], [VIX], PANEL, on)
    assert not notes
    assert belief.value == pytest.approx(0.31)
    assert "VIX 0.31 of 2016-02-29" in belief.because
    tilt = read_risks([belief], MARKET, B)
    legs = legs_row("equity", MARKET.universe, B)
    ratio = 0.31 / np.sqrt(legs @ SIGMA @ legs)
    assert tilt.risk[0] == pytest.approx(ratio, rel=0.02)
    assert tilt.risk[3] == 1.0
    assert (tilt.causes[0].channel, tilt.causes[0].author, tilt.causes[0].by) == ("risk", "signals", "risk")
    assert tilt.causes[0].values == tuple(tilt.risk)
    # Nothing of the month after was known.
    assert form_beliefs([opinion], [VIX], PANEL.as_of(on), on) == ((belief,), ())


def test_silence_and_nonsense_are_told():
    opinion = RiskOpinion("equity", "VIX", unit=0.01)
    beliefs, notes = form_beliefs([opinion], [VIX], PANEL, dt.date(2017, 1, 1))
    assert not beliefs
    assert "stale" in notes[0]
    beliefs, notes = form_beliefs([RiskOpinion("SPY", "VIX", "correlation", "IEF")], [VIX], PANEL, dt.date(2016, 3, 5))
    assert "31 is no correlation" in notes[0]
    with pytest.raises(SignalError, match="no signal"):
        form_beliefs([RiskOpinion("equity", "VXI")], [VIX], PANEL, dt.date(2016, 3, 5))
    for wrong in ({"kind": "mean"}, {"kind": "correlation"}, {"sense": "about"}, {"unit": "half"}):
        with pytest.raises(SignalError):
            RiskOpinion(**({"about": "equity", "signal": "VIX"} | wrong))


def test_correlations_that_cannot_be_are_refused():
    beliefs = [
        Belief("SPY", 0.95, "correlation", beside="EFA"),
        Belief("EFA", 0.95, "correlation", beside="IEF"),
        Belief("SPY", -0.5, "correlation", beside="IEF"),
    ]
    with pytest.raises(SignalError) as error:
        normal_covariance(beliefs, MARKET, B)
    assert error.value.code == "INFEASIBLE"
    with pytest.raises(SignalError) as error:
        normal_covariance([Belief("bonds", 0.1), Belief("IEF", 0.2)], MARKET, B)
    assert error.value.code == "NO_RISK"
