"""What the `history` table says of each account: the last day it traded."""

from __future__ import annotations

import numpy as np

from ..units import day
from .tables import Table


def last_days(history: Table, owners: np.ndarray, accounts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the last day of each account, ``datetime64[D]``, NaT without one; and the mask of rows that hold no day.

    Parameters
    ----------
    owners
        Whose each row is, as a position; beyond ``accounts`` it is nobody's and not looked at.
    """
    last = np.full(accounts, np.datetime64("NaT"), dtype="datetime64[D]")
    if not len(history):
        return last, np.zeros(0, dtype=bool)
    encoded = history.data["date"].combine_chunks().dictionary_encode()
    distinct = np.array([_read(value) for value in encoded.dictionary.to_pylist()], dtype="datetime64[D]")
    distinct = np.append(distinct, np.datetime64("NaT"))
    dates = distinct[encoded.indices.fill_null(len(distinct) - 1).to_numpy(zero_copy_only=False)]
    known = ~np.isnat(dates) & (owners < accounts)
    order = np.lexsort((dates[known], owners[known]))
    last[owners[known][order]] = dates[known][order]  # the last one written stays: the latest
    return last, np.isnat(dates) & (owners < accounts)


def _read(value: object) -> np.datetime64:
    try:
        return np.datetime64(day(value), "D")
    except ValueError:
        return np.datetime64("NaT")
