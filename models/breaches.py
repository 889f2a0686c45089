"""Limits that accounts stand outside of: since when, and whether the market or a decision took them there.

Two forms of one thing: :class:`Breach` is a row of the ``breaches`` table, :class:`Breaches` the arrays that one
account or a chunk of accounts is computed from. Days are proleptic ordinals as floats, NaN for none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import AccountError
from ..units import Each

Origin = Literal["passive", "active"]
ORIGINS: tuple[Origin, ...] = ("passive", "active")


@dataclass(frozen=True)
class Breach:
    """A grandfathered limit that an account stands outside of.

    Parameters
    ----------
    limit
        Its name in the policy.
    since
        The first day the account was found outside.
    origin
        ``passive``: the market or a cash flow took it there; ``active``: a trade or a change of the limit did.
    until
        The day on which the limit stops grandfathering; None where it has no days of cure.
    days, excess
        As a proposal tells them: days since, and how far outside it still is, in the limit's unit.
    """

    limit: str
    since: dt.date
    origin: Origin = "passive"
    until: dt.date | None = None
    days: int = 0
    excess: float = 0.0


@dataclass(frozen=True, eq=False)
class Breaches:
    """The breaches of one account or of many: limits, and shape (..., q) for q of them.

    Parameters
    ----------
    limits
        Names, each once.
    since
        Days, NaN where an account is inside.
    active
        Whether a decision took it there.
    """

    limits: tuple[str, ...]
    since: np.ndarray
    active: np.ndarray

    def pick(self, which: int | np.ndarray | None) -> Breaches:
        """Return those of some accounts: positions or a mask; of one account with an axis more, by None."""
        return replace(self, since=self.since[which], active=self.active[which])

    def of(self, limit: str) -> tuple[Each, Each]:
        """Return since when each account is outside a limit, and whether by a decision; NaN and False for inside."""
        if limit not in self.limits:
            shape = self.since.shape[:-1]
            return np.full(shape, np.nan), np.zeros(shape, dtype=bool)
        at = self.limits.index(limit)
        return self.since[..., at], self.active[..., at]


def read_breaches(rows: Iterable[Breach]) -> Breaches | None:
    """Put the breaches of one account into arrays; None where there is none.

    Raises
    ------
    AccountError
        An unknown origin, a limit twice.
    """
    rows = tuple(rows)
    if not rows:
        return None
    limits = tuple(one.limit for one in rows)
    for one in rows:
        if one.origin not in ORIGINS:
            words = f"the origin of its breach of {one.limit!r} is {one.origin!r}"
            raise _fault("origin", one.origin, "BAD_ORIGIN", words, " or ".join(ORIGINS))
        if limits.count(one.limit) > 1:
            words = f"it has two breaches of {one.limit!r}"
            raise _fault("limit", one.limit, "DUPLICATE_BREACH", words, "keep the older one")
    since = np.array([float(one.since.toordinal()) for one in rows])
    return Breaches(limits, since, np.array([one.origin == "active" for one in rows]))


def stack_breaches(each: Sequence[Breaches | None]) -> Breaches | None:
    """Put the breaches of accounts side by side; None where nobody has any."""
    limits = tuple(dict.fromkeys(name for one in each if one is not None for name in one.limits))
    if not limits:
        return None
    since = np.full((len(each), len(limits)), np.nan)
    active = np.zeros(since.shape, dtype=bool)
    for i, one in enumerate(each):
        if one is not None:
            at = [limits.index(name) for name in one.limits]
            since[i, at], active[i, at] = one.since, one.active
    return Breaches(limits, since, active)


def _fault(field: str, value: object, code: str, words: str, mend: str) -> AccountError:
    return AccountError(words, code=code, table="breaches", field=field, value=value, mend=mend)
