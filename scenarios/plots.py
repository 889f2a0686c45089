"""Sweeps and boards as figures that a browser shows. Plotly is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from ..optimizer.plots import DIM, INK, MOST, PALETTE, blank, downwards, dress, inert
from ..units import spoken
from .figures import FIGURES, check_figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST_ASSETS, _MOST_LINES = 20, 30
_DASHES = ("solid", "dash", "dot", "dashdot")


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
    across = spoken(x or str(points.index.names[-1]))
    chart = blank(f"{spoken(y)} against {across}")
    several = isinstance(points.index, pd.MultiIndex)
    for value, own in points.groupby(level=0) if several else [("", points)]:
        at = own[x] if x else own.index.get_level_values(-1)
        name = f"{points.index.names[0]} {value:.4g}" if several else spoken(y)
        chart.add_scatter(x=np.asarray(at), y=own[y].to_numpy(), mode="lines+markers", name=inert(name), marker_size=4)
    chart.update_xaxes(title=inert(across), tickformat=".4~%" if x in FIGURES else None)
    return chart.update_yaxes(title=spoken(y), tickformat=".4~%")


def draw_weights(found: Swept) -> Figure:
    """Draw the ideal weights along the (last) knob, stacked; assets beyond the twenty largest together."""
    weights = found.weights
    while isinstance(weights.index, pd.MultiIndex):
        weights = weights.xs(weights.index.get_level_values(0)[0], level=0)
    order = weights.mean().sort_values(ascending=False).index
    knob = spoken(str(weights.index.name))
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
    titles = ("Gain against tracking error", "Use of limits", "Regret by world, bp a year; dark where the largest")
    chart = make_subplots(
        rows=2, cols=2, specs=[[{"colspan": 2}, None], [{}, {}]], subplot_titles=titles, row_heights=[0.42, 0.58],
        horizontal_spacing=0.03, vertical_spacing=0.16,
    )  # fmt: skip
    chart.add_scatter(
        x=found.figures["tracking_error"], y=found.figures["expected_gain"], text=rows, mode="markers+text",
        textposition=_apart(found.figures["tracking_error"].to_numpy()), showlegend=False, marker_color=PALETTE[0],
        cliponaxis=False, row=1, col=1,
    )  # fmt: skip
    regret = found.regret
    scaled = regret / regret.max().where(regret.max() > 0, 1.0)
    for col, frame, shown, words in ((1, found.use, found.use, "{:.0%}"), (2, scaled, 1e4 * regret, "{:.2f}")):
        chart.add_heatmap(
            z=frame.to_numpy(), x=[inert(spoken(str(name))) for name in frame.columns], y=rows, zmin=0, zmax=1,
            customdata=shown.to_numpy(), colorscale="Blues", showscale=False, texttemplate="%{text}",
            text=[[words.format(value) for value in row] for row in shown.to_numpy()],
            hovertemplate="%{y}<br>%{x}: %{text}<extra></extra>", row=2, col=col,
        )  # fmt: skip
        chart.update_yaxes(autorange="reversed", showticklabels=col == 1, row=2, col=col)
    chart.update_xaxes(title="tracking error", tickformat=".2~%", row=1, col=1)
    chart.update_yaxes(title="expected gain", tickformat=".4~%", row=1, col=1)
    return dress(chart, "What could be done").update_layout(height=max(700, 52 * len(rows) + 320))


def _apart(x: np.ndarray) -> list[str]:
    """Return where names stand beside their marks: of neighbours one above, one below."""
    rank = np.argsort(np.argsort(x, kind="stable"), kind="stable")
    return ["bottom center" if k % 2 else "top center" for k in rank]


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


def draw_growth(table: pd.DataFrame, title: str = "", *, stressed: str = "") -> Figure:
    """Draw what becomes of a unit of money (or what is added up), a line a column; the one that is asked about thick.

    Of many, the first thirty: a figure of more cannot be read.
    """
    chart = blank(title).update_layout(height=480, hovermode="x unified")
    for k, name in enumerate(list(table.columns)[:_MOST_LINES]):
        line = {"width": 3.0 if name == stressed else 1.3, "dash": _DASHES[k // len(PALETTE) % len(_DASHES)]}
        chart.add_scatter(x=table.index, y=table[name].to_numpy(), name=inert(name), mode="lines", line=line)
    return chart


def draw_intervals(table: pd.DataFrame, title: str = "", *, form: str = ".2~%") -> Figure:
    """Draw values with their intervals, a row each.

    Parameters
    ----------
    table
        Columns ``value``, ``low``, ``high``; what has no value is left out, and of many rows the first sixty stand.
    title
        In a line.
    form
        Of the numbers, as d3 writes them.
    """
    shown = table.loc[np.isfinite(table["value"].to_numpy(dtype=float))].iloc[:MOST]
    names, value = [inert(name) for name in shown.index], shown["value"].to_numpy(dtype=float)
    chart = blank(title, rows=len(shown))
    chart.add_scatter(
        x=value, y=names, mode="markers", marker={"size": 10, "color": PALETTE[0]}, showlegend=False,
        error_x={"array": shown["high"].to_numpy(dtype=float) - value, "color": DIM, "thickness": 2, "width": 5,
                 "arrayminus": value - shown["low"].to_numpy(dtype=float)},
        hovertemplate="%{y}<br>%{x:" + form + "}<extra></extra>",
    )  # fmt: skip
    chart.update_layout(margin_b=45).update_xaxes(tickformat=form, zeroline=True, zerolinewidth=2)
    return downwards(chart, names)


def _two(found: Swept) -> pd.DataFrame:
    """Return the points of the last two knobs at most; the others stay at their first values."""
    points = found.points
    while isinstance(points.index, pd.MultiIndex) and points.index.nlevels > 2:
        points = points.xs(points.index.get_level_values(0)[0], level=0)
    return points


def _map(values: pd.Series, name: str) -> Figure:
    table = values.unstack()  # noqa: PD010  (an index, not a column)
    chart = blank(f"{spoken(name)} by {spoken(str(table.index.name))} and {spoken(str(table.columns.name))}")
    chart.add_heatmap(
        x=table.columns.to_numpy(), y=table.index.to_numpy(), z=table.to_numpy(), colorscale="Viridis",
        colorbar={"title": spoken(name), "tickformat": ".2%"},
    )  # fmt: skip
    chart.update_xaxes(title=inert(spoken(str(table.columns.name))))
    return chart.update_yaxes(title=inert(spoken(str(table.index.name))))
