"""What a run says of each account, one text an account: the leaves of the run's Merkle tree.

A leaf is JSON: the rows of every table of the run that are this account's, column by column, but for ``timings``, which
differ between two runs of the same inputs. Numbers are the shortest text that reads back as the same double.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from ..batches.stores import SCHEMAS
from ..batches.streams import ROWS
from ..errors import LedgerBroken
from .snapshots import Store, locate

UNTOLD = ("accounts", "timings")
"""The tables that are not parts of a leaf: the first leads, the last differs between runs of the same inputs."""
Files = Mapping[str, Sequence[str]]
"""The SHA-256 of the files of each table of a run, in their order."""
_Rows = tuple[str, dict[str, list]]


def leaves(store: Store, files: Files) -> Iterator[tuple[str, bytes]]:
    """Walk the accounts of a finished run in their order; give each with its leaf.

    Raises
    ------
    LedgerBroken
        A table has rows of an account that ``accounts`` does not have, or not in its order; the store lost a file.
    """
    others = {name: _Walk(_groups(store, files[name])) for name in SCHEMAS if name not in UNTOLD and name in files}
    for account, own in _groups(store, files["accounts"]):
        record: dict[str, object] = {"account_id": account, "accounts": own}
        record |= {name: rows for name, walk in others.items() if (rows := walk.of(account))}
        yield account, _text(record)
    for name, walk in others.items():
        if walk.here is not None:
            raise LedgerBroken(f"{name} has rows of an account that accounts does not have", code="RUN_TABLES")


class _Walk:
    """The groups of a table, taken in step with the accounts."""

    def __init__(self, groups: Iterator[_Rows]) -> None:
        self.groups = groups
        self.here = next(groups, None)

    def of(self, account: str) -> dict[str, list]:
        if self.here is None or self.here[0] != account:
            return {}
        rows = self.here[1]
        self.here = next(self.groups, None)
        return rows


def _groups(store: Store, files: Sequence[str]) -> Iterator[_Rows]:
    """Give the rows of a table account by account; an account's rows stand together, also across pieces."""
    held: _Rows | None = None
    for piece in _pieces(store, files):
        ids, columns = piece["account_id"].to_pylist(), {
            name: _plain(piece[name]) for name in piece.schema.names if name != "account_id"
        }  # fmt: skip
        starts = [0, *(i for i in range(1, len(ids)) if ids[i] != ids[i - 1])]
        for start, stop in zip(starts, [*starts[1:], len(ids)], strict=True):
            own = {name: values[start:stop] for name, values in columns.items()}
            if held is not None and held[0] == ids[start]:
                held = ids[start], {name: held[1][name] + own[name] for name in own}
                continue
            if held is not None:
                yield held
            held = ids[start], own
    if held is not None:
        yield held


def _pieces(store: Store, files: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for digest in files:
        with pq.ParquetFile(locate(store, digest), page_checksum_verification=True) as file:
            yield from file.iter_batches(ROWS)


def _plain(values: pa.Array) -> list:
    if pa.types.is_date(values.type):
        return values.cast(pa.string()).to_pylist()
    told = values.to_pylist()
    if pa.types.is_floating(values.type):  # a bound that is none: JSON has no word for it
        return [x if x is None or math.isfinite(x) else str(x) for x in told]
    return told


def _text(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()
