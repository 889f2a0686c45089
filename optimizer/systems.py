"""The equations of guessed binding sets, and Newton's method on them, for many accounts at once.

With the guess fixed, the optimality conditions are equations in the free weights and the prices of what binds::

    gamma Sigma'(x - c) - force + cost on its side + J'p + sum_j lambda_j Sigma (x - a_j)/most_j + 1.5 power sqrt|z| = 0
    J x = what binds,      ((x - a_j)' Sigma (x - a_j) - most_j^2) / (2 most_j) = 0

The ball in that form is smooth everywhere. Everything is divided by ``program.scale``; without balls and impact the
system is linear and one step is exact. A step uses the risk's factor: weights with a specific risk are eliminated, and
what is left to factor has a column a factor, a price, and a weight without specific risk.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .answers import Multipliers
from .programs import Program

_STEPS = 30
_PATIENCE = 5
"""Steps without halving what the equations are missed by, after which an account is left."""
_NEAREST = 1e-12
"""Where the curvature of |z|^1.5, infinite at 0, is cut off."""
_SOLID = 1e-6
"""Specific variances below this share of the mean variance are not divided by."""


@dataclass(eq=False)
class Guess:
    """Which assets are pinned, where, and on which side of w0 and 0 the free ones move; which constraints bind."""

    pinned: np.ndarray  # bool (m, n)
    at: np.ndarray  # (m, n) where the pinned ones are
    side: np.ndarray  # +1 buying, -1 selling (free ones)
    sign: np.ndarray  # +1 long, -1 short (free ones)
    rows: np.ndarray  # int (m, r): +1 upper binds, -1 lower binds, 0 neither
    trades: np.ndarray  # bool (m, t)
    balls: np.ndarray  # bool (m, b)

    def pick(self, which: np.ndarray) -> Guess:
        """Return the guesses of some accounts."""
        return Guess(*(getattr(self, f.name)[which] for f in fields(self)))

    def keys(self) -> list[bytes]:
        """Return what two equal guesses of an account share, an account each."""
        parts = [np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)]
        return [b"".join(part[i].tobytes() for part in parts) for i in range(len(self.pinned))]


@dataclass(frozen=True, eq=False)
class _System:
    """The numbers of the equations that do not change from step to step; q0 prices but those of balls, q with them."""

    g: np.ndarray  # (m,): gamma over scale
    free: np.ndarray  # (m, n)
    side: np.ndarray  # (m, n)
    push: np.ndarray  # (m, n): what of the slope is constant
    centre: np.ndarray  # (m, n)
    now: np.ndarray  # (m, n)
    linear: np.ndarray  # (m, q0, n): budget, rows and trades that bind, their linear part
    bound: np.ndarray  # (m, q0)
    active: np.ndarray  # (m, q)
    anchor: np.ndarray  # (m, b, n)
    most: np.ndarray  # (m, b)
    impact: np.ndarray  # (m, n)
    power: np.ndarray  # (m, q0, n): the 3/2 part of each binding trade term, zero rows else

    def pick(self, which: np.ndarray) -> _System:
        return _System(*(getattr(self, f.name)[which] for f in fields(self)))


def solve_guess(
    program: Program, guess: Guess, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, Multipliers, np.ndarray]:
    """Return the weights and prices that satisfy the equations of each guess, and a mask of the accounts that have any.

    Shapes as in a program of m accounts; who has no free asset has no equations and must not be asked.
    """
    m, curved = len(weights), bool(program.impact.any() or program.power.any())
    x = np.where(guess.pinned, guess.at, weights)
    whole = _write(program, guess)
    p = np.where(whole.active, _stack(multipliers) / program.scale[:, None], 0.0)
    found, last, live, system = np.zeros(m, dtype=bool), np.full(m, np.inf), np.arange(m), whole
    least, stale = np.full(m, np.inf), np.zeros(m, dtype=int)
    for _ in range(_STEPS):
        slope, missed, jacobian = _residual(program, system, x[live], p[live], curved)
        size = np.maximum(np.abs(slope).max(-1), np.abs(missed).max(-1))
        settled = (size < 1e-14) | ((size < 1e-12) & (size >= 1e-3 * last[live]))
        last[live], found[live[settled]] = size, True
        halved = size < 0.5 * least[live]
        stale[live] = np.where(halved, 0, stale[live] + 1)
        least[live] = np.where(halved, size, least[live])
        left = ~settled & (stale[live] < _PATIENCE)
        if not left.any():
            break
        if not left.all():
            live, system = live[left], system.pick(left)
            slope, missed, jacobian = slope[left], missed[left], jacobian[left]
        dx, dp = _step(program, system, x[live], p[live], (slope, missed, jacobian), curved)
        x[live] += dx
        p[live] += dp
        sane = np.isfinite(p[live]).all(-1) & (np.abs(x[live]).max(-1) < 1e3)  # NaN does not pass either
        if not sane.any():
            break
        if not sane.all():
            live, system = live[sane], system.pick(sane)
    return x, _unstack(p * program.scale[:, None], multipliers), found


def _stack(y: Multipliers) -> np.ndarray:
    return np.concatenate([np.asarray(y.budget)[:, None], y.rows, y.trades, y.balls], axis=1)


def _unstack(prices: np.ndarray, like: Multipliers) -> Multipliers:
    r, t = like.rows.shape[1], like.trades.shape[1]
    return Multipliers(prices[:, 0], prices[:, 1 : 1 + r], prices[:, 1 + r : 1 + r + t], prices[:, 1 + r + t :])


def _write(program: Program, guess: Guess) -> _System:
    m, n = program.current.shape
    unit = program.scale[:, None]
    zero = program.from_zero[:, None]
    way = np.where(zero, guess.sign[:, None], guess.side[:, None])
    slopes = np.where(way > 0, program.buy, -program.sell)
    origin = np.where(zero, 0.0, program.current[:, None])
    binds = np.concatenate([np.ones((m, 1), dtype=bool), guess.rows != 0, guess.trades, guess.balls], axis=1)
    rows = np.broadcast_to(program.rows, (m, *program.rows.shape))
    linear = np.concatenate([np.ones((m, 1, n)), rows, program.row + slopes], axis=1)
    q0 = linear.shape[1]
    bound = np.concatenate(
        [
            np.ones((m, 1)),
            np.where(guess.rows > 0, program.rows_hi, np.where(guess.rows < 0, program.rows_lo, 0.0)),
            program.most + (slopes * origin).sum(-1),
        ],
        axis=1,
    )
    power = np.concatenate([np.zeros((m, 1 + len(program.rows), n)), program.power], axis=1)
    return _System(
        g=program.gamma / program.scale,
        free=~guess.pinned,
        side=guess.side,
        push=(guess.side * program.cost - program.force) / unit,
        centre=program.centre,
        now=program.current,
        linear=linear * binds[:, :q0, None],
        bound=bound,
        active=binds,
        anchor=program.anchor,
        most=program.ball_most,
        impact=program.impact / unit,
        power=power * binds[:, :q0, None],
    )


def _residual(
    program: Program, system: _System, x: np.ndarray, p: np.ndarray, curved: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return by how much each equation is missed, slopes (m, n) and constraints (m, q), and their slopes (m, q, n)."""
    jacobian, missed = system.linear, np.einsum("mqn,mn->mq", system.linear, x) - system.bound
    slope = system.g[:, None] * program.risk.times(x - system.centre) + system.push
    if curved:
        size = np.abs(x - system.now)
        root = np.sqrt(size)
        jacobian = jacobian + 1.5 * system.power * (root * system.side)[:, None]
        missed = missed + np.einsum("mqn,mn->mq", system.power, size * root)
        slope = slope + 1.5 * system.impact * root * system.side
    if len(program.ball_on):
        away = np.where(program.ball_on, x[:, None] - system.anchor, 0.0)
        pull = np.where(program.ball_on, program.market_risk.times(away), 0.0)
        outward = pull / np.where(system.most > 0, system.most, 1.0)[..., None]
        missed = np.concatenate([missed, 0.5 * ((outward * away).sum(-1) - system.most)], axis=1)
        binds = system.active[:, -len(program.ball_on) :, None]
        jacobian = np.concatenate([jacobian, outward * binds], axis=1)
    slope = slope + np.einsum("mqn,mq->mn", jacobian, p)
    return np.where(system.free, slope, 0.0), np.where(system.active, missed, 0.0), jacobian


