"""From an engine's answer to the exact one: guess which bounds bind, solve what is left, check the guess, mend it.

An interior-point answer is 1e-7 from the optimum and never quite on a bound. With the binding set known, the optimum is
the root of a small system of equations (:mod:`.systems`). An asset is pinned (at a bound, at its current weight where a
cost or cap holds it, at zero where gross weight has a price) or free on one side. A wrong guess shows as a bound
crossed or a price of the wrong sign, is mended, and the system solved again: a primal-dual active-set method
(Hintermueller, Ito and Kunisch, 2003), started next to its end.

The result proves itself: an ideal leaves only with a certificate (:mod:`.certificates`).
"""

from __future__ import annotations

import numpy as np

from .answers import Multipliers
from .certificates import Kinks, certify, gradient, kinks, signed
from .programs import Program
from .systems import Guess, solve_guess

_NEAR = 1e-6
_LEAST_PRICES = (1e-7, 1e-4)
"""Prices, in units of ``program.scale``, below which a constraint is guessed not to bind. Where more constraints bind
than there is freedom, an engine spreads the price over them as it likes; the second guess leaves the faint ones out."""
_ROUNDS = 25


def refine(program: Program, weights: np.ndarray, multipliers: Multipliers) -> tuple[np.ndarray, Multipliers] | None:
    """Return weights and multipliers on the exact binding set, or None where none was found.

    Custom terms have no gradient here; a program with one is not refined.
    """
    if program.customs:
        return None
    passed: list[tuple[np.ndarray, Multipliers]] = []
    for least_price in _LEAST_PRICES:
        guess = _first_guess(program, weights, multipliers, least_price)
        found = _follow(program, guess, weights, multipliers, passed)
        if found is not None:
            return found
    return _best_of(program, passed)


def _follow(
    program: Program,
    guess: Guess,
    weights: np.ndarray,
    multipliers: Multipliers,
    passed: list[tuple[np.ndarray, Multipliers]],
) -> tuple[np.ndarray, Multipliers] | None:
    """Solve, mend, and solve again until nothing is left to mend; None where the guesses go in a circle.

    Every point on the way is added to ``passed``.
    """
    seen: set[bytes] = set()
    for _ in range(_ROUNDS):
        if guess.key() in seen:
            return None
        seen.add(guess.key())
        if guess.pinned.all():
            found = guess.at, _corner_prices(program, guess, guess.at, multipliers)
        else:
            found = solve_guess(program, guess, weights, multipliers)
        if found is None:
            return None
        weights, multipliers = found
        passed.append((np.clip(weights, program.lo, program.hi), signed(multipliers)))
        if not _mend(program, guess, weights, multipliers):
            return passed[-1]
    return None


def _best_of(program: Program, passed: list[tuple[np.ndarray, Multipliers]]) -> tuple[np.ndarray, Multipliers] | None:
    """Return the point with the least gap of those that pass the gate.

    Who starts at an optimum stands on every edge at once: rounding says of each that it is crossed, and the guesses go
    in a circle around the answer.
    """
    checked = [(certify(program, *point), point) for point in passed]
    fine = [(certificate.gap, k) for k, (certificate, _) in enumerate(checked) if certificate.released]
    return checked[min(fine)[1]][1] if fine else None


def _first_guess(program: Program, x: np.ndarray, y: Multipliers, least_price: float) -> Guess:
    now, lo, hi = program.current, program.lo, program.hi
    kink = kinks(program, y.trades)
    # Impact has no kink, but near w0 engines are ten times less exact there; a wrong guess is mended below.
    at_now = (np.abs(x - now) < np.where(kink.power > 0, 10 * _NEAR, _NEAR)) & (kink.buy + kink.sell + kink.power > 0)
    at_zero = (np.abs(x) < _NEAR) & (kink.long + kink.short > 0)
    at = np.where(
        x - lo < _NEAR, lo, np.where(hi - x < _NEAR, hi, np.where(at_now, now, np.where(at_zero, 0.0, np.nan)))
    )
    at_rows = program.rows @ x
    least = least_price * program.scale
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
    kept = Multipliers(
        0.0,
        np.where(guess.rows != 0, last.rows, 0.0),
        np.where(guess.trades, last.trades, 0.0),
        np.where(guess.balls, last.balls, 0.0),
    )
    none = Multipliers(0.0, np.zeros_like(kept.rows), np.zeros_like(kept.trades), np.zeros_like(kept.balls))
    spans = [(_budget_span(program, x, prices), prices) for prices in (none, kept)]
    (floor, ceiling), prices = max(spans, key=lambda found: found[0][1] - found[0][0])
    ends = [end for end in (floor, ceiling) if np.isfinite(end)]
    return Multipliers(sum(ends) / len(ends) if ends else 0.0, prices.rows, prices.trades, prices.balls)


def _budget_span(program: Program, x: np.ndarray, prices: Multipliers) -> tuple[float, float]:
    """Return the budget prices between which no asset wants to leave x; the first above the second where one does."""
    smooth, kink = gradient(program, x, prices), kinks(program, prices.trades)
    up = smooth + _side_slope(kink, kink.power, x, program.current, +1)
    down = smooth + _side_slope(kink, kink.power, x, program.current, -1)
    floor = float(np.max(-up[x < program.hi], initial=-np.inf))
    return floor, float(np.min(-down[x > program.lo], initial=np.inf))


def _mend(program: Program, guess: Guess, x: np.ndarray, y: Multipliers) -> bool:
    """Change what the solution shows to be wrong; return whether anything was."""
    changed = _mend_assets(program, guess, x, y)
    at_rows = program.rows @ x
    for r in range(len(guess.rows)):
        wrong = guess.rows[r] * y.rows[r] < -1e-13 * program.scale
        crossed = int(at_rows[r] - program.rows_hi[r] > 1e-11) - int(program.rows_lo[r] - at_rows[r] > 1e-11)
        if wrong:
            guess.rows[r], changed = 0, True
        elif crossed and guess.rows[r] == 0:
            guess.rows[r], changed = crossed, True
    for active, price, room in (
        (guess.trades, y.trades, program.most - program.traded(x)),
        (guess.balls, y.balls, program.ball_most - program.ball_sizes(x)),
    ):
        drop = active & (price < -1e-13 * program.scale)
        add = ~active & (room < -1e-11)
        np.logical_xor(active, drop | add, out=active)
        changed |= bool((drop | add).any())
    return changed


def _mend_assets(program: Program, guess: Guess, x: np.ndarray, y: Multipliers) -> bool:
    """Pin the free assets that crossed a bound or a kink; free the pinned ones whose slopes do not balance."""
    lo, hi, now, tolerance = program.lo, program.hi, program.current, 1e-12 * program.scale
    kink = kinks(program, y.trades)
    power = program.impact + program.power.T @ y.trades
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
    return bool((crossing | loose).any())


def _side_slope(kink: Kinks, power: np.ndarray, x: np.ndarray, now: np.ndarray, way: int) -> np.ndarray:
    """Return the slope of the kinked part when leaving x upwards (+1) or downwards (-1)."""
    buying = (x > now) | ((x == now) & (way > 0))
    longer = (x > 0) | ((x == 0) & (way > 0))
    curve = 1.5 * power * np.sqrt(np.abs(x - now))
    return np.where(buying, kink.buy + curve, -kink.sell - curve) + np.where(longer, kink.long, -kink.short)
