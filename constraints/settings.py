"""How a policy has covariances estimated, trades made few, and what a book has no table for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Trading:
    """How the fewest trades are found.

    Parameters
    ----------
    indifference
        Utility a year, decimal of NAV, that fewer trades may give up.
    trade_worth
        Turnover, decimal of NAV, that one trade fewer is worth.
    exact
        Solve the integer problem by HiGHS instead of the fast path.
    node_limit
        Where the exact path stops and reports its gap; a node count, never a clock, so that answers repeat.
    """

    indifference: float = 0.0
    trade_worth: float = 0.002
    exact: bool = False
    node_limit: int = 1000


@dataclass(frozen=True)
class Estimation:
    """How a covariance is estimated where the book holds returns: see ``Risk.from_returns``."""

    method: Literal["ledoit_wolf", "ewma", "sample"] = "ledoit_wolf"
    periods_per_year: float = 252.0
    half_life: float = 36.0


@dataclass(frozen=True)
class Assumptions:
    """What a book has no table for: the cash rate (annual), the ticket fee (money), the impact coefficient."""

    cash_rate: float = 0.0
    ticket_fee: float = 0.0
    impact: float = 0.0
