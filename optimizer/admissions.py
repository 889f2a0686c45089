"""Whose numbers can be posed: what one account is refused for in words, and whom of many has to be asked for the words.

Each refusal stands here twice, side by side: a mask over many accounts, and the check of one that says it.
"""

from __future__ import annotations

import numpy as np

from ..constraints.limits import Context
from ..constraints.policies import Policy
from ..errors import AccountError
from ..models.accounts import AVERSIONS, Account
from ..models.cohorts import Cohort
from ..models.universes import Universe

_DUST = 1e-9
"""Of what is held: quantities that were added up in another order are the same."""


def overselling(policy: Policy, cohort: Cohort, universe: Universe) -> np.ndarray:
    """Mark the assets of which open orders sell more than is held, shape (m, n): nobody can where it is long-only."""
    return _oversold(policy, cohort.quantities, cohort.ordered, universe)


def check_orders(policy: Policy, account: Account, universe: Universe) -> None:
    """Refuse open orders that sell more than is held; raise ``AccountError`` with both numbers."""
    held, ordered = (
        np.array([float(units.get(asset, 0.0)) for asset in universe.assets])
        for units in (account.quantities, account.orders)
    )
    over = _oversold(policy, held, ordered, universe)
    if over.any():
        i = int(np.argmax(over))
        raise AccountError(
            f"open orders sell {-ordered[i]:.12g} of {universe.assets[i]!r} and {held[i]:.12g} are held",
            code="OVERSOLD",
            table="orders",
            field="quantity",
            value=ordered[i],
            mend="sell no more than is held; a filled order has another status than open",
        )


def _oversold(policy: Policy, held: np.ndarray, ordered: np.ndarray, universe: Universe) -> np.ndarray:
    over = (ordered < 0) & (held + ordered < -_DUST * np.maximum(np.abs(held), np.abs(ordered)))
    over[..., universe.cash] = False
    return over & policy.long_only


def opened_later(context: Context) -> np.ndarray:
    """Mark the positions that were opened after the day, shape (..., 2, n): nobody knew them then."""
    return np.zeros((2, 1), dtype=bool) if context.clocks is None else context.clocks.opened > context.day


def check_opened(context: Context) -> None:
    """Refuse positions that were opened after the day."""
    if (late := opened_later(context)).any():
        asset = context.market.universe.assets[int(np.argmax(late.any(0)))]
        raise AccountError(
            f"its position in {asset!r} was opened after {context.market.on}",
            code="LOOK_AHEAD",
            table="positions",
            field="opened",
            value=asset,
            mend="use what was known on the day",
        )


def overriding(policy: Policy, cohort: Cohort) -> np.ndarray:
    """Mark the accounts with a number of their own that the policy refuses, or that one number cannot say."""
    limits = {limit.name: limit for limit in policy.limits}
    refused = np.zeros(len(cohort), dtype=bool)
    for name, own in cohort.overrides.items():
        if name == "risk_aversion":
            least, most = AVERSIONS
        else:
            least, most = 0.0, limits[name].loosest if name in limits and limits[name].overridable else -1.0
        refused |= ~np.isnan(own) & ~((own >= least) & (own <= most))
    return refused
