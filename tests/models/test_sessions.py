"""Sessions of real exchanges."""

import datetime as dt

import numpy as np
import pytest

from trimtab.errors import PolicyError
from trimtab.models.sessions import check_exchange, count_sessions, is_session


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def test_holidays_and_weekends_do_not_count():
    """The New York exchange was closed on 2025-01-09 (a day of mourning), 01-20 and at weekends."""
    since = days("2025-01-07", "2025-01-08", "2025-01-17", "2025-01-21", "NaT")
    np.testing.assert_array_equal(count_sessions("XNYS", since, dt.date(2025, 1, 21)), [8, 7, 1, 0, np.inf])


def test_a_later_day_is_no_session_ago():
    np.testing.assert_array_equal(count_sessions("XNYS", days("2025-03-01"), dt.date(2025, 1, 21)), [0])


def test_a_year_has_the_sessions_it_had():
    assert count_sessions("XNYS", days("2023-12-31"), dt.date(2024, 12, 31))[0] == 252


@pytest.mark.parametrize(
    ("exchange", "on", "is_open"),
    [
        ("XNYS", "2025-12-25", False),
        ("XNYS", "2025-12-26", True),
        ("XLON", "2025-12-26", False),
        ("XNYS", "2025-06-07", False),
    ],
)
def test_each_exchange_has_its_own_days(exchange, on, is_open):
    assert is_session(exchange, dt.date.fromisoformat(on)) is is_open


def test_an_unknown_exchange_is_refused():
    with pytest.raises(PolicyError, match="no exchange 'XNYC'"):
        check_exchange("XNYC")
    with pytest.raises(PolicyError, match="mend"):
        is_session("NOWHERE", dt.date(2025, 1, 1))


def test_nobody_is_asked_without_a_last_day():
    np.testing.assert_array_equal(count_sessions("XNYS", days("NaT", "NaT"), dt.date(2025, 1, 21)), [np.inf, np.inf])
