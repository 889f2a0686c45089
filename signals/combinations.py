"""Several signals on one subject as one score, so that two copies of one signal count once; and pools of experts.

A scheme says what each signal is worth by itself, ``u`` (equal, inverse variance, information coefficient). What all
are worth together depends on how alike they are: with ``R`` the correlation of the scores::

    w = argmin  w'R w / 2 - u'w,   w >= 0          combined score = w'z / sqrt(w'R w)

Without the sign that is ``w = R^-1 u``, the refined forecast of Grinold and Kahn ("Active Portfolio Management", 1999,
chapter 11) and, with ``u`` the coefficients, the greatest information ratio of Qian, Hua and Sorensen ("Quantitative
Equity Portfolio Management", 2007, chapter 7). The sign keeps an estimated correlation from turning a signal around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from ..errors import SignalError
from ..units import did_you_mean

Scheme = Literal["equal", "inverse_variance", "ic"]
SCHEMES = ("equal", "inverse_variance", "ic")
_RIDGE = 1e-9
"""On the diagonal of a correlation: copies then share their weight instead of leaving it to rounding."""


def equal_worth(count: int) -> np.ndarray:
    """Return the same worth for each signal; they sum to 1.

    >>> equal_worth(4)
    array([0.25, 0.25, 0.25, 0.25])
    """
    return np.full(count, 1.0 / count)


def inverse_variance_worth(scores: np.ndarray) -> np.ndarray:
    """Return worth in inverse proportion to the mean square of each score so far, shape (k,); they sum to 1.

    A score is a forecast in units of its subject's volatility; one that swings twice as far is taken to be four times
    as noisy (Bates and Granger, Operational Research Quarterly 20(4), 1969, with the score as its own error, which it
    nearly is at coefficients of a few hundredths). A column without history counts like the noisiest.

    >>> inverse_variance_worth(np.array([[1.0, 2.0], [-1.0, -2.0]]))
    array([0.8, 0.2])
    """
    seen = np.isfinite(scores)
    squares = np.where(seen, scores, 0.0) ** 2
    mean = squares.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    known = mean > 0
    if not known.any():
        return equal_worth(scores.shape[1])
    worth = 1.0 / np.where(known, mean, mean.max())
    return worth / worth.sum()


def shrink_coefficients(coefficients: np.ndarray, counts: np.ndarray, prior: float = 0.05) -> np.ndarray:
    """Return information coefficients shrunk to what one expects of any signal, never below 0, shape (k,).

    ``prior + (1 - B_j)(ic_j - prior)`` with ``B_j = e_j^2 / (e_j^2 + tau^2)``, ``e_j^2 = 1/n_j`` the sampling variance
    of a correlation near 0 and ``tau^2 = max(0, mean (ic_j - prior)^2 - mean e_j^2)`` estimated from the signals
    together: the positive-part estimator of James and Stein (1961) as empirical Bayes (Efron and Morris, JASA 68,
    1973). Where coefficients differ by no more than chance would have it, all become ``prior``: equal weights.

    Parameters
    ----------
    coefficients
        As measured; NaN where there is none (it becomes ``prior``).
    counts
        Independent forecasts behind each: overlapping horizons count once.

    >>> shrink_coefficients(np.array([0.30, 0.0]), np.array([400, 400])).round(4)
    array([0.2808, 0.0038])
    >>> shrink_coefficients(np.array([0.07, 0.02]), np.array([100, 100]))
    array([0.05, 0.05])
    """
    known = np.isfinite(coefficients) & (np.asarray(counts) > 0)
    shrunk = np.full(len(coefficients), float(prior))
    if known.any():
        errors = 1.0 / np.asarray(counts, dtype=float)[known]
        away = np.asarray(coefficients, dtype=float)[known] - prior
        spread = max(0.0, float(np.mean(away**2) - np.mean(errors)))
        shrunk[known] = prior + spread / (spread + errors) * away
    return np.maximum(shrunk, 0.0)


def stated_worth(weights: Mapping[str, float], names: Sequence[str]) -> np.ndarray:
    """Return the weights that somebody stated, by name, scaled to sum to 1.

    Raises
    ------
    SignalError
        A name that is no signal of the opinion, a weight that is negative, or none that is positive.

    >>> stated_worth({"value": 3, "trend": 1}, ("trend", "value"))
    array([0.25, 0.75])
    """
    for name, weight in weights.items():
        if name not in names or not (np.isfinite(weight) and weight >= 0):
            raise SignalError(
                f"the weight {weight} of {name!r} is of no signal here, or no weight",
                code="BAD_WEIGHT",
                table="opinions",
                field="weights",
                value=name,
                mend=did_you_mean(name, names) or f"numbers of at least 0 for {', '.join(names)}",
            )
    worth = np.array([float(weights.get(name, 0.0)) for name in names])
    if worth.sum() <= 0:
        raise SignalError(
            "no signal has a positive weight", code="BAD_WEIGHT", table="opinions", field="weights", mend="say one"
        )
    return worth / worth.sum()


def score_correlation(scores: np.ndarray, *, doubt: float = 24.0) -> np.ndarray:
    """Return the correlation of the columns over rows where all are known, shape (k, k), drawn to 1 while they are few.

    ``(n C + doubt * 11') / (n + doubt)``: without history signals count as copies of each other, and earn their
    independence as it is seen. Copies stay copies.

    >>> score_correlation(np.empty((0, 2)))
    array([[1., 1.],
           [1., 1.]])
    """
    whole = scores[np.isfinite(scores).all(axis=1)]
    n, k = len(whole), scores.shape[1]
    ones = np.ones((k, k))
    if n < 3:
        return ones
    away = whole - whole.mean(axis=0)
    size = np.sqrt((away**2).sum(axis=0))
    moving = size > 1e-12 * np.maximum(np.abs(whole).max(axis=0), 1e-300)
    unit = np.where(moving, away / np.where(moving, size, 1.0), 0.0)
    found = unit.T @ unit
    found[np.ix_(~moving, ~moving)] = 1.0  # what never moved is like what never moved
    np.fill_diagonal(found, 1.0)
    return (n * found + doubt * ones) / (n + doubt)


def distinct_weights(worth: np.ndarray, alike: np.ndarray) -> np.ndarray:
    """Return the weights of signals that are worth ``u`` each and are correlated by ``R``, shape (k,), at least 0.

    >>> copies = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> distinct_weights(np.ones(3), copies).round(6)
    array([0.5, 0.5, 1. ])
    """
    root = cholesky(alike + _RIDGE * np.eye(len(worth)), lower=True)
    return nnls(root.T, solve_triangular(root, np.asarray(worth, dtype=float), lower=True))[0]


def combined_score(scores: np.ndarray, weights: np.ndarray, alike: np.ndarray) -> float:
    """Return ``w'z / sqrt(w'R w)``: again a number whose usual size is 1; NaN where no weight is left.

    >>> two = np.eye(2)
    >>> round(combined_score(np.array([1.0, 1.0]), np.ones(2), two), 4)
    1.4142
    >>> combined_score(np.array([1.0, 1.0]), np.ones(2), np.ones((2, 2)))
    1.0
    """
    size = float(np.sqrt(max(weights @ alike @ weights, 0.0)))
    return float(weights @ scores) / size if size > 0 else float("nan")


def combined_coefficient(coefficients: np.ndarray, weights: np.ndarray, alike: np.ndarray) -> float:
    """Return the information coefficient of the combined score, ``w'ic / sqrt(w'R w)``.

    At ``w = R^-1 ic`` that is ``sqrt(ic'R^-1 ic)`` (Grinold and Kahn, 1999, chapter 11).

    >>> round(combined_coefficient(np.array([0.03, 0.04]), np.array([0.03, 0.04]), np.eye(2)), 6)
    0.05
    """
    return combined_score(coefficients, weights, alike)


def linear_pool(probabilities: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return ``sum_e w_e p_e``, shape (S,): the experts' probabilities averaged (Stone, 1961).

    What any expert thinks possible stays possible, and disagreement widens.

    >>> linear_pool(np.array([[0.8, 0.2], [0.4, 0.6]])).round(6)
    array([0.6, 0.4])
    """
    return _shares(weights, len(probabilities)) @ np.asarray(probabilities, dtype=float)


def logarithmic_pool(probabilities: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return ``prod_e p_e^w_e``, rescaled to sum to 1, shape (S,) (Genest and Zidek, Statistical Science 1(1), 1986).

    It is the distribution nearest to all in weighted relative entropy, and an expert's zero is a veto.

    >>> logarithmic_pool(np.array([[0.8, 0.2], [0.2, 0.8]])).round(6)
    array([0.5, 0.5])
    """
    p, w = np.asarray(probabilities, dtype=float), _shares(weights, len(probabilities))
    with np.errstate(divide="ignore"):
        logs = np.log(p[w > 0]).T @ w[w > 0]
    if not np.isfinite(logs.max()):
        raise SignalError(
            "the experts rule out everything between them",
            code="CONTRADICTION",
            table="experts",
            field="probability",
            mend="a linear pool, or probabilities above 0",
        )
    pooled = np.exp(logs - logs.max())
    return pooled / pooled.sum()


def pool_normals(
    means: np.ndarray, variances: np.ndarray, weights: np.ndarray | None = None, how: str = "logarithmic"
) -> tuple[float, float]:
    """Return mean and variance of the pool of experts who each say a mean and how unsure they are.

    Linear: ``m = sum w_e m_e``, ``v = sum w_e (v_e + (m_e - m)^2)``, the moments of the mixture. Logarithmic:
    ``1/v = sum w_e / v_e``, ``m = v sum w_e m_e / v_e``, again a normal distribution (Genest and Zidek, 1986). Weights
    sum to 1, so experts who repeat each other add nothing.

    >>> pool_normals(np.array([0.02, 0.04]), np.array([0.01, 0.01]), how="linear")
    (0.03, 0.0101)
    >>> mean, variance = pool_normals(np.array([0.02, 0.04]), np.array([0.01, 0.03]))
    >>> round(mean, 12), round(variance, 12)
    (0.025, 0.015)
    """
    m, v, w = np.asarray(means, dtype=float), np.asarray(variances, dtype=float), _shares(weights, len(means))
    if how == "linear":
        mean = float(w @ m)
        return mean, float(w @ (v + (m - mean) ** 2))
    if how != "logarithmic":
        raise SignalError(f"{how!r} is no pool", code="BAD_POOL", field="how", value=how, mend="linear or logarithmic")
    sure = v <= 0
    if sure.any():  # who is certain decides, all who are with the same say
        return float(w[sure] @ m[sure] / w[sure].sum()), 0.0
    precision = float(w @ (1.0 / v))
    return float(w @ (m / v)) / precision, 1.0 / precision


def _shares(weights: np.ndarray | None, count: int) -> np.ndarray:
    shares = np.ones(count) if weights is None else np.asarray(weights, dtype=float)
    if shares.shape != (count,) or not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise SignalError(
            f"{shares} are no weights of {count} experts",
            code="BAD_WEIGHT",
            table="experts",
            field="weights",
            mend="one number of at least 0 each, one of them positive",
        )
    return shares / shares.sum()
