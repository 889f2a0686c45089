"""Which limits of a mandate cannot hold together: proved in numpy, cut down to the fewest, with what would end it.

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
from .certificates import RESIDUAL, kinks, repair
from .elastics import Least, Prices, Springs, least
from .mandates import Mandate, Part
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


@dataclass(frozen=True)
class Way:
    """A way out: the least change of one number of the mandate with which every limit can be met.

    Parameters
    ----------
    limit
        Its name.
    upper
        Whether it is the limit's most (else its least) that would change.
    bound, exact, amount
        The number as written, the one just needed, and that rounded so that it suffices.
    """

    limit: str
    upper: bool
    bound: float
    exact: float
    amount: float


@dataclass(frozen=True, eq=False)
class Conflict:
    """Limits that cannot hold together, none of which could be left out; the proof; and what would end it."""

    mandate: Mandate
    names: tuple[str, ...]
    verdict: Verdict
    ways: tuple[Way, ...]


def find_conflict(mandate: Mandate) -> Conflict | None:
    """Find the fewest limits that cannot hold together, and what would end it; None unless the conflict is proved.

    A limit stays unless the others are proved infeasible without it. Where changing its number alone would end the
    conflict that is settled: without it, the others can hold.
    """
    verdict = _glance(mandate) or examine(mandate, mandate.names)
    if not verdict.infeasible:
        return None
    order = _by_weight(mandate, verdict)
    names, ways = _sift(mandate, mandate.names, order, verdict.prices), []
    # Those that matter most first: what their own change would take is a proof too, often of fewer limits.
    for name in reversed(order):
        if name in names and (found := find_way(mandate, name, names)) is not None:
            ways.append(found[0])
            if (fewer := _sift(mandate, names, order, found[1])) != names:
                names, verdict = fewer, replace(verdict, prices=found[1])
    settled, met = {way.limit for way in ways}, []
    for name in order:
        rest = [other for other in names if other != name]
        if name not in names or name in settled or any(_meets(mandate, rest, point) for point in met):
            continue
        found = examine(mandate, rest)
        if found.infeasible:
            names, verdict = _sift(mandate, rest, order, found.prices), found
        else:
            met.append(found.weights)
    place = mandate.names.index
    return Conflict(mandate, tuple(names), verdict, tuple(sorted(ways, key=lambda way: place(way.limit))))


def _glance(mandate: Mandate) -> Verdict | None:
    """Look for a proof that needs no engine: one row or one cap on trading against the box and the budget."""
    program = mandate.program
    rows, trades = np.eye(len(program.rows)), np.eye(len(program.most))
    no_rows, no_trades = np.zeros(len(program.rows)), np.zeros(len(program.most))
    singles = [(row, no_trades) for row in (*rows, *-rows)] + [(no_rows, trade) for trade in trades]
    for own_rows, own_trades in singles:
        if not np.isfinite(np.where(own_rows > 0, program.rows_hi, np.where(own_rows < 0, program.rows_lo, 0.0))).all():
            continue
        for budget in (0.0, 1.0, -1.0):
            prices = Prices(
                Multipliers(budget, own_rows, own_trades, np.zeros(len(program.ball_most))),
                np.zeros_like(program.anchor),
            )
            if prove(mandate, mandate.names, prices) > 0:
                return Verdict(True, program.current, prices)
    return None


def examine(mandate: Mandate, names: Collection[str]) -> Verdict:
    """Look for a point that meets these limits with room to spare, or for a proof that none meets them."""
    program, kept = mandate.program, [p for p in mandate.parts if p.name in names]
    lo, hi = mandate.box(names)
    if _shut(lo, hi):
        return Verdict(True, np.clip(program.current, lo, np.maximum(lo, hi)))
    stretches = {p.name: (0, not p.boxed or bool(len(p.rows) + len(p.trades) + len(p.balls))) for p in kept}
    springs = stretch(mandate, names, {name: 0 for name, own in stretches.items() if own}, 1, boxes=False)
    springs = replace(springs, cost=np.ones(1), floor=np.full(1, -1.0))
    for tolerance in _TOLERANCES:
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
    if _shut(lo, hi):
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


def _shut(lo: np.ndarray, hi: np.ndarray) -> bool:
    """Whether no weights that sum to 1 lie in the box."""
    return bool((lo - hi).max() > _CROSSED or lo.sum() > 1 + RESIDUAL or hi.sum() < 1 - RESIDUAL)


def masks(mandate: Mandate, names: Collection[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which rows, trade terms and balls of the program belong to these limits."""
    program = mandate.program
    out = tuple(np.zeros(len(x), dtype=bool) for x in (program.rows, program.most, program.ball_most))
    for part in mandate.parts:
        if part.name in names:
            for mask, where in zip(out, (part.rows, part.trades, part.balls), strict=True):
                mask[where] = True
    return out


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


