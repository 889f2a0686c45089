"""What engines say: multipliers, answers, attempts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..units import Each


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The price of each constraint in utility a year per unit of it: at least 0, but for the budget, which is free.

    ``rows`` is the price of the upper side less that of the lower side. Shapes (...), (..., r), (..., t), (..., b).
    """

    budget: Each
    rows: np.ndarray
    trades: np.ndarray
    balls: np.ndarray

    def lift(self) -> Multipliers:
        """Return those of one account as those of many."""
        return Multipliers(np.array([self.budget]), self.rows[None], self.trades[None], self.balls[None])

    def pick(self, which: int | np.ndarray) -> Multipliers:
        """Return those of one account of many, or of some: positions or a mask."""
        budget = np.asarray(self.budget)[which]
        own = float(budget) if np.ndim(which) == 0 else budget
        return Multipliers(own, self.rows[which], self.trades[which], self.balls[which])

    def copy(self) -> Multipliers:
        """Return a copy to write into."""
        return Multipliers(np.array(self.budget), np.array(self.rows), np.array(self.trades), np.array(self.balls))

    def put(self, which: np.ndarray, others: Multipliers) -> None:
        """Write those of some accounts into a copy made for it."""
        for mine, theirs in zip(self._parts(), others._parts(), strict=True):
            mine[which] = theirs

    def _parts(self) -> tuple:
        return self.budget, self.rows, self.trades, self.balls


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
