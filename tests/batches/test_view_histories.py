"""The history that the stop of a view is read from: prices by the day they could be known, or returns."""

from __future__ import annotations

import datetime as dt

import pytest

from trimtab.batches import read_book
from trimtab.batches.desks import open_desk
from trimtab.errors import ViewError

VIEWS = ["view_id", "about", "gain", "confidence", "since", "stop"]


def test_a_stop_is_read_from_prices_or_returns_of_the_day(book, policy, append):
    (book / "views.csv").unlink(missing_ok=True)
    append(book, "views", VIEWS, ["a", "GOLD - CASH", "0.02", "0.5", "2016-01-01", "0.05"])
    plain = open_desk(read_book(book), policy, dt.date(2016, 6, 30))
    assert all(belief.views == ("a",) for belief in plain.beliefs.values())
    head = ["date", "available_at", "GOLD", "vix"]
    append(book, "prices", head, ["2015-12-31", "2015-12-31", "100", "20"], ["2016-03-31", "2016-07-15", "90", "30"])
    desks = {
        day: open_desk(read_book(book), policy, dt.date.fromisoformat(day)) for day in ("2016-07-14", "2016-07-15")
    }
    for day, lives in (("2016-07-14", True), ("2016-07-15", False)):
        assert all(bool(belief.views) == lives for belief in desks[day].beliefs.values())
    (book / "prices.csv").unlink()
    append(book, "prices", head, ["2016-03-31", "2016-03-31", "90", "30"])
    with pytest.raises(ViewError, match="no price at or before 2016-01-01"):
        open_desk(read_book(book), policy, dt.date(2016, 6, 30))
