"""The chain of portfolios read from sealed runs, and from nothing else but what assets returned.

Each run says where its accounts stood, what they aimed at and what they were told to trade. What it does not say is
what happened until the next one: positions then drift with the returns. A run's tables have all stages of
:mod:`.chains`:

- b and t are ``strategic`` and ``tactical`` of the newest run; ``beliefs.parquet`` splits t - b. An account at an
  aversion of its own differs from its model: that is the part "own risk aversion".
- t0, p, f, q are those of the last run that decided the account (OPTIMAL or RELAXED). f is its ``ideal``; what its
  schedule had left to do (``gap`` less ``done`` of ``phases``) leads from there to p.
- x is q, unless fills are given; w starts at x and drifts. Where a later run holds the account, its ``current`` is the
  truth, and how far it is from the drift is told (``apart``).

Before the first decision t0 to x are what the account held: waiting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.openings import open_run
from ..batches.stores import read_seal, table_folder
from ..errors import RunError
from ..units import FrozenMap, day
from .chains import STAGES, Chain, Origin

OWN = "own risk aversion"
_SAME = 1e-7
_DECIDED = ("OPTIMAL", "RELAXED")
_K = {name: k for k, name in enumerate(STAGES)}


@dataclass(frozen=True, eq=False)
class _Page:
    """What one run says of m accounts: arrays (m, n) by stage, (m,) for the rest."""

    on: dt.date
    weights: Mapping[str, np.ndarray]
    decided: np.ndarray
    nav: np.ndarray
    costs: np.ndarray
    beliefs: Mapping[str, np.ndarray]
    regime: str
    origins: Mapping[str, Origin]


def list_runs(folder: str | Path) -> list[Path]:
    """Return the sealed runs in a folder, or the folder itself where it is one, by their day.

    Raises
    ------
    RunError
        There is none.
    """
    folder = Path(folder)
    found = [(seal, path) for path in (folder, *sorted(folder.glob("*/"))) if (seal := _seal(path)) is not None]
    if not found:
        raise RunError(f"{folder} holds no sealed run; name the folder that the runs' folders stand in")
    return [path for _, path in sorted(found, key=lambda pair: str(pair[0]["on"]))]


def read_chain(
    runs: Sequence[str | Path],
    returns: pd.DataFrame,
    accounts: str | Iterable[str] | None = None,
    *,
    fills: pd.DataFrame | None = None,
    cash: str = "CASH",
    reference: Mapping[str, float] | None = None,
    classes: Mapping[str, str] | None = None,
) -> Chain:
    """Read the chain of an account, or of a composite of accounts by NAV, from sealed runs.

    Parameters
    ----------
    runs, returns
        Folders, one run a day; and what assets returned, a row a period indexed by its end. A run counts from the first
        period that begins on its day or later.
    accounts
        Ids; all of the first run by default. One that a run refused, or does not have, keeps what it had.
    fills
        What was traded instead of what was proposed: ``on`` (the run's day), ``account_id``, ``asset_id``, ``weight``
        signed; the cash pays for it.
    cash
        The cash: it pays for the other assets, and earns nothing where ``returns`` have no column for it.
    reference
        Weights that the strategic ones are judged against.
    classes
        The class of each asset.

    Raises
    ------
    RunError
        No run, two of a day, an account that no run decides, an asset without returns, no period after the first run.
    """
    pages, ids, assets = _read_pages(runs, accounts, fills, cash)
    frame = _returns(returns, assets, cash)
    ends = pd.DatetimeIndex(frame.index)
    after = np.flatnonzero(ends > pd.Timestamp(pages[0].on))
    if not len(after):
        raise RunError(f"the returns end on {ends[-1]:%Y-%m-%d}, before anything followed the run of {pages[0].on}")
    ends, moves = ends[after], frame.to_numpy(dtype=float)[after]
    starts = np.array([pages[0].on.toordinal(), *(d.toordinal() for d in ends[:-1])])
    begins = np.array([page.on.toordinal() for page in pages])
    which = np.searchsorted(begins, starts, side="right") - 1
    walk = _walk(pages, which, moves)
    weights, parts, costs, nav, apart = walk
    base = None
    if reference is not None:
        base = np.tile([float(reference.get(a, 0.0)) for a in assets], (len(ends), 1))
    name = ids[0] if len(ids) == 1 else f"{len(ids):,} accounts"
    return Chain(
        name, ends, tuple(assets), weights, moves, costs=costs, nav=nav, beliefs=parts, reference=base,
        regimes=tuple(pages[k].regime for k in which),
        origins=FrozenMap({k: v for page in pages for k, v in page.origins.items()}),
        classes=FrozenMap(classes or {}), apart=apart,
    )  # fmt: skip


def _walk(
    pages: Sequence[_Page], which: np.ndarray, moves: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, np.ndarray, float]:
    """Go through the periods: every account's stages, added up by NAV at the start of each."""
    t, n = moves.shape
    names = dict.fromkeys(name for page in pages for name in page.beliefs)
    weights, parts = np.zeros((t, len(STAGES), n)), {name: np.zeros((t, n)) for name in names}
    costs, whole, apart = np.zeros((t, n)), np.zeros(t), 0.0
    m = len(pages[0].nav)
    stages, nav, seen = np.full((m, len(STAGES), n), np.nan), np.full(m, np.nan), -1
    for k, now in enumerate(which):
        paid = np.zeros((m, n))
        for page in pages[seen + 1 : now + 1]:
            apart, paid = max(apart, _turn(page, stages, nav)), page.costs
        seen = now
        told = np.isfinite(stages).all((1, 2)) & (nav > 0)
        if not told.any():
            raise RunError(f"no account was told anything by the run of {pages[now].on}")
        share = np.where(told, nav, 0.0) / nav[told].sum()
        weights[k] = np.einsum("m,msn->sn", share[told], stages[told])
        for name, part in pages[now].beliefs.items():
            parts[name][k] = share[told] @ part[told]
        grown = 1.0 + np.where(told[:, None], stages[:, -1], 0.0) @ moves[k]
        # A cost is paid when the period begins: gone with it is what it would have earned.
        costs[k] = share @ (paid * np.where(told, grown, 0.0)[:, None])
        whole[k] = nav[told].sum()
        stages[:, -1] = stages[:, -1] * (1.0 + moves[k]) / np.where(grown > 0, grown, 1.0)[:, None]
        nav = nav * (1.0 - paid.sum(1)) * grown
    return weights, parts, costs, whole, apart


def _turn(page: _Page, stages: np.ndarray, nav: np.ndarray) -> float:
    """Put what a run says into the stages of its accounts; return how far its records are from the drift."""
    current, known = page.weights["current"], np.isfinite(page.nav)
    fresh = known & ~np.isfinite(stages[:, -1, 0])
    off = known & ~fresh
    apart = float(np.abs(current - stages[:, -1])[off].max(initial=0.0))
    for name in ("strategic", "tactical"):
        stages[known, _K[name]] = page.weights[name][known]
    for stage in ("decided", "ideal", "phased", "target", "filled"):
        own = {"decided": "tactical", "ideal": "ideal", "phased": "phased", "target": "target", "filled": "filled"}
        stages[page.decided, _K[stage]] = page.weights[own[stage]][page.decided]
        idle = fresh & ~page.decided
        stages[idle, _K[stage]] = current[idle]
    stages[known, -1] = current[known]
    stages[page.decided, -1] = page.weights["filled"][page.decided]
    nav[known] = page.nav[known]
    return apart


def _read_pages(
    runs: Sequence[str | Path], accounts: str | Iterable[str] | None, fills: pd.DataFrame | None, cash: str
) -> tuple[list[_Page], list[str], list[str]]:
    folders = [Path(each) for each in runs]
    if not folders:
        raise RunError("no run is named")
    for folder in folders:
        open_run(folder)
    order = sorted((day(str((read_seal(folder) or {})["on"])), folder) for folder in folders)
    twice = next((b for (a, _), (b, _) in pairwise(order) if a == b), None)
    if twice is not None:
        raise RunError(f"two runs are of {twice}; name one of them")
    first = order[0][1]
    if accounts is None:
        ids = [str(x) for x in _table(first, "targets", ["account_id"])["account_id"].drop_duplicates()]
    else:
        ids = [accounts] if isinstance(accounts, str) else list(accounts)
    assets = [str(x) for x in _table(first, "targets", ["asset_id"])["asset_id"].drop_duplicates()]
    if cash not in assets:
        raise RunError(f"{first} holds no {cash!r}; say which asset is the cash")
    # The cash stands last here: it pays for what the others do.
    assets = [*(a for a in assets if a != cash), cash]
    return [_page(on, folder, ids, assets, fills) for on, folder in order], ids, assets


def _page(on: dt.date, folder: Path, ids: list[str], assets: list[str], fills: pd.DataFrame | None) -> _Page:
    targets = _table(folder, "targets", None, ids)
    if set(targets["asset_id"]) - set(assets):
        strange = sorted(set(targets["asset_id"]) - set(assets))[0]
        raise RunError(f"{folder} holds {strange!r}, which the first run does not know: attribute the two apart")
    wide = lambda name: (  # noqa: E731
        targets.pivot_table(index="account_id", columns="asset_id", values=name).reindex(ids, columns=assets).to_numpy()
    )
    weights = {name: wide(name) for name in ("current", "strategic", "tactical", "ideal", "target")}
    table = _table(folder, "accounts", None, ids).set_index("account_id").reindex(ids)
    outcome, nav = table["outcome"].to_numpy(), table["nav"].to_numpy(dtype=float)
    decided = np.isin(outcome.astype(str), _DECIDED)
    nav = np.where(np.isfinite(weights["current"]).all(1), nav, np.nan)
    decided &= np.isfinite(nav)
    # Without a tactical target nothing is believed; what is aimed at is then all held back from there.
    weights["tactical"] = np.where(np.isnan(weights["tactical"]), weights["strategic"], weights["tactical"])
    weights["phased"] = weights["ideal"]
    weights["ideal"] = weights["ideal"] + _left(_table(folder, "phases", None, ids), ids, assets)
    weights["filled"] = weights["target"] if fills is None else _filled(fills, on, ids, assets, weights)
    beliefs = _beliefs(folder, table["model_id"].astype(str).to_numpy(), ids, assets, weights)
    costs = _costs(folder, ids, assets, table["cost"].to_numpy(dtype=float), nav)
    return _Page(on, weights, decided, nav, costs, beliefs, _regime(folder), _origins(folder))


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
    trades = _table(folder, "trades", ["account_id", "asset_id", "cost"], ids)
    found = np.zeros((len(ids), len(assets)))
    if len(trades):
        wide = trades.pivot_table(index="account_id", columns="asset_id", values="cost", aggfunc="sum")
        found = wide.reindex(ids, columns=assets).fillna(0.0).to_numpy(copy=True)  # pandas hands out a read-only view
    found[:, -1] += np.nan_to_num(cost) - found.sum(1)
    return np.nan_to_num(found / nav[:, None])


def _regime(folder: Path) -> str:
    table = pd.read_parquet(folder / "signals.parquet", columns=["section", "state", "raw"])
    now = table.loc[(table["section"] == "regime") & (table["raw"] == 1.0), "state"]
    return str(now.iloc[0]) if len(now) else ""


def _origins(folder: Path) -> dict[str, Origin]:
    """Return who each belief of a run comes from."""
    views = pd.read_parquet(folder / "views.parquet", columns=["view_id", "source", "author"]).fillna("")
    found = {
        f"view {name}": Origin("view", str(author), FrozenMap({str(name): 1.0} if source == "signals" else {}))
        for name, source, author in views.itertuples(index=False, name=None)
    }
    tilts = pd.read_parquet(folder / "tilts.parquet", columns=["by", "tilt_id", "author"]).fillna("")
    for by, name, author in tilts.drop_duplicates().itertuples(index=False, name=None):
        found[f"{by}: {name}"] = Origin(str(by), str(author))
    return found


def _returns(returns: pd.DataFrame, assets: Sequence[str], cash: str) -> pd.DataFrame:
    frame = returns.sort_index()
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.index))
    if cash in assets and cash not in frame.columns:
        frame = frame.assign(**{cash: 0.0})
    missing = [a for a in assets if a not in frame.columns]
    if missing:
        raise RunError(f"the returns have no column {missing[0]!r}, which the runs hold")
    frame = frame.loc[:, list(assets)].astype(float)
    return frame


def _seal(folder: Path) -> Mapping | None:
    seal = read_seal(folder) if folder.is_dir() else None
    return seal if seal is not None and seal.get("sealed") else None


def _table(folder: Path, name: str, columns: list[str] | None, ids: list[str] | None = None) -> pd.DataFrame:
    some = None if ids is None else [("account_id", "in", ids)]
    return pd.read_parquet(table_folder(folder, name), columns=columns, filters=some)
