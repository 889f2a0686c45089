"""One account's problem in numbers: the terms of its limits, stacked, and the objective.

::

    maximise   u(w) = force'(w - c) - (gamma/2) (w - c)' Sigma' (w - c) - cost'|z| - impact'|z|^1.5
    subject to lo <= w <= hi,   sum w = 1
               rows_lo <= A w <= rows_hi
               row_t'w + buy_t'z+ + sell_t'z- + power_t'|z|^1.5 <= most_t     (z = w - w0, or w where from_zero)
               sqrt((w - anchor_j)' Sigma (w - anchor_j)) <= ball_most_j      (over the assets of ball_on_j)
               whatever the custom terms say

with ``c = b + s`` (strategic plus shift), ``force = alpha + (gamma0 Sigma - gamma Sigma') c``, ``cost = kappa/h`` and
``impact = iota/h``. ``Sigma'`` and ``gamma`` carry the tilt's risk and aversion multipliers; limits keep the market's
``Sigma``. Everything downstream (statement, gate, certificate, refinement, trades) reads this one noun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..constraints import terms
from ..constraints.limits import Context
from ..models.risks import Risk
from ..models.tilts import Tilt

_POINT = 1e-7
"""A tracking error or volatility below this, a thousandth of a basis point, allows the anchor and nothing else."""


@dataclass(frozen=True, eq=False)
class Program:
    """One account's numbers; shapes: n assets, r rows, t trade terms, m balls."""

    market_risk: Risk
    risk: Risk
    tilted: bool
    gamma: float
    force: np.ndarray
    centre: np.ndarray
    current: np.ndarray
    cost: np.ndarray
    impact: np.ndarray
    cash: int
    lo: np.ndarray
    hi: np.ndarray
    rows: np.ndarray
    rows_lo: np.ndarray
    rows_hi: np.ndarray
    buy: np.ndarray
    sell: np.ndarray
    row: np.ndarray
    power: np.ndarray
    most: np.ndarray
    from_zero: np.ndarray
    ball_on: np.ndarray
    anchor: np.ndarray
    ball_most: np.ndarray
    customs: tuple[terms.Custom, ...]
    named: tuple[tuple[str, terms.Term], ...]

    @cached_property
    def scale(self) -> float:
        """Gamma times the mean variance: divided by it, an engine's tolerances mean something."""
        return float(self.gamma * self.risk.variances.mean())

    @property
    def priced(self) -> bool:
        """Whether trading has a cost or a limit, so that the current weights matter."""
        return bool(len(self.buy) or self.cost.any() or self.impact.any())

    @property
    def linear(self) -> bool:
        """Whether every constraint and cost is linear or piecewise linear: a quadratic program."""
        return not (len(self.ball_on) or self.customs or self.impact.any() or self.power.any())

    def utility(self, weights: np.ndarray) -> float:
        """Return u(w), decimal of NAV a year, ticket fees apart."""
        d, z = weights - self.centre, np.abs(weights - self.current)
        quadratic = float(np.dot(self.risk.times(d), d))
        return float(
            np.dot(self.force, d) - 0.5 * self.gamma * quadratic - np.dot(self.cost, z) - np.dot(self.impact, z**1.5)
        )

    def traded(self, weights: np.ndarray) -> np.ndarray:
        """Return the left side of each trade term, shape (t,)."""
        z = np.where(self.from_zero[:, None], weights, weights - self.current)
        return self.row @ weights + (
            self.buy * np.maximum(z, 0) + self.sell * np.maximum(-z, 0) + self.power * np.abs(z) ** 1.5
        ).sum(1)

    def ball_sizes(self, weights: np.ndarray) -> np.ndarray:
        """Return the risk inside each ball, shape (m,)."""
        return self.market_risk.volatility(np.where(self.ball_on, weights - self.anchor, 0.0))

    def violations(self, weights: np.ndarray) -> np.ndarray:
        """Return how far each constraint is exceeded, at least 0: box, rows, trades, balls, customs, budget.

        A number that is not finite counts as infinitely far: comparisons with NaN must not pass.
        """
        parts = [
            np.maximum(self.lo - weights, weights - self.hi),
            np.maximum(self.rows_lo - self.rows @ weights, self.rows @ weights - self.rows_hi),
            self.traded(weights) - self.most,
            self.ball_sizes(weights) - self.ball_most,
            np.array([-float(np.min(c.slack(weights, self.current))) for c in self.customs]),
            np.abs([weights.sum() - 1.0]),
        ]
        excess = np.maximum(np.concatenate(parts), 0.0)
        return np.where(np.isfinite(excess) & np.isfinite(weights).all(), excess, np.inf)

    @cached_property
    def signature(self) -> tuple:
        """What two accounts must share to share one compiled statement: kinds, matrices, finite sides."""
        return (
            self.tilted, self.priced, bool(self.impact.any()), self.power.any(axis=1).tobytes(),
            self.rows.tobytes(), np.isfinite(self.rows_lo).tobytes(), np.isfinite(self.rows_hi).tobytes(),
            self.buy.tobytes(), self.sell.tobytes(), self.row.tobytes(), self.from_zero.tobytes(),
            self.ball_on.tobytes(), self.customs,
        )  # fmt: skip


