"""How much of each bound of each limit a portfolio uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..constraints import terms
from .problems import Case
from .solutions import Price

BINDING = 1e-7
"""A bound counts as binding when less than this is left of it, in its own unit."""
_SAME = 1e-12


@dataclass(frozen=True)
class Room:
    """One bound of one limit, what is used of it, and its price: utility a year per unit, 0 where it does not bind."""

    limit: str
    on: str
    bound: float
    used: float
    room: float
    price: float = 0.0


def room(case: Case, weights: np.ndarray, prices: tuple[Price, ...] = ()) -> tuple[Room, ...]:
    """Read every bound of every limit at these weights; standing limits only where nothing is left of them."""
    known = {(p.limit, p.on): p.price for p in prices}
    rooms = []
    for name, term in case.program.named:
        for use in terms.use(
            term, weights, case.program.current, case.context.market.risk, case.context.market.universe
        ):
            if use.room < BINDING or name in case.names:
                price = known.get((name, use.on), 0.0) if use.room < BINDING else 0.0
                rooms.append(Room(name, use.on, use.bound, use.used, use.room, price))
    return tuple(rooms)


def tabulate_gauges(rooms: Sequence[Room]) -> pd.DataFrame:
    """Return how much of each limit is used, a row a limit and what it is on.

    Returns
    -------
    pandas.DataFrame
        ``limit``, ``on``, ``low`` and ``high`` (its bounds, NaN where absent), ``used``, ``room`` (what is left of the
        nearer one), ``share`` (:func:`share_used`: 1 at the bound, more beyond it), ``price`` (utility a year per
        unit); the most used first, among equals the dearest.
    """
    rows = [
        (one[0].limit, one[0].on, *_ends(one), one[0].used, min(r.room for r in one), _share(one),
         max(r.price for r in one))
        for one in _paired(rooms)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["limit", "on", "low", "high", "used", "room", "share", "price"])
    order = np.lexsort((-frame["price"].to_numpy(dtype=float), -frame["share"].to_numpy(dtype=float).round(9)))
    return frame.iloc[order].reset_index(drop=True)


def _paired(rooms: Sequence[Room]) -> Iterator[tuple[Room, ...]]:
    """Yield the two sides of one bound together: they stand one behind the other, the lower first."""
    i = 0
    while i < len(rooms):
        one, after = rooms[i], rooms[i + 1] if i + 1 < len(rooms) else None
        twins = after is not None and (one.limit, one.on, one.used) == (after.limit, after.on, after.used)
        if twins and after is not None and one.bound <= after.bound and _is_lower(one) and _is_upper(after):
            yield one, after
            i += 1
        else:
            yield (one,)
        i += 1


def _is_upper(one: Room) -> bool:
    return abs(one.bound - one.used - one.room) <= _SAME


def _is_lower(one: Room) -> bool:
    return abs(one.used - one.bound - one.room) <= _SAME


def _ends(one: tuple[Room, ...]) -> tuple[float, float]:
    if len(one) == 2:
        return one[0].bound, one[1].bound
    # At the bound itself the two cannot be told apart, and most bounds are upper ones.
    return (np.nan, one[0].bound) if _is_upper(one[0]) else (one[0].bound, np.nan)


def _share(one: tuple[Room, ...]) -> float:
    return share_used(*(np.array([getattr(side, name) for side in one]) for name in ("bound", "used", "room")))


def share_used(bound: np.ndarray, used: np.ndarray, room: np.ndarray) -> float:
    """Return how much is used of one row's bounds: the way from the middle of two, or from nothing to one.

    Parameters
    ----------
    bound, used, room
        As in :class:`trimtab.constraints.terms.Sides`, shape (s,): one side or two, ``room`` infinite where absent.

    >>> share_used(np.array([0.1, 0.3]), np.array([0.25, 0.25]), np.array([0.15, 0.05])).__round__(6)
    0.5
    >>> share_used(np.array([0.02]), np.array([0.03]), np.array([-0.01]))
    1.5
    """
    there = np.isfinite(room)
    if not there.any():
        return 0.0
    if there.sum() == 2:
        half = 0.5 * float(bound[1] - bound[0])
        away = abs(float(used[0] - 0.5 * (bound[0] + bound[1])))
        return away / half if half > BINDING else float(away > BINDING) + 1.0
    side = int(np.flatnonzero(there)[0])
    most, now, left = float(bound[side]), float(used[side]), float(room[side])
    upper = abs(most - now - left) <= abs(now - most - left)
    part, whole = (now, most) if upper else (most, now)
    if whole > BINDING:
        return max(part, 0.0) / whole
    return 1.0 if left >= -BINDING else 1.0 + abs(left)
