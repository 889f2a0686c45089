"""One chunk of accounts decided: from a roster to the rows of a run's tables.

What an account becomes never depends on the accounts beside it: a chunk is only how many are carried at a time.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ..errors import AccountError, TrimtabError
from ..models.accounts import Account
from ..models.tilts import Tilt
from ..optimizer.proposals import Proposal, hold, quarantine
from ..optimizer.rebalancing import decide
from ..optimizer.solutions import Outcome
from .desks import Desk
from .records import record
from .rosters import Refused
from .stores import SCHEMAS, empty_rows


@dataclass(frozen=True, eq=False)
class Decided:
    """The rows of one chunk, a table each of :data:`~trimtab.batches.stores.SCHEMAS`, and its accounts by outcome."""

    tables: Mapping[str, pa.Table]
    counts: Mapping[str, int]


def decide_chunk(
    desk: Desk, accounts: Iterable[Account | Refused], told: Callable[[int], None] | None = None
) -> Decided:
    """Decide these accounts, in their order.

    Parameters
    ----------
    told
        Called now and then with how many are done.
    """
    counts = {outcome.name: 0 for outcome in Outcome}
    rows, worker = empty_rows(), str(os.getpid())
    for done, entry in enumerate(accounts, 1):
        began, clock = dt.datetime.now(dt.UTC), time.perf_counter()
        proposal, tactical = _outcome(desk, entry)
        counts[proposal.outcome.name] += 1
        record(rows, proposal, tactical)
        own = rows["timings"]
        for column, value in (
            ("account_id", proposal.account),
            ("started", began.isoformat()),
            ("worker", worker),
            ("seconds", time.perf_counter() - clock),
        ):
            own[column].append(value)
        if told:
            told(done)
    return Decided({name: pa.table(own, schema=SCHEMAS[name]) for name, own in rows.items()}, counts)


def _outcome(desk: Desk, entry: Account | Refused) -> tuple[Proposal, np.ndarray | None]:
    """Decide one account; its own fault is its outcome and nobody else's."""
    if isinstance(entry, Refused):
        return quarantine(Account(entry.account_id, entry.model_id, {}), entry.error), None
    try:
        belief = desk.beliefs[entry.model]
        try:
            return decide(desk.problem, entry, belief, desk.on), desk.target_of(entry)
        except AccountError:
            raise
        except (TrimtabError, ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
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
    except (TrimtabError, ArithmeticError, ValueError, np.linalg.LinAlgError):
        raise AccountError(
            reason, code="FAILED", table="accounts", field="account_id", value=account.id, mend="look at its numbers"
        ) from error
