"""What trading costs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..errors import MarketError
from ..units import FrozenArrays, frozen


@dataclass(frozen=True, eq=False)
class Costs(FrozenArrays):
    """Proportional cost, a fee per trade and market impact.

    A trade ``z`` (weight) of asset i costs ``kappa_i |z| + iota_i |z|^1.5`` of NAV plus the ticket fee, with
    ``iota_i = impact * daily volatility_i * sqrt(NAV / adv_i)`` (Boyd and others, Multi-Period Trading, 2017, 2.3).

    Parameters
    ----------
    proportional
        ``kappa``, shape (n,) or one number: one-way, decimal of traded value; the cash costs nothing.
    ticket_fee
        Money per trade.
    impact
        The coefficient of the 3/2-power law, about 1 in the literature; 0 for none.
    adv
        Average daily traded value in money, shape (n,); NaN or infinity where unknown, which means no impact.
    """

    proportional: np.ndarray
    ticket_fee: float = 0.0
    impact: float = 0.0
    adv: np.ndarray = field(default_factory=lambda: frozen(np.inf))

    def __post_init__(self) -> None:
        """Check the signs: a negative cost is free money, and an optimiser finds it."""
        kappa, adv = frozen(self.proportional), np.array(self.adv, dtype=float)
        adv[np.isnan(adv)] = np.inf
        for what, bad in (
            ("cost_bps", ~np.isfinite(kappa) | (kappa < 0) | (kappa >= 1)),
            ("adv", adv <= 0),
            ("ticket_fee", not (np.isfinite(self.ticket_fee) and self.ticket_fee >= 0)),
            ("impact", not (np.isfinite(self.impact) and self.impact >= 0)),
        ):
            if np.any(bad):
                raise MarketError(
                    f"{what} is negative, too large or not a number",
                    code="BAD_COST",
                    table="assets",
                    field=what,
                    mend="a non-negative number",
                )
        object.__setattr__(self, "proportional", kappa)
        object.__setattr__(self, "adv", frozen(adv))

    def iota(self, volatilities: np.ndarray, nav: np.ndarray | float) -> np.ndarray:
        """Return the impact coefficient of each asset at this NAV, shape (..., n)."""
        daily = volatilities / np.sqrt(252.0)
        return self.impact * daily * np.sqrt(np.maximum(np.asarray(nav)[..., None], 0.0) / self.adv)
