"""What a rule waits for: tests of a score, a raw value or a regime, over the calendar days on which each was known.

A :class:`Tape` holds what was known at the end of each calendar day from the first on; a :class:`Condition` says of
every one of these days whether it holds. Row i uses rows up to i only, so the tape of a longer history begins with the
tape of a shorter one: what was true then stays true now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import SignalError
from ..units import FrozenMap, decimal

TESTS = (
    *("below", "above", "crosses_below", "crosses_above"),
    *("percentile_below", "percentile_above", "average_below", "average_above"),
)
_WORDS = {
    "below": "below {x:g}",
    "above": "above {x:g}",
    "crosses_below": "fell below {x:g}",
    "crosses_above": "rose above {x:g}",
    "percentile_below": "in the lowest {x:.0%} of {window}",
    "percentile_above": "above {x:.0%} of {window}",
    "average_below": "less its average of {window} below {x:g}",
    "average_above": "less its average of {window} above {x:g}",
}
_LEAST = 365
"""Days of history without which no percentile of all history is taken."""


@dataclass(frozen=True, eq=False)
class Tape:
    """What was known at the end of each calendar day.

    Parameters
    ----------
    days
        Every calendar day from the first on which anything was known, ascending.
    scores, raws
        A column a signal, a row a day; NaN where there was no score.
    states
        By regime: a row a day, columns ``state`` and one a state, its probability.
    """

    days: pd.DatetimeIndex
    scores: pd.DataFrame
    raws: pd.DataFrame
    states: Mapping[str, pd.DataFrame] = field(default_factory=FrozenMap)

    def __len__(self) -> int:
        """Count the days."""
        return len(self.days)

    def until(self, on: dt.date) -> Tape:
        """Return the days up to one, that day included: the tape as it was then."""
        stop = int(np.searchsorted(self.days.to_numpy(), np.datetime64(on), side="right"))
        states = FrozenMap({name: own.iloc[:stop] for name, own in self.states.items()})
        return Tape(self.days[:stop], self.scores.iloc[:stop], self.raws.iloc[:stop], states)


@dataclass(frozen=True)
class Condition:
    """One test, and for how long it must have held; exactly one of the tests is given.

    Parameters
    ----------
    signal, of
        A signal's name, and whether its ``"score"`` or its ``"raw"`` value is looked at.
    below, above
        The value is below, or above, a number.
    crosses_below, crosses_above
        It has come to be so: on the last known day before it was not. True on the one day, or with ``days`` on the one
        day on which it has stayed there for so long.
    percentile_below, percentile_above
        The share of the days of the window, this one included, whose value is no higher (ties count half) is below, or
        above, a number from 0 to 1.
    average_below, average_above
        The value less its average over the window is below, or above, a number.
    window_days
        Calendar days of the window, of which four in five must be known; 0 is all history, at least a year of it.
    regime, state, likely
        Instead of a signal: a regime's name, its state or states, and the least probability of being in one of them;
        without ``likely`` the regime's own choice counts.
    days
        Calendar days, this one included, on which the test must have held without a break.

    A value that nobody knows (stale, or too short a history) is neither below nor above anything.

    >>> print(Condition("equity trend", below=0.0, days=5))
    equity trend below 0 for 5 days
    >>> print(Condition(regime="volatility", state="stressed", likely="70%"))
    volatility is stressed with a probability of at least 70%
    """

    signal: str = ""
    of: str = "score"
    below: float | None = None
    above: float | None = None
    crosses_below: float | None = None
    crosses_above: float | None = None
    percentile_below: float | None = None
    percentile_above: float | None = None
    average_below: float | None = None
    average_above: float | None = None
    window_days: int = 0
    regime: str = ""
    state: str | tuple[str, ...] = ()
    likely: float | None = None
    days: int = 1

    def __post_init__(self) -> None:
        """Read numbers, and refuse what says nothing or two things."""
        object.__setattr__(self, "state", (self.state,) if isinstance(self.state, str) else tuple(self.state))
        for name in (*TESTS, "likely"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _number(name, getattr(self, name)))
        if bool(self.signal) == bool(self.regime):
            raise _error("signal", self.signal, "name a signal or a regime, one of them")
        given = [name for name in TESTS if getattr(self, name) is not None]
        if self.signal and len(given) != 1:
            raise _error("when", ", ".join(given) or "nothing", f"give one test of {self.signal!r}: {', '.join(TESTS)}")
        if self.regime and (given or not self.state):
            raise _error("state", self.state, f"a condition on {self.regime!r} names its state, and no other test")
        if self.of not in ("score", "raw"):
            raise _error("of", self.of, "score or raw")
        for name, least in (("days", 1), ("window_days", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 100_000:
                raise _error(name, value, f"a whole number of days, at least {least}")
        for name in ("percentile_below", "percentile_above", "likely"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise _error(name, value, "a share from 0 to 1")
        if (self.average_below is not None or self.average_above is not None) and self.window_days < 2:
            raise _error("window_days", self.window_days, "the days of the average: 730 for two years")

    @property
    def test(self) -> str:
        """The test that is given; empty for a regime."""
        return next((name for name in TESTS if getattr(self, name) is not None), "")

    def holds(self, tape: Tape) -> np.ndarray:
        """Say of every day of a tape whether the condition holds, shape (days,)."""
        if self.regime:
            return _lasted(self._in_state(tape.states[self.regime]), self.days)
        value = pd.Series((tape.scores if self.of == "score" else tape.raws)[self.signal])
        number = getattr(self, self.test)
        measured = _measured(self.test, value, self.window_days)
        with np.errstate(invalid="ignore"):
            there = measured < number if self.test.endswith("below") else measured > number
        if not self.test.startswith("crosses"):
            return _lasted(there, self.days)
        known = value.notna().to_numpy()
        before = pd.Series(np.where(known, there, np.nan)).ffill().shift(1).to_numpy()
        came = there & (before == 0.0)
        # On the day on which it has stayed there for so many days since it came.
        stayed = _run(there) == self.days
        since = np.arange(len(there)) - (self.days - 1)
        return stayed & (since >= 0) & came[np.maximum(since, 0)]

    def _in_state(self, frame: pd.DataFrame) -> np.ndarray:
        if self.likely is None:
            return frame["state"].isin(self.state).to_numpy()
        there = [name for name in self.state if name in frame.columns]
        return (frame[there].sum(axis=1, min_count=1) >= self.likely).to_numpy()

    def told(self, tape: Tape, at: int) -> str:
        """Say what was seen on one day of a tape, with the figure."""
        if self.regime:
            return str(self).replace(
                f"{self.regime} is", f"{self.regime} {tape.states[self.regime]['state'].iloc[at]},"
            )
        value = float((tape.scores if self.of == "score" else tape.raws)[self.signal].iloc[at])
        figure = f"{value:+.2f}" if self.of == "score" else f"{value:g}"
        return f"{self.signal} {figure}, {str(self).removeprefix(self.signal).strip()}"

    def __str__(self) -> str:
        """Say it as a committee would."""
        lasting = f" for {self.days} days" if self.days > 1 else ""
        if self.regime:
            sure = "" if self.likely is None else f" with a probability of at least {self.likely:.0%}"
            return f"{self.regime} is {' or '.join(self.state)}{sure}{lasting}"
        window = f"{self.window_days} days" if self.window_days else "all history"
        words = _WORDS[self.test].format(x=getattr(self, self.test), window=window)
        return f"{self.signal}{' (raw)' if self.of == 'raw' else ''} {words}{lasting}"


def _measured(test: str, value: pd.Series, window: int) -> np.ndarray:
    """Return what a test compares with its number: the value, its percentile, or its distance from its average."""
    if test.startswith("percentile"):
        rolled = value.rolling(window, min_periods=_enough(window)) if window else value.expanding(_LEAST)
        # pandas counts ranks from 1 to m; a share of days no higher, ties half, is (rank - 1/2) / m.
        ranks, counts = rolled.rank(), rolled.count()
        return ((ranks - 0.5) / counts).where(value.notna()).to_numpy()
    if test.startswith("average"):
        return (value - value.rolling(window, min_periods=_enough(window)).mean()).to_numpy()
    return value.to_numpy(dtype=float)


def _enough(window: int) -> int:
    """Return how many days of a window must be known: four in five."""
    return max(1, -(-4 * window // 5))


def _run(there: np.ndarray) -> np.ndarray:
    """Count for how many days without a break something has been so.

    >>> _run(np.array([True, False, True, True]))
    array([1, 0, 1, 2])
    """
    at = np.arange(1, len(there) + 1)
    return at - np.maximum.accumulate(np.where(there, 0, at)) if len(there) else at


def _lasted(there: np.ndarray, days: int) -> np.ndarray:
    return there if days == 1 else _run(there) >= days


def _number(field_name: str, value: object) -> float:
    try:
        return decimal(value)
    except (TypeError, ValueError) as error:
        raise _error(field_name, value, str(error)) from None


def _error(field_name: str, value: object, mend: str) -> SignalError:
    return SignalError(
        f"a condition's {field_name} is {value!r}",
        code="BAD_CONDITION",
        table="policy",
        field=field_name,
        value=value,
        mend=mend,
    )
