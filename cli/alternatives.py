"""One account asked again, on a page and in files: sweeps, boards, breakpoints, sensitivities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console

from ..batches.questions import Question, pick_question
from ..optimizer.solutions import Outcome
from ..scenarios.boards import PROPOSED, Board, board
from ..scenarios.breakpoints import find_breakpoints
from ..scenarios.figures import check_figures
from ..scenarios.frontiers import frontier
from ..scenarios.knobs import Knob, spread
from ..scenarios.reversals import Implied, implied_views
from ..scenarios.sensitivities import Sensitivity, sensitivity
from ..scenarios.sweeps import Sweep, sweep
from ..units import basis_points, percent, spoken
from .pages import head, lay, listed, page, plain, quote, say, show_proposal
from .shock_texts import read_shock

if TYPE_CHECKING:
    from ..scenarios.worst_cases import WorstCase

_ROWS = 12
"""Points of a sweep on a page; the rest stands in its table."""


def ask_sweep(
    book: Path,
    policy: Path,
    account: str,
    on: dt.date,
    knobs: Sequence[str],
    out: Path | None,
    figure: str,
    against: str,
) -> None:
    """Sweep, show and write."""
    check_figures(figure, against)
    turned = [spread(text) for text in knobs]
    asked = pick_question(book, policy, account, on)
    found = sweep(
        asked.account, asked.policy, asked.market, asked.views, on, turned, overlay=asked.overlay, trail=asked.trail
    )
    console = page()
    _show_sweep(console, asked, found, turned)
    best = frontier(found, against, figure) if figure != against else pd.DataFrame()
    if out is not None:
        from ..reports.pages import write_page
        from ..reports.sweeps import sweep_page

        tables = {"sweep": _flat(found.to_frame())} | ({"frontier": _flat(best)} if len(best) else {})
        title = f"Account {asked.account.id}: {' and '.join(spoken(knob.name) for knob in turned)} turned"
        _write(console, out, tables)
        made = sweep_page(found, title, figure=figure, against=against, about=asked.origin())
        quote(console, f"  {write_page(made, out / 'sweep.html')}")


def _show_sweep(out: Console, asked: Question, found: Sweep, knobs: Sequence[Knob]) -> None:
    points = found.points
    said = " and ".join(f"{knob.name} ({len(knob.values)})" for knob in knobs)
    say(out, f"Account {asked.account.id} on {asked.on}: {len(points):,} points of {said}", style="bold")
    shown = np.unique(np.linspace(0, len(points) - 1, min(len(points), _ROWS)).astype(int))
    names = [str(name) for name in points.index.names]
    rows = []
    for i in shown:
        row, at = points.iloc[i], points.index[i]
        values = [f"{x:.4g}" for x in (at if isinstance(at, tuple) else (at,))]
        rates = [percent(row[c]) for c in ("expected_gain", "tracking_error", "turnover")]
        rows.append(
            (
                *values,
                *rates,
                basis_points(row["cost"], 1),
                basis_points(row["utility"], 2),
                row["outcome"],
                row["binding"],
            )
        )
    columns = (*(f"{name} " for name in names), "gain", "te", "turnover", "cost", "utility", "outcome", "binding")
    lay(out, columns, rows, columns[:-2])
    if len(shown) < len(points):
        say(out, f"  ... {len(points) - len(shown):,} points between them are not shown; --out writes them all")
    failed = points.loc[points["reason"] != "", "reason"]
    if len(failed):
        head(out, "Points whose limits cannot all hold, or have no answer")
        told = failed.drop_duplicates()
        listed(out, ("", ""), [("-", reason) for reason in told], len(told), "in the table")


def ask_board(
    book: Path, policy: Path, account: str, on: dt.date, shocks: Sequence[str], out: Path | None, *, robust: bool
) -> None:
    """Make the board, show and write it."""
    asked = pick_question(book, policy, account, on)
    shaken = [read_shock(text, asked) for text in shocks]
    about = (asked.account, asked.policy, asked.market, asked.views, on)
    found = board(*about, shocks=shaken, overlay=asked.overlay, trail=asked.trail)
    implied = implied_views(*about, found.proposals[PROPOSED], overlay=asked.overlay, trail=asked.trail)
    console = page()
    _show_board(console, asked, found, implied)
    tables = {"board": _flat(found.to_frame()), "worth": _flat(found.worth), "implied": _flat(implied.assets)}
    worst = None
    if robust:
        from ..scenarios.worst_cases import propose_robust  # asks cvxpy, that nothing else here needs

        worst = propose_robust(*about, shocks=shaken, overlay=asked.overlay, trail=asked.trail)
        _show_robust(console, worst)
        tables["robust"] = _flat(worst.outlooks)
    if out is not None:
        from ..reports.boards import board_page
        from ..reports.pages import write_page

        _write(console, out, tables)
        title = f"Account {asked.account.id}: what could be done"
        made = board_page(found, title, implied=implied, worst=worst, about=asked.origin())
        quote(console, f"  {write_page(made, out / 'board.html')}")


def _show_board(out: Console, asked: Question, found: Board, implied: Implied) -> None:
    say(out, f"Account {asked.account.id} ({asked.account.model}) on {asked.on}: what could be done", style="bold")
    columns = ["turnover", "cost", "te", "gain", "utility", "regret", "trades", "outcome"]
    rows = []
    for row in found.figures.to_dict("records"):
        rates = (percent(row["turnover"]), basis_points(row["cost"], 1), percent(row["tracking_error"]))
        sizes = (percent(row["expected_gain"]), *(basis_points(row[c], 2) for c in ("utility", "regret")))
        rows.append((*rates, *sizes, row["trades"], row["outcome"]))
    _wide(out, pd.DataFrame(rows, found.figures.index, columns), str)
    say(out, "  Gain and utility are those of all that is believed; regret is the most given up in any world below.")
    stuck = _without_answer(found)
    for why, names in stuck.items():
        say(out, f"No answer, shown as it stands now: {', '.join(names)}. UNSOLVED: {why}.", style="bold")
    for title, frame, form in (
        ("Use of limits: 100% is the bound", found.use, lambda x: percent(x, 0)),
        ("Under shocks", found.stress, percent),
        ("Regret by world: utility a year given up against the best there", found.regret, lambda x: basis_points(x, 2)),
    ):
        if frame.shape[1]:
            head(out, title)
            _wide(out, frame, form)
    for name, why in found.left_out.items():
        say(out, f"Left out: {name} ({why}).")
    if implied.sentences and not any(PROPOSED in names for names in stuck.values()):
        head(out, "To hold the proposal")
        for sentence in implied.sentences:
            say(out, f"- {sentence.removeprefix('to hold this ')}")


def _without_answer(found: Board) -> dict[str, list[str]]:
    """Return the rows that have no answer that may be released, by why: their figures are those of doing nothing."""
    own = found.figures.loc[found.figures["outcome"] == Outcome.UNSOLVED.name, "reason"]
    return {str(why): [str(name) for name in names.index] for why, names in own.groupby(own, sort=False)}


def _wide(out: Console, frame: pd.DataFrame, form) -> None:
    """Lay out a wide table in pieces that fit a page, its rows named on each: a number is never cut."""
    first = max(len(str(name)) for name in frame.index) + 2
    cells = [[form(x) for x in column] for column in frame.to_numpy().T]
    names = [str(name) for name in frame.columns]
    widths = [max(len(plain(each)) for each in (name, *own)) + 2 for name, own in zip(names, cells, strict=True)]
    start = 0
    while start < len(names):
        end = start + 1
        while end < len(names) and 2 + first + sum(widths[start : end + 1]) <= out.width:
            end += 1
        rows = zip(map(str, frame.index), *cells[start:end], strict=True)
        lay(out, ("", *names[start:end], ""), [(*row, "") for row in rows], names[start:end])
        start = end


def _show_robust(out: Console, worst: WorstCase) -> None:
    head(out, "The best for the worst of these")
    rows = [
        (name, basis_points(row["robust"], 2), basis_points(row["believed"], 2), percent(row["share"], 0))
        for name, row in zip(worst.outlooks.index, worst.outlooks.to_dict("records"), strict=True)
    ]
    columns = ("outlook", "robust", "as believed", "share")
    lay(out, columns, rows, columns[1:])
    show_proposal(out, worst.proposal)


def ask_breakpoints(
    book: Path, policy: Path, account: str, on: dt.date, knobs: Sequence[str], out: Path | None
) -> None:  # fmt: skip
    """Find breakpoints, show and write them."""
    asked = pick_question(book, policy, account, on)
    found = find_breakpoints(
        asked.account, asked.policy, asked.market, asked.views, on, knobs, overlay=asked.overlay, trail=asked.trail
    )
    console = page()
    say(console, f"Account {asked.account.id} on {on}: how far a number may move", style="bold")
    if not len(found):
        say(console, "Nothing that was tried makes a trade disappear or turn round.")
    for asset, own in found.groupby("asset", sort=False):
        head(console, f"{own['side'].iloc[0]} {percent(abs(own['trade'].iloc[0]))} of {asset}")
        listed(console, ("", ""), [("-", words) for words in own["sentence"]], len(own), "in the table")
    if out is not None:
        _write(console, out, {"breakpoints": found})


def ask_sensitivity(
    book: Path, policy: Path, account: str, on: dt.date, knobs: Sequence[str], out: Path | None
) -> None:  # fmt: skip
    """Differentiate, show and write."""
    asked = pick_question(book, policy, account, on)
    found = sensitivity(
        asked.account, asked.policy, asked.market, asked.views, on, knobs, overlay=asked.overlay, trail=asked.trail
    )
    console = page()
    _show_sensitivity(console, asked, found)
    if out is not None:
        down = found.down.assign(utility=found.utility["down"])
        _write(console, out, {"sensitivity": _flat(found.to_frame()), "sensitivity_down": _flat(down)})


def _show_sensitivity(out: Console, asked: Question, found: Sensitivity) -> None:
    say(out, f"Account {asked.account.id} on {asked.on}: how its ideal weights move with each number", style="bold")
    rows = []
    for knob, weights, one_sided in zip(found.up.index, found.up.to_dict("records"), found.one_sided, strict=True):
        unit, words = _unit(str(knob), float(found.utility.loc[knob, "value"]))
        largest = sorted(weights, key=lambda asset: -abs(weights[asset]))[:3]
        moves = ", ".join(f"{a} {100 * weights[a] * unit:+.2f}%" for a in largest if abs(weights[a] * unit) >= 5e-6)
        worth = basis_points(float(found.utility.loc[knob, "up"]) * unit, 2)
        rows.append((knob, words, worth, "up only" if one_sided else "", moves or "nothing moves"))
    lay(out, ("number", "by", "utility", "", "the largest moves of weight"), rows, ("by", "utility"))
    if found.one_sided.any():
        say(out, "  Up only: something is just met, so that the way down differs; --out writes both.")


def _unit(knob: str, value: float) -> tuple[float, str]:
    """Return the step that a knob's moves are told for, and its name: a tenth of it, or 0.1 %."""
    rate = knob.startswith("view.") and knob.endswith(".gain")
    plainly = knob in ("risk_aversion", "cost_horizon_years", "gain", "confidence", "costs", "volatility")
    if rate or not (plainly or knob.startswith("price.") or knob.endswith(".confidence")):
        return 0.001, "+0.1%"
    if knob.endswith("confidence") and knob != "confidence":
        return 0.1, "+0.1"
    return 0.1 * abs(value), "+10%"


def _flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with its index as columns: a knob may be called what a figure is."""
    names = [str(name) for name in frame.index.names]
    taken = [f"knob:{name}" if name in frame.columns else name for name in names]
    return frame.rename_axis(index=taken).reset_index()


def _write(out: Console, folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    head(out, "Written")
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
        table.to_csv(folder / f"{name}.csv", index=False)
        quote(out, f"  {folder / name}.parquet, .csv")