def _by_weight(mandate: Mandate, verdict: Verdict) -> list[str]:
    """Order limits by what the proof loses without them; equals: standing ones first, then the last in the policy."""
    names, left = mandate.names, {}
    for name in names:
        left[name] = prove(mandate, [other for other in names if other != name], verdict.prices)
    place = {p.name: (p.limit is not None, -k) for k, p in enumerate(mandate.parts)}
    return sorted(names, key=lambda name: (-left[name], place[name]))


def _sift(mandate: Mandate, names: Collection[str], order: list[str], prices: Prices | None) -> list[str]:
    """Leave out what the prices of one proof do without."""
    names = [name for name in mandate.names if name in names]
    for name in order:
        rest = [other for other in names if other != name]
        if name in names and prove(mandate, rest, prices) > 0:
            names = rest
    return names


def _meets(mandate: Mandate, names: Collection[str], weights: np.ndarray, within: float = RESIDUAL) -> bool:
    """Whether weights meet these limits, by the gate's own measure."""
    program = mandate.program
    lo, hi = mandate.box(names)
    found = replace(program, lo=lo, hi=hi).violations(weights)
    n = len(lo)
    kept = np.concatenate([np.ones(n, bool), *masks(mandate, names), np.ones(1, bool)])
    return bool(found[kept].max() <= within)


def find_way(mandate: Mandate, name: str, names: Collection[str]) -> tuple[Way, Prices] | None:
    """Find how far one limit would have to give way, all others as they are; None where that alone does not help.

    ``names`` are those in conflict; balls of others are asked only where the point found without them is outside. The
    prices that come along prove that the limit as it stands and the others cannot hold together.
    """
    part = mandate.part(name)
    if not part.elastic or _moved(part):
        return None
    kept = {*names, *(p.name for p in mandate.parts if not len(p.balls))}
    said = _give(mandate, name, kept)
    others = [other for other in mandate.names if other != name]
    if said is not None and len(kept) < len(mandate.parts) and not _meets(mandate, others, said.weights, 1e-8):
        said = _give(mandate, name, mandate.names)
    if said is None or not said.violations[0] > 0:
        return None
    violation, upper = float(said.violations[0]), _above(mandate, part, said.weights)
    bound, unit = (part.most, part.units[1]) if upper else (part.least, part.units[0])
    if not np.isfinite(bound):
        return None
    exact = bound + violation * unit * (1 if upper else -1)
    return Way(name, upper, bound, exact, round_out(exact, upper=upper)), said.prices


def _give(mandate: Mandate, name: str, names: Collection[str]) -> Least | None:
    """Let one limit give way to the others named, as little as it must."""
    springs = replace(stretch(mandate, names, {name: 0}, 1, boxes=True), cost=np.ones(1))
    if _shut(springs.lo, springs.hi):
        return None
    said = least(mandate.program, springs)
    return said if said.status in ("solved", "almost") else None


def _moved(part: Part) -> bool:
    """Whether grandfathering has moved single bounds of a limit, so that no one number says where they would go."""
    return bool(part.limit and part.limit.grandfather and (part.boxed or len(part.rows)))


def _above(mandate: Mandate, part: Part, weights: np.ndarray) -> bool:
    """Whether these weights are beyond a limit's most rather than below its least."""
    if not np.isfinite(part.least):
        return True
    at = mandate.program.rows[part.rows] @ weights
    over = [np.max(weights - part.hi), *(at - mandate.program.rows_hi[part.rows])]
    under = [np.max(part.lo - weights), *(mandate.program.rows_lo[part.rows] - at)]
    return max(over) >= max(under) and np.isfinite(part.most)


def round_out(amount: float, *, upper: bool) -> float:
    """Round outwards to the fewest digits, two at least, that stay within half a percent of the amount.

    >>> round_out(0.07268, upper=True), round_out(0.0123456, upper=False)
    (0.073, 0.0123)
    """
    size, away = abs(amount), (amount > 0) == upper
    if size < 1e-12:
        return 0.0
    exponent = int(np.floor(np.log10(size)))
    for digits in range(2, 16):
        places = digits - 1 - exponent
        scaled = size * 10.0**places
        # What a solve leaves open, a hundred millionth, is no reason for another digit.
        whole = np.ceil(scaled * (1 - 1e-8)) if away else np.floor(scaled * (1 + 1e-8))
        rounded = float(f"{whole:.0f}e{-places}")
        if abs(rounded - size) <= 0.005 * size:
            break
    return rounded if amount > 0 else -rounded
