"""Whether there is anything to do, and why."""

from __future__ import annotations

import datetime as dt

from ..models.accounts import Account
from ..models.tilts import Tilt
from .problems import Problem


def due(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> str:
    """Return why an account is to be solved today, or an empty text to hold.

    The trigger ``always`` asks every active account; one that is blocked or closed is held.
    """
    return "" if account.status != "active" else problem.policy.rebalance.trigger


def why_held(account: Account) -> str:
    """Say why an account that is not due is held."""
    return f"the account is {account.status}" if account.status != "active" else "no trigger fired"
