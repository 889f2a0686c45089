"""Trading only with the cash that comes or goes."""

from __future__ import annotations

import numpy as np

from .limits import Context
from .terms import Box, Term, Trades

FLOW = "flow"
"""What the rule is called."""


def flow_terms(context: Context) -> tuple[tuple[str, Term], ...]:
    """State that only an inflow buys and only an outflow sells, and for no more money than comes or goes.

    ::

        w_i >= w0_i where nothing goes,   sum (1 + kappa_i) z_i+ <= inflow
        w_i <= w0_i where nothing comes,  sum (1 - kappa_i) z_i- <= outflow + impact of selling that much at most

    over everything but the cash: what buys cost comes out of the inflow, what sells cost is raised beside the outflow.
    """
    market = context.market
    kappa = market.costs.proportional
    others = np.arange(len(market.universe)) != market.universe.cash
    inflow, outflow = np.asarray(context.inflow), np.asarray(context.outflow)
    lo = np.where(others & (outflow <= 0)[..., None], context.current, -np.inf)
    hi = np.where(others & (inflow <= 0)[..., None], context.current, np.inf)
    none, impact = np.zeros(len(others)), 0.0
    if market.costs.impact:  # convex: no split of the sales costs more than selling all of it in the dearest asset
        dearest = np.where(others, market.costs.iota(market.risk.volatilities, context.nav), 0.0).max(-1)
        impact = dearest * (1.2 * outflow) ** 1.5
    return (
        (FLOW, Box(lo, hi)),
        (FLOW, Trades(np.where(others, 1.0 + kappa, 0.0), none, none, 0.0, base=inflow)),
        (FLOW, Trades(none, np.where(others, 1.0 - kappa, 0.0), none, 0.0, base=outflow + impact)),
    )
