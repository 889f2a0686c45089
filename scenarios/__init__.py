"""The same question asked again: in another market, with a number turned, of another day, beside the other answers."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Aftermath": "shocks",
    "Backtest": "backtests",
    "Board": "boards",
    "Chronicle": "chronicles",
    "Conduct": "conducts",
    "Course": "grids",
    "Implied": "reversals",
    "Knob": "knobs",
    "Sensitivity": "sensitivities",
    "Sweep": "sweeps",
    "WorstCase": "worst_cases",
    "ask_after": "shocks",
    "backtest": "backtests",
    "board": "boards",
    "doubt": "grids",
    "draw_board": "plots",
    "draw_sweep": "plots",
    "draw_weights": "plots",
    "find_breakpoints": "breakpoints",
    "frontier": "frontiers",
    "implied_views": "reversals",
    "pool_moves": "moves",
    "propose_robust": "worst_cases",
    "read_chronicle": "chronicles",
    "replay_window": "moves",
    "sensitivity": "sensitivities",
    "shake": "shocks",
    "shock": "shocks",
    "spread": "knobs",
    "spread_factors": "moves",
    "spread_moves": "moves",
    "sweep": "sweeps",
    "try_all": "grids",
    "try_grid": "grids",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
