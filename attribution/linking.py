"""Effects of single periods joined into effects over all of them, so that they sum to the compounded excess return.

With ``r_t`` and ``b_t`` the returns of portfolio and benchmark, ``R`` and ``B`` what they compound to, and ``e_t``
effects that sum to ``r_t - b_t`` in each period, an additive method finds factors so that ``sum_t c_t e_t`` sums to
``R - B``::

    Carino     c_t = k_t / k,   k_t = log1p((r_t - b_t)/(1 + b_t)) / (r_t - b_t),   k the same of R and B
    Menchero   c_t = M + a_t,   M = ((R - B)/T) / ((1 + R)^(1/T) - (1 + B)^(1/T)),
               a_t = (R - B - M sum_s (r_s - b_s)) (r_t - b_t) / sum_s (r_s - b_s)^2
    GRAP       c_t = prod_{s<t} (1 + r_s) prod_{s>t} (1 + b_s)
    Frongello  f_t = e_t prod_{s<t} (1 + r_s) + b_t sum_{s<t} f_s,   the effect being sum_t f_t

(Carino 1999; Menchero 2000; Groupe de Recherche en Attribution de Performance 1997; Frongello 2002. Bacon, *Practical
Portfolio Performance Measurement and Attribution*, chapter 8, works all four.) Over all periods Frongello's recursion
unrolls to GRAP's product; what it moves is between periods.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..errors import InputError

Linking = Literal["carino", "menchero", "grap", "frongello"]
LINKINGS: tuple[Linking, ...] = ("carino", "menchero", "grap", "frongello")


def link(effects: np.ndarray, portfolio: np.ndarray, benchmark: np.ndarray, method: Linking = "carino") -> np.ndarray:
    """Join the effects of periods by an additive method.

    Parameters
    ----------
    effects
        Shape (T, ...): decimals of the period's starting value; over the trailing axes they sum to
        ``portfolio - benchmark``.
    portfolio, benchmark
        Returns of the periods, decimals, shape (T,).
    method
        ``"carino"``, ``"menchero"``, ``"grap"`` or ``"frongello"``.

    Returns
    -------
    numpy.ndarray
        What each period contributes to the linked effects, shape (T, ...); its sum over all axes is ``R - B``.

    Raises
    ------
    InputError
        A return of -100 % or less: nothing is left to compound. Or an unknown method.

    >>> effects = np.array([[0.02, 0.01], [0.00, -0.01]])
    >>> linked = link(effects, np.array([0.05, 0.02]), np.array([0.02, 0.03]))
    >>> round(float(linked.sum()), 12) == round(1.05 * 1.02 - 1.02 * 1.03, 12)
    True
    """
    portfolio, benchmark = compoundable(portfolio, "portfolio"), compoundable(benchmark, "benchmark")
    if method not in LINKINGS:
        raise InputError(
            f"there is no linking {method!r}", code="UNKNOWN_METHOD", field="linking", value=method,
            mend=f"one of {', '.join(LINKINGS)}",
        )  # fmt: skip
    effects = np.asarray(effects, dtype=float)
    if method == "frongello":
        return _frongello(effects, portfolio, benchmark)
    factors = {"carino": _carino, "menchero": _menchero, "grap": _grap}[method](portfolio, benchmark)
    return factors.reshape(-1, *(1,) * (effects.ndim - 1)) * effects


def compoundable(returns: np.ndarray, name: str) -> np.ndarray:
    """Return the returns as an array; refuse one that leaves nothing to compound, or that is not finite."""
    values = np.asarray(returns, dtype=float)
    bad = ~(np.isfinite(values) & (values > -1.0))
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(
            f"the {name}'s return of period {at + 1} is {values[at]:g}", code="TOTAL_LOSS", field=name,
            value=values[at], mend="a finite decimal above -1; end the history with the period before",
        )  # fmt: skip
    return values


def compounded(returns: np.ndarray) -> float:
    """Return what returns compound to: ``prod(1 + r) - 1``."""
    return float(np.expm1(np.log1p(returns).sum()))


def log_ratio(portfolio: np.ndarray | float, benchmark: np.ndarray | float) -> np.ndarray:
    """Return Carino's ``k = log1p((r - b)/(1 + b))/(r - b)``, and its limit ``1/(1 + b)`` where the two are equal."""
    portfolio, benchmark = np.asarray(portfolio, dtype=float), np.asarray(benchmark, dtype=float)
    excess = portfolio - benchmark
    same = excess == 0.0
    return np.where(same, 1.0, np.log1p(excess / (1.0 + benchmark)) / np.where(same, 1.0, excess)) / np.where(
        same, 1.0 + benchmark, 1.0
    )


def _carino(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    return log_ratio(portfolio, benchmark) / log_ratio(compounded(portfolio), compounded(benchmark))


def _menchero(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    periods, excess = len(portfolio), portfolio - benchmark
    whole, base = np.log1p(portfolio).sum(), np.log1p(benchmark).sum()
    # (R - B) / ((1 + R)^(1/T) - (1 + B)^(1/T)) without the cancellation where the two are near each other.
    upper, lower = np.exp(base) * np.expm1(whole - base), np.exp(base / periods) * np.expm1((whole - base) / periods)
    scale = np.exp(base * (periods - 1) / periods) if whole == base else upper / periods / lower
    squared = float((excess**2).sum())
    rest = 0.0 if squared == 0.0 else (upper - scale * excess.sum()) / squared
    return scale + rest * excess


def _grap(portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    before = np.concatenate([[1.0], np.cumprod(1.0 + portfolio)[:-1]])
    after = np.concatenate([np.cumprod(1.0 + benchmark[::-1])[::-1][1:], [1.0]])
    return before * after


def _frongello(effects: np.ndarray, portfolio: np.ndarray, benchmark: np.ndarray) -> np.ndarray:
    before = np.concatenate([[1.0], np.cumprod(1.0 + portfolio)[:-1]])
    linked, so_far = np.zeros_like(effects), np.zeros(effects.shape[1:])
    for t, effect in enumerate(effects):
        linked[t] = effect * before[t] + benchmark[t] * so_far
        so_far = so_far + linked[t]
    return linked
