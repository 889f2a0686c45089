"""Who carries the risk: contributions that sum to volatility or tracking error, foreseen and realised.

Volatility is homogeneous of degree one in the weights, so by Euler's theorem it is a sum over them::

    sigma(w) = sqrt(w' Sigma w),   contribution_i = w_i (Sigma w)_i / sigma

and the same with the active weights ``a = w - b`` for tracking error (Litterman 1996). Realised: with ``c_it`` what
asset i contributed to the active return ``e_t``, ``contribution_i = cov(c_i, e) / std(e)``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..models.risks import Risk


def contributions(weights: pd.Series, risk: Risk, strategic: pd.Series | None = None) -> pd.DataFrame:
    """Return what each asset contributes to volatility and, given strategic weights, to tracking error.

    An underweight in a risky asset may well contribute a positive part to tracking error: leaving is a bet too.

    Parameters
    ----------
    weights, strategic
        Decimals by asset, in the universe's order.
    risk
        Annual covariance.

    Returns
    -------
    pandas.DataFrame
        A row an asset: ``volatility`` and ``tracking_error``, annual decimals summing to the whole; zeros where
        there is none.
    """
    out = pd.DataFrame(index=weights.index)
    out["volatility"] = _parts(weights.to_numpy(dtype=float), risk)
    if strategic is not None:
        active = weights.to_numpy(dtype=float) - strategic.reindex(weights.index).to_numpy(dtype=float)
        out["tracking_error"] = _parts(active, risk)
    return out


def realised_contributions(parts: pd.DataFrame, *, periods_per_year: float) -> pd.Series:
    """Return what each column contributed to the realised volatility of the sum of the columns, annual.

    Parameters
    ----------
    parts
        Periods by contributors: each one's contribution to the active (or total) return of the period.
    periods_per_year
        252 for days, 12 for months.

    >>> parts = pd.DataFrame({"a": [0.01, -0.01, 0.02], "b": [0.0, 0.0, 0.0]})
    >>> found = realised_contributions(parts, periods_per_year=12)
    >>> bool(abs(found.sum() - parts.sum(axis=1).std() * 12**0.5) < 1e-12), float(found["b"])
    (True, 0.0)
    """
    values = parts.to_numpy(dtype=float)
    centred = values - values.mean(0)
    whole = centred.sum(1)
    size = np.sqrt((whole**2).sum())
    freedom = max(len(values) - 1, 1)
    shares = np.zeros(values.shape[1]) if size == 0 else centred.T @ whole / size / np.sqrt(freedom)
    return pd.Series(shares * np.sqrt(periods_per_year), index=parts.columns)


def _parts(weights: np.ndarray, risk: Risk) -> np.ndarray:
    size = float(risk.volatility(weights))
    return np.zeros_like(weights) if size == 0 else weights * risk.times(weights) / size
