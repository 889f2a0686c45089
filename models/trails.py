"""What assets have done, day by day, as it was known: the levels that the stop and take of a view are read from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import ViewError
from ..units import FrozenArrays, day, frozen, percent
from .universes import Universe
from .views import View


@dataclass(frozen=True, eq=False)
class Trail(FrozenArrays):
    """Levels of total return of each asset, a row a date.

    Parameters
    ----------
    dates, known
        Of each row, as ordinals in the order of ``dates``: its day, and the day from which it could be known.
    levels
        Shape (rows, n) in the universe's order, NaN where nobody says; only ratios matter. The cash stands still where
        it has none.
    """

    dates: np.ndarray
    known: np.ndarray
    levels: np.ndarray

    @classmethod
    def from_returns(cls, returns: pd.DataFrame, universe: Universe) -> Trail:
        """Make a trail from returns per period, a column an asset, indexed by the day a period ends and is known."""
        frame = returns.sort_index()
        # A level of 1 before the first period: what happened earlier is not in the table.
        grown = np.cumprod(1.0 + _columns(frame, universe, still=0.0), axis=0)
        dates = [dt.date.min, *(day(d) for d in frame.index)]
        return cls._of(dates, dates, np.vstack([np.ones(len(universe)), grown]))

    @classmethod
    def from_prices(cls, prices: pd.DataFrame, universe: Universe, known: Sequence[dt.date] | None = None) -> Trail:
        """Make a trail from prices, a column an asset, indexed by date; ``known`` says from when each row could be."""
        dates = [day(d) for d in prices.index]
        return cls._of(dates, known or dates, _columns(prices, universe, still=1.0))

    @classmethod
    def _of(cls, dates: Sequence, known: Sequence, levels: np.ndarray) -> Trail:
        days = [np.array([d.toordinal() for d in own], dtype=float) for own in (dates, known)]
        order = np.argsort(days[0], kind="stable")
        return cls(frozen(days[0][order]), frozen(days[1][order]), frozen(levels[order]))

    def gained(self, legs: np.ndarray, since: dt.date, on: dt.date) -> tuple[np.ndarray, np.ndarray]:
        """Return days after ``since`` and what the legs have gained by each, bought and held.

        That is ``sum_i p_i (L_i / L_i0 - 1)``, ``L_i0`` the last level at or before ``since``. Only rows that could be
        known ``on`` count. Raises ``ValueError`` where a leg has no level then, or a gap later.
        """
        seen = (self.dates <= on.toordinal()) & (self.known <= on.toordinal())
        before = np.flatnonzero(seen & (self.dates <= since.toordinal()))
        after = np.flatnonzero(seen & (self.dates > since.toordinal()))
        held = np.flatnonzero(legs)
        if not len(before) or not np.isfinite(self.levels[before[-1], held]).all():
            raise ValueError(f"some leg has no price at or before {since}")
        ratios = self.levels[np.ix_(after, held)] / self.levels[before[-1], held]
        if not np.isfinite(ratios).all():
            gap = dt.date.fromordinal(int(self.dates[after[int(np.argmin(np.isfinite(ratios).all(-1)))]]))
            raise ValueError(f"some leg has no price on {gap}")
        return self.dates[after], ((ratios - 1.0) * legs[held]).sum(-1)


def _columns(frame: pd.DataFrame, universe: Universe, *, still: float) -> np.ndarray:
    """Return a column an asset, not numbers where there is none; a cash without one stands still."""
    levels = np.full((len(frame), len(universe)), np.nan)
    levels[:, universe.cash] = still
    for i, asset in enumerate(universe.assets):
        if asset in frame.columns:
            levels[:, i] = frame[asset].to_numpy(dtype=float)
    return levels


def closed(view: View, legs: np.ndarray, trail: Trail | None, on: dt.date) -> str:
    """Say why a view has closed by a day, or nothing.

    It closes on the first day after ``since`` on which its legs had lost its stop or won its take, in the view's own
    direction (of a view that they fall, their loss), and stays closed.

    Raises
    ------
    ViewError
        It has a stop or a take, and there is no history to read them from.
    """
    if view.since is None or (view.stop is None and view.take is None):
        return ""
    try:
        if trail is None:
            raise ValueError("there is no table of prices or returns")
        days, gained = trail.gained(legs if view.gain >= 0 else -legs, view.since, on)
    except ValueError as error:
        raise ViewError(
            f"view {view.id!r} has a stop or a take, and {error}",
            code="NO_HISTORY",
            table="views",
            field="stop" if view.stop is not None else "take",
            value=view.about,
            mend="add prices or returns since the view began, or leave stop and take empty",
        ) from None
    stop, take = (np.inf if level is None else abs(level) for level in (view.stop, view.take))
    over = np.flatnonzero((gained <= -stop) | (gained >= take))
    if not len(over):
        return ""
    when, gain = dt.date.fromordinal(int(days[over[0]])), float(gained[over[0]])
    if gain < 0:
        return f"it was stopped on {when}: its legs had lost {percent(-gain)}, its stop is {percent(stop)}"
    return f"it took its gain on {when}: its legs had won {percent(gain)}, its take is {percent(take)}"


def too_dear(view: View, expected: float, round_trip: float, on: dt.date) -> str:
    """Say why a view is not worth its costs, or nothing.

    It speaks only if ``|expected| * years > hurdle * round_trip``: what it expects a year beyond what the strategic
    weights imply, over its remaining life but no more than a year, against ``2 sum_i |p_i| kappa_i``.
    """
    if view.hurdle is None:
        return ""
    years = min(view.remaining_years(on), 1.0)
    promised, asked = abs(expected) * years, view.hurdle * round_trip
    if promised > asked:
        return ""
    return (
        f"its expected gain of {percent(promised)} does not exceed {view.hurdle:g} round trips of {percent(round_trip)}"
    )
