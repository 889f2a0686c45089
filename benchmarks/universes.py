"""What a made-up book is about: assets, strategic models, how accounts came to stand where they stand, and policies.

The *real* universe is the demo's (real returns, strategic models, views); an invented one has any number of assets on
a factor risk. Both are a :class:`Ground`, from which :mod:`benchmarks.books` writes accounts.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab import demo

FACTORS = {12: 5, 30: 8, 100: 10, 500: 20}
"""Factors by number of assets; other numbers take what the next smaller one has."""
POLICIES = ("plain", "whole", "capped", "capped_whole")
"""Variants of a policy: with a cap on tracking error or without, whole lots and smallest tickets or not."""
_OLDEST = 36
"""Months of drift at most: beyond, some accounts could not come back inside the limits in one run."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What every account of a made-up book has in common.

    Parameters
    ----------
    assets, models
        Ids; the cash is the last asset.
    prices, lots
        Of a unit; 0 for fractional, shape (n,).
    strategic
        Weights of each model, shape (m, n).
    shares
        How many of the accounts follow each model, shape (m,), sums to 1.
    growth
        What a unit of money grew to since each of the months in which an account may have traded last, shape (t, n).
    noise
        Standard deviation of what accounts differ by beside, in logarithms of weights.
    least, most
        Net asset values.
    """

    assets: tuple[str, ...]
    models: tuple[str, ...]
    prices: np.ndarray
    lots: np.ndarray
    strategic: np.ndarray
    shares: np.ndarray
    growth: np.ndarray
    noise: float
    least: float = 5e4
    most: float = 5e7


def real_ground(folder: Path) -> Ground:
    """Copy the shared tables of the demo book into a folder and return what its accounts are made from."""
    book = demo.book_path()
    for name in ("assets", "strategic", "returns", "views", "tilts"):
        shutil.copyfile(book / f"{name}.csv", folder / f"{name}.csv")
    assets, weights, returns = (_rows(book / f"{name}.csv") for name in ("assets", "strategic", "returns"))
    ids = tuple(row["asset_id"] for row in assets)
    models = tuple(dict.fromkeys(row["model_id"] for row in weights))
    strategic = np.zeros((len(models), len(ids)))
    for row in weights:
        strategic[models.index(row["model_id"]), ids.index(row["asset_id"])] = float(row["weight"])
    history = np.array([[float(row[a]) if a in row else 0.0 for a in ids] for row in returns[-_OLDEST:]])
    growth = np.cumprod(1.0 + history[::-1], axis=0)
    return Ground(
        ids,
        models,
        np.array([float(row["price"]) for row in assets]),
        np.array([float(row["lot_size"]) for row in assets]),
        strategic,
        np.array([0.15, 0.25, 0.40, 0.20]),
        growth,
        0.03,
    )


def real_policy(name: str) -> str:
    """Return a variant of the demo's mandate as TOML, its own text with limits taken out; every account is solved."""
    text = demo.policy_path().read_text("utf-8").replace('trigger = "band"', 'trigger = "always"')
    head, *limits = text.split("[[limits]]")
    limits[-1], tail = limits[-1].split("[trades]")
    drop = ("band",) if name.startswith("capped") else ("band", "tracking_error")
    drop += () if name.endswith("whole") else ("lots", "trade_size")
    kept = [x for x in limits if not any(f'kind = "{kind}"' in x for kind in drop)]
    if not name.endswith("whole"):
        tail = "\nindifference = 0\n\n[run]" + tail.split("[run]")[1]
    return "[[limits]]".join([head, *kept]).rstrip() + "\n\n[trades]" + tail


