"""Scores on many days at once are those of each day by itself, from what was known on it."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.signals.definitions import Signal
from trimtab.signals.measures import KINDS
from trimtab.signals.panels import Panel
from trimtab.signals.scoring import raws, score, scores

DAYS = pd.bdate_range("2015-01-01", periods=420)
MONTHS = pd.date_range("2010-01-31", periods=84, freq="ME")


def make_panel(seed=3):
    """Daily prices P0..P3 of one source, L of another with a lag, a revised monthly series R, holes in H."""
    rng = np.random.default_rng(seed)
    walks = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.02, (len(DAYS), 6)), axis=0))
    prices = {f"P{k}": pd.Series(walks[:, k], DAYS) for k in range(4)}
    holes = pd.Series(np.where(rng.random(len(DAYS)) < 0.2, np.nan, walks[:, 4]), DAYS)
    panel = Panel.from_series({**prices, "H": holes, "L": pd.Series(walks[:, 5], DAYS)}, {"L": 3})
    values = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.01, len(MONTHS))))
    first = pd.DataFrame({"date": MONTHS, "available_at": MONTHS + pd.Timedelta(days=20), "R": values})
    second = first.assign(available_at=MONTHS + pd.Timedelta(days=50), R=values * rng.normal(1, 0.01, len(MONTHS)))
    return panel | Panel.from_frame(pd.concat([first, second]))


PANEL = make_panel()
Z = (("zscore", {"window": 30}), ("clip", {"most": 3.0}))
SIGNALS = (
    Signal("alone", "moving_average_gap", ("P0",), parameters={"window": 20}, transforms=Z, stale_days=4),
    Signal("alone too", "moving_average_gap", ("P1",), parameters={"window": 20}, transforms=Z, stale_days=4),
    Signal("all so far", "momentum", ("P2",), parameters={"lookback": 12, "skip": 1}, transforms=("zscore",), sign=-1),
    Signal("holes", "realised_volatility", ("H",), parameters={"window": 5}, stale_days=2),
    Signal("late", "moving_average_gap", ("L",), parameters={"window": 10}, stale_days=4),
    Signal("revised", "momentum", ("R",), parameters={"lookback": 12, "skip": 0}, stale_days=60),
    Signal("revised so far", "momentum", ("R",), parameters={"lookback": 3, "skip": 0}, transforms=("percentile",)),
    Signal("pair", "relative_strength", ("P0", "P1"), parameters={"lookback": 20}),
    Signal("late pair", "relative_strength", ("P0", "L"), parameters={"lookback": 20}, stale_days=4),
    Signal("months and days", "relative_strength", ("P0", "R"), parameters={"lookback": 5}, stale_days=40),
    Signal("breadth", "share_above_average", ("P*", "L", "H"), parameters={"window": 20}, transforms=Z),
    Signal("strongest", "momentum", ("P1", "P0", "P2", "P3"), transforms=("rank",), parameters={"lookback": 40}),
    Signal("weakest", "momentum", ("P3", "P0", "P2", "P1"), transforms=("rank",), parameters={"lookback": 40}),
    Signal("place", "cross_sectional_momentum", ("P2", "H", "L"), parameters={"lookback": 9, "skip": 1}, stale_days=3),
)


def plain(signal, panel, on):
    """The score of a day by its definition: align what is known on it by pandas, evaluate all of it, take the last."""
    names = signal.named(panel.names)
    known = panel.frame(names, on)
    dates = pd.DataFrame({name: pd.Series(known.index, known.index).where(known[name].notna()) for name in names})
    known, dates = known.ffill(), dates.ffill()
    if signal.stale_days is not None:
        age = pd.DataFrame({name: (known.index.to_series() - dates[name]).dt.days for name in names})
        known = known.where(age <= signal.stale_days)
    if known.empty:
        return np.nan
    last = dates.iloc[-1]
    if signal.recipe.is_crosswise:
        stands = last.iloc[0]
    else:
        stands = last.max() if signal.recipe.measure.count is None else (last.min() if last.notna().all() else pd.NaT)
    if pd.isna(stands) or (signal.stale_days is not None and (pd.Timestamp(on) - stands).days > signal.stale_days):
        return np.nan
    values = known.to_numpy()
    value = np.asarray(signal.recipe.scored(values if len(names) > 1 else values[:, 0]))
    return value[-1, 0] if value.ndim > 1 else value[-1]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_score_is_what_its_definition_says(signal):
    days = [*DAYS[::23], DAYS[-1] + pd.Timedelta(days=1), DAYS[-1] + pd.Timedelta(days=30)]
    wanted = [plain(signal, PANEL, day.date()) for day in days]
    found = scores([signal], PANEL, days)[signal.name].to_numpy()
    np.testing.assert_array_equal(found, wanted)
    assert np.isfinite(found).any()


def test_many_signals_and_days_at_once_are_each_by_itself():
    days = DAYS[::11]
    together, measured = scores(SIGNALS, PANEL, days), raws(SIGNALS, PANEL, days)
    assert list(together.columns) == [signal.name for signal in SIGNALS]
    assert (together.index == days).all()
    for row, day in enumerate(days):
        for column, signal in enumerate(SIGNALS):
            one = score(signal, PANEL, day.date())
            np.testing.assert_array_equal(one.value, together.iloc[row, column])
            np.testing.assert_array_equal(one.raw, measured.iloc[row, column])
            assert bool(one.why_not) == np.isnan(one.value)


@settings(max_examples=25)
@given(after=st.integers(0, len(DAYS) - 1), seed=st.integers(0, 2**16))
def test_what_comes_later_changes_no_past_score(after, seed):
    on = DAYS[after]
    days = DAYS[: after + 1][-5:]
    cut = PANEL.as_of(on.date())
    pd.testing.assert_frame_equal(scores(SIGNALS, PANEL, days), scores(SIGNALS, cut, days), check_exact=True)
    other = swapped(PANEL, on.date(), seed)
    pd.testing.assert_frame_equal(scores(SIGNALS, PANEL, days), scores(SIGNALS, other, days), check_exact=True)


def swapped(panel, on, seed):
    """The panel with what is not known on a day yet shuffled among its rows."""
    rng, joined = np.random.default_rng(seed), Panel()
    for block in panel.blocks:
        values = block.values.copy()
        later = np.flatnonzero(block.known > on.toordinal())
        values[later] = values[rng.permutation(later)]
        joined |= Panel((type(block)(block.names, block.date, block.known, values),))
    return joined


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_signal_looks_ahead(kind):
    """Every registered measure through a panel of lagged, revised and holed series, cut off at each of some days."""
    one = KINDS[kind]
    names = {None: ("P0", "L", "H", "P1"), 1: ("R",)}.get(one.count, ("R", "P0", "L", "H")[: one.count or 0])
    signal = Signal(kind, kind, names, transforms=(("zscore", {"least": 5}),), stale_days=70)
    days = DAYS[150::60]
    full = scores([signal], PANEL, days), raws([signal], PANEL, days)
    for row, day in enumerate(days):
        cut = PANEL.as_of(day.date())
        for read, all_days in zip((scores, raws), full, strict=True):
            np.testing.assert_array_equal(read([signal], cut, [day]).to_numpy()[0], all_days.to_numpy()[row])


def test_days_may_come_in_any_order_and_twice():
    days = [DAYS[300], DAYS[100], DAYS[300]]
    found = scores(SIGNALS, PANEL, days)
    np.testing.assert_array_equal(found.to_numpy()[0], found.to_numpy()[2])
    np.testing.assert_array_equal(found.to_numpy()[1], scores(SIGNALS, PANEL, [DAYS[100]]).to_numpy()[0])
    assert scores((), PANEL, days).shape == (3, 0)
    assert scores(SIGNALS, PANEL, []).shape == (0, len(SIGNALS))


@pytest.mark.parametrize(
    ("signal", "on", "why"),
    [
        (SIGNALS[0], "2014-12-31", "nothing is known yet of P0"),
        (SIGNALS[0], "2015-01-15", "history too short: 11 of the 49 rows it remembers"),
        (SIGNALS[4], "2016-09-01", "stale: the last value is of 2016-08-10, 22 days before 2016-09-01; at most 4"),
        (SIGNALS[2], "2015-01-30", "zscore gave no number for the 22 rows there are"),
    ],
)
def test_a_signal_without_a_score_says_why(signal, on, why):
    assert score(signal, PANEL, dt.date.fromisoformat(on)).why_not == why


def test_a_score_says_what_it_stands_on():
    found = score(SIGNALS[5], PANEL, dt.date(2016, 3, 15))
    assert (found.date, found.known) == (dt.date(2016, 1, 31), dt.date(2016, 2, 20))
    assert found.value == found.raw
    later = score(SIGNALS[5], PANEL, dt.date(2016, 3, 21))
    assert (later.date, later.known) == (dt.date(2016, 2, 29), dt.date(2016, 3, 20))


def test_a_sign_turns_the_score_and_not_the_measure():
    for_it, against = (Signal("s", "momentum", ("P0",), sign=sign) for sign in (1, -1))
    one, other = (score(each, PANEL, DAYS[-1].date()) for each in (for_it, against))
    assert one.value == -other.value
    assert one.raw == other.raw


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("UNKNOWN_KIND", {"kind": "momentun"}),
        ("UNKNOWN_KIND", {"transforms": ("zscroe",)}),
        ("UNKNOWN_PARAMETER", {"parameters": {"look_back": 3}}),
        ("UNKNOWN_PARAMETER", {"transforms": (("zscore", {"windw": 3}),)}),
        ("BAD_PARAMETER", {"parameters": {"lookback": "a year"}}),
        ("BAD_PARAMETER", {"parameters": {"lookback": 2.5}}),
        ("BAD_PARAMETER", {"parameters": {"lookback": True}}),
        ("BAD_PARAMETER", {"stale_days": -1}),
        ("BAD_SERIES", {"series": ()}),
        ("BAD_SERIES", {"series": ("P0", "P0")}),
        ("BAD_SERIES", {"series": ("P0", "P1")}),
        ("BAD_SERIES", {"kind": "relative_strength"}),
        ("BAD_SIGN", {"sign": 2}),
    ],
)
def test_a_bad_signal_is_refused(code, given):
    with pytest.raises(SignalError) as caught:
        Signal(**{"name": "s", "kind": "momentum", "series": ("P0",), **given})
    assert caught.value.code == code
    assert caught.value.mend


def test_a_bad_series_is_refused_where_it_is_read():
    with pytest.raises(SignalError, match="no series"):
        score(Signal("s", "momentum", ("P9",)), PANEL, DAYS[-1].date())
    with pytest.raises(SignalError, match="takes"):
        score(Signal("s", "relative_strength", ("P*",)), PANEL, DAYS[-1].date())
    with pytest.raises(SignalError, match="at least"):
        score(Signal("s", "momentum", ("P0",), parameters={"lookback": 0}), PANEL, DAYS[-1].date())


def test_signals_are_equal_by_content_and_travel():
    for signal in SIGNALS:
        other = pickle.loads(pickle.dumps(signal))  # noqa: S301  our own bytes
        assert other == signal
        assert hash(other) == hash(signal)
        assert other.recipe is signal.recipe
