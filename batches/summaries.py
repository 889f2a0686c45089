"""What a desk head wants to know of a run, read from its tables piece by piece."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from ..optimizer.solutions import Outcome
from ..units import FrozenMap, basis_points, percent
from .impacts import FLOWS, net
from .stores import whole
from .streams import Kept, stream

SUMMARY = pa.schema(
    [
        ("section", pa.string()),
        ("rank", pa.int64()),
        ("key", pa.string()),
        ("on", pa.string()),
        ("measure", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
    ]
)
_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
_LISTED = 20
"""Accounts in a list of the worst."""
_WORDINGS = 1000
"""Reasons told apart: beyond, they are counted together, so that memory stays bounded whatever the reasons say."""
_ACCOUNTS = (
    *("account_id", "outcome", "code", "reason", "nav", "turnover", "cost"),
    *("gap", "certified_te", "binding"),
)
_AMOUNT = re.compile(r"(?<![\w])[-+]?\d[\d.,]*(?:e[-+]?\d+)?")
# What an account used of a limit differs in every account; without it few texts are left to parse. Inside a JSON text a
# quote is written \" and so this never matches there.
_USED = r', "bound": [-+.\deE]+, "used": [-+.\deE]+\}'


@dataclass(frozen=True, eq=False)
class Summary:
    """A run in a page.

    Parameters
    ----------
    outcomes
        Accounts by the name of their outcome; all five, and they sum to the accounts of the run.
    money
        ``nav`` of the accounts that were not refused; ``turnover`` (one-way, summed over accounts), ``traded``,
        ``buys``, ``sells`` and ``cost``, all in money; ``orders`` and ``trading_accounts`` are counts.
    assets
        Indexed by ``asset_id``, the largest net trade first: ``orders``, ``buys``, ``sells``, ``net`` and ``cost`` over
        all accounts, in money.
    limits
        Accounts that each limit binds, the most often binding first: columns ``limit``, ``accounts``.
    places
        The same by what it binds on: columns ``limit``, ``on`` (an asset, class or group; empty for the whole
        account), ``accounts``.
    reasons
        Why accounts ended as they did: ``outcome``, ``code``, ``accounts``, and the first such account as an example,
        ``account_id`` and ``reason``. Refusals are told apart by code, other reasons by their words without amounts.
    uncertain
        The accounts whose ideal is proved least closely: ``account_id``, ``certified_te`` (decimal a year), ``gap``
        (utility a year).
    trade_gap
        Of the accounts sampled for it: how many (``sampled``), and the ``median`` and the ``largest`` amount by which
        their trades, as turnover and what each trade is worth, are above what none could be below; decimals of NAV.
    slowest
        The accounts that took longest: ``account_id``, ``seconds``. The one part that differs between two runs of the
        same inputs, so it is not in the frame.
    """

    outcomes: Mapping[str, int]
    money: Mapping[str, float]
    assets: pd.DataFrame
    limits: pd.DataFrame
    places: pd.DataFrame
    reasons: pd.DataFrame
    uncertain: pd.DataFrame
    trade_gap: Mapping[str, float]
    slowest: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return it in long form, as ``summary.parquet`` holds it: a row a figure.

        ``section`` is outcomes, money, trade_gap, assets, limits, places, reasons or uncertain; ``rank`` counts from 1;
        ``key`` (and ``on``: what a limit binds on, the code of a reason) says what the figure is of; ``measure`` names
        it; a number stands in ``value``, words in ``text``.
        """
        rows: list[tuple[Any, ...]]
        rows = [("outcomes", i, name, "", "accounts", n, "") for i, (name, n) in enumerate(self.outcomes.items(), 1)]
        rows += [("money", i, name, "", "total", x, "") for i, (name, x) in enumerate(self.money.items(), 1)]
        rows += [("trade_gap", i, name, "", "all", x, "") for i, (name, x) in enumerate(self.trade_gap.items(), 1)]
        for section, frame, key, on in (
            ("assets", self.assets.reset_index(), "asset_id", None),
            ("limits", self.limits, "limit", None),
            ("places", self.places, "limit", "on"),
            ("reasons", self.reasons, "outcome", "code"),
            ("uncertain", self.uncertain, "account_id", None),
        ):
            measures = [c for c in frame.columns if c not in (key, on)]
            for rank, row in enumerate(frame.to_dict("records"), 1):
                place = (section, rank, row[key], row[on] if on else "")
                for name in measures:
                    words = isinstance(row[name], str)
                    rows.append((*place, name, None if words else row[name], row[name] if words else ""))
        frame = pd.DataFrame(rows, columns=SUMMARY.names)
        return frame.astype({"value": float, "rank": np.int64})

    def __str__(self) -> str:
        """Return it in a few lines."""
        money = self.money
        ended = ", ".join(f"{n:,} {name}" for name, n in self.outcomes.items() if n)
        lines = [f"{sum(self.outcomes.values()):,} accounts: {ended or 'none'}"]
        if money["orders"]:
            lines.append(
                f"{money['orders']:,} trades in {money['trading_accounts']:,} accounts: {money['traded']:,.0f} traded "
                f"of {money['nav']:,.0f}, one-way turnover {percent(self.share('turnover'))}, "
                f"at a cost of {money['cost']:,.0f} ({basis_points(self.share('cost'), 2)})"
            )
        else:
            lines.append("no trades")
        lines += [
            f"{'bought' if row['net'] >= 0 else 'sold'} net {abs(row['net']):,.0f} of {row['asset_id']}"
            for row in self.assets.head(3).reset_index().to_dict("records")
        ]
        for row in self.limits.to_dict("records")[:3]:
            lines.append(
                f"{row['limit']} binds {row['accounts']:,} {'account' if row['accounts'] == 1 else 'accounts'}"
            )
        return "\n".join(lines)

    def share(self, amount: str) -> float:
        """Return an amount of ``money`` as a decimal of NAV, 0 where there is none."""
        return self.money[amount] / self.money["nav"] if self.money["nav"] > 0 else 0.0


