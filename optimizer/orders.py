"""From target weights to orders: sides, quantities, money, ids, reasons."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.causes import label, list_shifts
from .origins import moves_of_risk
from .problems import Case, Cases


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


def turnover(case: Case | Cases, weights: np.ndarray) -> np.ndarray:
    """Return one-way turnover ``max(buys - inflow, sells - outflow)`` over non-cash assets, at least 0, shape (...)."""
    z = weigh_trades(case, weights)
    buys = np.maximum(z, 0.0).sum(-1) - case.standing.inflow
    return np.maximum(np.maximum(buys, np.maximum(-z, 0.0).sum(-1) - case.standing.outflow), 0.0)


def weigh_trades(case: Case | Cases, weights: np.ndarray) -> np.ndarray:
    """Return the signed weight traded of each asset, shape (..., n); the cash only takes the rest."""
    z = weights - case.program.current
    z[..., case.program.cash] = 0.0
    return z


@dataclass(frozen=True, eq=False)
class Orders:
    """What is traded, a row a trade: positions of account and asset, signed weight, units, money, its pull.

    ``pull`` indexes ``pulls``, the reasons there can be.
    """

    account: np.ndarray
    asset: np.ndarray
    weight: np.ndarray
    quantity: np.ndarray
    value: np.ndarray
    cost: np.ndarray
    pull: np.ndarray
    pulls: tuple[str, ...]


def price_orders(
    case: Cases, target: np.ndarray, lots: np.ndarray, reasons: tuple[np.ndarray, tuple[str, ...]] | None = None
) -> Orders:
    """Put the trades that reach target weights into units and money: an order for each asset that moves, cash apart.

    Parameters
    ----------
    target
        Shape (m, n).
    lots
        The units an asset trades in, 0 where fractional, shape (n,) or (m, n).
    reasons
        Those of :func:`.pulls.trade_reasons`; without them each trade is given what alone would pull it most.
    """
    program, market = case.program, case.context.market
    whole = weigh_trades(case, target)
    account, asset = np.nonzero(whole)
    z, size = whole[account, asset], np.abs(whole[account, asset])
    nav = case.standing.nav[account]
    value = size * nav
    lot = np.broadcast_to(lots, target.shape)[account, asset]
    impact = program.impact[account, asset] * case.horizon * size**1.5 * nav
    pull, pulls = _pulls(case, account, asset, z) if reasons is None else reasons
    return Orders(
        account,
        asset,
        z,
        _whole(value / market.prices[asset], lot),
        value,
        market.costs.proportional[asset] * value + impact,
        pull,
        pulls,
    )


def _pulls(case: Cases, account: np.ndarray, asset: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Say what pulls each trade most: back to strategic, a shift, or what a tilt of risk or a view alone would move."""
    program, belief = case.program, case.belief
    drift = (case.context.strategic - program.current)[account, asset]
    target = np.broadcast_to(belief.target, program.current.shape[-1:])
    shifts = list_shifts(belief.causes, target)
    # Without limits and costs view k moves lambda_k p_k / gamma: its own legs and nothing else.
    views = list(zip(belief.views, belief.lambdas, belief.legs, strict=False))
    gamma = program.gamma[account]
    if len(program.current) and (program.tilted or belief.aversion != 1.0):
        shifts += moves_of_risk(program.pick(0), belief, float(case.aversion[0]))
    leant = [size * legs[asset] / gamma for _, size, legs in views]
    strength = np.stack([drift, *(shift[asset] for _, shift in shifts), *leant]) * np.sign(z)
    best = np.argmax(strength, axis=0)
    said = label(belief.causes)
    pulls = (*(name for name, _ in shifts), *(f"view {v}" for v, _, _ in views))
    names = ("back to strategic", *(said.get(name, name) for name in pulls), _ROOM)
    return np.where(strength.max(axis=0) > 0, best, len(names) - 1), names


_ROOM = "makes room for the other trades"


def list_trades(
    case: Case, target: np.ndarray, lots: np.ndarray, reasons: tuple[np.ndarray, tuple[str, ...]] | None = None
) -> Iterator[Trade]:
    """Yield one trade for each asset whose target is not its current weight, the cash apart.

    ``lots`` are the units an asset trades in, 0 where fractional; ``reasons`` as in :func:`price_orders`.
    """
    orders, assets = price_orders(case.lift(), target[None], lots, reasons), case.context.market.universe.assets
    names = name_trades([case.account.id], assets, orders, case.context.market.on)
    numbers = (orders.quantity, orders.value, orders.weight, orders.cost)
    for name, i, pull, *sizes in zip(names, orders.asset, orders.pull, *numbers, strict=True):
        quantity, value, weight, cost = (float(x) for x in sizes)
        side = "buy" if weight > 0 else "sell"
        yield Trade(name, assets[i], side, quantity, value, weight, cost, orders.pulls[pull])


def _whole(quantity: np.ndarray, lot: np.ndarray) -> np.ndarray:
    """Return quantities without the last bits that weights leave on a whole number of lots."""
    unit = np.where(lot > 0, lot, 1.0)
    lots = np.round(quantity / unit)
    return np.where((lot > 0) & (np.abs(quantity - lots * unit) < 1e-6 * unit), lots * unit, quantity)


def name_trades(accounts: Sequence[str], assets: Sequence[str], orders: Orders, on: dt.date | None) -> list[str]:
    """Name each trade by the decision alone, so that a retry cannot double an order.

    Six digits of the quantity: another release of Python or numpy may give other last bits, not another decision.
    """
    heads = [f"[{json.dumps(account)}, " for account in accounts]
    middles = [f'{json.dumps(asset)}, "{side}", "' for asset in assets for side in ("sell", "buy")]
    which, tail = (2 * orders.asset + (orders.weight > 0)).tolist(), f'", "{on}"]'
    return [
        hashlib.sha256(f"{heads[i]}{middles[k]}{quantity:.6g}{tail}".encode()).hexdigest()[:24]
        for i, k, quantity in zip(orders.account.tolist(), which, orders.quantity.tolist(), strict=True)
    ]
