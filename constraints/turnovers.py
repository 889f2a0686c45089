"""How much may change hands in one rebalance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Trades


@dataclass(frozen=True)
class Turnover(Limit):
    """``max(buys - inflow, sells - outflow) <= most`` over the assets that are not cash, decimals of NAV.

    A 5 % switch is 5 %, selling 20 % into cash is 20 %; investing a deposit or raising a withdrawal is nothing.

    >>> str(Turnover("10%"))
    'one-way turnover is at most 10.00% a rebalance'
    """

    kind: ClassVar[str] = "turnover"
    overridable: ClassVar[bool] = True
    most: Rate = 0.0

    def __post_init__(self) -> None:
        """Read the number."""
        super().__post_init__()
        read_rates(self, "most", most=2.0)

    @property
    def loosest(self) -> float:
        """The policy's own number."""
        return float(self.most)

    def terms(self, context: Context) -> tuple[Trades, ...]:
        """Return one term for the buys and one for the sells."""
        on = self.mask(context).astype(float)
        on[context.market.universe.cash] = 0.0
        none, most = np.zeros_like(on), self.tightened(context)
        return (
            Trades(on, none, none, most, base=context.inflow),
            Trades(none, on, none, most, base=context.outflow),
        )

    def __str__(self) -> str:
        """Say it as a committee would."""
        of = f" of {self.words_on()}" if self.on is not None else ""
        return f"one-way turnover{of} is at most {percent(float(self.most))} a rebalance"
