"""How much a named shock may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from ..errors import MarketError, PolicyError, ViewError
from ..models.shocks import Shock
from ..units import FrozenMap, percent
from .limits import Context, Limit, Rate, read_rates
from .terms import Rows


@dataclass(frozen=True)
class Stress(Limit):
    """``-m'w <= most``: the loss under a shock ``m`` (or, around strategic, ``-m'(w - b)``), as a decimal of NAV.

    ``moves`` are returns by asset, class or group; the narrower name wins (:class:`trimtab.models.Shock`). Nothing is
    traded on the way, and what has no move stands still.

    >>> str(Stress("2008", {"equity": "-40%", "bonds": "8%"}, most="20%"))
    'a shock like 2008 loses at most 20.00%'
    """

    kind: ClassVar[str] = "stress"
    shared: ClassVar[bool] = True
    overridable: ClassVar[bool] = True
    shock: str = ""
    moves: Mapping[str, Rate] = field(default_factory=FrozenMap)
    most: Rate | None = None
    around: Literal["zero", "strategic"] = "zero"

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        if self.most is None:
            raise self.error("most", None, "give the largest loss, a decimal of NAV")
        read_rates(self, "most", most=10.0)
        if not self.shock:
            raise self.error("shock", self.shock, "give the shock a name")
        if not self.moves:
            raise self.error("moves", None, 'say what moves: {"equity": "-40%"}')
        if self.around not in ("zero", "strategic"):
            raise self.error("around", self.around, "zero or strategic")
        if self.on is not None:
            raise self.error("on", self.on, "leave it out: a shock names what it moves")
        try:
            object.__setattr__(self, "moves", self._shock.moves)
        except ViewError as error:
            raise self.error("moves", dict(self.moves), error.mend or error.message) from None

    @classmethod
    def of(cls, shock: Shock, most: Rate) -> Stress:
        """Make the limit of a shock that is already there."""
        return cls(shock.name, shock.moves, most)

    @property
    def _shock(self) -> Shock:
        return Shock(self.shock, self.moves)  # pyright: ignore[reportArgumentType]  (a shock reads percents)

    @property
    def loosest(self) -> float:
        """The policy's own number."""
        return float(self.most or 0.0)

    def terms(self, context: Context) -> tuple[Rows, ...]:
        """Return one row."""
        try:
            row = -self._shock.vector(context.market.universe)
        except MarketError as error:
            raise PolicyError(
                f"limit {self.name!r}: {error.message}",
                code=error.code,
                table="policy",
                field="moves",
                value=error.value,
                mend=error.mend,
            ) from None
        centre = np.einsum("n,...n->...", row, context.strategic)[..., None] if self.around == "strategic" else 0.0
        shape = (*np.shape(context.strategic)[:-1], 1)
        most = np.broadcast_to(centre + np.asarray(self.tightened(context))[..., None], shape)
        return (Rows(row[None, :], np.full(shape, -np.inf), most, (self.shock,)),)

    def __str__(self) -> str:
        """Say it as a committee would."""
        than = " more than the strategic weights" if self.around == "strategic" else ""
        return f"a shock like {self.shock} loses at most {percent(self.loosest)}{than}"
