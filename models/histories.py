"""What accounts have traded: the memory that yearly turnover, cooldowns and holding periods are counted from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import AccountError
from ..units import did_you_mean
from .universes import Universe

YEAR = 365
"""Days that yearly turnover looks back, the day itself included."""

_DAYS = dt.date.max.toordinal() + 1

MOST_WEIGHT = 10.0
"""Beyond ten times NAV a percent was meant as a decimal."""


@dataclass(frozen=True)
class PastTrade:
    """What was traded of an asset on a day: signed weight, decimal of NAV of that day."""

    asset: str
    date: dt.date
    weight: float


@dataclass(frozen=True, eq=False)
class History:
    """The past trades of some accounts, a row a trade.

    Parameters
    ----------
    owner, asset
        Positions of account and asset; the rows of an account keep their order.
    day
        Ordinals.
    weight
        Signed, decimal of NAV.
    accounts
        How many accounts there are, those without a row too.
    """

    owner: np.ndarray
    asset: np.ndarray
    day: np.ndarray
    weight: np.ndarray
    accounts: int = 1

    def pick(self, which: np.ndarray) -> History:
        """Return that of some accounts: positions or a mask."""
        chosen = np.arange(self.accounts)[which]
        new = np.full(self.accounts, -1)
        new[chosen] = np.arange(len(chosen))
        rows = np.flatnonzero(new[self.owner] >= 0)
        rows = rows[np.argsort(new[self.owner[rows]], kind="stable")]
        return History(new[self.owner[rows]], self.asset[rows], self.day[rows], self.weight[rows], len(chosen))

    def between(self, after: float, day: float) -> History:
        """Return the rows after one day and not after another: what comes later nobody knew."""
        kept = (self.day > after) & (self.day <= day) & (self.weight != 0)
        return History(self.owner[kept], self.asset[kept], self.day[kept], self.weight[kept], self.accounts)

    def turnover(self, counted: np.ndarray) -> np.ndarray:
        """Return the sum over days of ``max(buys, sells)`` of the assets of a mask, shape (accounts,).

        Each account's own rows are added up in the order of their days: its bits are its own.
        """
        kept = counted[self.asset]
        owner, weight = self.owner[kept], self.weight[kept]
        days, which = np.unique(owner * _DAYS + self.day[kept].astype(np.int64), return_inverse=True)
        buys, sells = (np.bincount(which, np.maximum(side * weight, 0.0), len(days)) for side in (1.0, -1.0))
        return np.bincount(days // _DAYS, np.maximum(buys, sells), self.accounts)

    def last(self, n: int) -> np.ndarray:
        """Return the day of the last sell and of the last buy of each asset, shape (accounts, 2, n); NaN for none."""
        last = np.full((self.accounts, 2, n), -np.inf)
        np.maximum.at(last, (self.owner, (self.weight > 0).astype(np.int64), self.asset), self.day)
        return np.where(np.isfinite(last), last, np.nan)

    def bought(self, n: int) -> np.ndarray:
        """Return what was bought of each asset, decimal of NAV, shape (accounts, n)."""
        flat = np.bincount(self.owner * n + self.asset, np.maximum(self.weight, 0.0), self.accounts * n)
        return flat.reshape(self.accounts, n)


def read_history(trades: Iterable[PastTrade], universe: Universe) -> History | None:
    """Put the past trades of one account into arrays; None where there are none.

    Raises
    ------
    AccountError
        An unknown asset, a weight that is no number.
    """
    rows = []
    for one in trades:
        if one.asset not in universe.positions:
            raise AccountError(
                f"{one.asset!r} is not in the assets table",
                code="UNKNOWN_ASSET",
                table="history",
                field="asset_id",
                value=one.asset,
                mend=did_you_mean(one.asset, universe.assets) or "add it to the assets table",
            )
        if not (math.isfinite(one.weight) and abs(one.weight) <= MOST_WEIGHT):
            raise AccountError(
                f"the weight of {one.asset!r} traded on {one.date} is {one.weight}",
                code="BAD_WEIGHT",
                table="history",
                field="weight",
                value=one.weight,
                mend="a signed decimal of NAV: -0.05 for 5% sold",
            )
        rows.append((universe.positions[one.asset], one.date.toordinal(), one.weight))
    if not rows:
        return None
    asset, day, weight = zip(*rows, strict=True)
    return History(
        np.zeros(len(rows), dtype=np.int64), np.array(asset, dtype=np.int64), np.array(day, dtype=float),
        np.array(weight, dtype=float),
    )  # fmt: skip


def stack_histories(each: Sequence[History | None]) -> History | None:
    """Put the past trades of accounts one behind the other; None where nobody has traded."""
    there = [(i, history) for i, history in enumerate(each) if history is not None]
    if not there:
        return None
    owner = np.concatenate([np.full(len(history.day), i) for i, history in there])
    asset, day, weight = (np.concatenate([getattr(h, x) for _, h in there]) for x in ("asset", "day", "weight"))
    return History(owner, asset, day, weight, len(each))
