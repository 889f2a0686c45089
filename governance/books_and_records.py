"""What a supervisor asks for, by account and period: orders with who, when and why; executions; the acts behind them.

Three tables, one question each. ``orders``: what was decided, who recommended it, who agreed, who let it go, on which
grounds. ``executions``: what came of it. ``acts``: every entry of the ledger that the orders rest on, in its order.
`docs/governance/records.md` says which field of SEC Rule 204-2 and of MiFID II each column is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..batches.exports import write_csvs
from .deliveries import Released, released_runs
from .entries import Entry, stamp
from .fills import all_fills
from .keyrings import keyring
from .ledgers import Ledger, read
from .sealings import rows_of, run_json
from .snapshots import Store

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
_TEXT, _NUMBER, _DAY, _COUNT = pa.string(), pa.float64(), pa.date32(), pa.int64()


def _schema(**columns: str) -> pa.Schema:
    kinds = {"t": _TEXT, "n": _NUMBER, "d": _DAY, "i": _COUNT}
    return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])


ORDERS = _schema(
    account_id="t", model_id="t", trade_id="t", asset_id="t", side="t", quantity="n", value="n", weight="n",
    decided_on="d", decided_at="t", outcome="t", reason="t", views="t",
    recommended_by="t", recommended_at="t", because="t", approved_by="t", approved_at="t", approved_because="t",
    released_by="t", released_at="t", status="t", discretionary="t",
    run_id="t", run_version="t", policy_version="t", book_version="t", program="t", release_entry="i",
)  # fmt: skip
EXECUTIONS = _schema(
    account_id="t", trade_id="t", fill_id="t", asset_id="t", side="t", executed_on="d", quantity="n", price="n",
    cost="n", status="t", run_id="t",
)  # fmt: skip
ACTS = _schema(
    sequence="i", at="t", actor="t", act="t", subject="t", version="t", because="t", signed="t", digest="t",
    previous="t",
)  # fmt: skip
SCHEMAS: Mapping[str, pa.Schema] = {"orders": ORDERS, "executions": EXECUTIONS, "acts": ACTS}


def collect_records(
    ledger: Ledger,
    store: Store,
    *,
    accounts: Collection[str] = (),
    since: dt.date = dt.date.min,
    until: dt.date = dt.date.max,
) -> Mapping[str, pa.Table]:
    """Return the three tables of some accounts and a period.

    Parameters
    ----------
    ledger, store
        Where the runs were sealed and released.
    accounts
        Their ids; all by default.
    since, until
        Days of decision, of execution and of acts, both ends included.

    Returns
    -------
    mapping of str to pyarrow.Table
        ``orders``, ``executions``, ``acts``, with the columns of `SCHEMAS`.
    """
    runs = [one for one in released_runs(ledger, store, withdrawn=True) if since <= one.on <= until]
    grounds = {one.sealed.subject for one in runs}
    versions = {digest for one in runs for digest in _read_by(store, one)}
    everything = list(read(ledger))
    ring = keyring(ledger, everything)
    acts = [e for e in everything if e.subject in grounds or e.version in versions]
    signed = {e.sequence: ring.vouches(e) for e in acts}
    counted = [e for e in acts if signed[e.sequence] is not False]
    orders = [row for one in runs for row in _orders(store, one, counted, accounts)]
    return {
        "orders": pa.Table.from_pylist(orders, ORDERS),
        "executions": _executions(all_fills(ledger, store), accounts, since, until),
        "acts": pa.Table.from_pylist([_act(e, signed[e.sequence]) for e in acts], ACTS),
    }


def _read_by(store: Store, one: Released) -> set[str]:
    """Return the SHA-256 of what a run was made from and people approved: its policy, its tables of opinions."""
    book = run_json(store, one.sealed).get("inputs", {}).get("book", {})
    return {str(one.sealed.entry.body["policy"])}.union(*(book.get(name, ()) for name in ("views", "tilts")))


def export_records(tables: Mapping[str, pa.Table], folder: str | Path) -> tuple[Path, ...]:
    """Write the tables as CSV that no spreadsheet runs, all or none; raise ``RunError`` where a file is in the way."""
    return write_csvs(folder, tables)


def _executions(fills: pa.Table, accounts: Collection[str], since: dt.date, until: dt.date) -> pa.Table:
    keep = _pc.and_(_pc.greater_equal(fills["date"], pa.scalar(since)), _pc.less_equal(fills["date"], pa.scalar(until)))
    if accounts:
        keep = _pc.and_(keep, _pc.is_in(fills["account_id"], pa.array(sorted(accounts), _TEXT)))
    found = fills.filter(keep)
    return found.rename_columns(["executed_on" if name == "date" else name for name in found.column_names]).select(
        EXECUTIONS.names
    )


def _orders(store: Store, one: Released, acts: Sequence[Entry], accounts: Collection[str]) -> list[dict[str, Any]]:
    """Return the orders of a run, each with what the ledger says about the run."""
    told = _told(store, one, acts)
    trades, decided = rows_of(store, one.sealed, "trades"), rows_of(store, one.sealed, "accounts")
    if accounts:
        wanted = pa.array(sorted(accounts), _TEXT)
        trades = trades.filter(_pc.is_in(trades["account_id"], wanted))
        decided = decided.filter(_pc.is_in(decided["account_id"], wanted))
    of = {row["account_id"]: row for row in decided.select(["account_id", "model_id", "outcome"]).to_pylist()}
    signs = run_json(store, one.sealed)["views"]
    kept = set(one.keep(trades)["trade_id"].to_pylist())
    rows = []
    for trade in trades.to_pylist():
        own = of[trade["account_id"]]
        held = {} if trade["trade_id"] in kept else {"status": "held", "released_by": "", "released_at": ""}
        rows.append({**trade, **own, "views": signs.get(own["model_id"], ""), **told, **held})
    return rows


def _told(store: Store, one: Released, acts: Sequence[Entry]) -> dict[str, Any]:
    """Return what is the same for every order of a run: people, moments, versions."""
    sealed = one.sealed
    before = [e for e in acts if e.subject == sealed.subject and e.sequence <= one.entry.sequence]
    mine = [e for e in before if e.version == sealed.version]
    asked = next((e for e in reversed(mine) if e.kind in ("submit", "edit")), sealed.entry)
    yes = [e for e in mine if e.kind in ("approve", "override") and e.sequence > asked.sequence]
    inputs = run_json(store, sealed)["inputs"]
    return {
        "decided_on": sealed.on,
        "decided_at": stamp(sealed.entry.at),
        "recommended_by": asked.actor,
        "recommended_at": stamp(asked.at),
        "because": _because(asked),
        "approved_by": "; ".join(f"{e.actor} (override)" if e.kind == "override" else e.actor for e in yes),
        "approved_at": "; ".join(stamp(e.at) for e in yes),
        "approved_because": "; ".join(_because(e) for e in yes),
        "released_by": one.entry.actor,
        "released_at": stamp(one.entry.at),
        "status": "withdrawn" if one.withdrawn else "released",
        "discretionary": "no" if asked.body.get("discretionary") is False else "yes",
        "run_id": sealed.run_id,
        "run_version": sealed.version,
        "policy_version": str(sealed.entry.body["policy"]),
        "book_version": str(sealed.entry.body["snapshot"]),
        "program": f"trimtab {inputs['versions']['trimtab']} ({str(inputs['code'])[:12]})",
        "release_entry": one.entry.sequence,
    }


def _act(entry: Entry, signed: bool | None) -> dict[str, Any]:
    return {
        "sequence": entry.sequence, "at": stamp(entry.at), "actor": entry.actor, "act": entry.kind,
        "subject": entry.subject, "version": entry.version, "because": _because(entry),
        "signed": "" if signed is None else "yes" if signed else "no", "digest": entry.digest,
        "previous": entry.previous,
    }  # fmt: skip


def _because(entry: Entry) -> str:
    return str(entry.body.get("because", ""))
