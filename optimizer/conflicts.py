"""Which limits of a mandate cannot hold together: the fewest of them, the proof, and what would end it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from .elastics import Prices
from .mandates import Mandate
from .proofs import Shares, Verdict, broken, examine, glance, prove
from .ways import Way, find_way


@dataclass(frozen=True, eq=False)
class Conflict:
    """Limits that cannot hold together, none of which could be left out; the proof; and what would end it."""

    mandate: Mandate
    names: tuple[str, ...]
    verdict: Verdict
    ways: tuple[Way, ...]


def find_conflict(mandate: Mandate) -> Conflict | None:
    """Find the fewest limits that cannot hold together, and what would end it; None unless the conflict is proved.

    A limit stays unless the others are proved infeasible without it. Where changing its number alone would end the
    conflict that is settled: without it, the others can hold.
    """
    ways: dict[str, Way] = {}
    near: set[str] = set()
    verdict = glance(mandate) or _start(mandate, ways, near)
    if not verdict.infeasible:
        return None
    order = _by_weight(mandate, verdict)
    names = _sift(mandate, mandate.names, order, verdict.prices)
    asked: set[str] = set()
    # Those that matter most first: what their own change would take is a proof too, often of fewer limits.
    while left := [name for name in reversed(order) if name in names and name not in ways.keys() | asked]:
        asked.add(left[0])
        way, prices = find_way(mandate, left[0], names, near)
        rest = names
        if way is not None:
            ways[left[0]] = way
        elif prices is not None:
            # It has no part in why the others have no room, but perhaps that is another conflict than this one.
            found = examine(mandate, rest := [name for name in names if name != left[0]])
            rest, prices = (rest, found.prices) if found.infeasible else (names, None)
        if (fewer := _sift(mandate, rest, order, prices)) != names:
            names, verdict = fewer, replace(verdict, prices=prices)
    met: list[np.ndarray] = []
    for name in order:
        rest = [other for other in names if other != name]
        if name not in names or name in ways or any(_meets(mandate, rest, point) for point in met):
            continue
        found = examine(mandate, rest)
        if found.infeasible:
            names, verdict = _sift(mandate, rest, order, found.prices), found
        else:
            met.append(found.weights)
    return Conflict(mandate, tuple(names), verdict, tuple(ways[name] for name in mandate.names if name in ways))


def _start(mandate: Mandate, ways: dict[str, Way], near: set[str]) -> Verdict:
    """Look for a first proof, linear limits first: then in what the ball that is farthest out would have to be.

    A way that is found is put into ``ways``; what a point found without it is outside of, into ``near``.
    """
    balls = [part for part in mandate.parts if len(part.balls)]
    verdict = examine(mandate, [part.name for part in mandate.parts if not len(part.balls)])
    if verdict.infeasible or not balls:
        near.update(broken(mandate, verdict.weights) if balls else ())
        near.intersection_update(part.name for part in balls)
        return verdict
    beyond = {
        part.name: float(((sizes - mandate.program.ball_most)[part.balls] / part.units[1]).max())
        for sizes in [mandate.program.ball_sizes(verdict.weights)]
        for part in balls
    }
    worst = max(beyond, key=lambda name: beyond[name])
    way, prices = find_way(
        mandate, worst, [part.name for part in mandate.parts if part.limit and part not in balls], near
    )
    if prices is not None and prove(mandate, mandate.names, prices) > 0:
        ways |= {} if way is None else {worst: way}
        return Verdict(True, verdict.weights, prices)
    return examine(mandate, mandate.names)


def _meets(mandate: Mandate, names: Collection[str], weights: np.ndarray) -> bool:
    return not set(names).intersection(broken(mandate, weights))


def _by_weight(mandate: Mandate, verdict: Verdict) -> list[str]:
    """Order limits by what the proof loses without them; equals: standing ones first, then the last in the policy."""
    names, shares = mandate.names, Shares.of(mandate, verdict.prices)
    left = {name: shares.worth([other for other in names if other != name]) for name in names}
    place = {p.name: (p.limit is not None, -k) for k, p in enumerate(mandate.parts)}
    return sorted(names, key=lambda name: (-left[name], place[name]))


def _sift(mandate: Mandate, names: Collection[str], order: list[str], prices: Prices | None) -> list[str]:
    """Leave out what the prices of one proof do without."""
    names, shares = [name for name in mandate.names if name in names], Shares.of(mandate, prices)
    for name in order:
        rest = [other for other in names if other != name]
        if name in names and shares.worth(rest) > 0:
            names = rest
    return names