def invented_ground(folder: Path, n: int, seed: int) -> Ground:
    """Write the shared tables of ``n`` assets (the cash is one of them) on a factor risk, and return their ground."""
    rng = np.random.default_rng([seed, n])
    k = next((f for size, f in sorted(FACTORS.items(), reverse=True) if size <= n), 2)
    risky, sectors = n - 1, _sectors(n)
    ids = (*(f"A{i:03d}" for i in range(risky)), "CASH")
    equity = np.arange(risky) % 2 == 0
    prices = np.append(rng.uniform(20, 300, risky).round(2), 1.0)
    lots = np.append(equity.astype(float), 0.0)
    factors = [f"F{j:02d}" for j in range(k)]
    exposures = rng.normal(0, 0.06, (risky, k))
    write_table(
        folder,
        "assets",
        {
            "asset_id": ids,
            "asset_class": [*np.where(equity, "equity", "bonds").tolist(), "cash"],
            "price": prices,
            "lot_size": lots,
            "cost_bps": np.append(rng.integers(2, 21, risky).astype(float), 0.0),
            "sector": [*(f"sector {i % sectors + 1}" for i in range(risky)), ""],
        },
    )
    write_table(folder, "exposures", {"asset_id": ids[:-1]} | dict(zip(factors, exposures.T, strict=True)))
    write_table(folder, "factor_covariance", {"factor": factors} | dict(zip(factors, np.eye(k), strict=True)))
    write_table(folder, "specific", {"asset_id": ids[:-1], "volatility": rng.uniform(0.05, 0.2, risky)})
    write_table(
        folder,
        "views",
        {
            "view_id": ["V1", "V2", "V3"],
            "about": ["equity - bonds", "A000 - A001", "sector 1 - sector 2"],
            "gain": [0.02, 0.03, 0.01],
            "confidence": [0.5, 0.7, 0.4],
        },
    )
    models = ("careful", "even", "bold")
    strategic = np.array([_mix(rng, equity, share) for share in (0.3, 0.5, 0.7)])
    held = np.broadcast_to(np.array(models)[:, None], strategic.shape).ravel().tolist()
    write_table(folder, "strategic", {"model_id": held, "asset_id": ids * len(models), "weight": strategic.ravel()})
    # Smaller accounts than these could not hold so many assets in whole shares.
    least = 5e4 * max(1.0, n / 16)
    still = np.ones((1, n))
    return Ground(ids, models, prices, lots, strategic, np.array([0.3, 0.4, 0.3]), still, 0.15, least)


def invented_policy(name: str, n: int) -> str:
    """Return a variant of the mandate over an invented universe as TOML: deviation, groups, turnover, a cash floor."""
    lines = ["[objective]", "risk_aversion = 6.0", "cost_horizon_years = 0.5", ""]
    limits = [
        ("cash", {"least": 0.005}),
        ("deviation", {"most": 0.05 if n < 200 else 0.01}),
        *(
            (
                "group",
                {"name": f"range {s + 1}", "on": f"sector {s + 1}", "around": "strategic", "least": -r, "most": r},
            )
            for s, r in enumerate([0.03] * _sectors(n))
        ),
        ("turnover", {"most": 0.10}),
    ]
    if name.startswith("capped"):
        limits.append(("tracking_error", {"most": 0.008}))
    if name.endswith("whole"):
        limits += [("lots", {}), ("trade_size", {"least_value": 500.0})]
    for kind, fields in limits:
        lines += ["[[limits]]", f'kind = "{kind}"']
        lines += [f"{key} = {_toml(value)}" for key, value in fields.items()] + [""]
    if name.endswith("whole"):
        lines += ["[trades]", "indifference = 0.0001", "trade_worth = 0.002", ""]
    return "\n".join(lines)


def write_table(folder: Path, name: str, columns: dict) -> None:
    """Write a small table as Parquet with page checksums."""
    pq.write_table(pa.table(columns), folder / f"{name}.parquet", write_page_checksum=True)


def _sectors(n: int) -> int:
    """Return how many group ranges the policy has: 8, or 4 where there are too few assets for them."""
    return 8 if n >= 30 else 4


def _mix(rng: np.random.Generator, equity: np.ndarray, share: float) -> np.ndarray:
    """Draw strategic weights with a share of equity beside 2 % in cash."""
    weights = rng.dirichlet(np.full(len(equity), 4.0))
    weights[equity] *= share / weights[equity].sum()
    weights[~equity] *= (1 - share) / weights[~equity].sum()
    return np.append(0.98 * weights / weights.sum(), 0.02)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _toml(value: str | float) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
