"""The quadratic that is left while trades are dropped one by one, many accounts at once.

Backward elimination (Hassibi and Stork's optimal brain surgeon, 1993). With the curvature ``H = D + U U'`` (specific
risk, the factors, and a high price on leaving what binds), fixing trade i at a size t costs
``(z_i - t)^2 / (2 (H^-1)_ii)`` on the assets that are still free; only a small matrix, a column a factor or a limit, is
kept and updated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.risks import Risk
from .remainders import Bench
from .ties import Ties

HOLD = 1e4
"""The price of leaving what holds, in units of the mean curvature."""
_THIN = 1e-3
"""Specific variances below this share of the mean variance are not divided by."""


@dataclass(eq=False)
class Surgery:
    """Who still trades freely, how much, and what fixing a trade costs; m accounts, n assets, q columns.

    Parameters
    ----------
    free
        Mask of the trades that are neither dropped nor fixed, shape (m, n).
    z
        Signed trades at the optimum given what is fixed, decimals of NAV, shape (m, n).
    lost
        What the optimum loses against the ideal, decimal of NAV a year, shape (m,).
    diagonal, columns, small, spread
        ``D`` (m, n), ``U`` (m, n, q), the inverse of ``1 + U' D^-1 U`` over the free ones, and ``u_i' small u_i``.
    """

    free: np.ndarray
    z: np.ndarray
    lost: np.ndarray
    diagonal: np.ndarray
    columns: np.ndarray
    small: np.ndarray
    spread: np.ndarray

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return ``H^-1 right`` over the free trades, zero for the others."""
        own = np.where(self.free, right / self.diagonal, 0.0)
        inner = np.einsum("mpq,mq->mp", self.small, np.einsum("mnq,mn->mq", self.columns, own))
        return own - np.where(self.free, np.einsum("mnq,mq->mn", self.columns, inner) / self.diagonal, 0.0)

    def inverse(self) -> np.ndarray:
        """Return the diagonal of ``H^-1`` over the free trades."""
        return np.maximum((1.0 - self.spread / self.diagonal) / self.diagonal, 1e-300)

    def fix(self, which: np.ndarray, size: np.ndarray) -> None:
        """Fix one trade of each account; the others move along its column of the inverse. Who is not free stays."""
        rows = np.arange(len(which))
        held = self.free[rows, which]
        d, u = self.diagonal[rows, which], self.columns[rows, which]
        v = np.einsum("mpq,mq->mp", self.small, u)
        spare = np.where(held, np.maximum(d - (u * v).sum(-1), 1e-12 * d), np.inf)
        across = np.einsum("mnq,mq->mn", self.columns, v)
        gap = np.where(held, self.z[rows, which] - size, 0.0)
        pull = gap * d * (d / spare)
        with np.errstate(over="ignore"):  # what nothing else can make up for is lost without end, and never chosen
            self.z += np.where(self.free, across / (self.diagonal * d[:, None]) * pull[:, None], 0.0)
            self.z[rows, which] = np.where(held, size, self.z[rows, which])
            self.spread += across * across / spare[:, None]
            self.small += v[:, :, None] * v[:, None, :] / spare[:, None, None]
            self.lost = self.lost + 0.5 * gap * pull
        self.free[rows, which] = False


def prepare(bench: Bench, ties: Ties, held: np.ndarray, free: np.ndarray) -> Surgery:
    """Stand at the optimum of the quadratic with these ties held, shape (m, q), and these trades free.

    What binds at the ideal and is not held is left to utility alone, whose slope there is the price.
    """
    program = bench.tickets.program
    variances, factors = _split(program.risk, program.cash)
    gamma = np.array(program.gamma)
    for j, on in enumerate(program.ball_on):
        if on.all():  # a ball that holds bends what it holds; of a part of the assets it is taken as flat
            most = program.ball_most[:, j]
            price = bench.multipliers.balls[:, j] * held[:, j - 1 - len(program.ball_on)]
            gamma = gamma + np.where(most > 0, price / np.where(most > 0, most, 1.0), 0.0)
    gamma = gamma[:, None]
    dear = np.sqrt(HOLD * np.asarray(program.scale))[:, None] * held
    strings = (ties.slopes * dear[..., None]).transpose(0, 2, 1)
    common = np.broadcast_to(factors, (len(free), *factors.shape)) * np.sqrt(gamma)[..., None]
    columns = np.concatenate([common, strings], axis=2)
    diagonal = gamma * variances
    weighted = np.where(free, 1.0 / diagonal, 0.0)[..., None] * columns
    small = np.linalg.inv(np.eye(columns.shape[2]) + np.matmul(weighted.transpose(0, 2, 1), columns))
    spread = np.einsum("mnp,mnp->mn", np.matmul(columns, small), columns)
    z = np.where(free, bench.ideal - program.current, 0.0)
    surgery = Surgery(np.array(free), z, np.zeros(len(free)), diagonal, columns, small, spread)
    # Who is not free does not trade: that is the first step away from the ideal, and the others answer it.
    first = np.where(free, 0.0, program.current - bench.ideal)
    first[:, program.cash] = 0.0
    bent = diagonal * first + np.einsum("mnq,mq->mn", columns, np.einsum("mnq,mn->mq", columns, first))
    pushed = ties.miss * dear
    slope = np.einsum("mnq,mq->mn", strings, pushed)
    slope = slope - np.where((ties.binds & ~held)[..., None], ties.pull, 0.0).sum(1)
    shift = -surgery.solve(slope + bent)
    surgery.z += shift
    surgery.lost = (first * (0.5 * bent + slope)).sum(-1) + 0.5 * (pushed * pushed).sum(-1)
    surgery.lost = surgery.lost + 0.5 * ((slope + bent) * shift).sum(-1)
    return surgery


def strain(bench: Bench, ties: Ties, moved: np.ndarray) -> np.ndarray:
    """Return the signed price of each held tie after moving so far from the ideal, shapes (m, n) and (m, q)."""
    reached = np.einsum("mqn,mn->mq", ties.slopes, moved) + ties.miss
    return np.where(ties.binds, ties.price, 0.0) + HOLD * np.asarray(bench.tickets.program.scale)[:, None] * reached


def _split(risk: Risk, cash: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``d`` (n,) and ``U`` (n, k) with ``Sigma = diag(d) + U U'`` and nothing in d near zero."""
    own, mean = risk.specific**2, float(risk.variances.mean())
    risky = np.arange(len(own)) != cash
    if (own[risky] > _THIN * mean).all():
        return np.where(risky, own, mean), risk.loadings * risky[:, None]
    values, vectors = np.linalg.eigh(risk.covariance[np.ix_(risky, risky)])
    floor = max(0.5 * float(values[0]), 1e-6 * mean)
    factors = np.zeros((len(own), len(values)))
    factors[risky] = vectors * np.sqrt(np.maximum(values - floor, 0.0))
    return np.where(risky, floor, mean), factors
