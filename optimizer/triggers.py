"""Whether there is anything to do, and why."""

from __future__ import annotations

import datetime as dt

from ..models.accounts import Account
from ..models.tilts import Tilt
from .problems import Problem


def due(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> str:  # noqa: ARG001  (triggers to come read them)
    """Return why an account is to be solved today, or an empty text to hold.

    The trigger ``always`` asks every active account that holds anything; :func:`why_held` says why one is not asked.
    """
    return "" if why_held(account) else problem.policy.rebalance.trigger


def why_held(account: Account) -> str:
    """Say why an account is held without a solve, or nothing."""
    if account.status != "active":
        return f"the account is {account.status}"
    return "there is nothing in the account" if account.empty else ""
