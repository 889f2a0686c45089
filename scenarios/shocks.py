"""What a shock would do: to where an account stands and would stand, and to what would be proposed in its market."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import MarketError, ViewError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.shocks import Shock
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.proposals import Proposal
from ..optimizer.rebalancing import rebalance
from ..units import FrozenMap, day

STANDS = ("current", "strategic", "ideal", "target")


def shock(
    proposal: Proposal | pd.DataFrame,
    shocks: Shock | Sequence[Shock],
    market: Market,
    *,
    nav: float | None = None,
    by_asset: bool = False,
) -> pd.DataFrame:
    """Return what shocks would do to the current, strategic, ideal and target weights, nothing traded on the way.

    Parameters
    ----------
    proposal
        A proposal, or a frame of weights indexed by asset with columns current, strategic, ideal and target; those it
        does not have are left out.
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
        A row a shock; columns current, strategic, ideal, target (decimal of NAV) and the same with ``_money``.

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
    listed = list_shocks(shocks)
    universe = market.universe
    stands = [stand for stand in STANDS if stand in weights.columns]
    held = np.array([universe.vector(pd.Series(weights[stand])) for stand in stands])
    assets = pd.Index(universe.assets, name="asset_id")
    frames = []
    for one in listed:
        parts = pd.DataFrame((held * one.vector(universe)).T, index=assets, columns=stands)
        frames.append(parts if by_asset else parts.sum().to_frame().T)
    if not frames:
        raise ViewError("no shock is given", code="EMPTY", field="shocks", mend="give at least one")
    total = pd.concat(frames, keys=[one.name for one in listed], names=["shock"])
    total = total if by_asset else total.droplevel(1)
    return total.assign(**{f"{stand}_money": total[stand] * worth for stand in stands})


def list_shocks(shocks: Shock | Sequence[Shock]) -> tuple[Shock, ...]:
    """Return one shock or several as a tuple; raise ``ViewError`` where two have one name."""
    listed = (shocks,) if isinstance(shocks, Shock) else tuple(shocks)
    names = [s.name for s in listed]
    if len(set(names)) < len(names):
        raise ViewError(
            "two shocks have one name", code="DUPLICATE_SHOCK", field="name", value=names, mend="give each its own"
        )
    return listed


def shake(market: Market, shock: Shock) -> Market:
    """Return the market after a shock: prices moved, risk changed; the price of the cash is 1 whatever is said of it.

    Raises
    ------
    MarketError
        An unknown name, or an asset that loses everything: it has no price to trade at.
    """
    moves = shock.vector(market.universe)
    moves[market.universe.cash] = 0.0
    gone = np.flatnonzero(moves <= -1.0)
    if len(gone):
        asset = market.universe.assets[int(gone[0])]
        raise MarketError(
            f"shock {shock.name!r}: {asset!r} loses everything, so there is no market in it", code="NO_PRICE",
            field="moves", value=asset, mend="say what it would lose at most, above -100%",
        )  # fmt: skip
    return replace(market, prices=market.prices * (1.0 + moves), risk=shock.risk(market.risk, market.universe))


@dataclass(frozen=True, eq=False)
class Aftermath:
    """What would be proposed before a shock and after it.

    Parameters
    ----------
    figures
        A row ``as it is``, and a row a shock: move (what standing still earns, decimal of NAV before), nav (money
        after), outcome, turnover, cost (decimal of NAV), tracking_error, expected_gain, utility, reason.
    weights
        The targets: the same rows, a column an asset.
    proposals
        By row.
    """

    figures: pd.DataFrame
    weights: pd.DataFrame
    proposals: Mapping[str, Proposal]

    def to_frame(self) -> pd.DataFrame:
        """Return figures and weights side by side."""
        return self.figures.join(self.weights)

    def _repr_html_(self) -> str:
        return self.figures.to_html(float_format=lambda x: f"{x:.6g}")


AS_IT_IS = "as it is"


def ask_after(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    shocks: Shock | Sequence[Shock],
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Aftermath:
    """Ask the same question in the market after each shock: the same holdings, views and mandate.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`, triggers included.
    shocks
        One or several. What assets did counts for weights; views still say what they said.

    Raises
    ------
    InputError
        As :func:`trimtab.optimizer.rebalance`, and for a shock that cannot be.
    """
    on, listed = day(on), list_shocks(shocks)
    worlds = {AS_IT_IS: market.dated(on)} | {one.name: shake(market.dated(on), one) for one in listed}
    rows, weights, proposals = {}, {}, {}
    assets, before = list(market.universe.assets), None
    for name, world in worlds.items():
        found = rebalance(account, policy, world, views, on, overlay=overlay, trail=trail)
        if found.weights is None:
            raise ViewError(
                f"there are no weights to shock: {found.reason}", code="NO_WEIGHTS", field="account", value=account.id
            )
        before = found.nav if before is None else before
        rows[name] = {
            "move": found.nav / before - 1.0,
            "nav": found.nav,
            "outcome": found.outcome.name,
            "turnover": found.turnover,
            "cost": found.cost / found.nav,
            "tracking_error": found.tracking_error,
            "expected_gain": found.expected_gain,
            "utility": found.utility,
            "reason": found.reason,
        }
        weights[name], proposals[name] = found.weights["target"].to_numpy(), found
    index = pd.Index(list(rows), name="shock")
    return Aftermath(
        pd.DataFrame(list(rows.values()), index), pd.DataFrame(list(weights.values()), index, assets),
        FrozenMap(proposals),
    )  # fmt: skip
