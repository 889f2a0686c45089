"""The reason beside each trade, for many accounts at once: what moves it most, and what holds it.

What belongs to a model (leg 1 of :mod:`.legs`) is exact and traced once; the account's own way back to strategic is a
difference; what its costs and limits do on the way from the tactical target is one difference too, named by what has
the highest price where it counts, without following leg 2. The exact parts of one account are
:func:`.reasons.explain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..constraints import terms
from ..models.causes import HELD, label
from ..units import spoken
from .answers import Multipliers
from .certificates import press
from .forces import COST
from .legs import Leg
from .orders import weigh_trades
from .problems import Cases
from .programs import Program
from .reasons import BACK, LAST, OUTSIDE

Reasons = tuple[np.ndarray, tuple[str, ...]]
"""A reason a trade, as an index into the reasons there can be."""
_SEEN = 5e-5
_PRICED = 1e-9
STOPPED = "stopped by "


def trade_reasons(
    cases: Cases, ideal: np.ndarray, target: np.ndarray, multipliers: Multipliers, legs: Mapping[float, Leg]
) -> Reasons:
    """Give each trade its largest part and what first stopped it or held it back.

    Parameters
    ----------
    cases
        Accounts of one model.
    ideal, target
        Their weights, shape (m, n).
    multipliers
        The prices at their ideals.
    legs
        Leg 1 by aversion; an account at another aversion is told without the parts of what is believed.

    Returns
    -------
    numpy.ndarray, tuple
        In the order of the trades of :func:`.orders.price_orders`.
    """
    whole = weigh_trades(cases, target)
    account, asset = np.nonzero(whole)
    size, sign = np.abs(whole[account, asset]), np.sign(whole[account, asset])
    names, parts, tactical, which = _shared_parts(cases, legs)
    shared = {name for leg in legs.values() for name, _ in leg.program.named}
    own = target[account, asset] - tactical[which[account], asset]
    drift = (cases.context.strategic - cases.program.current)[account, asset]
    strength = np.concatenate([drift[None], parts[:, which[account], asset], own[None]]) * sign
    holds, held, heaviest = _holds(cases, ideal, multipliers, shared, (account, asset, sign))

    # The account's own difference is named by what holds this trade, else by what weighs most on the account.
    lots, rounded = len(holds) - 1, np.abs(target - ideal)[account, asset] > 0.5 * np.abs(own)
    makes_up = np.where(rounded, lots, heaviest[account])
    opposed = np.where(rounded, lots, np.where(held > 0, held, heaviest[account]))
    stops = np.array([name.startswith(STOPPED) for name in holds], dtype=bool)[held]
    opposes = own * sign < -np.maximum(_SEEN, 0.01 * size)
    last = np.where(stops, held, np.where(opposes, opposed, 0))
    first = np.argmax(strength, axis=0)
    first = np.where(first > len(names), first + makes_up, first)
    said = {spoken(name): words for name, words in label(cases.belief.causes).items()}
    heads = (BACK, *(said.get(name, name) for name in names), *(_instead(name) for name in holds))
    return first * len(holds) + last, tuple(f"{a}; {b}" if b else a for a in heads for b in holds)


def _instead(hold: str) -> str:
    if not hold:
        return "makes room for the other trades"
    if hold == LAST:
        return LAST
    return f"makes up for {hold.removeprefix(HELD).removeprefix(STOPPED)}"


def _shared_parts(cases: Cases, legs: Mapping[float, Leg]) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Return what accounts of one aversion share: names, parts (q, g, n), tactical targets (g, n), and who is whose."""
    asked, which = np.unique(cases.aversion, return_inverse=True)
    strategic = cases.context.strategic[0] if len(which) else np.zeros(cases.program.current.shape[-1])
    known = [legs.get(float(gamma)) for gamma in asked]
    names = [OUTSIDE, *dict.fromkeys(name for leg in known if leg is not None for name in leg.names)]
    parts = np.zeros((len(names), len(asked), len(strategic)))
    tactical = np.zeros((len(asked), len(strategic))) + strategic
    for g, leg in enumerate(known):
        if leg is None:
            continue
        parts[0, g], tactical[g] = leg.start - strategic, leg.end
        for name, part in zip(leg.names, leg.parts, strict=True):
            parts[names.index(name), g] += part
    return [spoken(name) for name in names], parts, tactical, which


def _holds(
    cases: Cases, ideal: np.ndarray, multipliers: Multipliers, shared: set[str], trades: tuple[np.ndarray, ...]
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return what can hold a trade (first nothing, last lots), what holds each most, and what weighs most on whom."""
    account, asset, sign = trades
    names, most = [""], np.zeros(len(account))
    held, heaviest = np.zeros(len(account), dtype=int), np.zeros(len(ideal), dtype=int)
    weight = np.zeros(len(ideal))
    faint = _PRICED * np.asarray(cases.program.scale)
    for name, resists, stops in _resistances(cases.program, ideal, multipliers, shared):
        label = f"{STOPPED if stops else HELD}{spoken(name)}"
        if label not in names:
            names.append(label)
        at = names.index(label)
        there = resists[account, asset] * sign
        more = (there > faint[account]) & (there > most)
        held, most = np.where(more, at, held), np.where(more, there, most)
        if not stops:
            total = np.abs(resists).sum(-1)
            more = total > np.maximum(weight, faint)
            heaviest, weight = np.where(more, at, heaviest), np.where(more, total, weight)
    return (*names, LAST), held, heaviest


def _resistances(
    program: Program, ideal: np.ndarray, prices: Multipliers, shared: set[str]
) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Yield each limit with what a unit more of each asset costs under it, shape (m, n), and whether it stops paths."""
    z = ideal - program.current
    root = 1.5 * np.sqrt(np.abs(z))
    yield COST, (program.cost + program.impact * root) * np.sign(z), False
    pressed = press(program, ideal, prices)
    above, below = pressed.above, pressed.below
    at = {terms.Rows: 0, terms.Trades: 0, terms.RiskBall: 0}
    for name, term in program.named:
        k = at.get(type(term), 0)
        if isinstance(term, terms.Box):
            mine = (above * (term.hi == program.hi), below * (term.lo == program.lo))
            above, below = above - mine[0], below - mine[1]
            yield name, mine[0] + mine[1], name in shared
        elif isinstance(term, terms.Rows):
            height = len(term.matrix)
            yield name, np.einsum("mr,rn->mn", prices.rows[:, k : k + height], term.matrix), name in shared
            at[terms.Rows] += height - 1
        elif isinstance(term, terms.Trades):
            way = np.sign(ideal if term.from_zero else z)
            slope = term.row + np.where(way > 0, term.buy, np.where(way < 0, -term.sell, 0.0))
            slope = slope + program.power[:, k] * root * way
            yield name, prices.trades[:, [k]] * slope, name in shared and not (term.buy.any() or term.sell.any())
        elif isinstance(term, terms.RiskBall):
            most = np.where(program.ball_most[:, k] > 0, program.ball_most[:, k], 1.0)
            away = np.where(term.on, ideal - program.anchor[:, k], 0.0)
            pull = (prices.balls[:, k] / most)[:, None]
            yield name, pull * np.where(term.on, program.market_risk.times(away), 0.0), False
        elif isinstance(term, terms.Custom):  # its price is not known: it has whatever force is left
            yield name, pressed.unheld, False
        if type(term) in at:
            at[type(term)] += 1
