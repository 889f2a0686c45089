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

from .certificates import RESIDUAL, kinks, repair
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
        if said.status in ("solved", "almost") and said.violations[0] < -_CLEAR:
            break
    return Verdict(False, _inside(mandate, names, said) if np.isfinite(said.weights).all() else program.current)


def _inside(mandate: Mandate, names: Collection[str], said: Least) -> np.ndarray:
    lo, hi = mandate.box(names)
    return repair(replace(mandate.program, lo=lo, hi=hi), said.weights)


def prove(mandate: Mandate, names: Collection[str], prices: Prices | None) -> float:
    """Return by how much the prices prove these limits infeasible, per unit of price; at most 0 is no proof."""
    lo, hi = mandate.box(names)
    if is_shut(lo, hi):
        return np.inf
    if prices is None:
        return -np.inf
    program, y, kept = mandate.program, prices.multipliers, masks(mandate, names)
    rows, trades, balls = (np.where(mask, x, 0.0) for mask, x in zip(kept, (y.rows, y.trades, y.balls), strict=True))
    budget, pulls = float(y.budget), prices.pulls[kept[2]]
    slope = budget + rows @ program.rows + trades @ program.row + pulls.sum(0)
    bound = float(_least_priced(program, trades, slope, lo, hi).sum()) - budget
    for price, most in ((np.maximum(rows, 0), program.rows_hi), (np.maximum(-rows, 0), -program.rows_lo)):
        bound -= float(price[price > 0] @ most[price > 0])
    bound -= float(trades @ program.most + balls @ program.ball_most + (pulls * program.anchor[kept[2]]).sum())
    total = abs(budget) + np.abs(rows).sum() + trades.sum() + balls.sum()
    return bound / total - RESIDUAL if total > 0 and np.isfinite(bound) else -np.inf


def _least_priced(
    program: Program, trades: np.ndarray, slope: np.ndarray, lo: np.ndarray, hi: np.ndarray
) -> np.ndarray:
    """Return the least of slope and priced trading over each asset's bounds, shape (n,): an end, a kink or a root."""
    now, priced = program.current, kinks(program, trades)

    def value(w: np.ndarray) -> np.ndarray:
        up, down = np.maximum(w - now, 0.0), np.maximum(now - w, 0.0)
        out = slope * w + priced.buy * up + priced.sell * down
        if program.from_zero.any():
            out = out + priced.long * np.maximum(w, 0.0) + priced.short * np.maximum(-w, 0.0)
        return out + priced.power * (up + down) ** 1.5

    points = [lo, hi, np.clip(now, lo, hi)]
    if program.from_zero.any():
        points.append(np.clip(0.0, lo, hi))
    if np.any(priced.power > 0):
        curve = 1.5 * np.where(priced.power > 0, priced.power, np.inf)
        for side in (priced.long, -priced.short):
            points.append(np.clip(now + (np.maximum(-(slope + priced.buy + side), 0.0) / curve) ** 2, lo, hi))
            points.append(np.clip(now - (np.maximum(slope + side - priced.sell, 0.0) / curve) ** 2, lo, hi))
    return np.min([value(w) for w in points], axis=0)


def is_shut(lo: np.ndarray, hi: np.ndarray) -> bool:
    """Whether no weights that sum to 1 lie in the box."""
    return bool((lo - hi).max() > _CROSSED or lo.sum() > 1 + RESIDUAL or hi.sum() < 1 - RESIDUAL)


def masks(mandate: Mandate, names: Collection[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which rows, trade terms and balls of the program belong to these limits."""
    program = mandate.program
    rows, trades, balls = (np.zeros(len(x), dtype=bool) for x in (program.rows, program.most, program.ball_most))
    for part in mandate.parts:
        if part.name in names:
            rows[part.rows], trades[part.trades], balls[part.balls] = True, True, True
    return rows, trades, balls


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
    kept = masks(mandate, names)
    none = np.zeros(m)
    return Springs(
        lo, hi, *kept, rows_lo, rows_hi, trades, balls, tuple(elastic), none, none, np.zeros((0, m)), np.zeros(0)
    )  # fmt: skip


def meets(mandate: Mandate, names: Collection[str], weights: np.ndarray, within: float = RESIDUAL) -> bool:
    """Whether weights meet these limits, by the gate's own measure."""
    program = mandate.program
    lo, hi = mandate.box(names)
    found = replace(program, lo=lo, hi=hi).violations(weights)
    n = len(lo)
    kept = np.concatenate([np.ones(n, bool), *masks(mandate, names), np.ones(1, bool)])
    return bool(found[kept].max() <= within)
