"""A proposal as rows of the tables of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np

from ..optimizer.proposals import Proposal
from ..optimizer.solutions import Outcome
from .stores import Columns

_FIGURES = ("nav", "turnover", "cost", "tracking_error", "expected_gain", "utility", "given_up")


def record(rows: Mapping[str, Columns], proposal: Proposal, tactical: np.ndarray | None) -> None:
    """Append one account to the tables: what became of it, its targets and trades, or why it was refused."""
    _add(rows["accounts"], _account(proposal))
    if proposal.weights is None:
        _add(
            rows["quarantine"],
            {
                "account_id": proposal.account,
                "code": proposal.code,
                "field": proposal.field,
                "value": proposal.value,
                "message": proposal.reason,
            },
        )
        return
    n = len(proposal.weights)
    own = rows["targets"]
    own["account_id"].extend([proposal.account] * n)
    own["asset_id"].extend(proposal.weights.index)
    own["tactical"].extend([None] * n if tactical is None else tactical.tolist())
    for column in ("current", "strategic", "ideal", "target", "low", "high"):
        own[column].extend(proposal.weights[column].tolist())
    for trade in proposal.trades:
        _add(
            rows["trades"],
            {
                "trade_id": trade.trade_id,
                "account_id": proposal.account,
                "asset_id": trade.asset,
                "side": trade.side,
                "quantity": trade.quantity,
                "value": trade.value,
                "weight": trade.weight,
                "cost": trade.cost,
                "reason": trade.reason,
            },
        )


def _account(proposal: Proposal) -> dict[str, object]:
    refused = proposal.outcome is Outcome.QUARANTINED
    row: dict[str, object] = {
        "account_id": proposal.account,
        "model_id": proposal.model,
        "outcome": proposal.outcome.name,
        "code": proposal.code,
        "reason": proposal.reason,
        "gap": _finite(proposal.certificate.gap),
        "certified_te": _finite(proposal.certificate.certified_te),
        "binding": _bounds(proposal),
        "relaxed": "[]",
    }
    for name in _FIGURES:
        row[name] = None if refused else _finite(float(getattr(proposal, name)))
    return row


def _bounds(proposal: Proposal) -> str:
    """Return the limits with nothing left; an asset that is simply not held is no news."""
    bounds = [
        {"limit": r.limit, "on": r.on, "bound": r.bound, "used": r.used}
        for r in proposal.binding
        if r.limit != "long_only"
    ]
    return json.dumps(bounds, ensure_ascii=False, allow_nan=False)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _add(rows: Columns, row: Mapping[str, object]) -> None:
    for column, values in rows.items():
        values.append(row[column])
