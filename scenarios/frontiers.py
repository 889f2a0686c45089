"""What more of one thing buys of another: the points of a sweep that no other point beats."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .figures import check_figures
from .sweeps import Sweep

_SAME = 1e-12
"""Gains nearer to each other than this are the same."""
_SOLVED = ("OPTIMAL", "RELAXED")


def frontier(found: Sweep, spent: str = "tracking_error", bought: str = "expected_gain") -> pd.DataFrame:
    """Return the efficient points of a sweep: more is bought than at any point where no more is spent.

    Parameters
    ----------
    found
        A sweep of any knobs.
    spent, bought
        Columns of its points: expected gain against tracking error, against turnover, against cost.

    Returns
    -------
    pandas.DataFrame
        The efficient points in the order of what is spent: spent, bought, ratio (bought over spent) and slope (what
        the next bit spent buys: the step from the point before), and the knobs as the index.

    Raises
    ------
    InputError
        An unknown column.
    """
    check_figures(spent, bought)
    points = found.points.loc[found.points["outcome"].isin(_SOLVED), [spent, bought]]
    # A knob may be called what a figure is, so that neither can be named to pandas.
    points = points.iloc[np.lexsort((-points[bought].to_numpy(), points[spent].to_numpy()))]
    before = np.concatenate([[-np.inf], np.maximum.accumulate(points[bought].to_numpy())[:-1]]) if len(points) else []
    kept = points.loc[points[bought].to_numpy() > np.asarray(before) + _SAME]
    step = kept.diff()
    ratio = kept[bought] / kept[spent].where(kept[spent] > 0)
    return kept.assign(ratio=ratio, slope=step[bought] / step[spent].where(step[spent] > 0))
