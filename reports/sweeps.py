"""The page of a sweep: what turning a number buys, what it costs, and where which limit begins to bind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..scenarios.figures import FIGURES
from ..scenarios.frontiers import frontier
from ..scenarios.plots import draw_sweep, draw_weights
from ..scenarios.sweeps import Sweep
from ..units import FrozenMap, percent, spoken
from .cells import Form
from .forms import MOST, capital, narrow, points, remainder, spread_out
from .pages import Chart, Figures, Listing, Page, Section

_NARROW = ("utility", "cost")
_WHERE = "in the tables of the sweep"
_SOLVED = ("OPTIMAL", "RELAXED")


def sweep_page(
    found: Sweep,
    title: str = "Sweep",
    *,
    figure: str = "expected_gain",
    against: str = "tracking_error",
    about: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a sweep.

    Parameters
    ----------
    found
        The sweep.
    title
        Whose it is.
    figure, against
        What is drawn, and what its frontier is against (:data:`trimtab.scenarios.figures.FIGURES`).
    about
        Where it comes from, (name, value) each.

    Raises
    ------
    InputError
        An unknown figure.
    """
    turned = " and ".join(f"{spoken(knob.name)} ({len(knob.values):,} values)" for knob in found.knobs)
    return Page(
        title,
        f"Solved again at {len(found.points):,} points of {turned}; lots and tickets are not applied.",
        tuple(_sections(found, figure, against)),
        tuple(about),
    )


def _sections(found: Sweep, figure: str, against: str) -> Iterator[Section]:
    points = found.points
    yield _in_short(points, figure)
    shown = spread_out(_flat(points.drop(columns=["certified_te", "reason"])))
    more = remainder(points, _WHERE)
    note = f"Every point is an optimum of its own, with its own certificate.{more}"
    yield Chart(f"{capital(spoken(figure))} by what was turned", draw_sweep(found, figure), shown, note, _forms(shown))
    if figure != against:
        yield from _frontier(found, figure, against)
    weights = spread_out(_flat(found.weights))
    forms = FrozenMap(dict.fromkeys(weights.columns[-found.weights.shape[1] :], percent))
    note = "Stacked; of more knobs the others stay at their first values, and the table has them all."
    yield Chart("Ideal weights", draw_weights(found), weights, note + more, forms)
    yield from _binding(found)
    yield from _failed(points)


def _in_short(points: pd.DataFrame, figure: str) -> Figures:
    ended = points["outcome"].value_counts()
    solved = points.loc[points["outcome"].isin(_SOLVED)]
    form = _form(figure)
    rows = [("points", f"{len(points):,}", ", ".join(f"{n:,} {name}" for name, n in ended.items()))]
    for name in dict.fromkeys((figure, "tracking_error", "turnover")) if len(solved) else ():
        low, high = float(solved[name].min()), float(solved[name].max())
        rows.append((spoken(name), f"{_form(name)(low)} to {_form(name)(high)}", "over the points that were solved"))
    if len(solved):
        at = solved[figure].to_numpy().argmax()
        where = _told(solved.index[at], [str(name) for name in points.index.names])
        rows.append((f"most {spoken(figure)}", form(float(solved[figure].iloc[at])), f"at {where}"))
    return Figures("In short", tuple(rows))


def _frontier(found: Sweep, figure: str, against: str) -> Iterator[Section]:
    best = frontier(found, against, figure)
    if not len(best):
        return
    frame = spread_out(_flat(best))
    forms = {name: form for name, form in _forms(frame).items() if name not in ("ratio", "slope")}
    note = (
        f"The table has the points that no other beats: slope is what the next bit of {spoken(against)} buys. "
        "The drawing has all."
    )
    title = f"{capital(spoken(figure))} against {spoken(against)}"
    yield Chart(title, draw_sweep(found, figure, against), frame, note + remainder(best, _WHERE), FrozenMap(forms))


def _binding(found: Sweep) -> Iterator[Section]:
    """Yield from where to where the same limits bind, along one knob."""
    if isinstance(found.points.index, pd.MultiIndex) or len(found.points) < 2:
        return
    order = found.points.sort_index(kind="stable")
    binding = order["binding"].to_numpy()
    starts = np.flatnonzero(np.r_[True, binding[1:] != binding[:-1]])
    ends = np.r_[starts[1:], len(order)] - 1
    frame = pd.DataFrame({
        "from": order.index[starts], "to": order.index[ends], "points": ends - starts + 1,
        "binding": [text or "nothing" for text in binding[starts]],
    })  # fmt: skip
    note = f"Along {spoken(str(found.points.index.name))}: the limits with nothing left, and between which values."
    yield Listing("What binds where", frame.iloc[:MOST], note + remainder(frame, _WHERE))


def _failed(points: pd.DataFrame) -> Iterator[Section]:
    failed = points.loc[points["reason"] != "", ["outcome", "reason"]]
    if len(failed):
        title = "Points whose limits cannot all hold, or have no answer"
        yield Listing(title, _flat(failed).iloc[:MOST], remainder(failed, _WHERE).strip())


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its knobs as columns: a knob may be called what a figure is."""
    taken = [f"knob {name}" if name in frame.columns else str(name) for name in frame.index.names]
    return frame.rename_axis(index=taken).reset_index()


def _forms(frame: pd.DataFrame) -> FrozenMap:
    return FrozenMap({name: _form(name) for name in frame.columns if name in FIGURES})


def _form(name: str) -> Form:
    return points if name in _NARROW else narrow if name == "expected_gain" else percent


def _told(at: object, names: Sequence[str]) -> str:
    values = at if isinstance(at, tuple) else (at,)
    return ", ".join(f"{spoken(name)} {value:.4g}" for name, value in zip(names, values, strict=True))
