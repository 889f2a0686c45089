"""Views that close on what their legs did, and views that are not worth their costs; nothing of tomorrow is seen."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import ViewError
from trimtab.models import Costs, Model, Trail, View, tilt

SINCE = dt.date(2026, 1, 5)
MODEL = Model("m", {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}, 6.0)


def on(days):
    return SINCE + dt.timedelta(days)


def rising(small, *moves, asset="SPY"):
    """A trail in which an asset makes these daily moves from the day after ``SINCE`` on."""
    frame = pd.DataFrame(0.0, index=[on(i + 1) for i in range(len(moves))], columns=["SPY", "EFA", "IEF"])
    frame[asset] = moves
    return Trail.from_returns(frame, small.universe)


def live(small, view, trail, day):
    said = tilt([view], small, MODEL, day, trail=trail)
    assert bool(said.views) != bool(said.dropped)
    return bool(said.views), said.dropped[0][1] if said.dropped else ""


@pytest.fixture
def view():
    return View("SPY - IEF", 0.02, 0.5, since=SINCE, stop=0.05, take="10%")


def test_a_view_is_stopped_and_stays_stopped(small, view):
    trail = rising(small, -0.03, -0.03, 0.20, 0.20)
    assert live(small, view, trail, on(1)) == (True, "")
    assert live(small, view, trail, on(2)) == (
        False, f"it was stopped on {on(2)}: its legs had lost 5.91%, its stop is 5.00%",
    )  # fmt: skip
    assert live(small, view, trail, on(4))[1] == live(small, view, trail, on(2))[1]  # what comes back comes too late


def test_a_view_takes_its_gain(small, view):
    trail = rising(small, 0.06, 0.05)
    assert live(small, view, trail, on(1))[0]
    assert live(small, view, trail, on(2))[1].startswith(f"it took its gain on {on(2)}: its legs had won 11.30%")


def test_a_view_that_legs_fall_wins_when_they_do(small, view):
    bearish = replace(view, gain=-0.02)
    assert live(small, bearish, rising(small, 0.06), on(1))[1].startswith("it was stopped")
    assert live(small, bearish, rising(small, -0.11), on(1))[1].startswith("it took its gain")


def test_the_sign_of_a_stop_is_not_read(small, view):
    trail = rising(small, -0.06)
    assert live(small, replace(view, stop=-0.05), trail, on(1)) == live(small, view, trail, on(1))


def test_legs_of_a_class_are_held_in_their_strategic_mix(small, view):
    broad = replace(view, about="equity - bonds", id="")
    assert live(small, broad, rising(small, -0.07), on(1))[0]  # two thirds of it: 4.7 %
    assert live(small, broad, rising(small, -0.08), on(1))[1].startswith("it was stopped")


@given(st.lists(st.floats(-0.04, 0.04), min_size=1, max_size=20), st.integers(1, 20), st.floats(-0.5, 0.5))
def test_nothing_of_a_later_day_is_seen(small, moves, day, later):
    view = View("SPY - IEF", 0.02, 0.5, since=SINCE, stop=0.05, take=0.1)
    known = rising(small, *moves[:day])
    longer = rising(small, *moves[:day], *([0.0] * max(day - len(moves), 0)), later, later)
    assert live(small, view, known, on(day)) == live(small, view, longer, on(day))


def test_what_legs_gain_is_what_was_bought_and_held_gained(small):
    """Legs that do not cancel too: half of SPY alone, up 10 % and then back to where it was."""
    prices = pd.DataFrame({"SPY": [100.0, 110.0, 100.0], "IEF": [50.0, 50.0, 55.0]}, index=[SINCE, on(1), on(2)])
    trail = Trail.from_prices(prices, small.universe)
    for legs, gains in (
        ({"SPY": 0.5}, [0.05, 0.0]),
        ({"SPY": 1.0, "IEF": -1.0}, [0.1, -0.1]),
        ({"IEF": 2.0}, [0, 0.2]),
    ):
        days, gained = trail.gained(small.universe.vector(legs), SINCE, on(9))
        np.testing.assert_array_equal(days, [on(1).toordinal(), on(2).toordinal()])
        np.testing.assert_allclose(gained, gains, atol=1e-15)


def test_a_price_counts_from_when_it_could_be_known(small, view):
    prices = pd.DataFrame({"SPY": [100.0, 90.0], "IEF": [50.0, 50.0]}, index=[SINCE, on(1)])
    late = Trail.from_prices(prices, small.universe, [SINCE, on(5)])
    assert live(small, view, late, on(4))[0]
    assert not live(small, view, late, on(5))[0]
    assert not live(small, view, Trail.from_prices(prices, small.universe), on(1))[0]


@pytest.mark.parametrize(
    "prices",
    [
        None,
        pd.DataFrame({"SPY": [100.0], "IEF": [50.0]}, index=[on(1)]),
        pd.DataFrame({"SPY": [100.0, 90.0]}, index=[SINCE, on(1)]),
        pd.DataFrame({"SPY": [100.0, np.nan], "IEF": [50.0, 50.0]}, index=[SINCE, on(1)]),
    ],
    ids=["no table", "begins later", "no leg", "a gap"],
)
def test_a_stop_without_a_history_is_refused(small, view, prices):
    trail = None if prices is None else Trail.from_prices(prices, small.universe)
    with pytest.raises(ViewError) as caught:
        tilt([view], small, MODEL, on(2), trail=trail)
    assert (caught.value.code, caught.value.field) == ("NO_HISTORY", "stop")


def test_a_view_that_is_over_needs_no_history(small, view):
    assert not tilt([replace(view, until=on(3))], small, MODEL, on(9)).views


@pytest.mark.parametrize(
    ("more", "field"),
    [({"stop": 0.0}, "stop"), ({"take": 0}, "take"), ({"since": None}, "since"), ({"hurdle": -1}, "hurdle")],
)
def test_what_cannot_be_meant_is_refused(view, more, field):
    with pytest.raises(ViewError) as caught:
        replace(view, **more)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("hurdle", "until", "speaks"),
    [
        (None, None, True),
        (4.9, None, True),  # 2 % over a year, against 2 * (10 bp + 10 bp) a round trip
        (5.0, None, False),
        (5.1, None, False),
        (2.6, on(200), False),  # half a year is left
        (2.4, on(200), True),
        (0, None, True),
    ],
)
def test_a_hurdle_is_a_number_of_round_trips(small, hurdle, until, speaks):
    view = View("SPY - IEF", 0.02, 0.5, since=SINCE, until=until, hurdle=hurdle)
    day = on(17) if until else on(0)  # 183 days to go
    said, why = live(small, view, None, day)
    assert said == speaks
    if not speaks:
        assert f"does not exceed {hurdle:g} round trips of 0.40%" in why


def test_a_hurdle_counts_what_is_beyond_the_strategic_weights(small):
    row = small.universe.vector({"SPY": 1.0})
    implied = 6.0 * float(row @ small.risk.times(MODEL.vector(small.universe)))
    view = View("SPY", implied + 0.001, 0.5, basis="excess", hurdle=1)
    assert not live(small, view, None, on(0))[0]  # 10 bp beyond, against 20
    assert live(small, replace(view, gain=implied + 0.005), None, on(0))[0]


def test_trading_for_nothing_any_gain_is_worth_it(small):
    free = replace(small, costs=Costs(np.zeros(1)))
    assert live(free, View("SPY - IEF", 1e-6, 0.5, hurdle=3), None, on(0))[0]
