"""Everything trimtab raises on purpose, as one tree.

::

    TrimtabError
    |-- InputError           bad input; mend the named table and field. A retry without that cannot help.
    |   |-- MarketError      shared: assets, prices, costs, covariance or returns
    |   |-- ViewError        shared: views, tilts and shocks
    |   |-- SignalError      shared: series in time, and what is read from them
    |   |-- PolicyError      shared: the mandate itself
    |   |-- BookError        shared: a file or table that cannot be read as what it should be
    |   `-- AccountError     one account's own data: in a run an outcome (QUARANTINED), never an exception
    |-- UnsolvedError        no releasable answer for an account, asked with ``strict=True``. Relax a limit first.
    |-- RunError             the folder of a run holds another, cannot be written or is damaged. Choose another
    |                        folder or, where the message says so, give the same command again.
    |-- GovernanceError      who decided what: the rules of the ledger and of approvals say no
    |   |-- LedgerError      the ledger cannot be opened, read or written. Mend the place; a retry may help.
    |   |-- EntryRefused     an entry may not be appended: clock, key, self-approval. A retry cannot help.
    |   |-- LedgerBroken     a record was changed, moved or cut off. Stop, keep the files, look who had access.
    |   `-- NotApproved      asked for something that is not (or no longer) approved, or is killed.
    `-- StatementError       our fault: a program stated against the rules (not DPP). Please report it.

A *shared* input that is bad raises at the door: nothing computed from it could be trusted. A bad *account* never sinks
its neighbours. No error of a solver, of pandas or of pydantic leaks from under these.
"""

from __future__ import annotations


class TrimtabError(Exception):
    """Anything trimtab raises on purpose."""


class InputError(TrimtabError, ValueError):
    """Bad input, told as table, field, value and the mend.

    Parameters
    ----------
    message
        What is wrong, in a sentence.
    code
        A stable name for the kind of fault, upper case (``"UNKNOWN_ASSET"``).
    table, field
        Where it stands; ``field`` is the book's column.
    value
        The offending value as text.
    mend
        What would make it right.

    >>> print(InputError("the weight is 1.4", code="WEIGHTS_SUM", table="strategic", field="weight", mend="scale to 1"))
    the weight is 1.4 [table strategic, field weight]; mend: scale to 1
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "BAD_INPUT",
        table: str = "",
        field: str = "",
        value: object = "",
        mend: str = "",
    ) -> None:
        self.message, self.code, self.table, self.field = message, code, table, field
        self.value, self.mend = str(value), mend
        super().__init__(message)

    def __str__(self) -> str:
        """Return the sentence, where it stands, and the mend."""
        place = ", ".join(f"{k} {v}" for k, v in (("table", self.table), ("field", self.field)) if v)
        text = f"{self.message} [{place}]" if place else self.message
        return f"{text}; mend: {self.mend}" if self.mend else text

    def __reduce__(self):  # an exception with keyword-only arguments does not travel between processes by itself
        """Pickle by value, so that a worker's error reaches its parent whole."""
        return _rebuild, (type(self), self.message, self.code, self.table, self.field, self.value, self.mend)


def _rebuild(kind, message, code, table, field, value, mend):
    return kind(message, code=code, table=table, field=field, value=value, mend=mend)


class MarketError(InputError):
    """Assets, prices, costs, covariance or returns cannot be used."""


class ViewError(InputError):
    """A view, tilt or shock cannot be used."""


class SignalError(InputError):
    """A series, a signal, a regime, an overlay or a rule cannot be used."""


class PolicyError(InputError):
    """The mandate says something impossible, unknown or contradictory."""


class BookError(InputError):
    """A file or table is not what it should be."""


class AccountError(InputError):
    """One account's own data cannot be used."""


class UnsolvedError(TrimtabError):
    """No releasable answer for an account."""


class RunError(TrimtabError):
    """A run cannot be written, read or resumed where it was asked to be."""


class GovernanceError(TrimtabError):
    """The rules of the ledger and of approvals say no.

    Parameters
    ----------
    message
        What is refused, in a sentence; never a password, a key or a body.
    code
        A stable name for the kind of refusal, upper case (``"SELF_APPROVAL"``).
    mend
        What would make it right.

    >>> print(NotApproved("run 4f2a has one of two approvals", code="QUORUM", mend="ask a second person"))
    run 4f2a has one of two approvals; mend: ask a second person
    """

    def __init__(self, message: str, *, code: str = "REFUSED", mend: str = "") -> None:
        self.message, self.code, self.mend = message, code, mend
        super().__init__(message)

    def __str__(self) -> str:
        """Return the sentence and the mend."""
        return f"{self.message}; mend: {self.mend}" if self.mend else self.message

    def __reduce__(self):
        """Pickle by value, as `InputError` does."""
        return _rebuild_refusal, (type(self), self.message, self.code, self.mend)


def _rebuild_refusal(kind, message, code, mend):
    return kind(message, code=code, mend=mend)


class LedgerError(GovernanceError):
    """A ledger, a checkpoint or a key cannot be opened, read or written."""


class EntryRefused(GovernanceError):  # noqa: N818  says what happened
    """An entry may not be appended."""


class LedgerBroken(GovernanceError):  # noqa: N818  the same
    """A record, a checkpoint or a proof is not what was written."""


class NotApproved(GovernanceError):  # noqa: N818  the same
    """What was asked for is not approved, no longer approved, or stopped."""


class StatementError(TrimtabError):
    """A program was stated against the rules of disciplined parametrised programming."""
