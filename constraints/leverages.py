"""How large the gross weight may be where shorts are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Box, Term, Trades


@dataclass(frozen=True)
class Leverage(Limit):
    """``sum |w_i| <= most`` over the assets that are not cash; required when a policy is not long-only.

    It also bounds every single weight by ``most`` and the cash by ``1 - most`` and ``1 + most``, which it implies.

    >>> str(Leverage("150%"))
    'gross weight outside cash is at most 150.00%'
    """

    kind: ClassVar[str] = "leverage"
    overridable: ClassVar[bool] = True
    shared: ClassVar[bool] = True
    most: Rate = 1.0

    def __post_init__(self) -> None:
        """Read the number."""
        super().__post_init__()
        read_rates(self, "most", most=100.0)
        if self.on is not None:
            raise self.error("on", self.on, "leave it out: leverage is of everything but cash")

    @property
    def loosest(self) -> float:
        """The policy's own number."""
        return float(self.most)

    def terms(self, context: Context) -> tuple[Term, ...]:
        """Return a Trades term measured from zero, and the box that it implies."""
        most, each = self.tightened(context), np.asarray(self.tightened(context))[..., None]
        risky = np.ones(len(context.market.universe))
        risky[context.market.universe.cash] = 0.0
        shape = np.shape(context.strategic)
        lo = np.broadcast_to(-each * risky + (1 - each) * (1 - risky), shape)
        hi = np.broadcast_to(each * risky + (1 + each) * (1 - risky), shape)
        return (Trades(risky, risky, np.zeros_like(risky), most, from_zero=True), Box(lo, hi))

    def __str__(self) -> str:
        """Say it as a committee would."""
        return f"gross weight outside cash is at most {percent(float(self.most))}"
