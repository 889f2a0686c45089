"""What every overlay has in common: what it looks at, the model it acts on, and how it says what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..errors import SignalError
from ..models.universes import Universe
from ..units import FrozenMap, decimal
from .definitions import Signal
from .priorities import Act
from .scoring import Score
from .subjects import mix_legs

Rate = float | str
"""A decimal, or what a person writes for one; a decimal once the overlay is made."""


@dataclass(frozen=True)
class Climate:
    """What a regime says on a day: its state, and the probability of each."""

    state: str
    likely: Mapping[str, float] = field(default_factory=FrozenMap)

    def weight(self, states: tuple[str, ...], *, by_probability: bool) -> float:
        """Return how far these states hold: their probability, or 1 or 0 by the state alone."""
        if by_probability and self.likely:
            return float(min(1.0, sum(self.likely.get(state, 0.0) for state in states)))
        return float(self.state in states)


@dataclass(frozen=True, eq=False)
class Readout:
    """What overlays look at: the scores of a day by signal, the signals, and the climates by regime."""

    scores: Mapping[str, Score]
    signals: Mapping[str, Signal]
    climates: Mapping[str, Climate] = field(default_factory=FrozenMap)


@dataclass(frozen=True, eq=False)
class Ground:
    """The model that an overlay acts on: its id, the universe and the strategic weights, shape (n,)."""

    model: str
    universe: Universe
    strategic: np.ndarray

    def row(self, about: str) -> np.ndarray | None:
        """Return legs as weights, shape (n,); None where the model holds nothing of one."""
        row, absent = mix_legs(self.universe.legs(about), self.universe, self.strategic)
        return None if absent else row

    def funded(self, row: np.ndarray, fund: str) -> np.ndarray | None:
        """Return legs that sum to zero: what is missing comes from ``fund``, or from the rest of the model."""
        gap = row.sum()
        if abs(gap) < 1e-12:
            return row
        if fund:
            purse = self.row(fund)
        else:
            rest = np.where(np.abs(row) > 0, 0.0, self.strategic)
            purse = rest / rest.sum() if abs(rest.sum()) > 1e-12 else None
        return None if purse is None else row - gap * purse

    def within(self, shift: np.ndarray) -> np.ndarray:
        """Scale a shift so that it sells no more of anything than the model holds."""
        sold = (shift < 0) & (self.strategic >= 0)
        if not sold.any():
            return shift
        return shift * min(1.0, float((self.strategic[sold] / -shift[sold]).min()))


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """What every overlay has: a name, by which reports call it and the declared order ranks it."""

    kind: ClassVar[str] = ""
    name: str = ""

    def __post_init__(self) -> None:
        """Give the default name."""
        object.__setattr__(self, "name", self.name or self.kind)

    @property
    def signals_read(self) -> tuple[str, ...]:
        """The signals it looks at."""
        return ()

    @property
    def regimes_read(self) -> tuple[str, ...]:
        """The regimes it looks at."""
        return ()

    @property
    def states_read(self) -> tuple[str, ...]:
        """The states it knows of those regimes."""
        return ()

    @property
    def abouts(self) -> tuple[str, ...]:
        """The assets, classes and groups it names itself."""
        return ()

    def acts(self, said: Readout, ground: Ground) -> Iterator[Act]:
        """Yield what it does to one model."""
        raise NotImplementedError

    def error(self, field_name: str, value: object, mend: str) -> SignalError:
        """Make the error that names this overlay, the field, the value and the mend."""
        return SignalError(
            f"overlay {self.name!r}: {field_name} is {value!r}",
            code="BAD_OVERLAY",
            table="policy",
            field=field_name,
            value=value,
            mend=mend,
        )

    def _read(self, *names: str, least: float, most: float) -> None:
        for name in names:
            try:
                number = decimal(getattr(self, name))
            except (TypeError, ValueError) as error:
                raise self.error(name, getattr(self, name), str(error)) from None
            if not least <= number <= most:
                raise self.error(name, number, f"between {least:g} and {most:g}")
            object.__setattr__(self, name, number)

    def act(self, about: str, channel: str, values: np.ndarray, lean: np.ndarray, because: str) -> Act:
        """Return one thing that this overlay does."""
        name = f"{self.name} on {about}" if about else self.name
        return Act("overlay", name, f"overlay: {self.name}", channel, about, np.atleast_1d(values), lean, because)

    def multiplied(self, about: str, channel: str, factor: float, lean: np.ndarray, because: str) -> Iterator[Act]:
        """Yield a multiplier on the assets that lean, if it says anything."""
        if factor != 1.0 and lean.any():
            yield self.act(about, channel, np.where(lean != 0, factor, 1.0), lean, because)
