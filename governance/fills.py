"""What became of orders: fills come in as a table, are checked against released trades and are recorded once.

A fill names its trade; the trade names account, asset and side. What was filled makes `history`, what was not makes
`orders`. A table may be sent again, whole or with more rows: rows that are recorded already (the same ``trade_id`` and
``fill_id``) are nothing new, unless they say something else.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from ..batches.columns import days, numbers, texts
from ..batches.tables import Table, read_table
from ..errors import BookError
from .deliveries import Released, released_runs
from .entries import Draft, Entry
from .ledgers import Ledger, append, read
from .sealings import parquet_bytes, rows_of
from .snapshots import Store, fetch, put

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
KIND = "fill"
FILLED, CANCELLED = "filled", "cancelled"
SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("trade_id", "fill_id", "status", "run_id", "account_id", "asset_id", "side")
        ),
        *((name, pa.float64()) for name in ("quantity", "price", "cost", "weight", "ordered")),
        ("date", pa.date32()),
    ]
)
"""A recorded fill: quantity, price, cost positive; ``weight`` signed, decimal of the NAV on the day of the decision."""
_SLACK = 1e-9
"""Relative: fills that sum to an order may miss it by rounding."""


@dataclass(frozen=True)
class Recorded:
    """What came of a table of fills: rows that are new, rows that stood already, the entry, if any."""

    new: int
    again: int
    entry: Entry | None


def record_fills(ledger: Ledger, store: Store, path: str | Path, actor: str) -> Recorded:
    """Record a table of fills, all of it or nothing.

    Parameters
    ----------
    path
        CSV or Parquet: **trade_id**, **quantity** (units, positive), **price**, cost (money), date (default: the run's
        day), fill_id (names one of several fills of a trade), status (``filled``, or ``cancelled`` with quantity 0:
        what is left of the order will not come).
    actor
        Who says so.

    Raises
    ------
    BookError
        A cell that cannot be read, a trade nobody released, more than was ordered, a fill that was recorded otherwise.
    """
    table = read_table("fills", Path(path))
    if not len(table):
        return Recorded(0, 0, None)
    known = all_fills(ledger, store)
    rows = _checked(table, _trades(store, released_runs(ledger, store, withdrawn=True), texts(table, "trade_id")))
    fresh = _fresh(table, rows, known)
    _check_sums(table, rows, fresh, known)
    new = rows.filter(pa.array(fresh))
    if not len(new):
        return Recorded(0, len(rows), None)
    digest = put(store, parquet_bytes(new))
    body = {"rows": len(new), "fills": digest}
    # Two who send the same table at the same moment make one entry each; folding counts every fill once.
    entry = append(ledger, [Draft(actor, KIND, f"fills/{digest}", body, digest)])[0]
    return Recorded(len(new), len(rows) - len(new), entry)


def all_fills(ledger: Ledger, store: Store) -> pa.Table:
    """Return every recorded fill once, the first of each trade and fill id, in the order of the ledger."""
    digests = [str(e.body["fills"]) for e in read(ledger, kind=KIND)]
    pieces = (pq.read_table(io.BytesIO(fetch(store, digest))).cast(SCHEMA) for digest in digests)
    whole = pa.concat_tables([SCHEMA.empty_table(), *pieces])
    seen: set[tuple[str, str]] = set()
    keys = list(zip(whole["trade_id"].to_pylist(), whole["fill_id"].to_pylist(), strict=True))
    first = [not (key in seen or seen.add(key)) for key in keys]
    return whole.filter(pa.array(first, pa.bool_()))


def _trades(store: Store, runs: list[Released], wanted: list[str]) -> dict[str, dict[str, Any]]:
    """Return the released trades of some ids, with the NAV of their accounts; the newest run first."""
    found: dict[str, dict[str, Any]] = {}
    left = set(wanted)
    for one in reversed(runs):
        trades = rows_of(store, one.sealed, "trades", ["trade_id", "account_id", "asset_id", "side", "quantity"])
        own = one.keep(trades.filter(_pc.is_in(trades["trade_id"], pa.array(sorted(left), pa.string()))))
        if not len(own):
            continue
        accounts = rows_of(store, one.sealed, "accounts", ["account_id", "nav"])
        accounts = accounts.filter(_pc.is_in(accounts["account_id"], own["account_id"].combine_chunks()))
        worth = dict(zip(accounts["account_id"].to_pylist(), accounts["nav"].to_pylist(), strict=True))
        for row in own.to_pylist():
            found[row["trade_id"]] = row | {"nav": worth[row["account_id"]], "run": one.sealed.run_id, "on": one.on}
            left.discard(row["trade_id"])
    return found


def _checked(table: Table, trades: dict[str, dict[str, Any]]) -> pa.Table:
    """Return the rows with what their trades say; raise ``BookError`` for the first that cannot be used."""
    (quantity, no_quantity), (price, no_price), (cost, no_cost) = (
        numbers(table, "quantity"),
        numbers(table, "price"),
        numbers(table, "cost", 0.0),
    )
    (when, no_day), ids, names = days(table, "date"), texts(table, "trade_id"), texts(table, "fill_id")
    states = [state or FILLED for state in texts(table, "status")]
    unknown = np.array([name not in trades for name in ids])
    gone = np.array([state == CANCELLED for state in states])
    odd = np.array([state not in (FILLED, CANCELLED) for state in states])
    for mask, column, code, words, mend in (
        (unknown, "trade_id", "UNKNOWN_TRADE", "is the id of no released trade", "send fills of released runs alone"),
        (odd, "status", "BAD_STATUS", "is no status of a fill", f"{FILLED} or {CANCELLED}"),
        (no_quantity | ~gone & ~(quantity > 0) | gone & (quantity != 0), "quantity", "BAD_QUANTITY",
         "is no quantity", "units above 0; the side is the trade's; 0 of what is cancelled"),
        (no_price | ~gone & ~(price > 0), "price", "BAD_PRICE", "is no price", "money a unit, above 0"),
        (no_cost | ~(cost >= 0), "cost", "BAD_COST", "is no cost", "money, not negative"),
        (no_day, "date", "BAD_DATE", "is no day", "an ISO date like 2016-12-30"),
    ):  # fmt: skip
        _refuse(table, mask, column, code, words, mend)
    own = [trades[name] for name in ids]
    sign = np.array([1.0 if row["side"] == "buy" else -1.0 for row in own])
    nav = np.array([row["nav"] for row in own])
    columns = {
        "trade_id": ids, "fill_id": names, "status": states, "quantity": quantity, "price": price, "cost": cost,
        "run_id": [row["run"] for row in own], "account_id": [row["account_id"] for row in own],
        "asset_id": [row["asset_id"] for row in own], "side": [row["side"] for row in own],
        "weight": sign * quantity * price / nav, "ordered": [row["quantity"] for row in own],
        "date": [day or row["on"] for day, row in zip(when, own, strict=True)],
    }  # fmt: skip
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)


def _refuse(table: Table, mask: np.ndarray, column: str, code: str, words: str, mend: str) -> None:
    for row in np.flatnonzero(mask)[:1].tolist():
        value = str(table.data[column][row].as_py())[:40]
        raise BookError(
            f"{value!r} {words} ({table.place(row)})", code=code, table="fills", field=column, value=value, mend=mend
        )


def _fresh(table: Table, rows: pa.Table, known: pa.Table) -> np.ndarray:
    """Mark the rows that are new; raise ``BookError`` where one says otherwise than what stands, or stands twice."""
    key = ("trade_id", "fill_id")
    told = ("status", "quantity", "price", "cost", "date")
    standing = {tuple(row[k] for k in key): tuple(row[t] for t in told) for row in known.to_pylist()}
    seen: set[tuple] = set()
    fresh, twice, other = (np.zeros(len(rows), dtype=bool) for _ in range(3))
    for i, row in enumerate(rows.to_pylist()):
        name = tuple(row[k] for k in key)
        fresh[i] = name not in standing
        other[i] = not fresh[i] and standing[name] != tuple(row[t] for t in told)
        twice[i] = name in seen
        seen.add(name)
    mend = "give each fill of a trade its own fill_id"
    _refuse(table, twice, "trade_id", "FILL_TWICE", "has two rows of one fill_id", mend)
    _refuse(table, other, "trade_id", "FILL_CHANGED", "was recorded with other numbers", mend)
    return fresh


def _check_sums(table: Table, rows: pa.Table, fresh: np.ndarray, known: pa.Table) -> None:
    """Refuse more than was ordered, and what comes after the rest was cancelled."""
    total: dict[str, float] = {}
    closed = set()
    for row in known.to_pylist():
        total[row["trade_id"]] = total.get(row["trade_id"], 0.0) + row["quantity"]
        closed |= {row["trade_id"]} if row["status"] == CANCELLED else set()
    over, late = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for i, row in enumerate(rows.to_pylist()):
        if fresh[i]:
            name = row["trade_id"]
            late[i] = name in closed
            total[name] = total.get(name, 0.0) + row["quantity"]
            over[i] = total[name] > row["ordered"] * (1 + _SLACK)
    _refuse(table, late, "trade_id", "CANCELLED", "was cancelled before", "ask the broker which is so")
    _refuse(table, over, "quantity", "OVERFILLED", "makes more than was ordered", "ask the broker which is so")


def open_orders(trades: pa.Table, fills: pa.Table) -> pa.Table:
    """Return what is left of trades as the ``orders`` table of a book.

    Parameters
    ----------
    trades
        Of released runs: trade_id, account_id, asset_id, side, quantity.
    fills
        Of `all_fills`.
    """
    sums = fills.group_by("trade_id", use_threads=False).aggregate([("quantity", "sum")])
    at = _pc.index_in(trades["trade_id"], value_set=sums["trade_id"].combine_chunks())
    filled = _pc.fill_null(sums["quantity_sum"].combine_chunks().take(at.combine_chunks()), 0.0)
    closed = fills.filter(_pc.equal(fills["status"], CANCELLED))["trade_id"].combine_chunks()
    left = _pc.subtract(trades["quantity"].combine_chunks(), filled)
    is_open = _pc.and_(
        _pc.greater(left, _pc.multiply(trades["quantity"].combine_chunks(), _SLACK)),
        _pc.invert(_pc.is_in(trades["trade_id"].combine_chunks(), closed)),
    )
    signed = _pc.if_else(_pc.equal(trades["side"].combine_chunks(), "buy"), left, _pc.negate(left))
    columns = {
        "account_id": trades["account_id"], "asset_id": trades["asset_id"], "quantity": signed,
        "status": pa.array(["open"] * len(trades), pa.string()), "trade_id": trades["trade_id"],
    }  # fmt: skip
    return pa.table(columns, schema=ORDERS).filter(is_open)


ORDERS = pa.schema(
    [(name, pa.float64() if name == "quantity" else pa.string())
     for name in ("account_id", "asset_id", "quantity", "status", "trade_id")]
)  # fmt: skip


def history_of(fills: pa.Table) -> pa.Table:
    """Return fills as the ``history`` table of a book: signed weight by account, asset and day."""
    done = fills.filter(_pc.equal(fills["status"], FILLED)).select(["account_id", "asset_id", "date", "weight"])
    keys = ["account_id", "asset_id", "date"]
    summed = done.group_by(keys, use_threads=False).aggregate([("weight", "sum")])
    named = summed.select([*keys, "weight_sum"]).rename_columns([*keys, "weight"])
    return named.sort_by([(key, "ascending") for key in keys])
