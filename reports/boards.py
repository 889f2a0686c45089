"""The page of a board: everything a desk could do with an account, in every world it could turn out to be in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from ..optimizer.solutions import Outcome
from ..scenarios.boards import PROPOSED, Board
from ..scenarios.plots import draw_board
from ..scenarios.reversals import Implied
from ..scenarios.worst_cases import WorstCase
from ..units import FrozenMap, percent, signed
from .forms import capital, points, whole
from .pages import Chart, Figures, Listing, Page, Section, Words

_RATES, _SMALL = ("turnover", "tracking_error", "expected_gain"), ("cost", "utility", "regret")


def board_page(
    found: Board,
    title: str = "What could be done",
    *,
    implied: Implied | None = None,
    worst: WorstCase | None = None,
    about: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a board.

    Parameters
    ----------
    found
        The board.
    title
        Whose it is.
    implied
        What has to be believed to hold the proposal (:func:`trimtab.scenarios.reversals.implied_views`).
    worst
        The best for the worst of the worlds (:func:`trimtab.scenarios.worst_cases.propose_robust`).
    about
        Where it comes from, (name, value) each.
    """
    count = len(found.figures)
    subtitle = f"{count:,} alternatives, in {found.worth.shape[1]:,} worlds it could turn out to be in."
    return Page(title, subtitle, tuple(_sections(found, implied, worst)), tuple(about))


def _sections(found: Board, implied: Implied | None, worst: WorstCase | None) -> Iterator[Section]:
    yield _in_short(found)
    frame = found.figures.drop(columns=["reason"])
    forms = dict.fromkeys(_RATES, percent) | dict.fromkeys(_SMALL, points)
    left = "".join(f" Left out: {name} ({why})." for name, why in found.left_out.items())
    note = "Gain and utility are those of all that is believed; regret is the most given up in any world that is one."
    yield Chart("What could be done", draw_board(found), frame, note + left, FrozenMap(forms))
    note = "How much of the tightest bound of each limit is used: 100% at the bound, more beyond it."
    yield from _wide("Use of limits", found.use, whole, note)
    note = "Utility a year given up against the best alternative there; in a shock, profit less cost."
    yield from _wide("Regret by world", found.regret, points, note)
    yield from _wide(
        "Under shocks", found.stress, signed, "Profit or loss, of the account's value; costs not taken off."
    )
    yield from _wide("Weights", found.weights, percent, "What is held in each alternative.")
    reasons = found.figures.loc[found.figures["reason"] != "", ["outcome", "reason"]]
    if len(reasons):
        yield Listing("In words", reasons)
    if PROPOSED not in found.figures.index or found.figures.loc[PROPOSED, "outcome"] != Outcome.UNSOLVED.name:
        yield from _believed(implied)
    yield from _robust(worst)


def _in_short(found: Board) -> Figures:
    figures = found.figures
    if PROPOSED in figures.index and figures.loc[PROPOSED, "outcome"] == Outcome.UNSOLVED.name:
        why = str(figures.loc[PROPOSED, "reason"])
        return Figures("In short", (("proposed", "no answer", f"nothing is traded, the row is as it stands: {why}"),))
    calm = str(figures["regret"].idxmin())
    rows = [
        ("least regret", calm, f"at most {points(float(figures.loc[calm, 'regret']))} a year given up in any world")
    ]
    if PROPOSED in figures.index:
        own = figures.loc[PROPOSED]
        rows = [
            ("proposed gain", percent(float(own["expected_gain"])), "a year over strategic, if what is believed is so"),
            ("tracking error", percent(float(own["tracking_error"])), "a year, of the proposal"),
            ("cost", points(float(own["cost"])), f"of its value, one-way turnover {percent(float(own['turnover']))}"),
            ("regret", points(float(own["regret"])), "the most the proposal gives up in any world, a year"),
            *rows,
        ]  # fmt: skip
    return Figures("In short", tuple(rows))


def _wide(title: str, frame: pd.DataFrame, form, note: str) -> Iterator[Section]:
    if frame.shape[1]:
        named = frame.rename(columns=str)
        yield Listing(title, named, note, FrozenMap(dict.fromkeys(named.columns, form)))


def _believed(implied: Implied | None) -> Iterator[Section]:
    if implied is None:
        return
    if implied.sentences:
        said = tuple(f"{capital(words)}." for words in implied.sentences)
        yield Words("What must be believed to hold the proposal", said)
    forms = FrozenMap({name: (signed if name not in ("weight", "strategic") else percent) for name in implied.assets})
    note = "Gain is what each weight asks for, a year over what strategic weights imply; low and high allow for costs."
    yield Listing("Gains that the proposal implies", implied.assets, note, forms)


def _robust(worst: WorstCase | None) -> Iterator[Section]:
    if worst is None:
        return
    forms = FrozenMap({"robust": points, "believed": points, "share": whole})
    note = "Utility a year of the weights whose worst outlook is the least bad, and of those that only believe."
    yield Listing("The best for the worst of these", worst.outlooks, note, forms)
    trades = worst.proposal.to_frame().drop(columns=["trade_id", "quantity"])
    shown = FrozenMap({"value": "{:,.0f}".format, "weight": signed, "cost": "{:,.2f}".format})
    yield Listing("Trades to them", trades, worst.proposal.reason, shown)
