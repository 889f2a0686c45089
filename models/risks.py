"""The covariance of the assets, kept as a factor: annual, decimal, checked once.

``Sigma = L L' + diag(s^2)`` with ``L`` of shape (n, k) and ``s`` of shape (n,). A factor model hands over
``L = F chol(Omega)`` and its specific volatilities; a dense matrix hands over its Cholesky factor and ``s = 0``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy import linalg

from ..errors import MarketError
from ..units import FrozenArrays, frozen
from .universes import Universe

Estimator = Literal["ledoit_wolf", "ewma", "sample"]


@dataclass(frozen=True, eq=False)
class Risk(FrozenArrays):
    """A covariance matrix as a factor.

    Parameters
    ----------
    loadings
        ``L``, shape (n, k): annual, decimal; the row of the cash is zero.
    specific
        ``s``, shape (n,): annual specific volatilities, decimal.

    Raises
    ------
    MarketError
        From the constructors: not finite, not symmetric, not positive semidefinite, a variance of zero outside cash.
    """

    loadings: np.ndarray
    specific: np.ndarray

    def __post_init__(self) -> None:
        """Freeze the numbers."""
        object.__setattr__(self, "loadings", frozen(self.loadings))
        object.__setattr__(self, "specific", frozen(self.specific))

    @classmethod
    def from_covariance(cls, covariance: pd.DataFrame, universe: Universe) -> Risk:
        """Take an annual covariance labelled on both sides; the cash may be left out.

        >>> u = Universe(("SPY",), ("equity",))
        >>> Risk.from_covariance(pd.DataFrame({"SPY": [0.04]}, index=["SPY"]), u).volatilities
        array([0.2, 0. ])
        """
        risky = _risky(universe)
        wanted = [universe.assets[i] for i in risky]
        dense = _square(covariance, wanted, "covariance", "asset_id")
        loadings = np.zeros((len(universe), len(risky)))
        loadings[risky] = _root(dense, wanted)
        return cls(loadings, np.zeros(len(universe)))._checked(universe, "covariance")

    @classmethod
    def from_factors(
        cls, exposures: pd.DataFrame, factor_covariance: pd.DataFrame, specific: pd.Series, universe: Universe
    ) -> Risk:
        """Take ``F Omega F' + diag(specific^2)``: exposures (assets by factors), Omega, specific volatilities."""
        factors = list(exposures.columns)
        omega = _square(factor_covariance, factors, "factor_covariance", "factor")
        f = _aligned(exposures, universe, "exposures")
        s = _aligned(specific.to_frame("volatility"), universe, "specific")[:, 0]
        if (s < 0).any():
            raise MarketError(
                "a specific volatility is negative",
                code="NEGATIVE",
                table="specific",
                field="volatility",
                value=universe.assets[int(np.argmin(s))],
            )
        f[universe.cash], s[universe.cash] = 0.0, 0.0
        return cls(f @ _root(omega, [str(f) for f in factors]), s)._checked(universe, "exposures")

    @classmethod
    def from_returns(
        cls,
        returns: pd.DataFrame,
        universe: Universe,
        *,
        method: Estimator = "ledoit_wolf",
        periods_per_year: float = 252.0,
        half_life: float = 36.0,
    ) -> Risk:
        """Estimate from a history of decimal returns, one column an asset, one row a period; the cash may be left out.

        Parameters
        ----------
        method
            ``"ledoit_wolf"``: shrinkage towards a scaled identity (Ledoit and Wolf, 2004, by scikit-learn);
            ``"ewma"``: weights ``2^(-age/half_life)``, mean zero as RiskMetrics (1996) has it; ``"sample"``.
        periods_per_year
            12 for monthly, 52 for weekly, 252 for daily returns.
        half_life
            In periods, for ``"ewma"``.
        """
        risky = _risky(universe)
        wanted = [universe.assets[i] for i in risky]
        missing = [a for a in wanted if a not in returns.columns]
        if missing:
            raise MarketError(
                f"asset {missing[0]!r} has no returns",
                code="MISSING_LABEL",
                table="returns",
                field=missing[0],
                value=missing[0],
                mend="one column an asset",
            )
        _once(returns.columns, "returns", "asset_id")
        history = _finite(returns.loc[:, wanted], "returns")
        if len(history) < 2:
            raise MarketError("two periods are the least a covariance needs", code="TOO_SHORT", table="returns")
        if method == "ledoit_wolf":
            from sklearn.covariance import ledoit_wolf

            # Shrinking correlations, not covariances: a scaled identity is a fair target only where scales agree.
            scale = history.std(axis=0)
            scale[scale == 0] = 1.0
            shrunk = ledoit_wolf(history / scale)[0]
            dense = shrunk * np.outer(scale, scale)
        elif method == "ewma":
            ages = np.arange(len(history))[::-1]
            shares = 0.5 ** (ages / half_life)
            dense = np.einsum("t,ti,tj->ij", shares / shares.sum(), history, history)
        else:
            dense = np.cov(history, rowvar=False, ddof=1).reshape(len(wanted), len(wanted))
        return cls.from_covariance(pd.DataFrame(dense * periods_per_year, index=wanted, columns=wanted), universe)

    @cached_property
    def root(self) -> np.ndarray:
        """``R`` with ``Sigma = R'R``: the transposed loadings above the specific volatilities, zero rows left out."""
        diagonal = np.diag(self.specific)[self.specific > 0]
        return frozen(np.vstack([self.loadings.T, diagonal]) if len(diagonal) else self.loadings.T)

    @cached_property
    def covariance(self) -> np.ndarray:
        """``Sigma``, dense, shape (n, n)."""
        return frozen(self.loadings @ self.loadings.T + np.diag(self.specific**2))

    @cached_property
    def variances(self) -> np.ndarray:
        """The diagonal of ``Sigma``."""
        return frozen((self.loadings**2).sum(axis=1) + self.specific**2)

    @property
    def volatilities(self) -> np.ndarray:
        """Annual volatility of each asset."""
        return np.sqrt(self.variances)

    def times(self, weights: np.ndarray) -> np.ndarray:
        """Return ``Sigma w``, also for a leading account axis; einsum keeps an account's bits its own."""
        exposure = np.einsum("...i,ik->...k", weights, self.loadings)
        return np.einsum("...k,ik->...i", exposure, self.loadings) + weights * self.specific**2

    def volatility(self, weights: np.ndarray) -> np.ndarray:
        """Return ``sqrt(w' Sigma w)``: the volatility of weights, the tracking error of active weights."""
        exposure = np.einsum("...i,ki->...k", weights, self.root)
        return np.sqrt(np.einsum("...k,...k->...", exposure, exposure))

    def scaled(self, multipliers: np.ndarray) -> Risk:
        """Return ``diag(m) Sigma diag(m)``: every volatility times its multiplier."""
        m = np.broadcast_to(multipliers, self.specific.shape)
        return Risk(self.loadings * m[:, None], self.specific * np.abs(m))

    def to_frame(self, universe: Universe) -> pd.DataFrame:
        """Return ``Sigma`` with labels."""
        labels = pd.Index(universe.assets, name="asset_id")
        return pd.DataFrame(self.covariance, index=labels, columns=labels)

    def _checked(self, universe: Universe, table: str) -> Risk:
        volatility = self.volatilities.copy()
        volatility[universe.cash] = 0.1
        for wrong, code, words in (
            (volatility == 0, "ZERO_VARIANCE", "has a variance of zero, which only the cash may have"),
            (volatility < 1e-5, "IMPLAUSIBLE", "has an annual volatility below 0.001%"),
            (volatility > 3.0, "IMPLAUSIBLE", "has an annual volatility above 300%"),
        ):
            if wrong.any():
                asset = universe.assets[int(np.argmax(wrong))]
                raise MarketError(
                    f"asset {asset!r} {words}",
                    code=code,
                    table=table,
                    field="asset_id",
                    value=asset,
                    mend="give annual decimal numbers: 0.04 for a volatility of 20%",
                )
        return self


