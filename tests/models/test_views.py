"""One view: what may be said, since when, until when, and how it fades."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from trimtab.errors import ViewError
from trimtab.models import View


def test_percents_and_dates_are_read():
    view = View(
        "SPY - IEF", "2%", "60%", since="2026-01-01", until=pd.Timestamp("2026-07-01 12:00Z"), stop="-5%", hurdle="20bp"
    )
    assert (view.gain, view.confidence, view.stop, view.hurdle) == (0.02, 0.6, -0.05, 0.002)
    assert (view.since, view.until) == (dt.date(2026, 1, 1), dt.date(2026, 7, 1))
    assert view.id == "SPY - IEF"
    assert View("SPY", 0.01, 1, id="v").id == "v"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"confidence": 0}, "confidence"),
        ({"confidence": 1.0001}, "confidence"),
        ({"confidence": -0.5}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"confidence": "high"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"gain": float("inf")}, "gain"),
        ({"gain": 2.0}, "gain"),
        ({"gain": "two"}, "gain"),
        ({"since": "2026-02-01", "until": "2026-02-01"}, "until"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until"),
        ({"since": "02/01/2026"}, "since"),
        ({"until": 45000}, "until"),
        ({"basis": "relative"}, "basis"),
        ({"half_life_days": 0}, "half_life_days"),
        ({"half_life_days": -3}, "half_life_days"),
        ({"stop": "deep"}, "stop"),
    ],
)
def test_what_cannot_be_meant(fields, field):
    with pytest.raises(ViewError) as error:
        View(**({"about": "SPY", "gain": 0.02, "confidence": 0.5} | fields))
    assert error.value.field == field
    assert "SPY" in str(error.value)


@pytest.mark.parametrize(
    ("on", "live"), [("2025-12-31", False), ("2026-01-01", True), ("2026-06-30", True), ("2026-07-01", False)]
)
def test_a_view_speaks_from_since_to_the_day_before_until(on, live):
    day = dt.date.fromisoformat(on)
    assert View("SPY", 0.01, 0.5, since="2026-01-01", until="2026-07-01").live(day) is live
    assert View("SPY", 0.01, 0.5, since="2026-01-01").live(day) is (on >= "2026-01-01")
    assert View("SPY", 0.01, 0.5, until="2026-07-01").live(day) is (on < "2026-07-01")
    assert View("SPY", 0.01, 0.5).live(day)


def test_confidence_halves():
    view = View("SPY", 0.01, 0.8, since="2026-01-01", half_life_days=30)
    assert view.confidence_on(dt.date(2026, 1, 1)) == 0.8
    assert view.confidence_on(dt.date(2026, 1, 31)) == pytest.approx(0.4)
    assert view.confidence_on(dt.date(2026, 3, 2)) == pytest.approx(0.2)
    assert View("SPY", 0.01, 0.8, since="2026-01-01").confidence_on(dt.date(2030, 1, 1)) == 0.8


@pytest.mark.parametrize("gain", [None, [0.02]])
def test_what_is_no_number_at_all_is_told_in_our_words(gain):
    with pytest.raises(ViewError):
        View("SPY", gain, 0.5)
