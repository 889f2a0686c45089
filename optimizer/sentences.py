"""Conflicts and what gave way, as a committee would say them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..constraints.bands import Band
from ..constraints.deviations import Deviation
from ..constraints.groups import Group
from ..constraints.limits import Limit
from ..constraints.names import CASH_FLOOR, LONG_ONLY
from ..constraints.phases import Pace
from ..constraints.tickets import TradeSize
from ..constraints.waits import Cooldown, Holding
from ..units import percent, spoken
from .conflicts import Conflict
from .mandates import Mandate, Part
from .problems import Case
from .relaxations import Relaxed
from .ways import Way

_SHOWN = 3
_LOOSENED = (Pace, Band, Cooldown, Holding)
"""What has no number of its own: how much wider it becomes is what there is to say."""
_STANDING = {LONG_ONLY: "long-only", CASH_FLOOR: "the cash floor"}


def say_conflict(conflict: Conflict, case: Case, words: str = "", *, whole: bool = False) -> str:
    """Say which limits cannot hold together, and each number that would end it.

    Parameters
    ----------
    words
        What arithmetic says about it, if it does; else the limits are named.
    whole
        Whether trades are whole: the numbers let weights in, and lots and tickets may take more.
    """
    parts = [conflict.mandate.part(name) for name in conflict.names]
    parts.sort(key=lambda part: part.limit is None)  # the policy's own first
    first, *rest = [_part(part, conflict, case) for part in parts]
    said = words or f"{first} cannot hold" + (f" with {_listed(rest, 'and')}" if rest else "")
    if ways := [_way(conflict.mandate.part(way.limit), way) for way in conflict.ways]:
        return f"{said}: it needs {_listed(ways, 'or')}" + (", before whole lots and tickets" if whole else "")
    if any(part.elastic for part in parts) and not any(part.moved for part in parts):
        return f"{said}, and no single number changed would end it"
    return said


def say_relaxed(mandate: Mandate, relaxed: Sequence[Relaxed]) -> str:
    """Say which limits gave way, from the number the mandate writes to the one that the farthest use asks for."""
    said = []
    for name in dict.fromkeys(entry.limit for entry in relaxed):
        own = [entry for entry in relaxed if entry.limit == name]
        worst = max(own, key=lambda entry: abs(entry.used - entry.bound))
        part = mandate.part(name)
        if isinstance(part.limit, _LOOSENED):
            words = str(part.limit) if isinstance(part.limit, Pace) else plain(name)
            said.append(f"{words}, by {percent(abs(worst.used - worst.bound))} of {worst.on},")
            continue
        excess = worst.used - worst.bound
        if isinstance(
            part.limit, TradeSize
        ):  # one number for buys and sells, and a bound on either side of today's weight
            excess = abs(excess)
        written = part.most if excess > 0 and np.isfinite(part.most) else part.least
        least, most = sorted((abs(written), abs(written + excess)))
        first, last = (least, most) if isinstance(part.limit, Deviation) else (written, written + excess)
        on = f" of {worst.on}" if worst.on and worst.on not in plain(name) else ""
        more = f" ({len(own) - 1} more less)" if len(own) > 1 else ""
        said.append(f"{plain(name)}{on} from {_number(first, part.limit)} to {_number(last, part.limit)}{more}")
    return f"{_listed(said, 'and')} gave way"


def plain(name: str) -> str:
    """Return the name of a limit in words."""
    return _STANDING.get(name, spoken(name))


def _part(part: Part, conflict: Conflict, case: Case) -> str:
    """Name a limit with its number, on the side that takes part; a standing one with its assets."""
    if part.limit is None:
        return _STANDING.get(part.name) or f"{plain(part.name)} ({_assets(part, case)})"
    if not part.elastic:
        return str(part.limit)
    way = next((w for w in conflict.ways if w.limit == part.name), None)
    if way is not None:
        return _bounded(part, way.bound, upper=way.upper)
    sides = [(part.least, False), (part.most, True)]
    known = conflict.verdict.prices
    prices = [] if known is None else known.multipliers.rows[part.rows]
    if len(prices) and prices[0] != 0:
        return _bounded(part, *sides[int(prices[0] > 0)][:1], upper=bool(prices[0] > 0))
    finite = [(bound, upper) for bound, upper in sides if np.isfinite(bound)]
    if len(finite) == 2 and not isinstance(part.limit, Deviation):
        ends = [_number(bound, part.limit) for bound, _ in finite]
        return f"{_name(part.limit)} between {ends[0]} and {ends[1]}"
    bound, upper = finite[-1]
    return _bounded(part, bound, upper=upper)


def _way(part: Part, way: Way) -> str:
    return _bounded(part, way.amount, upper=way.upper)


def _bounded(part: Part, bound: float, *, upper: bool) -> str:
    """Say a limit with a number: "turnover 5%", "equity at least 30%"."""
    limit = part.limit
    if limit is None:
        return plain(part.name)
    if isinstance(limit, _LOOSENED):
        words = str(limit) if isinstance(limit, Pace) else _name(limit)
        return words + (f" {_number(bound, limit)} wider" if bound else "")
    if isinstance(limit, Deviation):
        side = "" if -part.least == part.most else " above strategic" if upper else " below strategic"
        return f"{_name(limit)} {_number(abs(bound), limit)}{side}"
    if getattr(limit, "least", None) is None or isinstance(limit, TradeSize):
        single = not hasattr(limit, "least") or isinstance(limit, TradeSize)
        return f"{_name(limit)} {'' if single else 'at most '}{_number(bound, limit)}"
    around = " around strategic" if getattr(limit, "around", "") == "strategic" else ""
    return f"{_name(limit)} at {'most' if upper else 'least'} {_number(bound, limit)}{around}"


def _name(limit: Limit) -> str:
    on = getattr(limit, "on", None)
    words = plain(limit.name)
    return words if on is None or limit.words_on() in words else f"{words} of {limit.words_on()}"


def _number(value: float, limit: Limit | None) -> str:
    """Write a number as the mandate would: a percent, or plain where it is an exposure."""
    if isinstance(limit, Group) and limit.exposure is not None:
        return f"{value:.6g}"
    return f"{100 * value:.4g}%" if abs(value) >= 1e-4 else f"{100 * value:.2g}%"


def _assets(part: Part, case: Case) -> str:
    """Name the assets of a standing rule, some of them if they are many."""
    assets = case.context.market.universe.assets
    own = [a for a, lo, hi in zip(assets, part.lo, part.hi, strict=True) if np.isfinite(lo) or np.isfinite(hi)]
    more = f" and {len(own) - _SHOWN} more" if len(own) > _SHOWN else ""
    return ", ".join(own[:_SHOWN]) + more


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
