"""One account's problem in numbers, or a chunk's: the terms of the limits, stacked, and the objective.

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

Numbers may carry a leading account axis: the accounts of a chunk share matrices, masks and risk, and nothing else.
Products go by einsum and sums along the last axis, so that an account's bits are its own whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..constraints import terms
from ..constraints.limits import Context
from ..models.cohorts import is_everyone
from ..models.risks import Risk
from ..models.tilts import Tilt
from ..units import Each

POINT = 1e-7
"""A tracking error or volatility below this, a thousandth of a basis point, allows the anchor and nothing else."""


@dataclass(frozen=True, eq=False)
class Program:
    """One account's numbers, or those of ``(m,)`` accounts; shapes: n assets, r rows, t trade terms, b balls."""

    market_risk: Risk
    risk: Risk
    tilted: bool
    gamma: Each  # (...)
    force: np.ndarray  # (..., n), and so are the next five
    centre: np.ndarray
    current: np.ndarray
    cost: np.ndarray
    impact: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    cash: int
    rows: np.ndarray  # (r, n)
    rows_lo: np.ndarray  # (..., r)
    rows_hi: np.ndarray
    buy: np.ndarray  # (t, n)
    sell: np.ndarray
    row: np.ndarray
    power: np.ndarray  # (..., t, n)
    most: np.ndarray  # (..., t)
    from_zero: np.ndarray  # (t,)
    ball_on: np.ndarray  # (b, n)
    anchor: np.ndarray  # (..., b, n)
    ball_most: np.ndarray  # (..., b)
    customs: tuple[terms.Custom, ...]
    named: tuple[tuple[str, terms.Term], ...]

    @cached_property
    def scale(self) -> Each:
        """Gamma times the mean variance, shape (...): divided by it, an engine's tolerances mean something."""
        return self.gamma * float(self.risk.variances.mean())

    @property
    def priced(self) -> bool:
        """Whether trading has a cost or a limit, so that the current weights matter."""
        return bool(len(self.buy) or self.cost.any() or self.impact.any())

    @property
    def linear(self) -> bool:
        """Whether every constraint and cost is linear or piecewise linear: a quadratic program."""
        return not (len(self.ball_on) or self.customs or self.impact.any() or self.power.any())

    def utility(self, weights: np.ndarray) -> np.ndarray:
        """Return u(w), shape (...), decimal of NAV a year, ticket fees apart."""
        d, z = weights - self.centre, np.abs(weights - self.current)
        gained = (self.force * d - self.cost * z).sum(-1) - 0.5 * self.gamma * (self.risk.times(d) * d).sum(-1)
        return gained - (self.impact * z**1.5).sum(-1) if self.impact.any() else gained

    def traded(self, weights: np.ndarray) -> np.ndarray:
        """Return the left side of each trade term, shape (..., t)."""
        if not len(self.from_zero):
            return np.zeros((*weights.shape[:-1], 0))
        z = weights - self.current
        used = self._moved(z)
        if self.from_zero.any():
            used = np.where(self.from_zero, self._moved(weights), used)
        return np.einsum("...n,tn->...t", weights, self.row) + used

    def _moved(self, z: np.ndarray) -> np.ndarray:
        used = np.einsum("...n,tn->...t", np.maximum(z, 0.0), self.buy)
        used = used + np.einsum("...n,tn->...t", np.maximum(-z, 0.0), self.sell)
        return used + (self.power * np.abs(z[..., None, :]) ** 1.5).sum(-1) if self.power.any() else used

    def ball_sizes(self, weights: np.ndarray) -> np.ndarray:
        """Return the risk inside each ball, shape (..., b)."""
        if not len(self.ball_on):
            return np.zeros((*weights.shape[:-1], 0))
        return self.market_risk.volatility(np.where(self.ball_on, weights[..., None, :] - self.anchor, 0.0))

    def violations(self, weights: np.ndarray) -> np.ndarray:
        """Return how far each constraint is exceeded, at least 0: box, rows, trades, balls, customs, budget.

        A number that is not finite counts as infinitely far: comparisons with NaN must not pass.
        """
        at = np.einsum("...n,rn->...r", weights, self.rows)
        parts = [
            np.maximum(self.lo - weights, weights - self.hi),
            np.maximum(self.rows_lo - at, at - self.rows_hi),
            self.traded(weights) - self.most,
            self.ball_sizes(weights) - self.ball_most,
            np.array([-float(np.min(c.slack(weights, self.current))) for c in self.customs])
            if self.customs
            else np.zeros((*weights.shape[:-1], 0)),
            np.abs(weights.sum(-1, keepdims=True) - 1.0),
        ]
        excess = np.maximum(np.concatenate(parts, axis=-1), 0.0)
        return np.where(np.isfinite(excess) & np.isfinite(weights).all(-1, keepdims=True), excess, np.inf)

    @cached_property
    def signature(self) -> tuple:
        """What two accounts must share to share one compiled statement: kinds, matrices, finite sides."""
        return (
            self.tilted, self.priced, bool(self.impact.any()), self.power.any(axis=-1).tobytes(),
            self.rows.tobytes(), np.isfinite(self.rows_lo).tobytes(), np.isfinite(self.rows_hi).tobytes(),
            self.buy.tobytes(), self.sell.tobytes(), self.row.tobytes(), self.from_zero.tobytes(),
            self.ball_on.tobytes(), self.customs,
        )  # fmt: skip

    @cached_property
    def likeness(self) -> tuple:
        """What accounts must share to be asked by one engine: matrices, risk and kinds; numbers alone may differ."""
        return (
            self.linear, self.priced, self.tilted, bool(self.impact.any()), bool(self.power.any()),
            self.risk.loadings.tobytes(), self.risk.specific.tobytes(), self.rows.tobytes(), self.buy.tobytes(),
            self.sell.tobytes(), self.row.tobytes(), self.from_zero.tobytes(), self.ball_on.tobytes(),
        )  # fmt: skip

    def lift(self) -> Program:
        """Return the program of one account as one of many; its terms stay as they are."""
        return replace(self, **{name: getattr(self, name)[None] for name in AXIS}, gamma=np.array([self.gamma]))

    def pick(self, which: int | np.ndarray) -> Program:
        """Return the program of one account of a chunk, or of some: positions or a mask."""
        if is_everyone(which, len(self.current)):
            return self
        one = np.ndim(which) == 0
        own = {name: getattr(self, name)[which] for name in AXIS}
        named = tuple((name, terms.pick(term, which)) for name, term in self.named)
        return replace(self, **own, gamma=float(self.gamma[which]) if one else self.gamma[which], named=named)


