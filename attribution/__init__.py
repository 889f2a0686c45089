"""What came of it: returns split, exactly, to the decisions that made them."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Chain": "chains",
    "attribute": "decisions",
    "brinson": "brinsons",
    "chain": "chains",
    "contributions": "euler",
    "link": "linking",
    "read_chain": "sequences",
    "realised_contributions": "euler",
    "roll_up": "brinsons",
    "trace": "traces",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
