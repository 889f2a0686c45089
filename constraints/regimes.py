"""The regimes in which limits hold, by the names that limits give them."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import PolicyError
from ..units import did_you_mean
from .limits import Limit


def check_regime(limits: Iterable[Limit], regime: str) -> str:
    """Return a regime that some limit names, or the empty text for none of them.

    Raises
    ------
    PolicyError
        No limit names it: misspelt, it would leave out what was meant to hold.
    """
    known = tuple(dict.fromkeys(name for limit in limits for name in limit.when))
    if regime and regime not in known:
        raise PolicyError(
            f"no limit names the regime {regime!r}",
            code="UNKNOWN_REGIME",
            table="policy",
            field="regime",
            value=regime,
            mend=did_you_mean(regime, known) or (f"one of {', '.join(known)}" if known else "leave it out"),
        )
    return regime
