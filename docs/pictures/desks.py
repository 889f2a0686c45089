"""The small desk of the pictures: four assets and cash, one strategic portfolio, one view; all of it made up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from trimtab.constraints import Deviation, Policy
from trimtab.constraints.limits import Context, Limit
from trimtab.models import Account, Market, View
from trimtab.models.tilts import tilt
from trimtab.optimizer import Proposal, state
from trimtab.optimizer.problems import Problem
from trimtab.optimizer.rebalancing import decide
from trimtab.optimizer.tactical import place

ON = dt.date(2026, 11, 20)
ASSETS = ("SPY", "EFA", "IEF", "GLD", "CASH")
STRATEGIC = {"SPY": 0.35, "EFA": 0.20, "IEF": 0.30, "GLD": 0.10, "CASH": 0.05}
_CLASSES = ("equity", "equity", "bonds", "real", "cash")
_VOLATILITIES = np.array([0.16, 0.17, 0.06, 0.15])
_CORRELATIONS = np.array(
    [[1.0, 0.8, -0.3, 0.1], [0.8, 1.0, -0.3, 0.1], [-0.3, -0.3, 1.0, 0.2], [0.1, 0.1, 0.2, 1.0]],
)
_PRICES = {"SPY": 612.0, "EFA": 88.0, "IEF": 96.0, "GLD": 251.0}


def market(*, costs: float = 0.0002, whole: bool = False) -> Market:
    """Return the market of the day; ``whole`` trades in whole shares."""
    frame = pd.DataFrame({"asset_class": _CLASSES}, index=list(ASSETS))
    sigma = pd.DataFrame(
        _CORRELATIONS * np.outer(_VOLATILITIES, _VOLATILITIES), index=list(ASSETS[:4]), columns=list(ASSETS[:4])
    )
    lots = 1.0 if whole else 0.0
    return Market.from_frames(frame, sigma, costs=costs, prices=_PRICES, lots=lots, on=ON)


def mandate(*limits: Limit, strategic: Mapping[str, float] = STRATEGIC, **settings: object) -> Policy:
    """Return a policy of these limits."""
    return replace(Policy(limits, {"balanced": dict(strategic)}), **settings)


def account(weights: Mapping[str, float] = STRATEGIC, nav: float = 1e6, **more: object) -> Account:
    """Return an account that holds these weights."""
    return replace(Account.from_weights("001", "balanced", weights, nav, market()), **more)


def believe(gain: float, about: str = "equity - bonds") -> list[View]:
    """Return the desk's one view; none where it gains nothing."""
    return [View(about, gain=gain, confidence=0.8, author="desk", because="an example")] if gain else []


def propose(
    limits: Sequence[Limit], gain: float, who: Account | None = None, about: str = "equity - bonds", **settings: object
) -> Proposal:
    """Return what trimtab proposes for an account (one at strategic weights, by default) under these limits."""
    whole, costs = bool(settings.pop("whole", False)), float(settings.pop("costs", 0.0002))
    problem = _state(mandate(*limits, **settings), whole, costs)
    who = who or account()
    belief = tilt(believe(gain, about), problem.market, problem.policy.model(who), ON)
    return decide(problem, who, belief, ON)


@cache
def _state(policy: Policy, whole: bool, costs: float) -> Problem:
    """State a problem once for every gain and account that is asked of it: what ``rebalance`` does each time."""
    return state(policy, market(whole=whole, costs=costs))


def ideal(limits: Sequence[Limit], gain: float, who: Account | None = None, **more: object) -> dict[str, float]:
    """Return the ideal weights."""
    return propose(limits, gain, who, **more).weights["ideal"].to_dict()


def context(limits: Sequence[Limit], who: Account, gain: float = 0.0) -> Context:
    """Return what limits see of an account."""
    policy = mandate(*limits)
    belief = tilt(believe(gain), market(), policy.model(who), ON)
    return place(state(policy, market()), who, belief).context


def later(here: Context, days: int) -> Context:
    """Return the same account, seen so many days later."""
    return replace(here, market=replace(here.market, on=ON + dt.timedelta(days)))


def spread(least: float, most: float, many: int) -> list[float]:
    """Return evenly spaced numbers, ends included."""
    return np.linspace(least, most, many).tolist()


FREE = (Deviation("100%"),)
"""Limits that limit nothing: what the ideal would be without the one in the picture."""
