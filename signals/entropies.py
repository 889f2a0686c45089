"""Entropy pooling: the probabilities nearest to those we had under which the views hold.

With prior probabilities ``p_s`` of S scenarios and views ``E_q[a_k] = b_k`` or ``E_q[g_j] <= h_j`` (Meucci, "Fully
Flexible Views: Theory and Practice", Risk 21(10), 2008)::

    minimise    KL(q, p) = sum_s q_s ln(q_s / p_s)      subject to the views, sum q = 1

whose dual is smooth, convex and has one unknown a view: ``q_s`` is proportional to ``p_s exp(-lambda'c_s)`` with ``c``
the views' values less their bounds, and lambda minimises ``ln sum_s p_s exp(-lambda'c_s)``, at least 0 for
inequalities. Its gradient is what the views still miss, its Hessian the covariance of ``c`` under q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linprog, minimize

from ..errors import SignalError
from ..units import FrozenArrays, frozen

_MISSED = 1e-9
"""What a view may miss its bound by, in standard deviations of its values under the prior."""


@dataclass(frozen=True, eq=False)
class Posterior(FrozenArrays):
    """Scenarios with the probabilities they had and those they have once the views hold.

    Parameters
    ----------
    scenarios
        Shape (S, n), decimal returns (or anything else) of n columns in the order of ``names``.
    prior, probabilities
        Shape (S,), each sums to 1.
    names
        Of the columns.
    """

    scenarios: np.ndarray
    prior: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the numbers."""
        for field in ("scenarios", "prior", "probabilities"):
            object.__setattr__(self, field, frozen(getattr(self, field)))
        object.__setattr__(self, "names", tuple(self.names))

    @property
    def effective(self) -> float:
        """How many scenarios carry the posterior: ``exp(-sum q ln q)``, from 1 to S (Meucci, 2012)."""
        return effective_scenarios(self.probabilities)

    @property
    def kept(self) -> float:
        """The share of the prior's information that is left: ``exp(-KL(q, p))``, 1 without views."""
        return float(np.exp(-divergence(self.probabilities, self.prior)))

    @cached_property
    def mean(self) -> np.ndarray:
        """Posterior mean of each column, shape (n,), per period of the scenarios."""
        return frozen(self.probabilities @ self.scenarios)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Posterior covariance, shape (n, n), per period."""
        return frozen(_covariance(self.scenarios, self.probabilities))

    @cached_property
    def prior_covariance(self) -> np.ndarray:
        """Covariance under the prior, shape (n, n), per period."""
        return frozen(_covariance(self.scenarios, self.prior))

    @property
    def volatilities(self) -> np.ndarray:
        """Posterior standard deviation of each column, shape (n,), per period."""
        return np.sqrt(np.diag(self.covariance))


def _covariance(scenarios: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    away = scenarios - probabilities @ scenarios
    return (away * probabilities[:, None]).T @ away


def divergence(q: np.ndarray, p: np.ndarray) -> float:
    """Return the relative entropy ``sum_s q_s ln(q_s / p_s)`` in nats (Kullback and Leibler, 1951).

    >>> divergence(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    0.0
    """
    held = q > 0
    return float(max(np.sum(q[held] * np.log(q[held] / p[held])), 0.0))


def effective_scenarios(q: np.ndarray) -> float:
    """Return ``exp(-sum_s q_s ln q_s)``: as many equally likely scenarios hold as much uncertainty (Meucci, 2012).

    >>> round(effective_scenarios(np.full(6, 1 / 6)), 12)
    6.0
    """
    held = q[q > 0]
    return float(np.exp(-np.sum(held * np.log(held))))


def fading_probabilities(periods: int, half_life: float = np.inf) -> np.ndarray:
    """Return prior probabilities of periods, oldest first, that halve every ``half_life`` periods back; they sum to 1.

    >>> fading_probabilities(3, 1.0).round(4)
    array([0.1429, 0.2857, 0.5714])
    """
    shares = 0.5 ** (np.arange(periods)[::-1] / half_life)
    return shares / shares.sum()


def reweigh(
    prior: np.ndarray,
    values: np.ndarray,
    bounds: np.ndarray,
    equal: np.ndarray | None = None,
    names: Sequence[str] = (),
) -> np.ndarray:
    """Return the probabilities nearest to the prior under which ``E_q[values_k]`` meets its bound, shape (S,).

    Parameters
    ----------
    prior
        Shape (S,), positive, sums to 1.
    values
        Shape (k, S): what each view looks at, scenario by scenario.
    bounds
        Shape (k,), in the units of ``values``.
    equal
        Shape (k,): True for ``=``, False for ``<=``; all equal without it.
    names
        Of the views, for the error.

    Raises
    ------
    SignalError
        The views cannot hold together under any probabilities (it names a set none of which can be spared), or only
        by giving scenarios no probability at all.

    Examples
    --------
    A die whose mean is 4.5 (Jaynes, 1962):

    >>> reweigh(np.full(6, 1 / 6), np.arange(1.0, 7.0)[None], np.array([4.5])).round(8)
    array([0.05435317, 0.07877155, 0.11415998, 0.1654468 , 0.23977444,
           0.34749407])
    """
    prior, values, bounds = _checked(prior, values, bounds)
    kinds = np.ones(len(bounds), dtype=bool) if equal is None else np.asarray(equal, dtype=bool)
    labels = tuple(names) or tuple(f"view {k + 1}" for k in range(len(bounds)))
    spread = np.sqrt(np.maximum(((values - (values @ prior)[:, None]) ** 2) @ prior, 0.0))
    # A view on what never varies has no scale of its own; its miss is then measured in its own units.
    scale = np.where(spread > 1e-12 * np.maximum(np.abs(bounds), 1e-300), spread, np.maximum(np.abs(bounds), 1e-300))
    missing = (values - bounds[:, None]) / scale[:, None]
    q = _dual(prior, missing, kinds)
    missed = missing @ q
    worst = np.where(kinds, np.abs(missed), np.maximum(missed, 0.0)).max(initial=0.0)
    if worst > _MISSED:
        _refuse(missing, kinds, labels)
    return q


def _checked(prior: np.ndarray, values: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    prior, values = np.asarray(prior, dtype=float), np.atleast_2d(np.asarray(values, dtype=float))
    bounds = np.atleast_1d(np.asarray(bounds, dtype=float))
    if not (np.isfinite(prior).all() and (prior > 0).all() and abs(prior.sum() - 1.0) < 1e-9):
        raise SignalError(
            "prior probabilities are not positive or do not sum to 1",
            code="BAD_PRIOR",
            table="scenarios",
            field="prior",
            value=float(prior.sum()),
            mend="leave out scenarios that cannot be, and divide by the sum",
        )
    if values.shape != (len(bounds), len(prior)) or not (np.isfinite(values).all() and np.isfinite(bounds).all()):
        raise SignalError(
            f"{len(bounds)} views of {len(prior)} scenarios have values of shape {values.shape}, or not finite",
            code="BAD_SCENARIOS",
            table="scenarios",
            mend="one finite number a view and scenario",
        )
    return prior, values, bounds


def _dual(prior: np.ndarray, missing: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """Return the probabilities at the dual's optimum: L-BFGS-B finds it, Newton's steps take it to the last digits."""
    logs = np.log(prior)

    def weigh(multipliers: np.ndarray) -> tuple[float, np.ndarray]:
        exponents = logs - multipliers @ missing
        most = float(exponents.max())
        likely = np.exp(exponents - most)
        total = float(likely.sum())
        return most + float(np.log(total)), likely / total

    def objective(multipliers: np.ndarray) -> tuple[float, np.ndarray]:
        total, q = weigh(multipliers)
        return total, -(missing @ q)

    found = minimize(
        objective,
        np.zeros(len(equal)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None) if each else (0.0, None) for each in equal],
        options={"maxiter": 1000, "ftol": 1e-15, "gtol": 1e-11},
    )
    multipliers = found.x
    value, q = weigh(multipliers)
    for _ in range(50):
        slope = -(missing @ q)
        free = equal | (multipliers > 0) | (slope < 0)
        worst = np.abs(slope[free]).max(initial=0.0)
        if worst < 1e-14:
            break
        away = missing[free] - (missing[free] @ q)[:, None]
        # Views that repeat each other make the Hessian singular; least squares shares the step between them.
        step = np.zeros(len(equal))
        step[free] = np.linalg.lstsq((away * q) @ away.T, -slope[free], rcond=1e-13)[0]
        for shrink in 0.5 ** np.arange(30.0):
            trial = multipliers + shrink * step
            trial = np.where(equal, trial, np.maximum(trial, 0.0))
            trial_value, trial_q = weigh(trial)
            # Beside the optimum the value moves by less than its rounding; what the views miss still says which way.
            nearer = np.abs(missing[free] @ trial_q).max(initial=0.0) < worst
            if trial_value < value or (nearer and trial_value < value + 1e-12):
                break
        else:
            break
        multipliers, value, q = trial, trial_value, trial_q
    return q


def _refuse(missing: np.ndarray, equal: np.ndarray, names: tuple[str, ...]) -> None:
    """Raise, naming views that cannot hold together, or saying that they hold only at the edge of the scenarios."""
    if _feasible(missing, equal):
        raise SignalError(
            f"the views {list(names)} hold only where some scenarios have no probability at all",
            code="EDGE",
            table="views",
            field="value",
            value=", ".join(names),
            mend="ask for less than the extreme of the scenarios, or add scenarios beyond it",
        )
    kept = list(range(len(names)))
    for k in range(len(names)):  # the deletion filter: what is left cannot spare any
        fewer = [j for j in kept if j != k]
        if not _feasible(missing[fewer], equal[fewer]):
            kept = fewer
    guilty = [names[k] for k in kept]
    together = "cannot hold together in" if len(guilty) > 1 else "cannot hold in"
    raise SignalError(
        f"{', '.join(map(repr, guilty))} {together} any mix of the scenarios",
        code="INFEASIBLE",
        table="views",
        field="value",
        value=", ".join(guilty),
        mend="ask for something between the least and the most of the scenarios, or add scenarios beyond",
    )


def _feasible(missing: np.ndarray, equal: np.ndarray) -> bool:
    ones = np.ones((1, missing.shape[1]))
    answer = linprog(
        np.zeros(missing.shape[1]),
        A_eq=np.vstack([ones, missing[equal]]),
        b_eq=np.r_[1.0, np.zeros(int(equal.sum()))],
        A_ub=missing[~equal] if (~equal).any() else None,
        b_ub=np.zeros(int((~equal).sum())) if (~equal).any() else None,
        bounds=(0.0, None),
        method="highs",
    )
    return answer.status == 0
