"""What pulls along a path: beliefs, costs, prices of limits, as forces on weights and slopes of kinks.

A :class:`Pull` has a name, a force that grows from nothing to its full size while a path is followed, and, where it
acts on what is bought and sold (or long and short), slopes that jump at a weight. All in utility a year per unit of
weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..constraints import terms
from ..models.causes import HELD, list_shifts
from ..models.tilts import Tilt
from .answers import Multipliers
from .certificates import press
from .origins import split_risk
from .programs import Program
from .solutions import owner

COST = "cost"
_AT = 1e-9
"""Bounds and rows this near to each other are the same."""
_FAINT = 1e-13
"""A force below this, in units of ``program.scale``, is rounding."""

Key = tuple[str, int]
"""A term or row of a program: its limit, and which of that limit's it is."""


@dataclass(frozen=True, eq=False)
class Bend:
    """The slopes of buying and selling from a weight, before a path and at its end: shapes (n,) and (2, n)."""

    at: np.ndarray
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True, eq=False)
class Pull:
    """One part of a path: its name, its force (n,), and its bends."""

    name: str
    force: np.ndarray
    bends: tuple[Bend, ...] = ()


def beliefs(program: Program, belief: Tilt, aversion: float, strategic: np.ndarray) -> list[Pull]:
    """Return what is believed: each view's row of alpha, ``gamma' Sigma' s``, and tilts of risk and aversion.

    Shifts and tilts of risk are split by who asked for them (:mod:`.origins`); who asks for both has one part.
    """
    none = np.zeros_like(strategic)
    found = [Pull(f"view {name}", none + row) for name, row in zip(belief.views, belief.rows(aversion), strict=False)]
    if np.any(belief.target != 0):
        shifts = list_shifts(belief.causes, program.centre - strategic)
        found += [Pull(name, program.gamma * program.risk.times(shift)) for name, shift in shifts]
    if program.tilted or belief.aversion != 1.0:
        found += [Pull(name, force) for name, force in split_risk(program, belief, aversion)]
    return merged(found, -1.0)


def pulls_of_model(program: Program, prices: Multipliers, strategic: np.ndarray) -> tuple[np.ndarray, list[Pull]]:
    """Return what the shared balls add to the curvature, shape (n, n), and what is left beside it to pull.

    A ball around b is folded in whole, ``(lambda/most) Sigma``. One around another anchor leaves
    ``-(lambda/most) Sigma (b - anchor)``. Gross weight has no curvature: it bends at zero.
    """
    folded, found = np.zeros((len(strategic), len(strategic))), []
    for key, (pull, on, anchor) in _balls(program, prices).items():
        folded += pull * np.where(np.outer(on, on), program.market_risk.covariance, 0.0)
        if np.any((anchor != strategic) & on):
            found.append(Pull(HELD + key[0], _inward(program, strategic, pull, on, anchor)))
    return folded, merged([*found, *_caps(program, program.current, prices, {})])


def pulls_of_account(
    program: Program, weights: np.ndarray, prices: Multipliers, model: Program, before: Multipliers
) -> list[Pull]:
    """Return what pulls an account from the tactical target to its ideal.

    Costs; caps on trading at their prices; and of every limit that is tighter than what the model shares, minus its
    price times its gradient at the ideal. Impact, whose slope is a curve, counts with its gradient at the ideal too.

    Parameters
    ----------
    program, weights, prices
        The account's, at its ideal.
    model, before
        The program of the tactical target, and its prices there: a ball or a cap on gross weight that both have counts
        with the difference.
    """
    slopes = np.stack([program.cost, program.cost])
    bends = (Bend(program.current, np.zeros_like(slopes), slopes),) if slopes.any() else ()
    then = {
        key: (float(before.trades[t]), model.row[t], np.stack([model.buy[t], model.sell[t]]))
        for t, key in enumerate(_trade_keys(model))
        if not flat(model)[t]
    }
    found = [Pull(HELD + COST, -_curve(program.impact, weights - program.current), bends)]
    found += _caps(program, weights, prices, then)
    found += _squeezes(program, weights, prices, model, before)
    found += _own_rows(program, prices, model)
    found += _own_boxes(program, weights, prices, model)
    return merged(found, _FAINT * float(program.scale))


