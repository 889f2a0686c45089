"""Signals on one subject as one view: how large, how sure, since when, and why; or why there is none.

::

    grinold   gain = coefficient * volatility of the legs * combined score / sqrt(horizon)
    raw       gain = unit * weighted mean of the scores

The first is Grinold's rule ("Alpha is Volatility Times IC Times Score", Journal of Portfolio Management 20(4), 1994)
made annual: over a horizon of h years it promises ``IC sigma sqrt(h) s``, a year ``IC sigma s / sqrt(h)``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import SignalError
from ..models.markets import Market
from ..models.trails import Trail
from ..models.views import Basis, View
from ..units import FrozenMap, annual, decimal, did_you_mean, percent
from .blends import Blends
from .combinations import SCHEMES, Scheme, stated_worth
from .contradictions import find_contradictions
from .convictions import Conviction, agreement, confidence, conviction, recency, shares, strength, told, track_record
from .definitions import Signal
from .evidences import gather, in_favour
from .panels import Panel
from .schedules import REFITS, Refit
from .scoring import Score, score
from .subjects import direction, legs_row


@dataclass(frozen=True)
class Opinion:
    """How signals on one subject become one view.

    Parameters
    ----------
    about
        Legs in the grammar of views.
    signals
        Names. Each is about the same legs, the opposite ones (its score is turned around), or says nothing of its own.
    name
        Of the opinion and its view; ``about`` when empty.
    weights
        ``"equal"``, ``"inverse_variance"``, ``"ic"``, or a number by signal. The first three are corrected for how
        alike the scores are, so that two copies count once; stated numbers are kept as they are.
    scale
        ``"grinold"`` or ``"raw"``.
    information_coefficient
        Correlation of a score with what its legs gain over the horizon that one expects of any signal: 0.05 is good
        (Grinold and Kahn, 1999, chapter 6).
    learned
        Let forecasts that have ended move the coefficient, as far as they are more than chance.
    unit
        With ``"raw"``, the annual gain that a score of 1 stands for; ``"1% over 90d"`` is read, and is then of the
        horizon.
    horizon_days
        How far a forecast looks, and how long its view speaks.
    half_life_days
        After so many days an observation counts half in recency; the horizon when None.
    least
        Below this conviction there is no view.
    most
        The confidence of a view of conviction 1.
    refit
        How often weights are estimated.
    basis, stop, take, hurdle, author
        Of the view.

    >>> Opinion("equity - bonds", ("trend", "value"), unit="1% over 90d", scale="raw", horizon_days=90).name
    'equity - bonds'
    """

    about: str
    signals: tuple[str, ...]
    name: str = ""
    weights: Scheme | Mapping[str, float] = "equal"
    scale: Literal["grinold", "raw"] = "grinold"
    information_coefficient: float = 0.05
    learned: bool = False
    unit: float | str = 1.0
    horizon_days: int = 90
    half_life_days: float | None = None
    least: float = 0.2
    most: float = 1.0
    refit: Refit = "quarter"
    basis: Basis = "active"
    stop: float | None = None
    take: float | None = None
    hurdle: float | None = None
    author: str = "signals"

    def __post_init__(self) -> None:
        """Freeze, read percents, and refuse what cannot be meant."""
        set_field = object.__setattr__
        set_field(self, "name", self.name or self.about)
        set_field(self, "signals", (self.signals,) if isinstance(self.signals, str) else tuple(self.signals))
        if isinstance(self.weights, Mapping):
            set_field(self, "weights", FrozenMap(self.weights))
            stated_worth(self.weights, self.signals)
        for field in ("information_coefficient", "least", "most", "stop", "take", "hurdle"):
            if getattr(self, field) is not None:
                set_field(self, field, self._read(decimal, field))
        self._check_period()
        set_field(self, "unit", self._read(annual, "unit"))
        once = bool(self.signals) and len(set(self.signals)) == len(self.signals)
        scheme = isinstance(self.weights, Mapping) or self.weights in SCHEMES
        wait = self.half_life_days
        self._check("signals", once, "one signal or more, each once")
        self._check("weights", scheme, f"one of {', '.join(SCHEMES)}, or a number by signal")
        self._check("scale", self.scale in ("grinold", "raw"), "grinold or raw")
        self._check("information_coefficient", 0 < self.information_coefficient <= 0.5, "a correlation: 0.05 is good")
        self._check("horizon_days", 1 <= self.horizon_days <= 3660, "a number of days, 1 to 3660")
        self._check("half_life_days", wait is None or wait > 0, "a positive number of days")
        self._check("least", 0 <= self.least <= 1, "a conviction, 0 to 1")
        self._check("most", 0 < self.most <= 1, "a confidence, above 0 and at most 1")
        self._check("refit", self.refit in REFITS, f"one of {', '.join(REFITS)}")
        self._check("basis", self.basis in ("active", "excess", "total"), "active, excess or total")

    def _read(self, reader, field: str) -> float:
        try:
            return reader(getattr(self, field))
        except (ValueError, TypeError) as error:
            raise self._error(field, f"{field}: {error}", "a number, '5%' or '20bp'") from None

    def _check_period(self) -> None:
        if not (isinstance(self.unit, str) and " over " in self.unit):
            return
        # "1% over 90d" says what 90 days bring; a view that then speaks for 30 days would mean two periods at once.
        days = 365.25 / self._read(lambda text: annual("1 over " + text.split(" over ")[1]), "unit")
        if abs(days - self.horizon_days) > max(2.0, 0.05 * self.horizon_days):
            words = f"the unit is over {days:.0f} days, the horizon {self.horizon_days}: two periods are mixed"
            raise self._error("unit", words, "one period in both")

    def _check(self, field: str, fine: bool, mend: str) -> None:
        if not fine:
            raise self._error(field, f"{field} is {getattr(self, field)!r}", mend)

    def _error(self, field: str, words: str, mend: str) -> SignalError:
        return SignalError(
            f"opinion {self.name!r}: {words}",
            code="BAD_OPINION",
            table="opinions",
            field=field,
            value=getattr(self, field),
            mend=mend,
        )


def form_views(
    opinions: Sequence[Opinion],
    signals: Sequence[Signal],
    panel: Panel,
    market: Market,
    on: dt.date,
    *,
    trail: Trail | None = None,
    strategic: np.ndarray | None = None,
    manual: Sequence[View] = (),
) -> tuple[tuple[View, ...], tuple[Conviction, ...], tuple[str, ...]]:
    """Return the views that opinions make on a day, what each is believed, and why some make none.

    Parameters
    ----------
    opinions, signals, panel
        What is read; nothing that was not known on the day counts.
    market
        Its risk says how volatile legs are.
    trail
        What assets have done: what came of past forecasts is read from it. None: they have no track record.
    strategic
        Weights, shape (n,), in which classes and groups are mixed; all members alike without it.
    manual
        Views of people: a view of signals that contradicts a live one of them is refused, by name, in a note.

    Raises
    ------
    SignalError
        A signal that is unknown or about something else, two opinions on one subject, unknown legs.
    """
    known = {signal.name: signal for signal in signals}
    _check_subjects(opinions, known, market)
    mix = np.full(len(market.universe), 1.0) if strategic is None else np.asarray(strategic, dtype=float)
    views, convictions, notes = [], [], []
    for opinion in opinions:
        own = [known[name] for name in opinion.signals]
        legs = legs_row(opinion.about, market.universe, mix, name=opinion.name)
        view, believed, silent = _form(opinion, own, panel, market, legs, on, trail)
        refused = () if view is None else find_contradictions([*manual, view], market.universe, on)
        against = next((each.said for each in refused if opinion.name in (each.first, each.second)), "")
        if view is not None and against:
            view, believed = None, replace(believed, why_not=f"it is refused: {against}")
        views += [] if view is None else [view]
        convictions.append(believed)
        notes += [f"opinion: {opinion.name} goes without {words}" for words in silent]
        notes += [f"opinion: {opinion.name} makes no view: {believed.why_not}"] if view is None else []
    return tuple(views), tuple(convictions), tuple(notes)


def _form(
    opinion: Opinion, signals: Sequence[Signal], panel: Panel, market: Market, legs: np.ndarray, on: dt.date, trail
) -> tuple[View | None, Conviction, list[str]]:
    """Return the view of one opinion or None, what it is believed, and which signals are silent."""
    said = [score(signal, panel, on) for signal in signals]
    evidence = gather(opinion.about, opinion.horizon_days, signals, panel, market.universe, legs, on, trail)
    weights = opinion.weights
    blends = Blends(
        evidence,
        stated_worth(weights, opinion.signals) if isinstance(weights, Mapping) else weights,
        prior=opinion.information_coefficient,
        horizon_days=opinion.horizon_days,
        refit=opinion.refit,
        in_units=opinion.scale == "raw",
    )
    now = blends.at(on)
    row, present = evidence.scores[-1], np.isfinite(evidence.scores[-1])
    silent = [f"{s.name}: {each.why_not}" for s, each in zip(signals, said, strict=True) if each.why_not]
    weighed = now.weights(present)
    if not weighed.sum() > 0:
        return None, _nothing(opinion, "; ".join(silent) or "no signal that speaks has a weight"), []
    volatility = float(np.sqrt(max(legs @ market.risk.times(legs), 0.0)))
    years = opinion.horizon_days / 365.25
    promise = opinion.information_coefficient * volatility / np.sqrt(years)  # the gain of a score of 1
    if opinion.scale == "raw":
        combined, record = now.mean(row), track_record(blends.skill(on), least=12 * blends.weeks)
        gain = float(opinion.unit) * combined
        size = gain / promise if promise > 0 else 0.0
    else:
        combined, record = now.score(row), None  # the coefficient has shrunk the gain already
        coefficient = now.coefficient(present) if opinion.learned else opinion.information_coefficient
        gain, size = coefficient * volatility / np.sqrt(years) * combined, combined
    filled = np.where(present, row, 0.0)
    parts = (strength(size), agreement(filled, weighed), recency(_ages(said, on), weighed, _half_life(opinion)), record)
    believed = Conviction(opinion.name, combined, *parts, conviction(*parts), opinion.least)
    believed = replace(believed, why_not=_why_not(believed, gain), shares=shares(opinion.signals, filled, weighed))
    if believed.why_not:
        return None, believed, silent
    view = View(
        opinion.about,
        gain,
        confidence(believed.value, most=opinion.most) or opinion.most,
        since=_since(opinion, signals, panel, market, blends),
        until=on + dt.timedelta(days=opinion.horizon_days),
        author=opinion.author,
        because=_because(signals, filled, present, believed),
        basis=opinion.basis,
        id=opinion.name,
        stop=opinion.stop,
        take=opinion.take,
        hurdle=opinion.hurdle,
    )
    return view, believed, silent


def _since(opinion: Opinion, signals: Sequence[Signal], panel: Panel, market: Market, blends: Blends) -> dt.date:
    """Return the day on which the combined score took the sign it has: weeks say which week, its days which day."""
    before, since = blends.turned()
    side, days = np.sign(blends.made(len(blends.evidence.days) - 1)), np.arange(before + 1, since)
    for day, row in zip(
        days[::-1].tolist(), in_favour(opinion.about, signals, panel, market.universe, days)[::-1], strict=True
    ):
        if np.sign(blends.combined(day, row)) != side:
            break
        since = day
    return dt.date.fromordinal(since)


def _ages(said: Sequence[Score], on: dt.date) -> np.ndarray:
    return np.array([(on - each.date).days if each.date else 0.0 for each in said], dtype=float)


def _half_life(opinion: Opinion) -> float:
    return float(opinion.horizon_days if opinion.half_life_days is None else opinion.half_life_days)


def _nothing(opinion: Opinion, why_not: str) -> Conviction:
    record = 0.0 if opinion.scale == "raw" else None
    return Conviction(opinion.name, float("nan"), 0.0, 0.0, 0.0, record, 0.0, opinion.least, why_not)


def _why_not(believed: Conviction, gain: float) -> str:
    if believed.value <= 0 or believed.value < believed.least:
        return f"{told(believed)}, below {believed.least:.2f}"
    if gain == 0:
        return "it expects nothing"
    return f"a gain of {percent(gain, 0)} a year cannot be meant" if abs(gain) > 1 else ""


def _because(signals: Sequence[Signal], filled: np.ndarray, present: np.ndarray, believed: Conviction) -> str:
    each = ", ".join(
        f"{signal.name} {value:+.2f}" for signal, value, speaks in zip(signals, filled, present, strict=True) if speaks
    )
    return f"{each}; conviction {believed.value:.2f}"


def _check_subjects(opinions: Sequence[Opinion], known: Mapping[str, Signal], market: Market) -> None:
    for i, opinion in enumerate(opinions):
        for other in opinions[:i]:
            if other.name == opinion.name or direction(opinion.about, other.about, market.universe):
                raise SignalError(
                    f"opinions {other.name!r} and {opinion.name!r} are on one subject, or have one name",
                    code="DUPLICATE_SUBJECT",
                    table="opinions",
                    field="about",
                    value=opinion.about,
                    mend="one opinion with the signals of both, so that what is alike counts once",
                )
        for name in opinion.signals:
            if name not in known:
                raise SignalError(
                    f"opinion {opinion.name!r}: there is no signal {name!r}",
                    code="UNKNOWN_SIGNAL",
                    table="opinions",
                    field="signals",
                    value=name,
                    mend=did_you_mean(name, known) or f"one of {', '.join(known)}",
                )
            if known[name].about and not direction(known[name].about, opinion.about, market.universe):
                raise SignalError(
                    f"opinion {opinion.name!r} is about {opinion.about!r}, its signal {name!r} about "
                    f"{known[name].about!r}",
                    code="OTHER_SUBJECT",
                    table="opinions",
                    field="signals",
                    value=name,
                    mend="signals on the same legs; another subject is another opinion",
                )