def build(
    context: Context, named: Sequence[tuple[str, terms.Term]], belief: Tilt, gamma: float, horizon: float
) -> Program:
    """Stack the terms of one account and write down its objective.

    Parameters
    ----------
    context
        The account in its market.
    named
        ``(limit name, term)`` in policy order.
    belief
        The tilt of the account's model.
    gamma
        The account's risk aversion, the tilt's multiplier not yet applied.
    horizon
        Years over which costs are spread.
    """
    risk, universe, n = context.market.risk, context.market.universe, len(context.market.universe)
    belief.check_length(n)
    tilted = bool(np.any(belief.risk != 1.0))
    tilted_risk = risk.scaled(belief.risk) if tilted else risk
    tilted_gamma = gamma * belief.aversion
    centre = context.strategic + belief.target
    force = np.broadcast_to(belief.alpha(gamma), (n,)).astype(float)
    if tilted or belief.aversion != 1.0:
        force = force + gamma * risk.times(centre) - tilted_gamma * tilted_risk.times(centre)
    costs = context.market.costs
    iota = costs.iota(risk.volatilities, float(context.nav)) if costs.impact else np.zeros(n)

    named = tuple(_pinned(name, term, risk.variances) for name, term in named)
    boxes, rows = [t for _, t in named if isinstance(t, terms.Box)], [t for _, t in named if isinstance(t, terms.Rows)]
    trades, balls = (
        [t for _, t in named if isinstance(t, terms.Trades)],
        [t for _, t in named if isinstance(t, terms.RiskBall)],
    )
    stack = lambda rows, width: np.array(rows, dtype=float).reshape(len(rows), width)  # noqa: E731  (one reshape, six uses)
    none = np.zeros(n)
    return Program(
        market_risk=risk, risk=tilted_risk, tilted=tilted, gamma=tilted_gamma, force=force, centre=centre,
        current=context.current, cost=costs.proportional / horizon, impact=iota / horizon, cash=universe.cash,
        lo=np.max([np.broadcast_to(t.lo, (n,)) for t in boxes], axis=0),
        hi=np.min([np.broadcast_to(t.hi, (n,)) for t in boxes], axis=0),
        rows=np.vstack([np.zeros((0, n)), *(t.matrix for t in rows)]),
        rows_lo=np.concatenate([np.zeros(0), *(np.ravel(t.lo) for t in rows)]),
        rows_hi=np.concatenate([np.zeros(0), *(np.ravel(t.hi) for t in rows)]),
        buy=stack([t.buy for t in trades], n), sell=stack([t.sell for t in trades], n),
        row=stack([t.row for t in trades], n),
        power=stack([none if t.impact is None else t.impact for t in trades], n),
        most=np.array([float(t.most) + float(t.base) for t in trades]),
        from_zero=np.array([t.from_zero for t in trades], dtype=bool),
        ball_on=np.array([t.on for t in balls], dtype=bool).reshape(len(balls), n),
        anchor=stack([t.anchor for t in balls], n), ball_most=np.array([float(t.most) for t in balls]),
        customs=tuple(t for _, t in named if isinstance(t, terms.Custom)), named=tuple(named),
    )  # fmt: skip


def _pinned(name: str, term: terms.Term, variances: np.ndarray) -> tuple[str, terms.Term]:
    """Return a ball without size as the box it is, its assets at the anchor: such a cone has no inside."""
    if not (isinstance(term, terms.RiskBall) and float(term.most) < _POINT):
        return name, term
    held = term.on & (variances > 0)
    return name, terms.Box(np.where(held, term.anchor, -np.inf), np.where(held, term.anchor, np.inf))
