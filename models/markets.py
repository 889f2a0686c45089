"""One day's market: the universe with its risk, costs, prices and cash rate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..errors import MarketError
from ..units import FrozenArrays, frozen
from .costs import Costs
from .risks import Risk
from .universes import Universe

Labelled = float | Mapping[str, float] | pd.Series
"""One number for all assets, or one by label."""


@dataclass(frozen=True, eq=False)
class Market(FrozenArrays):
    """Universe, risk, costs, prices and cash rate on one day.

    Parameters
    ----------
    universe, risk, costs
        In one order.
    prices
        Shape (n,): money a unit, the cash 1. NaN where an asset has no price: it is frozen, and an account that holds
        it is quarantined.
    on
        The day, or None where it does not matter.
    cash_rate
        Annual decimal.
    lots
        Shape (n,): the smallest number of units that trades, 0 for fractional.
    tradable
        Shape (n,): False freezes an asset for every account.

    Raises
    ------
    MarketError
        Numbers of another length, a price that is not positive, a cash price that is not 1.
    """

    universe: Universe
    risk: Risk
    costs: Costs
    prices: np.ndarray
    on: dt.date | None = None
    cash_rate: float = 0.0
    lots: np.ndarray = field(default_factory=lambda: frozen(0.0))
    tradable: np.ndarray = field(default_factory=lambda: np.array(True))

    def __post_init__(self) -> None:
        """Align lengths and check the prices."""
        n = len(self.universe)
        if len(self.risk.specific) != n:
            raise MarketError(
                "the risk has another number of assets than the universe", code="LENGTH", table="covariance"
            )
        prices, cash = np.array(np.broadcast_to(np.asarray(self.prices, float), (n,))), self.universe.cash
        if np.isnan(prices[cash]):
            prices[cash] = 1.0
        for wrong, words in ((prices <= 0, "is not positive"), (np.isinf(prices), "is infinite")):
            if wrong.any():
                asset = self.universe.assets[int(np.argmax(wrong))]
                raise MarketError(
                    f"the price of {asset!r} {words}",
                    code="BAD_PRICE",
                    table="assets",
                    field="price",
                    value=asset,
                    mend="a positive number, or empty where there is none",
                )
        if prices[cash] != 1.0:
            raise MarketError(
                "the price of the cash is not 1",
                code="BAD_PRICE",
                table="assets",
                field="price",
                value=prices[cash],
                mend="hold cash in units of money",
            )
        lots = np.array(np.broadcast_to(np.asarray(self.lots, float), (n,)))
        if not (np.isfinite(lots) & (lots >= 0)).all():
            raise MarketError(
                "a lot size is negative or not a number", code="BAD_LOT", table="assets", field="lot_size"
            )
        kappa = np.array(np.broadcast_to(self.costs.proportional, (n,)))
        kappa[cash], lots[cash] = 0.0, 0.0
        adv = np.array(np.broadcast_to(self.costs.adv, (n,)))
        adv[cash] = np.inf
        tradable = np.array(np.broadcast_to(np.asarray(self.tradable, bool), (n,))) & np.isfinite(prices)
        tradable[cash] = True
        tradable.setflags(write=False)
        for name, value in (
            ("prices", frozen(prices)),
            ("lots", frozen(lots)),
            ("tradable", tradable),
            ("costs", Costs(kappa, self.costs.ticket_fee, self.costs.impact, adv)),
        ):
            object.__setattr__(self, name, value)
        if not (np.isfinite(self.cash_rate) and -0.5 < self.cash_rate < 2.0):
            raise MarketError(
                "the cash rate is not an annual decimal", code="BAD_RATE", field="cash_rate", value=self.cash_rate
            )

    def dated(self, on: dt.date) -> Market:
        """Return the market as of a day; raise ``MarketError`` where it is of a later one: nobody knew it then."""
        if self.on is None:
            return replace(self, on=on)
        if self.on > on:
            raise MarketError(
                f"the market is of {self.on}, after {on}",
                code="LOOK_AHEAD",
                table="assets",
                field="price",
                value=self.on,
                mend="use what was known on the day",
            )
        return self

    @classmethod
    def from_frames(
        cls,
        assets: pd.DataFrame,
        covariance: pd.DataFrame,
        *,
        costs: Labelled = 0.0,
        prices: Labelled = 1.0,
        lots: Labelled = 0.0,
        adv: Labelled = np.inf,
        ticket_fee: float = 0.0,
        impact: float = 0.0,
        cash_rate: float = 0.0,
        on: dt.date | None = None,
    ) -> Market:
        """Make a market from labelled frames: ``assets`` indexed by id with ``asset_class`` and any text groupings.

        ``costs`` (one-way decimals), ``prices`` (money), ``lots`` (units) and ``adv`` (money a day) are by label, one
        for each asset but the cash, or one number for all.
        """
        groupings = {
            c: tuple(assets[c].fillna("").astype(str))
            for c in assets.columns
            if c not in ("asset_class", "name", "price") and not pd.api.types.is_numeric_dtype(assets[c])
        }
        universe = Universe(tuple(str(a) for a in assets.index), tuple(assets["asset_class"]), groupings)
        price = _by_label(prices, universe, "price")
        price[universe.cash] = 1.0
        return cls(
            universe,
            Risk.from_covariance(covariance, universe),
            Costs(_by_label(costs, universe, "cost_bps"), ticket_fee, impact, _by_label(adv, universe, "adv")),
            price,
            on=on,
            cash_rate=cash_rate,
            lots=_by_label(lots, universe, "lot_size"),
        )


def _by_label(values: Labelled, universe: Universe, field: str) -> np.ndarray:
    """Return one number an asset; a label that is missing is no zero."""
    if not isinstance(values, (Mapping, pd.Series)):
        return np.full(len(universe), float(values))
    known = universe.vector(values, field)
    for asset in universe.assets:
        if asset not in values and asset != universe.assets[universe.cash]:
            raise MarketError(
                f"asset {asset!r} has no {field}",
                code="MISSING_LABEL",
                table="assets",
                field=field,
                value=asset,
                mend="one number an asset, or one for all",
            )
    if field == "adv":
        known[universe.cash] = np.inf
    return known
