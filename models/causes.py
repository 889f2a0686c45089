"""The channels in which a tilt acts, who said so and why, and how much of a channel each of them is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CHANNELS = ("target", "risk", "aversion", "band_low", "band_high", "buy_pace", "sell_pace", "frequency")
HELD = "held back by "
"""How a part of a trade is named that a cost, a limit or the pace took, before the name of that."""
UNCLAIMED = "strategic shift"
"""What a shift is called that nobody put his name to."""


@dataclass(frozen=True)
class Cause:
    """Why a tilt is there: the channel it acts in, its id, and who said so and why.

    Parameters
    ----------
    channel, id, author, because
        As a row of ``views`` or ``tilts`` has them.
    by
        What it is: a ``view``, a ``tilt`` set by hand, an ``overlay`` or a ``rule`` of the policy.
    values
        What it puts into its channel, a number an asset or one for all; empty where nobody wrote it down.

    >>> Cause("target", "cut equity when trend breaks", by="rule").name
    'rule: cut equity when trend breaks'
    """

    channel: str
    id: str
    author: str = ""
    because: str = ""
    by: str = "tilt"
    values: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the numbers."""
        object.__setattr__(self, "values", tuple(float(x) for x in self.values))

    @property
    def name(self) -> str:
        """What its part of a trade is called."""
        return f"view {self.id}" if self.by == "view" else f"{self.by}: {self.id}"


SIGNALS = "signals"
"""The author of what a machine read: its reason is a figure, and stands beside each trade that follows."""


def label(causes: Iterable[Cause]) -> dict[str, str]:
    """Return what names are followed by where they stand as the reason of a trade: why signals and rules said so.

    >>> label([Cause("target", "cut", because="trend -0.4, below 0 for 6 days", by="rule")])
    {'rule: cut': 'rule: cut (trend -0.4, below 0 for 6 days)'}
    """
    read = (c for c in causes if c.because and (c.by in ("overlay", "rule") or c.author == SIGNALS))
    return {cause.name: f"{cause.name} ({cause.because})" for cause in read}


def list_settings(causes: Iterable[Cause]) -> list[str]:
    """Say which overlays and rules change bands, paces and intervals: no part of a trade bears their name.

    >>> list_settings([Cause("band_high", "momentum", because="trend +1.2", by="overlay", values=(1.0, 1.5))])
    ['overlay: momentum sets band high times 1.5 (trend +1.2)']
    """
    said = []
    for cause in causes:
        if cause.by in ("overlay", "rule") and cause.channel not in ("gain", "target", "risk", "aversion"):
            sizes = sorted({x for x in cause.values if x != 1.0})
            times = " and ".join(f"{x:.3g}" for x in sizes[:1] + sizes[1:][-1:])
            why = f" ({cause.because})" if cause.because else ""
            said.append(f"{cause.name} sets {cause.channel.replace('_', ' ')} times {times}{why}")
    return said


def list_shifts(causes: Iterable[Cause], target: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Split a target shift by who asked for it: names and vectors that sum to it.

    Parameters
    ----------
    causes
        Those of channel ``target`` that say their numbers count; two of one name are one.
    target
        The whole shift, shape (n,); what no cause claims comes last, as :data:`UNCLAIMED`.

    >>> cut = Cause("target", "cut", by="rule", values=(-0.02, 0.02))
    >>> [(name, row.round(4).tolist()) for name, row in list_shifts([cut], np.array([-0.03, 0.03]))]
    [('rule: cut', [-0.02, 0.02]), ('strategic shift', [-0.01, 0.01])]
    """
    found: dict[str, np.ndarray] = {}
    for cause in causes:
        if cause.channel == "target" and cause.values:
            found[cause.name] = found.get(cause.name, np.zeros(len(target))) + np.array(cause.values)
    rest = target - sum(found.values(), np.zeros(len(target)))
    # What others claim leaves rounding behind where they claim all of it.
    if np.abs(rest).max(initial=0.0) > 1e-15 * (1 + len(found)):
        found[UNCLAIMED] = rest
    return list(found.items())
