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
    """How a covariance is estimated where the book holds returns: see ``Risk.from_returns``.

    Parameters
    ----------
    method
        ``ledoit_wolf`` shrinks it towards a scaled identity, ``ewma`` weighs newer periods more, ``sample`` neither.
    periods_per_year
        Of the returns: 12 of months, 252 of trading days.
    half_life
        Periods in which the weight of a return halves, for ``ewma``.
    """

    method: Literal["ledoit_wolf", "ewma", "sample"] = "ledoit_wolf"
    periods_per_year: float = 252.0
    half_life: float = 36.0


@dataclass(frozen=True)
class Assumptions:
    """What a book has no table for.

    Parameters
    ----------
    cash_rate
        What cash earns, annual decimal: what views of the basis ``total`` are over.
    ticket_fee
        Money a trade.
    impact
        Coefficient of the 3/2-power law of market impact; above 0 it needs the assets' ``adv``.
    """

    cash_rate: float = 0.0
    ticket_fee: float = 0.0
    impact: float = 0.0
