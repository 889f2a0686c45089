"""Overlays: what momentum, valuation, volatility and the state of the economy do to targets, bands, paces and risk.

Each is a frozen noun of numbers with one method, ``acts``: what it does to one model, given what its signals and
regimes say on a day. Whose word counts where two of them disagree is :mod:`.priorities`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..units import FrozenMap
from .grounds import Overlay
from .leanings import MomentumOverlay, ValuationOverlay
from .weathers import MacroOverlay, VolatilityOverlay

OVERLAYS: Mapping[str, type[Overlay]] = FrozenMap(
    {kind.kind: kind for kind in (MomentumOverlay, ValuationOverlay, VolatilityOverlay, MacroOverlay)}
)
"""The overlays that a policy may name, by ``kind``."""
