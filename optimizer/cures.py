"""Breaches of grandfathered limits after a decision: who is outside, since when, taken there by whom, until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from ..constraints.grandfathers import overdue
from ..constraints.limits import Context, Limit
from ..constraints.policies import Policy
from ..models.breaches import ORIGINS, Breach
from .problems import Case, Cases

OUTSIDE = 1e-9
"""A limit exceeded by less, in its own unit, is rounding."""


@dataclass(frozen=True, eq=False)
class Outside:
    """The breaches of one account or of many at the end of a day, shape (..., q) for q grandfathered limits.

    Parameters
    ----------
    limits
        The names.
    since, until
        Ordinals, NaN where an account is inside, or a limit has no days of cure.
    active
        Whether a decision took the account there.
    excess
        How far outside it is, in the limit's unit.
    day
        Today.
    """

    limits: tuple[str, ...]
    since: np.ndarray
    until: np.ndarray
    active: np.ndarray
    excess: np.ndarray
    day: int

    def pick(self, which: int) -> Outside:
        """Return those of one account of many."""
        own = {name: getattr(self, name)[which] for name in ("since", "until", "active", "excess")}
        return replace(self, **own)

    def rows(self) -> tuple[Breach, ...]:
        """Return those of one account as rows."""
        return tuple(
            Breach(
                self.limits[q],
                dt.date.fromordinal(int(self.since[q])),
                ORIGINS[int(self.active[q])],
                None if np.isnan(self.until[q]) else dt.date.fromordinal(int(self.until[q])),
                self.day - int(self.since[q]),
                float(self.excess[q]),
            )
            for q in np.flatnonzero(~np.isnan(self.since))
        )


def watch(policy: Policy, case: Case | Cases, target: np.ndarray) -> Outside | None:
    """Say which grandfathered limits one account, or many, stand outside of once they hold these weights.

    A breach keeps the day it was first found. It is passive where the account was outside before it traded, and active
    where a trade took it outside or farther outside; what a row of ``breaches`` says of it stays. None without a
    grandfathered limit, or where the market has no day.
    """
    context = case.context
    limits = tuple(limit for limit in policy.in_force if limit.grandfather)
    if not limits or context.market.on is None:
        return None
    told = [_watch(limit, context, case.program.current, target) for limit in limits]
    since, active, excess = (np.stack(np.broadcast_arrays(*each), axis=-1) for each in zip(*told, strict=True))
    cure = np.array([np.nan if limit.cure_days is None else limit.cure_days for limit in limits])
    return Outside(tuple(limit.name for limit in limits), since, since + cure, active, excess, context.day)


def _watch(
    limit: Limit, context: Context, current: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return since when, whether by a decision, and how far outside one limit accounts are; shape (...) each."""
    before, after = (_excess(limit, context, weights, current) for weights in (current, target))
    nowhere = (np.asarray(np.nan), np.asarray(False))
    first, decided = nowhere if context.breaches is None else context.breaches.of(limit.name)
    first, out, still = np.asarray(first), before > OUTSIDE, after > OUTSIDE
    known = out & ~np.isnan(first)
    since = np.where(still, np.where(known, first, float(context.day)), np.nan)
    return since, still & ((known & decided) | (after > np.maximum(before, 0.0) + OUTSIDE)), after


def _excess(limit: Limit, context: Context, weights: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Return by how much weights exceed the limit as it is written, at worst, shape (...)."""
    worst = np.full(weights.shape[:-1], -np.inf)
    for term in limit.terms(context):
        read = terms.sides(term, weights, current, context.market.risk, context.market.universe)
        worst = np.maximum(worst, -read.room.min((-2, -1)))
    return worst


def say_overdue(policy: Policy, context: Context, words: tuple[str, ...]) -> tuple[str, ...]:
    """Add to the reason of each of many accounts which limits stopped grandfathering it, and since when."""
    out = list(words)
    for limit in policy.in_force:
        for i in np.flatnonzero(np.atleast_1d(overdue(limit, context))):
            since, _ = context.breaches.of(limit.name) if context.breaches is not None else (np.nan, False)
            day = dt.date.fromordinal(int(np.atleast_1d(since)[i]))
            out[i] += (
                f"; {limit.name} no longer lets it stay outside: {limit.cure_days} days to cure the breach of {day} "
                "are over"
            )
    return tuple(out)
