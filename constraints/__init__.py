"""The mandate: one module a limit, stated as terms that solver and auditor share; and the policy."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Band": "bands",
    "Cash": "cash",
    "Context": "limits",
    "Cooldown": "waits",
    "Custom": "customs",
    "Deviation": "deviations",
    "Group": "groups",
    "Holding": "waits",
    "Leverage": "leverages",
    "Limit": "limits",
    "Lots": "tickets",
    "Phases": "phases",
    "Policy": "policies",
    "Position": "positions",
    "Rebalance": "rebalances",
    "Restriction": "restrictions",
    "Stress": "stresses",
    "TimeLimit": "time_limits",
    "TrackingError": "tracking_errors",
    "TradeCount": "tickets",
    "TradeSize": "tickets",
    "Trading": "policies",
    "Turnover": "turnovers",
    "Volatility": "volatilities",
    "read_policy": "documents",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
