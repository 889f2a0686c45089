"""What all accounts of a run together do to the market: buys and sells of each asset against a day of its trading.

An asset's buys, and its sells, over all accounts may come to at most ``max_participation`` times its ``adv`` (money a
day; unknown means no cap). Above that the run is BLOCKED, or (``on_participation = "slow"``) the asset's pace on that
side is scaled::

    f = max_participation * adv / amount,      every account then trades at most f times its first trade

so that the amounts sum to the cap. Accounts that traded the asset are solved once more under that bound. What they may
not buy here they may buy elsewhere, so of every other asset such an account may trade no more than its first trade and
its share by net asset value of what the first trades of all left of the cap. The second trades are measured again; what
is above the cap even then, because a mandate left no other way, blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from ..constraints.policies import Policy
from ..errors import RunError
from ..models.markets import Market
from ..units import FrozenMap, percent
from .stores import whole
from .streams import stream

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
FLOWS = ("account_id", "asset_id", "side", "value", "cost")
"""The columns of the trades table that amounts are made of."""
IMPACT = pa.schema(
    [
        ("asset_id", pa.string()),
        *(
            (name, pa.float64())
            for name in (
                *("buys", "sells", "net", "adv"),
                *("buy_participation", "sell_participation", "most", "buy_pace", "sell_pace"),
            )
        ),
    ]
)
_UNITS = 1e6
"""Money is added up in millionths: nine billions of billions of them are exact in a piece, any number over pieces."""
_WITHIN = 1e-9
"""Relative: amounts scaled to a cap exceed it by rounding alone."""
_SIDES = (("buys", "buy"), ("sells", "sell"))


@dataclass(frozen=True, eq=False)
class Flows:
    """What is traded, netted over accounts.

    Parameters
    ----------
    assets
        Indexed by ``asset_id``, sorted: ``orders`` (a count), ``buys``, ``sells``, ``net`` and ``cost`` in money.
    accounts
        How many accounts trade.
    """

    assets: pd.DataFrame
    accounts: int


@dataclass(frozen=True, eq=False)
class Impact:
    """What a run trades of each asset, beside what the market trades of it in a day.

    Parameters
    ----------
    assets
        Indexed by ``asset_id``, in the market's order, those traded: ``buys``, ``sells``, ``net`` (buys less sells) and
        ``gross`` (buys plus sells) in money; ``adv`` in money a day, infinite where unknown; ``buy_participation``,
        ``sell_participation`` and ``most`` (the larger of the two) as decimals of ``adv``.
    paces
        By asset, the fractions of their first buys and sells that accounts were slowed to; none for the others.
    """

    assets: pd.DataFrame
    paces: Mapping[str, tuple[float, float]] = field(default_factory=FrozenMap)

    def to_frame(self) -> pd.DataFrame:
        """Return the columns of ``impact.parquet``: a row an asset, a pace of 1 where nothing was slowed."""
        table = self.assets.reset_index()
        table["adv"] = table["adv"].where(np.isfinite(table["adv"]))
        for side, name in enumerate(("buy_pace", "sell_pace")):
            table[name] = [float(self.paces.get(asset, (1.0, 1.0))[side]) for asset in table["asset_id"]]
        return table.reindex(columns=IMPACT.names)


def net(tables: Iterable[pa.Table]) -> Flows:
    """Add up trades by asset.

    Parameters
    ----------
    tables
        Pieces of a trades table with at least the columns ``FLOWS``; the trades of an account stand together.

    Raises
    ------
    RunError
        A side that is neither ``buy`` nor ``sell``.
    """
    totals: dict[str, np.ndarray] = {}
    accounts, last = 0, None
    for table in tables:
        if not len(table):
            continue
        owners = _pc.run_end_encode(table["account_id"].combine_chunks()).values
        accounts += len(owners) - (owners[0].as_py() == last)
        last = owners[-1].as_py()
        for asset, own in _by_asset(table).items():
            totals[asset] = totals.get(asset, 0.0) + own
    columns = ["orders", "buys", "sells", "cost"]
    index = pd.Index(sorted(totals), name="asset_id", dtype="str")
    amounts = np.array([totals[a] for a in index], dtype=object).reshape(-1, 4) / [1, _UNITS, _UNITS, _UNITS]
    assets = pd.DataFrame(amounts.astype(float), index, columns)
    assets.insert(3, "net", assets["buys"] - assets["sells"])
    return Flows(assets.astype({"orders": np.int64}), accounts)


def _by_asset(table: pa.Table) -> dict[str, np.ndarray]:
    """Return orders, and buys, sells and cost in whole ``1 / _UNITS``, by asset, as Python's integers."""
    coded = _pc.dictionary_encode(table["asset_id"].combine_chunks())
    names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    buys, sells = (_pc.equal(table["side"], side).to_numpy() for side in ("buy", "sell"))
    if not (buys | sells).all():
        raise RunError("a trade is neither a buy nor a sell: the trades table was not written by trimtab")
    value, cost = table["value"].to_numpy(), table["cost"].to_numpy()
    # Whole numbers add up exactly, so that neither the order nor the size of the pieces shows in a pace.
    whole = [np.ones(len(codes), dtype=np.int64)]
    whole += [np.rint(_UNITS * own).astype(np.int64) for own in (value * buys, value * sells, cost)]
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names)))
    sums = np.array([np.add.reduceat(own[order], starts) for own in whole]).astype(object)
    return dict(zip(names, sums.T, strict=True))


