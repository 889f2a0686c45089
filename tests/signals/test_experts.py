"""Experts pooled into one view."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.models import Universe, View
from trimtab.signals.experts import pool_views

U = Universe(("SPY", "EFA", "IEF"), ("equity", "equity", "bonds"))
ON = dt.date(2026, 3, 2)
A = View("SPY - IEF", 0.03, 0.6, author="A", because="earnings", id="a", since="2026-01-01", until="2026-12-01")
B = View("IEF - SPY", 0.01, 0.3, author="B", id="b", since="2026-02-01", until="2026-06-01")


@given(st.floats(-0.2, 0.2), st.floats(0.05, 1.0), st.sampled_from(["linear", "logarithmic"]), st.integers(1, 4))
def test_an_expert_repeated_is_that_expert(gain, confidence, how, times):
    view = View("SPY - IEF", gain, confidence)
    pooled = pool_views([replace(view, id=f"v{k}") for k in range(times)], U, 0.03, on=ON, how=how)
    assert pooled.gain == pytest.approx(gain, abs=1e-12)
    assert pooled.confidence == pytest.approx(confidence, rel=1e-9)


def test_disagreement_costs_confidence_in_the_linear_pool():
    near, far = (
        pool_views([A, replace(B, gain=gain, confidence=0.6)], U, 0.03, on=ON, how="linear") for gain in (-0.03, 0.2)
    )
    assert near.gain == pytest.approx(0.03)
    assert near.confidence == pytest.approx(0.6)
    assert far.confidence < 0.55


def test_the_surer_expert_weighs_more_in_the_logarithmic_pool():
    pooled = pool_views([A, B], U, 0.03, on=ON, name="house")
    precision = [0.6 / 0.4, 0.3 / 0.7]
    assert pooled.gain == pytest.approx((0.03 * precision[0] - 0.01 * precision[1]) / sum(precision))
    assert pooled.confidence == pytest.approx(sum(precision) / 2 / (1 + sum(precision) / 2))
    assert (pooled.id, pooled.author, pooled.about) == ("house", "A, B", "SPY - IEF")
    assert (pooled.since, pooled.until) == (dt.date(2026, 2, 1), dt.date(2026, 6, 1))
    assert "A 3.00% at 0.60" in pooled.because
    assert pool_views([A, B], U, 0.03, on=ON, weights={"a": 1.0}).gain == pytest.approx(0.03)
    assert pool_views([A, replace(B, confidence=1.0)], U, 0.03, on=ON).gain == pytest.approx(-0.01)


def test_multiples_and_time():
    double = View("2*SPY - 2*IEF", 0.06, 0.6, id="double")
    assert pool_views([A, double], U, 0.03, on=ON).gain == pytest.approx(0.03)
    assert pool_views([A, B], U, 0.03, on=dt.date(2026, 7, 1)).gain == pytest.approx(0.03)
    assert pool_views([A, B], U, 0.03, on=dt.date(2027, 1, 1)) is None


@pytest.mark.parametrize(
    ("other", "field"), [(replace(B, about="EFA - IEF"), "about"), (replace(B, basis="total"), "basis")]
)
def test_only_one_subject_in_one_basis(other, field):
    with pytest.raises(SignalError) as error:
        pool_views([A, other], U, 0.03, on=ON)
    assert error.value.field == field
    with pytest.raises(SignalError, match="no risk"):
        pool_views([A], U, 0.0, on=ON)
