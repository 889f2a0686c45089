"""Strategic models and the accounts that follow them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import AccountError, PolicyError
from ..units import Each, FrozenMap, did_you_mean
from .breaches import Breach
from .cohorts import is_everyone
from .histories import PastTrade
from .markets import Market
from .positions import TacticalPosition
from .schedules import PhasedTrade
from .universes import Universe

Rule = Literal["no_buy", "no_sell", "no_hold", "frozen"]
AVERSIONS = (1e-3, 1e4)
"""Between which a risk aversion means anything."""
RULES: tuple[Rule, ...] = ("no_buy", "no_sell", "no_hold", "frozen")


@dataclass(frozen=True)
class Model:
    """A strategic portfolio: where an account stands when the desk has no opinion.

    Parameters
    ----------
    id
        Text.
    weights
        Decimal by asset id; they sum to 1 within 1e-6.
    risk_aversion
        The gamma of the objective, per unit of annual variance.

    Raises
    ------
    PolicyError
        Weights that are not finite or do not sum to 1 (percents, say), an aversion that is not positive.
    """

    id: str
    weights: Mapping[str, float]
    risk_aversion: float

    def __post_init__(self) -> None:
        """Check and freeze."""
        weights = {str(a): float(w) for a, w in dict(self.weights).items()}
        finite = all(math.isfinite(w) for w in weights.values())
        total = math.fsum(weights.values()) if finite else math.nan
        if not abs(total - 1.0) <= 1e-6:
            raise PolicyError(
                f"the strategic weights of model {self.id!r} sum to {total:.10g}",
                code="WEIGHTS_SUM",
                table="strategic",
                field="weight",
                value=total,
                mend="decimals that sum to 1",
            )
        if not AVERSIONS[0] <= self.risk_aversion <= AVERSIONS[1]:
            raise PolicyError(
                f"the risk aversion {self.risk_aversion} is not between 0.001 and 10000",
                code="BAD_AVERSION",
                table="policy",
                field="risk_aversion",
                value=self.risk_aversion,
                mend="2 to 20 is usual",
            )
        object.__setattr__(self, "weights", FrozenMap({a: w / total for a, w in weights.items()}))

    def vector(self, universe: Universe) -> np.ndarray:
        """Return the strategic weights in the universe's order."""
        return universe.vector(self.weights)


