"""One account of a book on a day, with everything its question is made of: what scenarios are asked about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from ..constraints.documents import read_policy
from ..constraints.policies import Policy
from ..errors import BookError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import Tilt
from ..models.trails import Trail
from ..models.views import View
from ..units import did_you_mean
from .books import Book, read_book
from .desks import gather_views
from .rosters import Refused


@dataclass(frozen=True, eq=False)
class Question:
    """What a run would ask of one account: the arguments of :func:`trimtab.optimizer.rebalance`, by name.

    ``policy`` is in the regime that its playbook reads, ``views`` are those of the book and of signals, and ``overlay``
    is what tilts by hand, overlays and rules do to the account's model.
    """

    book: Book
    account: Account
    policy: Policy
    market: Market
    views: tuple[View, ...]
    on: dt.date
    overlay: Tilt
    trail: Trail | None

    def origin(self) -> tuple[tuple[str, str], ...]:
        """Return where its answers come from, (name, value) each, for the foot of a page."""
        return (
            ("account", self.account.id),
            ("model", self.account.model),
            ("day", self.on.isoformat()),
            ("book", str(self.book.path)),
            ("policy", self.policy.hash),
        )


def pick_question(book: Path, policy: Path, account: str, on: dt.date) -> Question:
    """Read a book and a policy and pick one account, as :func:`ask_about` does."""
    read = read_book(book)
    return ask_about(read, read.policy(read_policy(policy)), account, on)


def ask_about(read: Book, mandate: Policy, account: str, on: dt.date) -> Question:
    """Pick one account of a book.

    Parameters
    ----------
    read, mandate
        The book, and the policy with the book's models (:meth:`.books.Book.policy`).
    account
        Its id.
    on
        The day.

    Raises
    ------
    BookError
        The book has no such account.
    InputError
        A shared input that is bad, or the account's own data.
    """
    market = read.market(mandate, on)
    reading = read.read(mandate, market, on)
    if reading is not None and mandate.playbook.limits:
        mandate = mandate.in_regime(reading.regime)
    found, known = None, []
    for entry in read.accounts(mandate):
        if isinstance(entry, Refused) and entry.account_id == account:
            raise entry.error
        if isinstance(entry, Account):
            known.append(entry.id)
            found = entry if entry.id == account else found
    if found is None:
        raise BookError(
            f"the book at {read.path} has no account {account!r}; ids are text, so 007 is not 7",
            code="UNKNOWN_ACCOUNT", table="accounts", field="account_id", value=account,
            mend=did_you_mean(account, known) or f"for example {', '.join(known[:3])}",
        )  # fmt: skip
    views = gather_views(read, market, on, reading)
    model = mandate.model(found)
    overlay = read.tilts(market, model, on)
    if reading is not None:
        overlay += reading.tilt(model.id)
    return Question(read, found, mandate, market, views, on, overlay, read.trail(market.universe, views))
