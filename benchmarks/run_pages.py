"""How long the page of a run takes, and how large it is, where the run has a million accounts.

The run is made up: its tables are written as a run writes them, with numbers drawn by chance, since what is measured is
reading them. A million accounts take a minute to make up and 0.6 GB of disk.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.batches.stores import FORMAT, SCHEMAS, SEAL, part_name, table_folder
from trimtab.reports.pages import write_page
from trimtab.reports.runs import run_page

from .registry import Figure, case

ASSETS = 16
_PART = 50_000
_OUTCOMES = np.array(["OPTIMAL", "RELAXED", "HELD", "UNSOLVED", "QUARANTINED"])
_SHARES = (0.70, 0.01, 0.285, 0.003, 0.002)
_WORDS = {
    "OPTIMAL": "the best weights the policy allows, proved",
    "RELAXED": "turnover gave way: tracking error at most 2% cannot hold with turnover 10%: it needs turnover {:.1f}%",
    "HELD": "every band holds: the widest drift is {:.0f}% of its band (equity)",
    "UNSOLVED": "A00: no_sell asks for at least {:.2f}% and deviation for at most 35%",
    "QUARANTINED": "the quantity of 'A00' is '8,{:.0f}' (line 370 of holdings.csv)",
}
_PULLS = np.array(["view V1", "view V2", "back to strategic; held back by cost", "tilt: T1; held back by phase"])


def make_run(folder: Path, accounts: int, seed: int = 7) -> Path:
    """Write a made-up run into a folder and return it.

    Parameters
    ----------
    folder
        New or empty.
    accounts
        How many.
    seed
        The same makes the same run.
    """
    rng, counts = np.random.default_rng(seed), dict.fromkeys(_OUTCOMES.tolist(), 0)
    starts = range(0, accounts, _PART)
    for chunk, start in enumerate(starts):
        size = min(_PART, accounts - start)
        ids = np.array([f"{i:07d}" for i in range(start, start + size)])
        ended = _OUTCOMES[rng.choice(len(_OUTCOMES), size, p=_SHARES)]
        for name, n in zip(*np.unique(ended, return_counts=True), strict=True):
            counts[str(name)] += int(n)
        nav = np.exp(rng.normal(12.5, 1.2, size))
        tables = {"accounts": _accounts(rng, ids, ended, nav), "targets": _targets(rng, ids[ended != "QUARANTINED"])}
        traded = np.isin(ended, ["OPTIMAL", "RELAXED"])
        tables["trades"] = _trades(rng, ids[traded], nav[traded])
        tables["timings"] = _timings(rng, ids)
        for name, schema in SCHEMAS.items():
            home = table_folder(folder, name)
            home.mkdir(parents=True, exist_ok=True)
            found = tables.get(name, schema.empty_table())
            path = home / part_name(chunk, len(starts))
            pq.write_table(found.cast(schema), path, compression="zstd", write_page_checksum=True)
    seal = {
        "format": FORMAT, "run_id": f"{seed:064x}", "sealed": True, "blocked": False, "why": [], "warnings": [],
        "on": "2026-11-20", "counts": counts, "book": "made up", "inputs": {"policy": "made up"},
    }  # fmt: skip
    (folder / SEAL).write_text(json.dumps(seal), encoding="utf-8")
    return folder


def _accounts(rng: np.random.Generator, ids: np.ndarray, ended: np.ndarray, nav: np.ndarray) -> pa.Table:
    size, refused = len(ids), ended == "QUARANTINED"
    amounts = rng.uniform(1, 100, size)
    decided = np.isin(ended, ["OPTIMAL", "RELAXED"])
    turnover = np.where(decided, rng.gamma(2.0, 0.01, size), 0.0)
    figures = {
        "nav": nav, "turnover": turnover, "cost": turnover * nav * 5e-4, "tracking_error": rng.gamma(6, 0.0015, size),
        "expected_gain": rng.normal(0.001, 0.0005, size), "utility": rng.normal(0.0005, 0.0005, size),
    }  # fmt: skip
    proofs = {"gap": rng.gamma(1, 1e-12, size), "certified_te": rng.gamma(1, 1e-7, size), "given_up": turnover * 1e-4}
    columns = {name: pa.array(np.where(refused, np.nan, x), from_pandas=True) for name, x in figures.items()}
    columns |= {name: pa.array(np.where(decided, x, np.nan), from_pandas=True) for name, x in proofs.items()}
    bound = np.where(
        decided & (rng.random(size) < 0.4),
        json.dumps([{"limit": "tracking_error", "on": "", "bound": 0.02, "used": 0.02}]),
        "[]",
    )
    columns |= {
        "account_id": ids, "model_id": np.array(["growth", "balanced", "careful"])[rng.integers(3, size=size)],
        "outcome": ended, "code": np.where(refused, "BAD_QUANTITY", ""), "binding": bound,
        "reason": [_WORDS[name].format(x) for name, x in zip(ended.tolist(), amounts.tolist(), strict=True)],
        "relaxed": np.full(size, "[]"),
    }  # fmt: skip
    return pa.table({name: columns[name] for name in SCHEMAS["accounts"].names})


def _targets(rng: np.random.Generator, ids: np.ndarray) -> pa.Table:
    size = len(ids) * ASSETS
    strategic = np.tile(np.full(ASSETS, 1.0 / ASSETS), len(ids))
    columns = {name: strategic + rng.normal(0, 0.005, size) for name in ("current", "tactical", "ideal")}
    columns |= {"strategic": strategic, "target": columns["ideal"], "low": strategic - 0.05, "high": strategic + 0.05}
    columns |= {"account_id": np.repeat(ids, ASSETS), "asset_id": np.tile(_assets(), len(ids))}
    return pa.table({name: columns[name] for name in SCHEMAS["targets"].names})


def _trades(rng: np.random.Generator, ids: np.ndarray, nav: np.ndarray) -> pa.Table:
    each = rng.integers(0, ASSETS // 2, len(ids))
    owner = np.repeat(ids, each)
    size = len(owner)
    weight = rng.normal(0, 0.01, size)
    value = np.abs(weight) * np.repeat(nav, each)
    columns = {
        "trade_id": np.array([f"{i:020x}" for i in range(size)]), "account_id": owner, "weight": weight,
        "asset_id": _assets()[rng.integers(ASSETS, size=size)], "side": np.where(weight > 0, "buy", "sell"),
        "quantity": value / 100, "value": value, "cost": value * 5e-4, "reason": _PULLS[rng.integers(4, size=size)],
    }  # fmt: skip
    return pa.table({name: columns[name] for name in SCHEMAS["trades"].names})


def _timings(rng: np.random.Generator, ids: np.ndarray) -> pa.Table:
    size = len(ids)
    columns = {
        "account_id": ids, "started": np.full(size, "2026-11-20T07:00:00"), "worker": np.full(size, "w1"),
        "seconds": rng.gamma(2, 1e-4, size), "engine": rng.gamma(2, 1e-5, size),
        "trade_gap": pa.array(np.where(np.arange(size) % 64, np.nan, 1e-4), from_pandas=True),
    }  # fmt: skip
    return pa.table({name: columns[name] for name in SCHEMAS["timings"].names})


def _assets() -> np.ndarray:
    return np.array([f"A{i:02d}" for i in range(ASSETS)])


@case("run_page", "the page of a made-up run of 16 assets", (10_000, 1_000_000), 500)
def run_pages(accounts: int, _: int) -> Iterator[Figure]:
    """Time the page of a run, once: a run is read, which the disk's cache would make faster the second time."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "run"
        making = multiprocessing.get_context("spawn").Process(target=make_run, args=(folder, accounts))
        making.start()  # elsewhere, so that the memory it takes is not counted
        making.join()
        start = time.perf_counter()
        page = run_page(folder)
        read = time.perf_counter() - start
        path = write_page(page, Path(home) / "page.html")
        whole = time.perf_counter() - start
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        size = f"{accounts:,}"
        yield Figure("tables read and summed up", size, read, "s")
        yield Figure("the whole page, written", size, whole, "s", "below 60 at a million")
        yield Figure("its size", size, path.stat().st_size / 1e6, "MB", "below 6")
        yield Figure("memory of the whole process, at most", size, most, "MB")
