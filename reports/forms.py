"""How the numbers and sentences of pages are written, and how much of a long table stands on one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..units import basis_points, percent

MOST = 1000
"""Rows of a table that may be long: of more, the page says where the rest stands."""


def money(value: float) -> str:
    """Write money without cents.

    >>> money(1234567.8)
    '1,234,568'
    """
    return f"{value:,.0f}"


def whole(value: float) -> str:
    """Write a decimal as a percent without places.

    >>> whole(0.987)
    '99%'
    """
    return percent(value, 0)


def narrow(value: float) -> str:
    """Write a small decimal as a percent with three places.

    >>> narrow(0.01234)
    '1.234%'
    """
    return percent(value, 3)


def points(value: float) -> str:
    """Write a decimal in basis points.

    >>> points(0.000123)
    '1.23 bp'
    """
    return basis_points(value, 2)


def spread_out(frame: pd.DataFrame, most: int = MOST) -> pd.DataFrame:
    """Return rows of a table at even distances, the first and the last among them; all where it is short.

    >>> spread_out(pd.DataFrame({"x": range(100)}), 4)["x"].to_list()
    [0, 33, 66, 99]
    """
    if len(frame) <= most:
        return frame
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, most).astype(int))]


def capital(words: str) -> str:
    """Return words as a sentence begins; the rest of them stays as it is.

    >>> capital("held in EFA")
    'Held in EFA'
    """
    return words[:1].upper() + words[1:]


def remainder(frame: pd.DataFrame, where: str, most: int = MOST) -> str:
    """Say how much of a table does not stand here; nothing where all of it does.

    >>> remainder(pd.DataFrame({"x": range(3)}), "in sweep.parquet", 2)
    ' 2 of 3 rows stand here; all of them in sweep.parquet.'
    """
    return f" {most:,} of {len(frame):,} rows stand here; all of them {where}." if len(frame) > most else ""
