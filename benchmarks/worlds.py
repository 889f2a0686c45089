"""Made-up worlds of a stated size: markets with a factor risk, policies, drifted accounts, views. Seeds are fixed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from trimtab.constraints.deviations import Deviation
from trimtab.constraints.limits import Limit
from trimtab.constraints.policies import Policy
from trimtab.constraints.settings import Trading
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.models.accounts import Account
from trimtab.models.costs import Costs
from trimtab.models.markets import Market
from trimtab.models.risks import Risk
from trimtab.models.universes import Universe
from trimtab.models.views import View

ON = dt.date(2026, 1, 2)


@dataclass(frozen=True, eq=False)
class World:
    """A market, a policy, views and accounts."""

    market: Market
    policy: Policy
    views: tuple[View, ...]
    accounts: tuple[Account, ...]


def world(
    n: int,
    k: int,
    accounts: int,
    *,
    seed: int = 7,
    lots: bool = False,
    trading: Trading | None = None,
    more: tuple[Limit, ...] = (),
) -> World:
    """Make ``n`` assets on ``k`` factors, a mandate with tracking error, turnover and deviation, and accounts."""
    rng = np.random.default_rng(seed)
    names = [f"A{i:03d}" for i in range(n)]
    classes = ["equity" if i % 2 == 0 else "bonds" for i in range(n)]
    universe = Universe(tuple(names), tuple(classes))
    exposures = pd.DataFrame(rng.normal(0, 0.06, (n, k)), names, [f"F{j}" for j in range(k)])
    omega = pd.DataFrame(np.eye(k), exposures.columns, exposures.columns)
    risk = Risk.from_factors(exposures, omega, pd.Series(rng.uniform(0.05, 0.2, n), names), universe)
    prices = np.append(rng.uniform(20, 300, n).round(2), 1.0)
    market = Market(
        universe,
        risk,
        Costs(np.append(np.full(n, 0.001), 0.0)),
        prices,
        on=ON,
        lots=np.append(np.full(n, 1.0 if lots else 0.0), 0.0),
    )
    strategic = rng.dirichlet(np.full(n, 4.0)) * 0.98
    most = 0.05 if n < 200 else 0.01
    policy = Policy(
        (Deviation(most), TrackingError(0.01), Turnover(0.10), *more),
        {"m": dict(zip(names, strategic, strict=True)) | {"CASH": 1 - strategic.sum()}},
        trades=trading or Trading(),
    )
    views = (View("equity - bonds", 0.02, 0.5, id="V1"), View(f"{names[0]} - {names[1]}", 0.03, 0.7, id="V2"))
    book = tuple(_drifted(f"{i:04d}", strategic, market, rng) for i in range(accounts))
    return World(market, policy, views, book)


def _drifted(name: str, strategic: np.ndarray, market: Market, rng: np.random.Generator) -> Account:
    weights = np.append(strategic * np.exp(rng.normal(0, 0.15, len(strategic))), 0.02)
    weights /= weights.sum()
    return Account.from_weights(
        name, "m", dict(zip(market.universe.assets, weights, strict=True)), float(rng.uniform(2e5, 5e6)), market
    )
