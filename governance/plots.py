"""Open tactical positions as a figure: how long each has lived, and its way back. Drawing is what imports plotly."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd

from ..optimizer.plots import INK, MOST, PALETTE, blank, downwards, inert

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_DAY = 86_400_000
"""A day of an axis of dates, in milliseconds."""


def draw_positions(positions: pd.DataFrame, on: dt.date, title: str = "Open tactical positions") -> Figure:
    """Draw positions (:func:`.calendars.calendar`) from opening to end, the way back apart; who ends first on top.

    Of many, the first sixty: those that end first.
    """
    shown = positions.iloc[:MOST]
    names = [
        inert(f"{a}, {i} {side}") for a, i, side in shown[["account_id", "asset_id", "side"]].itertuples(index=False)
    ]
    chart = blank(title, rows=len(shown))
    spans = (("held", "opened", "reverts_from", PALETTE[0]), ("way back", "reverts_from", "ends", PALETTE[5]))
    for name, begin, end, colour in spans:
        days = list(zip(shown[begin], shown[end], strict=True))
        chart.add_bar(
            x=[(last - first).days * _DAY for first, last in days], base=[first.isoformat() for first, _ in days],
            y=names, orientation="h", name=name, marker_color=colour,
            customdata=[[first.isoformat(), last.isoformat()] for first, last in days],
            hovertemplate="%{y}<br>%{customdata[0]} to %{customdata[1]}<extra>" + name + "</extra>",
        )  # fmt: skip
    chart.add_shape(
        type="line", x0=on.isoformat(), x1=on.isoformat(), y0=0, y1=1, yref="paper", line={"color": INK, "dash": "dot"}
    )
    chart.update_layout(barmode="overlay").update_xaxes(type="date")
    return downwards(chart, names)
