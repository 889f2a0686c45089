"""How fast an account goes where it is going: in phases, and at the pace that the tilt gives to buys and sells.

With t the tactical target, clipped to what the account's limits leave of each weight, and ``w0`` the current weights::

    f_i  =  min(1, fraction_i * pace_i)            pace_i the tilt's buy_pace or sell_pace, by the side of the gap
    0  <=  (w_i - w0_i) / (t_i - w0_i)  <=  f_i    for every asset but the cash

It is a box of a tier below every other, so any limit overrides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import PolicyError
from ..units import decimal, percent
from .limits import Context, Limit, Rate
from .terms import Box

PHASE, PACE = "phase", "pace"
"""What the box is called: where the policy has phases, and where the tilt alone slows trading."""
MOST_DAYS = 36500


@dataclass(frozen=True)
class Phases:
    """The way to the tactical target in steps, each on its day; before each the signals are read again.

    Parameters
    ----------
    steps
        ``(days since the start, part of the gap)``, the days increasing, the parts summing to 1.
    of
        ``"original"``: after k steps at most ``F_k``, the sum of the first k parts, of the gap at the start is done,
        and never more than leads to today's target. ``"remaining"``: step k goes ``part_k / (part_k + part_k+1 + ...)``
        of what remains that day: 50 %, 25 %, 25 % become 50 %, 50 %, 100 % of today's gap.
    merge_at
        Of the original gap: where what remains of any asset differs by more than this from what the schedule expects
        to remain, its gap becomes what is done and what remains today; the dates stay.
    restart_at
        Where the gap of any asset points the other way by more than this, the schedule is void and another one starts.
    close_at
        A gap that is no wider than this in any asset is not phased: it is closed at once, and a schedule with no more
        to go is over.

    Raises
    ------
    PolicyError
        Days that do not increase, parts that are not positive or do not sum to 1, a threshold out of range.

    >>> print(Phases(((0, "50%"), (30, "25%"), (60, "25%"))))
    a gap is closed in 3 phases: 50% at once, 25% after 30 days, 25% after 60 days, of the gap at the start
    """

    steps: tuple[tuple[int, Rate], ...] = ()
    of: Literal["original", "remaining"] = "original"
    merge_at: Rate = 0.01
    restart_at: Rate = 0.01
    close_at: Rate = 0.001

    def __post_init__(self) -> None:
        """Read the numbers."""
        object.__setattr__(self, "steps", _read_steps(self.steps))
        for name in ("merge_at", "restart_at", "close_at"):
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if not float(self.close_at) >= 0.0:
            raise _error("close_at", self.close_at, "at least 0")
        for name, value in (("merge_at", self.merge_at), ("restart_at", self.restart_at), ("close_at", self.close_at)):
            if not float(self.close_at) <= float(value) <= 1.0:
                raise _error(name, value, f"at least close_at, {self.close_at}, and at most 1")
        if self.of not in ("original", "remaining"):
            raise _error("of", self.of, "original or remaining")

    @property
    def days(self) -> np.ndarray:
        """The day of each step, counted from the start, shape (k,)."""
        return np.array([day for day, _ in self.steps], dtype=float)

    @property
    def shares(self) -> np.ndarray:
        """What is done of the gap after 0, 1, 2 ... steps, shape (k + 1,); 1 exactly after the last."""
        shares = np.concatenate([[0.0], np.cumsum([float(part) for _, part in self.steps])])
        shares[-1] = 1.0
        return shares

    def released(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return what of today's remaining gap the steps from ``before`` to ``after`` go, where it is of what remains.

        ``before`` is less than the number of steps.
        """
        shares = self.shares
        return (shares[after] - shares[before]) / (1.0 - shares[before])

    def __str__(self) -> str:
        """Say it as a committee would."""
        when = [f"{_part(float(part))} {_after(day)}" for day, part in self.steps]
        what = "the gap at the start" if self.of == "original" else "the gap at the start, each counted on what remains"
        count = f"{len(when)} phase{'s' if len(when) > 1 else ''}"
        return f"a gap is closed in {count}: {', '.join(when)}, of {what}"


@dataclass(frozen=True)
class Pace(Limit):
    """The box of phases and of the tilt's pace as a limit of an account: the first to give way."""

    kind: ClassVar[str] = PACE

    def terms(self, context: Context) -> tuple[Box, ...]:
        """Return the box, or nothing where nothing is slowed."""
        return () if context.pace is None else (context.pace,)

    def __str__(self) -> str:
        """Say it as a committee would."""
        return "the phase of its schedule" if self.name == PHASE else "the pace of the tilt"


def _part(part: float) -> str:
    return percent(part, 0) if abs(100 * part - round(100 * part)) < 1e-9 else percent(part)


def _after(day: int) -> str:
    return "at once" if not day else f"after {day} day{'s' if day > 1 else ''}"


def _read_steps(steps: Any) -> tuple[tuple[int, float], ...]:
    read: list[tuple[int, float]] = []
    for step in steps if isinstance(steps, (tuple, list)) else ():
        if not (isinstance(step, (tuple, list)) and len(step) == 2):
            raise _error("steps", step, 'pairs of days since the start and a part of the gap: [30, "25%"]')
        day, part = step
        if isinstance(day, bool) or not isinstance(day, int) or not 0 <= day <= MOST_DAYS:
            raise _error("steps", day, "a whole number of days since the start, at least 0")
        number = _number("steps", part)
        if not 0.0 < number <= 1.0:
            raise _error("steps", part, "a part of the gap, above 0 and at most 1: 0.25 for 25%")
        read.append((day, number))
    if not read:
        raise _error("steps", steps, 'a list of pairs: steps = [[0, "50%"], [30, "25%"], [60, "25%"]]')
    if any(later <= day for (day, _), (later, _) in pairwise(read)):
        raise _error("steps", [day for day, _ in read], "days that increase")
    total = sum(part for _, part in read)
    if abs(total - 1.0) > 1e-9:
        raise _error("steps", total, "parts that sum to 1", f"the parts of phases.steps sum to {percent(total)}")
    return tuple(read)


def _number(field: str, value: Any) -> float:
    try:
        return decimal(value)
    except ValueError as error:
        raise _error(field, value, str(error)) from None


def _error(field: str, value: object, mend: str, words: str = "") -> PolicyError:
    return PolicyError(
        words or f"phases.{field} is {value!r}",
        code="BAD_PHASES",
        table="policy",
        field=f"phases.{field}",
        value=value,
        mend=mend,
    )
