"""Many accounts asked at once: one compiled program, a loop that only updates and solves, and the gate for all of them.

Whoever does not come through here, for whatever reason, is asked alone by :func:`trimtab.optimizer.engines.ask`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .answers import Multipliers
from .certificates import CERTIFIED_TE, RESIDUAL, measure, repair
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
    asked = np.flatnonzero(replies.solved)
    some, said = program.pick(asked), replies.multipliers.pick(asked)
    weights, multipliers, found = refine_all(some, repair(some, replies.weights[asked]), said)
    weights = repair(some, weights)
    residual, gap, te = measure(some, weights, multipliers)
    passed = found & (residual <= RESIDUAL) & (te <= CERTIFIED_TE)
    m = len(replies.solved)
    released = np.zeros(m, dtype=bool)
    released[asked] = passed
    spread = lambda values: _spread(values, asked, m)  # noqa: E731
    whole = replies.multipliers.copy()
    whole.put(asked, multipliers)
    return Crowd(released, spread(weights), whole, spread(residual), spread(gap), spread(te), replies.seconds)


def _spread(values: np.ndarray, where: np.ndarray, m: int) -> np.ndarray:
    out = np.full((m, *values.shape[1:]), np.inf)
    out[where] = values
    return out
