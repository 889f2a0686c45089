"""Whose numbers can be posed: what one account is refused for in words, and whom of many has to be asked for the words.

Each refusal stands here twice, side by side: a mask over many accounts, and the check of one that says it.
"""

from __future__ import annotations

import datetime as dt

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


def foreseen(context: Context) -> np.ndarray:
    """Mark the accounts with a position or a breach of a later day, shape (...): nobody knew it then."""
    late = np.zeros(np.shape(context.nav), dtype=bool)
    if context.clocks is not None:
        late = late | (context.clocks.opened > context.day).any((-2, -1))
    if context.breaches is not None:
        late = late | (context.breaches.since > context.day).any(-1)
    return late


def check_known(context: Context) -> None:
    """Refuse the positions and breaches of one account that were opened after the day."""
    if not foreseen(context):
        return
    on, mend = context.market.on, "use what was known on the day"
    if context.clocks is not None and (late := (context.clocks.opened > context.day).any(0)).any():
        asset = context.market.universe.assets[int(np.argmax(late))]
        words, table, field, value = f"its position in {asset!r} was opened after {on}", "positions", "opened", asset
    else:
        table, field, value = "breaches", "since", ""
        if context.breaches is not None:
            value = context.breaches.limits[int(np.argmax(context.breaches.since > context.day))]
        words = f"its breach of {value!r} was found after {on}"
    raise AccountError(words, code="LOOK_AHEAD", table=table, field=field, value=value, mend=mend)


def check_started(started: float, context: Context) -> None:
    """Refuse a schedule that began after the day."""
    if started > context.day:
        raise AccountError(
            f"its schedule began after {context.market.on}",
            code="LOOK_AHEAD",
            table="phases",
            field="started",
            value=dt.date.fromordinal(int(started)),
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
