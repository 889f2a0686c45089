"""The shape of a run: how its accounts are spread, where they stand on average, who deserves a look.

A million accounts are read piece by piece and kept as counts on a fixed grid, sums by asset and lists of a bounded
length, so that memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from ..optimizer.certificates import CERTAIN
from ..optimizer.solutions import Outcome
from ..units import FrozenMap
from .spreads import Spread
from .streams import ROWS, Kept, stream

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
MEASURES = ("tracking_error", "active_share", "turnover", "cost", "expected_gain")
STANDS = ("current", "strategic", "tactical", "target")
_SHOWN = (
    "account_id", "model_id", "outcome", "nav", "turnover", "tracking_error", "cost", "certified_te", "code", "reason",
)  # fmt: skip
_ORDERS = ("account_id", "asset_id", "side", "value", "weight", "cost", "reason")
_ENDED = ((Outcome.UNSOLVED, 150), (Outcome.QUARANTINED, 150), (Outcome.RELAXED, 80))
"""How many accounts of an outcome are listed at most, the first of the run."""
_WORST = (
    ("turnover", 0.0, "largest turnover"),
    ("tracking_error", 0.0, "largest tracking error"),
    ("certified_te", CERTAIN, "least certain proof"),
)
"""Figures of which the largest are listed, above what they are, and the words for it."""
_EACH = 40
_TRADES = 200
_WORDINGS = 2000
"""Reasons of trades told apart; those that come later are counted together, so that memory stays bounded."""
_OTHERS = "other reasons"


@dataclass(frozen=True, eq=False)
class Profile:
    """The shape of a run.

    Parameters
    ----------
    spreads
        By :data:`MEASURES`: how the decided accounts are spread. Annual decimals (tracking error, expected gain),
        decimals of NAV (turnover, cost), half the sum of active weights (active share).
    averages
        Indexed by ``asset_id``: the mean over accounts of each of :data:`STANDS`, each account counting the same.
    models
        Indexed by ``model_id``: ``accounts``, ``nav``, and a count for each outcome.
    reasons
        ``reason`` (what pulls a trade most), ``orders``, ``value`` (money), the most money first.
    trades
        The largest trades by money: the columns of ``trades`` without its id.
    accounts
        Those that deserve a look, ``because`` says why, at most 500; each once.
    listed
        How many accounts each kind of ``because`` has in the run, where it is more than are listed.
    """

    spreads: Mapping[str, Spread]
    averages: pd.DataFrame
    models: pd.DataFrame
    reasons: pd.DataFrame
    trades: pd.DataFrame
    accounts: pd.DataFrame
    listed: Mapping[str, int]


def profile(run: Kept, *, rows: int = ROWS) -> Profile:
    """Read the shape of a run from its tables; memory does not grow with the accounts.

    Parameters
    ----------
    run
        A run, or anything with the ``path`` of a folder that holds a run's accounts, targets and trades.
    rows
        How many rows are read at a time.

    Raises
    ------
    RunError
        A table is missing or damaged.
    """
    accounts, targets, trades = _Accounts(), _Targets(), _Trades()
    for piece in stream(run.path, "accounts", [*_SHOWN, "expected_gain"], rows):
        accounts.add(piece)
    for piece in stream(run.path, "targets", ["account_id", "asset_id", *STANDS], rows):
        targets.add(piece)
    for piece in stream(run.path, "trades", _ORDERS, rows):
        trades.add(piece)
    spreads = {**accounts.spreads, "active_share": targets.close()}
    ended = accounts.ended
    return Profile(
        FrozenMap({name: spreads[name] for name in MEASURES}),
        targets.averages(),
        accounts.frame_of_models(),
        trades.frame_of_reasons(),
        trades.largest,
        accounts.noteworthy(),
        FrozenMap({outcome.name: ended[outcome.name] for outcome, most in _ENDED if ended[outcome.name] > most}),
    )


class _Accounts:
    """The accounts read so far."""

    def __init__(self) -> None:
        self.spreads = {name: Spread() for name in MEASURES if name != "active_share"}
        self.ended = dict.fromkeys((outcome.name for outcome in Outcome), 0)
        self.models: dict[str, np.ndarray] = {}
        self.first: dict[str, list[pd.DataFrame]] = {outcome.name: [] for outcome, _ in _ENDED}
        self.worst: dict[str, pd.DataFrame | None] = {name: None for name, _, _ in _WORST}

    def add(self, piece: pa.Table) -> None:
        """Take a piece of the accounts table in."""
        nav = piece["nav"].to_numpy()
        for name, spread in self.spreads.items():
            values = piece[name].to_numpy()
            if name == "cost":  # money, but a decimal of what it is the cost for
                values = np.divide(values, nav, out=np.full(len(nav), np.nan), where=nav > 0)
            spread.add(values)
        self._count_models(piece, np.nan_to_num(nav))
        for outcome, most in _ENDED:
            own = piece.filter(_pc.equal(piece["outcome"], outcome.name)).select(list(_SHOWN))
            kept = self.first[outcome.name]
            if (left := most - sum(map(len, kept))) > 0 and len(own):
                kept.append(own.slice(0, left).to_pandas())
        for name, above, _ in _WORST:
            self.worst[name] = _largest(self.worst[name], piece.select(list(_SHOWN)), name, _EACH, above)

    def _count_models(self, piece: pa.Table, nav: np.ndarray) -> None:
        names = [outcome.name for outcome in Outcome]
        codes = piece["model_id"].combine_chunks().dictionary_encode()
        outcomes = _pc.index_in(piece["outcome"], pa.array(names)).to_numpy()
        models = _pc.fill_null(codes.indices, len(codes.dictionary)).to_numpy()
        size = len(codes.dictionary) + 1  # the last one: who named none
        counts = np.zeros((size, len(names) + 1))
        np.add.at(counts, (models, outcomes + 1), 1.0)
        counts[:, 0] = np.bincount(models, nav, size)
        for name, own in zip([*codes.dictionary.to_pylist(), ""], counts, strict=True):
            if own.any():
                self.models[name] = self.models.get(name, 0.0) + own
        for name, n in zip(names, counts[:, 1:].sum(axis=0), strict=True):
            self.ended[name] += int(n)

    def frame_of_models(self) -> pd.DataFrame:
        """Return what the accounts of each model are worth and how they ended, the largest first."""
        names = [outcome.name for outcome in Outcome]
        rows = {name: [own[1:].sum(), *own] for name, own in self.models.items()}
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=["accounts", "nav", *names])
        frame = frame.rename_axis("model_id").sort_values("nav", ascending=False, kind="stable")
        return frame.astype(dict.fromkeys(["accounts", *names], np.int64))

    def noteworthy(self) -> pd.DataFrame:
        """Return who deserves a look, each account once, with all that it is listed for."""
        found = [(outcome, pd.concat(own)) for outcome, own in self.first.items() if own]
        worst = [(why, self.worst[name]) for name, _, why in _WORST]
        found += [(why, own) for why, own in worst if own is not None]
        if not found:
            return pd.DataFrame(columns=["account_id", "because", *_SHOWN[1:]])
        rows = pd.concat([own.assign(because=why) for why, own in found], ignore_index=True)
        why = rows.groupby("account_id", sort=False)["because"].agg(", ".join)
        rows = rows.drop_duplicates("account_id").set_index("account_id").assign(because=why)
        return rows.reset_index().reindex(columns=["account_id", "because", *_SHOWN[1:]])


class _Targets:
    """The targets read so far; the rows of an account stand together, and may go on in the next piece."""

    def __init__(self) -> None:
        self.sums: dict[str, np.ndarray] = {}
        self.spread = Spread()
        self.last: tuple[str | None, float] = (None, 0.0)

    def add(self, piece: pa.Table) -> None:
        """Take a piece of the targets table in."""
        if not len(piece):
            return
        values = np.stack([piece[name].to_numpy() for name in STANDS], axis=1)
        codes = piece["asset_id"].combine_chunks().dictionary_encode()
        which, names = codes.indices.to_numpy(), codes.dictionary.to_pylist()
        known = np.isfinite(values)
        for k, column in enumerate(np.where(known, values, 0.0).T):
            for name, total, n in zip(
                names,
                np.bincount(which, column, len(names)),
                np.bincount(which, known[:, k], len(names)),
                strict=True,
            ):
                self.sums.setdefault(name, np.zeros((len(STANDS), 2)))[k] += (total, n)
        self._add_shares(piece["account_id"], 0.5 * np.abs(values[:, 3] - values[:, 1]))

    def _add_shares(self, ids: pa.ChunkedArray, active: np.ndarray) -> None:
        runs = _pc.run_end_encode(ids.combine_chunks())
        starts = np.concatenate([[0], runs.run_ends.to_numpy()[:-1]])
        shares = np.add.reduceat(active, starts)
        owner, begun = self.last
        if runs.values[0].as_py() == owner:
            shares[0] += begun
        elif owner is not None:
            self.spread.add(np.array([begun]))
        self.spread.add(shares[:-1])
        self.last = (runs.values[-1].as_py(), float(shares[-1]))

    def close(self) -> Spread:
        """Return how active shares are spread, the last account's too."""
        owner, begun = self.last
        if owner is not None:
            self.spread.add(np.array([begun]))
        self.last = (None, 0.0)
        return self.spread

    def averages(self) -> pd.DataFrame:
        """Return the mean weights by asset, in the order of the table."""
        means = {name: own[:, 0] / np.maximum(own[:, 1], 1.0) for name, own in self.sums.items()}
        return pd.DataFrame.from_dict(means, orient="index", columns=list(STANDS)).rename_axis("asset_id")


