"""Schedules: gaps that an account closes in phases, and how far it is.

Two forms of one thing: :class:`PhasedTrade` is a row of the ``phases`` table, :class:`Schedules` the arrays that one
account or a chunk of accounts is computed from. An account has one schedule at a time; its rows share a start. Days are
proleptic ordinals as floats, NaN for none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import AccountError
from ..units import did_you_mean
from .histories import MOST_WEIGHT
from .universes import Universe

Status = Literal[
    "started", "continued", "accelerated", "merged", "restarted", "waiting", "finished", "cancelled"
]  # fmt: skip
STATUSES: tuple[Status, ...] = (
    "started", "continued", "accelerated", "merged", "restarted", "waiting", "finished", "cancelled",
)  # fmt: skip
OVER: tuple[Status, ...] = ("finished", "cancelled")
"""What is told once and forgotten the day after."""
MOST_STEPS = 1000
_NOTHING = 1e-12
"""A gap below this, decimal of NAV, is rounding."""


@dataclass(frozen=True)
class PhasedTrade:
    """What a schedule means to one asset.

    Parameters
    ----------
    asset, started
        Its id, and the day the schedule began: the same for every asset of an account.
    gap
        What was to be traded when it began, or since it was merged: signed, decimal of NAV.
    done
        What has been traded of it: signed, less what a cash flow alone would have traded.
    step
        How many phases are behind it; None where nobody told: then as many as ``done`` amounts to.
    status
        What became of it; ``finished`` and ``cancelled`` are over, and forgotten the day after.
    steps, next_date, reason
        As a proposal tells them: how many phases there are, when the next is due, and a sentence.
    """

    asset: str
    started: dt.date
    gap: float
    done: float = 0.0
    step: int | None = None
    status: Status | Literal[""] = ""
    steps: int = 0
    next_date: dt.date | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Schedules:
    """The schedules of many accounts: ``started`` and ``step`` (m,), ``gap`` and ``done`` (m, n).

    ``started`` is NaN for none, ``step`` where nobody told how many phases are behind.
    """

    started: np.ndarray
    step: np.ndarray
    gap: np.ndarray
    done: np.ndarray

    @classmethod
    def none(cls, accounts: int, n: int) -> Schedules:
        """Return the schedules of nobody."""
        nobody, nothing = np.full(accounts, np.nan), np.zeros((accounts, n))
        return cls(nobody, nobody.copy(), nothing, nothing.copy())

    def pick(self, which: np.ndarray) -> Schedules:
        """Return those of some accounts: positions or a mask."""
        return Schedules(self.started[which], self.step[which], self.gap[which], self.done[which])

    @property
    def told(self) -> np.ndarray:
        """Which assets have a row, shape (m, n)."""
        there = (np.abs(self.gap) > _NOTHING) | (np.abs(self.done) > _NOTHING)
        return there & ~np.isnan(self.started)[:, None]


def read_schedule(rows: Iterable[PhasedTrade], universe: Universe) -> Schedules:
    """Put the schedule of one account into arrays, those of one account; what is over, and the cash, is left out.

    Raises
    ------
    AccountError
        An unknown asset or status, a gap that is no weight, an asset twice, rows that began on two days or are at two
        steps.
    """
    read, seen = Schedules.none(1, len(universe)), set()
    for one in rows:
        if fault := fault_of(one, universe):
            raise fault
        at = universe.positions[one.asset]
        if one.status in OVER or at == universe.cash:
            continue
        day, step = float(one.started.toordinal()), np.nan if one.step is None else float(one.step)
        if one.asset in seen:
            raise _fault("asset_id", one.asset, "DUPLICATE_PHASE", f"{one.asset!r} has two rows", "keep one")
        if seen and day != read.started[0]:
            words = f"its schedule began on {dt.date.fromordinal(int(read.started[0]))} and on {one.started}"
            raise _fault("started", one.started, "TWO_SCHEDULES", words, "one schedule an account: one day of start")
        if seen and not np.array_equal(step, read.step[0], equal_nan=True):
            raise _fault("step", one.step, "TWO_SCHEDULES", f"{one.asset!r} is at another step", "the same for all")
        seen.add(one.asset)
        read.started[0], read.step[0] = day, step
        read.gap[0, at], read.done[0, at] = one.gap, one.done
    return read


def stack_schedules(each: Sequence[Schedules]) -> Schedules | None:
    """Put the schedules of accounts below each other; None where nobody has one."""
    if all(np.isnan(one.started).all() for one in each):
        return None
    return Schedules(*(np.concatenate([getattr(one, x) for one in each]) for x in ("started", "step", "gap", "done")))


def fault_of(one: PhasedTrade, universe: Universe) -> AccountError | None:
    """Say what is wrong with a row by itself, or nothing."""
    if one.asset not in universe.positions:
        mend = did_you_mean(one.asset, universe.assets) or "add it to the assets table"
        return _fault("asset_id", one.asset, "UNKNOWN_ASSET", f"{one.asset!r} is not in the assets table", mend)
    if one.status not in (*STATUSES, ""):
        words = f"the status of {one.asset!r} is {one.status!r}"
        return _fault("status", one.status, "BAD_STATUS", words, ", ".join(STATUSES))
    for name in ("gap", "done"):
        value = getattr(one, name)
        if not abs(value) <= MOST_WEIGHT:
            words = f"the {name} of {one.asset!r} is {value}"
            return _fault(name, value, "BAD_WEIGHT", words, "a signed decimal of NAV: -0.05 for 5% to sell")
    if one.step is not None and not (isinstance(one.step, int) and 0 <= one.step <= MOST_STEPS):
        words = f"the step of {one.asset!r} is {one.step}"
        return _fault("step", one.step, "BAD_STEP", words, "how many phases are behind: 0, 1, 2 ...")
    return None


def _fault(field: str, value: object, code: str, words: str, mend: str) -> AccountError:
    return AccountError(words, code=code, table="phases", field=field, value=value, mend=mend)


def list_phases(
    schedules: Schedules, status: Status, steps: int, next_date: dt.date | None, reason: str, universe: Universe
) -> tuple[PhasedTrade, ...]:
    """Return the schedule of one account as rows, in the order of the assets."""
    started = dt.date.fromordinal(int(schedules.started[0]))
    step = None if np.isnan(schedules.step[0]) else int(schedules.step[0])
    return tuple(
        PhasedTrade(
            universe.assets[i], started, float(schedules.gap[0, i]), float(schedules.done[0, i]), step, status, steps,
            next_date, reason,
        )
        for i in np.flatnonzero(schedules.told[0])
    )  # fmt: skip
