"""The days on which an exchange is open, as `exchange_calendars` knows them."""

from __future__ import annotations

import datetime as dt
import warnings
from functools import lru_cache

import numpy as np

from ..errors import PolicyError
from ..units import did_you_mean


def is_session(exchange: str, on: dt.date) -> bool:
    """Say whether an exchange is open on a day.

    >>> is_session("XNYS", dt.date(2025, 7, 4))
    False
    """
    days = _sessions(exchange, on.year - 1, on.year)
    at = np.searchsorted(days, np.datetime64(on, "D"))
    return bool(at < len(days) and days[at] == np.datetime64(on, "D"))


def count_sessions(exchange: str, since: np.ndarray, on: dt.date) -> np.ndarray:
    """Count the sessions after each day of ``since`` (``datetime64[D]``) up to ``on``; infinite where it is unknown.

    >>> count_sessions("XNYS", np.array(["2025-07-03", "NaT"], "datetime64[D]"), dt.date(2025, 7, 8))
    array([ 2., inf])

    Raises
    ------
    PolicyError
        There is no such exchange, or nobody knows its sessions that far.
    """
    since = np.asarray(since, dtype="datetime64[D]")
    known = ~np.isnat(since)
    out = np.full(since.shape, np.inf)
    if known.any():
        first = min(since[known].min().astype(object), on)
        days = _sessions(exchange, first.year, on.year)
        upto = np.searchsorted(days, np.datetime64(on, "D"), side="right")
        out[known] = np.maximum(upto - np.searchsorted(days, since[known], side="right"), 0)
    return out


def check_exchange(exchange: str) -> None:
    """Refuse the code of an exchange that nobody knows."""
    import exchange_calendars  # (a second to import: only a policy that counts sessions pays it)

    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if exchange not in known:
        raise PolicyError(
            f"there is no exchange {exchange!r}",
            code="UNKNOWN_EXCHANGE",
            table="policy",
            field="rebalance.exchange",
            value=exchange,
            mend=did_you_mean(exchange, known) or "an ISO 10383 code such as XNYS, XLON or XTKS",
        )


@lru_cache(maxsize=16)
def _sessions(exchange: str, first: int, last: int) -> np.ndarray:
    """Return every session of these years, as far as they are known."""
    import exchange_calendars

    check_exchange(exchange)
    start, end = f"{first}-01-01", f"{last}-12-31"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its use of pandas is its own affair
            sessions = exchange_calendars.get_calendar(exchange, start=start, end=end).sessions
    except ValueError as error:  # its own names for: too early, too late
        raise PolicyError(
            f"the sessions of {exchange} from {first} to {last} are not known: {error}",
            code="UNKNOWN_SESSIONS",
            table="policy",
            field="rebalance.exchange",
            value=exchange,
            mend="another exchange, or days that its calendar covers",
        ) from None
    return sessions.to_numpy().astype("datetime64[D]")
