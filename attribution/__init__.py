"""What came of it: returns split, exactly, to the decisions that made them."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Attribution": "decisions",
    "Chain": "chains",
    "attribute": "decisions",
    "brinson": "brinsons",
    "calibrate": "forecasts",
    "chain": "chains",
    "contributions": "euler",
    "judge_by": "skill",
    "link": "linking",
    "propose_confidences": "feedback",
    "read_chain": "sequences",
    "realised_contributions": "euler",
    "roll_up": "brinsons",
    "score_benchmarks": "yardsticks",
    "settle_views": "forecasts",
    "trace": "traces",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