def merged(pulls: Iterable[Pull], least: float = 0.0) -> list[Pull]:
    """Add up the pulls of one name; leave out what pulls nothing."""
    by_name: dict[str, Pull] = {}
    for pull in pulls:
        if pull.name in by_name:
            first = by_name[pull.name]
            pull = Pull(pull.name, first.force + pull.force, first.bends + pull.bends)  # noqa: PLW2901
        by_name[pull.name] = pull
    return [p for p in by_name.values() if p.bends or np.abs(p.force).max() > least]


# ------------------------------------------------------------------------------------------------ kinds of limits


def _curve(power: np.ndarray, z: np.ndarray) -> np.ndarray:
    return 1.5 * power * np.sqrt(np.abs(z)) * np.sign(z)


def _caps(
    program: Program, weights: np.ndarray, prices: Multipliers, then: dict[Key, tuple[float, np.ndarray, np.ndarray]]
) -> Iterator[Pull]:
    """Yield the caps on what is bought and sold, long and short: turnover, gross weight, cash after costs."""
    z, none = weights - program.current, np.zeros_like(weights)
    for t, key in enumerate(_trade_keys(program)):
        price, (was, row, slopes) = float(prices.trades[t]), then.get(key, (0.0, none, np.stack([none, none])))
        if flat(program)[t] or not (price > 0 or was > 0):
            continue
        bend = Bend(
            none if program.from_zero[t] else program.current,
            was * slopes,
            price * np.stack([program.buy[t], program.sell[t]]),
        )
        yield Pull(HELD + key[0], was * row - price * (program.row[t] + _curve(program.power[t], z)), (bend,))


def _squeezes(
    program: Program, weights: np.ndarray, prices: Multipliers, model: Program, before: Multipliers
) -> Iterator[Pull]:
    """Yield each ball: minus its gradient at the account's price, less that at the price already folded in."""
    for key, ball in _balls(program, prices).items():
        yield Pull(HELD + key[0], _inward(program, weights, *ball))
    for key, ball in _balls(model, before).items():
        yield Pull(HELD + key[0], -_inward(program, weights, *ball))


def _balls(program: Program, prices: Multipliers) -> dict[Key, tuple[float, np.ndarray, np.ndarray]]:
    """Return each ball with a price: ``lambda/most``, its assets, its anchor."""
    keys = _keys(name for name, term in program.named if isinstance(term, terms.RiskBall))
    each = zip(keys, prices.balls, program.ball_most, program.ball_on, program.anchor, strict=True)
    return {key: (float(price / most), on, anchor) for key, price, most, on, anchor in each if price > 0 and most > 0}


