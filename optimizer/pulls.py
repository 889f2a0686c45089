"""The reason beside each trade, for many accounts at once: what moves it most, and what holds it.

What belongs to a model (leg 1 of :mod:`.legs`) is exact and traced once; the account's own way back to strategic is a
difference; what its costs and limits do on the way from the tactical target is one difference too, named by what has the
highest price where it counts, without following leg 2. The exact parts of one account are :func:`.reasons.explain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..constraints import terms
from .answers import Multipliers
from .forces import COST, HELD, pushes
from .legs import Leg
from .orders import moves
from .problems import Cases
from .reasons import BACK, LAST, OUTSIDE, spoken

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
    whole = moves(cases, target)
    account, asset = np.nonzero(whole)
    sign = np.sign(whole[account, asset])
    names, parts, tactical = _shared_parts(cases, legs)
    own = target - tactical
    drift = cases.context.strategic - cases.program.current
    strength = [drift[account, asset], *(part[account, asset] for part in parts), own[account, asset]]
    first = np.argmax(np.stack(strength) * sign, axis=0)
    holds, held, heaviest = _holds(cases, ideal, multipliers, account, asset, sign)
    opposes = own[account, asset] * sign < -np.maximum(_SEEN, 0.01 * np.abs(whole[account, asset]))
    rounded = np.abs(target - ideal)[account, asset] > 0.5 * np.abs(own[account, asset])
    stops = np.array([name.startswith(STOPPED) for name in holds], dtype=bool)
    # What only holds back is told where it did; what stops is told where it stands.
    last = np.where(
        stops[held], held, np.where(opposes, np.where(rounded, len(holds) - 1, np.where(held > 0, held, heaviest[account])), 0)
    )
    made_up = 1 + len(names) + np.where(rounded, len(holds) - 1, heaviest[account])
    first = np.where(first == 1 + len(names), made_up, first)
    heads = (BACK, *names, *(_instead(name) for name in holds))
    return first * len(holds) + last, tuple(f"{a}; {b}" if b else a for a in heads for b in holds)


def _instead(hold: str) -> str:
    if not hold:
        return "makes room for the other trades"
    if hold == LAST:
        return LAST
    return f"makes up for {hold.removeprefix(HELD).removeprefix(STOPPED)}"


def _shared_parts(cases: Cases, legs: Mapping[float, Leg]) -> tuple[list[str], list[np.ndarray], np.ndarray]:
    """Return the names and parts (m, n) of leg 1 and what comes before it, and the tactical targets (m, n)."""
    strategic = np.broadcast_to(cases.context.strategic, cases.program.current.shape)
    asked, which = np.unique(cases.aversion, return_inverse=True)
    known = [legs.get(float(gamma)) for gamma in asked]
    names = [OUTSIDE, *dict.fromkeys(name for leg in known if leg is not None for name in leg.names)]
    table = np.zeros((len(names), len(asked), strategic.shape[1]))
    tactical = np.array([strategic[0] if leg is None else leg.end for leg in known])
    for k, leg in enumerate(known):
        if leg is not None:
            table[0, k] = leg.start - strategic[0]
            table[[names.index(name) for name in leg.names], k] = leg.parts
    return [spoken(name) for name in names], [row[which] for row in table], tactical[which]


def _holds(
    cases: Cases, ideal: np.ndarray, multipliers: Multipliers, account: np.ndarray, asset: np.ndarray, sign: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return what can hold a trade (the first is nothing, the last is lots), what holds each, what weighs most on whom."""
    names, most = [""], np.zeros(len(account))
    held, heaviest = np.zeros(len(account), dtype=int), np.zeros(len(ideal), dtype=int)
    weight = np.zeros(len(ideal))
    faint = _PRICED * np.asarray(cases.program.scale)
    shared = {limit.name for limit in cases.policy_limits if limit.shared} if False else set()
    for name, resists, stops in _resistances(cases, ideal, multipliers, shared):
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
