"""How large a single weight may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .limits import Context, Limit, Rate, check_range, ends, range_words, read_rates
from .terms import Box


@dataclass(frozen=True)
class Position(Limit):
    """``least <= w <= most`` on each asset of ``on``.

    >>> str(Position("equity", most="30%"))
    'equity: each weight is at most 30.00%'
    """

    kind: ClassVar[str] = "position"
    shared: ClassVar[bool] = True
    on: str | tuple[str, ...] | None = None
    least: Rate | None = None
    most: Rate | None = None

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        read_rates(self, "least", "most", least=-10.0, most=10.0)
        check_range(self, self.least, self.most)

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return one box."""
        mask = np.broadcast_to(self.mask(context), np.shape(context.strategic))
        least, most = ends(self.least, self.most)
        return (Box(np.where(mask, least, -np.inf), np.where(mask, most, np.inf)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        where = "" if self.on is None else f"{self.words_on()}: "
        return f"{where}each weight is {range_words(self.least, self.most)}"