@dataclass(frozen=True)
class Account:
    """What one account is, holds and asks.

    Parameters
    ----------
    id, model
        Text ids.
    quantities
        Units held by asset id; the cash in money.
    cash_flow
        Money coming (positive) or asked for (negative) with this rebalance, not yet in ``quantities``.
    orders
        Open orders, signed units by asset id: they count as held and their cash as spent, and the asset is frozen.
    restrictions
        ``(asset, rule)`` pairs; rule is no_buy, no_sell, no_hold or frozen.
    overrides
        Numbers by the name of a limit, or ``risk_aversion``; they may only tighten.
    status
        ``"active"``, or ``"blocked"`` or ``"closed"``: then nothing is done.
    allowances
        The most of an asset that may be sold and bought, decimals of NAV by asset id: this account's part of what the
        desk as a whole may trade.
    last_rebalance
        The last day it traded; None where nobody knows.
    last_views
        The :attr:`~trimtab.models.tilts.Tilt.sign` of the views of its last decision; empty where nobody knows.
    positions
        Open tactical positions, for time limits: what the last proposal said of them.
    history
        What was traded before, for yearly turnover, cooldowns and holding periods.
    phases
        The schedule it is in, where the policy has phases: what the last proposal said of it.
    breaches
        Grandfathered limits it stands outside of: what the last proposal said of them.
    nav
        What its keeper says it is worth, before the cash flow; None where nobody says.
    """

    id: str
    model: str
    quantities: Mapping[str, float]
    cash_flow: float = 0.0
    orders: Mapping[str, float] = field(default_factory=FrozenMap)
    restrictions: tuple[tuple[str, Rule], ...] = ()
    overrides: Mapping[str, float] = field(default_factory=FrozenMap)
    status: Literal["active", "blocked", "closed"] = "active"
    allowances: Mapping[str, tuple[float, float]] = field(default_factory=FrozenMap)
    last_rebalance: dt.date | None = None
    last_views: str = ""
    positions: tuple[TacticalPosition, ...] = ()
    history: tuple[PastTrade, ...] = ()
    phases: tuple[PhasedTrade, ...] = ()
    breaches: tuple[Breach, ...] = ()
    nav: float | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing in the account, and nothing coming."""
        return not (self.cash_flow or any(self.quantities.values()) or any(self.orders.values()))

    def __post_init__(self) -> None:
        """Freeze the tables."""
        for name in ("quantities", "orders", "overrides", "allowances"):
            object.__setattr__(self, name, FrozenMap(getattr(self, name)))
        object.__setattr__(self, "restrictions", tuple((str(a), r) for a, r in self.restrictions))
        object.__setattr__(self, "positions", tuple(self.positions))
        object.__setattr__(self, "history", tuple(self.history))
        object.__setattr__(self, "breaches", tuple(self.breaches))
        object.__setattr__(self, "phases", tuple(self.phases))

    @classmethod
    def from_weights(
        cls,
        name: str,
        model: str,
        weights: Mapping[str, float] | pd.Series,
        nav: float,
        market: Market,
        cash_flow: float = 0.0,
    ) -> Account:
        """Make an account that holds these weights of ``nav`` before the cash flow."""
        vector = market.universe.vector(weights)
        if not abs(vector.sum() - 1.0) <= 1e-6:
            raise AccountError(
                f"the weights of account {name!r} sum to {vector.sum():.10g}",
                code="WEIGHTS_SUM",
                table="holdings",
                field="weight",
                value=vector.sum(),
                mend="decimals that sum to 1",
            )
        units = np.divide(vector * nav, market.prices, out=np.zeros_like(vector), where=vector != 0)
        return cls(name, model, {a: q for a, q in zip(market.universe.assets, units, strict=True) if q}, cash_flow)


@dataclass(frozen=True, eq=False)
class Standing:
    """Where an account stands in a market: the numbers every limit and program starts from.

    ``nav`` is after the cash flow; ``weights`` are decimals of it and sum to 1; ``inflow`` and ``outflow`` are decimals
    of it, one of them zero; ``held_by_orders`` marks assets with an open order. Shapes (...) and (..., n): one account,
    or many along a leading axis.
    """

    nav: Each
    quantities: np.ndarray
    weights: np.ndarray
    inflow: Each
    outflow: Each
    held_by_orders: np.ndarray
    on: dt.date | None = None

    def pick(self, which: np.ndarray) -> Standing:
        """Return some of many accounts: positions or a mask."""
        if is_everyone(which, len(self.weights)):
            return self
        own = ("nav", "quantities", "weights", "inflow", "outflow", "held_by_orders")
        return replace(self, **{name: getattr(self, name)[which] for name in own})


def appraise(account: Account, market: Market) -> Standing:
    """Value an account: quantities times prices, open orders as done, the cash flow as come.

    Raises
    ------
    AccountError
        Unknown asset, a quantity or cash flow that is not finite or absurdly large, no price for a held asset, a net
        asset value that is zero or below, a withdrawal beyond what is there.
    """
    universe, cash = market.universe, market.universe.cash
    units = _units(account.quantities, universe, "holdings")
    ordered = _units(account.orders, universe, "orders")
    held = units + ordered
    flow = _number(account.cash_flow)
    if not np.isfinite(flow):
        raise AccountError(
            "the cash flow is not a number",
            code="BAD_CASH_FLOW",
            table="accounts",
            field="cash_flow",
            value=account.cash_flow,
            mend="money, 0 for none",
        )
    unpriced = (held != 0) & ~np.isfinite(market.prices)
    if unpriced.any():
        asset = universe.assets[int(np.argmax(unpriced))]
        raise AccountError(
            f"{asset!r} is held but has no usable price",
            code="NO_PRICE",
            table="assets",
            field="price",
            value=asset,
            mend="give the asset a positive price",
        )
    standing = weigh(units, ordered, np.float64(flow), market)
    nav = float(standing.nav)
    if not (nav or held.any()):  # 100 % of nothing, in cash: such an account is held, not refused
        return Standing(0.0, held, (np.arange(len(universe)) == cash).astype(float), 0.0, 0.0, held != 0, market.on)
    if flow < 0 < nav - flow and not nav > 0:
        raise AccountError(
            f"the withdrawal of {-flow:,.2f} leaves nothing of {nav - flow:,.2f}",
            code="BAD_CASH_FLOW",
            table="accounts",
            field="cash_flow",
            value=account.cash_flow,
            mend="withdraw less, or close the account",
        )
    if not nav > 0:
        raise AccountError(
            f"the net asset value is {nav:.2f}",
            code="BAD_NAV",
            table="holdings",
            field="quantity",
            value=nav,
            mend="check quantities, prices and the cash flow",
        )
    if account.nav is not None and differs(account.nav, nav - flow):
        raise AccountError(
            f"its keeper says it is worth {account.nav:,.2f}, quantities times prices make {nav - flow:,.2f}",
            code="NAV_DIFFERS",
            table="accounts",
            field="nav",
            value=account.nav,
            mend="find the missing position, price or split; they may differ by 1 bp",
        )
    return replace(standing, nav=nav, inflow=float(standing.inflow), outflow=float(standing.outflow))


def weigh(units: np.ndarray, ordered: np.ndarray, flow: Each, market: Market) -> Standing:
    """Turn units into weights, shapes (..., n) and (...): open orders as done, the cash flow as come.

    Weights are no numbers where the net asset value is zero; nothing is checked.
    """
    cash = market.universe.cash
    prices = np.where(np.isfinite(market.prices), market.prices, 0.0)
    held = units + ordered
    held[..., cash] += ordered[..., cash] - (ordered * prices).sum(-1)
    values = held * prices
    values[..., cash] += flow
    nav = values.sum(-1)
    held[..., cash] += flow
    with np.errstate(divide="ignore", invalid="ignore"):
        weights, inflow, outflow = values / nav[..., None], np.maximum(flow, 0.0) / nav, np.maximum(-flow, 0.0) / nav
    return Standing(nav, held, weights, inflow, outflow, ordered != 0, market.on)


def differs(said: Each, found: Each) -> Each:
    """Say whether two net asset values are more than 1 bp apart; what is no number differs from every one."""
    return ~(np.abs(np.asarray(said) - found) <= 1e-4 * np.abs(found))


def _units(quantities: Mapping[str, float], universe: Universe, table: str) -> np.ndarray:
    units = np.zeros(len(universe))
    for asset, quantity in quantities.items():
        if asset not in universe.positions:
            raise AccountError(
                f"{asset!r} is not in the assets table",
                code="UNKNOWN_ASSET",
                table=table,
                field="asset_id",
                value=asset,
                mend=did_you_mean(asset, universe.assets) or "add it to the assets table",
            )
        number = _number(quantity)
        if not abs(number) < 1e15:  # also refuses NaN; beyond 2^50 a unit is no longer exact
            raise AccountError(
                f"the quantity of {asset!r} is {quantity}",
                code="BAD_QUANTITY",
                table=table,
                field="quantity",
                value=quantity,
                mend="a finite number of units",
            )
        units[universe.positions[asset]] = number
    return units


def _number(value: object) -> float:
    """Return a number as a float, and NaN for what is none: the caller knows which field it stands in."""
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else np.nan
