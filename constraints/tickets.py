"""How trades may be sized and how many there may be: rules for whole trades, met when the target is chosen.

No convex program can say "at least 1,000 or nothing". The ideal weights are found without these limits; the target is
the nearest thing to the ideal that meets them (:mod:`trimtab.optimizer.trades`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import decimal, percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Box


@dataclass(frozen=True)
class TradeSize(Limit):
    """No trade smaller than ``least`` (decimal of NAV) or ``least_value`` (money); none larger than ``most``.

    A ``tier`` is of ``most``: the smallest ticket is hard.

    >>> str(TradeSize(least_value=1000))
    'no trade is smaller than 1,000.00'
    """

    kind: ClassVar[str] = "trade_size"
    least: Rate = 0.0
    least_value: float = 0.0
    most: Rate | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "least", "most")
        if self.tier and self.most is None:
            raise self.error("tier", self.tier, "0: a smallest ticket never gives way; softer limits give way to it")
        if not (np.isfinite(self.least_value) and self.least_value >= 0):
            raise self.error("least_value", self.least_value, "money, at least 0")

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return the box of the largest trade; the smallest is no convex term."""
        if self.most is None:
            return ()
        largest = decimal(self.most)
        mask = self.mask(context) & (np.arange(len(context.market.universe)) != context.market.universe.cash)
        return (
            Box(np.where(mask, context.current - largest, -np.inf), np.where(mask, context.current + largest, np.inf)),
        )

    def smallest(self, context: Context) -> np.ndarray:
        """Return the smallest trade of each asset, decimal of NAV, shape (..., n)."""
        size = np.maximum(float(self.least), np.asarray(self.least_value / np.asarray(context.nav)))[..., None]
        return np.where(self.mask(context), size, 0.0)

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = []
        if self.least:
            words.append(f"smaller than {percent(float(self.least))}")
        if self.least_value:
            words.append(f"smaller than {self.least_value:,.2f}")
        if self.most is not None:
            words.append(f"larger than {percent(float(self.most))}")
        return f"no trade is {' or '.join(words)}"


@dataclass(frozen=True)
class TradeCount(Limit):
    """At most ``most`` trades a rebalance; the cash is no trade.

    >>> str(TradeCount(8))
    'at most 8 trades'
    """

    kind: ClassVar[str] = "trade_count"
    most: int = 0

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        if isinstance(self.most, bool) or int(self.most) != self.most or self.most < 0:
            raise self.error("most", self.most, "a whole number")
        _refuse_tier(self, "a count of trades")
        object.__setattr__(self, "most", int(self.most))

    def terms(self, context: Context) -> tuple[()]:
        """Return nothing: a count is no convex term."""
        return ()

    def __str__(self) -> str:
        """Say it as a committee would."""
        return f"at most {self.most} trades"


@dataclass(frozen=True)
class Lots(Limit):
    """Assets trade in whole lots: of ``size`` units, or of the ``lot_size`` of the assets table.

    >>> str(Lots())
    'trades are in whole lots'
    """

    kind: ClassVar[str] = "lots"
    size: float | None = None

    def __post_init__(self) -> None:
        """Check the number."""
        super().__post_init__()
        if self.size is not None and not (np.isfinite(self.size) and self.size > 0):
            raise self.error("size", self.size, "a positive number of units")
        _refuse_tier(self, "a whole lot")

    def terms(self, context: Context) -> tuple[()]:
        """Return nothing: lots are no convex term."""
        return ()

    def units(self, context: Context) -> np.ndarray:
        """Return the lot of each asset in units, 0 for fractional, shape (n,)."""
        lots = np.where(self.mask(context), context.market.lots if self.size is None else self.size, 0.0)
        lots[context.market.universe.cash] = 0.0
        return lots

    def __str__(self) -> str:
        """Say it as a committee would."""
        return "trades are in whole lots" + (f" of {self.size:g}" if self.size is not None else "")


def _refuse_tier(limit: Limit, what: str) -> None:
    if limit.tier:
        raise limit.error("tier", limit.tier, f"0: {what} never gives way; softer limits give way to it")
