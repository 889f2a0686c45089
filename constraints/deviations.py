"""How far a weight may lean from its strategic weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..units import decimal, percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Box


@dataclass(frozen=True)
class Deviation(Limit):
    """``b - down <= w <= b + up`` on each asset of ``on``.

    ``most`` serves both sides; ``up`` and ``down`` replace it on one.

    >>> str(Deviation("5%"))
    'each asset stays within 5.00% of its strategic weight'
    """

    kind: ClassVar[str] = "deviation"
    overridable: ClassVar[bool] = True
    shared: ClassVar[bool] = True
    most: Rate | None = None
    up: Rate | None = None
    down: Rate | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "most", "up", "down")
        if self.most is None and (self.up is None or self.down is None):
            raise self.error("most", None, "give most, or both up and down")

    @property
    def sides(self) -> tuple[float, float]:
        """How far above and below strategic."""
        up, down = (self.most if side is None else side for side in (self.up, self.down))
        return decimal(up), decimal(down)

    @property
    def loosest(self) -> float:
        """The wider of the two sides."""
        return max(self.sides)

    def leeway(self, context: Context) -> tuple[np.ndarray, np.ndarray]:
        """Return how far below and above strategic each asset may be, shape (..., n); infinite off the limit."""
        mask = self.mask(context)
        up, down = self.sides
        if self.name in context.overrides:
            own = np.asarray(self.tightened(context))[..., None]
            up, down = np.minimum(up, own), np.minimum(down, own)
        shape = np.shape(context.strategic)
        return np.broadcast_to(np.where(mask, down, np.inf), shape), np.broadcast_to(np.where(mask, up, np.inf), shape)

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box."""
        down, up = self.leeway(context)
        return (Box(context.strategic - down, context.strategic + up),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        up, down = self.sides
        if up == down:
            return f"{self.words_on()} stays within {percent(up)} of its strategic weight"
        return f"{self.words_on()} stays between {percent(down)} below and {percent(up)} above its strategic weight"