def _inward(program: Program, weights: np.ndarray, pull: float, on: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    return -pull * np.where(on, program.market_risk.times(np.where(on, weights - anchor, 0.0)), 0.0)


def _own_rows(program: Program, prices: Multipliers, model: Program) -> Iterator[Pull]:
    """Yield the rows that the model does not share, or not so tightly."""
    _, low, high = loosest_rows(program, model)
    stays = {key: (low[k], high[k]) for k, key in enumerate(_stacked_keys(model))}
    flats = np.flatnonzero(flat(program))
    each = [
        *zip(_row_keys(program), program.rows, program.rows_lo, program.rows_hi, prices.rows, strict=True),
        *((_trade_keys(program, "cap")[t], program.row[t], -np.inf, program.most[t], prices.trades[t]) for t in flats),
    ]
    for key, row, lo, hi, price in each:
        least, most = stays.get(key, (-np.inf, np.inf))
        if (price > 0 and hi < most - _AT) or (price < 0 and lo > least + _AT):
            yield Pull(HELD + key[0], -price * row)


def _own_boxes(program: Program, weights: np.ndarray, prices: Multipliers, model: Program) -> Iterator[Pull]:
    """Yield the bounds that are tighter than the model's; and whatever force is left."""
    pressed = press(program, weights, prices)
    tighter = (pressed.above, program.hi < model.hi - _AT, True), (pressed.below, program.lo > model.lo + _AT, False)
    for held, own, upper in tighter:
        for i in np.flatnonzero(own & (np.abs(held) > _FAINT * program.scale)):
            yield Pull(HELD + owner(program, int(i), upper=upper), -held[i] * np.eye(len(weights))[i])
    # What force is left belongs to a limit whose price nobody knows, or to the slope of impact: infinitely steep where
    # trading begins, it is the one thing that an answer which could not be refined gets wrong.
    customs = [name for name, term in program.named if isinstance(term, terms.Custom)]
    if customs or program.impact.any():
        yield Pull(HELD + (" and ".join(dict.fromkeys(customs)) or COST), -pressed.unheld)


# ------------------------------------------------------------------------------------------------ rows that stop


def flat(program: Program) -> np.ndarray:
    """Mark the trade terms that are rows in disguise: nothing of them depends on what is bought or sold."""
    moving = np.stack([program.buy.any(axis=-1), program.sell.any(axis=-1), program.power.any(axis=-1)])
    return np.logical_not(np.asarray(moving.any(axis=0)))


def stack_rows(program: Program) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what stops a path beside bounds, ``lo <= A w <= hi``: the budget, the rows, the flat trade terms."""
    plain = flat(program)
    return (
        np.vstack([np.ones((1, len(program.lo))), program.rows, program.row[plain]]),
        np.concatenate([[1.0], program.rows_lo, np.full(plain.sum(), -np.inf)]),
        np.concatenate([[1.0], program.rows_hi, program.most[plain]]),
    )


def stack_prices(program: Program, prices: Multipliers) -> np.ndarray:
    """Return the prices of :func:`stack_rows`."""
    return np.concatenate([[float(prices.budget)], prices.rows, prices.trades[flat(program)]])


def loosest_rows(program: Program, model: Program) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the model's rows, each side where the account may go: a grandfathered one is looser."""
    rows, lo, hi = stack_rows(model)
    own = dict(zip(_row_keys(program), zip(program.rows_lo, program.rows_hi, strict=True), strict=True))
    own |= {key: (-np.inf, most) for key, most in zip(_trade_keys(program, "cap"), program.most, strict=True)}
    for k, key in enumerate(_stacked_keys(model)):
        if key in own:
            lo[k], hi[k] = min(lo[k], own[key][0]), max(hi[k], own[key][1])
    return rows, lo, hi


def row_names(program: Program) -> list[tuple[str, str]]:
    """Name the rows of :func:`stack_rows`: limit and label."""
    labelled = [
        (name, label)
        for name, term in program.named
        if isinstance(term, terms.Rows)
        for label in term.labels or ("",) * len(term.matrix)
    ]
    caps = [(name, "") for name, term in program.named if isinstance(term, terms.Trades)]
    return [("budget", ""), *labelled, *(caps[t] for t in np.flatnonzero(flat(program)))]


def _keys(names: Iterable[str]) -> list[Key]:
    seen: Counter[str] = Counter()
    keys = []
    for name in names:
        keys.append((name, seen[name]))
        seen[name] += 1
    return keys


def _trade_keys(program: Program, kind: str = "") -> list:
    keys = _keys(name for name, term in program.named if isinstance(term, terms.Trades))
    return [(*key, kind) for key in keys] if kind else keys


def _row_keys(program: Program) -> list:
    rows = [(name, len(term.matrix)) for name, term in program.named if isinstance(term, terms.Rows)]
    return [(*key, "row") for key in _keys(name for name, height in rows for _ in range(height))]


def _stacked_keys(program: Program) -> list:
    caps = _trade_keys(program, "cap")
    return [("", 0, "budget"), *_row_keys(program), *(caps[t] for t in np.flatnonzero(flat(program)))]