def _risky(universe: Universe) -> list[int]:
    return [i for i in range(len(universe)) if i != universe.cash]


def _finite(frame: pd.DataFrame, table: str) -> np.ndarray:
    try:
        numbers = frame.to_numpy(dtype=float)
    except (ValueError, TypeError) as error:
        raise MarketError(f"not all cells are numbers: {error}", code="NOT_A_NUMBER", table=table) from None
    if not np.isfinite(numbers).all():
        row, column = np.argwhere(~np.isfinite(numbers))[0]
        raise MarketError(
            f"({frame.index[row]}, {frame.columns[column]}) is not a finite number",
            code="NOT_FINITE",
            table=table,
            field=str(frame.columns[column]),
            value=str(frame.index[row]),
        )
    tiny = (numbers != 0) & (np.abs(numbers) < 1e-30)
    if tiny.any():
        row, column = np.argwhere(tiny)[0]
        raise MarketError(
            f"({frame.index[row]}, {frame.columns[column]}) is below 1e-30 but not zero",
            code="DENORMAL",
            table=table,
            field=str(frame.columns[column]),
            value=numbers[row, column],
            mend="give annual decimal numbers",
        )
    return numbers


def _aligned(frame: pd.DataFrame, universe: Universe, table: str) -> np.ndarray:
    """Rows in universe order by label; the cash may be left out."""
    numbers = np.zeros((len(universe), frame.shape[1]))
    _once(frame.index, table, "asset_id")
    for i in _risky(universe):
        if universe.assets[i] not in frame.index:
            raise MarketError(
                f"asset {universe.assets[i]!r} has no row",
                code="MISSING_LABEL",
                table=table,
                field="asset_id",
                value=universe.assets[i],
                mend="one row an asset",
            )
    risky = _risky(universe)
    numbers[risky] = _finite(frame.loc[[universe.assets[i] for i in risky]], table)
    return numbers


