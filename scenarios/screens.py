"""Which of many days in a row may ask for a rebalance: the days of one account as many accounts on one day.

While nothing is traded, read or estimated, an account only drifts: its weights on each of the days follow from the
levels. So the triggers look at all of these days at once; what counts sessions is asked of the calendar. Nothing that
could fire is passed over, and what may fire is then decided by the one rule there is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from ..batches.musters import muster_accounts
from ..constraints.policies import Policy
from ..models.accounts import Account
from ..models.sessions import count_sessions, is_session
from ..models.tilts import Tilt
from ..optimizer.paces import is_slowed
from ..optimizer.problems import Problem
from ..optimizer.tactical import place_all
from ..optimizer.triggers import find_stirred


def may_skip(policy: Policy, account: Account, belief: Tilt) -> bool:
    """Whether a day can only ask through what stands on it: nothing is timed, phased or kept."""
    kept = account.positions or account.breaches or account.phases
    return not (kept or policy.forgiving or is_slowed(policy, belief) or "always" in policy.rebalance.triggers)


def find_stir(
    problem: Problem, account: Account, belief: Tilt, money: np.ndarray, days: Sequence[dt.date]
) -> np.ndarray:
    """Mark the days, shape (k,), on which an account that has so much in each asset, shape (k, n), may be due."""
    # Money at a price of 1: the weights of a day do not depend on where the row of days begins.
    universe = problem.market.universe
    unit = replace(problem, market=replace(problem.market, prices=np.ones(len(universe)), on=days[0], lots=np.zeros(1)))
    one = replace(account, quantities={universe.assets[universe.cash]: 1.0}, cash_flow=0.0)
    ((cohort, _),) = muster_accounts([one], universe)
    many = replace(cohort.pick(np.zeros(len(days), dtype=int)), quantities=money)
    cases, kept = place_all(unit, many, belief)
    found = np.ones(len(days), dtype=bool)  # who has to be asked alone is asked
    if len(kept):
        found[kept] = find_stirred(unit, cases, days[0])
    return found | _by_calendar(problem.policy, account, belief, days)


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
