"""The table ``breaches``: since when accounts stand outside of which grandfathered limits, read and refused by row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..models.breaches import ORIGINS, Breach, Breaches
from .columns import ISO, cell, codes, ordinals, repeats
from .rows import Rows
from .tables import Table

Fault = tuple[int, str, str, str, str]
"""What is wrong with a row: the row, the column, the code, the words and the mend."""


@dataclass(frozen=True, eq=False)
class Trespasses:
    """The rows of ``breaches``: position of the limit among ``limits``, day as an ordinal, whether it is active."""

    limit: np.ndarray
    since: np.ndarray
    active: np.ndarray
    limits: tuple[str, ...]


def read_trespasses(table: Table, owners: np.ndarray) -> tuple[Trespasses, Iterator[Fault]]:
    """Read the rows of ``breaches`` and say which of them cannot be used; a limit the policy has not says nothing."""
    limit, limits = codes(table, "limit")
    since, no_day = ordinals(table, "since")
    own, names = codes(table, "origin")
    origin = np.array([{"": 0, "passive": 0, "active": 1}.get(name, -1) for name in names], dtype=np.int64)[own]
    bad = (
        (no_day | np.isnan(since), "since", "BAD_DATE"),
        (origin < 0, "origin", "BAD_ORIGIN"),
        (repeats(owners * (len(limits) + 1) + limit), "limit", "DUPLICATE_BREACH"),
    )
    return Trespasses(limit, since, origin == 1, tuple(limits)), _breach_faults(table, bad)


def _breach_faults(table: Table, bad: tuple[tuple[np.ndarray, str, str], ...]) -> Iterator[Fault]:
    for mask, column, code in bad:
        for row in np.flatnonzero(mask).tolist():
            value, limit = cell(table, column, row)[:40], cell(table, "limit", row)[:40]
            if code == "DUPLICATE_BREACH":
                yield row, column, code, f"it has two breaches of {limit!r}", "keep the older one"
            else:
                mend = ISO if code == "BAD_DATE" else " or ".join(ORIGINS)
                yield row, column, code, f"the {column} of its breach of {limit!r} is {value!r}", mend


def as_breach_rows(read: Trespasses, rows: np.ndarray, _: tuple[str, ...]) -> tuple[Breach, ...]:
    """Return some rows as an account has them."""
    return tuple(
        Breach(read.limits[read.limit[i]], dt.date.fromordinal(int(read.since[i])), ORIGINS[int(read.active[i])])
        for i in rows.tolist()
    )


def as_breaches(grouped: tuple[Rows, Trespasses] | None, accounts: int) -> Breaches | None:
    """Return the breaches of every account of a roster; None where there is none."""
    if grouped is None or not len(grouped[0].order):
        return None
    rows, read = grouped
    owner, order = np.repeat(np.arange(accounts), np.diff(rows.starts)), rows.order
    since = np.full((accounts, len(read.limits)), np.nan)
    active = np.zeros(since.shape, dtype=bool)
    since[owner, read.limit[order]], active[owner, read.limit[order]] = read.since[order], read.active[order]
    return Breaches(read.limits, since, active)
