"""A panel shows what was known, and nothing that was not."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.signals.panels import Panel, ordinals

START = dt.date(2015, 1, 1)


def table_of(rng, dates=60, names=("A", "B", "C")):
    """Rows of several series with gaps, revisions, and dates that came late, in no order."""
    rows = []
    for _ in range(4 * dates):
        of = START + dt.timedelta(days=int(rng.integers(0, dates)))
        values = [float(rng.normal()) if rng.random() < 0.6 else np.nan for _ in names]
        rows.append((of, of + dt.timedelta(days=int(rng.integers(0, 40))), *values))
    frame = pd.DataFrame(rows, columns=["date", "available_at", *names])
    return frame.drop_duplicates(["date", "available_at"]).sample(frac=1.0, random_state=1)


def brute(frame, name, on):
    """The newest vintage of each date by plain loops."""
    best = {}
    for of, at, value in zip(frame["date"], frame["available_at"], frame[name], strict=True):
        if at <= on and not np.isnan(value) and (of not in best or at > best[of][0]):
            best[of] = (at, value)
    return {of: best[of][1] for of in sorted(best)}


def test_ten_thousand_questions_are_answered_as_by_plain_loops():
    rng = np.random.default_rng(7)
    asked = 0
    for _ in range(20):
        frame = table_of(rng, dates=12)
        panel = Panel.from_frame(frame)
        for _ in range(250):
            on = START + dt.timedelta(days=int(rng.integers(-3, 60)))
            then = panel.as_of(on)
            for name in ("A", "B"):
                wanted = brute(frame, name, on)
                found = panel.history(name, on)
                assert [each.date() for each in found.index] == list(wanted)
                assert found.tolist() == list(wanted.values())
                assert then.history(name).tolist() == list(wanted.values())
                last = panel.latest(name, on)
                assert last == ((wanted[max(wanted)], max(wanted)) if wanted else None)
                asked += 1
    assert asked == 10_000


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), after=st.integers(0, 100))
def test_rows_of_the_future_change_nothing(seed, after):
    frame = table_of(np.random.default_rng(seed), dates=30)
    on = START + dt.timedelta(days=after)
    known = frame[frame["available_at"] <= on]
    for name in ("A", "B", "C"):
        full, cut = (Panel.from_frame(each).history(name, on) for each in (frame, known))
        pd.testing.assert_series_equal(full, cut)


def test_a_frame_has_the_union_of_dates():
    frame = table_of(np.random.default_rng(3), dates=20)
    on = START + dt.timedelta(days=25)
    joined = Panel.from_frame(frame).frame(["A", "B"], on)
    wanted = {name: brute(frame, name, on) for name in "AB"}
    assert [each.date() for each in joined.index] == sorted({*wanted["A"], *wanted["B"]})
    for name in "AB":
        assert {of.date(): value for of, value in joined[name].dropna().items()} == wanted[name]


def test_a_revision_keeps_its_vintages():
    frame = pd.DataFrame({
        "date": ["2016-09-30"] * 3,
        "available_at": ["2016-10-28", "2016-11-29", "2016-12-22"],
        "GDP": [2.9, 3.2, 3.5],
    })  # fmt: skip
    panel = Panel.from_frame(frame)
    seen = [panel.latest("GDP", dt.date.fromisoformat(on)) for on in ("2016-10-27", "2016-10-28", "2016-12-01")]
    assert seen == [None, (2.9, dt.date(2016, 9, 30)), (3.2, dt.date(2016, 9, 30))]
    assert panel.as_of(dt.date(2016, 12, 1)).latest("GDP") == (3.2, dt.date(2016, 9, 30))
    assert len(panel.days()) == 3


def test_each_series_has_its_own_publication_lag():
    index = pd.to_datetime(["2016-01-31", "2016-02-29"])
    panel = Panel.from_series({"CPI": pd.Series([1.0, 2.0], index), "RATE": pd.Series([3.0, 4.0], index)}, {"CPI": 15})
    on = dt.date(2016, 3, 1)
    assert panel.names == ("CPI", "RATE")
    assert panel.latest("CPI", on) == (1.0, dt.date(2016, 1, 31))
    assert panel.latest("RATE", on) == (4.0, dt.date(2016, 2, 29))
    assert panel.latest("CPI", dt.date(2016, 3, 15)) == (2.0, dt.date(2016, 2, 29))


def test_what_is_old_is_stale():
    panel = Panel.from_series({"X": pd.Series([1.0], pd.to_datetime(["2016-01-31"]))})
    assert panel.latest("X", dt.date(2016, 3, 1), stale_days=30) == (1.0, dt.date(2016, 1, 31))
    assert panel.latest("X", dt.date(2016, 3, 2), stale_days=30) is None


def test_series_that_begin_later_keep_their_names():
    panel = Panel.from_series({"X": pd.Series([1.0], pd.to_datetime(["2016-01-31"]))})
    before = panel.as_of(dt.date(2015, 1, 1))
    assert before.names == ("X",)
    assert before.history("X").empty
    assert before.latest("X") is None
    assert before.days() == ()


def test_panels_join_and_travel():
    one, two = (Panel.from_series({name: pd.Series([1.0], pd.to_datetime(["2016-01-31"]))}) for name in ("X", "Y"))
    both = pickle.loads(pickle.dumps(one | two))  # noqa: S301  our own bytes
    assert both.names == ("X", "Y")
    assert both.only(["Y"]).names == ("Y",)
    with pytest.raises(ValueError, match="read-only"):
        both.blocks[0].values[0] = 2.0
    with pytest.raises(SignalError, match="twice"):
        one | one


def frame_with(**changes):
    return pd.DataFrame({"date": ["2016-01-29"], "available_at": ["2016-02-01"], "X": [1.0], **changes})


@pytest.mark.parametrize(
    ("code", "frame"),
    [
        ("FUTURE_DATED", frame_with(available_at=["2016-01-28"])),
        ("BAD_DATE", frame_with(date=["29/01/2016"])),
        ("BAD_DATE", frame_with(date=[None])),
        ("BAD_DATE", frame_with(date=[pd.NaT])),
        ("BAD_DATE", frame_with(available_at=[42398])),
        ("BAD_VALUE", frame_with(X=["high"])),
        ("BAD_VALUE", frame_with(X=[np.inf])),
        ("MISSING_COLUMN", frame_with().drop(columns="available_at")),
        ("MISSING_COLUMN", frame_with().drop(columns="date")),
        ("DUPLICATE_ROW", pd.concat([frame_with(), frame_with(X=[2.0])])),
    ],
)
def test_a_bad_table_is_refused(code, frame):
    with pytest.raises(SignalError) as caught:
        Panel.from_frame(frame)
    assert caught.value.code == code
    assert caught.value.mend


def test_two_rows_of_a_day_may_say_different_things():
    rows = pd.concat([frame_with(), frame_with(X=[np.nan], Y=[2.0])])
    panel = Panel.from_frame(rows)
    assert (panel.latest("X"), panel.latest("Y")) == ((1.0, dt.date(2016, 1, 29)), (2.0, dt.date(2016, 1, 29)))


def test_an_unknown_series_is_named_with_the_nearest():
    panel = Panel.from_frame(frame_with())
    with pytest.raises(SignalError, match="no series") as caught:
        panel.history("x")
    assert caught.value.code == "UNKNOWN_SERIES"
    with pytest.raises(SignalError):
        Panel.from_series({"X": pd.Series([1.0], pd.to_datetime(["2016-01-31"]))}, {"Y": 3})
    with pytest.raises(SignalError):
        Panel.from_series({"X": pd.Series([1.0], pd.to_datetime(["2016-01-31"]))}, -1)


def test_days_are_read_however_they_are_said():
    said = [
        dt.date(2016, 1, 31),
        pd.Timestamp(2016, 1, 31),
        pd.Timestamp(2016, 1, 31, 12, tz="UTC"),
        np.datetime64("2016-01-31"),
        "2016-01-31",
    ]
    assert len(set(ordinals(said).tolist())) == 1
    assert ordinals(pd.DatetimeIndex(["2016-01-31"]))[0] == ordinals(said)[0]
