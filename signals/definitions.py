"""A signal as the policy writes it: a measure of some series, what it is about, and how it becomes a score."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from ..errors import SignalError
from ..units import FrozenMap
from .kinds import Measure, Transform, complete, find
from .measures import KINDS
from .transforms import TRANSFORMS

Steps = tuple[tuple[str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Signal:
    """One number on one subject, read from series in time.

    Parameters
    ----------
    name
        As rules, opinions and reports call it.
    kind
        The measure: a key of :data:`~trimtab.signals.measures.KINDS`.
    series
        Columns of the panel in the order the measure takes them. A name with ``*`` or ``?`` stands for every series of
        the panel that matches (``"*"`` for all), by the alphabet. A measure of one series takes several where a
        transform compares them (``rank``); the signal is then that of the first. Several series stand on the union of
        their dates, each carried forward until it is stale; lookbacks count those rows.
    about
        What a high score is good for, in the grammar of views (``"equity - bonds"``); empty for a state of the world.
    parameters
        Of the measure; what is left out has the measure's default.
    transforms
        Applied in order, ``(("zscore", {"window": 120}), ("clip", {"most": 3}))``.
    sign
        -1 where a high value is bad for ``about``.
    stale_days
        A value older than so many days is as good as none: there is no score then. None: any age will do.

    >>> Signal("trend", "moving_average_gap", ("USMKT",), parameters={"window": 10}).family
    'technical'

    Raises
    ------
    SignalError
        UNKNOWN_KIND, UNKNOWN_PARAMETER, BAD_PARAMETER, BAD_SERIES, BAD_SIGN.
    """

    name: str
    kind: str
    series: tuple[str, ...]
    about: str = ""
    parameters: Mapping[str, Any] = FrozenMap()
    transforms: Steps = ()
    sign: int = 1
    stale_days: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "series", (self.series,) if isinstance(self.series, str) else tuple(self.series))
        object.__setattr__(self, "parameters", FrozenMap(self.parameters))
        steps = [(step, {}) if isinstance(step, str) else step for step in self.transforms]
        object.__setattr__(self, "transforms", tuple((name, FrozenMap(given)) for name, given in steps))
        if self.sign not in {1, -1}:
            raise self._bad("BAD_SIGN", "sign", self.sign, "1, or -1 where a high value is bad")
        if self.stale_days is not None and not self.stale_days >= 0:
            raise self._bad("BAD_PARAMETER", "stale_days", self.stale_days, "a whole number of days, 0 or more")
        if not self.recipe or not self.series or len(set(self.series)) < len(self.series):
            raise self._bad("BAD_SERIES", "series", list(self.series), "one series or more, each once")
        if not self._has_patterns:
            self._check_count(len(self.series))

    @cached_property
    def _has_patterns(self) -> bool:
        return any(is_pattern(name) for name in self.series)

    @cached_property
    def recipe(self) -> Recipe:
        """What is computed, whatever it is computed from: signals that share it are computed together."""
        steps = tuple((name, FrozenMap(given)) for name, given in self.transforms)
        return read_recipe(self.kind, FrozenMap(self.parameters), steps, self.sign)

    @property
    def family(self) -> str:
        """``"technical"``, ``"fundamental"`` or ``"sentiment"``."""
        return self.recipe.measure.family

    def named(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return the series with patterns replaced by the series of a panel that match.

        Raises
        ------
        SignalError
            BAD_SERIES where that leaves too few or too many.
        """
        if not self._has_patterns:
            return self.series
        found = {}
        for name in self.series:
            found |= dict.fromkeys(sorted(fnmatch.filter(known, name)) if is_pattern(name) else (name,))
        self._check_count(len(found))
        return tuple(found)

    def _check_count(self, count: int) -> None:
        wanted = self.recipe.measure.count
        if count == 0 or (wanted is not None and count != wanted and not (wanted == 1 and self.recipe.is_crosswise)):
            takes = f"{wanted or 'one or more'}: {self.recipe.measure.takes}"
            raise self._bad("BAD_SERIES", "series", list(self.series), f"{self.kind!r} takes {takes}")

    def _bad(self, code: str, field: str, value: Any, mend: str) -> SignalError:
        message = f"the signal {self.name!r} has {field} = {value!r}"
        return SignalError(message, code=code, table="signals", field=field, value=value, mend=mend)


@dataclass(frozen=True, eq=False)
class Recipe:
    """A measure with its parameters and the transforms after it, every default filled in."""

    kind: str
    parameters: FrozenMap
    steps: tuple[tuple[str, FrozenMap], ...]
    sign: int

    @cached_property
    def measure(self) -> Measure:
        """The measure."""
        return KINDS[self.kind]

    @cached_property
    def transforms(self) -> tuple[Transform, ...]:
        """The transforms."""
        return tuple(TRANSFORMS[name] for name, _ in self.steps)

    @cached_property
    def is_crosswise(self) -> bool:
        """Whether series are compared with each other and each has a score."""
        return self.measure.crosswise or any(each.crosswise for each in self.transforms)

    @cached_property
    def is_alone(self) -> bool:
        """Whether each series has its number from itself only."""
        return self.measure.count == 1 and not self.is_crosswise

    @cached_property
    def memory(self) -> int | None:
        """How many rows the last score depends on; None: all there are."""
        each = [self.measure.memory(self.parameters)]
        each += [one.memory(given) for one, (_, given) in zip(self.transforms, self.steps, strict=True)]
        known = [rows for rows in each if rows is not None]
        return sum(known) - len(known) + 1 if len(known) == len(each) else None

    def measured(self, values: np.ndarray) -> np.ndarray:
        """Return the measure's numbers, a row a row of ``values``."""
        return self.measure.function(values, **self.parameters)

    def scored(self, values: np.ndarray) -> np.ndarray:
        """Return the scores: the measure's numbers after every transform, signed."""
        numbers = self.measured(values)
        for one, (_, given) in zip(self.transforms, self.steps, strict=True):
            numbers = one.function(numbers, **given)
        return self.sign * numbers if self.sign < 0 else numbers

    def __reduce__(self):
        """Travel by content: the other side finds or makes the same one."""
        return read_recipe, (self.kind, self.parameters, self.steps, self.sign)


@lru_cache(maxsize=4096)
def read_recipe(kind: str, parameters: FrozenMap, steps: tuple[tuple[str, FrozenMap], ...], sign: int) -> Recipe:
    """Check a measure, its transforms and all parameters; the same content is the same object.

    Raises
    ------
    SignalError
        UNKNOWN_KIND, UNKNOWN_PARAMETER, BAD_PARAMETER.
    """
    full = complete(find(KINDS, kind, "kind").function, parameters, kind)
    done = tuple((name, complete(find(TRANSFORMS, name, "transform").function, given, name)) for name, given in steps)
    return _recipe(kind, full, done, sign)


@lru_cache(maxsize=4096)
def _recipe(*content: Any) -> Recipe:
    made = Recipe(*content)
    # One row of nothing: parameters that cannot be are refused here, not when the first day is asked for.
    made.scored(np.full((1, made.measure.count or 1), np.nan))
    return made


def is_pattern(name: str) -> bool:
    """Tell whether a series is named by a pattern.

    >>> is_pattern("SECTOR_*"), is_pattern("USMKT")
    (True, False)
    """
    return "*" in name or "?" in name
