"""What one sealed run says of its accounts: where they stood, what they aimed at, who that came from, what it cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.stores import table_folder
from ..errors import RunError
from ..units import FrozenMap
from .chains import Origin

OWN = "own risk aversion"
"""The part of an account's tactical target that an aversion of its own makes."""
_SAME = 1e-7
_DECIDED = ("OPTIMAL", "RELAXED")


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one run says of m accounts: arrays (m, n) by stage, (m,) for the rest."""

    on: dt.date
    weights: Mapping[str, np.ndarray]
    decided: np.ndarray
    nav: np.ndarray
    costs: np.ndarray
    beliefs: Mapping[str, np.ndarray]
    regime: str
    origins: Mapping[str, Origin]
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=FrozenMap)


def read_sheet(on: dt.date, folder: Path, ids: list[str], assets: list[str], fills: pd.DataFrame | None) -> Sheet:
    """Read what a run of a day says of some accounts and assets; NaN of what it refused or does not know."""
    targets = read_rows(folder, "targets", None, ids)
    if set(targets["asset_id"]) - set(assets):
        strange = sorted(set(targets["asset_id"]) - set(assets))[0]
        raise RunError(f"{folder} holds {strange!r}, which the first run does not know: attribute the two apart")
    wide = lambda name: (  # noqa: E731
        targets.pivot_table(index="account_id", columns="asset_id", values=name).reindex(ids, columns=assets).to_numpy()
    )
    weights = {name: wide(name) for name in ("current", "strategic", "tactical", "ideal", "target")}
    table = read_rows(folder, "accounts", None, ids).set_index("account_id").reindex(ids)
    outcome, nav = table["outcome"].to_numpy(), table["nav"].to_numpy(dtype=float)
    decided = np.isin(outcome.astype(str), _DECIDED)
    nav = np.where(np.isfinite(weights["current"]).all(1), nav, np.nan)
    decided &= np.isfinite(nav)
    # Without a tactical target nothing is believed; what is aimed at is then all held back from there.
    weights["tactical"] = np.where(np.isnan(weights["tactical"]), weights["strategic"], weights["tactical"])
    weights["phased"] = weights["ideal"]
    weights["ideal"] = weights["ideal"] + _left(read_rows(folder, "phases", None, ids), ids, assets)
    weights["filled"] = weights["target"] if fills is None else _filled(fills, on, ids, assets, weights)
    beliefs = _beliefs(folder, table["model_id"].astype(str).to_numpy(), ids, assets, weights)
    costs = _costs(folder, ids, assets, table["cost"].to_numpy(dtype=float), nav)
    regime, shares = read_said(folder)
    shares = {f"view {opinion}": own for opinion, own in shares.items()}
    return Sheet(on, weights, decided, nav, costs, beliefs, regime, _origins(folder), shares)


def _left(phases: pd.DataFrame, ids: list[str], assets: list[str]) -> np.ndarray:
    """Return what schedules have still to do, shape (m, n); the cash pays for it, so each row sums to zero."""
    if not len(phases):
        return np.zeros((len(ids), len(assets)))
    phases = phases.loc[~phases["status"].isin(["finished", "cancelled"])].assign(left=lambda p: p["gap"] - p["done"])
    wide = phases.pivot_table(index="account_id", columns="asset_id", values="left", aggfunc="sum")
    left = wide.reindex(ids, columns=assets).fillna(0.0).to_numpy(copy=True)
    left[:, -1] -= left.sum(1)
    return left


def _filled(
    fills: pd.DataFrame, on: dt.date, ids: list[str], assets: list[str], weights: Mapping[str, np.ndarray]
) -> np.ndarray:
    own = fills.loc[pd.to_datetime(fills["on"]).dt.date == on]
    wide = own.pivot_table(index="account_id", columns="asset_id", values="weight", aggfunc="sum")
    moved = wide.reindex(ids, columns=assets).fillna(0.0).to_numpy(copy=True)
    moved[:, -1] -= moved.sum(1)
    return weights["current"] + moved


def _beliefs(
    folder: Path, models: np.ndarray, ids: list[str], assets: list[str], weights: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the parts of t - b of every account; tactical targets are made exactly what the parts sum to."""
    path = folder / "beliefs.parquet"
    table = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=["model_id", "part", "asset_id", "weight"])
    found: dict[str, np.ndarray] = {}
    for (model, part), own in dict(list(table.groupby(["model_id", "part"], sort=False))).items():  # pyright: ignore
        row = own.set_index("asset_id")["weight"].reindex(assets).fillna(0.0).to_numpy(dtype=float)
        name = str(part)
        found[name] = found.get(name, np.zeros((len(ids), len(assets)))) + np.outer(models == str(model), row)
    if not found:
        return {}
    rest = weights["tactical"] - weights["strategic"] - sum(found.values())
    rest = np.where(np.abs(rest) < _SAME, 0.0, rest)
    if (np.nan_to_num(rest) != 0.0).any():
        found[OWN] = np.nan_to_num(rest)
    weights["tactical"] = weights["strategic"] + sum(found.values())
    return found


def _costs(folder: Path, ids: list[str], assets: list[str], cost: np.ndarray, nav: np.ndarray) -> np.ndarray:
    """Return what trading cost by asset, decimals of NAV; fees stand with the last asset, the cash."""
    trades = read_rows(folder, "trades", ["account_id", "asset_id", "cost"], ids)
    found = np.zeros((len(ids), len(assets)))
    if len(trades):
        wide = trades.pivot_table(index="account_id", columns="asset_id", values="cost", aggfunc="sum")
        found = wide.reindex(ids, columns=assets).fillna(0.0).to_numpy(copy=True)
    found[:, -1] += np.nan_to_num(cost) - found.sum(1)
    return np.nan_to_num(found / nav[:, None])


def read_said(folder: Path) -> tuple[str, Mapping[str, Mapping[str, float]]]:
    """Return the regime of a run, empty where it read none, and by opinion what part of its view each signal is."""
    said = pd.read_parquet(folder / "signals.parquet", columns=["section", "name", "about", "state", "value", "raw"])
    now = said.loc[(said["section"] == "regime") & (said["raw"] == 1.0), "state"]
    shares: dict[str, dict[str, float]] = {}
    rows = said.loc[said["section"] == "share", ["about", "name", "value"]]
    for opinion, signal, share in rows.itertuples(index=False, name=None):
        shares.setdefault(str(opinion), {})[str(signal)] = float(share)
    return str(now.iloc[0]) if len(now) else "", shares


def _origins(folder: Path) -> Mapping[str, Origin]:
    """Return who each belief of a run comes from."""
    views = pd.read_parquet(folder / "views.parquet", columns=["view_id", "author"]).fillna("")
    found = {f"view {name}": Origin("view", str(author)) for name, author in views.itertuples(index=False, name=None)}
    tilts = pd.read_parquet(folder / "tilts.parquet", columns=["by", "tilt_id", "author"]).fillna("")
    for by, name, author in tilts.drop_duplicates().itertuples(index=False, name=None):
        found[f"{by}: {name}"] = Origin(str(by), str(author))
    return found


def read_rows(folder: Path, name: str, columns: list[str] | None, ids: list[str] | None = None) -> pd.DataFrame:
    """Return a table of a run: all its rows, or those of some accounts."""
    some = None if ids is None else [("account_id", "in", ids)]
    return pd.read_parquet(table_folder(folder, name), columns=columns, filters=some)
