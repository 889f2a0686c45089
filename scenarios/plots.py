"""Sweeps and boards as figures that a browser shows. Plotly is imported when the first one is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from ..optimizer.plots import INK, PALETTE, blank, dress, inert
from .figures import FIGURES, check_figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_ASSETS = 20


class Swept(Protocol):
    """What is drawn of a :class:`.sweeps.Sweep`."""

    @property
    def points(self) -> pd.DataFrame:
        """Figures by knob."""
        ...

    @property
    def weights(self) -> pd.DataFrame:
        """Ideal weights by knob."""
        ...


class Laid(Protocol):
    """What is drawn of a :class:`.boards.Board`."""

    @property
    def figures(self) -> pd.DataFrame:
        """Figures by alternative."""
        ...

    @property
    def use(self) -> pd.DataFrame:
        """Use of limits by alternative."""
        ...

    @property
    def regret(self) -> pd.DataFrame:
        """Regret by alternative and world."""
        ...


def draw_sweep(found: Swept, y: str = "expected_gain", x: str = "") -> Figure:
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
    across = _words(x or str(points.index.names[-1]))
    chart = blank(f"{_words(y)} against {across}")
    several = isinstance(points.index, pd.MultiIndex)
    for value, own in points.groupby(level=0) if several else [("", points)]:
        at = own[x] if x else own.index.get_level_values(-1)
        name = f"{points.index.names[0]} {value:.4g}" if several else _words(y)
        chart.add_scatter(x=np.asarray(at), y=own[y].to_numpy(), mode="lines+markers", name=inert(name), marker_size=4)
    chart.update_xaxes(title=inert(across), tickformat=".2%" if x in FIGURES else None)
    return chart.update_yaxes(title=_words(y), tickformat=".2%")


def draw_weights(found: Swept) -> Figure:
    """Draw the ideal weights along the (last) knob, stacked; assets beyond the twenty largest together."""
    weights = found.weights
    while isinstance(weights.index, pd.MultiIndex):
        weights = weights.xs(weights.index.get_level_values(0)[0], level=0)
    order = weights.mean().sort_values(ascending=False).index
    knob = _words(str(weights.index.name))
    chart = blank(f"Ideal weights along {knob}")
    for name in order[:_MOST_ASSETS]:
        chart.add_scatter(x=weights.index, y=weights[name], name=inert(name), mode="lines", stackgroup="weights")
    if len(order) > _MOST_ASSETS:
        rest = weights[order[_MOST_ASSETS:]].sum(axis=1)
        chart.add_scatter(x=weights.index, y=rest, name="all others", mode="lines", stackgroup="weights")
    return chart.update_xaxes(title=inert(knob)).update_yaxes(tickformat=".0%")


def draw_board(found: Laid) -> Figure:
    """Draw a board: expected gain against tracking error, use of limits, and regret, an alternative a row."""
    from plotly.subplots import make_subplots

    rows = [inert(name) for name in found.figures.index]
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
            z=frame.to_numpy(), x=[inert(name) for name in frame.columns], y=rows, customdata=shown.to_numpy(),
            zmin=0, zmax=1, colorscale="Blues", showscale=False, row=1, col=col,
            hovertemplate="%{y}<br>%{x}: %{customdata:.4%}<extra></extra>",
        )  # fmt: skip
        chart.update_yaxes(autorange="reversed", row=1, col=col)
    chart.update_xaxes(title="tracking error", tickformat=".2%", row=1, col=1)
    chart.update_yaxes(title="expected gain", tickformat=".2%", row=1, col=1)
    return dress(chart, "What could be done").update_layout(height=max(420, 32 * len(rows) + 200))


def draw_history(table: pd.DataFrame, title: str = "") -> Figure:
    """Draw growth, drawdown and turnover of a backtest (:meth:`.backtests.Backtest.history`), a panel each."""
    from plotly.subplots import make_subplots

    panels = ["growth", *(["ahead"] if "ahead" in table.columns else []), "drawdown", "turnover"]
    heights = [0.5, *[0.5 / (len(panels) - 1)] * (len(panels) - 1)]
    chart = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.04)
    if "benchmark" in table.columns:
        chart.add_scatter(
            x=table.index, y=table["benchmark"].to_numpy(), name="benchmark", mode="lines",
            line={"color": INK, "width": 1.5, "dash": "dot"}, row=1, col=1,
        )  # fmt: skip
    for row, name in enumerate(panels, start=1):
        if name == "turnover":
            chart.add_bar(x=table.index, y=table[name].to_numpy(), name=name, marker_color=PALETTE[3], row=row, col=1)
        else:
            chart.add_scatter(
                x=table.index, y=table[name].to_numpy(), name=name, mode="lines", row=row, col=1,
                line={"color": PALETTE[row - 1], "width": 1.8}, fill=None if row == 1 else "tozeroy",
            )  # fmt: skip
        chart.update_yaxes(title=name, tickformat=".2f" if row == 1 else ".0~%", row=row, col=1)
    return dress(chart, title).update_layout(height=240 + 130 * len(panels), hovermode="x unified")


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


def _two(found: Swept) -> pd.DataFrame:
    """Return the points of the last two knobs at most; the others stay at their first values."""
    points = found.points
    while isinstance(points.index, pd.MultiIndex) and points.index.nlevels > 2:
        points = points.xs(points.index.get_level_values(0)[0], level=0)
    return points


def _map(values: pd.Series, name: str) -> Figure:
    table = values.unstack()  # noqa: PD010  (an index, not a column)
    chart = blank(f"{_words(name)} by {_words(str(table.index.name))} and {_words(str(table.columns.name))}")
    chart.add_heatmap(
        x=table.columns.to_numpy(), y=table.index.to_numpy(), z=table.to_numpy(), colorscale="Viridis",
        colorbar={"title": _words(name), "tickformat": ".2%"},
    )  # fmt: skip
    chart.update_xaxes(title=inert(_words(str(table.columns.name))))
    return chart.update_yaxes(title=inert(_words(str(table.index.name))))


def _words(name: str) -> str:
    return name.replace("_", " ")
