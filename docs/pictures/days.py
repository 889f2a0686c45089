"""Pictures of limits that count days: time limit, cooldown, holding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from trimtab.constraints import Cooldown, Deviation, Holding, TimeLimit
from trimtab.models import PastTrade, TacticalPosition
from trimtab.optimizer import rebalance

from .desks import ASSETS, DESK, ON, STRATEGIC, account, context, later, market
from .plots import Chart, in_numbers, in_percent, stairs

_SPY = ASSETS.index("SPY")
_LIFE, _REVERSION, _REST = 90, 40, 45


def time_limit() -> Chart:
    """Draw the allowed lean of each shape by the day, and the lean of an account whose view never dies."""
    last, step = 170, 5
    chart = Chart(
        f"Time limit: a life of {_LIFE} days, led back over the last {_REVERSION}, then {_REST} days of rest",
        "The allowed lean by the day for the three shapes, and the lean of an account whose view never dies.",
        in_numbers("days since the position was opened", 0, last, 10),
        in_percent("lean of SPY", 0, 0.06, 0.01),
    )
    lean = _walk(TimeLimit(_LIFE, _REVERSION, rest_days=_REST), range(0, last + 1, step))
    chart.area([(0.0, 0.0), *stairs(lean), (float(last), 0.0)])
    shapes: tuple[Literal["linear", "exponential", "steps"], ...] = ("linear", "exponential", "steps")
    for allowed, shape, colour in zip(_allowed(shapes), shapes, ("blue", "green", "orange"), strict=True):
        chart.line(stairs(allowed) if shape == "steps" else allowed, colour, dashed=shape == "steps")
    for day, words in ((_LIFE - _REVERSION, "reversion begins"), (_LIFE, "life ends"), (_LIFE + _REST, "free again")):
        chart.line([(day, 0.0), (day, 0.0545)], "grey", dashed=True, width=1.2)
        chart.say(day, 0.0545, words, "grey", "middle", dy=-5)
    chart.legend(
        ("line", "blue", "linear"), ("line", "green", "exponential"), ("dashed", "orange", "steps"),
        ("fill", "wash", "what is held under linear"),
    )  # fmt: skip
    return chart


def _allowed(shapes: Sequence[Literal["linear", "exponential", "steps"]]) -> list[list[tuple[float, float]]]:
    """Return how far SPY may lean over by the day, from its opening to the end of its life, for each shape."""
    limits = [TimeLimit(_LIFE, _REVERSION, shape=shape, rest_days=_REST) for shape in shapes]
    curves, start = [[] for _ in limits], replace(account(), positions=(TacticalPosition("SPY", "over", ON),))
    opened = context((Deviation("5%"), limits[0]), start)
    for day in range(_LIFE + 1):
        here = later(opened, day)
        for curve, limit in zip(curves, limits, strict=True):
            leeway, allowed = np.asarray(here.leeway)[1, _SPY], limit.allowed(here)[1, _SPY]
            curve.append((float(day), float(min(leeway, allowed))))
    return curves


def _walk(limit: TimeLimit, days: range) -> list[tuple[float, float]]:
    """Live through days of flat prices with a view that never dies, and return the lean of SPY on each."""
    policy, who, points = DESK.policy((Deviation("5%"), limit)), account(), []
    for day in days:
        on = ON + dt.timedelta(day)
        proposal = rebalance(who, policy, replace(market(), on=on), DESK.views(0.05), on)
        target = proposal.weights["target"]
        points.append((float(day), float(target["SPY"] - STRATEGIC["SPY"])))
        who = replace(account((target / target.sum()).to_dict()), positions=proposal.positions)
    return points


def cooldown() -> Chart:
    """Draw what may be held of an asset by the day, after a sale and a later purchase."""
    limit, last = Cooldown(30), 90
    trades = ((6, -0.04), (46, 0.02))
    past = tuple(PastTrade("SPY", ON + dt.timedelta(day), weight) for day, weight in trades)
    held, least, most = STRATEGIC["SPY"], 0.25, 0.45
    low, high, here = [], [], context((limit,), replace(account(), history=past))
    for day in range(last + 1):
        (box,) = limit.terms(later(here, day))
        low.append((float(day), max(float(box.lo[_SPY]), least)))
        high.append((float(day), min(float(box.hi[_SPY]), most)))
    chart = Chart(
        "Cooldown of 30 days: after a sale no purchase, after a purchase no sale",
        "The weights that may be chosen by the day, after a sale on day 6 and a purchase on day 46.",
        in_numbers("day", 0, last, 10),
        in_percent("weight that may be chosen", least, most, 0.05),
    )
    up, down = stairs(high), stairs(low)
    chart.area([*up, *down[::-1]])
    chart.area([*up, (float(last), most), (0.0, most)], "barred")
    chart.area([*down, (float(last), least), (0.0, least)], "barred")
    chart.line([(0.0, held), (float(last), held)], "ink", width=1.6)
    for (day, weight), words in zip(trades, ("a sale", "a purchase"), strict=True):
        chart.arrow((day, held - np.sign(weight) * 0.03), (day, held + np.sign(weight) * 0.004), "ink")
        chart.say(day, held - np.sign(weight) * 0.03, words, "ink", "middle", dy=-6 if weight < 0 else 14)
    chart.say(21, 0.41, "no purchase", "orange", "middle")
    chart.say(61, 0.29, "no sale", "orange", "middle")
    chart.legend(("fill", "wash", "allowed"), ("fill", "barred", "barred"), ("line", "ink", "held"))
    return chart


def holding() -> Chart:
    """Draw what may not yet be sold of an asset, by the day."""
    limit, last, held = Holding(60), 150, 0.08
    buys = ((10, 0.04), (40, 0.03))
    past = tuple(PastTrade("GLD", ON + dt.timedelta(day), weight) for day, weight in buys)
    weights = STRATEGIC | {"GLD": held, "CASH": STRATEGIC["CASH"] + STRATEGIC["GLD"] - held}
    low, here = [], context((limit,), replace(account(weights), history=past))
    for day in range(last + 1):
        (box,) = limit.terms(later(here, day))
        low.append((float(day), max(float(box.lo[ASSETS.index("GLD")]), 0.0)))
    chart = Chart(
        "Holding period of 60 days: what was bought lately stays",
        "The least weight that has to be kept by the day, after purchases of 4% on day 10 and 3% on day 40.",
        in_numbers("day", 0, last, 10),
        in_percent("weight of GLD, 8% held", 0.0, 0.1, 0.02),
    )
    edge = stairs(low)
    chart.area([*edge, (float(last), held), (0.0, held)])
    chart.area([*edge, (float(last), 0.0), (0.0, 0.0)], "barred")
    chart.line(edge, "orange")
    chart.line([(0.0, held), (float(last), held)], "ink", width=1.6)
    for day, weight in buys:
        chart.say(day, 0.0, f"bought {weight:.0%}", "ink", dx=5, dy=-8)
    chart.legend(("line", "ink", "held"), ("fill", "wash", "may be sold"), ("fill", "barred", "has to stay"))
    return chart
