"""The rows of a table by whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one table grouped by account, for every account of a roster in its order.

    ``order[starts[i]:starts[i + 1]]`` are the rows, in the table's order, of the account whose position ``ids`` has as
    ``i``.
    """

    order: np.ndarray
    starts: np.ndarray
    ids: Mapping[str, int]

    def of(self, account: str) -> np.ndarray:
        """Return the positions of an account's rows, in the table's order."""
        i = self.ids.get(account)
        return self.order[:0] if i is None else self.order[self.starts[i] : self.starts[i + 1]]
