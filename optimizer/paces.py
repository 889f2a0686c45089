"""The box that slows trading: phases, the tilt's pace, and how far both give way before anything is solved.

An account's box holds its trade between nothing and what is released today. Whoever breaks no limit where he stands can
keep to it. For the others it is widened in closed form, so that the box never is what makes a mandate impossible where
another box, or a point on the straight way to the target, shows how much farther it has to go::

    lo  :=  min(lo, upper ends of all other boxes),     hi := max(hi, their lower ends)
    then, where w0 brought inside them breaks a limit still:  the hull with  w0 + k (t - w0),
    k the least part of the way at which every limit holds

What asks for more than that (a row that the target does not meet either, a turnover limit) is a conflict of limits,
and the box is the one of the lowest tier.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..constraints.bands import inner_parts
from ..constraints.limits import Context
from ..constraints.policies import Policy
from ..constraints.terms import Box, Rows
from ..models.schedules import Schedules
from ..models.tilts import Tilt
from .certificates import RESIDUAL
from .phases import Plan, read_plan
from .programs import Program, with_terms

_THIRDS, _HALVINGS = 60, 40
_DEAR = 0.05
"""A part of traded value that no trade costs."""
_NEARER = 0.05
"""Of the way from the target to strategic: where a point is sought that the limits leave more room."""
_CASH_ROOM = 1e-4
"""How far from its target the cash may always be at the edge."""
_ROOM = 0.02
"""Of the way to the target: how much farther than it must the box lets go, so that there is more than one point."""


def is_slowed(policy: Policy, belief: Tilt) -> bool:
    """Whether anything slows trading, so that a tactical target has to be known."""
    return policy.phases is not None or bool((belief.buy_pace < 1.0).any() or (belief.sell_pace < 1.0).any())


def slow(
    policy: Policy, context: Context, program: Program, belief: Tilt, schedules: Schedules | None
) -> tuple[Context, Program, Plan | None]:
    """Give many accounts their box and the plan of their schedules.

    Parameters
    ----------
    context, program
        Of many accounts, with tactical targets and every other limit.
    schedules
        As they were brought along; None where nobody has one.
    """
    box, plan = _slowed(policy, context, program, belief, schedules)
    return replace(context, pace=box), with_terms(program, [(policy.pace.name, box)]), plan


def slow_one(
    policy: Policy, context: Context, program: Program, belief: Tilt, schedules: Schedules
) -> tuple[Context, Program, Plan | None]:
    """Give one account its box and the plan of its schedule, which has an account axis of one."""
    box, plan = _slowed(policy, context.lift(), program.lift(), belief, schedules)
    box = Box(box.lo[0], box.hi[0])
    return replace(context, pace=box), with_terms(program, [(policy.pace.name, box)]), plan


def _slowed(
    policy: Policy, context: Context, program: Program, belief: Tilt, schedules: Schedules | None
) -> tuple[Box, Plan | None]:
    m, n = program.current.shape
    plan = None
    if policy.phases is not None:
        plan = read_plan(policy.phases, context, schedules or Schedules.none(m, n), belief.life)
    return _widened(_checked(policy, context, program), _box(context, belief, plan), context), plan


def _box(context: Context, belief: Tilt, plan: Plan | None) -> Box:
    """Return what is released today, shape (m, n): nothing is released beyond the tactical target."""
    now, gap = context.current, np.nan_to_num(np.asarray(context.tactical) - context.current)
    most, least = np.maximum(gap, 0.0), np.minimum(gap, 0.0)
    buy, sell = (np.broadcast_to(pace, now.shape) for pace in (belief.buy_pace, belief.sell_pace))
    hi = np.where(buy < 1.0, np.minimum(buy, 1.0) * most, np.inf)
    lo = np.where(sell < 1.0, np.minimum(sell, 1.0) * least, -np.inf)
    if plan is not None:
        wanted = plan.released * np.where(plan.gap > 0, buy, sell)
        part = np.clip(wanted, np.minimum(plan.gap, 0.0), np.maximum(plan.gap, 0.0))
        flow = plan.flow * np.minimum(np.where(plan.flow > 0, buy, sell), 1.0)
        up, down = (end(part, 0.0) + end(flow, 0.0) for end in (np.maximum, np.minimum))
        free = plan.free[:, None]
        hi, lo = np.where(free, hi, np.minimum(up, most)), np.where(free, lo, np.maximum(down, least))
    unknown = ~np.isfinite(np.asarray(context.tactical)).all(-1, keepdims=True)
    open_ended = unknown | (np.arange(now.shape[-1]) == context.market.universe.cash)
    return Box(np.where(open_ended, -np.inf, now + lo), np.where(open_ended, np.inf, now + hi))


def _checked(policy: Policy, context: Context, program: Program) -> Program:
    """Return the program whose limits do not wait for a pace: at the edge the bands and the cash are among them."""
    if policy.rebalance.destination != "edge":
        return program
    bands: list[tuple[str, Box | Rows]] = [
        (band.name, band.around(context, *inner_parts(band))) for band in policy.bands
    ]
    centre, is_cash = np.asarray(context.tactical), np.arange(program.current.shape[-1]) == program.cash
    far = np.where(is_cash, np.maximum(np.abs(program.current - centre), _CASH_ROOM), np.inf)
    return with_terms(program, [*bands, ("cash", Box(centre - far, centre + far))])


def _widened(program: Program, box: Box, context: Context) -> Box:
    """Widen a box for those who break a limit where they stand, so far that they need break none."""
    now, tactical = program.current, np.asarray(context.tactical)
    lo, hi = np.fmin(box.lo, program.hi), np.fmax(box.hi, program.lo)
    near = _balanced(program, np.clip(now, program.lo, program.hi))
    stuck = np.flatnonzero((_excess(program, now) > RESIDUAL) & np.isfinite(tactical).all(-1))
    stuck = stuck[_excess(program.pick(stuck), near[stuck]) > RESIDUAL] if len(stuck) else stuck
    # A target on the edge of a ball may be out of reach by what going there costs: then a bit nearer to strategic.
    for nearer in (0.0, _NEARER):
        if not len(stuck):
            break
        some = program.pick(stuck)
        goal = np.clip((1.0 - nearer) * tactical[stuck] + nearer * context.strategic[stuck], some.lo, some.hi)
        part, found = _least_part(some, goal - now[stuck])
        for further in (0.0, _ROOM):
            point = _balanced(some, now[stuck] + np.minimum(part + further, 1.0)[:, None] * (goal - now[stuck]))
            lo[stuck] = np.where(found[:, None], np.minimum(lo[stuck], point), lo[stuck])
            hi[stuck] = np.where(found[:, None], np.maximum(hi[stuck], point), hi[stuck])
        stuck = stuck[~found]
    return Box(lo, hi)


def _least_part(program: Program, way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least part of the way at which every limit holds, and whether there is one; shape (m,).

    The largest violation is convex along the way, so thirds find where it is least; halves, where it ends.
    """

    def excess(part: np.ndarray) -> np.ndarray:
        return _excess(program, _balanced(program, program.current + part[:, None] * way))

    low, high = np.zeros(len(way)), np.ones(len(way))
    for _ in range(_THIRDS):
        first, second = (2 * low + high) / 3, (low + 2 * high) / 3
        nearer = excess(first) <= excess(second)
        low, high = np.where(nearer, low, first), np.where(nearer, second, high)
    low, found = np.zeros(len(way)), excess(high) <= RESIDUAL
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        inside = excess(middle) <= RESIDUAL
        high, low = np.where(inside, middle, high), np.where(inside, low, middle)
    return high, found


