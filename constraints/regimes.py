"""Regimes in which limits hold, by the names limits give them: written in the policy, or read by its playbook."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import PolicyError
from ..signals.playbooks import Playbook
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


def check_states(limits: Iterable[Limit], playbook: Playbook) -> None:
    """Refuse a limit whose ``when`` names no state of the regime that drives limits: it would never hold.

    Raises
    ------
    PolicyError
        With the nearest known state.
    """
    driver = next((each for each in playbook.regimes if each.name == playbook.limits), None)
    if driver is None:
        return
    for limit in limits:
        for state in limit.when:
            if state not in driver.states:
                raise PolicyError(
                    f"limit {limit.name!r} holds when {state!r}, which is no state of {driver.name!r}",
                    code="UNKNOWN_STATE",
                    table="policy",
                    field="when",
                    value=state,
                    mend=did_you_mean(state, driver.states) or f"one of {', '.join(driver.states)}",
                )
