"""The page a committee reads: one file that opens anywhere, without a network, and prints."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Chart": "pages",
    "Figures": "pages",
    "Listing": "pages",
    "Overseen": "calendars",
    "Page": "pages",
    "Study": "studies",
    "Words": "pages",
    "attribution_page": "attributions",
    "backtest_page": "backtests",
    "board_page": "boards",
    "calendar_page": "calendars",
    "make_page": "proposals",
    "plot": "drawings",
    "proposal_page": "proposals",
    "render": "pages",
    "run_page": "runs",
    "study": "studies",
    "sweep_page": "sweeps",
    "write_page": "pages",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
