"""The gate: nothing is released because a solver said "solved", only because these checks hold.

With ``f = -u`` and ``x`` the repaired weights, ``D`` is the minimum over the box of the Lagrangian in which the
quadratic and the balls are replaced by their tangents at x. It is separable, closed form, and below the true optimum
for *any* multipliers of the right sign::

    gap          = f(x) - D + sum_j |y_j| r_j          r_j what is left of each violation
    certified_te = sqrt(2 gap / gamma')                in Sigma': how far, ex ante, the true optimum can be
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..units import basis_points
from .answers import Multipliers
from .programs import Program

RESIDUAL = 1e-9
"""The largest violation of a released answer, in the constraint's own unit."""
CERTIFIED_TE = 1e-5
"""The largest certified tracking error of a released answer: 0.1 basis points."""
CERTAIN = 1e-8
"""Certified tracking error below which all proofs are alike to a reader: 0.0001 basis points."""

_AT = 1e-9
"""A weight this near to a bound is on it: refined answers are to rounding, those beside a custom limit to the gate."""
_ROUNDING = 1e-11
"""A weight nearer than this to the current one is the current one: a hundredth of a cent in a million is no trade."""


@dataclass(frozen=True)
class Certificate:
    """What was checked about an answer, by numpy alone.

    Parameters
    ----------
    residual
        The largest violation left, in the constraint's unit.
    gap
        Utility a year by which a better answer could exist, decimal of NAV.
    certified_te
        Annual tracking error within which the true optimum lies; NaN where no proof is possible.
    reason
        Why there is no proof, or why the answer was refused.
    waived
        A custom limit binds: nobody knows its price, so the limits are checked and the optimum is not proved.
    """

    residual: float
    gap: float
    certified_te: float
    reason: str = ""
    waived: bool = False

    @property
    def released(self) -> bool:
        """Whether weights may leave; comparisons are written so that NaN does not pass."""
        return bool(self.residual <= RESIDUAL and (self.certified_te <= CERTIFIED_TE or self.waived))

    def __str__(self) -> str:
        """Say what is proved, or why nothing is."""
        if not np.isfinite(self.certified_te):
            return f"not certified: {self.reason}"
        within = basis_points(self.certified_te, 4)
        return f"certified: within {within} of tracking error of the true optimum, residual {self.residual:.0e}"


NO_CERTIFICATE = Certificate(float("inf"), float("inf"), float("inf"), "no answer to check")


def repair(program: Program, weights: np.ndarray) -> np.ndarray:
    """Clip to the box and let the cash take the rest; what is moved by rounding alone does not move."""
    settled = np.where(np.abs(weights - program.current) < _ROUNDING, program.current, weights)
    clipped = np.clip(settled, program.lo, program.hi)
    clipped[..., program.cash] += 1.0 - clipped.sum(-1)
    return clipped


def certify(program: Program, weights: np.ndarray, multipliers: Multipliers) -> Certificate:
    """Check and prove one answer; any multipliers are allowed, wrong ones only prove less."""
    return conclude(program, *(float(x) for x in measure(program, weights, multipliers)))


def conclude(program: Program, residual: float, gap: float, te: float) -> Certificate:
    """Say what these measures of one answer prove, or why they do not."""
    if not np.isfinite(residual):
        return Certificate(np.inf, np.inf, np.inf, "the answer is not a number")
    if not np.isfinite(gap):
        return Certificate(residual, np.inf, np.inf, "its prices are not numbers")
    if not residual <= RESIDUAL:
        return Certificate(residual, gap, te, f"a limit is exceeded by {residual:.1e}")
    if program.customs and not te <= CERTIFIED_TE:
        return Certificate(residual, gap, float("nan"), "a custom limit binds, whose price is not known", waived=True)
    if not te <= CERTIFIED_TE:
        return Certificate(residual, gap, te, f"certified only within {1e4 * te:.2f} bp of tracking error")
    return Certificate(residual, gap, te)


