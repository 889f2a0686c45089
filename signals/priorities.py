"""What overlays and rules do, one act at a time, and whose word counts where two of them disagree.

Acts come in a declared order. Two acts disagree on an asset where one leans towards more of it and the other towards
less (a falling asset that is cheap), or where they multiply one channel there in opposite directions. Then the later
one gives way on that asset, and it is said. A shift that loses assets on one side becomes as much smaller on the other,
so that it still sums to zero; one that has lost a whole side is set aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..models.causes import SIGNALS, Cause
from ..models.tilts import NO_TILT, Tilt
from ..models.universes import Universe
from ..units import FrozenArrays

_NEUTRAL = 1e-12


@dataclass(frozen=True, eq=False)
class Act(FrozenArrays):
    """One thing that one overlay or rule does in one channel.

    Parameters
    ----------
    by, id
        ``"overlay"`` or ``"rule"``, and what its part of a trade is called.
    source
        The overlay or rule: acts of one source never disagree.
    channel, about
        Where it acts, and on what, in words.
    values
        A shift or multipliers, shape (n,); shape (1,) for aversion and frequency.
    lean
        Of each asset: 1 towards more of it, -1 towards less, 0 neither, shape (n,). What a shift is paid from does not
        lean.
    because
        With the figures.
    """

    by: str
    id: str
    source: str
    channel: str
    about: str
    values: np.ndarray
    lean: np.ndarray
    because: str

    @property
    def name(self) -> str:
        """What it is called where it is reported."""
        return f"{self.by}: {self.id}"

    @property
    def idle(self) -> bool:
        """Whether it does nothing."""
        neutral = 0.0 if self.channel == "target" else 1.0
        return bool(np.abs(self.values - neutral).max() <= _NEUTRAL)

    def tilt(self) -> Tilt:
        """Return what it does as a tilt with its cause; a rule that fires or ends is like a view that comes or goes."""
        cause = Cause(self.channel, self.id, SIGNALS, self.because, self.by, tuple(self.values))
        each = self.values
        made = {
            "target": lambda: Tilt(target=each, causes=(cause,)),
            "risk": lambda: Tilt(risk=each, causes=(cause,)),
            "aversion": lambda: Tilt(aversion=float(each[0]), causes=(cause,)),
            "band_low": lambda: Tilt(band_low=each, causes=(cause,)),
            "band_high": lambda: Tilt(band_high=each, causes=(cause,)),
            "buy_pace": lambda: Tilt(buy_pace=each, causes=(cause,)),
            "sell_pace": lambda: Tilt(sell_pace=each, causes=(cause,)),
            "frequency": lambda: Tilt(frequency=float(each[0]), causes=(cause,)),
        }
        said = repr((self.id, self.channel, self.about, self.values.round(9).tolist()))
        marks = (hashlib.sha256(said.encode()).hexdigest()[:16],) if self.by == "rule" else ()
        return replace(made[self.channel](), marks=marks)


@dataclass(frozen=True)
class Conflict:
    """Two acts that disagreed: who gave way to whom, on what, and in which channel."""

    gave_way: str
    channel: str
    outranked_by: str
    on: tuple[str, ...]

    def __str__(self) -> str:
        """Say it."""
        where = ", ".join(self.on) or "the whole"
        return (
            f"{self.gave_way} gives way on {where} ({self.channel.replace('_', ' ')}): {self.outranked_by} comes first"
        )


def settle(acts: Iterable[Act], universe: Universe) -> tuple[tuple[Act, ...], tuple[Conflict, ...]]:
    """Keep of each act what no earlier one speaks against.

    Parameters
    ----------
    acts
        In the order in which their word counts.

    Returns
    -------
    tuple, tuple
        The acts that stand, some of them on fewer assets, and the conflicts.
    """
    kept: list[Act] = []
    conflicts: list[Conflict] = []
    for act in acts:
        stands: Act | None = act
        for other in kept:
            if stands is None or other.source == act.source:
                continue
            against = _against(stands, other)
            if not against.any():
                continue
            whole = len(act.values) == 1
            on = () if whole else tuple(a for a, hit in zip(universe.assets, against, strict=True) if hit)
            conflicts.append(Conflict(act.name, act.channel, other.name, on))
            values = _without(stands, against)
            stands = None if values is None else replace(stands, values=values, lean=stands.lean * ~against)
        if stands is not None and not stands.idle:
            kept.append(stands)
    return tuple(kept), tuple(dict.fromkeys(conflicts))


def _against(act: Act, other: Act) -> np.ndarray:
    """Return on which assets an act disagrees with an earlier one; shape (1,) in channels that are of the whole."""
    both = act.lean * other.lean < 0
    if act.channel != other.channel or act.channel == "target":
        return both if len(act.values) > 1 else np.zeros(1, dtype=bool)
    opposed = np.log(np.maximum(act.values, 1e-9)) * np.log(np.maximum(other.values, 1e-9)) < -(_NEUTRAL**2)
    return opposed | both if len(act.values) > 1 else opposed


def _without(act: Act, against: np.ndarray) -> np.ndarray | None:
    """Return what is left of an act without some assets; None where that is nothing."""
    if len(act.values) == 1:
        return None
    if act.channel != "target":
        left = np.where(against, 1.0, act.values)
        return left if (left != 1.0).any() else None
    left = np.where(against, 0.0, act.values)
    bought, sold = np.maximum(left, 0.0), np.maximum(-left, 0.0)
    both = min(bought.sum(), sold.sum())
    if both <= _NEUTRAL:
        return None
    return bought * (both / bought.sum()) - sold * (both / sold.sum())


def combine(acts: Sequence[Act]) -> Tilt:
    """Return what acts do together: shifts add, the rest multiplies."""
    return sum((act.tilt() for act in acts), NO_TILT)
