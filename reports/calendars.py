"""The page of oversight: what is open, what is due, what waits, what is nearly used up, and who did what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ..governance.plots import draw_positions
from ..units import FrozenMap, percent, signed
from .forms import MOST, remainder, whole
from .pages import Chart, Figures, Listing, Page, Section, Words


@dataclass(frozen=True, eq=False)
class Overseen:
    """What a committee asks of the ledger on a day.

    Parameters
    ----------
    on
        The day.
    switch
        Whether trading is stopped, in words.
    positions, used
        :func:`trimtab.governance.calendars.calendar` and :func:`~trimtab.governance.calendars.used`.
    due, waiting, drift, acts, people
        :func:`trimtab.governance.oversight.due`, ``relaxations``, ``drift``, ``acts`` and ``by_person``.
    """

    on: dt.date
    switch: str
    positions: pd.DataFrame
    used: pd.DataFrame
    due: pd.DataFrame
    waiting: pd.DataFrame
    drift: pd.DataFrame
    acts: pd.DataFrame
    people: pd.DataFrame


def calendar_page(
    found: Overseen, title: str = "Oversight", *, about: Sequence[tuple[str, str]] = ()
) -> Page:  # fmt: skip
    """Return the page of oversight; of tables that may be as long as a book, those rows that matter first."""
    return Page(title, f"As of {found.on}: {found.switch}.", tuple(_sections(found)), tuple(about))


def _sections(found: Overseen) -> Iterator[Section]:
    yield _in_short(found)
    yield _positions(found)
    yield _table("To be looked at", found.due, "Reviews of overrides, and approvals that end soon.", "Nothing is due.")
    share = {"used": percent, "bound": percent, "share": whole}
    note = "The largest share first. Of a weight, distances from strategic: used, and the most that all limits leave."
    yield _table("Limits nearly used up", found.used, note, "No limit is used that far.", share)
    forms = dict.fromkeys(("bound", "used", "excess"), percent)
    note = "Bounds that proposed runs exceed; people is how many have to approve, approved how many have."
    waiting = found.waiting
    if len(waiting):
        waiting = waiting.assign(run=waiting["run"].astype(str).str[:12])  # as commands name it; the rest has no room
    yield _table("Limits that gave way, waiting for approval", waiting, note, "None waits.", forms)
    flagged = found.drift.loc[found.drift["flagged"].astype(bool)].drop(columns="flagged")
    note = "Mean active weights of the runs released within a year, beyond half the limit on leaning."
    forms = {"mean": signed, "limit": percent, "share": whole}
    yield _table("Tilts that have become a habit", flagged, note, "None has.", forms)
    yield _table("Who did what, in numbers", found.people.reset_index(), "", "Nobody has done anything.")
    newest = found.acts.iloc[::-1]
    yield _table("Who did what", newest, "The newest first.", "Nobody has done anything.")


def _in_short(found: Overseen) -> Figures:
    over = int((found.positions["life_left"].to_numpy() < 0).sum())
    late = int(found.due["overdue"].to_numpy(dtype=bool).sum())
    habits = int(found.drift["flagged"].to_numpy(dtype=bool).sum())
    return Figures(
        "In short",
        (
            ("open positions", f"{len(found.positions):,}", f"{over:,} of them over their life"),
            ("due", f"{len(found.due):,}", f"{late:,} overdue"),
            ("limits nearly used", f"{len(found.used):,}", ""),
            ("gave way", f"{len(found.waiting):,}", "bounds that wait for approval"),
            ("habits", f"{habits:,}", "tilts beyond half their limit, the mean of a year"),
        ),
    )


def _positions(found: Overseen) -> Section:
    if not len(found.positions):
        return Words("Open tactical positions", ("None is open.",))
    frame = found.positions.drop(columns=["path"])
    note = "From opening to end, the way back to strategic apart, the dotted line today; who ends first stands first."
    more = remainder(frame, "in positions.parquet of the run")
    return Chart("Open tactical positions", draw_positions(found.positions, found.on), frame.iloc[:MOST], note + more)


def _table(
    title: str, frame: pd.DataFrame, note: str, nothing: str, forms: dict | None = None
) -> Section:  # fmt: skip
    """Return a table, or the sentence that there is nothing to show."""
    if not len(frame):
        return Words(title, (nothing,))
    known = FrozenMap({name: form for name, form in (forms or {}).items() if name in frame.columns})
    return Listing(title, frame.iloc[:MOST], note + remainder(frame, "in the ledger and its runs"), known)
