"""From an engine's answer to the exact one: guess which bounds bind, solve what is left, check the guess, mend it.

An interior-point answer is 1e-7 from the optimum and never quite on a bound. With the binding set known, the optimum is
the root of a small system of equations (:mod:`.systems`). An asset is pinned (at a bound, at its current weight where a
cost or cap holds it, at zero where gross weight has a price) or free on one side. A wrong guess shows as a bound
crossed or a price of the wrong sign, is mended, and the system solved again: a primal-dual active-set method
(Hintermueller, Ito and Kunisch, 2003), started next to its end.

Many accounts are refined together, each with a guess of its own. The result proves itself: an ideal leaves only with a
certificate (:mod:`.certificates`).
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from .answers import Multipliers
from .certificates import CERTIFIED_TE, RESIDUAL, Kinks, gradient, kinks, measure, signed
from .programs import Program
from .systems import Guess, solve_guess

_NEAR = 1e-6
_LEAST_PRICES = (1e-7, 1e-4)
"""Prices, in units of ``program.scale``, below which a constraint is guessed not to bind. Where more constraints bind
than there is freedom, an engine spreads the price over them as it likes; the second guess leaves the faint ones out."""
_ROUNDS = 25


def refine(program: Program, weights: np.ndarray, multipliers: Multipliers) -> tuple[np.ndarray, Multipliers] | None:
    """Return one account's weights and multipliers on the exact binding set, or None where none was found.

    Custom terms have no gradient here; a program with one is not refined.
    """
    if program.customs:
        return None
    x, y, found = refine_all(program.lift(), weights[None], multipliers.lift())
    return (x[0], y.pick(0)) if found[0] else None


def refine_all(
    program: Program, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, Multipliers, np.ndarray]:
    """Return weights (m, n) and multipliers on each account's exact binding set, and a mask of who has one.

    Who has none keeps what came.
    """
    program = replace(program, named=())  # numbers are all that is read here
    x, y = np.array(weights), multipliers.copy()
    found, passed = np.zeros(len(x), dtype=bool), []
    for least_price in _LEAST_PRICES:
        left = np.flatnonzero(~found)
        if not len(left):
            break
        some, start = program.pick(left), multipliers.pick(left)
        guess = _first_guess(some, weights[left], start, least_price)
        settled, at, prices = _follow(some, guess, weights[left], start, left, passed)
        x[left[settled]] = at[settled]
        y.put(left[settled], prices.pick(settled))
        found[left[settled]] = True
    left = np.flatnonzero(~found)
    if len(left):
        _take_best(program, left, passed, x, y, found)
    return x, y, found


Passed = list[tuple[np.ndarray, np.ndarray, Multipliers]]
"""Points on the way: who, where, at what prices."""


def _follow(
    program: Program, guess: Guess, weights: np.ndarray, multipliers: Multipliers, who: np.ndarray, passed: Passed
) -> tuple[np.ndarray, np.ndarray, Multipliers]:
    """Solve, mend, and solve again until nothing is left to mend; return who got there, where, at what prices.

    An account whose guesses go in a circle is left. Every point on the way is added to ``passed``.
    """
    m = len(weights)
    x, y = np.array(weights), multipliers.copy()
    settled, live = np.zeros(m, dtype=bool), np.arange(m)
    seen: list[set[bytes]] = [set() for _ in range(m)]
    for turn in range(_ROUNDS):
        some, now = (program, guess) if len(live) == m else (program.pick(live), guess.pick(live))
        at, prices, fine = _solve(some, now, x[live], y.pick(live))
        if not fine.all():
            live = live[fine]
            if not len(live):
                break
            some, now, at, prices = some.pick(fine), now.pick(fine), at[fine], prices.pick(fine)
        x[live] = at
        y.put(live, prices)
        clipped, priced = np.clip(at, some.lo, some.hi), signed(prices)
        passed.append((who[live], clipped, priced))
        changed = _mend(some, now, at, prices)
        ended = live[~changed]
        settled[ended] = True
        x[ended] = clipped[~changed]
        y.put(ended, priced.pick(~changed))
        # A circle takes at least two turns: only from then on is it looked for.
        fresh = np.array(changed)
        if turn:
            for k, key in enumerate(now.keys()):
                fresh[k] &= key not in seen[live[k]]
                seen[live[k]].add(key)
        for f in fields(Guess):
            getattr(guess, f.name)[live] = getattr(now, f.name)
        live = live[fresh]
        if not len(live):
            break
    return settled, x, y


def _solve(
    program: Program, guess: Guess, weights: np.ndarray, multipliers: Multipliers
) -> tuple[np.ndarray, Multipliers, np.ndarray]:
    cornered = guess.pinned.all(-1)
    if not cornered.any():
        return solve_guess(program, guess, weights, multipliers)
    x, y, found = np.array(guess.at), multipliers.copy(), np.array(cornered)
    corner, free = np.flatnonzero(cornered), np.flatnonzero(~cornered)
    y.put(corner, _corner_prices(program.pick(corner), guess.pick(corner), x[corner], multipliers.pick(corner)))
    if len(free):
        at, prices, fine = solve_guess(program.pick(free), guess.pick(free), weights[free], multipliers.pick(free))
        x[free], found[free] = at, fine
        y.put(free, prices)
    return x, y, found


def _take_best(
    program: Program, left: np.ndarray, passed: Passed, x: np.ndarray, y: Multipliers, found: np.ndarray
) -> None:
    """Give each account that is left the point with the least gap of those it passed that the gate would release.

    Who starts at an optimum stands on every edge at once: rounding says of each that it is crossed, and the guesses go
    in a circle around the answer.
    """
    least = np.full(len(x), np.inf)
    for who, weights, multipliers in passed:
        these = np.flatnonzero(np.isin(who, left))
        if not len(these):
            continue
        residual, gap, te = measure(program.pick(who[these]), weights[these], multipliers.pick(these))
        better = these[(residual <= RESIDUAL) & (te <= CERTIFIED_TE) & (gap < least[who[these]])]
        gaps = dict(zip(these, gap, strict=True))
        least[who[better]] = [gaps[k] for k in better]
        x[who[better]], found[who[better]] = weights[better], True
        y.put(who[better], multipliers.pick(better))


def _first_guess(program: Program, x: np.ndarray, y: Multipliers, least_price: float) -> Guess:
    now, lo, hi = program.current, program.lo, program.hi
    kink = kinks(program, y.trades)
    # Impact has no kink, but near w0 engines are ten times less exact there; a wrong guess is mended below.
    at_now = (np.abs(x - now) < np.where(kink.power > 0, 10 * _NEAR, _NEAR)) & (kink.buy + kink.sell + kink.power > 0)
    at_zero = (np.abs(x) < _NEAR) & (kink.long + kink.short > 0)
    at = np.where(
        x - lo < _NEAR, lo, np.where(hi - x < _NEAR, hi, np.where(at_now, now, np.where(at_zero, 0.0, np.nan)))
    )
    at_rows = np.einsum("...n,rn->...r", x, program.rows)
    least = least_price * program.scale[:, None]
    upper = (y.rows > least) & (program.rows_hi - at_rows < 1e3 * _NEAR)
    lower = (y.rows < -least) & (at_rows - program.rows_lo < 1e3 * _NEAR)
    return Guess(
        pinned=np.isfinite(at), at=np.where(np.isfinite(at), at, 0.0), side=np.where(x >= now, 1.0, -1.0),
        sign=np.where(x >= 0, 1.0, -1.0), rows=upper.astype(int) - lower.astype(int),
        trades=(y.trades > least) & (program.most - program.traded(x) < 1e3 * _NEAR),
        balls=(y.balls > least) & (program.ball_most - program.ball_sizes(x) < 1e3 * _NEAR)
        & (program.ball_most > 0),
    )  # fmt: skip


def _corner_prices(program: Program, guess: Guess, x: np.ndarray, last: Multipliers) -> Multipliers:
    """Return prices where every asset is pinned and no equation is left to solve.

    With the other prices given, asset i stays pinned for budget prices between minus its slope upwards and minus its
    slope downwards; the middle of what all assets leave is taken. The other prices are those of the last solve, or
    none: whichever leaves the budget more room.
    """
    zero = np.zeros(len(x))
    kept = Multipliers(
        zero,
        np.where(guess.rows != 0, last.rows, 0.0),
        np.where(guess.trades, last.trades, 0.0),
        np.where(guess.balls, last.balls, 0.0),
    )
    none = Multipliers(zero, *(np.zeros_like(part) for part in (kept.rows, kept.trades, kept.balls)))
    (low, high), (low2, high2) = _budget_span(program, x, none), _budget_span(program, x, kept)
    keep = high2 - low2 > high - low
    low, high = np.where(keep, low2, low), np.where(keep, high2, high)
    known = np.isfinite(low).astype(int) + np.isfinite(high)
    total = np.where(np.isfinite(low), low, 0.0) + np.where(np.isfinite(high), high, 0.0)
    parts = [np.where(keep[:, None], getattr(kept, f), 0.0) for f in ("rows", "trades", "balls")]
    return Multipliers(total / np.maximum(known, 1), *parts)


def _budget_span(program: Program, x: np.ndarray, prices: Multipliers) -> tuple[np.ndarray, np.ndarray]:
    """Return the budget prices between which no asset wants to leave x; the first above the second where one does."""
    smooth, kink = gradient(program, x, prices), kinks(program, prices.trades)
    up = smooth + _side_slope(kink, kink.power, x, program.current, +1)
    down = smooth + _side_slope(kink, kink.power, x, program.current, -1)
    floor = np.max(np.where(x < program.hi, -up, -np.inf), axis=-1)
    return floor, np.min(np.where(x > program.lo, -down, np.inf), axis=-1)


def _mend(program: Program, guess: Guess, x: np.ndarray, y: Multipliers) -> np.ndarray:
    """Change what the solutions show to be wrong; return whose guess was changed, shape (m,)."""
    changed = _mend_assets(program, guess, x, y)
    faint = -1e-13 * program.scale[:, None]
    at_rows = np.einsum("...n,rn->...r", x, program.rows)
    wrong = guess.rows * y.rows < faint
    crossed = (at_rows - program.rows_hi > 1e-11).astype(int) - (program.rows_lo - at_rows > 1e-11)
    joins = (crossed != 0) & (guess.rows == 0) & ~wrong
    guess.rows[wrong] = 0
    guess.rows[joins] = crossed[joins]
    changed |= (wrong | joins).any(-1)
    for active, price, room in (
        (guess.trades, y.trades, program.most - program.traded(x)),
        (guess.balls, y.balls, program.ball_most - program.ball_sizes(x)),
    ):
        drop = active & (price < faint)
        add = ~active & (room < -1e-11)
        np.logical_xor(active, drop | add, out=active)
        changed |= (drop | add).any(-1)
    return changed


def _mend_assets(program: Program, guess: Guess, x: np.ndarray, y: Multipliers) -> np.ndarray:
    """Pin the free assets that crossed a bound or a kink; free the pinned ones whose slopes do not balance."""
    lo, hi, now, tolerance = program.lo, program.hi, program.current, 1e-12 * program.scale[:, None]
    kink = kinks(program, y.trades)
    power = kink.power
    smooth = gradient(program, x, y)
    kinked, zeroed = kink.buy + kink.sell > 0, kink.long + kink.short > 0
    free = ~guess.pinned
    turned = free & (kinked | (power > 0)) & (guess.side * (x - now) < 0)
    flipped = free & zeroed & (guess.sign * x < 0)
    pin = np.where(
        free & (x < lo - 1e-15),
        lo,
        np.where(free & (x > hi + 1e-15), hi, np.where(turned, now, np.where(flipped, 0.0, np.nan))),
    )
    crossing = np.isfinite(pin)

    up = smooth + _side_slope(kink, power, x, now, +1)
    down = smooth + _side_slope(kink, power, x, now, -1)
    rise = guess.pinned & (up < -tolerance) & (guess.at < hi)
    fall = guess.pinned & (down > tolerance) & (guess.at > lo)
    loose = rise | fall
    guess.at = np.where(crossing, np.where(crossing, pin, 0.0), guess.at)
    guess.side = np.where(loose, np.where(rise, 1.0, -1.0), guess.side)
    guess.side = np.where(loose & (guess.at < now), -1.0, np.where(loose & (guess.at > now), 1.0, guess.side))
    guess.sign = np.where(
        loose, np.where(guess.at > 0, 1.0, np.where(guess.at < 0, -1.0, np.where(rise, 1.0, -1.0))), guess.sign
    )
    guess.pinned = (guess.pinned & ~loose) | crossing
    return np.any(crossing | loose, axis=-1)


def _side_slope(kink: Kinks, power: np.ndarray, x: np.ndarray, now: np.ndarray, way: int) -> np.ndarray:
    """Return the slope of the kinked part when leaving x upwards (+1) or downwards (-1)."""
    buying = (x > now) | ((x == now) & (way > 0))
    longer = (x > 0) | ((x == 0) & (way > 0))
    curve = 1.5 * power * np.sqrt(np.abs(x - now))
    return np.where(buying, kink.buy + curve, -kink.sell - curve) + np.where(longer, kink.long, -kink.short)
