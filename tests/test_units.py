"""Numbers as people write them: read exactly, or refused."""

from __future__ import annotations

import datetime as dt
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trimtab.units import (
    FrozenArrays,
    FrozenMap,
    annual,
    basis_points,
    day,
    decimal,
    did_you_mean,
    frozen,
    percent,
    signed,
)

# ------------------------------------------------------------------------------------------------ numbers


@given(st.integers(-(10**6), 10**6))
def test_a_unit_is_the_float_nearest_to_what_was_written(hundredths):
    """`"0.29%"` is 0.0029, not the product 0.29 * 0.01, which is another float."""
    whole, part = divmod(abs(hundredths), 100)
    sign = "-" if hundredths < 0 else ""
    text = f"{sign}{whole}.{part:02d}"
    assert decimal(text) == float(text)
    assert decimal(text + "%") == float(text) / 100
    for unit in ("bp", "bps", " bp"):
        assert decimal(text + unit) == float(text) / 10_000
    assert decimal(f"{sign}{whole * 100 + part}bp") == float(f"{sign}{whole * 100 + part}e-4")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_itself_in_any_clothes(number):
    assert decimal(number) == decimal(np.float64(number)) == decimal(repr(number)) == decimal(f" {number!r} ") == number


def test_whole_numbers_are_numbers():
    assert decimal(2) == decimal(np.int64(2)) == decimal("2") == decimal("+2.") == 2.0
    assert decimal(".5%") == 0.005


@pytest.mark.parametrize(
    "bad", ["", "%", "5 percent", "5%%", "5 %5", "1,5%", "0x5", "5bpp", "1e", "--5", "nan", "five"]
)
def test_what_is_no_number_is_refused_with_what_it_is(bad):
    with pytest.raises(ValueError, match="is not a number, a percent") as refused:
        decimal(bad)
    assert repr(bad) in str(refused.value)


@pytest.mark.parametrize("bad", [True, False, None])
def test_truth_and_nothing_are_no_numbers(bad):
    with pytest.raises(ValueError, match=f"^{bad} is not a number$"):
        decimal(bad)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "1e400", "1e400%"])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="is not finite"):
        decimal(bad)


# ------------------------------------------------------------------------------------------------ gains

PERIODS = {
    "d": 365.25, "day": 365.25, "days": 365.25, "w": 365.25 / 7, "week": 365.25 / 7, "weeks": 365.25 / 7,
    "m": 12, "month": 12, "months": 12, "y": 1, "year": 1, "years": 1,
}  # fmt: skip


@pytest.mark.parametrize(("unit", "a_year"), PERIODS.items())
@given(count=st.integers(1, 400))
def test_a_gain_over_a_period_is_scaled_to_a_year(unit, a_year, count):
    for text in (f"3% over {count}{unit}", f" 3%  over {count} {unit} ", f"300bp over {count}.0{unit}"):
        assert annual(text) == pytest.approx(0.03 * a_year / count, rel=1e-15)


def test_a_gain_without_a_period_is_annual():
    assert annual("3%") == annual(0.03) == annual(" 3% ") == 0.03
    assert annual("-3% over 2y") == -0.015
    assert annual("3% over 0.5y") == pytest.approx(0.06)


@pytest.mark.parametrize("bad", ["3% over 0d", "3% over 0.0 years"])
def test_a_gain_over_no_time_is_refused(bad):
    with pytest.raises(ValueError, match="is a gain over no time"):
        annual(bad)


@pytest.mark.parametrize("bad", ["3% over", "3% over d", "3% over 5", "3%over5d", "3% over 5 fortnights", "x over 5d"])
def test_a_gain_over_what_is_no_period_is_refused(bad):
    with pytest.raises(ValueError, match="is not a number"):
        annual(bad)


# ------------------------------------------------------------------------------------------------ days


@given(st.dates(dt.date(1800, 1, 1), dt.date(2200, 12, 31)))
def test_a_day_is_itself_in_any_clothes(date):
    midnight = dt.datetime.combine(date, dt.time())
    for value in (date, date.isoformat(), f" {date} ", midnight, midnight.replace(tzinfo=dt.UTC), np.datetime64(date)):
        assert day(value) == date
        assert type(day(value)) is dt.date
    assert day(np.datetime64(midnight)) == date
    assert day(np.datetime64(midnight, "ms")) == date
    if 1800 < date.year < 2200:
        assert day(pd.Timestamp(date)) == date


