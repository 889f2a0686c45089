"""What a policy reads in a book on a day: scores, regimes, convictions, views, and what overlays and rules do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from ..batches.books import read_book
from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..signals.priorities import Act
from ..signals.readings import Reading
from ..units import percent, spoken
from .pages import head, lay, say, show_views

_COLUMNS = ("signal", "about", "score", "raw", "of", "known", "")


@dataclass(frozen=True, eq=False)
class Heard:
    """What was read: the policy with the models of the book, and the reading; None where the policy has no playbook."""

    policy: Policy
    reading: Reading | None


def hear(book: Path, policy: Path, on: dt.date) -> Heard:
    """Read a policy's playbook in a book on a day.

    Raises
    ------
    InputError
        A shared input that is bad.
    """
    read = read_book(book)
    given = read.policy(read_policy(policy))
    return Heard(given, read.read(given, read.market(given, on), on))


def show_heard(out: Console, heard: Heard, on: dt.date) -> None:
    """Show a reading on a page."""
    reading = heard.reading
    if reading is None:
        say(out, "The policy reads nothing: it has no [[signals]] and no [[regimes]].")
        return
    say(out, f"What was known at the end of {on}", style="bold")
    if len(reading.scores):
        head(out, "Scores: positive is good for what a signal is about")
        lay(out, _COLUMNS, [_score(row) for row in reading.scores.to_dict("records")], ("score", "raw"))
    if len(reading.regimes):
        head(out, "Regimes")
        lay(out, ("regime", "now", "probabilities"), list(_regimes(reading.regimes)))
    if len(reading.convictions):
        head(out, "Convictions: the geometric mean of their parts")
        columns = ("opinion", "score", "strength", "agreement", "recency", "record", "conviction", "")
        lay(out, columns, [_conviction(row) for row in reading.convictions.to_dict("records")], columns[1:-1])
    if heard.policy.playbook.opinions:
        head(out, "Views they make" if reading.views else "They make no view")
        if reading.views:
            show_views(out, reading.views)
            lay(out, ("view", "because"), [(view.id, view.because) for view in reading.views])
    if reading.beliefs:
        head(out, "Beliefs on risk")
        said = {"equal": "", "least": "at least ", "most": "at most "}
        rows = [(each.id, f"{said[each.sense]}{each.value:.3g}", each.because) for each in reading.beliefs]
        lay(out, ("belief", "is", "because"), rows)
    _show_rules(out, reading)
    _show_acts(out, reading)
    if heard.policy.playbook.limits:
        state = reading.regime or "no state"
        held = [limit.name for limit in heard.policy.in_regime(reading.regime).in_force if limit.when]
        head(out, "Limits")
        say(out, f"In {state} these limits hold beside the others: {', '.join(held) or 'none'}.")
    if reading.notes:
        head(out, "Worth a look")
        lay(out, ("", ""), [("-", note) for note in reading.notes])


def _score(row: dict[Any, Any]) -> tuple[str, ...]:
    value = "" if np.isnan(row["value"]) else f"{row['value']:+.2f}"
    raw = "" if np.isnan(row["raw"]) else f"{row['raw']:.4g}"
    return (row["signal"], row["about"], value, raw, _day(row["date"]), _day(row["known"]), row["why_not"])


def _regimes(frame: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    for name, own in frame.groupby("regime", sort=False):
        now = next(iter(own.loc[own["is_now"], "state"]), "unknown")
        known = own.loc[own["probability"].notna()]
        told = ", ".join(f"{s} {percent(p, 0)}" for s, p in zip(known["state"], known["probability"], strict=True))
        note = next((words for words in own["note"] if words), "")
        yield str(name), now, "; ".join(words for words in (told, note) if words)


def _conviction(row: dict[Any, Any]) -> tuple[str, ...]:
    parts = [row[name] for name in ("strength", "agreement", "recency", "track_record")]
    told = ["" if pd.isna(part) else percent(float(part), 0) for part in parts]
    numbers = [
        "" if pd.isna(row[name]) else f"{row[name]:{form}}" for name, form in (("score", "+.2f"), ("value", ".2f"))
    ]
    return (row["opinion"], numbers[0], *told, numbers[1], row["why_not"])


def _show_rules(out: Console, reading: Reading) -> None:
    if not len(reading.rules):
        return
    head(out, "Rules, the first outranks the next")
    rows = []
    for row in reading.rules.sort_values("priority", kind="stable").to_dict("records"):
        now = f"acts since {row['since']}" if not pd.isna(row["since"]) else "waits"
        now = f"rests until {row['rests_until']}" if not pd.isna(row["rests_until"]) else now
        rows.append((row["rule"], now, str(row["says"]).removeprefix(f"{row['rule']}: ")))
    lay(out, ("rule", "now", "says"), rows)


def _show_acts(out: Console, reading: Reading) -> None:
    """Show what overlays and rules do: one row for all models that they do it to."""
    found: dict[tuple[str, ...], dict[str, Act]] = {}
    for model, own in reading.acts.items():
        for act in own:
            found.setdefault((act.name, act.channel, act.about, act.because), {})[model] = act
    if not reading.acts:
        return
    head(out, "Overlays and rules at work" if found else "No overlay and no rule is at work")
    rows = []
    for (name, channel, about, because), acts in found.items():
        models = "" if len(acts) == len(reading.acts) else f" (in {', '.join(acts)})"
        rows.append((name, spoken(channel), about or "all", _size(list(acts.values())), because + models))
    if rows:
        lay(out, ("what", "channel", "on", "size", "because"), rows, ("size",))


def _size(acts: list[Act]) -> str:
    """Say how much an act does: the weight it shifts one way, or its multiplier; the ends where models differ."""
    if acts[0].channel == "target":
        sizes = sorted({round(float(np.abs(act.values).sum() / 2), 6) for act in acts})
        return " to ".join(dict.fromkeys(percent(x) for x in (sizes[0], sizes[-1])))
    factors = sorted({round(float(x), 6) for act in acts for x in act.values if x != 1.0})
    return " to ".join(dict.fromkeys(f"x{x:.3g}" for x in (factors[0], factors[-1])))


def _day(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)  # pyright: ignore[reportGeneralTypeIssues]