def _square(table: pd.DataFrame, wanted: list, name: str, field: str) -> np.ndarray:
    """Return the symmetric block of these labels; the two halves may differ by rounding alone."""
    for label in wanted:
        if label not in table.index or label not in table.columns:
            raise MarketError(
                f"{label!r} has no row and column",
                code="MISSING_LABEL",
                table=name,
                field=field,
                value=label,
                mend="one row and one column each, the same ids",
            )
    _once(table.index, name, field)
    _once(table.columns, name, field)
    matrix = _finite(table.loc[wanted, wanted], name)
    lopsided = np.abs(matrix - matrix.T)
    if lopsided.max(initial=0.0) > 1e-12 * np.abs(matrix).max(initial=0.0):
        i, j = np.unravel_index(int(np.argmax(lopsided)), matrix.shape)
        pair = f"{wanted[i]}, {wanted[j]}"
        raise MarketError(
            f"the covariance of ({pair}) differs from its mirror image",
            code="NOT_SYMMETRIC",
            table=name,
            field=field,
            value=pair,
            mend="give both halves the same number",
        )
    return 0.5 * (matrix + matrix.T)


def _once(labels: pd.Index, table: str, field: str) -> None:
    if not labels.is_unique:
        label = labels[labels.duplicated()][0]
        raise MarketError(
            f"{label!r} occurs twice",
            code="DUPLICATE_LABEL",
            table=table,
            field=field,
            value=label,
            mend="keep one",
        )


def _root(matrix: np.ndarray, labels: list[str]) -> np.ndarray:
    """Return ``L`` with ``L L' = matrix``: Cholesky, or the eigenvectors where the matrix is singular.

    Raises ``MarketError`` naming the assets that weigh most in the worst direction when the least eigenvalue is below
    -1e-10 times the largest.
    """
    try:
        return linalg.cholesky(matrix, lower=True)
    except linalg.LinAlgError:
        values, vectors = linalg.eigh(matrix)
    if values[0] < -1e-10 * max(values[-1], 0.0) or values[-1] <= 0:
        worst = [labels[i] for i in np.argsort(-np.abs(vectors[:, 0]))[:3]]
        raise MarketError(
            f"the covariance is not positive semidefinite: least eigenvalue {values[0]:.3g}, largest {values[-1]:.3g}; "
            f"the worst direction is mostly {', '.join(worst)}",
            code="NOT_PSD",
            table="covariance",
            field="asset_id",
            value=", ".join(worst),
            mend="estimate from one common history, or with shrinkage",
        ) from None
    return vectors * np.sqrt(np.clip(values, 0.0, None))
