"""Which regime holds: by a Markov chain of returns, by thresholds of volatility, by growth and inflation.

Each is a frozen noun; ``filter_regime`` says the state at the end of each day from what was known on it. A state that
needs memory (where hysteresis keeps it) is replayed from the first day that anything was known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ..errors import SignalError
from .chains import Chain, filtered, fit_chain
from .definitions import Signal
from .panels import Panel, ordinals, stamps
from .schedules import REFITS, Refit, period_start, periods_back
from .scoring import raws, scores
from .thresholds import past_percentiles, step_states, turned_sides

_NAMES = {2: ("calm", "stressed"), 3: ("calm", "normal", "stressed")}


@dataclass(frozen=True)
class MarkovRegime:
    """States of a series' returns by Markov switching of mean and variance; needs the extra ``regimes``.

    Parameters
    ----------
    name
        As overlays and rules call it.
    series
        Levels; their log returns are fitted.
    states
        Of the chain, calmest first; two or more.
    refit
        Parameters are those of the first day of each ``"month"``, ``"quarter"`` or ``"year"``, from what was known
        then.
    every
        Take each so manieth row of the series: 5 makes weeks of trading days.
    least
        Returns that a fit needs; before, there is no state.

    >>> MarkovRegime("equity", "USMKT").states
    ('calm', 'stressed')
    """

    kind: ClassVar[str] = "markov"
    name: str
    series: tuple[str, ...]
    states: tuple[str, ...] = _NAMES[2]
    refit: Refit = "year"
    every: int = 1
    least: int = 120

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "series", (self.series,) if isinstance(self.series, str) else tuple(self.series))
        object.__setattr__(self, "states", tuple(self.states))
        _check(self, "series", len(self.series) == 1, "one series of levels")
        _check(self, "states", len(set(self.states)) == len(self.states) >= 2, "two names or more, all different")
        _check(self, "refit", self.refit in REFITS, f"one of {', '.join(REFITS)}")
        _check(self, "every", self.every >= 1, "a whole number of rows, 1 or more")
        _check(self, "least", self.least >= 30, "30 returns or more: fewer say nothing on states")


@dataclass(frozen=True)
class VolatilityRegime:
    """States between thresholds of a signal's own number: realised volatility, an implied one, or any other.

    Parameters
    ----------
    name
        As overlays and rules call it.
    signal
        The signal whose raw number is read, in its own unit.
    thresholds
        Ascending; with ``percentile``, shares in (0, 1) of the numbers known so far that are lower.
    states
        One more than thresholds, lowest first.
    hysteresis
        Share of a threshold that the number must fall below it before a higher state ends, so that it does not flicker:
        0.1 enters at 0.20 and leaves below 0.18.
    percentile, least
        Read the number's percentile in its own past, once there are ``least`` numbers.

    >>> vix = Signal("VIX", "implied_volatility", ("vix",))
    >>> VolatilityRegime("fear", vix, thresholds=(0.2, 0.3)).states
    ('calm', 'normal', 'stressed')
    """

    kind: ClassVar[str] = "volatility"
    name: str
    signal: Signal
    thresholds: tuple[float, ...]
    states: tuple[str, ...] = ()
    hysteresis: float = 0.1
    percentile: bool = False
    least: int = 60

    def __post_init__(self) -> None:
        """Give default names and check the fields."""
        _check(self, "signal", isinstance(self.signal, Signal), "a signal, not its name")
        given = self.thresholds if isinstance(self.thresholds, Sequence) else (self.thresholds,)
        object.__setattr__(self, "thresholds", tuple(float(each) for each in given))
        count = len(self.thresholds) + 1
        object.__setattr__(self, "states", tuple(self.states) or _NAMES.get(count, ()))
        ordered = all(a < b for a, b in pairwise(self.thresholds))
        _check(self, "thresholds", bool(self.thresholds) and ordered, "ascending numbers")
        inside = all(0 < each < 1 for each in self.thresholds)
        _check(self, "thresholds", inside or not self.percentile, "shares between 0 and 1")
        _check(self, "states", len(set(self.states)) == len(self.states) == count, f"{count} names, all different")
        _check(self, "hysteresis", 0 <= self.hysteresis < 1, "a share from 0 to below 1")

    @property
    def reads(self) -> tuple[Signal, ...]:
        """The signals it reads."""
        return (self.signal,)

    @property
    def series(self) -> tuple[str, ...]:
        """The series it reads, as its signal names them."""
        return self.reads[0].series


@dataclass(frozen=True)
class QuadrantRegime:
    """Growth rising or falling, inflation rising or falling (as in Ilmanen, Maloney and Ross, JPM 40(3), 2014).

    Parameters
    ----------
    name
        As overlays and rules call it.
    growth, inflation
        Signals whose scores are read: above 0 is rising.
    dead_band
        A score must be so far beyond 0 to turn its side: within it the side stays.
    states
        Of growth up and inflation down, up and up, down and down, down and up.

    >>> growth = Signal("payrolls", "growth_rate", ("PAYEMS",), transforms=("zscore",))
    >>> inflation = Signal("prices", "acceleration", ("CPI",))
    >>> QuadrantRegime("macro", growth, inflation).states
    ('goldilocks', 'reflation', 'deflation', 'stagflation')
    """

    kind: ClassVar[str] = "quadrant"
    name: str
    growth: Signal
    inflation: Signal
    dead_band: float = 0.0
    states: tuple[str, ...] = ("goldilocks", "reflation", "deflation", "stagflation")

    def __post_init__(self) -> None:
        """Check the fields."""
        object.__setattr__(self, "states", tuple(self.states))
        for field in ("growth", "inflation"):
            _check(self, field, isinstance(getattr(self, field), Signal), "a signal, not its name")
        _check(self, "states", len(set(self.states)) == len(self.states) == 4, "four names, all different")
        _check(self, "dead_band", self.dead_band >= 0, "a number of at least 0")
        _check(self, "inflation", self.inflation != self.growth, "another signal than growth")

    @property
    def reads(self) -> tuple[Signal, ...]:
        """The signals it reads."""
        return (self.growth, self.inflation)

    @property
    def series(self) -> tuple[str, ...]:
        """The series it reads, as its signals name them."""
        return tuple(name for signal in self.reads for name in signal.series)


Regime = MarkovRegime | VolatilityRegime | QuadrantRegime
REGIMES: dict[str, type[Regime]] = {each.kind: each for each in (MarkovRegime, VolatilityRegime, QuadrantRegime)}
"""Kinds as a policy names them."""


def filter_regime(regime: Regime, panel: Panel, days: Iterable[Any]) -> pd.DataFrame:
    """Return the state at the end of each day from what was known on it.

    Parameters
    ----------
    regime, panel
        What reads, and what is read; nothing that was not known on a day counts for it.
    days
        Any days, in any order.

    Returns
    -------
    pandas.DataFrame
        A row a day: ``state`` (empty where there is none), a column a state with its probability (0 or 1 where the
        regime knows no others; NaN without a state), and ``note``: whose parameters, or why there is no state.

    Raises
    ------
    SignalError
        A series that is unknown or has no positive levels; NO_STATSMODELS.
    """
    asked = ordinals(days)
    if isinstance(regime, MarkovRegime):
        likely, notes = _markov(regime, panel, asked)
    else:
        states, notes = _sides(regime, panel, asked)
        likely = np.where(states[:, None] < 0, np.nan, states[:, None] == np.arange(len(regime.states)))
    best = np.where(np.isnan(likely).any(axis=1), -1, np.nan_to_num(likely).argmax(axis=1))
    frame = pd.DataFrame(likely, index=stamps(asked, "day"), columns=list(regime.states))
    frame.insert(0, "state", [regime.states[k] if k >= 0 else "" for k in best])
    frame["note"] = notes
    return frame


def _sides(regime: VolatilityRegime | QuadrantRegime, panel: Panel, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the state at each day, -1 for none, replayed over all days something became known."""
    chosen = regime.reads
    names = {name for signal in chosen for name in signal.named(panel.names)}
    last = dt.date.fromordinal(int(asked.max())) if len(asked) else dt.date.min
    past = ordinals(panel.only(names).days(last))
    every = np.union1d(past, asked)
    read = raws if isinstance(regime, VolatilityRegime) else scores
    values = read(chosen, panel, stamps(every, "day")).to_numpy()
    fresh = np.isin(every, past)  # the days in between repeat what was known: they are no new numbers
    if isinstance(regime, VolatilityRegime):
        numbers = past_percentiles(values[:, 0], fresh, regime.least) if regime.percentile else values[:, 0]
        found = step_states(numbers, regime.thresholds, regime.hysteresis)
    else:
        growth, inflation = (turned_sides(column, regime.dead_band) for column in values.T)
        found = np.where((growth < 0) | (inflation < 0), -1, 2 * (growth == 0) + (inflation == 1))
    notes = np.full(len(every), "", dtype=object)
    for column, signal in enumerate(chosen):
        notes[(found < 0) & (notes == "") & np.isnan(values[:, column])] = f"{signal.name} says nothing"
    notes[(found < 0) & (notes == "")] = "its past is too short"
    where = np.searchsorted(every, asked)
    return found[where], notes[where]


