"""How much cash stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import decimal
from .limits import Context, Limit, Rate, check_range, range_words, read_rates
from .terms import Box, Term, Trades


def floor(context: Context, least: float | np.ndarray) -> Trades:
    """State that cash after the costs of trading stays at or above ``least``: ``-cash + costs <= -least``."""
    market = context.market
    row = np.zeros(len(market.universe))
    row[market.universe.cash] = -1.0
    iota = market.costs.iota(market.risk.volatilities, context.nav) if market.costs.impact else None
    kappa = market.costs.proportional
    return Trades(kappa, kappa, row, np.broadcast_to(-least, np.shape(context.nav)), impact=iota, at_least=True)


@dataclass(frozen=True)
class Cash(Limit):
    """Cash after costs is at least ``least`` and ``least_value``; cash before costs is at most ``most``.

    ``least_value`` is money: a reserve for a payment that is coming. The larger of the two floors holds.

    A long-only mandate keeps cash after costs at or above 0 even where no such limit is written.

    >>> str(Cash(least="0.5%"))
    'cash is at least 0.50%'
    """

    kind: ClassVar[str] = "cash"
    least: Rate | None = None
    most: Rate | None = None
    least_value: float = 0.0

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "least", "most", least=-1.0)
        if not (np.isfinite(self.least_value) and self.least_value >= 0):
            raise self.error("least_value", self.least_value, "money, at least 0")
        if not (self.least_value and self.least is None and self.most is None):
            check_range(self, self.least, self.most)
        if self.on is not None:
            raise self.error("on", self.on, "leave it out: there is one cash; use a position limit for other assets")

    @property
    def shared(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether every account has it alike: money is another part of each account."""
        return not self.least_value

    def terms(self, context: Context) -> tuple[Term, ...]:
        """Return a Trades term for the floor and a box for the ceiling."""
        terms: list[Term] = []
        if self.least is not None or self.least_value:
            least = -np.inf if self.least is None else decimal(self.least)
            reserve = self.least_value / np.asarray(context.nav) if self.least_value else -np.inf
            terms.append(floor(context, np.maximum(least, reserve)))
        if self.most is not None:
            hi = np.full_like(context.strategic, np.inf)
            hi[..., context.market.universe.cash] = decimal(self.most)
            terms.append(Box(np.full_like(hi, -np.inf), hi))
        return tuple(terms)

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = [] if self.least is None and self.most is None else [range_words(self.least, self.most)]
        words += [f"at least {self.least_value:,.2f} in money"] if self.least_value else []
        return f"cash is {' and '.join(words)}"
