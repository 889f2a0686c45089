"""Named shocks: what assets or classes are supposed to do, and what becomes of their risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..errors import ViewError
from ..units import FrozenMap, decimal
from .risks import Risk
from .universes import Universe


@dataclass(frozen=True)
class Shock:
    """Moves by asset, class or group, decimal; the narrower name wins, and among equals the later.

    Parameters
    ----------
    name
        What it is called.
    moves
        Returns over the shock; what is not named stands still.
    volatility
        Multipliers of volatilities by asset, class or group, above 0; what is not named keeps its own.
    correlation
        How far every correlation goes from what it is to 1, or to what it is in ``like``: 0 not at all, 1 all the way.
    like
        A risk whose correlations are gone to, of a stressed window, say; None goes to 1.

    >>> u = Universe(("SPY", "EEM", "TLT"), ("equity", "equity", "bonds"))
    >>> Shock("2008", {"equity": -0.4, "EEM": -0.5, "bonds": "10%"}).vector(u)
    array([-0.4, -0.5,  0.1,  0. ])
    """

    name: str
    moves: Mapping[str, float]
    volatility: Mapping[str, float] = field(default_factory=FrozenMap)
    correlation: float = 0.0
    like: Risk | None = None

    def __post_init__(self) -> None:
        """Read percents; nothing loses more than everything."""
        for name, least, mend in (
            ("moves", -1.0, "a decimal of at least -1"),
            ("volatility", 1e-3, "a multiplier above 0: 2 for twice as volatile"),
        ):
            try:
                read = {str(k): decimal(v) for k, v in dict(getattr(self, name)).items()}
            except ValueError as error:
                raise ViewError(f"shock {self.name!r}: {error}", code="BAD_SHOCK", field=name) from None
            for about, value in read.items():
                if value < least:
                    does = "loses more than everything" if name == "moves" else "would be without risk"
                    raise _bad(f"shock {self.name!r}: {about!r} {does}", name, value, mend)
            object.__setattr__(self, name, FrozenMap(read))
        try:
            object.__setattr__(self, "correlation", decimal(self.correlation))
        except ValueError as error:
            raise _bad(
                f"shock {self.name!r}: {error}", "correlation", self.correlation, "a share from 0 to 1"
            ) from None
        if not 0.0 <= self.correlation <= 1.0:
            words = f"shock {self.name!r}: correlation is {self.correlation}"
            raise _bad(words, "correlation", self.correlation, "a share of the way, from 0 to 1")

    @property
    def of_risk(self) -> bool:
        """Whether it changes the risk, not only the prices."""
        return bool(self.volatility) or self.correlation > 0

    def vector(self, universe: Universe) -> np.ndarray:
        """Return the move of each asset; raise ``MarketError`` on an unknown name."""
        return _spread(self.moves, universe, 0.0)

    def multipliers(self, universe: Universe) -> np.ndarray:
        """Return the multiplier of each asset's volatility; raise ``MarketError`` on an unknown name."""
        return _spread(self.volatility, universe, 1.0)

    def risk(self, risk: Risk, universe: Universe) -> Risk:
        r"""Return the risk there is after the shock.

        With s the shocked volatilities, x ``correlation``, C the correlations and T those gone to (1, or ``like``'s)::

            Sigma = diag(s) ((1 - x) C + x T) diag(s)

        A mix of two positive semidefinite matrices is one, so it is a covariance whatever x, and it stays a factor:
        beside the loadings times sqrt(1 - x) stand those of T times sqrt(x).
        """
        if not self.of_risk:
            return risk
        scaled = risk.scaled(self.multipliers(universe))
        if self.correlation == 0.0:
            return scaled
        sizes, kept, gone = scaled.volatilities, np.sqrt(1.0 - self.correlation), np.sqrt(self.correlation)
        if self.like is None:
            loadings, specific = sizes[:, None], np.zeros(len(sizes))
        else:
            own = self.like.volatilities
            unit = np.divide(sizes, own, out=np.zeros_like(sizes), where=own > 0)
            still = (own == 0) & (sizes > 0)  # what did not move there is beside everything else
            loadings, specific = self.like.loadings * unit[:, None], np.where(still, sizes, self.like.specific * unit)
        return Risk(
            np.hstack([kept * scaled.loadings, gone * loadings]),
            np.sqrt((kept * scaled.specific) ** 2 + (gone * specific) ** 2),
        )


def _spread(values: Mapping[str, float], universe: Universe, rest: float) -> np.ndarray:
    out = np.full(len(universe), rest)
    for name in sorted(values, key=lambda n: -int(universe.members(n).sum())):
        out[universe.members(name)] = values[name]
    return out


def _bad(words: str, field_name: str, value: float, mend: str) -> ViewError:
    return ViewError(words, code="BAD_SHOCK", field=field_name, value=value, mend=mend)
