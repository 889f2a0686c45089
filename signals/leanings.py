"""Overlays on scores: what momentum and valuation do to the assets that a signal is about.

A score z counts beyond ``least``, so that no weight jumps as it passes by::

    shift = sign(z) min(most, per_score * max(|z| - least, 0)),       paid for by ``fund``

and no shift sells more of a name than the model holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import InputError
from ..units import percent
from .grounds import Ground, Overlay, Rate, Readout
from .priorities import Act


@dataclass(frozen=True, kw_only=True)
class _Scored(Overlay):
    """An overlay on what its signals are about, leg by leg.

    Parameters
    ----------
    signals
        Their names; each says what it is about.
    least
        The size of a score from which on it counts.
    per_score, most
        Weight shifted for each unit of score beyond ``least``, and at most; 0: none.
    fund
        What pays for a shift, a name like ``"CASH"`` or ``"bonds"``; empty: the rest of the model in its own mix.
    """

    signals: tuple[str, ...] = ()
    least: float = 0.5
    per_score: Rate = 0.0
    most: Rate = 0.05
    fund: str = ""

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        names = (self.signals,) if isinstance(self.signals, str) else tuple(self.signals)
        object.__setattr__(self, "signals", names)
        if not names:
            raise self.error("signals", names, "name at least one signal that is about something")
        self._read("least", least=0.0, most=100.0)
        self._read("per_score", "most", least=0.0, most=1.0)

    @property
    def signals_read(self) -> tuple[str, ...]:
        """The signals it looks at."""
        return self.signals

    @property
    def abouts(self) -> tuple[str, ...]:
        """What pays for a shift, where that is named."""
        return (self.fund,) if self.fund else ()

    def acts(self, said: Readout, ground: Ground) -> Iterator[Act]:
        """Yield what it does to one model, signal by signal."""
        for name in self.signals:
            score, about = said.scores[name].value, said.signals[name].about
            if not np.isfinite(score) or abs(score) < self.least:
                continue
            try:
                row = ground.row(about)
            except InputError as error:
                error.message = f"overlay {self.name!r}, signal {name!r}: {error.message}"
                raise
            if row is not None:
                lean = np.sign(row) * np.sign(score)
                yield from self.on_score(about, lean, f"{name} {score:+.2f}")
                yield from self._shift(about, score, row, name, ground)

    def on_score(self, about: str, lean: np.ndarray, because: str) -> Iterator[Act]:
        """Yield what a score does beside shifting weight: ``lean`` is 1 where it is good for an asset, -1 where bad."""
        raise NotImplementedError

    def _shift(self, about: str, score: float, row: np.ndarray, signal: str, ground: Ground) -> Iterator[Act]:
        size = min(float(self.most), float(self.per_score) * (abs(score) - self.least)) * np.sign(score)
        funded = ground.funded(row, self.fund)
        if size == 0 or funded is None:
            return
        shift = ground.within(size * funded)
        yield self.act(about, "target", shift, np.sign(row) * np.sign(score), f"{signal} {score:+.2f}")


@dataclass(frozen=True, kw_only=True)
class MomentumOverlay(_Scored):
    """Let winners run, and do not hurry after losers.

    Bands become asymmetric: the upper band of what rises and the lower band of what falls are multiplied by ``widen``.
    What rises is sold at ``sell_pace`` (0.5: half as fast; 0: not until it stops rising), what falls is bought at
    ``buy_pace``. With ``per_score`` the targets lean too.

    >>> print(MomentumOverlay(signals=("trend",), widen=1.5, sell_pace=0.5))
    momentum: beyond a score of 0.5 in trend, bands 1.5 times as wide on the side it moves, what rises sold at 0.5 of
    the pace
    """

    kind: ClassVar[str] = "momentum"
    widen: float = 1.5
    sell_pace: float = 1.0
    buy_pace: float = 1.0

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        self._read("widen", least=1.0, most=10.0)
        self._read("sell_pace", "buy_pace", least=0.0, most=1.0)

    def on_score(self, about: str, lean: np.ndarray, because: str) -> Iterator[Act]:
        """Widen the band on the side an asset moves; delay selling what rises and buying what falls."""
        rises, falls = np.maximum(lean, 0.0), np.minimum(lean, 0.0)
        yield from self.multiplied(about, "band_high", self.widen, rises, because)
        yield from self.multiplied(about, "band_low", self.widen, falls, because)
        yield from self.multiplied(about, "sell_pace", self.sell_pace, rises, because)
        yield from self.multiplied(about, "buy_pace", self.buy_pace, falls, because)

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = [f"bands {self.widen:g} times as wide on the side it moves"] if self.widen != 1 else []
        words += [f"what rises sold at {self.sell_pace:g} of the pace"] if self.sell_pace != 1 else []
        words += [f"what falls bought at {self.buy_pace:g} of the pace"] if self.buy_pace != 1 else []
        return _scored_words(self, words)


@dataclass(frozen=True, kw_only=True)
class ValuationOverlay(_Scored):
    """Faster into what is cheap, slower out of it; and the mirror image of what is dear.

    A positive score means cheap. What is cheap is bought at ``faster`` and sold at ``slower`` the pace; what is dear is
    sold at ``faster`` and bought at ``slower``, unless ``mirror`` is false. With ``per_score`` targets follow value.

    >>> print(ValuationOverlay(signals=("pe",), per_score="1%", most="3%", fund="CASH"))
    valuation: beyond a score of 0.5 in pe, what is cheap bought at 1.5 and sold at 0.5 of the pace and the reverse for
    what is dear, 1.00% of weight a unit of score, at most 3.00%, paid for by CASH
    """

    kind: ClassVar[str] = "valuation"
    faster: float = 1.5
    slower: float = 0.5
    mirror: bool = True

    def __post_init__(self) -> None:
        """Read the numbers."""
        super().__post_init__()
        self._read("faster", least=1.0, most=10.0)
        self._read("slower", least=0.0, most=1.0)

    def on_score(self, about: str, lean: np.ndarray, because: str) -> Iterator[Act]:
        """Change the paces of buying and selling."""
        cheap, dear = np.maximum(lean, 0.0), np.minimum(lean, 0.0)
        yield from self.multiplied(about, "buy_pace", self.faster, cheap, because)
        yield from self.multiplied(about, "sell_pace", self.slower, cheap, because)
        if self.mirror:
            yield from self.multiplied(about, "sell_pace", self.faster, dear, because)
            yield from self.multiplied(about, "buy_pace", self.slower, dear, because)

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = f"what is cheap bought at {self.faster:g} and sold at {self.slower:g} of the pace"
        return _scored_words(self, [words + (" and the reverse for what is dear" if self.mirror else "")])


def _scored_words(overlay: _Scored, words: list[str]) -> str:
    if overlay.per_score:
        shift = f"{percent(float(overlay.per_score))} of weight a unit of score, at most {percent(float(overlay.most))}"
        words.append(shift + (f", paid for by {overlay.fund}" if overlay.fund else ""))
    return f"{overlay.name}: beyond a score of {overlay.least:g} in {', '.join(overlay.signals)}, {', '.join(words)}"
