"""The nouns: universes, risks, costs, markets, accounts, views, tilts, shocks. Numbers only; nobody decides here."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Account": "accounts",
    "Breach": "breaches",
    "Costs": "costs",
    "Market": "markets",
    "Model": "accounts",
    "NO_TILT": "tilts",
    "PastTrade": "histories",
    "PhasedTrade": "schedules",
    "Risk": "risks",
    "Shock": "shocks",
    "TacticalPosition": "positions",
    "Tilt": "tilts",
    "Trail": "trails",
    "Universe": "universes",
    "View": "views",
    "appraise": "accounts",
    "read_tilts": "channels",
    "tilt": "tilts",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
