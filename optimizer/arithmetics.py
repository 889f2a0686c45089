"""What arithmetic alone rules out, in words and amounts, before any engine is asked."""

from __future__ import annotations

import numpy as np

from ..constraints import terms
from .problems import Case
from .programs import Program


def impossible(case: Case) -> str:
    """Say in words what arithmetic alone rules out, or nothing: crossed bounds, sums of bounds, trading too little."""
    program, universe = case.program, case.context.market.universe
    crossed = program.lo - program.hi
    if crossed.max() > 0:
        i = int(np.argmax(crossed))
        low, high = owner(program, i, upper=False), owner(program, i, upper=True)
        least, most = _apart(program.lo[i], program.hi[i])
        return f"{universe.assets[i]}: {low} asks for at least {least} and {high} for at most {most}"
    if program.lo.sum() > 1 + 1e-12:
        return f"the smallest weights its limits allow sum to {100 * program.lo.sum():.6g}%, above 100%"
    if program.hi.sum() < 1 - 1e-12:
        return f"the largest weights its limits allow sum to {100 * program.hi.sum():.6g}%, below 100%"
    return _too_little_trading(case)


def _too_little_trading(case: Case) -> str:
    """Say which cap on trading is below what it takes to come inside the bounds of single weights."""
    program = case.program
    buys = np.maximum(program.lo - program.current, 0.0)
    sells = np.maximum(program.current - program.hi, 0.0)
    stated = [(name, term) for name, term in program.named if isinstance(term, terms.Trades)]
    worst: tuple[str, terms.Trades, np.ndarray, float] | None = None
    for t, (name, term) in enumerate(stated):
        if program.from_zero[t] or program.row[t].any() or (worst is not None and name != worst[0]):
            continue
        each = program.buy[t] * buys + program.sell[t] * sells
        needed = float(each.sum()) - float(term.base)
        # Of a limit on buys and on sells, the one that asks for more.
        if needed > float(term.most) + 1e-12 and (worst is None or needed > worst[3]):
            worst = (name, term, each, needed)
    if worst is None:
        return ""
    name, term, each, needed = worst
    i = int(np.argmax(each))
    inside = owner(program, i, upper=bool(sells[i] > 0))
    most, least = _apart(float(term.most), needed)
    asset = case.context.market.universe.assets[i]
    return f"{name} allows {most}, and coming inside {inside} (of {asset} most of all) takes {least}"


def _apart(first: float, second: float) -> tuple[str, str]:
    """Write two percents with as many digits as it takes to tell them apart."""
    pairs = [(f"{100 * first:.{digits}g}%", f"{100 * second:.{digits}g}%") for digits in range(4, 17)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])


def owner(program: Program, asset: int, *, upper: bool) -> str:
    """Name the limit whose box is the tightest on one side of one asset, the first in policy order if several are."""
    ends = [
        (float(np.broadcast_to(t.hi if upper else t.lo, program.current.shape)[asset]), name)
        for name, t in program.named
        if isinstance(t, terms.Box)
    ]
    tightest = (min if upper else max)(end for end, _ in ends)
    return next(name for end, name in ends if end == tightest)