def _balanced(program: Program, weights: np.ndarray) -> np.ndarray:
    """Return weights whose cash is what the others leave; where a cash floor is short of it, less is bought.

    Where there is nothing to buy, as much more is sold as trades may cost, of what may be sold.
    """
    z = weights - program.current
    z[:, program.cash] = 0.0
    short = _short_of_cash(program, _with_cash(program, z))
    buys, sells = (np.maximum(side * z, 0.0) for side in (1.0, -1.0))
    bought, sold = buys.sum(-1), sells.sum(-1)
    less = np.minimum(short, bought)
    more = np.minimum(_DEAR * sold, (1.0 + _DEAR) * (short - less))
    buys = buys * np.divide(bought - less, bought, out=np.zeros_like(bought), where=bought > 0)[:, None]
    point = _with_cash(program, buys - sells)
    room = np.maximum(point - np.maximum(program.lo, -1.0), 0.0)
    room[:, program.cash] = 0.0
    whole = room.sum(-1)
    share = np.divide(more, whole, out=np.zeros_like(whole), where=whole > 0)
    return _with_cash(program, buys - sells - np.minimum(share, 1.0)[:, None] * room)


def _with_cash(program: Program, trades: np.ndarray) -> np.ndarray:
    out = program.current + trades
    out[:, program.cash] = 0.0
    out[:, program.cash] = 1.0 - out.sum(-1)
    return out


def _short_of_cash(program: Program, weights: np.ndarray) -> np.ndarray:
    """Return by how much cash after costs is below its highest floor, shape (m,)."""
    alone = np.arange(len(program.row.T)) == program.cash
    floors = (program.row[:, program.cash] < 0) & ~(program.row.astype(bool) & ~alone).any(-1) & ~program.from_zero
    if not floors.any():
        return np.zeros(len(weights))
    over = (program.traded(weights) - program.most)[:, floors] / -program.row[floors, program.cash]
    return np.maximum(over.max(-1), 0.0)


def _excess(program: Program, weights: np.ndarray) -> np.ndarray:
    """Return the largest violation of each account, shape (m,); a user's own limit is a function of one account."""
    if not program.customs:
        return program.violations(weights).max(-1)
    return np.array([program.pick(i).violations(weights[i]).max() for i in range(len(weights))])
