"""The playbook of a policy file: signals, regimes, opinions, risks, overlays, rules, and the order of the last two.

Every entry becomes the frozen noun of its kind; nothing is evaluated, and a file cannot name code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from ..errors import InputError, PolicyError
from ..signals.conditions import Condition
from ..signals.definitions import Signal
from ..signals.kinds import find
from ..signals.measures import KINDS
from ..signals.opinions import Opinion
from ..signals.overlays import OVERLAYS
from ..signals.playbooks import Playbook
from ..signals.regimes import REGIMES
from ..signals.risk_opinions import RiskOpinion
from ..signals.rules import Action, Rule
from ..units import FrozenMap, did_you_mean
from .keys import unknown_key

TABLES = ("signals", "regimes", "opinions", "risks", "overlays", "rules")
"""The lists of tables that say what a playbook holds."""
_DRIVES = "drives_limits"
_PLAIN = {"bool": (bool, "true or false"), "str": (str, "a text"), "int": (int, "a whole number")}
"""Annotations of fields whose values a noun would take for something else: a text is true, and true is 1."""


def read_playbook(document: Mapping[str, Any]) -> Playbook:
    """Read the playbook of a policy document; what is not there is empty.

    Raises
    ------
    InputError
        An unknown key (the message names the nearest known one), a value of the wrong kind, a name that means nothing.
    """
    found = {name: _entries(document, name) for name in TABLES}
    order = document.get("playbook", {}).get("order", [])
    drivers = []
    for entry in found["regimes"]:
        drives = entry.pop(_DRIVES, False)
        if not isinstance(drives, bool):
            raise _bad(f"regimes.{_DRIVES}", drives, "true or false")
        drivers += [str(entry.get("name", entry.get("kind", "")))] if drives else []
    if len(drivers) > 1:
        raise _bad(f"regimes.{_DRIVES}", ", ".join(drivers), "one regime says which limits are in force")
    signals = tuple(_each(found, "signals", _signal))
    return Playbook(
        signals,
        tuple(_each(found, "regimes", lambda entry, place: _regime(entry, place, signals))),
        tuple(_each(found, "opinions", lambda entry, place: _noun(Opinion, entry, place))),
        tuple(_each(found, "overlays", lambda entry, place: _of_kind(OVERLAYS, entry, place, "overlay"))),
        tuple(_each(found, "rules", _rule)),
        tuple(order),
        "".join(drivers),
        tuple(_each(found, "risks", lambda entry, place: _noun(RiskOpinion, entry, place))),
    )


def _entries(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [dict(entry) for entry in document.get(name, [])]


def _each(found: Mapping[str, list[dict]], name: str, build: Callable[[dict, str], Any]) -> list[Any]:
    made = []
    for i, entry in enumerate(found[name], 1):
        place = f"{name}[{i}]"
        try:
            made.append(build(entry, place))
        except InputError as error:
            error.add_note(f"in {place} of the policy")
            raise
        except (TypeError, ValueError, AttributeError) as error:  # a noun was given what it cannot even read
            raise _bad(
                place, entry.get("name", ""), f"values of the kind that the documentation shows: {error}"
            ) from None
    return made


def _signal(entry: dict[str, Any], place: str) -> Signal:
    own = [f.name for f in fields(Signal)]
    kind = entry.get("kind", "")
    measure = find(KINDS, kind, "kind")
    parameters = measure.function.__kwdefaults__ or {}
    for key in entry:
        if key not in own and key not in parameters:
            raise unknown_key(f"{place}.{key}", key, [*own, *parameters])
    given = dict(entry.pop("parameters", {})) | {key: entry.pop(key) for key in list(entry) if key not in own}
    steps = []
    for step in entry.pop("transforms", []):
        written = {"kind": step} if isinstance(step, str) else dict(step)
        if "kind" not in written:
            raise _bad(f"{place}.transforms", step, 'name its kind: { kind = "zscore", window = 120 }')
        steps.append((written.pop("kind"), FrozenMap(written)))
    return _noun(Signal, {**entry, "parameters": FrozenMap(given), "transforms": tuple(steps)}, place)


def _regime(entry: dict[str, Any], place: str, signals: Sequence[Signal]) -> Any:
    """Read a regime; the signals it reads are named in the file and stand in the noun."""
    known = {signal.name: signal for signal in signals}
    for key in ("signal", "growth", "inflation"):
        if isinstance(name := entry.get(key), str):
            if name not in known:
                mend = did_you_mean(name, known) or "define it under [[signals]]"
                raise _bad(f"{place}.{key}", name, mend)
            entry[key] = known[name]
    return _of_kind(REGIMES, entry, place, "regime")


def _rule(entry: dict[str, Any], place: str) -> Rule:
    for key, kind in (("when", Condition), ("until", Condition), ("then", Action)):
        written = entry.get(key, [])
        written = [written] if isinstance(written, Mapping) else written
        entry[key] = tuple(_noun(kind, dict(one), f"{place}.{key}[{i}]") for i, one in enumerate(written, 1))
    return _noun(Rule, entry, place)


def _of_kind(kinds: Mapping[str, type], entry: dict[str, Any], place: str, what: str) -> Any:
    kind = entry.pop("kind", None)
    if kind not in kinds:
        raise PolicyError(
            f"{place}.kind: {kind!r} is no kind of {what}",
            code="UNKNOWN_KIND",
            table="policy",
            field=f"{place}.kind",
            value=kind,
            mend=did_you_mean(str(kind), kinds) or f"one of {', '.join(kinds)}",
        )
    return _noun(kinds[kind], entry, place)


def _noun(kind: type, entry: Mapping[str, Any], place: str) -> Any:
    """Make a frozen noun of its fields; refuse keys it does not have, and words where it has numbers."""
    own = {f.name: f for f in fields(kind)}
    for key, value in entry.items():
        if key not in own:
            raise unknown_key(f"{place}.{key}", key, list(own))
        plain, wanted = _PLAIN.get(str(own[key].type), (object, ""))
        if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
            raise _bad(f"{place}.{key}", value, wanted)
    for name, each in own.items():
        if name not in entry and each.default is MISSING and each.default_factory is MISSING:
            raise _bad(f"{place}.{name}", "missing", f"give {name}")
    return kind(**{key: _frozen(value) for key, value in entry.items()})


def _frozen(value: Any) -> Any:
    """Return a value of TOML as a frozen noun holds it: tuples for lists, frozen maps for tables."""
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(each) for each in value)
    if isinstance(value, Mapping):
        return FrozenMap({key: _frozen(each) for key, each in value.items()})
    return value


def _bad(place: str, value: object, mend: str) -> PolicyError:
    return PolicyError(f"{place} is {value!r}", code="BAD_VALUE", table="policy", field=place, value=value, mend=mend)
