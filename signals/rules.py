"""Systematic rules as data: when conditions hold, then act on a channel, for how long, and how soon again.

A rule *fires* on the first day on which all its conditions hold and it is free. It acts

* without ``expires_days``: as long as they hold;
* with it: for so many calendar days from the day it fired, whether or not they still hold;

and in both cases no longer than its ``until`` conditions allow. When it ends it rests ``cooldown_days``, and may then
fire again. Nothing is remembered between two days: where a rule stands is replayed from what was known at the end of
each day, so the same rule gives the same answer live and in a backtest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SignalError
from ..models.causes import CHANNELS, Cause
from ..models.channels import tilt_channel
from ..models.universes import Universe
from ..units import decimal, did_you_mean
from .conditions import Condition, Tape
from .priorities import Act

_EPOCH = dt.date(1970, 1, 1).toordinal()
PAIRS = {"band": ("band_low", "band_high"), "pace": ("buy_pace", "sell_pace")}
"""Channels of two sides, by the name of both."""
_MEANT = {  # which way a multiplier above 1 leans: a wide upper band lets what rises rise, slow selling keeps it
    **{"band_high": 1, "band_low": -1, "buy_pace": 1, "sell_pace": -1},
    **{"risk": -1, "target": 0, "aversion": 0, "frequency": 0},
}


@dataclass(frozen=True)
class Action:
    """What a rule does in one channel.

    Parameters
    ----------
    channel
        One of the channels of a tilt, or ``band`` or ``pace`` for both sides.
    value
        In ``target`` the weight that is shifted along the legs; a multiplier elsewhere. ``"5%"`` is a number.
    about
        Legs for ``target`` (``"bonds - equity"``; they must cancel), assets, classes or groups for channels of an
        asset, empty for ``aversion`` and ``frequency``.
    """

    channel: str
    value: float
    about: str = ""

    def __post_init__(self) -> None:
        """Read the number, and refuse a channel that is none."""
        known = (*CHANNELS, *PAIRS)
        if self.channel not in known:
            raise _error("channel", self.channel, did_you_mean(self.channel, known) or f"one of {', '.join(known)}")
        try:
            object.__setattr__(self, "value", decimal(self.value))
        except (TypeError, ValueError) as error:
            raise _error("value", self.value, str(error)) from None
        if bool(self.about) == (self.channel in ("aversion", "frequency")):
            mend = "nothing: this channel is of the whole" if self.about else "name assets, a class or legs"
            raise _error("about", self.about, mend)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels it acts in."""
        return PAIRS.get(self.channel, (self.channel,))

    def __str__(self) -> str:
        """Say it as a committee would."""
        if self.channel == "target":
            return f"shift {self.value:.2%} along {self.about}"
        return f"{self.channel.replace('_', ' ')} times {self.value:g}" + (f" on {self.about}" if self.about else "")


