"""What the desk knows, when it knew it, and what that says: panels, scores, regimes, convictions, overlays, rules."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Action": "rules",
    "Condition": "conditions",
    "MacroOverlay": "overlays",
    "MarkovRegime": "regimes",
    "MomentumOverlay": "overlays",
    "Opinion": "opinions",
    "Panel": "panels",
    "Playbook": "playbooks",
    "QuadrantRegime": "regimes",
    "Reading": "readings",
    "RiskOpinion": "risk_opinions",
    "Rule": "rules",
    "Score": "scoring",
    "Signal": "definitions",
    "ValuationOverlay": "overlays",
    "VolatilityOverlay": "overlays",
    "VolatilityRegime": "regimes",
    "filter_regime": "regimes",
    "form_views": "opinions",
    "raws": "scoring",
    "read": "readings",
    "record": "readings",
    "score": "scoring",
    "scores": "scoring",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
