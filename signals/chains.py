"""Returns that switch between states: fitted by statsmodels, filtered forward with what was fitted, never smoothed.

A return in state j is normal with mean ``mu_j`` and deviation ``sigma_j``; the state is a Markov chain (Hamilton,
Econometrica 57(2), 1989). The filter knows the returns up to a row and nothing later::

    predicted_t = P filtered_(t-1)        filtered_t proportional to  predicted_t o N(r_t; mu, sigma)
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import SignalError
from ..units import FrozenArrays, frozen

_LEAST_SHARE = 0.01
"""A state that holds in less than this share of the time in the long run is an outlier, not a state."""


@dataclass(frozen=True, eq=False)
class Chain(FrozenArrays):
    """States in the order of their volatility, calmest first.

    Parameters
    ----------
    means, deviations
        Of a return in each state, shape (k,), decimal per row.
    transition
        ``P[i, j]``: probability of state i after state j, shape (k, k); columns sum to 1.
    """

    means: np.ndarray
    deviations: np.ndarray
    transition: np.ndarray

    def __post_init__(self) -> None:
        """Freeze, calmest first."""
        order = np.argsort(np.asarray(self.deviations, dtype=float), kind="stable")
        object.__setattr__(self, "means", frozen(np.asarray(self.means)[order]))
        object.__setattr__(self, "deviations", frozen(np.asarray(self.deviations)[order]))
        object.__setattr__(self, "transition", frozen(np.asarray(self.transition)[np.ix_(order, order)]))

    @property
    def shares(self) -> np.ndarray:
        """How much of the time each state holds in the long run, shape (k,): ``P x = x``.

        >>> Chain(np.zeros(2), np.array([0.01, 0.03]), np.array([[0.9, 0.3], [0.1, 0.7]])).shares.round(4)
        array([0.75, 0.25])
        """
        k = len(self.means)
        system = np.vstack([np.eye(k) - self.transition, np.ones(k)])
        return np.clip(np.linalg.lstsq(system, np.r_[np.zeros(k), 1.0], rcond=None)[0], 0.0, 1.0)


def filtered(chain: Chain, returns: np.ndarray) -> np.ndarray:
    """Return the probability of each state given the returns up to each row, shape (T, k).

    Before the first row it is the long run's.

    >>> chain = Chain(np.zeros(2), np.array([0.01, 0.04]), np.array([[0.95, 0.1], [0.05, 0.9]]))
    >>> filtered(chain, np.array([0.0, -0.09])).round(3)
    array([[0.889, 0.111],
           [0.   , 1.   ]])
    """
    away = (np.asarray(returns, dtype=float)[:, None] - chain.means) / chain.deviations
    logs = -0.5 * away**2 - np.log(chain.deviations)
    # Only ratios within a row count; the largest is 1, so a return far from every state leaves no row of zeros.
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    found, now, transition = np.empty_like(likely), chain.shares, chain.transition
    for row, each in enumerate(likely):
        # The first state is drawn from the long run, which one step of the chain leaves as it is.
        now = each * (transition @ now)
        now = now / now.sum()
        found[row] = now
    return found


def fit_chain(returns: np.ndarray, states: int) -> Chain | str:
    """Fit a chain by maximum likelihood (statsmodels' ``MarkovRegression``), or say why it cannot be used.

    The same returns give the same chain: it starts from statsmodels' own starting values, without random search.

    Raises
    ------
    SignalError
        NO_STATSMODELS where the extra ``regimes`` is not installed.
    """
    return _fit(np.ascontiguousarray(returns, dtype=float).tobytes(), states)


@lru_cache(maxsize=512)
def _fit(raw: bytes, states: int) -> Chain | str:
    returns = np.frombuffer(raw, dtype=float)
    model_class = _model_class()
    scale = float(returns.std())
    if not scale > 0:
        return "the series does not move"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is asked below: convergence and sense
        model = model_class(returns / scale, k_regimes=states, trend="c", switching_variance=True)
        try:
            fit: Any = model.fit(em_iter=20, search_reps=0, maxiter=500, disp=False)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError) as error:
            return f"statsmodels could not fit it ({error})"
    params = np.asarray(fit.params, dtype=float)
    if not np.isfinite(params).all() or not fit.mle_retvals.get("converged", False):
        return "the fit did not converge"
    where = [(model.parameters[j, "exog"], model.parameters[j, "variance"]) for j in range(states)]
    means, variances = (np.array([float(params[each[which]][0]) for each in where]) for which in (0, 1))
    if not (variances > 1e-8).all():
        return "a state has no variance"
    transition = np.asarray(model.regime_transition_matrix(params))[:, :, 0]
    chain = Chain(means * scale, np.sqrt(variances) * scale, transition)
    if chain.shares.min() < _LEAST_SHARE:
        return "a state all but never holds"
    return chain


def _model_class():
    try:
        from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression
    except ImportError:
        raise SignalError(
            "a regime of kind markov needs statsmodels, which is not installed",
            code="NO_STATSMODELS",
            table="regimes",
            field="kind",
            value="markov",
            mend="pip install trimtab[regimes]",
        ) from None
    return MarkovRegression