def summarise(run: Kept) -> Summary:
    """Sum up a run from its tables; memory does not grow with the accounts.

    Parameters
    ----------
    run
        A run, or anything with the ``path`` of a folder that holds a run's accounts, trades and timings.

    Raises
    ------
    RunError
        A table is missing or damaged.
    """
    read = _Accounts()
    for table in stream(run.path, "accounts", _ACCOUNTS):
        read.add(table)
    flows = net(stream(run.path, "trades", FLOWS))
    assets = flows.assets
    order = np.argsort(-np.abs(assets["net"].to_numpy()), kind="stable")
    bought, sold, orders = (assets[name].to_numpy().sum() for name in ("buys", "sells", "orders"))
    money = {
        **read.money,
        "traded": float(bought + sold),
        "buys": float(bought),
        "sells": float(sold),
        "orders": int(orders),
        "trading_accounts": flows.accounts,
    }
    slowest = pd.DataFrame({"account_id": pd.Series(dtype="str"), "seconds": pd.Series(dtype=float)})
    gaps = []
    for table in stream(run.path, "timings", [*slowest.columns, "trade_gap"]):
        slowest = _worst(slowest, table.select(list(slowest.columns)), "seconds")
        gaps.append(table["trade_gap"].drop_null().to_numpy())
    return Summary(
        outcomes=FrozenMap({outcome.name: read.outcomes[outcome.name] for outcome in Outcome}),
        money=FrozenMap(money),
        assets=assets.iloc[order],
        limits=_ranked({(name,): n for name, n in read.limits.items()}, ["limit"]),
        places=_ranked(read.places, ["limit", "on"]),
        reasons=read.frame_of_reasons(),
        uncertain=read.uncertain,
        trade_gap=_spread(np.concatenate([*gaps, np.zeros(0)])),
        slowest=slowest,
    )


def _spread(gaps: np.ndarray) -> FrozenMap:
    if not len(gaps):
        return FrozenMap({"sampled": 0})
    return FrozenMap({"sampled": len(gaps), "median": float(np.median(gaps)), "largest": float(gaps.max())})


def write_summary(folder: Path, summary: Summary) -> None:
    """Write ``summary.parquet`` into a run's folder, whole or not at all."""
    table = pa.Table.from_pandas(summary.to_frame(), SUMMARY, preserve_index=False).replace_schema_metadata()
    with whole(folder, "summary.parquet") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True, store_schema=True)


