"""When an account is rebalanced, and how far it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import PolicyError
from ..units import decimal, did_you_mean, percent

Destination = Literal["ideal", "edge", "part", "flow"]
TRIGGERS = ("always", "band", "calendar", "tracking_error", "views")
DESTINATIONS: tuple[Destination, ...] = ("ideal", "edge", "part", "flow")
_ARRIVALS = {
    "ideal": "then goes all the way",
    "edge": "then comes back to the edge of its bands and limits, at the least cost",
    "part": "then goes {part} of the way",
    "flow": "then trades only with the cash that comes or goes",
}


@dataclass(frozen=True)
class Rebalance:
    """When to act, and how far to go. A broken hard limit and a cash flow always ask for a rebalance.

    Parameters
    ----------
    trigger
        One or several of ``always``, ``band`` (a band is left), ``calendar`` (so many sessions have passed),
        ``tracking_error`` (it is above a number), ``views`` (the live views are not those of the last decision).
    destination
        ``ideal``: all the way. ``edge``: the least cost ``kappa'|z|`` that brings every band and limit back in.
        ``part``: a fraction of the way. ``flow``: buys no more than the cash that comes, sells no more than what goes.
    part
        The fraction, in (0, 1].
    exchange
        Whose sessions count, by its ISO 10383 code (``XNYS``, ``XLON``); on other days the calendar asks nothing.
    every_sessions
        Sessions between two rebalances by the calendar, times the tilt's ``frequency``.
    cooldown_sessions
        Sessions after a rebalance in which only a broken limit or a cash flow asks, times the tilt's ``frequency``.
    tracking_error
        Annual; above it the trigger of that name asks.
    tracking_error_from
        From the ``tactical`` target or the ``strategic`` weights.

    Raises
    ------
    PolicyError
        An unknown trigger or destination, a number out of range, a trigger whose number is missing.

    >>> print(Rebalance(["band", "calendar"], every_sessions=63))
    an account is rebalanced when a band is left or 63 sessions of XNYS have passed; it then goes all the way
    """

    trigger: str | tuple[str, ...] = "always"
    destination: Destination = "ideal"
    part: float | str = 0.5
    exchange: str = "XNYS"
    every_sessions: int = 21
    cooldown_sessions: int = 0
    tracking_error: float | str | None = None
    tracking_error_from: Literal["tactical", "strategic"] = "tactical"

    def __post_init__(self) -> None:
        """Read numbers and lists; refuse what cannot be meant."""
        if isinstance(self.trigger, list):
            object.__setattr__(self, "trigger", tuple(self.trigger))
        names = self.triggers
        unknown = next((name for name in names if name not in TRIGGERS), None)
        if unknown is not None or not names:
            raise _error("trigger", unknown, TRIGGERS)
        if self.destination not in DESTINATIONS:
            raise _error("destination", self.destination, DESTINATIONS)
        if self.tracking_error_from not in ("tactical", "strategic"):
            raise _error("tracking_error_from", self.tracking_error_from, ("tactical", "strategic"))
        for name, most in (("part", 1.0), ("tracking_error", 1.0)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _rate(name, value, most))
        for name, least in (("every_sessions", 1), ("cooldown_sessions", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10_000:
                raise _error(name, value, (f"a whole number of sessions, at least {least}",))
        if "tracking_error" in names and self.tracking_error is None:
            raise _error("tracking_error", None, ('the number above which it asks: tracking_error = "1%"',))

    @property
    def triggers(self) -> tuple[str, ...]:
        """The triggers, one or several."""
        return (self.trigger,) if isinstance(self.trigger, str) else self.trigger

    @property
    def counts_sessions(self) -> bool:
        """Whether an exchange's sessions are looked at."""
        return "calendar" in self.triggers or self.cooldown_sessions > 0

    def __str__(self) -> str:
        """Say it as a committee would."""
        said = {
            "always": "always",
            "band": "when a band is left",
            "calendar": f"when {self.every_sessions} sessions of {self.exchange} have passed",
            "tracking_error": f"when tracking error from the {self.tracking_error_from} weights is above "
            f"{percent(float(self.tracking_error or 0.0))}",
            "views": "when the live views change",
        }
        words = " or ".join(said[name] for name in self.triggers).replace(" or when ", " or ")
        if self.cooldown_sessions:
            words += f", but not within {self.cooldown_sessions} sessions of the last time"
        arrival = _ARRIVALS[self.destination].format(part=percent(float(self.part), 0))
        return f"an account is rebalanced {words}; it {arrival}"


def _rate(name: str, value: Any, most: float) -> float:
    try:
        number = decimal(value)
    except ValueError as error:
        raise _error(name, value, (str(error),)) from None
    if not 0.0 < number <= most:
        raise _error(name, value, (f"above 0 and at most {most:g}, a decimal: 0.05 for 5%",))
    return number


def _error(field: str, value: object, known: tuple[str, ...]) -> PolicyError:
    words = f"one of {', '.join(known)}" if len(known) > 1 else "".join(known)
    return PolicyError(
        f"rebalance.{field} is {value!r}",
        code="BAD_REBALANCE",
        table="policy",
        field=f"rebalance.{field}",
        value=value,
        mend=(did_you_mean(str(value), known) if len(known) > 1 else "") or words,
    )
