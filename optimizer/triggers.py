"""Whether there is anything to do, and why: for one account, and for many at once, without a solve.

A broken limit of tier 0 and a cash flow always ask; beside them ask the policy's triggers, unless a cooldown runs. One
account is looked at as many accounts of one. With the destination ``edge`` an account inside every band and limit has
nothing to come back from, and with ``flow`` one without a cash flow nothing to trade with: both are held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..constraints import terms
from ..models.accounts import Account
from ..models.sessions import count_sessions, is_session
from ..models.tilts import Tilt
from ..units import percent
from .phrases import say_due, say_void, say_wait
from .problems import Cases, Problem
from .tactical import place

BREACH = 1e-9
"""A limit exceeded by less, in its own unit, is rounding."""


@dataclass(frozen=True, eq=False)
class Dues:
    """Who of many accounts is to be solved, shape (m,), and a sentence each: why, or why it is held."""

    due: np.ndarray
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Signal:
    """One thing that may ask for a rebalance: of whom, shape (m,), and what to say of each, by position."""

    fired: np.ndarray
    asks: Callable[[int], str]
    holds: Callable[[int], str]


def due(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> str:
    """Return why an account is to be solved today, or an empty text to hold.

    :func:`examine` also says why it is held.
    """
    return examine(problem, account, belief, on)[0]


def examine(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> tuple[str, str]:
    """Return why an account is to be solved today and why it is held: one of the two is empty.

    Raises
    ------
    AccountError
        The account's own data cannot be used.
    """
    if words := why_held(account):
        return "", words
    if always_due(problem):
        pinned = _is_pinned(problem, account) and find_pinned(problem, place(problem, account, belief).lift())[0]
        return ("", PINNED) if pinned else ("always", "")
    case = place(problem, account, belief)
    if case.context.tactical is not None and not np.isfinite(case.context.tactical).all():
        return "its tactical target is not known", ""
    found = look(problem, case.lift(), on)
    return (found.words[0], "") if found.due[0] else ("", found.words[0])


def why_held(account: Account) -> str:
    """Say why an account is held whatever the triggers, or nothing."""
    if account.status != "active":
        return f"the account is {account.status}"
    return "there is nothing in the account" if account.empty else ""


PINNED = "every asset is frozen: nothing can be traded, and no limit asks for it"
"""Why an account is held that cannot trade and need not."""


def find_pinned(problem: Problem, cases: Cases) -> np.ndarray:
    """Mark the accounts, shape (m,), whose every asset but the cash is frozen, without a cash flow or a broken limit.

    With one of those there is something to do, and that there may be no answer has to be said.
    """
    others = np.delete(cases.context.rules["frozen"], cases.context.market.universe.cash, axis=-1)
    frozen = np.asarray(others.all(-1))
    return frozen & ~_broken(problem, cases, hard=True).fired & ~_flowing(cases).fired if frozen.any() else frozen


def _is_pinned(problem: Problem, account: Account) -> bool:
    universe = problem.market.universe
    free = dict(zip(universe.assets, problem.market.tradable, strict=True)) | {universe.assets[universe.cash]: False}
    frozen = {asset for asset, rule in account.restrictions if rule == "frozen"}
    return not any(is_free and not account.orders.get(a) and a not in frozen for a, is_free in free.items())


def always_due(problem: Problem) -> bool:
    """Whether the policy asks every account every day, so that nobody has to be looked at."""
    rules = problem.policy.rebalance
    plain = not rules.cooldown_sessions and problem.policy.phases is None
    return "always" in rules.triggers and plain and rules.destination in ("ideal", "part")


def look(problem: Problem, cases: Cases, on: dt.date) -> Dues:
    """Look at many accounts of one model: who is due, and why or why not; the tactical targets are known.

    Nothing of one account depends on the others.
    """
    rules = problem.policy.rebalance
    broken = _broken(problem, cases, hard=True)
    urgent, asked = (broken, _flowing(cases)), tuple(_signals(problem, cases, on))
    due = np.any([s.fired for s in urgent], axis=0)
    wanted = np.any([s.fired for s in asked], axis=0)
    cooling = _cooling(problem, cases, on)
    due = due | (wanted & ~cooling.fired)
    held: tuple[Signal, ...] = asked
    if rules.destination == "edge":
        outside = (*_drifts(problem, cases, every=True), _broken(problem, cases, hard=False))
        some = np.any([s.fired for s in outside], axis=0)
        due, held = due & some, (*asked, _inside(due & ~some))
    elif rules.destination == "flow":
        due = urgent[0].fired | urgent[1].fired
        held = (urgent[1],)
    words = tuple(_say(i, due[i], (*urgent, *asked), held, cooling) for i in range(len(due)))
    return _unpinned(problem, cases, _phased(cases, Dues(due, words), urgent))


def look_always(problem: Problem, cases: Cases) -> Dues:
    """Look at many accounts that are asked every day: all are due but those that cannot trade and need not."""
    due = np.ones(len(cases), dtype=bool)
    return _unpinned(problem, cases, Dues(due, ("always",) * len(cases)))


def _unpinned(problem: Problem, cases: Cases, seen: Dues) -> Dues:
    """Hold those that are due and can trade nothing."""
    pinned = seen.due & find_pinned(problem, cases)
    words = (PINNED if held else said for held, said in zip(pinned, seen.words, strict=True))
    return Dues(seen.due & ~pinned, tuple(words))


def _phased(cases: Cases, seen: Dues, urgent: tuple[Signal, ...]) -> Dues:
    """Ask those with a phase due, and hold those between two phases unless something is urgent."""
    plan, assets = cases.plan, cases.context.market.universe.assets
    if plan is None or not plan.live.any():
        return seen
    pressed = np.any([s.fired for s in urgent], axis=0)
    due, words = (seen.due & ~plan.waits) | plan.due | pressed, list(seen.words)
    for i in np.flatnonzero(plan.live & ~pressed).tolist():
        if plan.due[i]:
            words[i] = say_due(plan, i)
        elif plan.waits[i]:
            words[i] = say_wait(plan, i)
        elif not due[i]:
            words[i] = f"{say_void(plan, i, assets)}; {words[i]}" if words[i] else say_void(plan, i, assets)
    return Dues(due, tuple(words))


def _say(i: int, due: bool, asking: tuple[Signal, ...], held: tuple[Signal, ...], cooling: Signal) -> str:
    if due:
        return next(s.asks(i) for s in asking if s.fired[i])
    if cooling.fired[i] and any(s.fired[i] for s in held):
        return cooling.holds(i)
    return "; ".join(words for s in held if not s.fired[i] and (words := s.holds(i)))


def find_stirred(problem: Problem, cases: Cases, on: dt.date) -> np.ndarray:
    """Mark the accounts, shape (m,), that something may ask today, sessions and cooldowns not counted.

    Whoever is not marked is not due on any day on which it stands the same, unless by the calendar.
    """
    pressed = _broken(problem, cases, hard=True).fired | _flowing(cases).fired
    asked = np.any([s.fired for s in _signals(problem, cases, on, but="calendar")] or [~pressed & pressed], axis=0)
    plan = cases.plan
    if plan is None:
        return pressed | asked
    return pressed | (asked & ~plan.waits) | plan.due | (plan.live & plan.void)


def _signals(problem: Problem, cases: Cases, on: dt.date, but: str = "") -> Iterator[Signal]:
    """Yield what the policy's triggers say, in its order, one of them left out."""
    for name in problem.policy.rebalance.triggers:
        if name == but:
            continue
        if name == "always":
            everybody = np.ones(len(cases), dtype=bool)
            yield Signal(everybody, lambda _: "always", lambda _: "")
        elif name == "band":
            yield from _drifts(problem, cases, every=False)
        elif name == "calendar":
            yield _calendar(problem, cases, on)
        elif name == "tracking_error":
            yield _strayed(problem, cases)
        else:
            yield _views(cases)


