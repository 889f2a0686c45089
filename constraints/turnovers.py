"""How much may change hands in one rebalance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..models.histories import YEAR
from ..units import percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Trades

LARGEST = 2.0
"""Of NAV, one way, in one rebalance: more says nothing."""


@dataclass(frozen=True)
class Turnover(Limit):
    """``max(buys - inflow, sells - outflow) <= most`` over the assets that are not cash, decimals of NAV.

    A 5 % switch is 5 %, selling 20 % into cash is 20 %; investing a deposit or raising a withdrawal is nothing.
    ``per_year`` bounds the sum over the trailing 365 days, today included: what the past trades of the account left of
    it, a day's turnover being the larger of its buys and sells, is the most that today may add.

    >>> str(Turnover("10%"))
    'one-way turnover is at most 10.00% a rebalance'
    >>> str(Turnover(per_year="80%"))
    'one-way turnover is at most 80.00% in 365 days'
    """

    kind: ClassVar[str] = "turnover"
    overridable: ClassVar[bool] = True
    most: Rate | None = None
    per_year: Rate | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "most", most=LARGEST)
        read_rates(self, "per_year", most=100.0)
        if self.most is None and self.per_year is None:
            raise self.error("most", None, "give most, per_year or both")

    @property
    def loosest(self) -> float:
        """The policy's own number a rebalance; an account may bring one where the policy has none."""
        return LARGEST if self.most is None else float(self.most)

    def left(self, context: Context) -> float | np.ndarray:
        """Return what is left of ``per_year``, shape (...): infinite without one."""
        if self.per_year is None or context.history is None:
            return np.inf if self.per_year is None else float(self.per_year)
        on = self.mask(context)
        on[context.market.universe.cash] = False
        recent = context.history.between(context.day - YEAR, context.day)
        left = np.maximum(float(self.per_year) - recent.turnover(on), 0.0)
        return left if np.ndim(context.strategic) > 1 else float(left[0])

    def terms(self, context: Context) -> tuple[Trades, ...]:
        """Return one term for the buys and one for the sells."""
        on = self.mask(context).astype(float)
        on[context.market.universe.cash] = 0.0
        none, most = np.zeros_like(on), np.minimum(self.tightened(context), self.left(context))
        return (
            Trades(on, none, none, most, base=context.inflow),
            Trades(none, on, none, most, base=context.outflow),
        )

    def __str__(self) -> str:
        """Say it as a committee would."""
        of = f" of {self.words_on()}" if self.on is not None else ""
        bounds = ((self.most, "a rebalance"), (self.per_year, f"in {YEAR} days"))
        words = [f"at most {percent(float(bound))} {often}" for bound, often in bounds if bound is not None]
        return f"one-way turnover{of} is {' and '.join(words)}"
