"""Figures of a run: how accounts ended, what is traded and why, which limits bind, how accounts are spread.

Plotly is imported when the first one is drawn; the look is that of :mod:`trimtab.optimizer.plots`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..optimizer.plots import DIM, INK, MOST, PALETTE, blank, downwards, dress, inert

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_ENDS = {"OPTIMAL": PALETTE[0], "RELAXED": PALETTE[5], "HELD": PALETTE[4], "UNSOLVED": PALETTE[1]}
_LABELLED = 30
"""Rows that have names beside them without crowding."""


def draw_outcomes(outcomes: Mapping[str, int], title: str = "") -> Figure:
    """Draw how accounts ended, a bar an outcome with its count."""
    names, counts = list(outcomes), list(outcomes.values())
    chart = _bars(title, len(names))
    total = max(sum(counts), 1)
    chart.add_bar(
        x=counts, y=names, orientation="h", showlegend=False, textposition="outside", cliponaxis=False,
        text=[f"{n:,} ({n / total:.1%})" for n in counts],
        marker={"color": [_ENDS.get(name, PALETTE[3]) for name in names]},
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )  # fmt: skip
    chart.update_xaxes(range=[0, 1.25 * max([*counts, 1])], showticklabels=False, showgrid=False)
    return downwards(chart, names)


def _bars(title: str, rows: int) -> Any:
    """Return a blank figure for bars without a legend, which need no room below."""
    return blank(title).update_layout(height=(130 if title else 90) + 32 * rows, margin={"b": 40})


def draw_flows(assets: pd.DataFrame, title: str = "") -> Figure:
    """Draw buys and sells by asset (:attr:`.summaries.Summary.assets`) to either side, and their net as a mark."""
    shown = assets.iloc[:MOST]
    names = [inert(asset) for asset in shown.index]
    chart = blank(title, rows=len(shown))
    for name, column, sign, colour in (("bought", "buys", 1.0, PALETTE[0]), ("sold", "sells", -1.0, PALETTE[1])):
        chart.add_bar(
            x=sign * shown[column].to_numpy(), y=names, orientation="h", name=name, marker_color=colour,
            hovertemplate="%{y} " + name + " %{customdata:,.0f}<extra></extra>", customdata=shown[column].to_numpy(),
        )  # fmt: skip
    chart.add_scatter(
        x=shown["net"].to_numpy(), y=names, mode="markers", name="net",
        hovertemplate="%{y} net %{x:,.0f}<extra></extra>",
        marker={"symbol": "diamond", "size": 9, "color": INK, "line": {"width": 1, "color": "#FFFFFF"}},
    )  # fmt: skip
    chart.update_layout(barmode="relative").update_xaxes(tickformat="~s", title="money")
    return downwards(chart, names)


def draw_averages(averages: pd.DataFrame, title: str = "") -> Figure:
    """Draw the average account (:attr:`.profiles.Profile.averages`): its weights now and then, less strategic ones."""
    active = averages.sub(averages["strategic"], axis=0)
    shown = active.loc[active.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:MOST]]
    shown = shown.loc[[asset for asset in averages.index if asset in set(shown.index)]]
    names = [inert(asset) for asset in shown.index]
    chart = blank(title, rows=len(shown))
    chart.add_scatter(
        x=np.column_stack([shown["current"], shown["target"], np.full(len(shown), np.nan)]).ravel(),
        y=np.repeat(names, 3), mode="lines", line={"color": DIM, "width": 1.5}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for column, symbol, colour in (("current", "circle-open", INK), ("target", "circle", PALETTE[0])):
        chart.add_scatter(
            x=shown[column].to_numpy(), y=names, mode="markers", name=column,
            marker={"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2, "color": colour}},
            hovertemplate="%{y}<br>" + column + " %{x:+.3%}<extra></extra>",
        )  # fmt: skip
    chart.update_xaxes(tickformat="+.2~%", title="average weight less strategic")
    return downwards(chart, names)


def draw_counts(names: list[str], counts: np.ndarray, words: list[str], title: str = "") -> Figure:
    """Draw one number a name as bars, with words at their ends; of many the first are drawn."""
    names, counts, words = [inert(name) for name in names[:_LABELLED]], counts[:_LABELLED], words[:_LABELLED]
    chart = _bars(title, len(names))
    chart.add_bar(
        x=counts, y=names, orientation="h", showlegend=False, text=[inert(each) for each in words],
        textposition="outside", cliponaxis=False, marker_color=PALETTE[0], hovertemplate="%{y}: %{text}<extra></extra>",
    )  # fmt: skip
    chart.update_xaxes(range=[0, 1.3 * max(float(np.max(counts, initial=0.0)), 1e-9)], tickformat="~s")
    return downwards(chart, names)


def draw_spreads(bins: pd.DataFrame, title: str = "") -> Figure:
    """Draw histograms side by side: columns ``measure``, ``low``, ``high``, ``accounts``."""
    from plotly.subplots import make_subplots

    measures = list(dict.fromkeys(bins["measure"]))
    columns = 3 if len(measures) > 2 else max(len(measures), 1)
    rows = max(1, -(-len(measures) // columns))
    chart: Any = make_subplots(rows=rows, cols=columns, subplot_titles=[inert(name) for name in measures])
    for k, name in enumerate(measures):
        own, row, col = bins.loc[bins["measure"] == name], k // columns + 1, k % columns + 1
        chart.add_bar(
            x=(0.5 * (own["low"] + own["high"])).to_numpy(), y=own["accounts"].to_numpy(), showlegend=False,
            width=(own["high"] - own["low"]).to_numpy(), marker={"color": PALETTE[0], "line": {"width": 0}},
            customdata=own[["low", "high"]].to_numpy(), row=row, col=col,
            hovertemplate="%{customdata[0]:.3%} to %{customdata[1]:.3%}: %{y:,} accounts<extra></extra>",
        )  # fmt: skip
        chart.update_xaxes(tickformat=".3~%", nticks=5, row=row, col=col)
        chart.update_yaxes(tickformat="~s", row=row, col=col)
    return dress(chart, title).update_layout(height=90 + 240 * rows, bargap=0.02)