class _Trades:
    """The trades read so far."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[float]] = {}
        self.kept: pd.DataFrame | None = None

    def add(self, piece: pa.Table) -> None:
        """Take a piece of the trades table in."""
        alike = piece.group_by("reason", use_threads=False).aggregate([("value", "sum"), ("value", "count")])
        for reason, value, n in zip(*(alike[c].to_pylist() for c in alike.column_names), strict=True):
            pulled = (reason or "").partition("; ")[0]
            known = pulled in self.reasons or len(self.reasons) < _WORDINGS
            own = self.reasons.setdefault(pulled if known else _OTHERS, [0.0, 0.0])
            own[0] += n
            own[1] += value or 0.0
        self.kept = _largest(self.kept, piece, "value", _TRADES)

    @property
    def largest(self) -> pd.DataFrame:
        """The largest trades."""
        return pd.DataFrame() if self.kept is None else self.kept

    def frame_of_reasons(self) -> pd.DataFrame:
        """Return what pulls trades, the most money first."""
        rows = sorted(((name, int(n), value) for name, (n, value) in self.reasons.items()), key=lambda r: -r[2])
        return pd.DataFrame(rows, columns=["reason", "orders", "value"])


def _largest(known: pd.DataFrame | None, piece: pa.Table, by: str, most: int, above: float = 0.0) -> pd.DataFrame:
    """Return the rows with the largest numbers of those known and more; the first of equals, nothing for nothing."""
    piece = piece.filter(_pc.and_(_pc.is_finite(piece[by]), _pc.greater(piece[by], above)))
    values = piece[by].to_numpy()
    if len(values) > most:
        piece = piece.filter(pa.array(values >= np.partition(values, -most)[-most]))
    found = piece.to_pandas() if known is None else pd.concat([known, piece.to_pandas()], ignore_index=True)
    return found.sort_values(by, ascending=False, kind="stable").head(most).reset_index(drop=True)
