"""How a number is spread over many accounts, counted on a fixed grid: memory stays the same however many there are."""

from __future__ import annotations

import numpy as np
import pandas as pd

STEP = 1e-5
"""The width of a cell of the grid, a tenth of a basis point: what a median is known to."""
_CELLS = 200_001
"""From -100 % to +100 %; what lies beyond is counted at the ends."""
_MIDDLE = _CELLS // 2
_TAILS = (0.001, 0.999)
_NICE = (1, 2, 5)


class Spread:
    """A number counted over accounts.

    >>> spread = Spread()
    >>> spread.add(np.array([0.01, 0.02, 0.03, np.nan]))
    >>> spread.count, round(spread.quantile(0.5), 6)
    (3, 0.02)
    """

    def __init__(self) -> None:
        self._cells = np.zeros(_CELLS, dtype=np.int64)
        self.count = 0
        """How many there are."""
        self._sum = 0.0

    def add(self, values: np.ndarray) -> None:
        """Count values; what is no number is left out."""
        values = values[np.isfinite(values)]
        at = np.clip(np.rint(values / STEP), -_MIDDLE, _MIDDLE).astype(np.int64) + _MIDDLE
        self._cells += np.bincount(at, minlength=_CELLS)
        self.count += len(values)
        self._sum += float(values.sum())

    @property
    def mean(self) -> float:
        """Their mean; not a number where there is none."""
        return self._sum / self.count if self.count else float("nan")

    def quantile(self, share: float) -> float:
        """Return the value that a share of them does not exceed, to :data:`STEP`; not a number where there is none."""
        if not self.count:
            return float("nan")
        rank = max(1, int(np.ceil(share * self.count)))
        return float(np.searchsorted(np.cumsum(self._cells), rank) - _MIDDLE) * STEP

    def histogram(self, most: int = 40) -> pd.DataFrame:
        """Return counts in at most so many bins of a round width.

        Parameters
        ----------
        most
            Bins.

        Returns
        -------
        pandas.DataFrame
            ``low``, ``high``, ``accounts``: the bin holds what is at least low and less than high, to :data:`STEP`;
            the first and the last one hold what lies beyond too, a thousandth of all at most on each side.
        """
        if not self.count:
            return pd.DataFrame({"low": [], "high": [], "accounts": []})
        first, last = (round(self.quantile(share) / STEP) for share in _TAILS)
        width = _round_up((last - first + 1) / (most - 1))
        start = (first // width) * width
        bins = (last - start) // width + 1
        cells = np.arange(_CELLS) - _MIDDLE
        at = np.clip((cells - start) // width, 0, bins - 1)
        counts = np.bincount(at, self._cells, bins).astype(np.int64)
        low = (start + width * np.arange(bins)) * STEP
        return pd.DataFrame({"low": low, "high": low + width * STEP, "accounts": counts})


def _round_up(width: float) -> int:
    """Return the next of 1, 2, 5, 10, 20 ... that is no less."""
    scale = 1
    while True:
        for nice in _NICE:
            if nice * scale >= width:
                return nice * scale
        scale *= 10
