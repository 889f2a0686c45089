"""The equations of a guessed binding set, and Newton's method on them.

With the guess fixed, the optimality conditions are equations in the free weights and the prices of what binds::

    gamma Sigma'(x - c) - force + cost on its side + J'p + sum_j lambda_j Sigma (x - a_j)/most_j + 1.5 power sqrt|z| = 0
    J x = what binds,      ((x - a_j)' Sigma (x - a_j) - most_j^2) / (2 most_j) = 0

The ball in that form is smooth everywhere. Everything is divided by ``program.scale``; without balls and impact the
system is linear and one step is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .answers import Multipliers
from .programs import Program

_STEPS = 30
_NEAREST = 1e-12
"""Where the curvature of |z|^1.5, infinite at 0, is cut off."""


@dataclass(eq=False)
class Guess:
    """Which assets are pinned, where, and on which side of w0 and 0 the free ones move; which constraints bind."""

    pinned: np.ndarray  # bool (n,)
    at: np.ndarray  # (n,) where the pinned ones are
    side: np.ndarray  # +1 buying, -1 selling (free ones)
    sign: np.ndarray  # +1 long, -1 short (free ones)
    rows: np.ndarray  # int (r,): +1 upper binds, -1 lower binds, 0 neither
    trades: np.ndarray  # bool (t,)
    balls: np.ndarray  # bool (m,)

    def key(self) -> bytes:
        """Return what two equal guesses share."""
        parts = (self.pinned, self.at, self.side, self.sign, self.rows, self.trades, self.balls)
        return b"".join(np.ascontiguousarray(x).tobytes() for x in parts)


@dataclass(frozen=True, eq=False)
class _System:
    """The numbers of the equations that do not change from step to step; f free assets, k prices but those of balls."""

    free: np.ndarray
    pull: np.ndarray  # (f, n): gamma Sigma' on the free rows
    push: np.ndarray  # (f,): what of the slope is constant
    linear: np.ndarray  # (k, n): budget, rows and trades that bind, their linear part
    bound: np.ndarray  # (k,)
    balls: tuple[np.ndarray, ...]  # (n, n) each: Sigma over the assets of the ball, over most
    anchors: tuple[np.ndarray, ...]
    most: np.ndarray
    side: np.ndarray
    now: np.ndarray
    impact: np.ndarray  # (n,)
    power: np.ndarray  # (k, n): the 3/2 part of each binding trade term, zero rows else

    @property
    def curved(self) -> bool:
        return bool(self.impact.any() or self.power.any())


def solve_guess(
    program: Program, guess: Guess, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, Multipliers] | None:
    """Return the weights and prices that satisfy the equations of a guess with a free asset, or None."""
    rows, trades, balls = np.flatnonzero(guess.rows), np.flatnonzero(guess.trades), np.flatnonzero(guess.balls)
    system = _write(program, guess, rows, trades, balls)
    scale = program.scale
    x = np.where(guess.pinned, guess.at, weights)
    prices = [[multipliers.budget], multipliers.rows[rows], multipliers.trades[trades], multipliers.balls[balls]]
    p = np.concatenate(prices) / scale
    last = np.inf
    for _ in range(_STEPS):
        residual, matrix = _equations(system, x, p)
        size = float(np.abs(residual).max())
        if size < 1e-14 or (size < 1e-12 and size >= 1e-3 * last):
            return x, _read(guess, p * scale, rows, trades, balls)
        last = size
        step = _step(matrix, residual)
        x = x.copy()
        x[system.free] += step[: len(system.free)]
        p = p + step[len(system.free) :]
        if not (np.isfinite(p).all() and np.abs(x).max() < 1e3):  # NaN does not pass either
            return None
    return None


def _write(program: Program, guess: Guess, rows: np.ndarray, trades: np.ndarray, balls: np.ndarray) -> _System:
    scale, n = program.scale, len(program.current)
    free = np.flatnonzero(~guess.pinned)
    way = np.where(program.from_zero[trades, None], guess.sign, guess.side)
    slopes = np.where(way > 0, program.buy[trades], -program.sell[trades])
    origin = np.where(program.from_zero[trades, None], 0.0, program.current)
    pull = program.gamma / scale * program.risk.covariance[free]
    constant = (guess.side * program.cost - program.force)[free] / scale - pull @ program.centre
    masks = program.ball_on[balls]
    return _System(
        free=free,
        pull=pull,
        push=constant,
        linear=np.vstack([np.ones((1, n)), program.rows[rows], program.row[trades] + slopes]),
        bound=np.concatenate(
            [
                [1.0],
                np.where(guess.rows > 0, program.rows_hi, program.rows_lo)[rows],
                program.most[trades] + (slopes * origin).sum(axis=1),
            ]
        ),
        balls=tuple(
            program.market_risk.covariance * np.outer(on, on) / program.ball_most[j]
            for on, j in zip(masks, balls, strict=True)
        ),
        anchors=tuple(program.anchor[balls]),
        most=program.ball_most[balls],
        side=guess.side,
        now=program.current,
        impact=program.impact / scale,
        power=np.vstack([np.zeros((1 + len(rows), n)), program.power[trades]]),
    )


def _equations(system: _System, x: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the residual of every equation and the matrix of their derivatives."""
    free, k, m = system.free, len(system.bound), len(system.most)
    jacobian, missed = system.linear, system.linear @ x - system.bound
    slope = system.pull @ x + system.push
    hessian = system.pull[:, free]
    if system.curved:
        size = np.abs(x - system.now)
        root = np.sqrt(size)
        jacobian = jacobian + 1.5 * system.power * (root * system.side)
        missed = missed + system.power @ (size * root)
        slope = slope + (1.5 * system.impact * root * system.side)[free]
        curve = 0.75 * (system.impact + p[:k] @ system.power) / np.sqrt(np.maximum(size, _NEAREST))
        hessian = hessian + np.diag(curve[free])
    parts, borders = [missed], [jacobian[:, free]]
    for ball, anchor, most, price in zip(system.balls, system.anchors, system.most, p[k:], strict=True):
        away = x - anchor
        outward = ball @ away
        parts.append(np.array([0.5 * (float(outward @ away) - most)]))
        borders.append(outward[free][None])
        hessian = hessian + price * ball[np.ix_(free, free)]
    border = np.vstack(borders)
    f = len(free)
    matrix = np.zeros((f + k + m, f + k + m))
    matrix[:f, :f], matrix[:f, f:], matrix[f:, :f] = hessian, border.T, border
    return np.concatenate([slope + border.T @ p, *parts]), matrix


def _step(matrix: np.ndarray, residual: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, -residual)
    except np.linalg.LinAlgError:  # more binds than is free, or a flat direction: the shortest step will do
        return np.linalg.lstsq(matrix, -residual, rcond=None)[0]


def _read(guess: Guess, prices: np.ndarray, rows: np.ndarray, trades: np.ndarray, balls: np.ndarray) -> Multipliers:
    full = [np.zeros(len(guess.rows)), np.zeros(len(guess.trades)), np.zeros(len(guess.balls))]
    start = 1
    for values, where in zip(full, (rows, trades, balls), strict=True):
        values[where] = prices[start : start + len(where)]
        start += len(where)
    return Multipliers(float(prices[0]), *full)
