"""What the desk knows, when it knew it, and what that says: panels, scores, regimes, convictions, overlays, rules."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Panel": "panels",
    "Score": "scoring",
    "Signal": "definitions",
    "raws": "scoring",
    "score": "scoring",
    "scores": "scoring",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
