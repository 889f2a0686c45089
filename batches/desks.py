"""What every account of a run shares: the mandate, the market, the day, the belief of each model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..constraints.customs import Custom
from ..constraints.policies import Policy
from ..errors import UnsolvedError
from ..models.accounts import Account, Model
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt, tilt
from ..models.views import View
from ..optimizer.legs import Leg, trace_model
from ..optimizer.problems import Problem, outline, state
from ..optimizer.tactical import tactical_targets
from ..signals.contradictions import refuse_contradictions
from ..signals.readings import Reading
from ..units import FrozenMap
from .books import Book


@dataclass(frozen=True, eq=False)
class Desk:
    """What a run knows beside its accounts; it travels to workers as its first four fields, numbers only.

    ``reading`` is what the policy's playbook said, None where it has none; the policy is in the regime that was read.
    ``legs`` remembers what leads a model to its tactical target: a cache and nothing else.
    """

    policy: Policy
    market: Market
    on: dt.date
    beliefs: Mapping[str, Tilt]
    reading: Reading | None = None
    legs: dict[str, Leg | None] = field(default_factory=dict, repr=False)

    def __reduce__(self):
        """Pickle what was given; a compiled problem cannot travel, and what it remembers need not."""
        return Desk, (self.policy, self.market, self.on, self.beliefs)

    @cached_property
    def problem(self) -> Problem:
        """The stated problem; programs are compiled where an account first needs one."""
        return outline(self.policy, self.market)

    def target_of(self, account: Account) -> np.ndarray | None:
        """Return the tactical target of an account's model at its aversion; None where there is no releasable one."""
        target = self.targets_of(account.model, np.array([self.policy.aversion(account)]))[0]
        return None if np.isnan(target[0]) else target

    def targets_of(self, model: str, aversions: np.ndarray) -> np.ndarray:
        """Return the tactical target of a model at each aversion, shape (m, n), not numbers where there is none."""
        return tactical_targets(self.problem, model, aversions, self.beliefs[model])

    def legs_of(self, model: str) -> Mapping[float, Leg]:
        """Return what leads a model to its tactical target, by aversion: at the policy's own, if there is any target.

        An account at an aversion of its own is told its trades without the parts of what is believed: tracing a path
        for it would take longer than solving it.
        """
        gamma = self.policy.risk_aversion
        if model not in self.legs:
            try:
                self.legs[model] = trace_model(self.problem, model, gamma, self.beliefs[model])
            except UnsolvedError:  # whoever follows this model is told so by his own outcome
                self.legs[model] = None
        leg = self.legs[model]
        return {} if leg is None else {gamma: leg}


def open_desk(book: Book, policy: Policy, on: dt.date, overlay: Tilt = NO_TILT) -> Desk:
    """State the problem and every model's belief: whatever is wrong with what accounts share is found here."""
    market = book.market(policy, on)
    reading = book.read(policy, market, on)
    if reading is not None and policy.playbook.limits:
        policy = policy.in_regime(reading.regime)
    beliefs = believe(book, policy, market, on, reading, overlay)
    # A user's own limit is tried by cvxpy before any account is; nothing else can fail to compile.
    stated = state if any(isinstance(limit, Custom) for limit in policy.limits) else outline
    stated(policy, market)
    return Desk(policy, market, on, beliefs, reading)


def believe(
    book: Book, policy: Policy, market: Market, on: dt.date, reading: Reading | None = None, overlay: Tilt = NO_TILT
) -> Mapping[str, Tilt]:
    """Return the belief of each model: the views of the book and of signals, tilts by hand, overlays and rules.

    Raises
    ------
    ViewError
        Views of the book that contradict each other, and what :func:`trimtab.models.tilts.tilt` refuses.
    """
    views = gather_views(book, market, on, reading)
    trail, beliefs = book.trail(market.universe, views), {}
    for name, weights in policy.models.items():
        model = Model(name, weights, policy.risk_aversion)
        beliefs[name] = tilt(views, market, model, on, trail=trail) + book.tilts(market, model, on) + overlay
        if reading is not None:
            beliefs[name] += reading.tilt(name)
    return FrozenMap(beliefs)


def gather_views(book: Book, market: Market, on: dt.date, reading: Reading | None) -> tuple[View, ...]:
    """Return the views of the book, refused if two of them cannot both be meant, and those that signals make."""
    views = book.views()
    refuse_contradictions(views, market.universe, on)  # what signals say against people has been left out already
    return views + (() if reading is None else reading.views)