@dataclass(frozen=True)
class Rule:
    """When conditions hold, then act.

    Parameters
    ----------
    name
        It stands beside every trade that follows.
    when
        All of them must hold.
    then
        What it does.
    until
        Once all of these hold it ends, whatever else.
    priority
        1 comes before 2; among equals the order in the policy counts.
    cooldown_days
        Calendar days after it has ended in which it does not fire.
    expires_days
        Calendar days for which it acts from the day it fired; None: as long as its conditions hold.
    models
        The models it is for; empty: every one.

    >>> print(Rule("cut equity", Condition("trend", below=0.0, days=5), Action("target", "5%", "bonds - equity")))
    cut equity: when trend below 0 for 5 days, shift 5.00% along bonds - equity
    """

    name: str
    when: tuple[Condition, ...]
    then: tuple[Action, ...]
    until: tuple[Condition, ...] = ()
    priority: int = 1
    cooldown_days: int = 0
    expires_days: int | None = None
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze lists, and refuse what cannot be meant."""
        for name, kind in (("when", Condition), ("then", Action), ("until", Condition), ("models", str)):
            given = getattr(self, name)
            given = (given,) if isinstance(given, kind) else tuple(given)
            if not all(isinstance(each, kind) for each in given):
                raise _error(name, given, f"a list of {kind.__name__}", self.name)
            object.__setattr__(self, name, given)
        if not self.name.strip():
            raise _error("name", self.name, "a name: it stands beside every trade that follows")
        for name in ("when", "then"):
            if not getattr(self, name):
                raise _error(name, "empty", "at least one", self.name)
        for name, least in (("priority", 0), ("cooldown_days", 0), ("expires_days", 1)):
            value = getattr(self, name)
            if name == "expires_days" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 100_000:
                raise _error(name, value, f"a whole number, at least {least}", self.name)

    @property
    def reads(self) -> tuple[Condition, ...]:
        """Every condition it looks at."""
        return self.when + self.until

    def __str__(self) -> str:
        """Say it as a committee would."""
        words = f"{self.name}: when {' and '.join(map(str, self.when))}, {' and '.join(map(str, self.then))}"
        if self.until:
            words += f", until {' and '.join(map(str, self.until))}"
        words += f", for {self.expires_days} days" if self.expires_days else ""
        return words + (f", then rest {self.cooldown_days} days" if self.cooldown_days else "")


@dataclass(frozen=True)
class Spell:
    """Where a rule stands at the end of a day.

    Parameters
    ----------
    since
        The day it fired, where it acts; None: it does not.
    rests_until
        The first day on which it may fire again, where it has ended before.
    """

    since: dt.date | None = None
    rests_until: dt.date | None = None


ASLEEP = Spell()


def replay(rule: Rule, tape: Tape, *, first: int = 0, before: Spell = ASLEEP) -> Spell:
    """Replay a rule over the days of a tape and say where it stands at the end of the last.

    Parameters
    ----------
    first, before
        The position of the first day that is looked at, and where the rule stood before it: replaying the rest of a
        tape from where its beginning ended is the same as replaying the whole.
    """
    fires = np.logical_and.reduce([each.holds(tape) for each in rule.when])
    stops = np.logical_and.reduce([each.holds(tape) for each in rule.until]) if rule.until else np.zeros_like(fires)
    days = tape.days.to_numpy().astype("datetime64[D]").astype(np.int64)
    since, free = (None if d is None else _number(d) for d in (before.since, before.rests_until))
    ends = stops if rule.expires_days else stops | ~fires
    starts = fires & ~stops
    at = first
    while at < len(days):
        if since is None:
            later = np.flatnonzero(starts[at:] & (days[at:] >= (days[at] if free is None else free)))
            if not len(later):
                break
            at += int(later[0])
            since = int(days[at])
            continue
        over = ends[at:] | (days[at:] >= since + rule.expires_days) if rule.expires_days else ends[at:]
        later = np.flatnonzero(over)
        if not len(later):
            break
        at += int(later[0])
        since, free = None, int(days[at]) + rule.cooldown_days
    return Spell(_day(since), _day(free))


def acts_of(rule: Rule, spell: Spell, tape: Tape, universe: Universe, strategic: np.ndarray) -> tuple[list[Act], str]:
    """Return what a rule does to one model, and why it does less than it says, or nothing.

    Raises
    ------
    ViewError
        An unknown name, or legs of a shift that do not cancel.
    """
    if spell.since is None:
        return [], ""
    fired = tape.until(spell.since)
    why = " and ".join(each.told(fired, -1) for each in rule.when)
    why = why if _day_of(tape) == spell.since else f"since {spell.since}: {why}"
    acts, missing = [], ""
    for action in rule.then:
        for channel in action.channels:
            cause = Cause(channel, rule.name, by="rule")
            made = tilt_channel(cause, action.about, action.value, universe, strategic)
            if made.dropped:
                missing = made.dropped[0][1]
                continue
            values = np.array(made.causes[0].values)
            acts.append(
                Act("rule", rule.name, f"rule: {rule.name}", channel, action.about, values,
                    _lean(channel, action, values, universe), why)
            )  # fmt: skip
    return acts, missing


def _lean(channel: str, action: Action, values: np.ndarray, universe: Universe) -> np.ndarray:
    """Return which way an action leans: a shift by its legs, the cash apart; one side of a channel by its meaning."""
    none = np.zeros(len(universe))
    if channel == "target":
        lean = np.sign(values)
        lean[universe.cash] = 0.0
        return lean
    if len(values) == 1 or action.channel in PAIRS:
        return none
    return _MEANT[channel] * np.sign(np.log(np.maximum(values, 1e-9)))


def rank(rules: Sequence[Rule]) -> list[Rule]:
    """Return rules in the order in which their word counts."""
    return sorted(rules, key=lambda rule: rule.priority)


def _number(day: dt.date) -> int:
    return day.toordinal() - _EPOCH


def _day(number: int | None) -> dt.date | None:
    return None if number is None else dt.date.fromordinal(number + _EPOCH)


def _day_of(tape: Tape) -> dt.date:
    return tape.days.to_numpy()[-1].astype("datetime64[D]").item()


def _error(field: str, value: object, mend: str, name: str = "") -> SignalError:
    return SignalError(
        f"rule {name!r}: {field} is {value!r}" if name else f"a rule's {field} is {value!r}",
        code="BAD_RULE",
        table="policy",
        field=field,
        value=value,
        mend=mend,
    )
