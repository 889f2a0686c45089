"""What a rule has to beat: doing nothing, the strategic mix, the calendar, a band, and each of its own parts alone.

Each baseline is a policy like any other, led through the same history by the same walk and charged the same costs; only
``strategic`` trades for free, every session: it is the benchmark that active returns are measured from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ..constraints.bands import Band
from ..constraints.policies import Policy
from ..constraints.rebalances import Rebalance
from ..errors import InputError
from ..signals.playbooks import NO_PLAYBOOK, Playbook
from ..units import FrozenMap
from .backtests import Backtest
from .chronicles import Chronicle

HOLD, CALENDAR, THRESHOLD, STRATEGIC = "hold", "calendar", "threshold", "strategic"
"""Buy and hold; back to strategic every quarter; back to strategic when a band is left; strategic, free, every day."""


def make_baselines(policy: Policy, *, every_sessions: int = 63, width: float | str = "2%") -> Mapping[str, Policy]:
    """Return the policies of the plain rules, by name.

    Parameters
    ----------
    policy
        Whose models and price of risk they share; its limits are left out: they would make a plain rule another rule.
    every_sessions
        Of the calendar rule.
    width
        Of the band of the threshold rule where the policy has no band of its own to trigger.
    """
    bare = replace(policy, limits=(), playbook=NO_PLAYBOOK, phases=None, rebalance=Rebalance(), long_only=True)
    bands = tuple(replace(band, tier=0) for band in policy.bands if band.triggers)
    exchange = policy.rebalance.exchange
    return FrozenMap(
        {
            HOLD: replace(bare, rebalance=Rebalance(destination="flow")),
            CALENDAR: replace(bare, rebalance=Rebalance("calendar", exchange=exchange, every_sessions=every_sessions)),
            THRESHOLD: replace(
                bare, limits=bands or (Band(absolute=width, use="trigger"),), rebalance=Rebalance("band")
            ),
        }
    )


def take_apart(policy: Policy) -> Mapping[str, Policy]:
    """Return the policy with each of its opinions, overlays and rules alone, and with none, by name.

    >>> list(take_apart(Policy(models={"m": {"SPY": 1.0}})))
    ['no signals']
    """
    book = policy.playbook
    none = Playbook(book.signals, book.regimes, limits=book.limits)
    alone = {f"opinion {each.name} alone": replace(none, opinions=(each,)) for each in book.opinions}
    alone |= {f"overlay {each.name} alone": replace(none, overlays=(each,)) for each in book.overlays}
    alone |= {f"rule {each.name} alone": replace(none, rules=(each,)) for each in book.rules}
    alone |= {f"risk {each.name} alone": replace(none, risks=(each,)) for each in book.risks}
    return FrozenMap({"no signals": replace(policy, playbook=none)}
                     | {name: replace(policy, playbook=own) for name, own in alone.items()})  # fmt: skip


def strategic_returns(policy: Policy, chronicle: Chronicle, model: str, like: Backtest) -> pd.Series:
    """Return what the strategic weights earned over the periods of a backtest, rebalanced at each close for nothing."""
    if model not in policy.models:
        raise InputError(f"there is no model {model!r}", code="UNKNOWN_MODEL", field="model", value=model)
    weights = chronicle.universe.vector(policy.models[model])
    earned = chronicle.returns.loc[like.returns.index].to_numpy() @ (weights / np.sum(weights))
    return pd.Series(earned, index=like.returns.index, name=STRATEGIC)
