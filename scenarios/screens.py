"""Which of many days in a row may ask for a rebalance: the days of one account as many accounts on one day.

While nothing is traded, read or estimated, an account only drifts: its weights on each of the days follow from the
levels. So the triggers look at all of these days at once; what counts sessions is asked of the calendar. Clocks,
breaches and schedules that an account keeps are looked at in the same way: a day on which one of them would change
counts as one that may ask, and so does every day from that on which time alone may change what they allow. Nothing that
could fire is passed over, and what may fire is then decided by the one rule there is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from ..batches.musters import muster_accounts
from ..constraints.policies import Policy
from ..constraints.tickets import Lots
from ..constraints.time_limits import list_time_limits
from ..models.accounts import Account
from ..models.positions import UNTOLD, Clocks, read_positions
from ..models.schedules import read_schedule
from ..models.sessions import count_sessions, is_session
from ..models.tilts import Tilt
from ..models.universes import Universe
from ..optimizer.clocks import mark
from ..optimizer.cures import watch
from ..optimizer.problems import Cases, Problem
from ..optimizer.tactical import place_all
from ..optimizer.triggers import find_stirred

_TOUCH = 1e-8
"""How near a threshold counts as over it: the day is then decided, which is always right."""


def may_skip(policy: Policy, account: Account) -> bool:
    """Whether a day can only ask through what stands on it.

    Not where every day asks, nor where a position is as large as a lot, which moves with its price.
    """
    lots = bool(account.positions) and any(isinstance(limit, Lots) for limit in policy.in_force)
    return not lots and "always" not in policy.rebalance.triggers


def keeps(account: Account) -> bool:
    """Whether an account brings along anything that grows older."""
    return bool(account.positions or account.breaches or account.phases)


def find_stir(
    problem: Problem, account: Account, belief: Tilt, money: np.ndarray, days: Sequence[dt.date]
) -> np.ndarray:
    """Mark the days, shape (k,), on which an account that has so much in each asset, shape (k, n), may be due.

    Marked is also each day on which what it keeps may change; of the others none is due, and each hands on what it was
    handed.
    """
    universe = problem.market.universe
    turn = min(_turns(problem.policy, account, universe, days[0].toordinal()), default=np.inf)
    turned = np.array([day.toordinal() >= turn for day in days])
    if turned[0]:
        return turned | True
    # Money at a price of 1: the weights of a day do not depend on where the row of days begins.
    unit = replace(problem, market=replace(problem.market, prices=np.ones(len(universe)), on=days[0], lots=np.zeros(1)))
    one = replace(account, quantities={universe.assets[universe.cash]: 1.0}, cash_flow=0.0)
    ((cohort, _),) = muster_accounts([one], universe)
    many = replace(cohort.pick(np.zeros(len(days), dtype=int)), quantities=money)
    cases, kept = place_all(unit, many, belief)
    found = np.ones(len(days), dtype=bool)  # who has to be asked alone is asked
    if len(kept):
        found[kept] = find_stirred(unit, cases, days[0]) | _find_changed(problem.policy, cases)
    return found | turned | _by_calendar(problem.policy, account, belief, days)


def _turns(policy: Policy, account: Account, universe: Universe, today: int) -> Iterator[float]:
    """Yield the first days on which time alone may change what an account may do; today, where it does so every day."""
    if account.positions:
        clocks = read_positions(account.positions, universe)
        if not np.isnan(clocks.opened[UNTOLD]).all():
            yield today
        for limit in list_time_limits(policy.in_force):
            end, timed = limit.end(clocks), ~np.isnan(clocks.opened) & universe.select(limit.on)
            leads = end - limit.reversion_days + 1
            over = end + max(limit.rest_days or 0, 1)
            rests = clocks.rested & (today >= end)
            yield from np.where(rests, over, np.where(today < leads, leads, today))[timed]
    for breach in account.breaches:
        if breach.until is not None:
            yield breach.until.toordinal()
    if account.phases and policy.phases is not None:
        plan, steps = read_schedule(account.phases, universe), policy.phases.days
        step, started = plan.step[0], plan.started[0]
        if not np.isnan(started):
            yield today if np.isnan(step) or step >= len(steps) else started + steps[int(step)]


def _find_changed(policy: Policy, cases: Cases) -> np.ndarray:
    """Mark those whose positions or breaches would be others tomorrow though they trade nothing, shape (m,)."""
    changed, current, context = np.zeros(len(cases), dtype=bool), cases.program.current, cases.context
    marks, outside = mark(policy, cases, current), watch(policy, cases, current)
    if marks is not None:
        before = context.clocks or Clocks.none(marks.state.shape)
        for name in ("opened", "until", "base", "rested"):
            old, new = (np.asarray(getattr(clocks, name), dtype=float) for clocks in (before, marks.tomorrow))
            changed |= ~((old == new) | (np.isnan(old) & np.isnan(new))).all((-2, -1))
        if context.clocks is not None:
            lean = np.stack([context.strategic - current, current - context.strategic], axis=-2)
            for limit in list_time_limits(policy.in_force):
                edge = np.abs(lean - float(limit.close_at)) < _TOUCH
                changed |= (edge & ~np.isnan(before.opened)).any((-2, -1))
    if outside is not None:
        for q, name in enumerate(outside.limits):
            since, active = (np.nan, False) if context.breaches is None else context.breaches.of(name)
            now = outside.since[:, q]
            changed |= ~((now == since) | (np.isnan(now) & np.isnan(since))) | (outside.active[:, q] != active)
    return changed


def _by_calendar(policy: Policy, account: Account, belief: Tilt, days: Sequence[dt.date]) -> np.ndarray:
    rules = policy.rebalance
    if "calendar" not in rules.triggers:
        return np.zeros(len(days), dtype=bool)
    most = rules.every_sessions * belief.frequency
    past = np.array([_passed(rules.exchange, account.last_rebalance, on) for on in days])
    return (past >= most) & np.array([_is_open(rules.exchange, on) for on in days])


@cache
def _is_open(exchange: str, on: dt.date) -> bool:
    return is_session(exchange, on)


def _passed(exchange: str, last: dt.date | None, on: dt.date) -> float:
    return float(count_sessions(exchange, np.array([last], dtype="datetime64[D]"), on)[0])
