"""A past decision made again from its snapshot, and compared with what was written then, to the bit.

Nothing of today enters: tables, policy and day come from the store by their hashes. On the lock file, the code and the
class of machine of that day the weights must be the same doubles; elsewhere they may differ by `NEAR`, and what
differs (releases, code, machine) is named.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from ..batches.allowances import read_parts
from ..batches.books import read_book
from ..batches.chunks import decide_chunk
from ..batches.desks import Desk, open_desk
from ..batches.partitions import Partition, cut, read_chunk
from ..batches.rosters import Refused
from ..batches.seals import inputs as inputs_of
from ..constraints.documents import read_policy
from ..errors import EntryRefused, LedgerBroken
from ..models.accounts import Account
from ..models.tilts import NO_TILT
from .environments import differences
from .ledgers import Ledger
from .sealings import Sealed, find_sealed, rows_of, run_json
from .snapshots import POLICY, Store, fetch, lay_out

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
NEAR = 1e-7
"""The most a weight may be apart on other releases or another class of machine."""
CHUNK = 5000


@dataclass(frozen=True, eq=False)
class Replay:
    """One account decided again.

    Parameters
    ----------
    run_id, account, on
        What was replayed.
    outcome
        Then and now.
    weights
        Target weights by asset: ``then``, ``now``; empty for an account that was refused.
    same_bits
        Whether every weight, trade and outcome is what it was, to the bit.
    apart
        The largest difference of a target weight.
    differences
        What is not as it was: releases, code, machine.
    """

    run_id: str
    account: str
    on: str
    outcome: tuple[str, str]
    weights: pd.DataFrame = field(repr=False)
    same_bits: bool
    apart: float
    differences: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the decision is confirmed: the same bits, or, where something differs and is named, near enough."""
        near = self.outcome[0] == self.outcome[1] and self.apart <= NEAR
        return self.same_bits or (bool(self.differences) and near)

    def __str__(self) -> str:
        """Return the verdict in a sentence."""
        head = f"run {self.run_id[:12]}, account {self.account}, {self.on}: {self.outcome[0]}"
        if self.same_bits:
            return f"{head}; decided again, the same to the last bit"
        verdict = "confirmed" if self.holds else "NOT confirmed"
        apart = "another outcome" if self.outcome[0] != self.outcome[1] else f"weights up to {self.apart:.1e} apart"
        why = "; ".join(self.differences) or "nothing differs that is known, so it should be the same"
        return f"{head}; {verdict}: {apart} ({why})"


@dataclass(frozen=True, eq=False)
class Recalled:
    """A run as it was read then: what its accounts share, and where each stands."""

    store: Store
    sealed: Sealed
    said: Mapping[str, Any]
    desk: Desk
    partition: Partition
    folder: tempfile.TemporaryDirectory
    differences: tuple[str, ...]


def recall(ledger: Ledger, store: Store, run: str) -> Recalled:
    """Read what a run read, for replays of several of its accounts.

    Parameters
    ----------
    run
        Its id, or a beginning that no other has.

    Raises
    ------
    EntryRefused
        No such run, or one that was made with more than tables and a policy file say.
    LedgerBroken
        The store does not hold what the ledger says.
    """
    sealed = find_sealed(ledger, store, run)
    said = run_json(store, sealed)
    place = lay_out(store, sealed.inputs)
    book = read_book(place)
    policy = book.policy(read_policy(place / POLICY))
    given, now = said["inputs"], inputs_of(book, policy, sealed.on, NO_TILT)
    for name, words in (("book", "book"), ("on", "day")):
        if given[name] != now[name]:
            raise LedgerBroken(f"the {words} of the snapshot is not that of run.json", code="SNAPSHOT")
    if given["overlay"] != now["overlay"]:
        raise EntryRefused("the run had an overlay, which no table holds", code="OVERLAY", mend="replay it in Python")
    differs = differences(sealed.said["environment"], fetch(store, str(sealed.said["lock"])))
    if given["policy"] != now["policy"] and not differs:
        raise LedgerBroken("the policy of the snapshot is not that of run.json", code="SNAPSHOT")
    scratch = tempfile.TemporaryDirectory(prefix="trimtab-replay-")
    partition = cut(book, policy, Path(scratch.name) / "chunks", CHUNK)
    return Recalled(store, sealed, said, open_desk(book, policy, sealed.on), partition, scratch, tuple(differs))


def replay_account(recalled: Recalled, account: str) -> Replay:
    """Decide an account of a run again; raise ``EntryRefused`` where the run has no such account."""
    then = {name: _rows(recalled, name, account) for name in ("accounts", "targets", "trades", "quarantine")}
    if not len(then["accounts"]):
        raise EntryRefused(f"the run has no account {account!r}", code="NO_ACCOUNT", mend="ids are text: 007 is not 7")
    now = decide_chunk(recalled.desk, [_find(recalled, account)], None, read_parts(recalled.said["parts"])).tables
    weights = _side_by_side(then["targets"], now["targets"])
    apart = float(np.abs(weights["then"].to_numpy() - weights["now"].to_numpy()).max()) if len(weights) else 0.0
    outcome = tuple(str(tables["accounts"]["outcome"][0].as_py()) for tables in (then, now))
    return Replay(
        recalled.sealed.run_id, account, recalled.sealed.on.isoformat(), (outcome[0], outcome[1]), weights,
        all(_same(then[name], now[name]) for name in then), apart if np.isfinite(apart) else float("inf"),
        recalled.differences,
    )  # fmt: skip


def replay(ledger: Ledger, store: Store, run: str, account: str) -> Replay:
    """Decide one account of a past run again, from nothing but what was kept then.

    Parameters
    ----------
    ledger, store
        Where the run was sealed, and what it was made from.
    run
        Its id, or a beginning that no other has.
    account
        The account's id.

    Raises
    ------
    EntryRefused, LedgerBroken
        As `recall` and `replay_account`.
    """
    recalled = recall(ledger, store, run)
    with recalled.folder:
        return replay_account(recalled, account)


def _rows(recalled: Recalled, table: str, account: str) -> pa.Table:
    rows = rows_of(recalled.store, recalled.sealed, table)
    return rows.filter(_pc.equal(rows["account_id"], account)).combine_chunks()


def _find(recalled: Recalled, account: str) -> Account | Refused:
    desk, partition = recalled.desk, recalled.partition
    for chunk in range(partition.chunks):
        roster = read_chunk(partition.folder, chunk, desk.policy, desk.market.universe)
        if account in roster.ids:
            return roster[roster.ids.index(account)]
    raise LedgerBroken(f"the book of the run has no account {account}", code="SNAPSHOT")


def _side_by_side(then: pa.Table, now: pa.Table) -> pd.DataFrame:
    columns = {}
    for name, table in (("then", then), ("now", now)):
        columns[name] = pd.Series(table["target"].to_pylist(), index=table["asset_id"].to_pylist(), dtype=float)
    return pd.DataFrame(columns)


def _same(then: pa.Table, now: pa.Table) -> bool:
    """Whether two tables are the same to the last bit: a zero has a sign, and nothing is nothing."""
    if then.column_names != now.column_names or len(then) != len(now):
        return False
    return all(_bits(then[name]) == _bits(now[name]) for name in then.column_names)


def _bits(values: pa.ChunkedArray) -> list:
    if not pa.types.is_floating(values.type):
        return values.to_pylist()
    return [None if x is None else np.float64(x).tobytes() for x in values.to_pylist()]
