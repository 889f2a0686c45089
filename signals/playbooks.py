"""The playbook of a policy: which signals are read, and what is done about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SignalError, ViewError
from ..models.universes import Universe
from ..units import did_you_mean
from .definitions import Signal
from .grounds import Overlay
from .opinions import Opinion
from .regimes import Regime
from .risk_opinions import RiskOpinion
from .rules import Rule, rank

RULES = "rules"
"""What the rules together are called in the order of overlays."""


@dataclass(frozen=True)
class Playbook:
    """What a policy reads and does about it: nouns only, so it is part of the policy's hash.

    Parameters
    ----------
    signals, regimes
        What is read.
    opinions
        How signals on one subject become one view.
    overlays, rules
        What is done beside views.
    order
        Names of overlays, and ``"rules"`` for all rules together: whose word counts first where two disagree. Who is
        not named comes after who is; without any order rules come first, then overlays as they are written.
    limits
        The regime whose state says which limits with ``when`` are in force; empty: none does.
    risks
        How a signal becomes a belief on a volatility or a correlation.

    Raises
    ------
    SignalError
        A name used twice, or one that nothing bears.
    """

    signals: tuple[Signal, ...] = ()
    regimes: tuple[Regime, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    overlays: tuple[Overlay, ...] = ()
    rules: tuple[Rule, ...] = ()
    order: tuple[str, ...] = ()
    limits: str = ""
    risks: tuple[RiskOpinion, ...] = ()

    def __post_init__(self) -> None:
        """Freeze lists, and check that every name means one thing."""
        for kind in ("signals", "regimes", "opinions", "risks", "overlays", "rules", "order"):
            object.__setattr__(self, kind, tuple(getattr(self, kind)))
        for kind in ("signals", "regimes", "opinions", "risks", "overlays", "rules"):
            _check_once(kind, [each.name for each in getattr(self, kind)])
        _check_once("order", self.order)
        self._check_overlays()
        for rule in self.rules:
            for condition in rule.reads:
                place = f"rule {rule.name!r}"
                if condition.signal:
                    self._check_signal(place, condition.signal)
                else:
                    self._check_regime(place, condition.regime, condition.state)
        for opinion in self.opinions:
            for name in opinion.signals:
                self._check_signal(f"opinion {opinion.name!r}", name)
        for risk in self.risks:
            self._check_signal(f"risk {risk.name!r}", risk.signal)
        known = (*(each.name for each in self.overlays), RULES)
        for name in self.order:
            _check_known("the order of overlays", "order", name, known)
        if self.limits:
            self._check_regime("limits", self.limits, ())

    def _check_overlays(self) -> None:
        for overlay in self.overlays:
            place = f"overlay {overlay.name!r}"
            if overlay.name == RULES:
                raise overlay.error("name", RULES, "another name: this one stands for the rules in an order")
            for name in overlay.signals_read:
                self._check_signal(place, name)
                if not self.signal(name).about:
                    raise overlay.error("signals", name, f"say in signal {name!r} what it is about")
            for name in overlay.regimes_read:
                self._check_regime(place, name, overlay.states_read)

    def _check_signal(self, place: str, name: str) -> None:
        _check_known(place, "signal", name, [each.name for each in self.signals])

    def _check_regime(self, place: str, name: str, states: Iterable[str]) -> None:
        _check_known(place, "regime", name, [each.name for each in self.regimes])
        regime = next(each for each in self.regimes if each.name == name)
        for state in states:
            _check_known(f"{place}, regime {name!r}", "state", state, regime.states)

    @property
    def empty(self) -> bool:
        """Whether it says nothing, so that nothing has to be read."""
        return not (self.signals or self.regimes)

    def signal(self, name: str) -> Signal:
        """Return a signal by name; raise ``SignalError`` for an unknown one."""
        self._check_signal("the playbook", name)
        return next(each for each in self.signals if each.name == name)

    @property
    def ranked(self) -> tuple[Overlay | Rule, ...]:
        """The overlays and rules in the order in which their word counts."""
        overlays = {each.name: [each] for each in self.overlays}
        whole: dict[str, Sequence[Any]] = {RULES: rank(self.rules)}
        whole |= overlays
        names = (*self.order, *(name for name in whole if name not in self.order))
        return tuple(each for name in names for each in whole[name])

    def check(self, universe: Universe) -> None:
        """Refuse names that mean nothing in a universe, and shifts that nobody pays for, whether or not they act today.

        Raises
        ------
        ViewError, SignalError
            Naming the signal, overlay or rule.
        """
        said = [(f"signal {each.name!r}", each.about) for each in self.signals if each.about]
        said += [(f"overlay {each.name!r}", about) for each in self.overlays for about in each.abouts]
        said += [(f"rule {each.name!r}", act.about) for each in self.rules for act in each.then if act.about]
        for place, about in said:
            try:
                universe.legs(about)
            except ViewError as error:
                error.message, error.table = f"{place}: {error.message}", "policy"
                raise
        for rule in self.rules:
            for act in rule.then:
                if act.channel == "target" and abs(sum(size for size, _ in universe.legs(act.about))) > 1e-9:
                    raise SignalError(
                        f"rule {rule.name!r} shifts weight along {act.about!r}, whose legs do not cancel",
                        code="BAD_RULE", table="policy", field="about", value=act.about,
                        mend="say what pays: 'equity - bonds'",
                    )  # fmt: skip

    @property
    def sentences(self) -> Iterator[str]:
        """What it does, as a committee would write it."""
        yield from (str(each) for each in self.ranked)
        if self.limits:
            yield f"the state of {self.limits} says which limits are in force"


def _check_once(kind: str, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SignalError(
            f"{kind}: {twice!r} is there twice", code="DUPLICATE_NAME", table="policy", field=kind, value=twice,
            mend="give each its own name",
        )  # fmt: skip


def _check_known(place: str, field: str, name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        raise SignalError(
            f"{place}: there is no {field} {name!r}", code="UNKNOWN_NAME", table="policy", field=field, value=name,
            mend=did_you_mean(name, known) or f"one of: {', '.join(known) or 'none is defined'}",
        )  # fmt: skip


NO_PLAYBOOK = Playbook()
