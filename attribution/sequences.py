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

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from ..batches.openings import open_run
from ..batches.stores import SEAL, read_seal
from ..errors import RunError
from ..units import FrozenMap, day
from .chains import STAGES, Chain, split_by_signal
from .sheets import Sheet, read_rows, read_sheet

_K = {name: k for k, name in enumerate(STAGES)}


def list_runs(folder: str | Path) -> list[Path]:
    """Return the sealed runs in a folder, or the folder itself where it is one, by their day.

    Raises
    ------
    RunError
        There is none, or one of them is not sealed: what it decided cannot be told, and leaving it out would be silent.
    """
    folder = Path(folder)
    inside = [path for path in sorted(folder.glob("*/")) if not path.name.startswith((".", "_"))]
    found = []
    for path in (folder, *inside):
        if (seal := _seal(path)) is not None:
            found.append((seal, path))
        elif _is_begun(path):
            raise RunError(f"the run in {path} is not sealed; the command that began it resumes it")
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
    _check_moves(moves, ends, assets)
    starts = np.array([pages[0].on.toordinal(), *(d.toordinal() for d in ends[:-1])])
    begins = np.array([page.on.toordinal() for page in pages])
    which = np.searchsorted(begins, starts, side="right") - 1
    weights, parts, costs, nav, apart = _walk(pages, which, moves)
    named = {k: v for page in pages for k, v in page.origins.items()}
    parts, origins = split_by_signal(parts, named, _shares([pages[k] for k in which]))
    base = None
    if reference is not None:
        base = np.tile([float(reference.get(a, 0.0)) for a in assets], (len(ends), 1))
    name = ids[0] if len(ids) == 1 else f"{len(ids):,} accounts"
    return Chain(
        name, ends, tuple(assets), weights, moves, costs=costs, nav=nav, beliefs=parts, reference=base,
        regimes=tuple(pages[k].regime for k in which),
        origins=FrozenMap(origins),
        classes=FrozenMap(classes or {}), apart=apart,
    )  # fmt: skip


def _shares(pages: Sequence[Sheet]) -> dict[str, dict[str, np.ndarray]]:
    """Return what part of each view a signal is, by the page that each period belongs to."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for k, page in enumerate(pages):
        for view, own in page.shares.items():
            for signal, share in own.items():
                found.setdefault(view, {}).setdefault(signal, np.zeros(len(pages)))[k] = share
    return found


def _walk(
    pages: Sequence[Sheet], which: np.ndarray, moves: np.ndarray
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


def _turn(page: Sheet, stages: np.ndarray, nav: np.ndarray) -> float:
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
) -> tuple[list[Sheet], list[str], list[str]]:
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
        ids = [str(x) for x in read_rows(first, "targets", ["account_id"])["account_id"].drop_duplicates()]
    else:
        ids = [accounts] if isinstance(accounts, str) else list(accounts)
    assets = [str(x) for x in read_rows(first, "targets", ["asset_id"])["asset_id"].drop_duplicates()]
    if cash not in assets:
        raise RunError(f"{first} holds no {cash!r}; say which asset is the cash")
    # The cash stands last here: it pays for what the others do.
    assets = [*(a for a in assets if a != cash), cash]
    sheets = [read_sheet(on, folder, ids, assets, fills) for on, folder in order]
    known = np.any([np.isfinite(sheet.weights["strategic"]).all(1) for sheet in sheets], axis=0)
    if accounts is not None and not known.all():
        raise RunError(f"no run holds the account {ids[int(np.argmin(known))]!r}, or all of them refused it")
    return sheets, ids, assets


def _returns(returns: pd.DataFrame, assets: Sequence[str], cash: str) -> pd.DataFrame:
    frame = returns.sort_index()
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.index))
    if cash in assets and cash not in frame.columns:
        frame = frame.assign(**{cash: 0.0})
    missing = [a for a in assets if a not in frame.columns]
    if missing:
        raise RunError(f"the returns have no column {missing[0]!r}, which the runs hold")
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise RunError(f"the returns have two rows that end on {twice[0]:%Y-%m-%d}")
    return frame.loc[:, list(assets)].astype(float)


def _check_moves(moves: np.ndarray, ends: pd.DatetimeIndex, assets: Sequence[str]) -> None:
    """Refuse a period without a return, or one in which more than everything was lost."""
    for t, i in np.argwhere(~np.isfinite(moves)):
        raise RunError(f"{assets[i]!r} has no return in the period that ends on {ends[t]:%Y-%m-%d}")
    for t, i in np.argwhere(moves < -1.0):
        raise RunError(
            f"{assets[i]!r} lost more than everything ({moves[t, i]:g}) in the period that ends on "
            f"{ends[t]:%Y-%m-%d}: returns are decimals, -0.05 for a loss of 5 %"
        )


def _seal(folder: Path) -> Mapping | None:
    seal = read_seal(folder) if folder.is_dir() else None
    return seal if seal is not None and seal.get("sealed") else None


def _is_begun(folder: Path) -> bool:
    return (folder / SEAL).exists() or any(folder.glob(".run-*"))
