"""Named shocks: what assets or classes are supposed to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import ViewError
from ..units import FrozenMap, decimal
from .universes import Universe


@dataclass(frozen=True)
class Shock:
    """Moves by asset, class or group, decimal; the narrower name wins, and among equals the later.

    >>> u = Universe(("SPY", "EEM", "TLT"), ("equity", "equity", "bonds"))
    >>> Shock("2008", {"equity": -0.4, "EEM": -0.5, "bonds": "10%"}).vector(u)
    array([-0.4, -0.5,  0.1,  0. ])
    """

    name: str
    moves: Mapping[str, float]

    def __post_init__(self) -> None:
        """Read percents; nothing loses more than everything."""
        try:
            moves = {str(k): decimal(v) for k, v in dict(self.moves).items()}
        except ValueError as error:
            raise ViewError(f"shock {self.name!r}: {error}", code="BAD_SHOCK", field="moves") from None
        for name, move in moves.items():
            if move < -1.0:
                raise ViewError(
                    f"shock {self.name!r}: {name!r} loses more than everything",
                    code="BAD_SHOCK",
                    field="moves",
                    value=move,
                    mend="a decimal of at least -1",
                )
        object.__setattr__(self, "moves", FrozenMap(moves))

    def vector(self, universe: Universe) -> np.ndarray:
        """Return the move of each asset; raise ``MarketError`` on an unknown name."""
        moves = np.zeros(len(universe))
        for name in sorted(self.moves, key=lambda n: -int(universe.members(n).sum())):
            moves[universe.members(name)] = self.moves[name]
        return moves