def participation(tables: Iterable[pa.Table], market: Market) -> Impact:
    """Measure what the trades of all accounts come to, against a day of each asset's trading.

    Parameters
    ----------
    tables
        Pieces of a trades table with at least the columns ``FLOWS``.
    market
        Its ``costs.adv`` is money a day.

    Raises
    ------
    RunError
        A trade in an asset that the market does not know.
    """
    assets = net(tables).assets.drop(columns=["orders", "cost"])
    positions = market.universe.positions
    if strangers := [asset for asset in assets.index if asset not in positions]:
        raise RunError(f"the trades table holds {strangers[0]!r}, which is no asset of the market")
    assets = assets.loc[sorted(assets.index, key=lambda asset: positions[asset])]
    adv = market.costs.adv[[positions[asset] for asset in assets.index]]
    assets["gross"] = assets["buys"] + assets["sells"]
    assets["adv"] = adv
    assets["buy_participation"], assets["sell_participation"] = assets["buys"] / adv, assets["sells"] / adv
    assets["most"] = np.maximum(assets["buy_participation"], assets["sell_participation"])
    return Impact(assets)


def paces(impact: Impact, policy: Policy) -> Mapping[str, tuple[float, float]]:
    """Return ``{asset: (buy fraction, sell fraction)}`` for each asset above the policy's cap; empty without a cap."""
    cap = policy.tripwires.max_participation
    if cap is None:
        return FrozenMap()
    found = {}
    for row in impact.assets.reset_index().to_dict("records"):
        fractions = tuple(
            1.0 if row[amounts] <= cap * row["adv"] * (1 + _WITHIN) else float(cap * row["adv"] / row[amounts])
            for amounts, _ in _SIDES
        )
        if min(fractions) < 1:
            found[row["asset_id"]] = fractions
    return FrozenMap(found)


Parts = Mapping[str, tuple[float, float, float, float]]
"""By asset, an account's part of the cap: fractions of its first buys and sells, and what it may buy and sell beside
them, decimals of its net asset value."""


def allot(impact: Impact, market: Market, policy: Policy, nav: float) -> Parts:
    """Split each asset's cap among accounts; empty unless an asset is above it.

    Parameters
    ----------
    impact
        Of the first trades.
    nav
        Money, of all accounts together.
    """
    slowed, cap, parts = paces(impact, policy), policy.tripwires.max_participation, {}
    if not slowed or cap is None:
        return FrozenMap()
    for asset, adv in zip(market.universe.assets, market.costs.adv, strict=True):
        if np.isfinite(adv):
            traded = [float(impact.assets[side].get(asset) or 0.0) for side, _ in _SIDES]
            room = [max(float(cap * adv) - amount, 0.0) / nav for amount in traded]
            parts[asset] = (*slowed.get(asset, (1.0, 1.0)), *room)
    return FrozenMap(parts)


def breaches(impact: Impact, policy: Policy) -> tuple[str, ...]:
    """Say, a sentence each, which assets are traded above the policy's cap: why a run is BLOCKED."""
    return tuple(
        f"all accounts together {side} {amount:,.0f} of {asset}, {share} of the {adv:,.0f} it trades a day, "
        f"above max_participation {most}"
        for asset, side, amount, adv, share, most in _above(impact, policy)
    )


def _above(impact: Impact, policy: Policy) -> Iterable[tuple[str, str, float, float, str, str]]:
    """Walk what is above the cap: asset, side, amount, adv, share and cap as text."""
    for asset, fractions in paces(impact, policy).items():
        row = impact.assets.loc[asset]
        for (amounts, side), fraction in zip(_SIDES, fractions, strict=True):
            if fraction < 1:
                share, most = _apart(row[f"{side}_participation"], float(policy.tripwires.max_participation or 0.0))
                yield asset, side, float(row[amounts]), float(row["adv"]), share, most


def _apart(first: float, second: float) -> tuple[str, str]:
    """Write two percents with as many digits as it takes to tell them apart."""
    pairs = [(percent(first, places), percent(second, places)) for places in range(2, 12)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])


def write_impact(folder: Path, impact: Impact) -> None:
    """Write ``impact.parquet`` into a run's folder, whole or not at all."""
    table = pa.Table.from_pandas(impact.to_frame(), IMPACT, preserve_index=False).replace_schema_metadata()
    with whole(folder, "impact.parquet") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True, store_schema=True)


def read_impact(folder: Path) -> Impact | None:
    """Read what ``write_impact`` wrote; None where the run has none.

    Raises
    ------
    RunError
        The file is damaged.
    """
    if not (folder / "impact.parquet").exists():
        return None
    pieces = list(stream(folder, "impact", IMPACT.names))
    table = pa.concat_tables(pieces).to_pandas() if pieces else IMPACT.empty_table().to_pandas()
    slowed = {
        row["asset_id"]: (row["buy_pace"], row["sell_pace"])
        for row in table.to_dict("records")
        if min(row["buy_pace"], row["sell_pace"]) < 1
    }
    assets = table.set_index("asset_id").drop(columns=["buy_pace", "sell_pace"]).fillna({"adv": np.inf})
    assets.insert(3, "gross", assets["buys"] + assets["sells"])
    return Impact(assets, FrozenMap(slowed))
