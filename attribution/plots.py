"""Attributions as figures that a browser shows. Plotly is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from ..optimizer.plots import INK, PALETTE, blank, inert
from ..scenarios.plots import draw_growth
from .feedback import WEIGHT, propose_confidences

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class Attributed(Protocol):
    """What is drawn of an :class:`.decisions.Attribution`."""

    @property
    def name(self) -> str:
        """Of the account or composite."""
        ...

    def waterfall(self, by: Any = ...) -> pd.DataFrame:
        """Return the steps from the benchmark's return to the account's."""
        ...


def draw_waterfall(found: Attributed, by: str = "group") -> Figure:
    """Draw the steps from the benchmark's return to the account's, in percent."""
    table = found.waterfall(by)
    kinds = ["absolute", *["relative"] * (len(table) - 2), "total"]
    words = [
        f"{1e4 * size:+.1f} bp" if kind == "relative" else f"{size:.2%}"
        for kind, size in zip(kinds, table["size"], strict=True)
    ]
    chart = blank(f"{found.name}: from the benchmark's return to its own")
    chart.add_waterfall(
        x=[inert(step) for step in table.index],
        y=table["size"].to_numpy(),
        measure=kinds,
        text=words,
        textposition="outside",
        increasing_marker_color=PALETTE[2],
        decreasing_marker_color=PALETTE[1],
        totals_marker_color=PALETTE[0],
    )
    # The steps are small beside the returns they lead between: the axis does not begin at zero.
    ends = table[["start", "end"]].iloc[1:-1].to_numpy()
    room = 0.2 * max(float(ends.max() - ends.min()), 1e-6)
    chart.update_layout(showlegend=False)
    return chart.update_yaxes(tickformat=".2%", range=[float(ends.min()) - room, float(ends.max()) + room])


def draw_course(series: pd.DataFrame, title: str = "What each added, summed") -> Figure:
    """Draw what labels contributed up to each period (:meth:`.decisions.Attribution.series`), summed, a line each."""
    summed = series.cumsum()
    order = np.argsort(-summed.abs().max().to_numpy(), kind="stable")
    return draw_growth(summed.iloc[:, order], title).update_yaxes(tickformat=".2~%")


def draw_calibration(calibration: pd.DataFrame, *, weight: float = WEIGHT) -> Figure:
    """Draw how often each source was right, with its interval, against how often its confidence says it should be."""
    table = propose_confidences(calibration, weight=weight)
    told = (1.0 + table["stated"]) / 2.0
    share = table["right"] / (table["right"] + table["wrong"]).clip(lower=1)
    chart = blank("Right as often as stated?")
    chart.add_scatter(x=[0.5, 1.0], y=[0.5, 1.0], mode="lines", name="as stated", line={"dash": "dot", "color": INK})
    chart.add_scatter(
        x=told,
        y=share,
        mode="markers+text",
        text=[inert(name) for name in table.index],
        textposition="middle right",
        error_y={"array": table["high"] - share, "arrayminus": share - table["low"]},
        name="sources",
    )
    chart.update_layout(showlegend=False)
    chart.update_xaxes(title="stated", tickformat=".0%", range=[0.45, 1.02])
    return chart.update_yaxes(title="right", tickformat=".0%", range=[-0.02, 1.05])
