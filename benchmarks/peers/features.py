"""What each library can state: the rows of the table; its cells, with their proofs, stand in `clients/can_*.py`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from .environments import OURS
from .talks import Talk
from .tasks import make_task

__all__ = ["ROWS", "examine"]

ROWS = {
    "relative_view": "a view on the spread of two assets becomes expected returns (Black and Litterman)",
    "confidence": "each view has a confidence of its own (Idzorek)",
    "view_expiry": "a view starts and ends on days",
    "entropy_pooling": "a view on anything but a mean (entropy pooling)",
    "deviation": "each weight stays near its strategic weight",
    "group": "a class stays in a range",
    "tracking_error": "a limit on ex-ante tracking error",
    "turnover": "a limit on the turnover of the whole trade",
    "costs": "a cost of trading for each asset, in the objective",
    "lots": "whole lots from what is held, every limit met on what is really traded",
    "trade_size": "no trade below a smallest ticket",
    "bands": "nothing is traded until a band is left",
    "phases": "the way in steps of 50, 25, 25 % on their days",
    "time_limit": "a tactical position ends after so many days",
    "conflict": "a mandate that contradicts itself: which limits do",
    "priorities": "limits give way in a stated order",
    "proof": "the optimum is proved without the solver's word",
    "shadow_price": "what each binding limit costs",
    "reasons": "a reason for each trade",
    "crowd": "many accounts in one call; a bad one does not stop the others",
    "ledger": "who approved what, in a record that shows tampering",
    "attribution": "what each decision earned",
    "backtest": "a backtest with drift and costs",
    "multi_period": "several periods ahead in one problem",
    "max_sharpe": "the greatest Sharpe ratio",
    "cvar": "conditional value at risk, as risk or as limit",
    "risk_parity": "each asset contributes the same risk",
    "hierarchical": "hierarchical risk parity",
    "cardinality": "at most so many assets held",
}
"""What a row says, by the name under which clients answer."""


def examine(names: Iterable[str]) -> dict[str, dict[str, dict]]:
    """Have trimtab and each library of ``names`` run the proofs of its cells on a small task."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task"
        make_task(task, 12, 12)
        found = {}
        for name in (OURS, *names):
            with Talk(name, task) as talk:
                found[name] = talk.ask("features")
    return found
