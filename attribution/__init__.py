"""What came of it: returns split, exactly, to the decisions that made them."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Attribution": "decisions",
    "Chain": "chains",
    "Record": "records",
    "Review": "reviews",
    "attribute": "decisions",
    "breadth": "skill",
    "brinson": "brinsons",
    "calibrate": "forecasts",
    "chain": "chains",
    "contributions": "euler",
    "find_transfers": "transfers",
    "judge_by": "skill",
    "link": "linking",
    "promised_in": "promises",
    "propose_confidences": "feedback",
    "read_chain": "sequences",
    "read_record": "records",
    "realised_contributions": "euler",
    "record_backtest": "recordings",
    "record_runs": "recordings",
    "review": "reviews",
    "roll_up": "brinsons",
    "score_benchmarks": "yardsticks",
    "settle": "forecasts",
    "settle_views": "forecasts",
    "trace": "traces",
    "write_proposal": "feedback",
    "write_record": "records",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
