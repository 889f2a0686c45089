"""How much risk a portfolio may carry in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import percent
from .limits import Context, Limit, Rate, read_rates
from .terms import RiskBall


@dataclass(frozen=True)
class Volatility(Limit):
    """``sqrt(w' Sigma w) <= most``, ex ante, annual; of some assets with ``on``.

    >>> str(Volatility("10%"))
    'volatility is at most 10.00% a year'
    """

    kind: ClassVar[str] = "volatility"
    overridable: ClassVar[bool] = True
    shared: ClassVar[bool] = True
    most: Rate = 0.0

    def __post_init__(self) -> None:
        """Read the number."""
        super().__post_init__()
        read_rates(self, "most")

    @property
    def loosest(self) -> float:
        """The policy's own number."""
        return float(self.most)

    def terms(self, context: Context) -> tuple[RiskBall, ...]:
        """Return one ball around nothing."""
        return (RiskBall(self.mask(context), np.zeros_like(context.strategic), self.tightened(context)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        of = f" of {self.words_on()}" if self.on is not None else ""
        return f"volatility{of} is at most {percent(float(self.most))} a year"