def _markov(regime: MarkovRegime, panel: Panel, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    likely = np.full((len(asked), len(regime.states)), np.nan)
    notes = np.full(len(asked), "", dtype=object)
    starts = np.array([period_start(dt.date.fromordinal(int(each)), regime.refit).toordinal() for each in asked])
    plain = panel.place(regime.series[0])[0].is_plain
    for start in np.unique(starts).tolist():
        rows = np.flatnonzero(starts == start)
        chain, note = _chain(regime, panel, dt.date.fromordinal(start))
        notes[rows] = note
        if chain is None:
            continue
        if plain:  # what was known on any day is the first rows of what is known on the last
            returns, known = _returns(regime, panel, int(asked[rows].max()))
            probabilities = filtered(chain, returns)
            likely[rows] = probabilities[np.searchsorted(known, asked[rows], side="right") - 1]
        else:
            news = np.unique(panel.place(regime.series[0])[0].known)
            states, back = np.unique(np.searchsorted(news, asked[rows], side="right"), return_inverse=True)
            each = [filtered(chain, _returns(regime, panel, int(news[state - 1]))[0])[-1] for state in states]
            likely[rows] = np.array(each)[back]
    return likely, notes


def _chain(regime: MarkovRegime, panel: Panel, start: dt.date) -> tuple[Chain | None, str]:
    """Return the newest chain that could be fitted on a day, going back to the last one that was good."""
    failed = ""
    for since in _refits(regime, panel, start):
        found = fit_chain(_returns(regime, panel, since.toordinal())[0], len(regime.states))
        if isinstance(found, Chain):
            return found, f"parameters of {since}" + (f", kept: {failed}" if failed else "")
        failed = failed or f"on {since} {found}"
    return None, failed or f"fewer than {regime.least} returns were known on {start}"


def _refits(regime: MarkovRegime, panel: Panel, start: dt.date) -> Iterator[dt.date]:
    for since in periods_back(start, regime.refit):
        if len(_returns(regime, panel, since.toordinal())[0]) < regime.least:
            return
        yield since


def _returns(regime: MarkovRegime, panel: Panel, on: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the log returns known on a day, and when each could be."""
    block, column = panel.place(regime.series[0])
    rows = block.rows(on)
    levels, known = block.values[rows, column], block.known[rows]
    if (levels <= 0).any():
        raise SignalError(
            f"regime {regime.name!r}: the levels of {regime.series[0]!r} are not all positive",
            code="BAD_LEVELS",
            table="regimes",
            field="series",
            value=regime.series[0],
            mend="an index of total return, or prices",
        )
    levels, known = levels[:: regime.every], known[:: regime.every]
    return np.diff(np.log(levels)), known[1:]


def _check(regime: Regime, field: str, fine: bool, mend: str) -> None:
    if not fine:
        raise SignalError(
            f"regime {regime.name!r}: {field} is {getattr(regime, field)!r}",
            code="BAD_REGIME",
            table="regimes",
            field=field,
            value=getattr(regime, field),
            mend=mend,
        )
