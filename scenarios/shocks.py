"""What a shock would do to a proposal: the profit and loss of where an account stands, stood for, and would stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import ViewError
from ..models.markets import Market
from ..models.shocks import Shock
from ..optimizer.proposals import Proposal

STANDS = ("current", "strategic", "target")


def shock(
    proposal: Proposal | pd.DataFrame,
    shocks: Shock | Sequence[Shock],
    market: Market,
    *,
    nav: float | None = None,
    by_asset: bool = False,
) -> pd.DataFrame:
    """Return what shocks would do to the current, strategic and target weights, nothing traded on the way.

    Parameters
    ----------
    proposal
        A proposal, or a frame of weights indexed by asset with columns current, strategic and target.
    shocks
        One shock or several.
    market
        Whose assets the weights are of.
    nav
        Money, where ``proposal`` is a frame; without it the money columns are NaN.
    by_asset
        A row for every shock and asset instead of their sum.

    Returns
    -------
    pandas.DataFrame
        A row a shock; columns current, strategic, target (decimal of NAV) and the same with ``_money``.

    Raises
    ------
    ViewError
        No weights (a QUARANTINED proposal), or two shocks of one name.
    MarketError
        A shock or a weight on an unknown asset.
    """
    weights, worth = (
        (proposal.weights, proposal.nav)
        if isinstance(proposal, Proposal)
        else (proposal, float("nan") if nav is None else nav)
    )
    if weights is None:
        raise ViewError(
            "there are no weights to shock: the account is quarantined", code="NO_WEIGHTS", field="proposal"
        )
    listed = (shocks,) if isinstance(shocks, Shock) else tuple(shocks)
    names = [s.name for s in listed]
    if len(set(names)) < len(names):
        raise ViewError(
            "two shocks have one name", code="DUPLICATE_SHOCK", field="name", value=names, mend="give each its own"
        )
    universe = market.universe
    held = np.array([universe.vector(pd.Series(weights[stand])) for stand in STANDS])
    assets = pd.Index(universe.assets, name="asset_id")
    frames = []
    for one in listed:
        parts = pd.DataFrame((held * one.vector(universe)).T, index=assets, columns=list(STANDS))
        frames.append(parts if by_asset else parts.sum().to_frame().T)
    if not frames:
        raise ViewError("no shock is given", code="EMPTY", field="shocks", mend="give at least one")
    total = pd.concat(frames, keys=names, names=["shock"])
    total = total if by_asset else total.droplevel(1)
    return total.assign(**{f"{stand}_money": total[stand] * worth for stand in STANDS})
