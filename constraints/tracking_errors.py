"""How far, in risk, a portfolio may lean from its strategic weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..units import percent
from .limits import Context, Limit, Rate, read_rates
from .terms import RiskBall


@dataclass(frozen=True)
class TrackingError(Limit):
    """``sqrt((w - b)' Sigma (w - b)) <= most``, ex ante, annual; of some assets with ``on``.

    >>> str(TrackingError("2%"))
    'tracking error is at most 2.00% a year'
    """

    kind: ClassVar[str] = "tracking_error"
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
        """Return one ball around the strategic weights."""
        return (RiskBall(self.mask(context), context.strategic, self.tightened(context)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        of = f" of {self.words_on()}" if self.on is not None else ""
        return f"tracking error{of} is at most {percent(float(self.most))} a year"
