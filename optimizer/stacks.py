"""Conic programs on their way to Clarabel: rows of ``A x + s = b``, a block and its cone at a time; its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import clarabel as _clarabel
import numpy as np
from scipy import sparse

clarabel: Any = _clarabel
"""Its names are made by Rust: no type checker sees them."""

Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows within a block, columns, values."""


@dataclass(eq=False)
class Stack:
    """Rows collected block by block; mutable, it only collects."""

    i: list[np.ndarray] = field(default_factory=list)
    j: list[np.ndarray] = field(default_factory=list)
    a: list[np.ndarray] = field(default_factory=list)
    b: list[np.ndarray] = field(default_factory=list)
    cones: list[object] = field(default_factory=list)
    height: int = 0

    def add(self, parts: list[Part], right: np.ndarray, cone: Callable[[int], object]) -> slice:
        """Add a block of rows in one cone; return where they are."""
        for i, j, a in parts:
            self.i.append(i + self.height)
            self.j.append(j)
            self.a.append(a)
        self.b.append(right)
        self.cones.append(cone(len(right)))
        start, self.height = self.height, self.height + len(right)
        return slice(start, self.height)

    def curve(self, parts: list[Part], right: np.ndarray, power: float) -> None:
        """Add three rows in a power cone."""
        self.add(parts, right, lambda _: clarabel.PowerConeT(power))

    def matrix(self, width: int) -> Any:
        """Return A."""
        places = (np.concatenate(self.i), np.concatenate(self.j))
        return sparse.csc_matrix((np.concatenate(self.a), places), shape=(self.height, width))


def dense(columns: np.ndarray, matrix: np.ndarray) -> Part:
    """Put a matrix, its zeros left out, in these columns."""
    i, j = np.nonzero(matrix)
    return i, columns[j], matrix[i, j]


def single(columns: np.ndarray, value: float, rows: np.ndarray | None = None) -> Part:
    """Put one number a row in these columns."""
    return np.arange(len(columns)) if rows is None else rows, columns, np.full(len(columns), value)


def settings(tolerance: float, steps: int) -> Any:
    """Return Clarabel's settings: quiet, one thread, one tolerance for everything."""
    out = clarabel.DefaultSettings()
    out.verbose, out.max_threads, out.max_iter = False, 1, steps
    out.tol_gap_abs = out.tol_gap_rel = out.tol_feas = tolerance
    return out
