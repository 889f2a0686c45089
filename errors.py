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


class StatementError(TrimtabError):
    """A program was stated against the rules of disciplined parametrised programming."""
