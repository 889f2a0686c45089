"""The names of the limits of a policy: each has its own, and none that the house itself uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..errors import PolicyError
from ..models.accounts import RULES
from .flows import FLOW
from .limits import Limit
from .phases import PACE, PHASE

LONG_ONLY, CASH_FLOOR, PARTICIPATION, EDGE = "long_only", "cash_floor", "participation", "edge"
"""Standing limits: no shorts, no cash below zero after costs, an account's part of what the desk as a whole may trade;
and what the destination ``edge`` adds."""
HOUSE = (LONG_ONLY, CASH_FLOOR, PARTICIPATION, EDGE, FLOW, PHASE, PACE, *RULES, "risk_aversion")
"""What no limit of a policy may be called: limits are known by their names, and one of these would be taken for it."""


def number_names(limits: Iterable[Limit] | Limit) -> tuple[Limit, ...]:
    """Give every limit a name of its own: a repeated kind is numbered, a name that was given stays.

    Raises
    ------
    PolicyError
        Something that is no limit, one given name twice, or one of :data:`HOUSE`.
    """
    limits = (limits,) if isinstance(limits, Limit) else tuple(limits)
    for limit in limits:
        if not isinstance(limit, Limit):
            raise PolicyError(
                f"{limit!r} is no limit",
                code="BAD_LIMIT",
                table="policy",
                field="limits",
                value=limit,
                mend="use the classes of trimtab.constraints",
            )
    given = [limit.name for limit in limits if limit.name != limit.kind]
    for name in given:
        if given.count(name) > 1:
            raise PolicyError(
                f"two limits are called {name!r}",
                code="DUPLICATE_LIMIT",
                table="policy",
                field="name",
                value=name,
                mend="give each its own name",
            )
        if name in HOUSE:
            raise PolicyError(
                f"a limit is called {name!r}, which means something else in every policy",
                code="RESERVED_NAME",
                table="policy",
                field="name",
                value=name,
                mend="give it another name",
            )
    taken, named = set(given), []
    for limit in limits:
        name = limit.name
        if name == limit.kind:
            numbers = (f"{name}_{i}" for i in range(2, len(limits) + 2))
            name = next(n for n in (name, *numbers) if n not in taken)
            taken.add(name)
        named.append(limit if name == limit.name else replace(limit, name=name))
    return tuple(named)
