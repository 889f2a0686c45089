"""Coming back to the edge: the two programs of the destination ``edge``, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..constraints import terms
from ..constraints.bands import inner_parts
from ..constraints.names import EDGE
from .answers import Multipliers
from .problems import Cases, Problem
from .programs import Program, with_terms

TRIFLE = 1e-4
"""What trading anything costs at least: nothing is traded for no reason because it is free."""
SPARE = (1e-5, 0.01)
"""What may be spent beyond the least: 0.1 bp of NAV, and no more than a hundredth of the least..."""
DUST = 1e-4
"""...but always what it costs to trade 1 bp of NAV; and the cash may always be so far from its target."""
_CURVES = (1e-2, 2.0)
_BEND = 2e-3
"""Curvature of the first program, prices over variances: it makes the answer one. The cost comes out at most half the
curvature times the weight traded too high, as a part of itself, so where little has to be traded there may be more."""


@dataclass(frozen=True, eq=False)
class Brink:
    """Accounts that are to come back: their program with every band in it, and what trading is priced at.

    ``price`` is a decimal of traded value, shape (n,); ``unit`` its mean, which scales the cap; ``gross`` is about
    the weight that has to be traded, shape (m,).
    """

    program: Program
    price: np.ndarray
    unit: float
    gross: np.ndarray


def come_back(problem: Problem, cases: Cases) -> Brink:
    """State every band, the inner one where it was left, and that the cash goes no farther from its target."""
    program, context = cases.program, cases.context
    price = np.maximum(context.market.costs.proportional, TRIFLE)
    price = np.where(np.arange(len(price)) == program.cash, 0.0, price)
    named: list[tuple[str, terms.Box | terms.Rows]] = []
    for band in problem.policy.bands:
        read, (low, high) = band.read(context), inner_parts(band)
        below, above = read.left & (read.drift < 0), read.left & (read.drift > 0)
        named.append((band.name, band.around(context, np.where(below, low, 1.0), np.where(above, high, 1.0))))
    stated = with_terms(program, named)
    gross = _way(stated)
    box = _cash_box(cases, stated, price, gross)
    return Brink(with_terms(stated, [(EDGE, box)]), price, float(price.mean()), gross)


def _way(program: Program) -> np.ndarray:
    """Return about how much has to be traded to come back, shape (m,).

    Twice the way into boxes and rows, since what is sold is bought elsewhere; a fifth of the account for a ball.
    """
    now = program.current
    at = np.einsum("...n,rn->...r", now, program.rows)
    way = np.maximum(np.maximum(program.lo - now, now - program.hi), 0.0).sum(-1)
    way = way + np.maximum(np.maximum(program.rows_lo - at, at - program.rows_hi), 0.0).sum(-1)
    broken = (program.ball_sizes(now) > program.ball_most).any(-1) | (program.traded(now) > program.most).any(-1)
    return 2.0 * way + np.where(broken, 0.2, 0.0)


def _cash_box(cases: Cases, program: Program, price: np.ndarray, gross: np.ndarray) -> terms.Box:
    """Keep the cash no farther from its target than it is, but for what coming back may cost.

    Cash pays the costs: where it stands on its target and on its floor there would else be no way back at all.
    """
    now, target, cash = program.current, np.asarray(cases.context.tactical), program.cash
    costs = gross * price.max() + (program.impact.max(-1) * cases.horizon) * gross**1.5
    far = np.maximum(np.abs(now[..., cash] - target[..., cash]), costs + DUST)
    is_cash = np.arange(now.shape[-1]) == cash
    lo = np.where(is_cash, (target[..., cash] - far)[..., None], -np.inf)
    return terms.Box(lo, np.where(is_cash, (target[..., cash] + far)[..., None], np.inf))


def cheapest(brink: Brink) -> Program:
    """Return the first program: the least cost that comes back, with just enough curvature to have one answer."""
    program = brink.program
    nothing = np.zeros_like(program.force)
    curve = np.clip(_BEND / np.maximum(brink.gross, _BEND / _CURVES[1]), *_CURVES)
    return replace(
        program,
        risk=program.market_risk,
        tilted=False,
        gamma=curve * brink.unit / float(program.market_risk.variances.mean()),
        force=nothing,
        centre=program.current,
        cost=nothing + brink.price,
        impact=nothing,
    )


def capped(brink: Brink, cost: np.ndarray) -> Program:
    """Return the second program: the highest utility for hardly more than the least cost, shape (m,)."""
    program, row = brink.program, brink.price / brink.unit
    spare = np.maximum(np.minimum(SPARE[0], SPARE[1] * cost), DUST * brink.unit)
    most = (cost + spare) / brink.unit
    none = np.zeros_like(row)
    return replace(
        program,
        buy=np.vstack([program.buy, row]),
        sell=np.vstack([program.sell, row]),
        row=np.vstack([program.row, none]),
        power=np.concatenate([program.power, np.zeros_like(program.current)[:, None, :]], axis=1),
        most=np.concatenate([program.most, most[:, None]], axis=1),
        from_zero=np.append(program.from_zero, False),
        named=(*program.named, (EDGE, terms.Trades(row, row, none, most))),
    )


def freed(brink: Brink, multipliers: Multipliers) -> tuple[Program, Multipliers]:
    """Return the program in which the fewest trades are sought, and the multipliers of the edge in it.

    The cap would not let a trade be rounded to a lot. In its place trading is charged the price that the cap has at the
    edge, so that the edge stays the optimum.
    """
    program = brink.program
    price = np.maximum(multipliers.trades[:, -1], 0.0)[:, None] * (brink.price / brink.unit)
    prices = Multipliers(multipliers.budget, multipliers.rows, multipliers.trades[:, :-1], multipliers.balls)
    return replace(program, cost=program.cost + price), prices