def _broken(problem: Problem, cases: Cases, *, hard: bool) -> Signal:
    """Look for limits that the current weights break: those of tier 0 alone, or all."""
    soft = {limit.name for limit in problem.policy.limits if limit.tier} if hard else set()
    program, market = cases.program, cases.context.market
    which, row = np.full(len(cases), -1), np.zeros(len(cases), dtype=int)
    labels: list[tuple[str, tuple[str, ...]]] = []
    for name, term in program.named:
        if name in soft:
            continue
        if isinstance(term, terms.Custom):  # a user's function of one account
            each = [float(np.min(term.slack(now, now))) for now in program.current]
            room, said = np.array(each)[:, None], ("",)
        else:
            read = terms.sides(term, program.current, program.current, market.risk, market.universe)
            room, said = read.room.min(-1), read.labels
        worst = room.argmin(-1)
        new = (which < 0) & ~(np.take_along_axis(room, worst[:, None], axis=-1)[:, 0] >= -BREACH)
        which[new], row[new] = len(labels), worst[new]
        labels.append((name, said))

    def asks(i: int) -> str:
        name, said = labels[which[i]]
        on = said[row[i]] if row[i] < len(said) else ""
        return f"the limit {name}{f' on {on}' if on else ''} is broken"

    return Signal(which >= 0, asks, lambda _: "")