class _Accounts:
    """The accounts read so far, as counts and sums."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.money: dict[str, float] = dict.fromkeys(("nav", "turnover", "cost"), 0.0)
        self.limits: Counter[str] = Counter()
        self.places: Counter[tuple[str, str]] = Counter()
        self.reasons: dict[tuple[str, str, str], list] = {}  # count, first account, its reason
        self.uncertain = pd.DataFrame(
            {"account_id": pd.Series(dtype="str"), **dict.fromkeys(("certified_te", "gap"), pd.Series(dtype=float))}
        )

    def add(self, table: pa.Table) -> None:
        """Take a piece of the accounts table in."""
        nav, turnover, cost = (
            _pc.fill_null(table[name], 0.0).to_numpy() for name in ("nav", "turnover", "cost")
        )  # null: refused
        for name, amount in (("nav", nav), ("turnover", turnover * nav), ("cost", cost)):
            self.money[name] += float(amount.sum())
        for outcome, code, reason, example, n in _alike(table):
            self.outcomes[outcome] += n
            self._count_reason(outcome, code, reason, example, n)
        for bound, n in _bindings(table["binding"]):
            self.limits.update(dict.fromkeys({limit for limit, _ in bound}, n))
            self.places.update(dict.fromkeys(bound, n))
        self.uncertain = _worst(self.uncertain, table.select(["account_id", "certified_te", "gap"]), "certified_te")

    def _count_reason(self, outcome: str, code: str, reason: str, example: str, n: int) -> None:
        # A refusal has a code for its kind; the words of any other reason are its kind, whatever the amounts.
        words = "" if outcome == Outcome.QUARANTINED.name else _AMOUNT.sub("#", reason)
        key = (outcome, code, words)
        if key not in self.reasons and len(self.reasons) >= _WORDINGS:
            key, reason = (outcome, code, "..."), "other reasons"
        self.reasons.setdefault(key, [0, example, reason])[0] += n

    def frame_of_reasons(self) -> pd.DataFrame:
        """Return the reasons by outcome in its order, the most frequent first."""
        order = [outcome.name for outcome in Outcome]
        rows: list[Any] = [(outcome, code, *found) for (outcome, code, _), found in self.reasons.items()]
        rows.sort(key=lambda row: (order.index(row[0]), -row[2]))
        return pd.DataFrame(rows, columns=["outcome", "code", "accounts", "account_id", "reason"])


def _alike(table: pa.Table) -> Iterator[tuple[str, str, str, str, int]]:
    """Walk the accounts that ended in the same words: outcome, code, reason, the first one's id, how many."""
    keys = ["outcome", "code", "reason"]
    alike = table.group_by(keys, use_threads=False).aggregate([("account_id", "first"), ("account_id", "count")])
    columns = (*keys, "account_id_first", "account_id_count")
    yield from zip(*(alike[column].to_pylist() for column in columns), strict=True)


def _bindings(texts: pa.ChunkedArray) -> Iterator[tuple[set[tuple[str, str]], int]]:
    """Walk the sets of (limit, on) that bind some accounts, with how many those are."""
    plain = _pc.replace_substring_regex(texts.drop_null(), _USED, "}")
    for entry in _pc.value_counts(plain.combine_chunks()).to_pylist():
        if bound := {(each["limit"], each.get("on") or "") for each in json.loads(entry["values"])}:
            yield bound, entry["counts"]


def _worst(known: pd.DataFrame, table: pa.Table, by: str) -> pd.DataFrame:
    """Return the accounts with the largest numbers of those known and more; the first of equals."""
    table = table.filter(_pc.is_finite(table[by]))  # null: refused, unsolved, not provable
    value = table[by].to_numpy()
    if len(value) > _LISTED:
        # Everything as large as the twentieth largest, in the table's order, so that ties are decided by it.
        table = table.filter(pa.array(value >= np.partition(value, -_LISTED)[-_LISTED]))
    found = pd.concat([known, table.to_pandas()[list(known.columns)]], ignore_index=True)
    return found.sort_values(by, ascending=False, kind="stable").head(_LISTED).reset_index(drop=True)


def _ranked(counts: Mapping[tuple[str, ...], int], names: list[str]) -> pd.DataFrame:
    """Return counts of accounts as a frame, the most first, then by name."""
    rows = sorted(((*key, n) for key, n in counts.items()), key=lambda row: (-row[-1], row[:-1]))
    return pd.DataFrame(rows, columns=[*names, "accounts"])
