"""Sweeps and boards as figures that a browser shows. Plotly is imported when the first one is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .boards import Board
from .frontiers import FIGURES, check_figures
from .sweeps import Sweep

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_ASSETS = 20


def draw_sweep(found: Sweep, y: str = "expected_gain", x: str = "") -> Figure:
    """Draw a figure of a sweep against its knob, or against another figure; with two knobs, a map of it.

    Parameters
    ----------
    found
        A sweep of one or two knobs; of more, the others stay at their first values.
    y
        A figure: utility, expected_gain, tracking_error, volatility, turnover or cost.
    x
        Another one, for a frontier; the knob without it. With two knobs there is then a line for each value of the
        first.

    Raises
    ------
    InputError
        An unknown figure.
    """
    check_figures(*filter(None, (y, x)))
    points = _two(found)
    if isinstance(points.index, pd.MultiIndex) and not x:
        return _map(pd.Series(points[y]), y)
    chart = blank()
    several = isinstance(points.index, pd.MultiIndex)
    for value, own in points.groupby(level=0) if several else [("", points)]:
        across = own[x] if x else own.index.get_level_values(-1)
        name = f"{points.index.names[0]} {value:.4g}" if several else _words(y)
        chart.add_scatter(x=np.asarray(across), y=own[y].to_numpy(), mode="lines+markers", name=name, marker_size=4)
    _title(chart, f"{_words(y)} against {_words(x or str(points.index.names[-1]))}")
    chart.update_xaxes(title=_words(x or str(points.index.names[-1])), tickformat=".2%" if x in FIGURES else None)
    return chart.update_yaxes(title=_words(y), tickformat=".2%")


def draw_weights(found: Sweep) -> Figure:
    """Draw the ideal weights along the (last) knob, stacked; assets beyond the twenty largest together."""
    weights = found.weights
    while isinstance(weights.index, pd.MultiIndex):
        weights = weights.xs(weights.index.get_level_values(0)[0], level=0)
    order = weights.mean().sort_values(ascending=False).index
    chart = blank()
    for name in order[:_MOST_ASSETS]:
        chart.add_scatter(x=weights.index, y=weights[name], name=str(name), mode="lines", stackgroup="weights")
    if len(order) > _MOST_ASSETS:
        rest = weights[order[_MOST_ASSETS:]].sum(axis=1)
        chart.add_scatter(x=weights.index, y=rest, name="all others", mode="lines", stackgroup="weights")
    _title(chart, f"Ideal weights along {_words(str(weights.index.name))}")
    return chart.update_xaxes(title=_words(str(weights.index.name))).update_yaxes(tickformat=".0%")


def draw_board(found: Board) -> Figure:
    """Draw a board: expected gain against tracking error, use of limits, and regret, an alternative a row."""
    from plotly.subplots import make_subplots

    rows = list(found.figures.index)
    titles = ("Gain against tracking error", "Use of limits", "Regret by world, share of the largest there")
    chart = make_subplots(rows=1, cols=3, subplot_titles=titles, horizontal_spacing=0.12)
    chart.add_scatter(
        x=found.figures["tracking_error"], y=found.figures["expected_gain"], text=rows, mode="markers+text",
        textposition="top center", showlegend=False, row=1, col=1,
    )  # fmt: skip
    regret = found.regret
    scaled = regret / regret.max().where(regret.max() > 0, 1.0)
    for col, frame, shown in ((2, found.use, found.use), (3, scaled, regret)):
        chart.add_heatmap(
            z=frame.to_numpy(), x=list(frame.columns), y=rows, customdata=shown.to_numpy(), zmin=0, zmax=1,
            colorscale="Blues", showscale=False, row=1, col=col,
            hovertemplate="%{y}<br>%{x}: %{customdata:.4%}<extra></extra>",
        )  # fmt: skip
        chart.update_yaxes(autorange="reversed", row=1, col=col)
    chart.update_xaxes(title="tracking error", tickformat=".2%", row=1, col=1)
    chart.update_yaxes(title="expected gain", tickformat=".2%", row=1, col=1)
    _title(chart, "What could be done")
    return chart.update_layout(height=max(420, 32 * len(rows) + 200))


def write_page(figures: list[Figure] | Figure, path: Path) -> None:
    """Write figures as one page that needs nothing else, no network either."""
    listed = figures if isinstance(figures, list) else [figures]
    parts = [own.to_html(full_html=False, include_plotlyjs=k == 0) for k, own in enumerate(listed)]
    path.write_text(
        '<!doctype html><html><head><meta charset="utf-8"><title>trimtab</title></head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n",
        encoding="utf-8",
    )


def _two(found: Sweep) -> pd.DataFrame:
    """Return the points of the last two knobs at most; the others stay at their first values."""
    points = found.points
    while isinstance(points.index, pd.MultiIndex) and points.index.nlevels > 2:
        points = points.xs(points.index.get_level_values(0)[0], level=0)
    return points


def _map(values: pd.Series, name: str) -> Figure:
    table, chart = values.unstack(), blank()  # noqa: PD010  (an index, not a column)
    chart.add_heatmap(
        x=table.columns.to_numpy(), y=table.index.to_numpy(), z=table.to_numpy(), colorscale="Viridis",
        colorbar={"title": _words(name), "tickformat": ".2%"},
    )  # fmt: skip
    _title(chart, f"{_words(name)} by {_words(str(table.index.name))} and {_words(str(table.columns.name))}")
    chart.update_xaxes(title=_words(str(table.columns.name)))
    return chart.update_yaxes(title=_words(str(table.index.name)))


def blank() -> Any:
    """Return a figure with nothing on it."""
    from plotly import graph_objects

    return graph_objects.Figure()


def _title(chart: Figure, words: str) -> None:
    chart.update_layout(title=words, template="plotly_white", margin={"l": 60, "r": 30, "t": 60, "b": 50})


def _words(name: str) -> str:
    return name.replace("_", " ")
