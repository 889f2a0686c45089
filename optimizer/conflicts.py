"""Which limits of a mandate cannot hold together: the fewest of them, the proof, and what would end it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from .answers import Multipliers
from .elastics import Prices
from .mandates import Mandate
from .proofs import Verdict, examine, meets, prove
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
    verdict = _glance(mandate) or examine(mandate, mandate.names)
    if not verdict.infeasible:
        return None
    order = _by_weight(mandate, verdict)
    names, ways = _sift(mandate, mandate.names, order, verdict.prices), []
    # Those that matter most first: what their own change would take is a proof too, often of fewer limits.
    for name in reversed(order):
        if name in names and (found := find_way(mandate, name, names)) is not None:
            ways.append(found[0])
            if (fewer := _sift(mandate, names, order, found[1])) != names:
                names, verdict = fewer, replace(verdict, prices=found[1])
    settled, met = {way.limit for way in ways}, []
    for name in order:
        rest = [other for other in names if other != name]
        if name not in names or name in settled or any(meets(mandate, rest, point) for point in met):
            continue
        found = examine(mandate, rest)
        if found.infeasible:
            names, verdict = _sift(mandate, rest, order, found.prices), found
        else:
            met.append(found.weights)
    place = mandate.names.index
    return Conflict(mandate, tuple(names), verdict, tuple(sorted(ways, key=lambda way: place(way.limit))))


def _glance(mandate: Mandate) -> Verdict | None:
    """Look for a proof that needs no engine: one row or one cap on trading against the box and the budget."""
    program = mandate.program
    rows, trades = np.eye(len(program.rows)), np.eye(len(program.most))
    no_rows, no_trades = np.zeros(len(program.rows)), np.zeros(len(program.most))
    singles = [(row, no_trades) for row in (*rows, *-rows)] + [(no_rows, trade) for trade in trades]
    for own_rows, own_trades in singles:
        if not np.isfinite(np.where(own_rows > 0, program.rows_hi, np.where(own_rows < 0, program.rows_lo, 0.0))).all():
            continue
        for budget in (0.0, 1.0, -1.0):
            prices = Prices(
                Multipliers(budget, own_rows, own_trades, np.zeros(len(program.ball_most))),
                np.zeros_like(program.anchor),
            )
            if prove(mandate, mandate.names, prices) > 0:
                return Verdict(True, program.current, prices)
    return None


def _by_weight(mandate: Mandate, verdict: Verdict) -> list[str]:
    """Order limits by what the proof loses without them; equals: standing ones first, then the last in the policy."""
    names, left = mandate.names, {}
    for name in names:
        left[name] = prove(mandate, [other for other in names if other != name], verdict.prices)
    place = {p.name: (p.limit is not None, -k) for k, p in enumerate(mandate.parts)}
    return sorted(names, key=lambda name: (-left[name], place[name]))


def _sift(mandate: Mandate, names: Collection[str], order: list[str], prices: Prices | None) -> list[str]:
    """Leave out what the prices of one proof do without."""
    names = [name for name in mandate.names if name in names]
    for name in order:
        rest = [other for other in names if other != name]
        if name in names and prove(mandate, rest, prices) > 0:
            names = rest
    return names
