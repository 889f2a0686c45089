"""Was a score worth anything: information coefficients with their significance, decay, turnover and hits.

Scores and gains are arrays in time, oldest first, NaN where there is none; row t of gains is what followed the score of
row t. These figures describe a whole history. What may be *used* on a day, because its horizon had ended by then, is
for ``tracks`` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

How = Literal["rank", "linear"]


@dataclass(frozen=True)
class Skill:
    """An information coefficient, its Newey-West t and how many pairs it rests on; NaN where there are too few.

    ``t`` is what the coefficient is divided by its standard error; beyond about 2 it is unlikely to be luck.
    """

    coefficient: float
    t: float
    count: int


def forward_gains(levels: np.ndarray, horizon: int) -> np.ndarray:
    """Return ``L[t + h] / L[t] - 1``, decimal over h rows, NaN where the horizon has not ended; shape as ``levels``.

    >>> forward_gains(np.array([100.0, 110.0, 121.0]), 1).round(2)
    array([0.1, 0.1, nan])
    """
    levels = np.asarray(levels, dtype=float)
    gains = np.full(levels.shape, np.nan)
    if 0 < horizon < len(levels):
        gains[:-horizon] = levels[horizon:] / levels[:-horizon] - 1.0
    return gains


def correlation(scores: np.ndarray, gains: np.ndarray, how: How = "rank") -> float:
    """Return Spearman's (``"rank"``) or Pearson's (``"linear"``) correlation over pairs without NaN.

    NaN with fewer than 3 pairs or where one side never varies.

    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 8.0, 27.0])), 12)
    1.0
    """
    x, y = _standard_pairs(scores, gains, how)
    return float(x @ y / len(x)) if len(x) else float("nan")


def _standard_pairs(scores: np.ndarray, gains: np.ndarray, how: How) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs (or their ranks) with mean 0 and variance 1; empty where they cannot be."""
    x, y = np.asarray(scores, dtype=float), np.asarray(gains, dtype=float)
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if how == "rank" and len(x):
        x, y = (pd.Series(each).rank().to_numpy() for each in (x, y))  # ties share the mean of theirs
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.empty(0), np.empty(0)
    return (x - x.mean()) / x.std(), (y - y.mean()) / y.std()


def newey_west_lags(count: int, horizon: int = 1) -> int:
    """Return the lags to count: ``floor(4 (T/100)^(2/9))``, at least the overlap ``horizon - 1``.

    Source: Newey and West, Review of Economic Studies 61(4), 1994.

    >>> newey_west_lags(100), newey_west_lags(100, 12)
    (4, 11)
    """
    return int(min(max(int(4 * (count / 100) ** (2 / 9)), horizon - 1), max(count - 1, 0)))


def newey_west_error(design: np.ndarray, residuals: np.ndarray, lags: int) -> np.ndarray:
    """Return the standard errors of a least-squares fit whose residuals are correlated in time, shape (k,).

    ``(X'X)^-1 S (X'X)^-1`` with ``S = G_0 + sum_l (1 - l/(L+1)) (G_l + G_l')``, ``G_l = sum_t u_t u_(t-l)'``,
    ``u_t = x_t e_t`` (Newey and West, Econometrica 55(3), 1987).
    """
    pushes = design * residuals[:, None]
    middle = pushes.T @ pushes
    for lag in range(1, lags + 1):
        shared = pushes[lag:].T @ pushes[:-lag]
        middle += (1.0 - lag / (lags + 1.0)) * (shared + shared.T)
    bread = np.linalg.inv(design.T @ design)
    return np.sqrt(np.maximum(np.diag(bread @ middle @ bread), 0.0))


def information_coefficient(
    scores: np.ndarray, gains: np.ndarray, *, how: How = "rank", horizon: int = 1, lags: int | None = None
) -> Skill:
    """Return the correlation in time of scores with what followed, and its t.

    Parameters
    ----------
    scores, gains
        Shape (T,).
    how
        Correlation of ranks, or linear.
    horizon
        Of the gains, in rows: overlapping gains repeat themselves, and so many lags are counted at least.
    lags
        Instead of those of ``newey_west_lags``.

    Notes
    -----
    The coefficient is the slope of the standardised gains on the standardised scores, so its standard error is that of
    a regression (Grinold and Kahn, "Active Portfolio Management", 1999, chapter 6, for the coefficient).

    >>> x = np.array([1.0, -1.0, 2.0, -2.0, 0.5, -0.5])
    >>> information_coefficient(x, x + np.array([1.0, 1.0, -1.0, -1.0, 0.0, 0.0]), how="linear", lags=0).count
    6
    """
    x, y = _standard_pairs(scores, gains, how)
    count = len(x)
    if count < 3:
        both = np.isfinite(np.asarray(scores, dtype=float)) & np.isfinite(np.asarray(gains, dtype=float))
        return Skill(float("nan"), float("nan"), int(both.sum()))
    slope = float(x @ y / count)
    design = np.column_stack([np.ones(count), x])
    error = newey_west_error(design, y - slope * x, newey_west_lags(count, horizon) if lags is None else lags)[1]
    # Where every residual is zero the coefficient is exact, and no number says how sure that is.
    return Skill(slope, slope / error if error > 1e-12 else float("nan"), count)


