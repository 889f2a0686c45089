"""The tactical positions of a run and their way back, and how much of each limit is used."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.streams import stream
from ..constraints.deviations import Deviation
from ..constraints.policies import Policy
from ..constraints.time_limits import TimeLimit, list_time_limits
from ..constraints.tracking_errors import TrackingError
from ..constraints.turnovers import Turnover
from ..models.universes import Universe
from ..units import decimal

STEPS = 4
"""Into how many parts a way back is told."""
_ROOM = 1e-9


def deviation_limits(policy: Policy, universe: Universe) -> dict[str, float]:
    """Return how far each asset may lean from its strategic weight at most, where the policy says so."""
    found: dict[str, float] = {}
    for limit in policy.in_force:
        if isinstance(limit, Deviation):
            for asset in np.array(universe.assets)[universe.select(limit.on)].tolist():
                found[asset] = min(limit.loosest, found.get(asset, np.inf))
    return found


def calendar(run: str | Path, policy: Policy, universe: Universe, on: dt.date) -> pd.DataFrame:
    """Return the open tactical positions of a run as they stand on a day.

    Parameters
    ----------
    run
        Its folder.
    policy
        Whose time limits say how long a position lives; assets that none is on are left out.
    universe
        The assets.
    on
        The day.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``asset_id``, ``side``, ``state``, ``opened``, ``age_days``, ``life_left`` (below 0: over),
        ``reverts_from``, ``ends``, ``path`` (days and what is left of the allowed deviation then, 1 to 0),
        ``extended_until``, ``approval``; who ends first stands first.
    """
    limits = _by_asset(policy, universe)
    rows = []
    for piece in stream(Path(run), "positions"):
        for row in piece.to_pylist():
            limit = limits.get(row["asset_id"])
            if limit is None or row["state"] == "closed":
                continue
            ends = row["opened"] + dt.timedelta(limit.life_days)
            ends = max(ends, row["extended_until"] or ends)
            begins = ends - dt.timedelta(limit.reversion_days)
            rows.append({
                **row, "age_days": (on - row["opened"]).days, "life_left": (ends - on).days, "reverts_from": begins,
                "ends": ends, "path": _path(limit, begins),
            })  # fmt: skip
    names = "account_id asset_id side state opened age_days life_left reverts_from ends path extended_until approval"
    frame = pd.DataFrame(rows, columns=names.split())
    return frame.sort_values(["ends", "account_id", "asset_id"], kind="stable", ignore_index=True)


def _by_asset(policy: Policy, universe: Universe) -> dict[str, TimeLimit]:
    """Return the time limit of each asset; no two meet on one."""
    names, found = np.array(universe.assets), {}
    for limit in list_time_limits(policy.in_force):
        found |= dict.fromkeys(names[universe.select(limit.on)].tolist(), limit)
    found.pop(universe.assets[universe.cash], None)
    return found


def _path(limit: TimeLimit, begins: dt.date) -> tuple[tuple[dt.date, float], ...]:
    """Return days of the way back and what is left of the allowed deviation on each."""
    parts = sorted({round(limit.reversion_days * i / STEPS) for i in range(STEPS + 1)})
    return tuple((begins + dt.timedelta(d), round(float(limit.rho(d / limit.reversion_days)), 6)) for d in parts)


def used(run: str | Path, policy: Policy, share: float = 0.9) -> pd.DataFrame:
    """Return the limits that accounts use beyond a share.

    Of each asset, what all its limits leave (``weight``): how much of the way from strategic to the end the target has
    gone. Of each account, tracking error and turnover beside the policy's. And whatever the run itself found binding.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``limit``, ``on``, ``bound``, ``used``, ``share``; the largest share first, of equal ones the
        named limits before the weights. Bound and used of ``weight`` are distances from the strategic weight.
    """
    parts: list[pd.DataFrame] = []
    for piece in stream(Path(run), "accounts"):
        accounts = piece.to_pandas()
        for limit in policy.in_force:
            most = limit.most if isinstance(limit, (TrackingError, Turnover)) else None
            column = "tracking_error" if isinstance(limit, TrackingError) else "turnover"
            if most is not None and decimal(most) > 0:
                rows = pd.DataFrame({"account_id": accounts["account_id"], "used": accounts[column]})
                rows = rows.assign(limit=limit.name, on="", bound=decimal(most), share=rows["used"] / decimal(most))
                parts.append(rows.loc[(rows["share"] > share).to_numpy()])
        parts.append(_binding(accounts))
    parts += [_weights(piece.to_pandas(), share) for piece in stream(Path(run), "targets")]
    names = ["account_id", "limit", "on", "bound", "used", "share"]
    frame = pd.DataFrame(pd.concat([part[names] for part in parts if len(part)] or [pd.DataFrame(columns=names)]))
    again = frame.duplicated(subset=["account_id", "limit", "on"]).to_numpy()
    kept = frame.loc[~again]
    order = np.argsort(-kept["share"].to_numpy(dtype=float).round(6), kind="stable")
    return kept.iloc[order].reset_index(drop=True)


def _weights(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    active = rows["target"] - rows["strategic"]
    room = np.where(active >= 0, rows["high"] - rows["strategic"], rows["strategic"] - rows["low"])
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(room > _ROOM, active.abs() / room, 0.0)
    found = rows.assign(limit="weight", on=rows["asset_id"], bound=room, used=active.abs(), share=part)
    return found.loc[(found["share"] > share).to_numpy()]


def _binding(accounts: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {"account_id": account, **bound, "share": 1.0}
        for account, text in zip(accounts["account_id"], accounts["binding"], strict=True)
        for bound in json.loads(text or "[]")
    ]
    return pd.DataFrame(rows, columns=["account_id", "limit", "on", "bound", "used", "share"])
