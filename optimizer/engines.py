"""Engines in order, and the gate behind each: an answer leaves only if our own check releases it.

PIQP where all is linear, then Clarabel, Clarabel without equilibration, and Clarabel content with 1e-8. Every answer is
repaired, certified, and refined to the exact binding set, which replaces it where it passes the gate. Whatever is not
"solved" (a time limit, "almost solved", "inaccurate", "unbounded") is no answer at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .answers import Answer, Attempt, Multipliers
from .certificates import NO_CERTIFICATE, Certificate, certify, repair
from .programs import Program
from .refinements import refine


@dataclass(frozen=True)
class Engine:
    """A solver, how it is asked, and whether it is for linear constraints alone."""

    name: str
    solver: str
    options: dict[str, Any] = field(default_factory=dict)
    linear_only: bool = False


TIGHT = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9, "max_iter": 200}
ENGINES: tuple[Engine, ...] = (
    Engine("PIQP", "PIQP", {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iter": 250}, linear_only=True),
    Engine("Clarabel", "CLARABEL", TIGHT),
    Engine("Clarabel without equilibration", "CLARABEL", TIGHT | {"equilibrate_enable": False}),
    Engine("Clarabel at 1e-8", "CLARABEL", TIGHT | {"tol_gap_abs": 1e-8, "tol_gap_rel": 1e-8, "tol_feas": 1e-8}),
)
_DUST = 1e-7
"""Trades of an unrefined answer below this, decimal of NAV, are an engine's tolerance and nobody's decision."""


class Solver(Protocol):
    """Anything that answers a program: a compiled statement, or a test's double."""

    def solve(self, program: Program, engine: str, options: dict[str, Any]) -> Answer:
        """Answer with a status and, where solved, weights and multipliers."""
        ...


@dataclass(frozen=True, eq=False)
class Released:
    """What came through the gate, or None for the weights; and every attempt on the way."""

    weights: np.ndarray | None
    multipliers: Multipliers | None
    certificate: Certificate
    attempts: tuple[Attempt, ...]

    @property
    def infeasible(self) -> bool:
        """Whether the engines say that no weights satisfy all limits."""
        return self.weights is None and self.attempts[-1].status == "infeasible"


def ask(program: Program, statement: Solver, engines: tuple[Engine, ...] = ENGINES) -> Released:
    """Ask the engines in order until an answer passes the gate."""
    attempts: list[Attempt] = []
    certificate = NO_CERTIFICATE
    for engine in engines:
        if engine.linear_only and not program.linear:
            continue
        answer = statement.solve(program, engine.solver, dict(engine.options))
        if answer.status != "optimal" or answer.weights is None or answer.multipliers is None:
            attempts.append(Attempt(engine.name, answer.status, "not solved"))
            if answer.status == "infeasible" and engine.solver == "CLARABEL":
                break  # Clarabel ends so on a certificate of infeasibility; another engine could only agree
            continue
        weights, multipliers, certificate = _best(program, answer.weights, answer.multipliers)
        attempts.append(Attempt(engine.name, answer.status, "" if certificate.released else certificate.reason))
        if certificate.released:
            return Released(weights, multipliers, certificate, tuple(attempts))
    return Released(None, None, certificate, tuple(attempts))


def _best(
    program: Program, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, Multipliers, Certificate]:
    """Repair and refine the answer; where that passes the gate return it, else the answer as it came."""
    if not np.isfinite(weights).all():
        return weights, multipliers, certify(program, weights, multipliers)
    came = repair(program, weights)
    refined = refine(program, came, multipliers)
    if refined is not None:
        exact = repair(program, refined[0])
        certificate = certify(program, exact, refined[1])
        if certificate.released:
            return exact, refined[1], certificate
    still = np.where(np.abs(came - program.current) < _DUST, program.current, came)
    if program.priced and (still != came).any():
        # Without refinement an engine leaves dust where nothing should trade.
        clean = repair(program, still)
        certificate = certify(program, clean, multipliers)
        if certificate.released:
            return clean, multipliers, certificate
    return came, multipliers, certify(program, came, multipliers)
