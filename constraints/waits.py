"""How long an asset that was just traded is left alone: cooldowns and minimum holding periods, from past trades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .limits import Context, Limit
from .terms import Box


def _check_days(limit: Limit, days: object) -> None:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36500:
        raise limit.error("days", days, "a whole number of days, at least 1")


def _tradable(limit: Limit, context: Context) -> np.ndarray:
    mask = limit.mask(context)
    mask[context.market.universe.cash] = False
    return mask


@dataclass(frozen=True)
class Cooldown(Limit):
    """For ``days`` days after a trade in an asset it may not trade the other way, or not at all.

    ``trades = "opposite"`` (the default) is what the field means by a reversal or round-trip rule: who has bought may
    buy more and may not sell, and the other way round; the last trade counts. ``"all"`` leaves the asset alone
    altogether. The tilt's ``frequency`` multiplies the days. A sale of 1 March with 30 days bars buys through 30 March.

    >>> str(Cooldown(30))
    'each asset: no trade the other way for 30 days after a trade'
    """

    kind: ClassVar[str] = "cooldown"
    days: int = 0
    trades: Literal["opposite", "all"] = "opposite"

    def __post_init__(self) -> None:
        """Check the numbers."""
        super().__post_init__()
        _check_days(self, self.days)
        if self.trades not in ("opposite", "all"):
            raise self.error("trades", self.trades, "opposite or all")

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box, or nothing where nobody has traded."""
        if context.history is None:
            return ()
        n = len(context.market.universe)
        recent = context.history.between(context.day - self.days * context.frequency, context.day)
        last = recent.last(n) if np.ndim(context.strategic) > 1 else recent.last(n)[0]
        sold, bought = last[..., 0, :], last[..., 1, :]
        if self.trades == "all":
            still_sell = still_buy = ~np.isnan(sold) | ~np.isnan(bought)
        else:  # of both on one day neither is the last: nothing more may be turned round
            still_buy = ~np.isnan(sold) & ~(bought > sold)
            still_sell = ~np.isnan(bought) & ~(sold > bought)
        mask = _tradable(self, context)
        return (
            Box(
                np.where(mask & still_sell, context.current, -np.inf),
                np.where(mask & still_buy, context.current, np.inf),
            ),
        )

    def __str__(self) -> str:
        """Say it as a committee would."""
        what = "no trade" if self.trades == "all" else "no trade the other way"
        return f"{self.words_on()}: {what} for {self.days} days after a trade"


@dataclass(frozen=True)
class Holding(Limit):
    """What was bought of an asset is held for ``days`` days: ``w >= min(w0, bought within those days)``.

    First in, first out: what has been held longer may be sold at any time. Weights bought are decimals of the NAV of
    their day; short positions are not held.

    >>> str(Holding(90, on="SPY"))
    'SPY: what is bought is held for at least 90 days'
    """

    kind: ClassVar[str] = "holding"
    days: int = 0

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        _check_days(self, self.days)

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box, or nothing where nobody has traded."""
        if context.history is None:
            return ()
        n = len(context.market.universe)
        recent = context.history.between(context.day - self.days, context.day).bought(n)
        bought = recent if np.ndim(context.strategic) > 1 else recent[0]
        held = np.minimum(bought, np.maximum(context.current, 0.0))
        lo = np.where(_tradable(self, context) & (bought > 0), held, -np.inf)
        return (Box(lo, np.full_like(lo, np.inf)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        return f"{self.words_on()}: what is bought is held for at least {self.days} days"