@given(st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(2100, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001  naive on purpose
def test_a_moment_is_the_day_of_utc(moment, hours):
    zone = dt.timezone(dt.timedelta(hours=hours))
    assert day(moment.replace(tzinfo=zone)) == (moment - dt.timedelta(hours=hours)).date()


@pytest.mark.parametrize(
    "moment",
    [dt.datetime(2026, 1, 2, 0, 0, 1), np.datetime64("2026-01-02T09:30")],  # noqa: DTZ001  naive on purpose
)
def test_a_time_without_a_zone_is_refused(moment):
    with pytest.raises(ValueError, match="has a time and no zone"):
        day(moment)


@pytest.mark.parametrize("bad", ["20261120", "2026-1-2", "02/01/2026", "2026-W47-5", "", None, 46346, 2026.0, True])
def test_what_is_ambiguous_is_no_day(bad):
    with pytest.raises(ValueError, match="is not an ISO date"):
        day(bad)


def test_a_date_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="day"):
        day("2026-02-30")


@pytest.mark.parametrize("bad", [dt.date(1799, 12, 31), dt.date(2201, 1, 1), "9999-12-31", "0001-01-01"])
def test_placeholders_are_no_days(bad):
    with pytest.raises(ValueError, match="is a placeholder, not a day"):
        day(bad)


# ------------------------------------------------------------------------------------------------ words


@given(st.integers(-(10**7), 10**7))
def test_what_is_written_reads_back(count):
    value = count / 1e6
    assert decimal(percent(value, 4)) == pytest.approx(value, rel=1e-14)
    assert decimal(basis_points(value, 2)) == pytest.approx(value, rel=1e-14)


def test_how_many_places_are_written():
    assert percent(0.12345) in {"12.34%", "12.35%"}
    assert percent(0.5, 0) == "50%"
    assert basis_points(0.00123) == "12.3 bp"
    assert basis_points(0.0012, 0) == "12 bp"


@pytest.mark.parametrize("places", [0, 1, 2, 3])
@given(value=st.floats(-2.0, 2.0) | st.floats(-1e-4, 1e-4))
@example(value=0.005)  # half of the last place: it is written as the even neighbour, nothing
def test_what_is_written_as_nothing_has_no_sign(value, places):
    words = signed(value, places)
    assert (words[0] in "+-") == bool(set(words) & set("123456789"))
    assert abs(decimal(words) - value) <= 0.501 * 10.0 ** -(places + 2)


def test_the_nearest_word_is_meant():
    assert did_you_mean("turnovr", ["cash", "turnover", "turn"]) == "did you mean 'turnover'?"
    assert did_you_mean("cash", iter(["turnover", "cash"])) == "did you mean 'cash'?"
    assert did_you_mean("zebra", ["turnover", "cash"]) == ""
    assert did_you_mean("cash", []) == ""
    # At most four letters in ten may be wrong: `abcxx` shares three of five with `abcde`, `abxxx` two.
    assert did_you_mean("abcxx", ["abcde"]) == "did you mean 'abcde'?"
    assert did_you_mean("abxxx", ["abcde"]) == ""


# ------------------------------------------------------------------------------------------------ what cannot change


def test_frozen_arrays_are_copies_that_nobody_writes_to():
    mine = np.array([1, 2, 3])
    for array in (frozen(mine), frozen(mine, (3,)), frozen(7, (2, 3)), frozen([1, 2])):
        assert array.dtype == float
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
    mine[0] = 9
    np.testing.assert_array_equal(frozen(mine, (2, 3)), [[9, 2, 3], [9, 2, 3]])
    np.testing.assert_array_equal(frozen(7, (2,)), [7, 7])
    with pytest.raises(ValueError, match="broadcast"):
        frozen(mine, (2,))


class Holder(FrozenArrays):
    def __init__(self):
        self.array, self.word = frozen([1.0]), "kept"


def test_what_is_frozen_stays_so_in_another_process():
    loose = pickle.loads(pickle.dumps(Holder().array))  # noqa: S301  our own bytes
    assert loose.flags.writeable  # which is why the class exists
    back = pickle.loads(pickle.dumps(Holder()))  # noqa: S301  our own bytes
    assert not back.array.flags.writeable
    assert back.word == "kept"
    np.testing.assert_array_equal(back.array, [1.0])


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=5))
def test_a_frozen_map_is_its_items(items):
    one, other = FrozenMap(items), FrozenMap(reversed(items.items()))
    assert dict(one) == items
    assert len(one) == len(items)
    assert list(one) == list(items)
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301  our own bytes
    assert repr(one) == f"FrozenMap({items!r})"
    more = FrozenMap({**items, "another": 0})
    assert one != more
    assert hash(one) != hash(more)


def test_a_frozen_map_cannot_change():
    source = {"a": 1}
    one = FrozenMap(source)
    source["a"] = 2
    assert one["a"] == 1
    assert dict(FrozenMap()) == {}
    with pytest.raises(AttributeError, match="cannot change"):
        one.extra = 1
    with pytest.raises(AttributeError, match="cannot change"):
        one._items = {}
    with pytest.raises(TypeError):
        one["a"] = 2
    with pytest.raises(KeyError):
        one["b"]
