"""What a playbook says on a day: scores, regimes, convictions, views, and what overlays and rules do to each model.

    panel --score--> scores --read--> Reading

A reading is made of what was known at the end of its day and of nothing else; nothing is carried over from the reading
of another day. So the same call serves this morning and every morning of a backtest.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..models.accounts import Model
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..units import FrozenMap, day
from .beliefs import Belief
from .conditions import Tape
from .convictions import Conviction
from .definitions import Signal
from .grounds import Climate, Ground, Overlay, Readout
from .opinions import form_views
from .panels import Panel
from .playbooks import Playbook
from .priorities import Act, Conflict, combine, settle
from .regimes import MarkovRegime, filter_regime
from .risk_opinions import form_beliefs, read_risks
from .rules import ASLEEP, Rule, Spell, acts_of, replay
from .scoring import Score, raws, score, scores

_SCORES = ("value", "raw", "date", "known", "why_not")
_CONVICTIONS = tuple(name for name in Conviction.__dataclass_fields__ if name != "shares")


@dataclass(frozen=True, eq=False)
class Reading:
    """What a playbook says on a day.

    Parameters
    ----------
    on
        The day.
    scores
        A row a signal: family, kind, about, value, raw, date, known, why_not.
    regimes
        A row a regime and state: probability, whether it is the state of the day, and a note: why there is none.
    convictions
        A row an opinion, as :class:`~trimtab.signals.convictions.Conviction` names its parts.
    views
        What the opinions say, ready for :func:`trimtab.models.tilt`.
    beliefs
        What signals say of volatilities and correlations.
    overlay
        By model: what beliefs on risk, and the overlays and rules that stand, do together: a tilt with its causes.
    acts
        By model: the same one by one, in the order in which their word counts.
    rules
        A row a rule: since when it acts, until when it rests, what it says.
    conflicts
        By model: who gave way to whom.

    Notes
        What a person should know: conflicts, absent views and why, rules and overlays that cannot be judged.
    regime
        The state that says which limits are in force; empty where none does.
    shares
        By opinion: what part of its view each signal is (:func:`.convictions.shares`).
    """

    on: dt.date
    scores: pd.DataFrame
    regimes: pd.DataFrame
    convictions: pd.DataFrame
    views: tuple[View, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    overlay: Mapping[str, Tilt] = field(default_factory=FrozenMap)
    acts: Mapping[str, tuple[Act, ...]] = field(default_factory=FrozenMap)
    rules: pd.DataFrame = field(default_factory=pd.DataFrame)
    conflicts: Mapping[str, tuple[Conflict, ...]] = field(default_factory=FrozenMap)
    notes: tuple[str, ...] = ()
    regime: str = ""
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=FrozenMap)

    def __str__(self) -> str:
        """Say what was read, in a few lines."""
        speak = int(np.isfinite(self.scores["value"].to_numpy(dtype=float)).sum())
        acting = [row["rule"] for row in self.rules.to_dict("records") if not pd.isna(row["since"])]
        lines = [f"{self.on}: {speak} of {len(self.scores)} signals speak; views they make: {len(self.views)}"]
        now = self.regimes.loc[self.regimes["is_now"].astype(bool), ["regime", "state"]]
        lines += [f"{regime} is {state}" for regime, state in now.itertuples(index=False, name=None)]
        lines += [f"view {view.id}: {view.gain:+.2%} a year ({view.because})" for view in self.views]
        lines += [f"rule {name} acts" for name in acting]
        return "\n".join([*lines, *self.notes])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    @property
    def climate(self) -> str:
        """The state of the first regime that has one; empty where none has."""
        now = self.regimes.loc[self.regimes["is_now"].astype(bool), "state"]
        return str(now.iloc[0]) if len(now) else ""

    def tilt(self, model: str) -> Tilt:
        """Return what overlays and rules do to a model; nothing where it is not known."""
        return self.overlay.get(model, NO_TILT)


def read(
    playbook: Playbook,
    panel: Panel,
    market: Market,
    models: Mapping[str, Mapping[str, float]] | Iterable[Model],
    on: dt.date | str,
    *,
    trail: Trail | None = None,
    manual: Sequence[View] = (),
    tape: Tape | None = None,
) -> Reading:
    """Read a playbook on a day.

    Parameters
    ----------
    panel
        The series; what was known after the day is not looked at.
    market
        Its universe says what names mean, its risk how large a forecast is.
    models
        Strategic weights by model id, or models. Views are on classes in the mean mix of all of them.
    trail
        What assets have done: track records are made of it.
    manual
        Views of people: a view of signals that contradicts a live one of them is refused, by name, in a note.
    tape
        :func:`record` of the same playbook and panel up to this day or a later one, where many days are read: the part
        up to the day is what would be recorded here.

    Raises
    ------
    SignalError, ViewError
        A series nobody has, a name that means nothing, legs that do not cancel.
    """
    on = day(on)
    playbook.check(market.universe)
    said = {each.name: score(each, panel, on) for each in playbook.signals}
    climates, told = _climates(playbook, panel, on)
    mixes = {name: market.universe.vector(weights) for name, weights in _weights(models).items()}
    strategic = np.mean([*mixes.values()], axis=0) if mixes else None
    views, convictions, notes = form_views(
        playbook.opinions, playbook.signals, panel, market, on, trail=trail, strategic=strategic, manual=manual
    )
    beliefs, silent = form_beliefs(playbook.risks, playbook.signals, panel, on)
    tape = (record(playbook, panel, on) if tape is None else tape.until(on)) if playbook.rules else None
    spells = {rule.name: ASLEEP if tape is None else replay(rule, tape) for rule in playbook.rules}
    readout = Readout(said, {each.name: each for each in playbook.signals}, climates)
    acts, conflicts, found = {}, {}, [*notes, *silent, *_unjudged(playbook, said, told)]
    for name, mix in mixes.items():
        ground = Ground(name, market.universe, mix)
        asked, missing = _asked(playbook, readout, ground, spells, tape)
        acts[name], conflicts[name] = settle(asked, market.universe)
        found += [f"{words} in model {name}" for words in missing]
    found += _say_conflicts(conflicts)
    return Reading(
        on,
        _frame(playbook.signals, said),
        told,
        pd.DataFrame([[getattr(each, name) for name in _CONVICTIONS] for each in convictions], columns=[*_CONVICTIONS]),
        tuple(views),
        beliefs,
        FrozenMap({name: read_risks(beliefs, market, mixes[name]) + combine(own) for name, own in acts.items()}),
        FrozenMap(acts),
        _standing(playbook.rules, spells, on),
        FrozenMap(conflicts),
        tuple(dict.fromkeys(found)),
        climates[playbook.limits].state if playbook.limits else "",
        FrozenMap({each.opinion: each.shares for each in convictions}),
    )


def record(playbook: Playbook, panel: Panel, on: dt.date) -> Tape:
    """Record what the rules of a playbook look at, at the end of every calendar day up to one.

    Row i depends on what was known by its day alone, so a tape of a longer time begins with that of a shorter.
    """
    conditions = [condition for rule in playbook.rules for condition in rule.reads]
    names = dict.fromkeys(each.signal for each in conditions if each.signal)
    states = dict.fromkeys(each.regime for each in conditions if each.regime)
    signals = [playbook.signal(name) for name in names]
    regimes = [each for each in playbook.regimes if each.name in states]
    unscored = {each.signal for each in conditions if each.of == "raw"}
    plain = [each for each in regimes if isinstance(each, MarkovRegime)]
    behind = [*signals, *(signal for each in regimes if not isinstance(each, MarkovRegime) for signal in each.reads)]
    read_by = [series for each in behind for series in each.named(panel.names)]
    read_by += [series for each in plain for series in each.series]
    known = panel.only(dict.fromkeys(read_by)).days(on)
    days = pd.date_range(min([*known[:1], on]), on, freq="D", name="day")
    return Tape(
        days,
        scores(signals, panel, days),
        raws([each for each in signals if each.name in unscored], panel, days),
        FrozenMap({each.name: filter_regime(each, panel, days) for each in regimes}),
    )


def _climates(playbook: Playbook, panel: Panel, on: dt.date) -> tuple[dict[str, Climate], pd.DataFrame]:
    """Return what each regime says on the day: as overlays read it, and as a table."""
    found, rows = {}, []
    for regime in playbook.regimes:
        row = filter_regime(regime, panel, [on]).iloc[0]
        likely, state = {name: float(row[name]) for name in regime.states}, str(row["state"])
        found[regime.name] = Climate(state, FrozenMap({name: p for name, p in likely.items() if np.isfinite(p)}))
        rows += [(regime.name, name, p, name == state, str(row["note"])) for name, p in likely.items()]
    return found, pd.DataFrame(rows, columns=["regime", "state", "probability", "is_now", "note"])


def _asked(
    playbook: Playbook, readout: Readout, ground: Ground, spells: Mapping[str, Spell], tape: Tape | None
) -> tuple[list[Act], list[str]]:
    """Return what overlays and rules ask for in one model, in the order in which their word counts."""
    asked: list[Act] = []
    missing: list[str] = []
    for each in playbook.ranked:
        if isinstance(each, Overlay):
            asked += each.acts(readout, ground)
        elif tape is not None and (not each.models or ground.model in each.models):
            own, why = acts_of(each, spells[each.name], tape, ground.universe, ground.strategic)
            asked += own
            missing += [f"rule: {each.name} says nothing: {why}"] if why else []
    return asked, missing


def _weights(models: Mapping[str, Mapping[str, float]] | Iterable[Model]) -> dict[str, Mapping[str, float]]:
    if isinstance(models, Mapping):
        return {str(name): own for name, own in models.items()}
    return {model.id: model.weights for model in models}


def _unjudged(playbook: Playbook, said: Mapping[str, Score], regimes: pd.DataFrame) -> list[str]:
    """Say which regimes have no state, and which overlays and rules miss a score."""
    known = set(regimes.loc[regimes["is_now"].astype(bool), "regime"])
    why = {row["regime"]: row["note"] for row in regimes.to_dict("records")}
    notes = [
        f"regime: {each.name} has no state: {why[each.name]}" for each in playbook.regimes if each.name not in known
    ]
    for each in playbook.ranked:
        names = each.signals_read if isinstance(each, Overlay) else [c.signal for c in each.reads if c.signal]
        kind = "overlay" if isinstance(each, Overlay) else "rule"
        notes += [
            f"{kind}: {each.name} cannot be judged by {name}: {said[name].why_not}"
            for name in dict.fromkeys(names)
            if said[name].why_not
        ]
    return notes


def _say_conflicts(conflicts: Mapping[str, Sequence[Conflict]]) -> list[str]:
    """Say each conflict once, with the models it is in where it is not in all of them."""
    where: dict[str, list[str]] = {}
    for model, own in conflicts.items():
        for conflict in own:
            where.setdefault(str(conflict), []).append(model)
    return [words if len(own) == len(conflicts) else f"{words} (in {', '.join(own)})" for words, own in where.items()]


def _frame(signals: Sequence[Signal], said: Mapping[str, Score]) -> pd.DataFrame:
    rows = [
        (each.name, each.family, each.kind, each.about, *(getattr(said[each.name], name) for name in _SCORES))
        for each in signals
    ]
    return pd.DataFrame(rows, columns=["signal", "family", "kind", "about", *_SCORES])


def _standing(rules: Sequence[Rule], spells: Mapping[str, Spell], on: dt.date) -> pd.DataFrame:
    rows = []
    for rule in rules:
        spell = spells[rule.name]
        rests = spell.rests_until if spell.since is None and spell.rests_until and spell.rests_until > on else None
        rows.append((rule.name, rule.priority, spell.since, rests, str(rule)))
    return pd.DataFrame(rows, columns=["rule", "priority", "since", "rests_until", "says"])
