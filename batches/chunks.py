"""One chunk of accounts decided: from a roster to the rows of a run's tables.

Accounts of one model are decided together; who is out of the ordinary, or gets no answer that way, is decided alone.
What an account becomes never depends on the accounts beside it: a chunk is only how many are carried at a time.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ..constraints.customs import Custom
from ..errors import AccountError, TrimtabError
from ..models.accounts import Account
from ..models.tilts import Tilt
from ..optimizer.decisions import decide_all
from ..optimizer.proposals import Proposal, hold, quarantine
from ..optimizer.rebalancing import decide
from ..optimizer.solutions import Outcome
from .allowances import merge, slow_down
from .desks import Desk
from .impacts import Parts
from .musters import Squad, muster, muster_accounts
from .records import Sheet, Time, record, tabulate
from .rosters import Refused, Roster

ABREAST = 500
"""How many accounts are decided together: their numbers should fit the processor's cache."""


_FAILURES = (TrimtabError, ArithmeticError, ValueError, np.linalg.LinAlgError)
"""What a computation on numbers can end in; anything else is a fault of ours and not hidden."""


@dataclass(frozen=True, eq=False)
class Decided:
    """The rows of one chunk, a table each of :data:`~trimtab.batches.stores.SCHEMAS`, and its accounts by outcome."""

    tables: Mapping[str, pa.Table]
    counts: Mapping[str, int]


def decide_chunk(
    desk: Desk,
    accounts: Roster | Sequence[Account | Refused],
    told: Callable[[int], None] | None = None,
    parts: Parts | None = None,
) -> Decided:
    """Decide these accounts; the rows keep their order.

    Parameters
    ----------
    told
        Called now and then with how many are done.
    parts
        An account's part of what the desk as a whole may trade; decided once more is who would trade more.
    """
    first = _decide(desk, accounts, told)
    again = slow_down(accounts, first.tables["trades"], parts) if parts else []
    if not again:
        return first
    second = _decide(desk, again, None)
    tables = merge(first.tables["accounts"]["account_id"].to_pylist(), first.tables, second.tables)
    outcomes = tables["accounts"]["outcome"].to_pylist()
    return Decided(tables, {outcome.name: outcomes.count(outcome.name) for outcome in Outcome})


def _decide(desk: Desk, accounts: Roster | Sequence[Account | Refused], told: Callable[[int], None] | None) -> Decided:
    entries = accounts if isinstance(accounts, Roster) else list(accounts)
    alone, sheet, done = np.ones(len(entries), dtype=bool), Sheet(len(entries), desk.market.universe.assets), 0
    for cohort, positions in _squads(desk, entries):
        for start in range(0, len(cohort), ABREAST):
            some = np.arange(start, min(start + ABREAST, len(cohort)))
            kept = _decide_together(desk, (cohort.pick(some), positions[some]), sheet)
            alone[kept] = False
            done += len(kept)
            if told:
                told(done)
    for position in np.flatnonzero(alone).tolist():
        _decide_alone(desk, entries[position], position, sheet)
        done += 1
        if told:
            told(done)
    return Decided(sheet.tables(), sheet.counts)


def _squads(desk: Desk, entries: Roster | list[Account | Refused]) -> list[Squad]:
    if any(isinstance(limit, Custom) for limit in desk.policy.limits):
        return []  # a user's own limit is a function of one account
    universe = desk.market.universe
    return muster(entries, universe) if isinstance(entries, Roster) else muster_accounts(entries, universe)


def _decide_together(desk: Desk, squad: Squad, sheet: Sheet) -> np.ndarray:
    """Decide accounts of one model at once; return the positions of those that are decided now.

    Where the computation fails, each half is tried without the other: whoever it fails for is left to be asked alone,
    and the others become what they would have become without that neighbour.
    """
    cohort, positions = squad
    try:
        return _tabulate_together(desk, squad, sheet)
    except _FAILURES:
        if len(cohort) == 1:
            return positions[:0]
        halves = np.array_split(np.arange(len(cohort)), 2)
        return np.concatenate([_decide_together(desk, (cohort.pick(h), positions[h]), sheet) for h in halves])


def _tabulate_together(desk: Desk, squad: Squad, sheet: Sheet) -> np.ndarray:
    cohort, positions = squad
    began, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    decided, engine = decide_all(desk.problem, cohort, desk.beliefs[cohort.model], desk.on, desk.legs_of(cohort.model))
    targets = [desk.targets_of(cohort.model, decisions.cases.aversion) for decisions, _ in decided]
    kept = np.concatenate([positions[:0], *(positions[own] for _, own in decided)])
    # Nothing is written before everybody is decided: who fails here is tried again without the others.
    spent = (time.perf_counter() - clock) / max(len(kept), 1)
    for (decisions, own), tactical in zip(decided, targets, strict=True):
        inside = engine / len(cohort) if decisions.outcome is Outcome.OPTIMAL else 0.0
        tabulate(sheet, decisions, tactical, positions[own], Time(began.isoformat(), spent, inside, str(os.getpid())))
    return kept


def _decide_alone(desk: Desk, entry: Account | Refused, position: int, sheet: Sheet) -> None:
    began, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    proposal, tactical = _outcome(desk, entry)
    taken = Time(began.isoformat(), time.perf_counter() - clock, None, str(os.getpid()))
    record(sheet, proposal, tactical, position, taken)


def _outcome(desk: Desk, entry: Account | Refused) -> tuple[Proposal, np.ndarray | None]:
    """Decide one account; its own fault is its outcome and nobody else's."""
    if isinstance(entry, Refused):
        return quarantine(Account(entry.account_id, entry.model_id, {}), entry.error), None
    try:
        belief = desk.beliefs[entry.model]
        try:
            leg = desk.legs_of(entry.model).get(desk.policy.aversion(entry))
            return decide(desk.problem, entry, belief, desk.on, leg=leg), desk.target_of(entry)
        except AccountError:
            raise
        except _FAILURES as error:
            return _crashed(desk, entry, belief, error), None
    except AccountError as error:
        return quarantine(entry, error), None


def _crashed(desk: Desk, account: Account, belief: Tilt, error: Exception) -> Proposal:
    """Record that computing one account failed: it stays where it stands, or is refused if not even that is known."""
    reason = f"the computation failed: {type(error).__name__}: {error}"
    try:
        return replace(hold(desk.problem, account, belief), outcome=Outcome.UNSOLVED, reason=reason, code="FAILED")
    except AccountError:
        raise
    except _FAILURES:
        raise AccountError(
            reason, code="FAILED", table="accounts", field="account_id", value=account.id, mend="look at its numbers"
        ) from error
