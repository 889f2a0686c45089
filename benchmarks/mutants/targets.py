"""What is broken on purpose, and the tests that have to notice: fast ones, so that a mutant costs seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A promise of the house: the modules that keep it, and the tests that say so."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


_GATE_TESTS = ("gate", "certificates", "lagrangians", "crowds")
_CONFLICT_TESTS = ("conflicts", "proofs")
_LEDGER_TESTS = ("canonical", "merkle", "guards", "checkpoints", "verification", "ledgers")

TARGETS = {
    target.name: target
    for target in (
        Target(
            "gate",
            ("optimizer/certificates.py", "optimizer/crowds.py"),
            tuple(f"tests/optimizer/test_{name}.py" for name in _GATE_TESTS),
        ),
        Target(
            "proofs",
            ("optimizer/proofs.py", "optimizer/conflicts.py", "optimizer/ways.py"),
            tuple(f"tests/optimizer/test_{name}.py" for name in _CONFLICT_TESTS),
        ),
        Target(
            "relaxation",
            ("optimizer/relaxations.py", "optimizer/concessions.py"),
            tuple(f"tests/optimizer/test_{name}.py" for name in ("relaxations", "concessions", "phases", "conflicts")),
        ),
        Target(
            "ledger",
            ("governance/canonical.py", "governance/merkle.py", "governance/guards.py", "governance/verification.py"),
            tuple(f"tests/governance/test_{name}.py" for name in _LEDGER_TESTS),
        ),
        Target(
            "approvals",
            tuple(f"governance/{name}.py" for name in ("approvals", "states", "gates", "kills", "releases")),
            ("tests/governance/approvals", "tests/governance/test_handovers.py"),
        ),
        Target("units", ("units.py",), ("tests/test_units.py",)),
        Target(
            "clocks",
            ("governance/clocks.py", "constraints/time_limits.py", "models/schedules.py", "models/trails.py"),
            (
                "tests/governance/test_clocks.py",
                "tests/constraints/test_time_limits.py",
                "tests/optimizer/test_clocks.py",
                "tests/models/test_schedules.py",
                "tests/models/test_trails.py",
            ),
        ),
    )
}
