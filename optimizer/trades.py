"""The fewest trades that reach the ideal within an indifference, in whole lots and real tickets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .solutions import Solution


@dataclass(frozen=True, eq=False)
class Target:
    """Where an account is to stand after trading; ``reason`` says why nowhere, where no target meets the hard limits."""

    weights: np.ndarray
    given_up: float = 0.0
    notes: tuple[str, ...] = ()
    reason: str = ""


def choose_target(solution: Solution) -> Target:
    """Return the target weights of a solution."""
    return Target(solution.ideal)
