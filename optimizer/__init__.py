"""The decision: state a problem, solve it, prove the answer, propose the trades. The only floor that knows a solver."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Certificate": "certificates",
    "Explanation": "reasons",
    "Leg": "legs",
    "Outcome": "solutions",
    "Problem": "problems",
    "Proposal": "proposals",
    "Solution": "solutions",
    "Target": "trades",
    "decide": "rebalancing",
    "due": "triggers",
    "explain": "reasons",
    "hold": "proposals",
    "propose": "proposals",
    "rebalance": "rebalancing",
    "solve": "solutions",
    "state": "problems",
    "trace_model": "legs",
    "why": "rebalancing",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
