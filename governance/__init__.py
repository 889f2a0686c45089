"""Who decided what, and why: a ledger that cannot be changed unseen, and the approvals that stand in it."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Checkpoint": "checkpoints",
    "Draft": "entries",
    "Entry": "entries",
    "Ledger": "ledgers",
    "Proof": "merkle",
    "Verdict": "verification",
    "append": "ledgers",
    "create_ledger": "ledgers",
    "is_proved": "merkle",
    "make_key": "checkpoints",
    "merkle_root": "merkle",
    "open_ledger": "ledgers",
    "prove": "merkle",
    "read": "ledgers",
    "read_checkpoints": "checkpoints",
    "sign_head": "checkpoints",
    "verify": "verification",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