AXIS = (
    "force", "centre", "current", "cost", "impact", "lo", "hi", "rows_lo", "rows_hi", "power", "most", "anchor",
    "ball_most",
)  # fmt: skip
"""What of a program carries the account axis, gamma apart."""


def build(
    context: Context, named: Sequence[tuple[str, terms.Term]], belief: Tilt, gamma: Each, horizon: float
) -> Program:
    """Stack the terms of one account, or of a chunk, and write down the objective.

    Parameters
    ----------
    context
        The account, or the accounts, in their market.
    named
        ``(limit name, term)`` in policy order.
    belief
        The tilt of the accounts' model.
    gamma
        The risk aversion of each, shape (...), the tilt's multiplier not yet applied.
    horizon
        Years over which costs are spread.
    """
    risk, universe, n = context.market.risk, context.market.universe, len(context.market.universe)
    belief.check_length(n)
    lead = context.current.shape[:-1]
    tilted = bool(np.any(belief.risk != 1.0))
    tilted_risk = risk.scaled(belief.risk) if tilted else risk
    tilted_gamma = gamma * belief.aversion
    each = np.asarray(gamma)[..., None]
    centre = context.strategic + belief.target
    force = np.broadcast_to(belief.alpha(gamma), (*lead, n)).astype(float)
    if tilted or belief.aversion != 1.0:
        force = force + each * risk.times(centre) - each * belief.aversion * tilted_risk.times(centre)
    costs = context.market.costs
    iota = costs.iota(risk.volatilities, context.nav) if costs.impact else np.zeros(n)

    if not lead:  # of a chunk, who has such a ball is asked alone
        named = tuple(_pinned(name, term, risk.variances) for name, term in named)
    boxes, rows = _of(named, terms.Box), _of(named, terms.Rows)
    trades, balls = _of(named, terms.Trades), _of(named, terms.RiskBall)
    wide = lambda x: np.broadcast_to(x, (*lead, n))  # noqa: E731  (a vector of each account)
    number = lambda x: np.broadcast_to(x, lead)  # noqa: E731  (a number of each account)
    stack = lambda xs, shape: np.stack(xs, len(lead)) if xs else np.zeros((*lead, 0, *shape))  # noqa: E731
    matrix = lambda xs: np.array(xs, dtype=float).reshape(len(xs), n)  # noqa: E731
    heights = [len(t.matrix) for t in rows]
    side = lambda xs: np.concatenate(  # noqa: E731
        [np.zeros((*lead, 0)), *(np.broadcast_to(x, (*lead, k)) for x, k in zip(xs, heights, strict=True))], axis=-1
    )
    none = np.zeros(n)
    return Program(
        market_risk=risk, risk=tilted_risk, tilted=tilted, gamma=tilted_gamma, force=force, centre=wide(centre),
        current=context.current, cost=wide(costs.proportional / horizon), impact=wide(iota / horizon),
        cash=universe.cash,
        lo=np.max([wide(t.lo) for t in boxes], axis=0), hi=np.min([wide(t.hi) for t in boxes], axis=0),
        rows=np.vstack([np.zeros((0, n)), *(t.matrix for t in rows)]),
        rows_lo=side([t.lo for t in rows]), rows_hi=side([t.hi for t in rows]),
        buy=matrix([t.buy for t in trades]), sell=matrix([t.sell for t in trades]),
        row=matrix([t.row for t in trades]),
        power=stack([wide(none if t.impact is None else t.impact) for t in trades], (n,)),
        most=stack([number(np.asarray(t.most) + t.base) for t in trades], ()),
        from_zero=np.array([t.from_zero for t in trades], dtype=bool),
        ball_on=np.array([t.on for t in balls], dtype=bool).reshape(len(balls), n),
        anchor=stack([wide(t.anchor) for t in balls], (n,)), ball_most=stack([number(t.most) for t in balls], ()),
        customs=tuple(_of(named, terms.Custom)), named=tuple(named),
    )  # fmt: skip