def _step(
    program: Program, system: _System, x: np.ndarray, p: np.ndarray, equations: tuple, curved: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return Newton's step in weights and prices."""
    slope, missed, jacobian = equations
    d, factors, pulls = _curvature(program, system, x, p, curved)
    m, n = x.shape
    thin = np.flatnonzero(program.risk.specific**2 <= _SOLID * program.risk.variances.mean())
    solid = np.ones(n, dtype=bool)
    solid[thin] = False
    inverse = np.where(system.free & solid, 1.0 / np.where(d > 0, d, 1.0), 0.0)
    left = np.concatenate([np.broadcast_to(factors.T, (m, *factors.T.shape)), jacobian], axis=1)
    f, width = factors.shape[1], left.shape[1]
    pull = np.concatenate([pulls, np.ones((m, width - f))], axis=1)
    weighted = left * inverse[:, None]
    # The factors and prices, then the weights without specific risk; who is pinned or does not bind stays.
    matrix = np.zeros((m, width + len(thin), width + len(thin)))
    matrix[:, :width, :width] = np.matmul(weighted, left.transpose(0, 2, 1)) * pull[:, None]
    # Where more binds than is free the prices are not unique: a hair of preference for small steps picks some, and the
    # next step takes the hair back. A price that nothing free answers to stays.
    prices = np.arange(f, width)
    matrix[:, prices, prices] *= 1.0 + 1e-10
    idle = ~system.active | ~((jacobian != 0) & system.free[:, None]).any(-1)
    matrix[:, np.arange(width), np.arange(width)] += np.concatenate([np.ones((m, f)), idle], axis=1)
    loose = system.free[:, thin]
    edge = left[:, :, thin] * loose[:, None]
    matrix[:, :width, width:] = -edge
    matrix[:, width:, :width] = (edge * pull[:, :, None]).transpose(0, 2, 1)
    here = np.arange(width, width + len(thin))
    matrix[:, here, here] = np.where(loose, d[:, thin], 1.0)
    missing = np.concatenate([np.zeros((m, f)), missed], axis=1)
    right = np.concatenate([missing - np.einsum("mqn,mn->mq", weighted, slope), -slope[:, thin] * loose], axis=1)
    u = _solve(matrix, right)
    dx = -(slope + np.einsum("mqn,mq->mn", left, u[:, :width] * pull)) * inverse
    dx[:, thin] = u[:, width:] * loose
    return dx, np.where(system.active, u[:, f:width], 0.0)


def _curvature(
    program: Program, system: _System, x: np.ndarray, p: np.ndarray, curved: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the second derivative as a diagonal (m, n), factors (n, f), and how hard each factor pulls (m, f)."""
    k = program.risk.loadings.shape[1]
    d = system.g[:, None] * program.risk.specific**2
    if curved:
        size = np.abs(x - system.now)
        priced = system.impact + np.einsum("mq,mqn->mn", p[:, : system.linear.shape[1]], system.power)
        d = d + 0.75 * priced / np.sqrt(np.maximum(size, _NEAREST))
    factors, base, pulls = [program.risk.loadings], system.g, []
    for j, on in enumerate(program.ball_on):
        b = len(program.ball_on)
        pull = np.where(
            system.most[:, j] > 0, p[:, j - b] / np.where(system.most[:, j] > 0, system.most[:, j], 1.0), 0.0
        )
        d = d + pull[:, None] * (on * program.market_risk.specific**2)
        if on.all() and not program.tilted:
            base = base + pull
        else:
            factors.append(program.market_risk.loadings * on[:, None])
            pulls.append(np.repeat(pull[:, None], k, axis=1))
    return d, np.concatenate(factors, axis=1), np.concatenate([np.repeat(base[:, None], k, axis=1), *pulls], axis=1)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix, right[..., None])[..., 0]
    except np.linalg.LinAlgError:  # somebody's: more binds than is free, or a flat direction
        return np.stack([_solve_one(a, b) for a, b in zip(matrix, right, strict=True)])


def _solve_one(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(matrix[None], right[None, :, None])[0, :, 0]
    except np.linalg.LinAlgError:  # the shortest step will do
        return np.linalg.lstsq(matrix, right, rcond=None)[0]
