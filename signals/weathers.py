"""Overlays on regimes: what to do while volatility is high, and in which state of the economy to hold what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from ..units import FrozenMap, decimal, percent
from .grounds import Climate, Ground, Overlay, Rate, Readout
from .priorities import Act


@dataclass(frozen=True, kw_only=True)
class VolatilityOverlay(Overlay):
    """What to do while volatility is high.

    Parameters
    ----------
    regime, states
        The regime that says so, and which of its states count as high.
    bands
        ``"widen"`` (noise is larger, so more of a drift is noise), ``"narrow"`` (risk is larger, so less of a drift can
        be borne) or ``"keep"``: practice has all three, so a policy has to say which.
    factor
        What half-widths are multiplied by, or divided by where they narrow.
    frequency
        Multiplier of intervals and cooldowns: 0.5 looks twice as often.
    aversion
        Multiplier of risk aversion.
    risky, cut, fund
        Weight taken out of the asset, class or group ``risky``, and where it goes (empty: the rest of the model).
    by_probability
        Do each in proportion to the probability of those states, multipliers by their power.

    >>> print(VolatilityOverlay(regime="vix", states="stressed", bands="narrow", factor=2, risky="equity", cut="5%"))
    volatility: while vix is stressed, bands narrowed 2 times, 5.00% out of equity into the rest
    """

    kind: ClassVar[str] = "volatility"
    regime: str
    states: tuple[str, ...]
    bands: Literal["widen", "narrow", "keep"]
    factor: float = 1.5
    frequency: float = 1.0
    aversion: float = 1.0
    risky: str = ""
    cut: Rate = 0.0
    fund: str = ""
    by_probability: bool = False

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        object.__setattr__(self, "states", (self.states,) if isinstance(self.states, str) else tuple(self.states))
        if self.bands not in ("widen", "narrow", "keep"):
            raise self.error("bands", self.bands, "widen, narrow or keep: practice has all three, so say which")
        self._read("factor", "aversion", least=1.0, most=10.0)
        self._read("frequency", least=0.01, most=100.0)
        self._read("cut", least=0.0, most=1.0)
        if not self.regime or not self.states:
            raise self.error("states", self.states, "name a regime and its states of high volatility")
        if bool(self.risky) != bool(self.cut):
            raise self.error("risky", self.risky, "risky and cut go together: what, and how much of it")

    @property
    def regimes_read(self) -> tuple[str, ...]:
        """The regimes it looks at."""
        return (self.regime,)

    @property
    def states_read(self) -> tuple[str, ...]:
        """The states that count as high."""
        return self.states

    @property
    def abouts(self) -> tuple[str, ...]:
        """What is cut, and where it goes."""
        return tuple(name for name in (self.risky, self.fund) if name)

    def acts(self, said: Readout, ground: Ground) -> Iterator[Act]:
        """Yield what it does to one model."""
        climate = said.climates[self.regime]
        weight = climate.weight(self.states, by_probability=self.by_probability)
        if weight <= 0:
            return
        because = _climate_words(self.regime, climate, self.states, by_probability=self.by_probability)
        none, n = np.zeros(len(ground.universe)), len(ground.universe)
        wide = {"widen": self.factor, "narrow": 1.0 / self.factor, "keep": 1.0}[self.bands] ** weight
        if wide != 1.0:
            for channel in ("band_low", "band_high"):
                yield self.act("", channel, np.full(n, wide), none, because)
        for channel, factor in (("frequency", self.frequency), ("aversion", self.aversion)):
            if factor != 1.0:
                yield self.act("", channel, np.array([factor**weight]), none, because)
        row = ground.row(self.risky) if self.cut else None
        funded = None if row is None else ground.funded(-row, self.fund)
        if row is not None and funded is not None:
            shift = ground.within(float(self.cut) * weight * funded)
            yield self.act(self.risky, "target", shift, -np.sign(row), because)

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = [] if self.bands == "keep" else [f"bands {self.bands.rstrip('e')}ed {self.factor:g} times"]
        words += [f"intervals times {self.frequency:g}"] if self.frequency != 1 else []
        words += [f"risk aversion times {self.aversion:g}"] if self.aversion != 1 else []
        words += [f"{percent(float(self.cut))} out of {self.risky} into {self.fund or 'the rest'}"] if self.cut else []
        share = ", in proportion to its probability" if self.by_probability else ""
        return f"{self.name}: while {self.regime} is {' or '.join(self.states)}{share}, {', '.join(words) or 'nothing'}"


@dataclass(frozen=True, kw_only=True)
class MacroOverlay(Overlay):
    """Cyclical against defensive, or any sector weights, by the state of the economy.

    Parameters
    ----------
    regime
        The regime whose state counts.
    shifts
        By state: weight shifted into (or, negative, out of) each asset, class or group; a state's shifts sum to zero.
    aversion
        By state: multiplier of risk aversion.
    by_probability
        The probability-weighted mean of the states' shifts, and of the logarithms of their multipliers.

    >>> book = MacroOverlay(regime="economy", shifts={"recovery": {"cyclical": "3%", "defensive": "-3%"}})
    >>> print(book)
    macro: while economy is recovery, +3.00% cyclical and -3.00% defensive
    """

    kind: ClassVar[str] = "macro"
    regime: str
    shifts: Mapping[str, Mapping[str, Rate]] = field(default_factory=FrozenMap)
    aversion: Mapping[str, float] = field(default_factory=FrozenMap)
    by_probability: bool = False

    def __post_init__(self) -> None:
        """Read the numbers; refuse shifts that do not cancel."""
        super().__post_init__()
        read: dict[str, FrozenMap] = {}
        for state, own in self.shifts.items():
            try:
                read[state] = FrozenMap({name: decimal(value) for name, value in own.items()})
            except (TypeError, ValueError, AttributeError) as error:
                raise self.error(f"shifts.{state}", own, str(error)) from None
            if abs(sum(read[state].values())) > 1e-9:
                mend = "say what pays: the weights of a state sum to zero"
                raise self.error(f"shifts.{state}", dict(read[state]), mend)
        object.__setattr__(self, "shifts", FrozenMap(read))
        object.__setattr__(self, "aversion", FrozenMap({state: float(x) for state, x in self.aversion.items()}))
        for state, value in self.aversion.items():
            if not 0.01 <= value <= 100:
                raise self.error(f"aversion.{state}", value, "a multiplier between 0.01 and 100")
        if not self.regime or not (self.shifts or self.aversion):
            raise self.error("shifts", dict(self.shifts), "name a regime, and what is done in which of its states")

    @property
    def regimes_read(self) -> tuple[str, ...]:
        """The regimes it looks at."""
        return (self.regime,)

    @property
    def states_read(self) -> tuple[str, ...]:
        """The states in which it does anything."""
        return tuple(dict.fromkeys((*self.shifts, *self.aversion)))

    @property
    def abouts(self) -> tuple[str, ...]:
        """What is shifted."""
        return tuple(dict.fromkeys(name for own in self.shifts.values() for name in own))

    def acts(self, said: Readout, ground: Ground) -> Iterator[Act]:
        """Yield what it does to one model."""
        climate = said.climates[self.regime]
        weights = {s: climate.weight((s,), by_probability=self.by_probability) for s in self.states_read}
        because = _climate_words(self.regime, climate, self.states_read, by_probability=self.by_probability)
        shift, leaning, said_of = np.zeros(len(ground.universe)), np.zeros(len(ground.universe)), []
        for state, own in self.shifts.items():
            rows = [row for row in (ground.row(name) for name in own) if row is not None]
            if weights[state] <= 0 or len(rows) < len(own):
                continue
            sizes = np.array([float(size) for size in own.values()])
            shift = shift + weights[state] * (sizes @ np.array(rows))
            said_of += [name for name in own if name not in said_of]
        if np.abs(shift).max() > 0:
            shift = ground.within(shift)
            leaning = np.sign(shift)
            leaning[ground.universe.cash] = 0.0
            yield self.act(" and ".join(said_of), "target", shift, leaning, because)
        power = sum(weights[s] * np.log(x) for s, x in self.aversion.items())
        if power != 0:
            yield self.act("", "aversion", np.array([np.exp(power)]), np.zeros(len(ground.universe)), because)

    def __str__(self) -> str:
        """Say it as a committee would."""
        said = []
        for state in self.states_read:
            words = [f"{float(size):+.2%} {name}" for name, size in self.shifts.get(state, {}).items()]
            words += [f"risk aversion times {self.aversion[state]:g}"] if state in self.aversion else []
            said.append(f"while {self.regime} is {state}, {' and '.join(words)}")
        return f"{self.name}: {'; '.join(said)}" + (" (by probability)" if self.by_probability else "")


def _climate_words(regime: str, climate: Climate, states: tuple[str, ...], *, by_probability: bool) -> str:
    if by_probability and climate.likely:
        told = [f"{state} {climate.likely.get(state, 0.0):.0%}" for state in states]
        return f"{regime}: {', '.join(told)}"
    return f"{regime} is {climate.state}"
