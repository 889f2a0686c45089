"""Attributions as figures that a browser shows. Plotly is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from ..scenarios.plots import blank
from .decisions import Attribution, By
from .feedback import WEIGHT, propose_confidences

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def draw_waterfall(found: Attribution, by: By = "group") -> Figure:
    """Draw the steps from the benchmark's return to the account's, in percent."""
    table = found.waterfall(by)
    kinds = ["absolute", *["relative"] * (len(table) - 2), "total"]
    chart = blank()
    chart.add_waterfall(
        x=[str(step) for step in table.index],
        y=table["size"].to_numpy(),
        measure=kinds,
        text=[f"{1e4 * size:+.1f} bp" for size in table["size"]],
        textposition="outside",
    )
    # The steps are small beside the returns they lead between: the axis does not begin at zero.
    ends = table[["start", "end"]].iloc[1:-1].to_numpy()
    room = 0.2 * max(float(ends.max() - ends.min()), 1e-6)
    chart.update_layout(title=f"{found.name}: from the benchmark's return to its own", showlegend=False)
    return chart.update_yaxes(tickformat=".2%", range=[float(ends.min()) - room, float(ends.max()) + room])


def draw_calibration(calibration: pd.DataFrame, *, weight: float = WEIGHT) -> Figure:
    """Draw how often each source was right, with its interval, against how often its confidence says it should be."""
    table = propose_confidences(calibration, weight=weight)
    told = (1.0 + table["stated"]) / 2.0
    share = table["right"] / (table["right"] + table["wrong"]).clip(lower=1)
    chart = blank()
    chart.add_scatter(x=[0.5, 1.0], y=[0.5, 1.0], mode="lines", name="as stated", line_dash="dot")
    chart.add_scatter(
        x=told,
        y=share,
        mode="markers+text",
        text=[str(name) for name in table.index],
        textposition="top center",
        error_y={"array": table["high"] - share, "arrayminus": share - table["low"]},
        name="sources",
    )
    chart.update_layout(title="Right as often as stated?", showlegend=False)
    chart.update_xaxes(title="stated", tickformat=".0%", range=[0.45, 1.02])
    return chart.update_yaxes(title="right", tickformat=".0%", range=[-0.02, 1.05])
