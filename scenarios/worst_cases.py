"""A proposal for whatever comes: the weights whose worst outlook is the least bad, and the trades that reach them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..models.accounts import Account
from ..models.markets import Market
from ..models.shocks import Shock
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.outlooks import Outlook
from ..optimizer.problems import outline
from ..optimizer.proposals import Proposal, propose
from ..optimizer.robust import Robust, solve_robust
from ..optimizer.solutions import Outcome, solve
from ..optimizer.tactical import place
from ..units import basis_points, day, percent
from .shocks import list_shocks
from .worlds import Believer, list_outlooks, list_views


@dataclass(frozen=True, eq=False)
class WorstCase:
    """What is proposed for the worst of several outlooks.

    Parameters
    ----------
    proposal
        Its utility is that of the worst outlook; its certificate proves the worst case of ``ideal``.
    robust
        The answer: utilities by outlook, and the mix of outlooks that makes it the best.
    outlooks
        A row an outlook; columns robust (utility a year of the robust ideal), believed (of the ideal of the first
        outlook alone), share (of the mix).
    """

    proposal: Proposal
    robust: Robust
    outlooks: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return the outlooks."""
        return self.outlooks

    def _repr_html_(self) -> str:
        return self.outlooks.to_html(float_format=lambda x: f"{x:.4g}") + self.proposal._repr_html_()


def propose_robust(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    *,
    shocks: Shock | Sequence[Shock] = (),
    outlooks: Sequence[Outlook] | None = None,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> WorstCase:
    """Propose the trades to the weights whose least utility over all outlooks is the largest.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`; triggers do not count.
    shocks
        Each that changes risk is an outlook.
    outlooks
        Instead of those of :func:`.worlds.list_outlooks`: as believed, no views, each view failing, each shock's risk.

    Raises
    ------
    InputError
        What cannot be used.
    """
    on, listed = day(on), list_views(views)
    who = Believer(account, policy, market.dated(on), on, overlay, trail)
    worlds = tuple(outlooks) if outlooks is not None else list_outlooks(who, listed, list_shocks(shocks))
    problem, belief = outline(policy, who.market), who.believe(listed)
    robust = solve_robust(problem, account, belief, worlds)
    proposal = propose(robust.solution, "asked")
    alone = solve(problem, account, belief)
    columns = {"robust": _row(robust.utilities), "believed": _utilities(problem, account, worlds, alone.ideal)}
    frame = pd.DataFrame(
        columns | {"share": _row(robust.shares)}, index=pd.Index([w.name for w in worlds], name="outlook")
    )
    if robust.solution.outcome is Outcome.OPTIMAL and proposal.weights is not None:
        at = _utilities(problem, account, worlds, proposal.weights["target"].to_numpy())
        proposal = replace(proposal, utility=float(at.min()), notes=(_say(robust, frame), *proposal.notes))
    return WorstCase(proposal, robust, frame)


def _row(values: Mapping[str, float]) -> np.ndarray:
    return np.array(list(values.values()))


def _utilities(problem, account: Account, worlds: Sequence[Outlook], weights: np.ndarray) -> np.ndarray:
    """Return the utility of weights in each outlook."""
    found = []
    for world in worlds:
        risk = world.risk or problem.market.risk
        own = replace(problem, market=replace(problem.market, risk=risk), statements={}, engines={}, tacticals={})
        found.append(float(place(own, account, world.belief).program.utility(weights)))
    return np.array(found)


def _say(robust: Robust, frame: pd.DataFrame) -> str:
    mixed = ", ".join(f"{percent(share, 0)} {name}" for name, share in robust.shares.items() if share > 0)
    better = float(frame["robust"].to_numpy().min() - frame["believed"].to_numpy().min())
    return (
        f"its worst outlook is {basis_points(better, 2)} of utility a year better than that of what is believed; "
        f"the mix that holds it down is {mixed}"
    )
