"""Any noun as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Drawn(Protocol):
    """A noun that draws itself: a proposal, a solution, a board, a sweep, a backtest, an attribution."""

    def plot(self) -> Figure:
        """Draw it."""
        ...


def plot(noun: Drawn) -> Figure:
    """Draw a noun as its page would; plotly is imported now and not before."""
    return noun.plot()
