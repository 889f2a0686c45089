"""Limits that hold only in a regime, where a regime of the playbook says which one it is."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import PolicyError
from ..signals.playbooks import Playbook
from ..units import did_you_mean
from .limits import Limit


def check_states(limits: Iterable[Limit], playbook: Playbook) -> None:
    """Refuse a limit whose ``when`` names no state of the regime that drives limits: it would never hold.

    Raises
    ------
    PolicyError
        With the nearest known state.
    """
    driver = next((each for each in playbook.regimes if each.name == playbook.limits), None)
    for limit in limits if driver is not None else ():
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
