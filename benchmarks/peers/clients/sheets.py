"""What every client reads: the numbers of a task, and how a cell of the table of features is written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

STEPS = ("views", "tracking", "turnover", "costs")
"""Each mandate says one thing more than the one before."""


TOLERANCES = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
"""What everybody asks of Clarabel."""


class Sheet:
    """The numbers of a task (`tasks.py` says which), with the few things that everybody derives from them."""

    def __init__(self, folder, numbers):
        self.folder = folder
        for name in numbers:
            value = numbers[name]
            setattr(self, name, value if value.ndim else float(value))
        self.n = len(self.sigma)
        self.ids = [*(f"A{i:03d}" for i in range(self.n - 1)), "CASH"]

    @classmethod
    def read(cls, folder):
        """Read a task from its folder."""
        return cls(folder, np.load(Path(folder) / "task.npz"))

    def says(self, step, what):
        """Whether the mandate of a step has a limit, or costs."""
        return STEPS.index(what) <= STEPS.index(step)

    def lean(self, m):
        """Return by how much the views move the expected returns that model m implies: Black and Litterman by hand."""
        spread = self.legs @ self.sigma @ self.legs.T
        doubt = np.diag((1 / self.confidences - 1) * np.diag(spread))
        surprise = self.gains - self.legs @ (self.aversion * self.sigma @ self.strategic[m])
        return self.sigma @ self.legs.T @ np.linalg.solve(spread + doubt, surprise)

    def box(self, m):
        """Return the least and the most that model m may hold of each asset; the cash stays where it is."""
        b, room = self.strategic[m], np.append(np.full(self.n - 1, self.deviation), 0.0)
        return np.maximum(b - room, 0.0), b + room

    def yearly(self):
        """Return what it costs, a year, to trade all of an asset."""
        return self.rates / self.horizon

    def risky(self):
        """Return the numbers without the cash."""
        return slice(0, self.n - 1)

    def invested(self):
        """Return what is not in cash."""
        return 1.0 - float(self.strategic[0, -1])


@dataclass(frozen=True)
class Cell:
    """Whether a library can state something: ``yes``, ``by hand``, ``partly`` or ``no``, a note, and a proof.

    A proof is a function of a sheet that raises where the cell does not hold; a ``no`` names the API that lacks it.
    """

    state: str
    note: str
    proof: object = None


def yes(proof, note=""):
    """Say that a library has a name for it, and that ``proof`` uses it."""
    return Cell("yes", note, proof)


def by_hand(proof, note=""):
    """Say that its user writes it out, and that ``proof`` does."""
    return Cell("by hand", note, proof)


def partly(note, proof=None):
    """Say what of it there is."""
    return Cell("partly", note, proof)


def no(note, proof=None):
    """Name the API that lacks it."""
    return Cell("no", note, proof)


def check(holds, what="it does not hold"):
    """Raise where a claim does not hold."""
    if not holds:
        raise ValueError(what)
