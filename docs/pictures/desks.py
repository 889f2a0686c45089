"""The small desk of the pictures: four assets and cash, one strategic portfolio, one view; all of it made up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
FREE = (Deviation("100%"),)
"""Limits that limit nothing: what the ideal would be without the one in the picture."""
_CLASSES = ("equity", "equity", "bonds", "real", "cash")
_VOLATILITIES = np.array([0.16, 0.17, 0.06, 0.15])
_CORRELATIONS = np.array(
    [[1.0, 0.8, -0.3, 0.1], [0.8, 1.0, -0.3, 0.1], [-0.3, -0.3, 1.0, 0.2], [0.1, 0.1, 0.2, 1.0]],
)
_PRICES = {"SPY": 612.0, "EFA": 88.0, "IEF": 96.0, "GLD": 251.0}


@dataclass(frozen=True)
class Desk:
    """What a picture may have otherwise: the legs of the view, the model, the mandate's other numbers, the market's.

    ``whole`` trades in whole shares; ``costs`` are one-way decimals.
    """

    about: str = "equity - bonds"
    strategic: Mapping[str, float] = field(default_factory=lambda: STRATEGIC)
    long_only: bool = True
    risk_aversion: float = 6.0
    whole: bool = False
    costs: float = 0.0002

    def policy(self, limits: Sequence[Limit]) -> Policy:
        """Return a mandate of these limits."""
        models = {"balanced": dict(self.strategic)}
        return Policy(tuple(limits), models, risk_aversion=self.risk_aversion, long_only=self.long_only)

    def views(self, gain: float) -> list[View]:
        """Return the desk's one view; none where it gains nothing."""
        return [View(self.about, gain=gain, confidence=0.8, author="desk", because="an example")] if gain else []


DESK = Desk()


def market(*, whole: bool = False, costs: float = DESK.costs) -> Market:
    """Return the market of the day."""
    names, risky = list(ASSETS), list(ASSETS[:4])
    frame = pd.DataFrame({"asset_class": _CLASSES}, index=names)
    sigma = pd.DataFrame(_CORRELATIONS * np.outer(_VOLATILITIES, _VOLATILITIES), index=risky, columns=risky)
    return Market.from_frames(frame, sigma, costs=costs, prices=_PRICES, lots=1.0 if whole else 0.0, on=ON)


def account(weights: Mapping[str, float] = STRATEGIC, nav: float = 1e6) -> Account:
    """Return an account that holds these weights."""
    return Account.from_weights("001", "balanced", weights, nav, market())


def propose(limits: Sequence[Limit], gain: float, who: Account | None = None, desk: Desk = DESK) -> Proposal:
    """Return what trimtab proposes for an account (one at strategic weights, by default) under these limits."""
    problem, asked = _state(desk.policy(limits), desk.whole, desk.costs), who or account()
    belief = tilt(desk.views(gain), problem.market, problem.policy.model(asked), ON)
    return decide(problem, asked, belief, ON)


@cache
def _state(policy: Policy, whole: bool, costs: float) -> Problem:
    """State a problem once for every gain and account that is asked of it: what ``rebalance`` does each time."""
    return state(policy, market(whole=whole, costs=costs))


def ideal(limits: Sequence[Limit], gain: float, who: Account | None = None, desk: Desk = DESK) -> dict[str, float]:
    """Return the ideal weights by asset."""
    weights = propose(limits, gain, who, desk).weights
    if weights is None:
        raise RuntimeError("the example has no answer")
    return {str(asset): float(weight) for asset, weight in weights["ideal"].items()}


def context(limits: Sequence[Limit], who: Account, gain: float = 0.0) -> Context:
    """Return what limits see of an account."""
    policy = DESK.policy(limits)
    belief = tilt(DESK.views(gain), market(), policy.model(who), ON)
    return place(state(policy, market()), who, belief).context


def later(here: Context, days: int) -> Context:
    """Return the same account, seen so many days later."""
    return replace(here, market=replace(here.market, on=ON + dt.timedelta(days)))


def spread(least: float, most: float, many: int) -> list[float]:
    """Return evenly spaced numbers, ends included."""
    return np.linspace(least, most, many).tolist()
