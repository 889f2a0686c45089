"""How far sources of views are trusted, as people agreed: from tables in force to the book's table ``confidences``.

What feedback proposes is a file of rows (source, scale). Somebody submits it, somebody else approves its very bytes as
``confidence/NAME``, and from then on a run made with the ledger reads its rows, with the names of those who approved.
Where several tables in force speak of one source, the one submitted last counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..batches.columns import texts
from ..batches.parts import check_part, stream
from ..batches.tables import Table
from ..batches.trusts import read_scales
from .ledgers import Ledger
from .snapshots import Store, fetch
from .statuses import in_force, standings

SORT, TABLE = "confidence", "confidences"
SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("scale", pa.float64()),
        *((name, pa.string()) for name in ("approved_by", "approval", "because")),
    ]
)
_PARQUET = b"PAR1"


def scales_of(data: bytes) -> Mapping[str, float]:
    r"""Return what a proposed table says: the scale of each source.

    Parameters
    ----------
    data
        The bytes of a CSV or Parquet file with columns source, scale and approved_by, the last of which may be empty:
        who approved is for the ledger to say.

    Raises
    ------
    BookError
        They are no such table.

    Examples
    --------
    >>> dict(scales_of(b"source,scale,approved_by\nrates desk,0.5,\n"))
    {'rates desk': 0.5}
    """
    return read_scales(_table(data))


def _table(data: bytes) -> Table:
    name = Path(f"{TABLE}{'.parquet' if data.startswith(_PARQUET) else '.csv'}")  # of no file: the bytes are here
    part = check_part(TABLE, name, source=data)
    return Table(TABLE, pa.Table.from_batches(list(stream(TABLE, part, data)), part.schema), (part,))


def sort_of_table(data: bytes) -> str | None:
    r"""Return what the bytes of a table are submitted as, by its columns; None where nobody approves such a table.

    >>> sort_of_table(b"source,scale,approved_by\n"), sort_of_table(b"tilt_id,channel,about,value\n")
    ('confidence', 'view')
    >>> sort_of_table(b"account_id,nav\n")
    """
    if data.startswith(_PARQUET):
        names = set(pq.read_schema(pa.BufferReader(data)).names)
    else:
        head = data.partition(b"\n")[0].decode("utf-8-sig", "replace")
        names = {name.strip().strip('"') for name in head.split(",")}
    if {"source", "scale"} <= names:
        return SORT
    return "view" if names & {"view_id", "tilt_id"} else None


def approved_confidences(ledger: Ledger, store: Store, at: dt.datetime | None = None) -> pa.Table:
    """Return every source that a table in force speaks of, by default now: a row each, in the order of their names.

    ``approved_by`` names who approved the table; ``approval`` says which one, with the first digits of its SHA-256.

    Raises
    ------
    LedgerBroken
        The store does not hold what the ledger says.
    """
    rows: dict[str, dict[str, object]] = {}
    holding = [(version, one) for one in standings(ledger, SORT, at).values() if (version := one.in_force)]
    for version, one in sorted(holding, key=lambda pair: pair[0].sequence):  # the newest has the last word
        table = _table(fetch(store, version.sha256))
        names = ", ".join(sorted({each.actor for each in version.approvals if each.holds(one.at)}))
        said = texts(table, "because") if table.has("because") else [""] * len(table)
        told = {"approved_by": names, "approval": f"{one.subject} {version.sha256[:12]}"}
        for (source, scale), because in zip(read_scales(table).items(), said, strict=True):
            rows[source] = {"source": source, "scale": scale, "because": because, **told}
    return pa.Table.from_pylist([rows[source] for source in sorted(rows)], SCHEMA)


def unapproved(ledger: Ledger, store: Store, read: tuple[str, ...], at: dt.datetime | None = None) -> list[str]:
    """Return the sources of which a run read something else than the tables in force say.

    Parameters
    ----------
    read
        The SHA-256 of each file of ``confidences`` that the run read, as its ``run.json`` says.
    """
    agreed = {row for digest in in_force(ledger, SORT, at) for row in scales_of(fetch(store, digest)).items()}
    told = (row for digest in read for row in scales_of(fetch(store, digest)).items())
    return sorted({source for source, scale in told if (source, scale) not in agreed})
