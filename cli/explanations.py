"""Why an account of a finished run trades what it trades: the account is decided again and told part by part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from ..batches.books import Book, read_book
from ..batches.desks import open_desk
from ..batches.openings import open_run
from ..batches.stores import read_seal
from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..errors import RunError
from ..models.accounts import Account
from ..optimizer.proposals import Proposal
from ..optimizer.reasons import Explanation, tabulated
from ..optimizer.rebalancing import decide_and_tell
from ..optimizer.solutions import Outcome
from ..units import day, signed
from .pages import head, lay, say

_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Why:
    """What is to be said of one account of a run.

    Parameters
    ----------
    proposal
        As it is decided again.
    told
        The parts of its trades, or why there is nothing to tell.
    apart
        The largest weight between the target decided here and the run's own.
    """

    proposal: Proposal
    told: Explanation | str
    apart: float


def ask_why(run: Path, account: str, policy: Path | None, book: Path | None) -> Why:
    """Decide an account of a run again and explain it.

    A run knows where its book stood, and the hashes of its book and its policy, so that neither can be mistaken.

    Raises
    ------
    RunError
        What is given is not a finished run, or not its book, its policy or an account of it.
    """
    read, mandate, on = reopen(run, account, policy, book)
    found = _find(read, mandate, account)
    desk = open_desk(read, mandate, on)
    proposal, told = decide_and_tell(desk.problem, found, desk.beliefs[found.model], desk.on)
    return Why(proposal, told, measure_apart(run, account, proposal))


def reopen(run: Path, account: str, policy: Path | None, book: Path | None) -> tuple[Book, Policy, dt.date]:
    """Return the book, the policy and the day of a finished run, so that an account of it can be decided again.

    Raises
    ------
    RunError
        What is given is not a finished run, or not its book, its policy or an account of it.
    """
    open_run(run)
    seal = read_seal(run) or {}
    if policy is None:
        raise RunError(f"{run} holds the hash of its policy, not the policy; name the file with --policy")
    where = book or Path(str(seal.get("book", "")))
    if not where.is_dir():
        raise RunError(f"the book of {run} is not at {where} any more; name its folder with --book")
    _check_there(run, account)
    read = read_book(where)
    mandate = read.policy(read_policy(policy))
    _check_same(seal, read, mandate, policy)
    return read, mandate, day(str(seal["on"]))


def tell_apart(apart: float) -> tuple[str, ...]:
    """Say that a run's own target is another than the account's asked alone; nothing where it is the same."""
    if not np.isfinite(apart) or apart <= _SAME:
        return ()
    return (
        f"The run's own target is up to {apart:.2%} apart: the desk as a whole set limits that one account",
        "asked alone does not have, or this is not the code that made the run.",
    )


def show_why(out: Console, why: Why) -> None:
    """Show the parts of each asset's trade as a table, and then in words."""
    proposal, told = why.proposal, why.told
    say(out, f"Account {proposal.account} ({proposal.model}): {proposal.outcome.name}, {proposal.reason}", style="bold")
    for words in tell_apart(why.apart):
        say(out, words)
    if isinstance(told, str):
        if told != proposal.reason:
            say(out, f"Its trades cannot be told: {told}.")
        return
    rows = [(asset, *(signed(x) for x in row)) for asset, row in tabulated(told)]
    heads = ("trade", "back", "beliefs", "held back", "lots")
    lay(out, ("asset", *heads), rows, heads)
    head(out, "In words")
    for sentence in told.sentences:
        say(out, f"- {sentence}")


def _check_there(run: Path, account: str) -> None:
    """Refuse an account that the run does not know or did not decide, before its book is read again."""
    rows = pd.read_parquet(run / "accounts.parquet", filters=[("account_id", "==", account)])
    if not len(rows):
        raise RunError(f"the run in {run} has no account {account!r}; ids are text, so 007 is not 7")
    if rows["outcome"].iloc[0] == Outcome.QUARANTINED.name:
        raise RunError(f"account {account} was refused, so nothing was decided: {rows['reason'].iloc[0]}")


def _find(book: Book, policy: Policy, account: str) -> Account:
    for entry in book.accounts(policy):
        if isinstance(entry, Account) and entry.id == account:
            return entry
    raise RunError(f"the book at {book.path} has no account {account!r} that can be decided, and the run has")


def _check_same(seal: Mapping[str, Any], book: Book, policy: Policy, path: Path) -> None:
    """Refuse another book or policy than the run's."""
    given = seal.get("inputs", {})
    now, before = {name: list(own) for name, own in book.digests.items()}, given.get("book", {})
    changed = sorted(name for name in {*now, *before} if now.get(name) != before.get(name))
    if changed:
        raise RunError(f"the book at {book.path} is not the run's any more: {', '.join(changed)} changed")
    if given.get("policy") != policy.hash:
        raise RunError(f"{path} is not the policy of this run, or has changed since")


def measure_apart(run: Path, account: str, proposal: Proposal) -> float:
    """Return the largest weight between a target and the run's own; NaN where one of them has none."""
    targets = pd.read_parquet(run / "targets.parquet", filters=[("account_id", "==", account)])
    if proposal.weights is None or not len(targets):
        return float("nan")
    own = targets.set_index("asset_id")["target"].reindex(proposal.weights.index).to_numpy(dtype=float)
    return float(np.abs(proposal.weights["target"].to_numpy(dtype=float) - own).max())
