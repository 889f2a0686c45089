"""What a run as a whole may come to before people have to look at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import PolicyError
from ..units import decimal, percent


@dataclass(frozen=True)
class Tripwires:
    """What a run may come to before it is BLOCKED and waits for people; None for no wire. Decimals or ``"10%"``.

    Parameters
    ----------
    max_quarantined, max_unsolved
        Shares of the accounts.
    max_participation
        What all accounts together may buy, and what they may sell, of an asset, as a decimal of its ``adv``; an asset
        whose ``adv`` is unknown is not capped.
    on_participation
        Above that, ``slow``: every account's trade is scaled down so that the sum meets the cap, and its account solved
        once more; or ``block``: the run is BLOCKED as it stands.

    Raises
    ------
    PolicyError
        A share that is no number from 0 to 1, a participation of 0, another word than those two.
    """

    max_quarantined: float | None = None
    max_unsolved: float | None = None
    max_participation: float | None = None
    on_participation: Literal["slow", "block"] = "slow"

    def __post_init__(self) -> None:
        """Read percents, and refuse shares that cannot be."""
        for name in ("max_quarantined", "max_unsolved", "max_participation"):
            if (value := getattr(self, name)) is not None:
                # At a participation of 0 nothing could ever trade: a typing error, not a mandate.
                object.__setattr__(self, name, _share(name, value, above_zero=name == "max_participation"))
        if self.on_participation not in ("slow", "block"):
            raise _no_tripwire("on_participation", self.on_participation, 'give "slow" or "block"')

    @property
    def sentences(self) -> list[str]:
        """What the mandate says about all accounts together, as a committee would write it."""
        if self.max_participation is None:
            return []
        above = "accounts trade less" if self.on_participation == "slow" else "the run is blocked"
        return [
            f"all accounts together buy, and sell, at most {percent(self.max_participation)} of a day of an asset's "
            f"trading; above it {above}"
        ]


def _share(name: str, value: Any, *, above_zero: bool) -> float:
    mend = "a decimal or a percent, above 0 and at most 1" if above_zero else "a decimal or a percent, from 0 to 1"
    try:
        share = decimal(value)
    except (TypeError, ValueError):
        raise _no_tripwire(name, value, mend) from None
    if not 0 <= share <= 1 or (above_zero and share == 0):
        raise _no_tripwire(name, value, mend)
    return share


def _no_tripwire(name: str, value: Any, mend: str) -> PolicyError:
    return PolicyError(f"{name} is {value!r}", code="BAD_POLICY", table="policy", field=name, value=value, mend=mend)
