"""Every kind of measure by name. A module of measures shows its own ``MEASURES``; here they are joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import SignalError
from ..units import FrozenMap
from . import breadth, credit, economy, fundamental, sentiment, technical, volatilities
from .kinds import Measure, complete, find

FAMILIES = ("technical", "fundamental", "sentiment")


def _joined(*shown: Mapping[str, Measure]) -> Mapping[str, Measure]:
    joined = {}
    for each in shown:
        for kind, measure in each.items():
            if kind in joined:
                raise SignalError(f"two measures are called {kind!r}", code="DUPLICATE_KIND", field=kind)
            joined[kind] = measure
    return FrozenMap(joined)


KINDS: Mapping[str, Measure] = _joined(
    technical.MEASURES,
    volatilities.MEASURES,
    breadth.MEASURES,
    fundamental.MEASURES,
    economy.MEASURES,
    credit.MEASURES,
    sentiment.MEASURES,
)


def memory(kind: str, parameters: Mapping[str, Any]) -> int | None:
    """Return how many rows the last row of a measure depends on, itself included; None: all there are.

    >>> memory("momentum", {"lookback": 126})
    127
    """
    measure = find(KINDS, kind, "kind")
    return measure.memory(complete(measure.function, parameters, kind))
