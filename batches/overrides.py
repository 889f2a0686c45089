"""The columns of `accounts` in which accounts bring numbers of their own."""

from __future__ import annotations

from collections.abc import Sequence

from ..constraints.policies import Policy
from ..errors import BookError
from ..units import did_you_mean
from .layouts import LAYOUTS


def check_overrides(columns: Sequence[str], policy: Policy | None) -> None:
    """Refuse columns of ``accounts`` that are neither known nor limits of the policy; raise ``BookError``."""
    if policy is None:
        return
    known = (*LAYOUTS["accounts"].known, "risk_aversion", *policy.names)
    for column in columns:
        if column not in known:
            raise BookError(
                f"the column {column!r} is neither known nor a limit of the policy",
                code="UNKNOWN_COLUMN",
                table="accounts",
                field=column,
                value=column,
                mend=did_you_mean(column, known) or f"limits: {', '.join(policy.names)}",
            )
