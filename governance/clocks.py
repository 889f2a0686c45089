"""What accounts bring along to a day, derived from the ledger alone: no state is kept beside it.

From runs that stand released before the day, the latest word on each account: every table that a run writes and a book
may hold (`positions`, `phases`, `breaches` ...) as the run wrote it. From fills: `history` (what was traded) and
`orders` (what is still to come). Deriving it from nothing always gives the same rows in the same order.

An account that a run refused (QUARANTINED) was not decided: it keeps what earlier runs said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..batches.layouts import LAYOUTS
from ..batches.stores import SCHEMAS
from ..optimizer.solutions import Outcome
from ..units import FrozenMap
from .canonical import parse
from .confidences import approved_confidences
from .deliveries import Released, released_runs
from .fills import ORDERS, all_fills, history_of, open_orders
from .ledgers import Ledger
from .sealings import rows_of, run_json
from .snapshots import Store, fetch
from .statuses import standings

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
CARRIED = tuple(name for name in SCHEMAS if name in LAYOUTS and name not in ("accounts", "history", "orders"))
"""The tables that a run writes as the next one reads them."""
_TRADES = ["trade_id", "account_id", "asset_id", "side", "quantity"]


def derive(ledger: Ledger, store: Store, on: dt.date) -> Mapping[str, pa.Table]:
    """Return what the ledger knows on a day, as tables of a book.

    Parameters
    ----------
    on
        The day of the next run: runs of earlier days count. Fills count as soon as they are recorded.

    Returns
    -------
    mapping of str to pyarrow.Table
        `CARRIED`, ``history``, ``orders``; ``views``: account_id and the sign of the views of its last decision;
        ``trades``: the trade_id of everything that was released; ``extensions``: account_id (``*`` for all), asset_id,
        side, extended_until and approval of every extension in force; ``confidences``: how far each source is trusted,
        of tables in force.

    Raises
    ------
    LedgerBroken
        The store does not hold what the ledger says.
    """
    runs = [one for one in released_runs(ledger, store) if one.on < on]
    fills = all_fills(ledger, store)
    trades = [one.keep(rows_of(store, one.sealed, "trades", _TRADES)) for one in runs]
    tables = _latest(store, runs)
    tables["history"] = history_of(fills)
    released = pa.concat_tables(trades) if trades else None
    tables["orders"] = ORDERS.empty_table() if released is None else open_orders(released, fills)
    tables["trades"] = _NONE if released is None else released.select(["trade_id"])
    tables["extensions"] = _extensions(ledger, store)
    tables["confidences"] = approved_confidences(ledger, store)
    return FrozenMap(tables)


def _extensions(ledger: Ledger, store: Store) -> pa.Table:
    """Return the longer lives that are in force now; their bytes are what `gates.extension_bytes` makes."""
    rows = []
    for subject, one in sorted(standings(ledger, "extension").items()):
        if one.in_force is None:
            continue
        said = parse(fetch(store, one.in_force.sha256))
        if isinstance(said, dict):
            row = {"account_id": said["account"], "asset_id": said["asset"], "side": said["side"]}
            rows.append(row | {"extended_until": dt.date.fromisoformat(str(said["until"])), "approval": subject})
    return pa.Table.from_pylist(rows, EXTENSIONS)


def _latest(store: Store, runs: list[Released]) -> dict[str, pa.Table]:
    """Return the rows of each account's last decision, newest runs first."""
    pieces: dict[str, list[pa.Table]] = {name: [SCHEMAS[name].empty_table()] for name in CARRIED}
    views = [VIEWS.empty_table()]
    seen = pa.array([], pa.string())
    # Of two releases of one day (the earlier one kept some accounts back) the later one speaks.
    for one in sorted(runs, key=lambda each: (each.on, each.entry.sequence), reverse=True):
        accounts = one.keep(rows_of(store, one.sealed, "accounts", ["account_id", "model_id", "outcome"]))
        decided = accounts.filter(_pc.not_equal(accounts["outcome"], Outcome.QUARANTINED.name))
        new = decided.filter(_pc.invert(_pc.is_in(decided["account_id"], seen)))
        if not len(new):
            continue
        ids = new["account_id"].combine_chunks()
        for name in CARRIED:
            if name in one.sealed.tables:  # an older run may not have written it yet
                rows = rows_of(store, one.sealed, name)
                pieces[name].append(rows.filter(_pc.is_in(rows["account_id"], ids)))
        signs = run_json(store, one.sealed)["views"]
        said = pa.array([signs.get(model, "") for model in new["model_id"].to_pylist()], pa.string())
        views.append(pa.table({"account_id": ids, "last_views": said}, VIEWS))
        seen = pa.concat_arrays([seen, ids])
    found = {name: pa.concat_tables(own, promote_options="default") for name, own in pieces.items()}
    return found | {"views": pa.concat_tables(views)}


_NONE = pa.table({"trade_id": pa.array([], pa.string())})
EXTENSIONS = pa.schema(
    [
        *((name, pa.string()) for name in ("account_id", "asset_id", "side")),
        ("extended_until", pa.date32()),
        ("approval", pa.string()),
    ]
)
VIEWS = pa.schema([("account_id", pa.string()), ("last_views", pa.string())])
