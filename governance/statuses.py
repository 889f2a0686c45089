"""Where something stands in a ledger: what counts of its entries, folded at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ..errors import EntryRefused
from .entries import Draft, Entry
from .folds import Standing, fold
from .keyrings import SORT as PERSON
from .keyrings import check_signer, keyring
from .ledgers import Ledger, append, read_acts
from .states import MACHINES, machine_of


def standing(ledger: Ledger, subject: str, at: dt.datetime | None = None) -> Standing:
    """Return where one subject stands, by default now."""
    machine = machine_of(subject)
    if machine is None:
        raise EntryRefused(
            f"{subject!r} is nothing that is approved", code="SUBJECT", mend=f"begin with {', '.join(MACHINES)} and /"
        )
    told = read_acts(ledger, machine.verbs | MACHINES[PERSON].verbs, sorts=[PERSON], subject=subject)
    entries = [entry for entry in told if entry.subject == subject]
    now = at or _now(entries)
    return fold(entries, now, keyring(ledger, told).uncounted(entries)).get(subject) or Standing(subject, now)


def standings(ledger: Ledger, sort: str, at: dt.datetime | None = None) -> dict[str, Standing]:
    """Return where everything of one sort (``"policy"``, ``"run"``) stands, by default now."""
    told = read_acts(ledger, MACHINES[sort].verbs | MACHINES[PERSON].verbs, sorts=[sort, PERSON])
    entries = [entry for entry in told if entry.subject.startswith(f"{sort}/")]
    return fold(entries, at or _now(entries), keyring(ledger, told).uncounted(entries))


def in_force(ledger: Ledger, sort: str, at: dt.datetime | None = None) -> frozenset[str]:
    """Return the SHA-256 of everything of a sort (``"policy"``, ``"view"``) that is in force, by default now."""
    return frozenset(v.sha256 for one in standings(ledger, sort, at).values() if (v := one.in_force))


def act(ledger: Ledger, draft: Draft, at: dt.datetime | None = None) -> Entry:
    """Record what a person does; refuse what would not count for want of their signature (``UNSIGNED``)."""
    check_signer(ledger, draft.actor, at)
    return append(ledger, [draft], at=at)[0]


def _now(entries: Sequence[Entry]) -> dt.datetime:
    """Return this machine's moment, or the ledger's where that is ahead: what stands there has happened."""
    return max([dt.datetime.now(dt.UTC), *(entry.at for entry in entries[-1:])])
