"""Gains over a period: read as annual, and only what is one gain over one period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import ViewError
from trimtab.models import View
from trimtab.units import annual


@pytest.mark.parametrize(
    ("text", "gain"),
    [
        ("3% over 90d", 0.03 * 365.25 / 90),
        ("3% over 90 days", 0.03 * 365.25 / 90),
        ("-1.5% over 2 months", -0.09),
        ("20bp over 1m", 0.024),
        ("0.01 over 2w", 0.01 * 365.25 / 14),
        ("5% over 2y", 0.025),
        ("2%", 0.02),
        (0.02, 0.02),
    ],
)
def test_gains_are_made_annual(text, gain):
    assert annual(text) == pytest.approx(gain, rel=1e-12)
    assert View("SPY", text, 0.5).gain == annual(text)


@given(st.integers(1, 3660))
def test_twice_the_time_is_half_the_rate(days):
    assert annual(f"1% over {2 * days}d") == pytest.approx(annual(f"1% over {days}d") / 2)


@pytest.mark.parametrize(
    "text",
    ["3% over", "3% over 90", "over 90d", "3% over 90d over 1y", "3% over 0d", "3% over -90d", "3% over 90%", "x"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ViewError) as error:
        View("SPY", text, 0.5)
    assert error.value.field == "gain"
    with pytest.raises(ViewError):
        View("SPY", 0.02, "50% over 90d")  # a confidence has no period
