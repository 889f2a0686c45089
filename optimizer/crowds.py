"""Many accounts asked at once: one compiled program, a loop that only updates and solves, and the gate for all of them.

Whoever does not come through here, for whatever reason, is asked alone by :func:`trimtab.optimizer.engines.ask`. A
single account is a crowd of one first: the same bits, without compiling cvxpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .answers import Attempt, Multipliers
from .certificates import CERTIFIED_TE, RESIDUAL, certify, measure, repair
from .engines import Released, ask
from .problems import Problem
from .programs import Program
from .refinements import refine_all


@dataclass(frozen=True, eq=False)
class Crowd:
    """What came through the gate: who was released, weights (m, n), prices and proof of each.

    ``seconds`` is the time inside the engine.
    """

    released: np.ndarray
    weights: np.ndarray
    multipliers: Multipliers
    residual: np.ndarray
    gap: np.ndarray
    certified_te: np.ndarray
    seconds: float


def ask_all(problem: Problem, program: Program) -> Crowd:
    """Ask for the ideal weights of many accounts; only what is exact to the binding set and certified is released."""
    replies = problem.engine(program).solve(program)
    asked = np.flatnonzero(replies.solved & np.isfinite(replies.weights).all(-1))
    own = pass_gate(program.pick(asked), replies.weights[asked], replies.multipliers.pick(asked))
    m = len(replies.solved)
    released = np.zeros(m, dtype=bool)
    released[asked] = own.released
    spread = lambda values: _spread(values, asked, m)  # noqa: E731
    whole = replies.multipliers.copy()
    whole.put(asked, own.multipliers)
    return Crowd(
        released, spread(own.weights), whole, spread(own.residual), spread(own.gap), spread(own.certified_te),
        replies.seconds,
    )  # fmt: skip


def pass_gate(program: Program, weights: np.ndarray, multipliers: Multipliers) -> Crowd:
    """Refine what was said of many accounts, by an engine or of others like them, and check and prove what comes of it.

    Whoever is not exact to the binding set, or not certified, is not released.
    """
    weights, multipliers, found = refine_all(program, repair(program, weights), multipliers)
    weights = repair(program, weights)
    residual, gap, te = measure(program, weights, multipliers)
    passed = found & (residual <= RESIDUAL) & (te <= CERTIFIED_TE)
    return Crowd(passed, weights, multipliers, residual, gap, te, 0.0)


def ask_one(problem: Problem, program: Program) -> Released:
    """Ask for the ideal weights of one account: as one of many, else every engine in turn."""
    if not program.customs:
        crowd = ask_all(problem, program.lift())
        if crowd.released[0]:
            weights, multipliers = crowd.weights[0], crowd.multipliers.pick(0)
            attempt = Attempt("PIQP" if program.linear else "Clarabel", "optimal")
            return Released(weights, multipliers, certify(program, weights, multipliers), (attempt,))
    return ask(program, problem.statement(program))


def _spread(values: np.ndarray, where: np.ndarray, m: int) -> np.ndarray:
    out = np.full((m, *values.shape[1:]), np.inf)
    out[where] = values
    return out