def _of(named: Sequence[tuple[str, terms.Term]], kind: type) -> list:
    return [term for _, term in named if isinstance(term, kind)]


def _pinned(name: str, term: terms.Term, variances: np.ndarray) -> tuple[str, terms.Term]:
    """Return a ball without size as the box it is, its assets at the anchor: such a cone has no inside."""
    if not (isinstance(term, terms.RiskBall) and float(term.most) < POINT):
        return name, term
    held = term.on & (variances > 0)
    return name, terms.Box(np.where(held, term.anchor, -np.inf), np.where(held, term.anchor, np.inf))


def with_terms(program: Program, named: Sequence[tuple[str, terms.Box | terms.Rows]]) -> Program:
    """Return a program with more boxes and rows; a row that stands there already is tightened, never doubled."""
    lo, hi, rows, rows_lo, rows_hi = program.lo, program.hi, program.rows, program.rows_lo, program.rows_hi
    kept = list(program.named)
    for name, term in named:
        if isinstance(term, terms.Box):
            lo, hi = np.maximum(lo, term.lo), np.minimum(hi, term.hi)
            kept.append((name, term))
            continue
        twin = np.flatnonzero((rows == term.matrix).all(-1))
        if len(twin):
            rows_lo, rows_hi = np.array(rows_lo), np.array(rows_hi)
            rows_lo[..., twin[0]] = np.maximum(rows_lo[..., twin[0]], term.lo[..., 0])
            rows_hi[..., twin[0]] = np.minimum(rows_hi[..., twin[0]], term.hi[..., 0])
        else:
            rows = np.vstack([rows, term.matrix])
            rows_lo = np.concatenate([rows_lo, term.lo], axis=-1)
            rows_hi = np.concatenate([rows_hi, term.hi], axis=-1)
            kept.append((name, term))
    return replace(program, lo=lo, hi=hi, rows=rows, rows_lo=rows_lo, rows_hi=rows_hi, named=tuple(kept))
