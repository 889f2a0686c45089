"""The channels in which a tilt acts, and who said so and why."""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS = ("target", "risk", "aversion", "band_low", "band_high", "buy_pace", "sell_pace", "frequency")


@dataclass(frozen=True)
class Cause:
    """Why a tilt is there: the channel it acts in, its id, and who said so and why."""

    channel: str
    id: str
    author: str = ""
    because: str = ""
