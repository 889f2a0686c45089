"""The accounts of a made-up book, a block at a time, as plain columns of numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .universes import Ground

BLOCK = 5_000
"""Accounts drawn at once, each block from a seed of its own: another number makes other books."""
OVERRIDES = ("risk_aversion", "turnover")


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one table for the accounts of a block.

    Parameters
    ----------
    owners
        Whose each row is: the position of the account in its block, ascending.
    columns
        By name, in the order of the table.
    """

    owners: np.ndarray
    columns: Mapping[str, np.ndarray]

    def between(self, first: int, last: int) -> Rows:
        """Return the rows of the accounts ``first <= position < last``."""
        cut = slice(*np.searchsorted(self.owners, [first, last]))
        return Rows(self.owners[cut], {name: values[cut] for name, values in self.columns.items()})


def draw(ground: Ground, block: int, seed: int, overrides: bool) -> dict[str, Rows]:
    """Draw a block of accounts: accounts, holdings, restrictions and orders."""
    rng = np.random.default_rng([seed, block])
    ids = np.array([f"{block * BLOCK + i + 1:07d}" for i in range(BLOCK)], dtype=object)
    model = rng.choice(len(ground.models), BLOCK, p=ground.shares)
    values = _values(rng, ground)
    units = _units(rng, ground, ground.strategic[model], values)
    held = units != 0
    owners, positions = np.nonzero(held)
    assets = np.array(ground.assets, dtype=object)
    tables = {
        "accounts": _accounts(rng, ids, np.array(ground.models, dtype=object)[model], values, overrides),
        "holdings": Rows(owners, {"account_id": ids[owners], "asset_id": assets[positions], "quantity": units[held]}),
        "restrictions": _restrictions(rng, ids, assets[:-1]),
        "orders": _orders(rng, ids, ground, values, units),
    }
    return tables


def _values(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """Draw net asset values, lognormal between the least and the most, the ends three deviations away."""
    low, high = np.log(ground.least), np.log(ground.most)
    return np.exp(np.clip(rng.normal((low + high) / 2, (high - low) / 6, BLOCK), low, high)).round(2)


def _units(rng: np.random.Generator, ground: Ground, strategic: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Draw what is held: strategic weights at some past month, grown since, and a difference of the account's own."""
    since = rng.integers(len(ground.growth), size=BLOCK)
    weights = strategic * ground.growth[since] * np.exp(rng.normal(0, ground.noise, strategic.shape))
    weights /= weights.sum(axis=1, keepdims=True)
    wanted = weights * values[:, None] / ground.prices
    lots = np.where(ground.lots > 0, ground.lots, 1.0)
    units = np.where(ground.lots > 0, np.rint(wanted / lots) * lots, wanted.round(4))
    units[:, -1] = (values - np.einsum("an,n->a", units[:, :-1], ground.prices[:-1])).round(2)
    return units


def _accounts(
    rng: np.random.Generator, ids: np.ndarray, models: np.ndarray, values: np.ndarray, overrides: bool
) -> Rows:
    flowing, closed = rng.random(BLOCK) < 0.03, rng.random(BLOCK)
    flows = np.where(flowing, (values * rng.uniform(-0.05, 0.06, BLOCK)).round(-2), 0.0)
    status = np.select([closed < 0.005, closed < 0.006], ["blocked", "closed"], "active").astype(object)
    columns = {"account_id": ids, "model_id": models, "cash_flow": flows, "status": status}
    # Drawn whether written or not: a book with overrides holds the same accounts as one without.
    aversion = np.where(rng.random(BLOCK) < 0.03, rng.choice([4.0, 5.0, 8.0, 10.0], BLOCK), np.nan)
    turnover = np.where(rng.random(BLOCK) < 0.03, rng.choice([0.07, 0.08, 0.09], BLOCK), np.nan)
    if overrides:
        columns |= dict(zip(OVERRIDES, (aversion, turnover), strict=True))
    return Rows(np.arange(BLOCK), columns)


def _restrictions(rng: np.random.Generator, ids: np.ndarray, assets: np.ndarray) -> Rows:
    owners = np.flatnonzero(rng.random(BLOCK) < 0.02)
    rules = np.array(["no_buy", "no_sell", "frozen"], dtype=object)
    return Rows(
        owners,
        {
            "account_id": ids[owners],
            "asset_id": rng.choice(assets, len(owners)),
            "rule": rng.choice(rules, len(owners), p=[0.6, 0.2, 0.2]),
        },
    )


def _orders(rng: np.random.Generator, ids: np.ndarray, ground: Ground, values: np.ndarray, units: np.ndarray) -> Rows:
    """Draw orders of about 0.3 % of an account, seven of ten still open; nobody sells what is not there."""
    owners = np.flatnonzero(rng.random(BLOCK) < 0.01)
    of = rng.integers(len(ground.assets) - 1, size=len(owners))
    size = 0.003 * values[owners] / ground.prices[of]
    size = np.where(ground.lots[of] > 0, np.maximum(np.rint(size), 1.0), size.round(4))
    sells = (rng.random(len(owners)) < 0.5) & (units[owners, of] >= size)
    states = np.where(rng.random(len(owners)) < 0.7, "open", "filled").astype(object)
    return Rows(
        owners,
        {
            "account_id": ids[owners],
            "asset_id": np.array(ground.assets, dtype=object)[of],
            "quantity": np.where(sells, -size, size),
            "status": states,
            "trade_id": np.array([f"T{i}" for i in ids[owners]], dtype=object),
        },
    )