def _flowing(cases: Cases) -> Signal:
    inflow, outflow = cases.standing.inflow, cases.standing.outflow
    flows = np.asarray(inflow) - np.asarray(outflow)

    def asks(i: int) -> str:
        return f"cash of {percent(abs(float(flows[i])))} {'comes' if flows[i] > 0 else 'goes'}"

    return Signal(flows != 0, asks, lambda _: "no cash comes or goes")


def _drifts(problem: Problem, cases: Cases, *, every: bool) -> Iterator[Signal]:
    """Look at the bands that trigger, or at every one: one signal for all of them."""
    read = [band.read(cases.context) for band in problem.policy.bands if every or band.triggers]
    if not read:
        return
    used, left = np.concatenate([d.used for d in read], -1), np.concatenate([d.left for d in read], -1)
    drift, width = np.concatenate([d.drift for d in read], -1), np.concatenate([d.width for d in read], -1)
    labels = [label for d in read for label in d.labels]
    # A band that is left by rounding's breadth still goes before one that holds.
    widest = np.where(left, used + 1.0, used).argmax(-1)

    def asks(i: int) -> str:
        away, most = float(drift[i, widest[i]]), percent(float(width[i, widest[i]]))
        way = "below" if away < 0 else "above"
        return f"{labels[widest[i]]} is {percent(abs(away))} {way} its tactical target, and its band {most}"

    def holds(i: int) -> str:
        share = min(float(used[i, widest[i]]), 1.0)
        return f"every band holds: the widest drift is {percent(share, 0)} of its band ({labels[widest[i]]})"

    yield Signal(np.asarray(left.any(-1)), asks, holds)


def _since(problem: Problem, cases: Cases, on: dt.date) -> np.ndarray:
    """Return the sessions since each account last traded, infinite where nobody knows."""
    last = cases.cohort.last_rebalance
    unknown = np.full(len(cases), np.inf)
    return unknown if last is None else count_sessions(problem.policy.rebalance.exchange, last, on)


def _calendar(problem: Problem, cases: Cases, on: dt.date) -> Signal:
    rules = problem.policy.rebalance
    most, past = rules.every_sessions * cases.belief.frequency, _since(problem, cases, on)
    is_open = is_session(rules.exchange, on)

    def asks(i: int) -> str:
        return f"{past[i]:.0f} sessions have passed" if np.isfinite(past[i]) else "when it last traded is not known"

    def holds(i: int) -> str:
        if not is_open:
            return f"{rules.exchange} is closed on {on}"
        return f"{past[i]:.0f} of {most:g} sessions have passed since the last rebalance"

    return Signal((past >= most) & is_open, asks, holds)


def _cooling(problem: Problem, cases: Cases, on: dt.date) -> Signal:
    rules = problem.policy.rebalance
    if not rules.cooldown_sessions:
        return Signal(np.zeros(len(cases), dtype=bool), lambda _: "", lambda _: "")
    least, past = rules.cooldown_sessions * cases.belief.frequency, _since(problem, cases, on)
    words = lambda i: f"it traded {past[i]:.0f} sessions ago, and the cooldown is {least:g}"  # noqa: E731
    return Signal(past < least, words, words)


def _strayed(problem: Problem, cases: Cases) -> Signal:
    """Compare tracking error with the policy's number, from the tactical target or the strategic weights."""
    rules, context = problem.policy.rebalance, cases.context
    centre = context.tactical if rules.tracking_error_from == "tactical" else context.strategic
    most = float(rules.tracking_error or 0.0)
    size = context.market.risk.volatility(context.current - centre)
    words = f"the {rules.tracking_error_from} weights"
    return Signal(
        size > most,
        lambda i: f"tracking error from {words} is {percent(float(size[i]))}, above {percent(most)}",
        lambda i: f"tracking error from {words} is {percent(float(size[i]))}, at most {percent(most)}",
    )


def _views(cases: Cases) -> Signal:
    last = cases.cohort.last_views
    seen = np.full(len(cases), "", dtype=object) if last is None else last
    return Signal(
        np.asarray(seen != cases.belief.sign, dtype=bool),
        lambda i: "the live views have changed" if seen[i] else "the views of its last decision are not known",
        lambda _: "the live views are those of its last decision",
    )


def _inside(asked: np.ndarray) -> Signal:
    """Say of those that were asked and stand inside everything that there is nowhere to come back from."""
    words = "every band and limit holds, so there is no edge to come back to"
    return Signal(np.zeros_like(asked), lambda _: "", lambda i: words if asked[i] else "")
