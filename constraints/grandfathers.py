"""Grandfathering: who starts outside a limit may stay or improve, for as many days as there are to cure the breach."""

from __future__ import annotations

import numpy as np

from ..units import Each
from .limits import Context, Limit
from .terms import Term, choose, grandfathered


def overdue(limit: Limit, context: Context) -> Each:
    """Mark the accounts whose days of cure are over, shape (...): the limit holds for them as it is written."""
    if limit.cure_days is None or context.breaches is None:
        return np.zeros(np.shape(context.nav), dtype=bool)
    since, _ = context.breaches.of(limit.name)
    return context.day - since >= limit.cure_days  # no number, no breach: not overdue


def fit(limit: Limit, term: Term, context: Context) -> Term:
    """Return a term of a limit as it holds for each account: widened where it is grandfathered and may be cured yet."""
    if not limit.grandfather:
        return term
    return choose(overdue(limit, context), term, grandfathered(term, context.current, context.market.risk))
