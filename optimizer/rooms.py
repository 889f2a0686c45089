"""How much of each bound of each limit a portfolio uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..constraints import terms
from .problems import Case
from .solutions import Price

BINDING = 1e-7
"""A bound counts as binding when less than this is left of it, in its own unit."""


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
