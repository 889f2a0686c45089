"""Pictures of limits on single weights: deviation, band, position, restriction, grandfather."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trimtab.constraints import Band, Deviation, Position
from trimtab.constraints.limits import Limit
from trimtab.constraints.restrictions import account_boxes
from trimtab.models.accounts import Rule

from .desks import ASSETS, DESK, FREE, STRATEGIC, account, context, ideal, spread
from .plots import Chart, in_percent, of_names

_GAIN = 0.03
_AT = {asset: float(i) for i, asset in enumerate(ASSETS)}


def _bars(chart: Chart, lo: np.ndarray, hi: np.ndarray) -> None:
    """Draw what a box leaves of each weight; long-only cuts it off at zero."""
    for i, (low, high) in enumerate(zip(lo.tolist(), hi.tolist(), strict=True)):
        chart.bar(i, max(low, 0.0), min(high, 1.0))


def _ideals(chart: Chart, limits: tuple[Limit, ...], named: str, it: str) -> None:
    """Mark each strategic weight and the ideal ones with and without the limits, and say which is which."""
    free, kept = ideal(FREE, _GAIN), ideal(limits, _GAIN)
    for asset, x in _AT.items():
        chart.mark(x, STRATEGIC[asset], "grey")
        chart.dot(x - 0.09, free[asset], "orange", hollow=True)
        chart.dot(x + 0.09, kept[asset], "blue")
    chart.legend(
        ("line", "grey", "strategic"), ("fill", "wash", "allowed"), ("hollow", "orange", f"ideal without {named}"),
        ("dot", "blue", f"ideal with {it}"),
    )  # fmt: skip


def deviation() -> Chart:
    """Draw the box around the strategic weights, and where the ideal stands with and without it."""
    limit = Deviation(up="5%", down="3%")
    (box,) = limit.terms(context((limit,), account()))
    chart = Chart(
        "Deviation: at most 5 points above and 3 below strategic",
        "For each asset its strategic weight, the range around it, and the ideal weight with and without the limit.",
        of_names("", ASSETS),
        in_percent("weight", 0, 0.6, 0.1),
    )
    _bars(chart, box.lo, box.hi)
    _ideals(chart, (limit,), "the limit", "it")
    return chart


def band() -> Chart:
    """Draw bands around tactical targets, with an account that has left some of them."""
    limit = Band(relative="20%", floor="2%")
    limits = (limit, Deviation("8%"))
    now = {"SPY": 0.40, "EFA": 0.20, "IEF": 0.21, "GLD": 0.13, "CASH": 0.06}
    drift = limit.read(context(limits, account(now), gain=0.008))
    chart = Chart(
        "Band: 20% of the tactical target, and no narrower than 2 points",
        "For each asset the strategic weight, the tactical target with its band, and the current weight.",
        of_names("", ASSETS),
        in_percent("weight", 0, 0.5, 0.1),
    )
    _bars(chart, drift.target - drift.low, drift.target + drift.high)
    for i, asset in enumerate(ASSETS):
        chart.mark(i, STRATEGIC[asset], "grey")
        chart.mark(i, float(drift.target[i]), "blue")
        chart.dot(i, now[asset], "orange" if drift.left[i] else "green")
        words = f"{100 * drift.used[i]:.0f}% of its band"
        last = i == len(ASSETS) - 1
        colour = "orange" if drift.left[i] else "green"
        chart.say(i, now[asset], words, colour, "end" if last else "start", dx=44 if last else 12, dy=-9)
    chart.legend(
        ("line", "grey", "strategic"), ("line", "blue", "tactical target"), ("fill", "wash", "band"),
        ("dot", "green", "inside"), ("dot", "orange", "asks for a rebalance"),
    )  # fmt: skip
    return chart


def position() -> Chart:
    """Draw ranges of single weights."""
    limits = (
        Position("equity", most="40%"), Position("IEF", least="25%"), Position("GLD", least="5%", most="12%"),
        Position("CASH", least="2%"),
    )  # fmt: skip
    here = context(limits, account())
    boxes = [term for limit in limits for term in limit.terms(here)]
    chart = Chart(
        "Position: a range for each weight, wherever strategic stands",
        "For each asset the range that position limits leave, and the ideal weight with and without them.",
        of_names("", ASSETS),
        in_percent("weight", 0, 0.7, 0.1),
    )
    _bars(chart, np.max([b.lo for b in boxes], axis=0), np.min([b.hi for b in boxes], axis=0))
    _ideals(chart, limits, "the limits", "them")
    return chart


def restriction() -> Chart:
    """Draw what each rule leaves of a weight, and where opposite views take it."""
    rules: tuple[Rule | None, ...] = (None, "no_buy", "no_sell", "frozen", "no_hold")
    chart = Chart(
        "Restriction: what each rule leaves of SPY, held at 35%",
        "For no rule and each of the four rules the range left, and the ideal weight under a view for and one against.",
        of_names("", [rule or "no rule" for rule in rules]),
        in_percent("weight of SPY", 0, 0.8, 0.1),
    )
    for i, rule in enumerate(rules):
        who = account() if rule is None else replace(account(), restrictions=(("SPY", rule),))
        boxes = [box for _, box in account_boxes(context(FREE, who))]
        low, high = (float(x) for x in ([0.0, 1.0] if not boxes else [boxes[0].lo[0], boxes[0].hi[0]]))
        chart.bar(i, max(low, 0.0), min(high, 1.0))
        chart.mark(i, STRATEGIC["SPY"], "grey")
        chart.dot(i - 0.09, ideal(FREE, _GAIN, who)["SPY"], "green")
        chart.dot(i + 0.09, ideal(FREE, -_GAIN, who)["SPY"], "orange")
    chart.legend(
        ("line", "grey", "held"), ("fill", "wash", "allowed"), ("dot", "green", "ideal, view for equity"),
        ("dot", "orange", "ideal, view against it"),
    )  # fmt: skip
    return chart


def grandfather() -> Chart:
    """Draw the bound of who starts outside, and where a view for the asset leads, grandfathered and not."""
    least, most, starts = 0.25, 0.55, spread(0.25, 0.55, 13)
    bounds: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    ideals: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for start in starts:
        who = account(STRATEGIC | {"SPY": start, "IEF": 0.65 - start})
        for stays in (True, False):
            limits = (Position("SPY", most="40%", grandfather=stays),)
            terms = [t for name, t in DESK.policy(limits).terms(context(limits, who)) if name == "position"]
            bounds[stays].append((start, float(terms[0].hi[0])))
            ideals[stays].append((start, ideal(limits, 0.06, who)["SPY"]))
    chart = Chart(
        "Grandfathered: who starts above 40% may stay or come back, never go further",
        "The largest weight allowed by the weight an account starts from, and its ideal, grandfathered and not.",
        in_percent("weight of SPY before", least, most, 0.05),
        in_percent("weight of SPY after", least, most, 0.05),
    )
    chart.area([(least, least), *bounds[True], (most, least)])
    chart.line([(least, least), (most, most)], "grey", dashed=True, width=1.4)
    chart.say(0.305, 0.305, "stays where it is", "grey", dx=8, dy=14)
    chart.line(ideals[False], "orange")
    for point in ideals[True]:
        chart.dot(*point, "blue", size=4)
    chart.legend(
        ("fill", "wash", "allowed, grandfathered"), ("dot", "blue", "ideal"), ("line", "orange", "not grandfathered"),
    )  # fmt: skip
    return chart