def measure(
    program: Program, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the residual, the gap and the certified tracking error of each account's answer, shape (...) each.

    Infinite where an answer, or its prices, are not numbers.
    """
    violations = program.violations(weights)
    residual = violations.max(-1)
    multipliers = signed(multipliers)
    prices = _sizes(multipliers)
    known = np.isfinite(residual) & np.isfinite(prices).all(-1) & np.isfinite(multipliers.budget)
    with np.errstate(invalid="ignore"):  # what is not known is infinite below, whatever came of it here
        bound = lower_bound(program, weights, multipliers)
        gap = np.maximum(-program.utility(weights) - bound, 0.0) + left_over(program, multipliers, violations)
    gap = np.where(known & np.isfinite(gap), gap, np.inf)
    return residual, gap, np.sqrt(2.0 * gap / program.gamma)


def left_over(program: Program, multipliers: Multipliers, violations: np.ndarray) -> np.ndarray:
    """Return ``sum_j |y_j| r_j``, shape (...), of prices and what :meth:`.Program.violations` found."""
    n, prices = program.lo.shape[-1], _sizes(multipliers)
    left = (prices * violations[..., n : n + prices.shape[-1]]).sum(-1)
    return left + np.abs(multipliers.budget) * violations[..., -1]


def _sizes(multipliers: Multipliers) -> np.ndarray:
    return np.concatenate([np.abs(multipliers.rows), multipliers.trades, multipliers.balls], axis=-1)


def signed(multipliers: Multipliers) -> Multipliers:
    """Return the nearest multipliers of the right sign: a limit that may not be exceeded has no negative price."""
    trades, balls = np.maximum(multipliers.trades, 0.0), np.maximum(multipliers.balls, 0.0)
    return Multipliers(multipliers.budget, multipliers.rows, trades, balls)


def gradient(program: Program, weights: np.ndarray, multipliers: Multipliers) -> np.ndarray:
    """Return the slope of the smooth part of the Lagrangian at x, shape (..., n): what kinks must balance."""
    gamma, budget = np.asarray(program.gamma)[..., None], np.asarray(multipliers.budget)[..., None]
    slope = gamma * program.risk.times(weights - program.centre) - program.force + budget
    slope = slope + np.einsum("...r,rn->...n", multipliers.rows, program.rows)
    slope = slope + np.einsum("...t,tn->...n", multipliers.trades, program.row)
    sizes = program.ball_sizes(weights)
    for j, on in enumerate(program.ball_on):
        price, size = multipliers.balls[..., j], sizes[..., j]
        pull = np.where((price > 0) & (size > 0), price / np.where(size > 0, size, 1.0), 0.0)[..., None]
        away = np.where(on, weights - program.anchor[..., j, :], 0.0)
        slope = slope + pull * np.where(on, program.market_risk.times(away), 0.0)
    return slope


@dataclass(frozen=True, eq=False)
class Pressure:
    """What presses single weights on the ends of the box, shape (..., n) each: forces in the way they push.

    ``above`` is at least 0 and held by the upper end, ``below`` at most 0 and held by the lower; ``unheld`` is what
    neither the box nor the costs and caps on trading hold: rounding, unless there is a limit whose price is not known.
    """

    above: np.ndarray
    below: np.ndarray
    unheld: np.ndarray


def press(program: Program, weights: np.ndarray, multipliers: Multipliers) -> Pressure:
    """Return what presses single weights on their bounds at an answer: minus the slope of the Lagrangian there."""
    kink, z = kinks(program, multipliers.trades), weights - program.current
    curve = 1.5 * kink.power * np.sqrt(np.abs(z))
    right = np.where(z >= 0, kink.buy + curve, -kink.sell - curve) + np.where(weights >= 0, kink.long, -kink.short)
    left = np.where(z > 0, kink.buy + curve, -kink.sell - curve) + np.where(weights > 0, kink.long, -kink.short)
    push = -gradient(program, weights, multipliers)
    at_lo, at_hi = weights <= program.lo + _AT, weights >= program.hi - _AT
    return Pressure(
        np.where(at_hi, np.maximum(push - right, 0.0), 0.0),
        np.where(at_lo, np.minimum(push - left, 0.0), 0.0),
        push - np.clip(push, np.where(at_lo, -np.inf, left), np.where(at_hi, np.inf, right)),
    )


@dataclass(frozen=True, eq=False)
class Kinks:
    """The separable part of the Lagrangian: slopes of buying and selling from w0 and of being long or short."""

    buy: np.ndarray
    sell: np.ndarray
    power: np.ndarray
    long: np.ndarray
    short: np.ndarray


def kinks(program: Program, trades: np.ndarray) -> Kinks:
    """Return the costs of trading plus the priced trade terms, per asset, shape (..., n) each."""
    traded = np.where(program.from_zero, 0.0, trades)
    gross = np.where(program.from_zero, trades, 0.0)
    priced = lambda prices, matrix: np.einsum("...t,tn->...n", prices, matrix)  # noqa: E731
    power = np.einsum("...t,...tn->...n", traded, program.power) if program.power.any() else 0.0
    return Kinks(
        program.cost + priced(traded, program.buy),
        program.cost + priced(traded, program.sell),
        program.impact + power,
        priced(gross, program.buy),
        priced(gross, program.sell),
    )


def lower_bound(program: Program, weights: np.ndarray, multipliers: Multipliers) -> np.ndarray:
    """Return D, shape (...), a number no feasible portfolio's ``f = -u`` can be below."""
    slope, kink = gradient(program, weights, multipliers), kinks(program, multipliers.trades)
    lo, hi, now = program.lo, program.hi, program.current
    gross = bool(program.from_zero.any())

    def separable(w: np.ndarray) -> np.ndarray:
        z = w - now
        value = slope * (w - weights) + kink.buy * np.maximum(z, 0) + kink.sell * np.maximum(-z, 0)
        if gross:
            value = value + kink.long * np.maximum(w, 0) + kink.short * np.maximum(-w, 0)
        return value + kink.power * np.abs(z) ** 1.5 if curved else value

    curved = bool(kink.power.any())
    least = np.minimum(np.minimum(separable(lo), separable(hi)), separable(np.clip(now, lo, hi)))
    if gross:
        least = np.minimum(least, separable(np.clip(np.zeros_like(lo), lo, hi)))
    if curved:
        curve = np.where(kink.power > 0, kink.power, np.inf)
        for side in (kink.long, -kink.short):
            up = np.maximum(-(slope + kink.buy + side), 0.0)
            down = np.maximum(slope + side - kink.sell, 0.0)
            least = np.minimum(least, separable(np.clip(now + (up / (1.5 * curve)) ** 2, lo, hi)))
            least = np.minimum(least, separable(np.clip(now - (down / (1.5 * curve)) ** 2, lo, hi)))

    # The smooth part at x, each priced constraint there, and what the prices charge for the bounds.
    d = weights - program.centre
    smooth = 0.5 * program.gamma * (program.risk.times(d) * d).sum(-1) - (program.force * d).sum(-1)
    at_rows = np.einsum("...n,rn->...r", weights, program.rows)
    upper, lower = np.maximum(multipliers.rows, 0.0), np.maximum(-multipliers.rows, 0.0)
    priced = multipliers.budget * (weights.sum(-1) - 1.0)
    priced = priced + _charge(upper, at_rows - program.rows_hi) + _charge(lower, program.rows_lo - at_rows)
    priced = priced + _charge(multipliers.trades, np.einsum("...n,tn->...t", weights, program.row) - program.most)
    priced = priced + _charge(multipliers.balls, program.ball_sizes(weights) - program.ball_most)
    return smooth + priced + least.sum(-1)


def _charge(prices: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """Return the sum of price times excess where there is a price: 0 times an absent, infinite bound is nothing."""
    return (prices * np.where(prices > 0, excess, 0.0)).sum(-1)
