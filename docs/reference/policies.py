"""`policy.md`: every table and key of a policy file, from the models and nouns that read it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic_core import PydanticUndefined

from trimtab.constraints.documents import KINDS, _Document  # the shape of a policy file has no other name
from trimtab.constraints.limits import Limit
from trimtab.constraints.phases import Phases
from trimtab.constraints.policies import Policy
from trimtab.constraints.quorums import Governance
from trimtab.constraints.rebalances import Rebalance
from trimtab.constraints.settings import Assumptions, Estimation, Trading
from trimtab.constraints.tripwires import Tripwires
from trimtab.signals.conditions import Condition
from trimtab.signals.definitions import Signal
from trimtab.signals.opinions import Opinion
from trimtab.signals.overlays import OVERLAYS
from trimtab.signals.playbooks import Playbook
from trimtab.signals.regimes import REGIMES
from trimtab.signals.risk_opinions import RiskOpinion
from trimtab.signals.rules import Action, Rule

from .docstrings import parameters, said, table, written

_HEAD = """\
# Policy reference

Every table and every key of a policy file. This page is written from the code that reads it, by
`python -m docs.reference`.

A policy is a TOML file in UTF-8. Everything may be left out; a key that nobody knows is an error, and the message names
the nearest known one. Rates and weights are decimals, percents or basis points: `0.05`, `"5%"` and `"500bp"` are the
same.
"""
SECTIONS: Mapping[str, type] = {
    "objective": Policy,
    "rebalance": Rebalance,
    "phases": Phases,
    "trades": Trading,
    "risk": Estimation,
    "market": Assumptions,
    "run": Tripwires,
    "governance": Governance,
}
"""The noun that each plain section becomes; its docstring says what the keys mean."""
ABOUT: Mapping[str, str] = {
    "objective": "What is maximised: see [the mathematics](../mathematics.md).",
    "rebalance": "When to act, and how far to go. A broken hard limit, an expiring position, a cash flow always ask.",
    "phases": "The way there in steps: see [phases](../phases.md). Without this section all of it at once.",
    "trades": "How few trades: see [minimal trades](../concepts/minimal_trades.md).",
    "risk": "How a covariance is estimated from a book's table `returns`.",
    "market": "What a book has no table for.",
    "run": "Tripwires: beyond one, the run is sealed but BLOCKED, and waits for people.",
    "governance": "How many people have to agree: see [approvals](../governance/approvals.md).",
}
KEYS: Mapping[tuple[str, str], str] = {
    ("deviation", "most"): "both sides, decimal of NAV",
    ("deviation", "up"): "above strategic, instead of `most`",
    ("deviation", "down"): "below strategic, instead of `most`",
    ("group", "least"): "at least so much",
    ("group", "most"): "at most so much",
    ("group", "around"): "from `zero`, or from the `strategic` exposure",
    ("group", "exposure"): "numbers by asset, class or group, instead of `on`: a duration, a beta",
    ("tracking_error", "most"): "annual decimal",
    ("volatility", "most"): "annual decimal",
    ("turnover", "most"): "a rebalance, decimal of NAV",
    ("turnover", "per_year"): "in 365 days, decimal of NAV; either or both",
    ("cash", "least"): "decimal of NAV, after costs",
    ("cash", "least_value"): "money, after costs; the larger of the two floors holds",
    ("cash", "most"): "decimal of NAV, before costs",
    ("position", "least"): "each weight is at least so much",
    ("position", "most"): "each weight is at most so much",
    ("restriction", "rule"): "`no_buy`, `no_sell`, `no_hold` or `frozen`",
    ("time_limit", "life_days"): "how long a position lives",
    ("time_limit", "reversion_days"): "the last days of its life, over which it is led back",
    ("time_limit", "shape"): "`linear`, `exponential` or `steps`",
    ("time_limit", "steps"): "how many, with that shape",
    ("time_limit", "open_at"): "a trade that leaves it leaning further opens a position",
    ("time_limit", "close_at"): "leaning less, it is closed",
    ("time_limit", "rest_days"): "days of rest after its end; its life by default",
    ("stress", "shock"): "what it is called",
    ("stress", "moves"): "returns by asset, class or group; the narrower name wins",
    ("stress", "most"): "the largest loss, decimal of NAV",
    ("stress", "around"): "the loss itself (`zero`), or beyond that of the `strategic` weights",
    ("cooldown", "days"): "calendar days",
    ("cooldown", "trades"): "`opposite` bars the other way, `all` any trade",
    ("holding", "days"): "calendar days",
    ("leverage", "most"): "gross weight outside cash",
    ("trade_size", "least"): "decimal of NAV",
    ("trade_size", "least_value"): "money",
    ("trade_size", "most"): "decimal of NAV",
    ("trade_count", "most"): "trades a rebalance",
    ("lots", "size"): "units a lot; the assets' own `lot_size` by default",
    **{(f"{kind} overlay", "name"): "as reports call it; its kind by default" for kind in OVERLAYS},
    ("momentum overlay", "widen"): "multiplier of the band on the side it moves",
    ("momentum overlay", "sell_pace"): "of what rises",
    ("momentum overlay", "buy_pace"): "of what falls",
    ("valuation overlay", "faster"): "pace into what is cheap, and out of what is dear",
    ("valuation overlay", "slower"): "pace out of what is cheap, and into what is dear",
    ("valuation overlay", "mirror"): "false: what is dear keeps its pace",
}
"""What keys say that no docstring has words for."""
NEEDED = {
    ("tracking_error", "most"), ("volatility", "most"), ("time_limit", "life_days"), ("cooldown", "days"),
    ("holding", "days"), ("trade_count", "most"), ("stress", "most"),
    ("momentum overlay", "signals"), ("valuation overlay", "signals"),
}  # fmt: skip
"""Keys that have a default in Python and have to be given nevertheless, or say nothing."""
COMMON = frozenset(each.name for each in dataclasses.fields(Limit))
"""Keys that every limit takes."""
_TOP: Mapping[str, str] = {
    "regime": "which regime the limits with `when` are looked at in; empty: none of them holds",
    "models": "strategic weights by model, `[models.balanced]`; they usually come with the book",
}


def _default(value: Any) -> str:
    if value is PydanticUndefined or value is dataclasses.MISSING:
        return "**needed**"
    return written(value)


def words(kind: str, key: str, noun: type) -> str:
    """Return what a key says; raise ``KeyError`` where neither a docstring nor this file says it."""
    own = KEYS.get((kind, key))
    return parameters(noun)[key] if own is None else own


def _section(name: str, model: type) -> list[str]:
    noun = SECTIONS[name]
    rows = [(f"`{key}`", _default(field.default), words(name, key, noun)) for key, field in model.model_fields.items()]
    return [f"### [{name}]", "", ABOUT[name], "", table(("key", "default", "says"), rows), ""]


def _fields(kind: str, noun: type, but: frozenset[str] = frozenset()) -> str:
    rows = []
    for each in dataclasses.fields(noun):
        if each.name not in but:
            default = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
            shown = "**needed**" if (kind, each.name) in NEEDED else _default(default)
            rows.append((f"`{each.name}`", shown, words(kind, each.name, noun)))
    return table(("key", "default", "says"), rows) if rows else "No keys of its own."


def _example(noun: type) -> str:
    """Return the sentence of the first example of a docstring."""
    found = re.search(r">>> (?:str|print)\(.*\)\n'?(.*?)'?(?:\n>>>|\n\n|$)", inspect.getdoc(noun) or "", re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def _limit(kind: str, noun: type[Limit]) -> list[str]:
    sentence = _example(noun)
    return [
        f"### {kind}",
        "",
        said(noun).split("\n\n")[0] + f" [Its page](../limits/{kind}.md).",
        "",
        _fields(kind, noun, COMMON),
        "",
        *([f"It reads, for example: *{sentence}*.", ""] if sentence else []),
    ]


def _kind(title: str, noun: type, kind: str = "") -> list[str]:
    return [f"#### {title}", "", said(noun), "", _fields(kind or title, noun), ""]


def _playbook() -> list[str]:
    lines = ["## What is read, and what is done about it", ""]
    lines += ["See [from scores to trades](../signals/playbook.md).", "", "### [[signals]]", "", said(Signal), ""]
    lines += [_fields("signals", Signal), "", "Further keys are parameters of its measure: see"]
    lines += ["[measures and transforms](../signals/reference.md).", "", "### [[regimes]]", ""]
    lines += ["Keys of each `kind`, and `drives_limits`: its state says which limits with `when` hold.", ""]
    for kind, noun in REGIMES.items():
        lines += _kind(kind, noun, f"regime {kind}")
    lines += ["### [[opinions]]", "", said(Opinion), "", _fields("opinions", Opinion), ""]
    lines += ["### [[risks]]", "", said(RiskOpinion), "", _fields("risks", RiskOpinion), ""]
    lines += ["### [[overlays]]", "", "Keys of each `kind`.", ""]
    for kind, noun in OVERLAYS.items():
        lines += _kind(f"{kind} overlay", noun)
    lines += ["### [[rules]]", "", said(Rule), "", _fields("rules", Rule), ""]
    lines += _kind("A condition of `when` and `until`", Condition) + _kind("An action of `then`", Action)
    order = [("`order`", "empty", parameters(Playbook)["order"])]
    return [*lines, "### [playbook]", "", table(("key", "default", "says"), order)]


def page() -> str:
    """Return the page."""
    lines = [_HEAD, "## The mandate as a whole", ""]
    lines += [table(("key", "default", "says"), [(f"`{k}`", "empty", v) for k, v in _TOP.items()]), ""]
    for name in SECTIONS:
        annotation = _Document.model_fields[name].annotation
        model = next((each for each in get_args(annotation) if each is not type(None)), annotation)
        lines += _section(name, model)
    lines += ["## [[limits]]", "", "Every limit takes `kind`, and", "", _fields("limits", Limit), ""]
    for kind, noun in KINDS.items():
        if kind != "custom":
            lines += _limit(kind, noun)
    return "\n".join([*lines, *_playbook(), ""])
