"""Figures of one account: weights over ranges, the reasons of trades, limits as gauges, views.

Every figure is drawn from a table that can stand beside it, and shows the numbers of that table and no others. Plotly
is imported when the first one is drawn. The lowest floor that draws has the look of all figures.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..constraints.names import LONG_ONLY
from ..models.causes import HELD
from ..units import spoken

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6D31", "#7A7A7A")
"""Colours that people who see fewer of them tell apart (Okabe and Ito 2008; ochre and grey for yellow and black)."""
INK, DIM, FULL, OVER = "#1F2933", "#5B6570", "#E69F00", "#D55E00"
_LOOK = {
    "colorway": list(PALETTE),
    "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
    "paper_bgcolor": "#FFFFFF",
    "plot_bgcolor": "#FFFFFF",
    "hoverlabel": {"namelength": -1},
    "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0.0, "x": 0.0},
    "margin": {"l": 60, "r": 30, "t": 60, "b": 95},
    "title": {"x": 0.0, "xref": "paper", "font": {"size": 16}},
    "xaxis": {"gridcolor": "#E6E9EE", "linecolor": "#8B93A1", "zerolinecolor": "#8B93A1", "automargin": True},
    "yaxis": {"gridcolor": "#E6E9EE", "linecolor": "#8B93A1", "zerolinecolor": "#8B93A1", "automargin": True},
}
MOST = 60
"""Rows of a figure: of more, those are drawn of which there is most to say; the table has all."""
_ROW, _AROUND = 26, 190
_PARTS = 7
"""Reasons with a colour of their own; smaller ones are drawn together."""
_OFFSET = 3.0
"""Parts that sum to less than a third of their sizes undo each other."""
_SEEN = 5e-5
_MARKS = (
    ("current", "circle-open", INK, 11), ("strategic", "line-ns-open", INK, 16),
    ("ideal", "diamond-open", PALETTE[2], 12), ("target", "circle", PALETTE[0], 9),
)  # fmt: skip


def blank(title: str = "", *, rows: int = 0) -> Any:
    """Return a figure with nothing on it, in the look of the house; ``rows`` gives each of them its height."""
    from plotly.graph_objects import Figure as Chart

    return dress(Chart(), title, rows=rows)


def dress(chart: Any, title: str = "", *, rows: int = 0) -> Any:
    """Give a figure the look of the house and a title."""
    from plotly.graph_objects import layout

    chart.layout.template = layout.Template(layout=_LOOK)  # in the place of plotly's own, not merged into it
    chart.update_layout(title=inert(title))
    return chart.update_layout(height=_AROUND + _ROW * rows) if rows else chart


def downwards(chart: Any, names: list[str]) -> Any:
    """Put the rows of a figure in the order of their names, the first on top: plotly would begin at the bottom."""
    return chart.update_yaxes(categoryorder="array", categoryarray=names[::-1])


def inert(text: object) -> str:
    """Return words as plotly shows them as they are: it reads a few tags and entities in every label.

    >>> inert("a <b>bold</b> name & more")
    'a &lt;b&gt;bold&lt;/b&gt; name &amp; more'
    """
    return html.escape(str(text), quote=False)


def draw_weights_over(weights: pd.DataFrame | None, ranges: pd.DataFrame | None = None, title: str = "") -> Figure:
    """Draw weights as marks over the ranges that limits leave of them, an asset a row.

    Parameters
    ----------
    weights
        :func:`.tables.tabulate_weights`; of more than :data:`MOST` assets those that move and lean most. Nothing is
        drawn without them.
    ranges
        :func:`.tables.tabulate_ranges`: limits with two finite ends are bars, what all of them leave is a line that
        ends with the figure where nothing ends it.
    title
        In a line.
    """
    if weights is None:
        return blank(title)
    shown = weights.loc[_most_telling(weights)]
    names = [inert(asset) for asset in shown.index]
    chart = blank(title, rows=len(shown))
    there = pd.DataFrame() if ranges is None else ranges.loc[ranges["asset_id"].isin(shown.index)]
    least, most = _span(shown, there)
    _draw_ranges(chart, there)
    low, high = shown["low"].clip(lower=least), shown["high"].clip(upper=most)
    chart.add_scatter(
        x=np.column_stack([low, high, np.full(len(shown), np.nan)]).ravel(), y=np.repeat(names, 3), mode="lines",
        name="left by all limits", line={"color": DIM, "width": 1.5}, hoverinfo="skip",
    )  # fmt: skip
    for column, symbol, colour, size in _MARKS:
        if column in shown.columns:
            chart.add_scatter(
                x=shown[column].to_numpy(), y=names, mode="markers", name=column,
                marker={"symbol": symbol, "color": colour, "size": size, "line": {"width": 2, "color": colour}},
                hovertemplate="%{y}<br>" + column + " %{x:.2%}<extra></extra>",
            )  # fmt: skip
    chart.update_layout(barmode="overlay").update_xaxes(tickformat=".1~%", range=[least, most])
    return downwards(chart, names).update_yaxes(range=[-0.6, len(names) - 0.4])


def _most_telling(weights: pd.DataFrame) -> list[object]:
    """Return the assets to draw, in their own order."""
    end = weights["target"] if "target" in weights.columns else weights["ideal"]
    size = (end - weights["current"]).abs() + (end - weights["strategic"]).abs() + end.abs() * 1e-3
    kept = set(np.argsort(-size.to_numpy(), kind="stable")[:MOST].tolist())
    return [asset for i, asset in enumerate(weights.index) if i in kept]


def _bars(ranges: pd.DataFrame) -> pd.DataFrame:
    return ranges.loc[np.isfinite(ranges["low"]) & np.isfinite(ranges["high"]) & (ranges["limit"] != LONG_ONLY)]


def _span(weights: pd.DataFrame, ranges: pd.DataFrame) -> tuple[float, float]:
    """Return where the axis begins and ends: around all that is drawn, and no farther than that."""
    marks = weights[[name for name, *_ in _MARKS if name in weights.columns]].to_numpy()
    ends = _bars(ranges)[["low", "high"]].to_numpy() if len(ranges) else marks
    least, most = min(marks.min(), ends.min(initial=np.inf)), max(marks.max(), ends.max(initial=-np.inf))
    room = 0.04 * max(float(most - least), 1e-4)
    return float(least) - room, float(most) + room


def _draw_ranges(chart: Any, ranges: pd.DataFrame) -> None:
    """Draw each limit as bars from its low to its high end: the wider a limit, the thicker and the farther behind."""
    if not len(ranges):
        return
    drawn = _bars(ranges)
    apart = drawn["high"].to_numpy() - drawn["low"].to_numpy()
    limits = drawn["limit"].to_numpy(dtype=str)
    widths = {name: float(apart[limits == name].mean()) for name in dict.fromkeys(limits.tolist())}
    wide = sorted(widths, key=lambda name: -widths[name])
    for k, name in enumerate(wide):
        own = drawn.loc[drawn["limit"] == name]
        chart.add_bar(
            x=(own["high"] - own["low"]).to_numpy(), base=own["low"].to_numpy(), orientation="h",
            y=[inert(asset) for asset in own["asset_id"]], width=0.82 - 0.5 * k / max(len(wide), 1),
            marker={"color": PALETTE[(k + 4) % len(PALETTE)], "opacity": 0.42}, name=inert(spoken(str(name))),
            customdata=own[["low", "high"]].to_numpy(),
            hovertemplate="%{y}<br>%{customdata[0]:.2%} to %{customdata[1]:.2%}<extra>%{fullData.name}</extra>",
        )  # fmt: skip


def draw_reasons(parts: pd.DataFrame, title: str = "Why it trades") -> Figure:
    """Draw the parts of each trade (:meth:`.reasons.Explanation.to_frame`) as stacked bars, the trade as a mark.

    The largest reasons have a colour of their own, the others one together: what is drawn still sums to the trade.
    What holds back is one bar where its parts mostly undo each other, as between near substitutes: the table has each.
    """
    moved = parts.loc[parts.abs().max(axis=1) >= _SEEN]
    order = moved.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:MOST]
    shown = moved.loc[[asset for asset in moved.index if asset in set(order)]]
    names, own = [inert(asset) for asset in shown.index], _netted(shown.drop(columns="trade"))
    sizes = own.abs().sum().sort_values(ascending=False, kind="stable")
    large = {str(name) for name, size in sizes.iloc[:_PARTS].items() if size > 0}
    alone = [name for name in own.columns if name in large]
    drawn = [(spoken(name), own[name]) for name in alone]
    rest = own.drop(columns=alone)
    if rest.shape[1] and (rest != 0.0).to_numpy().any():
        drawn.append(("smaller parts together", rest.sum(axis=1)))
    chart = blank(title, rows=len(shown))
    for name, part in drawn:
        chart.add_bar(
            x=part.to_numpy(), y=names, orientation="h", name=inert(name),
            hovertemplate="%{y}<br>" + inert(name) + " %{x:+.2%}<extra></extra>",
        )  # fmt: skip
    chart.add_scatter(
        x=shown["trade"].to_numpy(), y=names, mode="markers", name="the trade",
        marker={"symbol": "diamond", "size": 10, "color": INK, "line": {"width": 1, "color": "#FFFFFF"}},
        hovertemplate="%{y}<br>trade %{x:+.2%}<extra></extra>",
    )  # fmt: skip
    chart.update_layout(barmode="relative").update_xaxes(tickformat="+.1~%", title="of net asset value")
    return downwards(chart, names)


def _netted(parts: pd.DataFrame) -> pd.DataFrame:
    held = [name for name in parts.columns if name.startswith(HELD)]
    net = parts[held].sum(axis=1)
    if parts[held].abs().to_numpy().sum() <= _OFFSET * net.abs().sum():
        return parts
    return parts.drop(columns=held).assign(**{"held back, all together": net})


def draw_gauges(gauges: pd.DataFrame, title: str = "How much of each limit is used") -> Figure:
    """Draw each limit's most used bound (:func:`.rooms.tabulate_gauges`) as a gauge: full at the bound.

    Beside it stands what it is on and, where it binds, what one percentage point more of it would add a year.
    """
    shown = gauges.loc[~gauges["limit"].duplicated()].iloc[:MOST]  # the most used stands first
    names = [inert(spoken(name)) for name in shown["limit"]]
    share = shown["share"].to_numpy(dtype=float)
    over, full = share > 1.0 + 1e-6, share > 1.0 - 1e-6
    chart = blank(title, rows=len(shown))
    chart.add_bar(
        x=share, y=names, orientation="h", showlegend=False, textposition="outside", cliponaxis=False,
        text=[_gauge_words(row) for row in shown.to_dict("records")],
        marker={"color": np.where(over, OVER, np.where(full, FULL, PALETTE[0])).tolist()},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )  # fmt: skip
    chart.add_vline(x=1.0, line={"color": INK, "width": 2, "dash": "dot"})
    chart.update_layout(margin_b=45).update_xaxes(tickformat=".0%", range=[0.0, 1.6 * float(share.max(initial=1.0))])
    return downwards(chart, names)


def _gauge_words(row: dict[str, Any]) -> str:
    on = f" of {row['on']}" if row["on"] else ""
    worth = f"; 1% more is worth {row['price'] * 100:.2f} bp a year" if row["price"] > 0 else ""
    return inert(f"{row['share']:.0%}{on}{worth}")


def draw_views(views: pd.DataFrame, title: str = "What is believed") -> Figure:
    """Draw views (:func:`trimtab.models.views.tabulate_views`): gain and confidence beside each other, age and end."""
    from plotly.subplots import make_subplots

    shown = views.iloc[:MOST]
    names = [inert(name) for name in shown["view_id"]]
    heads = ("gain a year", "confidence today")
    chart = dress(make_subplots(rows=1, cols=2, shared_yaxes=True, subplot_titles=heads), title, rows=len(shown))
    words = [_lived(row) for row in shown.to_dict("records")]
    for col, column in ((1, "gain"), (2, "confidence")):
        chart.add_bar(
            x=shown[column].to_numpy(dtype=float), y=names, orientation="h", showlegend=False, marker_color=PALETTE[0],
            text=words if col == 2 else None, textposition="outside", cliponaxis=False,
            hovertemplate="%{y} %{x:.1%}<extra></extra>", row=1, col=col,
        )  # fmt: skip
    chart.update_xaxes(tickformat="+.1~%", row=1, col=1).update_xaxes(tickformat=".0%", range=[0.0, 1.9], row=1, col=2)
    chart.update_layout(margin_b=45).update_xaxes(tickvals=[0.0, 0.25, 0.5, 0.75, 1.0], row=1, col=2)
    return downwards(chart, names)


def _lived(row: dict[str, Any]) -> str:
    told = [f"{row['confidence']:.0%}"]
    if np.isfinite(row["age_days"]):
        told.append(f"{row['age_days']:.0f} days old")
    told.append(f"ends in {row['days_left']:.0f}" if np.isfinite(row["days_left"]) else "no end")
    return ", ".join(told)
