"""Opinions: one view a subject, as large as its evidence, and nothing that was not known."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import SignalError, ViewError
from trimtab.models import Market, Model, Trail, View, tilt
from trimtab.signals.contradictions import find_contradictions, refuse_contradictions
from trimtab.signals.definitions import Signal
from trimtab.signals.opinions import Opinion, form_views
from trimtab.signals.panels import Panel
from trimtab.signals.subjects import direction, legs_row
from trimtab.signals.tracks import PENDING, fridays, outcomes

LABELS = ["SPY", "EFA", "IEF"]
DAYS = pd.date_range("2006-01-31", periods=132, freq="ME")
ON = dt.date(2016, 11, 18)
ABOUT = "equity - bonds"


def make_market() -> Market:
    half = np.array([[0.16, 0, 0], [0.14, 0.09, 0], [-0.02, 0.0, 0.05]])
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, LABELS)
    return Market.from_frames(assets, pd.DataFrame(half @ half.T, LABELS, LABELS), cash_rate=0.03)


MARKET = make_market()
MODEL = Model("balanced", {"SPY": 0.45, "EFA": 0.15, "IEF": 0.4}, 5.0)
MIX = MODEL.vector(MARKET.universe)
LEGS = legs_row(ABOUT, MARKET.universe, MIX)
VOLATILITY = float(np.sqrt(LEGS @ MARKET.risk.times(LEGS)))


def signal(name: str, about: str = ABOUT, **more) -> Signal:
    return Signal(name, "published", (name,), about, **more)


def make_world(seed: int) -> tuple[Panel, Trail]:
    """Three series of scores, published ten days after their month, and levels that the first of them foretells."""
    random = np.random.default_rng(seed)
    table = {name: pd.Series(np.clip(random.normal(size=132), -2.5, 2.5), DAYS) for name in ("trend", "value", "mood")}
    table["copy"] = table["trend"]
    steps = random.normal(0.004, [0.04, 0.045, 0.01], size=(132, 3))
    steps[1:, :2] += 0.02 * table["trend"].to_numpy()[:-1, None]
    return Panel.from_series(table, 10), Trail.from_returns(pd.DataFrame(steps, DAYS, LABELS), MARKET.universe)


PANEL, TRAIL = make_world(7)


def form(*opinions, panel=PANEL, trail=TRAIL, on=ON, signals=None, **more):
    own = [signal(name) for name in ("trend", "value", "mood", "copy")] if signals is None else signals
    return form_views(opinions, own, panel, MARKET, on, trail=trail, strategic=MIX, **more)


def eager(**more) -> Opinion:
    return Opinion(**({"about": ABOUT, "signals": ("trend",), "least": 0.0} | more))


def test_the_rule_of_grinold():
    (view,), (believed,), notes = form(eager(horizon_days=90, information_coefficient=0.04))
    score = PANEL.latest("trend", ON)[0]
    assert view.gain == pytest.approx(0.04 * VOLATILITY * score / np.sqrt(90 / 365.25), rel=1e-9)
    assert believed.track_record is None
    assert not notes
    assert (view.id, view.author, view.basis) == (ABOUT, "signals", "active")
    assert view.until == ON + dt.timedelta(days=90)
    assert f"trend {score:+.2f}" in view.because
    assert f"conviction {believed.value:.2f}" in view.because
    assert view.confidence == pytest.approx(believed.value)
    parts = believed.strength * believed.agreement * believed.recency
    assert believed.value == pytest.approx(parts ** (1 / 3))
    # What a view says reaches the expected returns of the model.
    assert np.sign(LEGS @ tilt([view], MARKET, MODEL, ON).gain[0]) == np.sign(view.gain)


@settings(max_examples=16)
@given(st.integers(24, 131), st.sampled_from(["equal", "inverse_variance", "ic"]), st.sampled_from(["grinold", "raw"]))
def test_later_knowledge_changes_nothing(row, weights, scale):
    on = (DAYS[row] + pd.Timedelta(days=12)).date()
    opinion = eager(
        signals=("trend", "value"), weights=weights, scale=scale, unit=0.02, learned=scale == "grinold", refit="month"
    )
    now = form(opinion, on=on)
    random = np.random.default_rng(row)
    later = TRAIL.known > on.toordinal()
    scrambled = replace(TRAIL, levels=np.where(later[:, None], random.uniform(1, 9, TRAIL.levels.shape), TRAIL.levels))
    blocks = []
    for block in PANEL.blocks:
        values = np.where((block.known > on.toordinal())[:, None], random.normal(size=block.values.shape), block.values)
        blocks.append(type(block)(block.names, block.date, block.known, values))
    assert form(opinion, on=on, panel=PANEL.as_of(on)) == now
    assert form(opinion, on=on, trail=scrambled, panel=Panel(tuple(blocks))) == now


@given(st.integers(0, 131), st.integers(5, 400))
def test_only_forecasts_that_ended_have_an_outcome(row, horizon):
    on = DAYS[row].date()
    days = fridays(DAYS[0].toordinal(), on.toordinal())
    gains, ended = outcomes(TRAIL, LEGS, days, horizon, on)
    over = ended <= on.toordinal()
    assert np.array_equal(np.isfinite(gains), over)
    assert np.all(ended[over] >= days[over] + horizon)
    assert np.all(ended[~over] == PENDING)
    for place in np.flatnonzero(over)[::17]:  # brute force
        start = np.flatnonzero(TRAIL.dates <= days[place])[-1]
        end = np.flatnonzero(TRAIL.dates >= days[place] + horizon)[0]
        assert gains[place] == pytest.approx(LEGS @ (TRAIL.levels[end] / TRAIL.levels[start] - 1))


def test_a_copy_of_a_signal_makes_the_same_view():
    one, both = (form(eager(signals=names))[0][0] for names in (("trend", "value"), ("trend", "value", "copy")))
    assert both.gain == pytest.approx(one.gain, rel=1e-5)
    assert both.confidence == pytest.approx(one.confidence, rel=1e-5)


def test_signals_that_foretold_weigh_more():
    learned = eager(signals=("trend", "mood"), weights="ic", learned=True, horizon_days=30)
    (view,), *_ = form(learned)
    (single,), *_ = form(eager(learned=True, horizon_days=30))
    (plain,), *_ = form(eager(horizon_days=30))
    assert abs(single.gain) > 1.5 * abs(plain.gain)  # it has been worth more than the 0.05 one expects
    assert np.sign(view.gain) == np.sign(PANEL.latest("trend", ON)[0])


def test_raw_scores_are_gains_and_their_record_counts():
    opinion = eager(scale="raw", unit="0.5% over 90d", horizon_days=90)
    (view,), (believed,), _ = form(opinion)
    assert view.gain == pytest.approx(0.005 * 365.25 / 90 * PANEL.latest("trend", ON)[0])
    assert believed.track_record > 0.8
    _, (without,), _ = form(opinion, trail=None)
    assert without.track_record == 0.5
    assert without.value < believed.value


def test_below_least_there_is_no_view_and_it_says_so():
    views, (believed,), notes = form(eager(least=0.99))
    assert not views
    assert believed.value < 0.99
    assert f"conviction {believed.value:.2f}, below 0.99" in notes[0]
    assert ABOUT in notes[0]


def test_silence_is_told():
    stale = [signal("trend", stale_days=30), signal("value")]
    late = dt.date(2017, 6, 30)
    (view,), _, notes = form(eager(signals=("trend", "value")), signals=stale, on=late)
    assert "trend" not in view.because
    assert any("goes without trend: stale" in note for note in notes)
    views, (believed,), notes = form(eager(), signals=stale, on=late)
    assert not views
    assert "stale" in believed.why_not
    views, (believed,), _ = form(eager(), on=dt.date(2006, 1, 1))
    assert "nothing is known yet" in believed.why_not
    assert believed.value == 0.0


def test_opposite_signals_are_turned_around():
    turned = [signal("trend", "bonds - equity"), signal("value", "")]
    (plain,), *_ = form(eager())
    (view,), *_ = form(eager(), signals=turned)
    assert view.gain == pytest.approx(-plain.gain)
    (view,), *_ = form(eager(signals=("value",)), signals=turned)  # what says nothing of its own is about the opinion's
    (same,), *_ = form(eager(signals=("value",)))
    assert view.gain == same.gain


def test_old_news_is_believed_less():
    young, old = (form(eager(), on=ON + dt.timedelta(days=days))[1][0] for days in (0, 12))
    assert old.recency < young.recency
    assert old.value < young.value


def test_since_is_the_day_of_the_news_that_turned_the_score():
    trend = PANEL.history("trend", ON)
    turns = np.flatnonzero(np.diff(np.sign(trend)) != 0) + 1
    said = (DAYS[turns] + pd.Timedelta(days=10)).date  # the tenth day after the month is when it is known
    for days in range(0, 300, 7):
        on = ON - dt.timedelta(days=days)
        (view,), *_ = form(eager(), on=on)
        assert view.since == max(day for day in said if day <= on)


def test_two_opinions_on_one_subject_are_one():
    with pytest.raises(SignalError) as error:
        form(eager(), Opinion("bonds - equity", ("value",)))
    assert error.value.code == "DUPLICATE_SUBJECT"
    with pytest.raises(SignalError, match="no signal 'trnd'"):
        form(eager(signals=("trnd",)))
    with pytest.raises(SignalError) as error:
        form(eager(), signals=[signal("trend", "SPY")])
    assert error.value.code == "OTHER_SUBJECT"
    with pytest.raises(SignalError) as error:
        form(eager(about="equity - gold"))
    assert error.value.code == "UNKNOWN_NAME"


def test_a_view_against_one_of_the_desk_is_refused_by_name():
    (view,), *_ = form(eager())
    against = View("bonds - equity", np.sign(view.gain) * 0.02, 0.5, id="the desk")
    views, (believed,), notes = form(eager(), manual=[against])
    assert not views
    assert "'the desk'" in notes[0]
    assert "opposite" in believed.why_not
    views, *_ = form(eager(), manual=[replace(against, gain=-against.gain)])
    assert len(views) == 1
    views, _, notes = form(eager(), manual=[replace(against, gain=-against.gain, basis="total")])
    assert not views
    assert "one total and one active" in notes[0]


def test_contradictions_among_views():
    u = MARKET.universe
    up, down = View("SPY - IEF", 0.02, 0.5, id="up"), View("2*IEF - 2*SPY", "1%", 0.5, id="down")
    assert [each.code for each in find_contradictions([up, down], u, ON)] == ["CONTRADICTION"]
    assert not list(find_contradictions([up, replace(down, gain=-0.01)], u, ON))
    assert not list(find_contradictions([up, replace(down, until=dt.date(2016, 1, 1))], u, ON))
    assert not list(find_contradictions([up, View("SPY", -0.02, 0.5)], u, ON))
    with pytest.raises(ViewError) as error:
        refuse_contradictions([up, down], u, ON)
    assert error.value.value == "up, down"
    with pytest.raises(ViewError) as error:
        refuse_contradictions([up, replace(down, basis="excess", gain=-0.01)], u, ON)
    assert error.value.code == "MIXED_BASIS"
    with pytest.raises(ViewError, match="view 'odd'") as error:
        refuse_contradictions([up, View("SPYY - IEF", 0.01, 0.5, id="odd")], u, ON)
    assert (error.value.table, error.value.field) == ("views", "about")


def test_subjects():
    u = MARKET.universe
    assert direction("bonds", "IEF", u) == 1.0
    assert direction("SPY - IEF", "EFA - IEF", u) == 0.0
    assert direction("SPY - SPY", "SPY", u) == 0.0
    with pytest.raises(SignalError) as error:
        legs_row("equity - IEF", u, np.array([0.5, 0.5, 0.0, 0.0]))
    assert error.value.code == "NO_WEIGHT"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"signals": ()}, "signals"),
        ({"signals": ("trend", "trend")}, "signals"),
        ({"weights": "best"}, "weights"),
        ({"weights": {"mood": 1.0}}, "weights"),
        ({"scale": "zscore"}, "scale"),
        ({"information_coefficient": 0.9}, "information_coefficient"),
        ({"information_coefficient": "much"}, "information_coefficient"),
        ({"unit": "1% over 30d", "horizon_days": 90}, "unit"),
        ({"unit": "1% over the moon"}, "unit"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"half_life_days": -1}, "half_life_days"),
        ({"least": 1.5}, "least"),
        ({"most": 0.0}, "most"),
        ({"refit": "day"}, "refit"),
        ({"basis": "relative"}, "basis"),
    ],
)
def test_opinions_that_cannot_be_meant(fields, field):
    with pytest.raises(SignalError) as error:
        eager(**fields)
    assert error.value.field == field


def test_an_absurd_gain_is_no_view():
    views, (believed,), _ = form(eager(scale="raw", unit=5.0))
    assert not views
    assert "cannot be meant" in believed.why_not
