"""What engines say: multipliers, answers, attempts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The price of each constraint in utility a year per unit of it: at least 0, but for the budget, which is free.

    ``rows`` is the price of the upper side less that of the lower side. Shapes (...), (..., r), (..., t), (..., b).
    """

    budget: float | np.ndarray
    rows: np.ndarray
    trades: np.ndarray
    balls: np.ndarray


@dataclass(frozen=True, eq=False)
class Answer:
    """What an engine said: its status word, and weights and multipliers where it gave any."""

    status: str
    weights: np.ndarray | None = None
    multipliers: Multipliers | None = None


@dataclass(frozen=True)
class Attempt:
    """One engine's try: what it was, what it said, and why it was not released (empty: it was)."""

    engine: str
    status: str
    refused: str = ""
