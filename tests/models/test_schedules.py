"""Rows of a schedule and arrays of it: one thing in two forms."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import AccountError
from trimtab.models import PhasedTrade, Universe
from trimtab.models.schedules import STATUSES, list_phases, read_schedule, stack_schedules

UNIVERSE = Universe(("SPY", "EFA", "IEF", "CASH"), ("equity", "equity", "bonds", "cash"))
DAY = dt.date(2026, 7, 1)
ROW = PhasedTrade("SPY", DAY, 0.04, 0.02, 1, "waiting")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"asset": "SPX"}, "UNKNOWN_ASSET", "asset_id"),
        ({"gap": float("nan")}, "BAD_WEIGHT", "gap"),
        ({"gap": 40.0}, "BAD_WEIGHT", "gap"),
        ({"done": float("inf")}, "BAD_WEIGHT", "done"),
        ({"step": -1}, "BAD_STEP", "step"),
        ({"step": 0.5}, "BAD_STEP", "step"),
        ({"status": "going"}, "BAD_STATUS", "status"),
    ],
)
def test_a_row_that_cannot_be_is_refused(change, code, field):
    with pytest.raises(AccountError) as caught:
        read_schedule([replace(ROW, **change)], UNIVERSE)
    assert (caught.value.code, caught.value.field, caught.value.table) == (code, field, "phases")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (ROW, "DUPLICATE_PHASE"),
        (replace(ROW, asset="EFA", started=DAY + dt.timedelta(1)), "TWO_SCHEDULES"),
        (replace(ROW, asset="EFA", step=2), "TWO_SCHEDULES"),
        (replace(ROW, asset="EFA", step=None), "TWO_SCHEDULES"),
    ],
)
def test_an_account_has_one_schedule(other, code):
    with pytest.raises(AccountError) as caught:
        read_schedule([ROW, other], UNIVERSE)
    assert caught.value.code == code


@pytest.mark.parametrize("status", ["finished", "cancelled"])
def test_what_is_over_and_the_cash_count_for_nothing(status):
    over = [replace(ROW, status=status), replace(ROW, asset="EFA", started=DAY - dt.timedelta(3), status=status)]
    assert np.isnan(read_schedule([*over, replace(ROW, asset="CASH")], UNIVERSE).started).all()
    assert read_schedule([*over, ROW], UNIVERSE).gap[0, 0] == 0.04


weights = st.floats(-1, 1).filter(lambda x: abs(x) > 1e-9)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.dictionaries(st.sampled_from(["SPY", "EFA", "IEF"]), st.tuples(weights, st.floats(-1, 1)), min_size=1),
    st.one_of(st.none(), st.integers(0, 9)),
)
def test_rows_come_back_as_they_went_in(rows, step):
    given = tuple(
        PhasedTrade(asset, DAY, *rows[asset], step, STATUSES[0], 3, DAY, "why")
        for asset in UNIVERSE.assets
        if asset in rows
    )
    read = read_schedule(given, UNIVERSE)
    assert list_phases(read, STATUSES[0], 3, DAY, "why", UNIVERSE) == given
    both = stack_schedules([read_schedule((), UNIVERSE), read])
    assert both is not None
    np.testing.assert_array_equal(both.pick(np.array([1])).gap, read.gap)
    assert stack_schedules([read_schedule((), UNIVERSE)]) is None
