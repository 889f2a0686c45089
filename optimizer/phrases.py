"""Schedules as a person reads them: what today's phase is, why, how much is done, and when the next one is due."""

from __future__ import annotations

import datetime as dt

import numpy as np

from ..models.schedules import STATUSES, PhasedTrade, Schedules, list_phases
from ..models.universes import Universe
from ..units import percent
from .phases import Plan, Progress, progress, share_done
from .problems import Case

_STATUS = ("", *STATUSES)


def tell_phases(case: Case, weights: np.ndarray, *, acted: bool) -> tuple[tuple[PhasedTrade, ...], str]:
    """Return the schedule of one account at the end of the day as rows, and what is to be said of it."""
    after = progress(case.plan, case.program.current[None], weights[None], acted=acted)
    return tell_progress(after, case.context.market.universe)


def tell_progress(after: Progress | None, universe: Universe) -> tuple[tuple[PhasedTrade, ...], str]:
    """Return what became of the schedule of one account of one as rows, and what is to be said of it."""
    if after is None or not after.status[0]:
        return (), ""
    status = STATUSES[int(after.status[0]) - 1]
    words, count = say_progress(after, 0, universe.assets), len(after.plan.phases.steps)
    return list_phases(after.schedules, status, count, after.next_day(0), words, universe), words


def followed(reason: str, phrase: str) -> str:
    """Return the reason of an account and, behind it, what became of its schedule."""
    return f"{reason}; {phrase}" if phrase else reason


def say_wait(plan: Plan, i: int) -> str:
    """Say what an account between two phases waits for."""
    return _waiting(plan, plan.schedules, i)


def _waiting(plan: Plan, schedules: Schedules, i: int) -> str:
    following = dt.date.fromordinal(int(schedules.started[i] + plan.phases.days[plan.behind[i]]))
    count, done = len(plan.phases.steps), percent(float(share_done(schedules)[i]), 0)
    return f"phase {plan.behind[i] + 1} of {count} is due on {following}; {done} of the gap is done"


def say_due(plan: Plan, i: int) -> str:
    """Say which phases are due."""
    return f"{_phases(plan, i)} {'is' if plan.to[i] - plan.behind[i] == 1 else 'are'} due"


def say_void(plan: Plan, i: int, assets: tuple[str, ...]) -> str:
    """Say why a schedule is over without another one."""
    if plan.turned[i]:
        return f"its schedule is cancelled: {_turned(plan, i, assets)}"
    return f"its schedule is cancelled: nothing is left to go, no gap is wider than {percent(_close(plan))}"


def say_progress(progress: Progress, i: int, assets: tuple[str, ...]) -> str:
    """Say what became of an account's schedule; nothing where it has none."""
    plan, status = progress.plan, _STATUS[int(progress.status[i])]
    if status == "cancelled":
        return say_void(plan, i, assets)
    if not status or status == "waiting":
        return _waiting(plan, progress.schedules, i) if status else ""
    done = percent(float(share_done(progress.schedules)[i]), 0)
    following, step = progress.next_day(i), int(progress.schedules.step[i])
    if following is not None:
        rest = f"phase {step + 1} is due on {following}"
    elif step < len(plan.phases.steps):
        rest = "nothing is left to go"
    else:
        rest = "that was the last"
    return f"{_deed(plan, i, assets)}; {done} of the gap is done, {rest}"


def _deed(plan: Plan, i: int, assets: tuple[str, ...]) -> str:
    words: list[str] = []
    if plan.starts[i] and plan.live[i]:
        words.append(f"restarted, for {_turned(plan, i, assets)}")
    if plan.due[i] and plan.merged[i]:
        words.append(f"merged, for the gap moved: {_moved(plan, i, assets)}")
    if plan.due[i] and plan.reached[i] - plan.behind[i] > 1:
        words.append("accelerated, for a date was missed")
    if plan.sped[i]:
        ends = dt.date.fromordinal(int(np.floor(plan.ends + 0.5)))
        words.append(f"accelerated, for the live views end on {ends}, before the next phase")
    if plan.due[i] and not words:
        words.append("continued as planned")
    if plan.starts[i] and not plan.live[i]:
        words.insert(0, "begins a schedule" if plan.to[i] else "will begin a schedule")
    return f"{_phases(plan, i)} {', '.join(words)}"


def _phases(plan: Plan, i: int) -> str:
    """Name the phases that are gone through today: "phase 2 of 3", "phases 2 and 3 of 3", "phases 1 to 3 of 3"."""
    first, last = (0 if plan.starts[i] else int(plan.behind[i])) + 1, int(plan.to[i])
    of = f"of {len(plan.phases.steps)}"
    if last <= first:
        return f"phase {first} {of}"
    return f"phases {first} {'and' if last == first + 1 else 'to'} {last} {of}"


def _turned(plan: Plan, i: int, assets: tuple[str, ...]) -> str:
    back = -np.sign(plan.schedules.gap[i]) * plan.gap[i]
    k = int(np.argmax(back))
    return f"the gap of {assets[k]} turned round and is {_signed(plan.gap[i, k])}"


def _moved(plan: Plan, i: int, assets: tuple[str, ...]) -> str:
    remains = plan.schedules.gap[i] - plan.schedules.done[i]
    k = int(np.argmax(np.abs(plan.gap[i] - remains)))
    return f"{_signed(plan.gap[i, k])} of {assets[k]} remain, where {_signed(remains[k])} were planned"


def _signed(weight: float) -> str:
    return f"{weight:+.2%}"


def _close(plan: Plan) -> float:
    return float(plan.phases.close_at)
