"""Which runs stand: released, and not withdrawn since; for which of their accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..errors import LedgerBroken
from .entries import Entry
from .ledgers import Ledger, read
from .sealings import KIND, Sealed, open_sealed
from .snapshots import Store
from .statuses import standings

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""
RELEASE, WITHDRAW = "release", "withdraw"


@dataclass(frozen=True, eq=False)
class Released:
    """A run that went out.

    Parameters
    ----------
    sealed
        The run.
    entry
        Of its release.
    held
        Accounts of the run that were kept back.
    withdrawn
        Whether it was taken back since.
    """

    sealed: Sealed
    entry: Entry
    held: frozenset[str] = frozenset()
    withdrawn: bool = False

    @property
    def on(self) -> dt.date:
        """The day of the decisions."""
        return self.sealed.on

    def keep(self, rows: pa.Table) -> pa.Table:
        """Return the rows of accounts that were not kept back."""
        if not self.held:
            return rows
        return rows.filter(_pc.invert(_pc.is_in(rows["account_id"], pa.array(sorted(self.held), pa.string()))))


def released_runs(ledger: Ledger, store: Store, *, withdrawn: bool = False) -> list[Released]:
    """Return the released runs in the order of their releases, those that were withdrawn only where asked for.

    A release that the approvals before it do not allow is none.

    Raises
    ------
    LedgerBroken
        A run was released that nobody sealed, or the store holds something else than the ledger says.
    """
    seals: dict[tuple[str, str], Entry] = {}
    found: dict[int, tuple[Entry, bool]] = {}
    last: dict[str, int] = {}
    # Who can insert a record can insert a release: only what the approvals before it allow counts.
    ignored = {sequence for one in standings(ledger, "run").values() for sequence in one.ignored}
    for entry in read(ledger, kind=(KIND, RELEASE, WITHDRAW)):
        if entry.sequence in ignored:
            continue
        if entry.kind == KIND:
            seals[entry.subject, entry.version] = entry
        elif entry.kind == RELEASE:
            found[entry.sequence], last[entry.subject] = (entry, False), entry.sequence
        elif entry.subject in last:
            found[last[entry.subject]] = found[last[entry.subject]][0], True
    runs = []
    for entry, gone in found.values():
        if gone and not withdrawn:
            continue
        sealed = seals.get((entry.subject, entry.version))
        if sealed is None:
            raise LedgerBroken(f"{entry.subject} was released and nobody sealed it", code="NO_SEAL")
        runs.append(Released(open_sealed(store, sealed), entry, _held(entry.body), gone))
    return runs


def _held(body: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(account) for account in body.get("held", ()))
