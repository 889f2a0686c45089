"""From target weights to orders: sides, quantities, money, ids, reasons."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .problems import Case


@dataclass(frozen=True)
class Trade:
    """One order: quantity and value are positive, ``weight`` is signed, ``cost`` is money without the ticket fee."""

    trade_id: str
    asset: str
    side: str
    quantity: float
    value: float
    weight: float
    cost: float
    reason: str


def turnover(case: Case, weights: np.ndarray) -> float:
    """Return one-way turnover ``max(buys - inflow, sells - outflow)`` over non-cash assets, at least 0."""
    z = np.delete(weights - case.program.current, case.program.cash)
    return float(
        max(np.maximum(z, 0).sum() - case.standing.inflow, np.maximum(-z, 0).sum() - case.standing.outflow, 0.0)
    )


def list_trades(case: Case, target: np.ndarray, lots: np.ndarray) -> Iterator[Trade]:
    """Yield one trade for each asset whose target is not its current weight, the cash apart.

    ``lots`` are the units an asset trades in, 0 where fractional.
    """
    market, nav, on = case.context.market, float(case.standing.nav), case.context.market.on
    z = target - case.program.current
    for i, asset in enumerate(market.universe.assets):
        if i == case.program.cash or z[i] == 0.0:
            continue
        value = abs(z[i]) * nav
        cost = market.costs.proportional[i] * value + case.program.impact[i] * case.horizon * abs(z[i]) ** 1.5 * nav
        side = "buy" if z[i] > 0 else "sell"
        quantity = _whole(value / market.prices[i], lots[i])
        yield Trade(
            _trade_id(case.account.id, asset, side, quantity, on),
            asset,
            side,
            quantity,
            value,
            float(z[i]),
            float(cost),
            _reason(case, i, float(z[i])),
        )


def _whole(quantity: float, lot: float) -> float:
    """Return the quantity without the last bits that weights leave on a whole number of lots."""
    lots = round(quantity / lot) if lot else 0
    return lots * lot if lot and abs(quantity - lots * lot) < 1e-6 * lot else quantity


def _trade_id(account: str, asset: str, side: str, quantity: float, on: dt.date | None) -> str:
    """Name a trade by the decision alone, so that a retry cannot double an order.

    Six digits of the quantity: another release of Python or numpy may give other last bits, not another decision.
    """
    text = json.dumps([account, asset, side, f"{quantity:.6g}", str(on)])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _reason(case: Case, i: int, z: float) -> str:
    """Say what pulls this trade most: back to strategic, the shift, or a view by what it alone would move."""
    drift = case.context.strategic[i] - case.program.current[i]
    shift = float(np.broadcast_to(case.belief.target, case.program.current.shape)[i])
    pulls = {"back to strategic": drift, "strategic shift": shift}
    # Without limits and costs view k moves lambda_k p_k / gamma: its own legs and nothing else.
    views = zip(case.belief.views, case.belief.lambdas, case.belief.legs, strict=False)
    pulls |= {f"view {v}": size * legs[i] / case.program.gamma for v, size, legs in views}
    best = max(pulls, key=lambda k: pulls[k] * np.sign(z))
    return best if pulls[best] * z > 0 else "makes room for the other trades"
