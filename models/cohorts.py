"""Accounts of one model as arrays, a row an account: what numpy can treat at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..units import FrozenMap
from .breaches import Breaches
from .histories import History
from .positions import Clocks
from .schedules import Schedules


@dataclass(frozen=True, eq=False)
class Cohort:
    """Active accounts of one model, m of them, in a universe of n assets.

    Parameters
    ----------
    ids, model
        Text ids.
    quantities
        Units held, shape (m, n); the cash in money.
    ordered
        Signed units of open orders, shape (m, n).
    flows
        Cash flows in money, shape (m,).
    rules
        Masks of the assets under ``no_buy``, ``no_sell``, ``no_hold`` and ``frozen``, shape (m, n), where any is.
    overrides
        Numbers by the name of a limit, or ``risk_aversion``, shape (m,); NaN for none.
    allowances
        The most of each asset that may be sold and bought, decimals of NAV, shape (2, m, n); None where the desk as a
        whole leaves everybody free.
    last_rebalance
        The last day each traded, ``datetime64[D]``, shape (m,), NaT where nobody knows; None: of nobody.
    last_views
        The sign of the views of each last decision, text, shape (m,), empty where nobody knows; None: of nobody.
    clocks
        Open tactical positions, shape (m, 3, n) each; None where nobody has one.
    history
        Past trades; None where nobody has one.
    breaches
        Since when accounts stand outside of which limits; None where nobody does.
    navs
        What their keepers say they are worth, shape (m,), NaN where nobody says; None: of nobody.
    schedules
        The schedules they are in; None where nobody has one.
    """

    ids: np.ndarray
    model: str
    quantities: np.ndarray
    ordered: np.ndarray
    flows: np.ndarray
    rules: Mapping[str, np.ndarray] = field(default_factory=FrozenMap)
    overrides: Mapping[str, np.ndarray] = field(default_factory=FrozenMap)
    allowances: np.ndarray | None = None
    last_rebalance: np.ndarray | None = None
    last_views: np.ndarray | None = None
    clocks: Clocks | None = None
    history: History | None = None
    breaches: Breaches | None = None
    navs: np.ndarray | None = None
    schedules: Schedules | None = None

    def __len__(self) -> int:
        """Count the accounts."""
        return len(self.ids)

    def pick(self, which: np.ndarray) -> Cohort:
        """Return some of the accounts: positions or a mask."""
        if is_everyone(which, len(self)):
            return self
        return replace(
            self,
            ids=self.ids[which],
            quantities=self.quantities[which],
            ordered=self.ordered[which],
            flows=self.flows[which],
            rules={rule: mask[which] for rule, mask in self.rules.items()},
            overrides={name: own[which] for name, own in self.overrides.items()},
            allowances=None if self.allowances is None else self.allowances[:, which],
            last_rebalance=None if self.last_rebalance is None else self.last_rebalance[which],
            last_views=None if self.last_views is None else self.last_views[which],
            clocks=None if self.clocks is None else self.clocks.pick(which),
            history=None if self.history is None else self.history.pick(which),
            breaches=None if self.breaches is None else self.breaches.pick(which),
            navs=None if self.navs is None else self.navs[which],
            schedules=None if self.schedules is None else self.schedules.pick(which),
        )


def is_everyone(which: int | np.ndarray, count: int) -> bool:
    """Whether positions, or a mask, pick each of so many accounts once and in order: nothing then has to be copied.

    >>> is_everyone(np.arange(3), 3), is_everyone(np.array([True, False]), 2), is_everyone(0, 1)
    (True, False, False)
    """
    own = np.asarray(which)
    if own.ndim != 1 or len(own) != count:
        return False
    return bool(own.all()) if own.dtype == bool else np.array_equal(own, np.arange(count))
