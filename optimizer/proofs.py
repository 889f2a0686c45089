"""Proofs that limits cannot hold together, checked in numpy whoever proposed them.

A set of limits is called infeasible for one reason only: for some prices y of the right sign, the least value over the
box of the priced constraints is above nothing::

    D = min over the box of  mu (sum w - 1) + sum_j y_j g_j(w)  >  1e-9 (|mu| + sum_j y_j)

with a ball ``|R (w - a)| <= most`` replaced by ``u'R (w - a) <= |u| most``, which it implies for any u. Like the bound
of the certificate it is separable, closed form, and true for *any* prices; its right side is what the gate's tolerance
is worth. Engines only propose prices.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from .answers import Multipliers
from .certificates import RESIDUAL, Kinks, kinks, repair
from .elastics import Least, Prices, Springs, least
from .mandates import Mandate
from .programs import Program

_CROSSED = 1e-12
_TOLERANCES = (1e-5, 1e-9)
"""A rough answer often proves a conflict, or leaves room enough to see that there is none."""
_CLEAR = 1e-3


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether limits are proved to have no common point, the point that came nearest, and the prices of the proof.

    ``prices`` is None where the box alone rules everything out.
    """

    infeasible: bool
    weights: np.ndarray
    prices: Prices | None = None


def examine(mandate: Mandate, names: Collection[str]) -> Verdict:
    """Look for a point that meets these limits with room to spare, or for a proof that none meets them."""
    program, kept = mandate.program, [p for p in mandate.parts if p.name in names]
    lo, hi = mandate.box(names)
    if is_shut(lo, hi):
        return Verdict(True, np.clip(program.current, lo, np.maximum(lo, hi)))
    stretches = {p.name: (0, not p.boxed or bool(len(p.rows) + len(p.trades) + len(p.balls))) for p in kept}
    springs = stretch(mandate, names, {name: 0 for name, own in stretches.items() if own}, 1, boxes=False)
    springs = replace(springs, cost=np.ones(1), floor=np.full(1, -1.0))
    said = least(program, springs, _TOLERANCES[0])
    for tolerance in _TOLERANCES:
        if tolerance != _TOLERANCES[0]:
            said = least(program, springs, tolerance)
        if np.isfinite(said.weights).all() and prove(mandate, names, said.prices) > 0:
            return Verdict(True, said.weights, said.prices)
        if said.solved and said.violations[0] < -_CLEAR:
            break
    return Verdict(False, _inside(mandate, names, said) if np.isfinite(said.weights).all() else program.current)


def _inside(mandate: Mandate, names: Collection[str], said: Least) -> np.ndarray:
    lo, hi = mandate.box(names)
    return repair(replace(mandate.program, lo=lo, hi=hi), said.weights)


def prove(mandate: Mandate, names: Collection[str], prices: Prices | None) -> float:
    """Return by how much the prices prove these limits infeasible, per unit of price; at most 0 is no proof."""
    return Shares.of(mandate, prices).worth(names)


@dataclass(frozen=True, eq=False)
class Shares:
    """One proof, split by limit: what is left of it without some of them is a sum over the others.

    Parameters
    ----------
    slope, kinks
        What each limit's prices add to the slope of the priced sum, and to that of trading; shape (parts, n).
    charge, size
        What they charge for the bounds, and the sum of their absolute values; shape (parts,).
    """

    mandate: Mandate
    budget: float
    slope: np.ndarray
    kinks: Kinks
    charge: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, mandate: Mandate, prices: Prices | None) -> Shares:
        """Split the proof that these prices propose; without prices, that of the box alone."""
        program, count = mandate.program, len(mandate.parts)
        none = np.zeros((count, len(program.current)))
        if prices is None:
            return cls(mandate, np.nan, none, Kinks(none, none, none, none, none), none[:, 0], none[:, 0])
        y = prices.multipliers
        rows, trades, balls = (
            np.where(owned, x, 0.0) for owned, x in zip(mandate.owned, (y.rows, y.trades, y.balls), strict=True)
        )
        slope = rows @ program.rows + trades @ program.row + mandate.owned[2] @ prices.pulls
        charge = trades @ program.most + balls @ program.ball_most
        charge = charge + mandate.owned[2] @ (prices.pulls * program.anchor).sum(-1)
        for price, most in ((np.maximum(rows, 0), program.rows_hi), (np.maximum(-rows, 0), -program.rows_lo)):
            charge = charge + np.where(price > 0, price * np.where(price > 0, most, 0.0), 0.0).sum(-1)
        size = np.abs(rows).sum(-1) + trades.sum(-1) + balls.sum(-1)
        return cls(mandate, float(y.budget), slope, kinks(program, trades), charge, size)

    def worth(self, names: Collection[str]) -> float:
        """Return what these limits alone prove, per unit of price; at most 0 is no proof."""
        lo, hi = self.mandate.box(names)
        if is_shut(lo, hi):
            return np.inf
        if np.isnan(self.budget):
            return -np.inf
        kept = np.array([name in names for name in self.mandate.names], dtype=float)
        least = _least_priced(self.mandate.program, self.budget + kept @ self.slope, self._kinks(kept), lo, hi)
        bound, total = float(least) - self.budget - float(kept @ self.charge), abs(self.budget) + kept @ self.size
        return float(bound / total - RESIDUAL) if total > 0 and np.isfinite(bound) else -np.inf

    def _kinks(self, kept: np.ndarray) -> Kinks:
        """Return the slopes of trading that some limits have together; a mandate has no costs of its own."""
        own, some = self.kinks, bool(np.any(self.kinks.power > 0))
        return Kinks(
            kept @ own.buy, kept @ own.sell, kept @ own.power if some else np.zeros(()), kept @ own.long,
            kept @ own.short,
        )  # fmt: skip