def cross_sectional_coefficients(scores: np.ndarray, gains: np.ndarray, how: How = "rank") -> np.ndarray:
    """Return one coefficient a row: across the k assets of shape (T, k); NaN with fewer than 3 assets.

    >>> cross_sectional_coefficients(np.array([[1.0, 2.0, 3.0]]), np.array([[0.3, 0.2, 0.1]])).round(6)
    array([-1.])
    """
    return np.array([correlation(s, g, how) for s, g in zip(scores, gains, strict=True)])


def mean_coefficient(coefficients: np.ndarray, *, horizon: int = 1, lags: int | None = None) -> Skill:
    """Return the mean of coefficients in time with its Newey-West t (of a regression on a constant)."""
    kept = coefficients[np.isfinite(coefficients)]
    if len(kept) < 3:
        return Skill(float("nan"), float("nan"), len(kept))
    mean = float(kept.mean())
    lags = newey_west_lags(len(kept), horizon) if lags is None else lags
    error = newey_west_error(np.ones((len(kept), 1)), kept - mean, lags)[0]
    return Skill(mean, mean / error if error > 1e-12 else float("nan"), len(kept))


def hit_rate(scores: np.ndarray, gains: np.ndarray) -> float:
    """Return the share of pairs whose signs agree, among those where neither is zero; NaN where there is none.

    >>> hit_rate(np.array([1.0, -1.0, 2.0, 0.0]), np.array([0.1, 0.2, 0.1, 0.1])) == 2 / 3
    True
    """
    agreed = np.sign(scores) * np.sign(gains)
    counted = np.isfinite(agreed) & (agreed != 0)
    return float(np.mean(agreed[counted] > 0)) if counted.any() else float("nan")


def one_way_turnover(scores: np.ndarray) -> float:
    """Return what a holder of positions proportional to the scores trades a row, one-way, per unit of gross position.

    ``sum_t sum_i |s_t - s_(t-1)| / 2`` over ``sum_t sum_i |s_t|`` of the same rows: 1 where the sign flips each row, 0
    where nothing changes. Shape (T,) or (T, k); a row with a NaN on either side is not counted.

    >>> one_way_turnover(np.array([1.0, -1.0, 1.0, -1.0])), one_way_turnover(np.array([2.0, 2.0, 2.0]))
    (1.0, 0.0)
    """
    rows = np.asarray(scores, dtype=float).reshape(len(scores), -1)
    moved, held = np.abs(np.diff(rows, axis=0)), np.abs(rows[1:])
    known = np.isfinite(moved)
    gross = held[known].sum()
    return float(moved[known].sum() / 2 / gross) if gross > 0 else float("nan")


def decay(
    scores: np.ndarray, levels: np.ndarray, horizons: Sequence[int] = (1, 3, 6, 12), how: How = "rank"
) -> pd.DataFrame:
    """Return the information coefficient at each horizon (in rows): columns ``coefficient``, ``t``, ``count``.

    ``levels`` are those of what the score is about, shape (T,).
    """
    skills = [information_coefficient(scores, forward_gains(levels, h), how=how, horizon=h) for h in horizons]
    return pd.DataFrame(
        {
            "coefficient": [each.coefficient for each in skills],
            "t": [each.t for each in skills],
            "count": [each.count for each in skills],
        },
        index=pd.Index(horizons, name="horizon"),
    )


def diagnose(scores: pd.DataFrame, gains: np.ndarray, *, horizon: int = 1) -> pd.DataFrame:
    """Return a row a score: count, rank and linear coefficient with their t, hit rate and turnover.

    Parameters
    ----------
    scores
        A column a score.
    gains
        Shape (T,): what followed each row over the horizon.
    horizon
        In rows.
    """
    rows = {}
    for name, column in scores.items():
        values = column.to_numpy(dtype=float)
        rank, linear = (information_coefficient(values, gains, how=how, horizon=horizon) for how in ("rank", "linear"))
        rows[name] = {
            "count": rank.count,
            "rank_coefficient": rank.coefficient,
            "rank_t": rank.t,
            "linear_coefficient": linear.coefficient,
            "linear_t": linear.t,
            "hit_rate": hit_rate(values, gains),
            "turnover": one_way_turnover(values),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("signal")
