"""Who decided what, and why: a ledger that cannot be changed unseen, and the approvals that stand in it."""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Checkpoint": "checkpoints",
    "Draft": "entries",
    "Entry": "entries",
    "Ledger": "ledgers",
    "Proof": "merkle",
    "Replay": "replays",
    "Sealed": "sealings",
    "Store": "snapshots",
    "Verdict": "verification",
    "append": "ledgers",
    "approve": "approvals",
    "approved_confidences": "confidences",
    "check_proof": "proofs",
    "collect_records": "books_and_records",
    "create_ledger": "ledgers",
    "derive": "clocks",
    "export_records": "books_and_records",
    "hand_over": "handovers",
    "is_proved": "merkle",
    "kill": "kills",
    "lift": "kills",
    "make_key": "checkpoints",
    "make_store": "snapshots",
    "merkle_root": "merkle",
    "open_ledger": "ledgers",
    "open_store": "snapshots",
    "override": "approvals",
    "prove": "merkle",
    "prove_account": "proofs",
    "read": "ledgers",
    "read_checkpoints": "checkpoints",
    "record_fills": "fills",
    "reject": "approvals",
    "release": "releases",
    "replay": "replays",
    "run_governed": "governed_runs",
    "seal": "sealings",
    "sign_head": "checkpoints",
    "signing": "keyrings",
    "standing": "statuses",
    "submit": "approvals",
    "take_in": "sealings",
    "unsigned_acts": "keyrings",
    "verify": "verification",
    "withdraw_release": "releases",
}
__all__ = tuple(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
