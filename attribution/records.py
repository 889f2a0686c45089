"""A chain kept in a folder: the portfolios recorded at each decision, so that they can be attributed at any time.

=====================  ======================================================================================
``stages.parquet``     a row a period and asset: the eight portfolios, what the asset returned, costs
``periods.parquet``    a row a period: money at its start, what the account earned, the regime
``parts.parquet``      a row a period, part and asset that it moved: parts of beliefs, of what held back
``origins.parquet``    a row a part of beliefs: who it comes from
``forecasts.parquet``  a row a forecast (:mod:`.promises`)
``transfers.parquet``  a row a decision: how much of the forecasts came through
``decisions.json``     the last file: name, assets and classes, what it was made of, and the SHA-256 of the others
=====================  ======================================================================================

Numbers are doubles as they were: what is read is what was written, to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..batches.stores import digest_file, whole
from ..errors import RunError
from ..units import FrozenMap
from .chains import STAGES, Chain, Origin
from .promises import COLUMNS

FORMAT = "trimtab decisions 1"
SEAL = "decisions.json"
_TABLES = ("stages", "periods", "parts", "origins", "forecasts", "transfers")
_NUMBERS = (*STAGES, "returned", "own", "cost")


@dataclass(frozen=True, eq=False)
class Record:
    """A chain with what was promised in its time.

    Parameters
    ----------
    chain
        Portfolios, returns and money.
    forecasts
        Columns of :data:`.promises.COLUMNS`.
    transfers
        How much of the forecasts came through to each decision, indexed by its day.
    about
        What it was made of: hashes, versions, options.
    """

    chain: Chain
    forecasts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))
    transfers: pd.Series = field(default_factory=lambda: pd.Series(dtype=float, index=pd.DatetimeIndex([])))
    about: Mapping[str, Any] = field(default_factory=FrozenMap)


def holds_record(folder: str | Path) -> Path | None:
    """Return where in a folder a record stands, its ``decisions`` or itself; None where there is none."""
    found = (path for path in (Path(folder), Path(folder) / "decisions") if (path / SEAL).is_file())
    return next(found, None)


def write_record(record: Record, folder: str | Path) -> Path:
    """Write a record into a new folder; the seal is the last file, so that half of a record is none.

    Raises
    ------
    RunError
        The folder holds something.
    """
    out, one = Path(folder), record.chain
    if out.exists() and any(out.iterdir()):
        raise RunError(f"{out} holds something already; name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, table in zip(_TABLES, _tabulated(record), strict=True):
        with whole(out, f"{name}.parquet") as file:
            table.to_parquet(file, index=False)
        digests[name] = digest_file(out / f"{name}.parquet")
    seal = {
        "format": FORMAT, "name": one.name, "assets": list(one.assets), "classes": dict(one.classes),
        "apart": one.apart, "reference": one.reference is not None, "about": dict(record.about), "tables": digests,
    }  # fmt: skip
    with whole(out, SEAL) as file:
        file.write(json.dumps(seal, indent=2, allow_nan=False).encode() + b"\n")
    return out


def read_record(folder: str | Path) -> Record:
    """Read a record, every byte checked against its seal.

    Raises
    ------
    RunError
        There is none, it is of another version, or a file of it was changed or lost.
    """
    out = Path(folder)
    try:
        seal = json.loads((out / SEAL).read_bytes())
        form, digests = seal["format"], dict(seal["tables"])
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(f"{out} holds no record of decisions: there is no {SEAL} that says so") from None
    if form != FORMAT:
        raise RunError(f"{out / SEAL} is of the format {form!r}, not {FORMAT!r}; test the rule again")
    for name in _TABLES:
        path = out / f"{name}.parquet"
        if not path.is_file() or digest_file(path) != digests.get(name):
            raise RunError(f"{path} is not what was written (or is lost); test the rule again")
    tables = {name: pd.read_parquet(out / f"{name}.parquet") for name in _TABLES}
    transfers = tables["transfers"].set_index("date").loc[:, "transfer"]
    return Record(_chain(seal, tables), tables["forecasts"], transfers, FrozenMap(seal["about"]))


def _tabulated(record: Record) -> tuple[pd.DataFrame, ...]:
    one = record.chain
    t, n = len(one.periods), len(one.assets)
    index = {"period": np.repeat(one.periods.to_numpy(), n), "asset_id": np.tile(np.array(one.assets, object), t)}
    values = {name: one.weights[:, k].ravel() for k, name in enumerate(STAGES)}
    values |= {"returned": one.returns.ravel(), "own": np.ravel(one.own), "cost": np.ravel(one.costs)}  # pyright: ignore
    if one.reference is not None:
        values["reference"] = one.reference.ravel()
    periods = {"period": one.periods, "nav": one.nav, "earned": one.earned, "regime": list(one.regimes)}
    origins = [(name, o.kind, o.author, o.signal, o.part_of) for name, o in one.origins.items()]
    return (
        pd.DataFrame({**index, **values}), pd.DataFrame(periods), _parts(one),
        pd.DataFrame(origins, columns=["part", "kind", "author", "signal", "part_of"], dtype=str),
        record.forecasts.loc[:, list(COLUMNS)],
        record.transfers.rename("transfer").rename_axis("date").reset_index(),
    )  # fmt: skip


def _parts(one: Chain) -> pd.DataFrame:
    rows = []
    for side in ("beliefs", "holds"):
        for name, values in getattr(one, side).items():
            t, i = np.nonzero(values)
            told = {"side": side, "part": name, "period": one.periods[t]}
            rows.append(pd.DataFrame({**told, "asset_id": np.array(one.assets, object)[i], "weight": values[t, i]}))
    columns = ["side", "part", "period", "asset_id", "weight"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def _chain(seal: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Chain:
    periods, assets = tables["periods"], [str(a) for a in seal["assets"]]
    ends = pd.DatetimeIndex(periods["period"])
    t, n, stages = len(ends), len(assets), tables["stages"]
    wide = lambda name: stages[name].to_numpy(dtype=float).reshape(t, n)  # noqa: E731
    weights = np.stack([wide(name) for name in STAGES], axis=1)
    at, place = {end: k for k, end in enumerate(ends)}, {asset: i for i, asset in enumerate(assets)}
    sides: dict[str, dict[str, np.ndarray]] = {"beliefs": {}, "holds": {}}
    for (side, part), own in dict(list(tables["parts"].groupby(["side", "part"], sort=False))).items():  # pyright: ignore
        values = np.zeros((t, n))
        rows = [at[end] for end in pd.DatetimeIndex(own["period"])]
        values[rows, [place[str(asset)] for asset in own["asset_id"]]] = own["weight"].to_numpy()
        sides[str(side)][str(part)] = values
    origins = {row["part"]: Origin(row["kind"], row["author"], row["signal"], row["part_of"])
               for row in tables["origins"].to_dict("records")}  # fmt: skip
    return Chain(
        str(seal["name"]), ends, tuple(assets), weights, wide("returned"), wide("own"), wide("cost"),
        periods["nav"].to_numpy(dtype=float), periods["earned"].to_numpy(dtype=float), sides["beliefs"],
        sides["holds"], wide("reference") if seal["reference"] else None, tuple(periods["regime"]),
        FrozenMap(origins), FrozenMap(seal["classes"]), float(seal["apart"]),
    )  # fmt: skip