def glance(mandate: Mandate) -> Verdict | None:
    """Look for a proof that needs no engine: one row or one cap on trading against the box and the budget."""
    program, (lo, hi) = mandate.program, mandate.box(mandate.names)
    if is_shut(lo, hi):
        return Verdict(True, np.clip(program.current, lo, np.maximum(lo, hi)))
    r, t, budgets = len(program.rows), len(program.most), np.array([0.0, 1.0, -1.0])
    rows = np.vstack([np.eye(r), -np.eye(r), np.zeros((t, r))])
    trades = np.vstack([np.zeros((2 * r, t)), np.eye(t)])
    most = np.concatenate([program.rows_hi, -program.rows_lo, program.most])
    slope = budgets[:, None, None] + rows @ program.rows + trades @ program.row
    found = _least_priced(program, slope, kinks(program, trades), lo, hi) - budgets[:, None] - most
    found = np.where(np.isfinite(found), found, -np.inf) / (1.0 + np.abs(budgets))[:, None]
    if not found.size or not found.max() > RESIDUAL:
        return None
    k, i = np.unravel_index(np.argmax(found), found.shape)
    balls = np.zeros(len(program.ball_most))
    return Verdict(
        True,
        program.current,
        Prices(Multipliers(float(budgets[k]), rows[i], trades[i], balls), np.zeros_like(program.anchor)),
    )


def _least_priced(program: Program, slope: np.ndarray, priced: Kinks, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Return the least over the box of slope and priced trading, shape (...): assets end at a bound, kink or root."""
    now, gross, curved = program.current, bool(program.from_zero.any()), bool(np.any(priced.power > 0))

    def value(w: np.ndarray) -> np.ndarray:
        up, down = np.maximum(w - now, 0.0), np.maximum(now - w, 0.0)
        out = slope * w + priced.buy * up + priced.sell * down
        if gross:
            out = out + priced.long * np.maximum(w, 0.0) + priced.short * np.maximum(-w, 0.0)
        return out + priced.power * (up + down) ** 1.5 if curved else out

    points = [lo, hi, np.clip(now, lo, hi)]
    if gross:
        points.append(np.clip(0.0, lo, hi))
    if curved:
        curve = 1.5 * np.where(priced.power > 0, priced.power, np.inf)
        for side in (priced.long, -priced.short):
            points.append(np.clip(now + (np.maximum(-(slope + priced.buy + side), 0.0) / curve) ** 2, lo, hi))
            points.append(np.clip(now - (np.maximum(slope + side - priced.sell, 0.0) / curve) ** 2, lo, hi))
    return np.minimum.reduce([value(w) for w in points]).sum(-1)


def is_shut(lo: np.ndarray, hi: np.ndarray) -> bool:
    """Whether no weights that sum to 1 lie in the box."""
    return bool((lo - hi).max() > _CROSSED or lo.sum() > 1 + RESIDUAL or hi.sum() < 1 - RESIDUAL)


def stretch(mandate: Mandate, names: Collection[str], columns: Mapping[str, int], m: int, *, boxes: bool) -> Springs:
    """Put the limits of ``columns`` on springs, each on its column; the other ``names`` are hard.

    Parameters
    ----------
    boxes
        Whether the boxes of limits on springs give way too.
    """
    program = mandate.program
    rows_lo, rows_hi = np.zeros((len(program.rows), m)), np.zeros((len(program.rows), m))
    trades, balls = np.zeros((len(program.most), m)), np.zeros((len(program.ball_most), m))
    elastic, soft = [], set()
    for part in mandate.parts:
        if part.name not in columns or part.name not in names:
            continue
        column, (below, above) = columns[part.name], part.units
        # Standing limits have no number: their own unit is as good as any, since only a proof is wanted of them.
        below, above = (unit if np.isfinite(unit) else 1.0 for unit in (below, above))
        rows_lo[part.rows, column], rows_hi[part.rows, column] = below, above
        trades[part.trades, column] = above
        balls[part.balls, column] = above
        if boxes and part.boxed:
            elastic.append((column, part.lo, part.hi, below, above))
            soft.add(part.name)
    lo, hi = mandate.box([name for name in names if name not in soft])
    among = [part.name in names for part in mandate.parts]
    kept = [np.asarray(owned[among].any(0)) for owned in mandate.owned]
    none = np.zeros(m)
    return Springs(
        lo, hi, kept[0], kept[1], kept[2], rows_lo, rows_hi, trades, balls, tuple(elastic), none, none,
        np.zeros((0, m)), np.zeros(0),
    )  # fmt: skip


def broken(mandate: Mandate, weights: np.ndarray, within: float = RESIDUAL) -> list[str]:
    """Name the limits that weights break, by the gate's own measure."""
    program = mandate.program
    found = program.violations(weights)
    _, rows, trades, balls, _ = np.split(
        found, np.cumsum([len(weights), len(program.rows), len(program.most), len(program.ball_most)])
    )
    names = []
    for part in mandate.parts:
        box = np.maximum(part.lo - weights, weights - part.hi) if part.boxed else np.zeros(0)
        own = np.concatenate([rows[part.rows], trades[part.trades], balls[part.balls], box])
        if not own.max(initial=0.0) <= within:  # what is no number meets nothing
            names.append(part.name)
    return names
