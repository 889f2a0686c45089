"""Many accounts: a book of tables in, a run of tables out."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Book": "books",
    "Refused": "rosters",
    "Run": "runs",
    "Summary": "summaries",
    "export": "exports",
    "open_run": "openings",
    "read_book": "books",
    "run": "runs",
    "summarise": "summaries",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
