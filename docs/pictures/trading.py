"""Pictures of limits on trades: turnover, smallest tickets, counts, lots, cash; and of limits that give way."""

from __future__ import annotations

import numpy as np

from trimtab.constraints import (
    Cash,
    Deviation,
    Group,
    Lots,
    Stress,
    TradeCount,
    TradeSize,
    Turnover,
)
from trimtab.constraints.limits import Limit
from trimtab.constraints.terms import Rows, Trades, traded
from trimtab.models import Account
from trimtab.optimizer import Outcome, Proposal

from .desks import ASSETS, FREE, STRATEGIC, Desk, account, context, ideal, market, propose, spread
from .plots import Axis, Chart, Point, in_numbers, in_percent, of_names

DRIFTED = {"SPY": 0.40, "EFA": 0.18, "IEF": 0.26, "GLD": 0.11, "CASH": 0.05}
_BP = 1e4


def turnover() -> Chart:
    """Draw the utility that a cap on turnover leaves, and its price at one cap: the slope."""
    caps = spread(0.0, 0.16, 17)
    who = account(DRIFTED)
    proposals = {cap: propose((Deviation("10%"), Turnover(cap)), -0.015, who) for cap in caps}
    still = proposals[caps[0]].utility
    curve = [(cap, (proposals[cap].utility - still) * _BP) for cap in caps]
    cap = caps[4]
    price = sum(p.price for p in proposals[cap].prices if p.limit == "turnover") * _BP  # of buys and of sells
    at = curve[4][1]
    chart = Chart(
        "Turnover: what the next point of it is worth",
        "Utility gained over standing still by the cap on turnover; the slope is the limit's price.",
        in_percent("turnover allowed, one way", 0.0, 0.16, 0.02),
        in_numbers("utility gained, bp a year", 0.0, 14.0, 2.0),
    )
    reached = max(proposals[c].turnover for c in caps)
    chart.span((0.0, 0.0), (reached, 14.0))
    chart.line(curve)
    for point in curve:
        chart.dot(*point, "blue", size=3.5)
    chart.line([(cap + d, at + d * price) for d in (-0.035, 0.05)], "orange", width=1.8)
    chart.dot(cap, at, "orange")
    chart.say(cap, at, f"price at {cap:.0%}: {price / 100:.2f} bp a year for a point more", "orange", dx=14, dy=24)
    chart.say(reached, 2.0, f"beyond {reached:.1%} the cap does not bind", "grey", "end", dx=-8)
    chart.legend(("fill", "wash", "the cap binds"), ("dot", "blue", "an answer"), ("line", "orange", "its price"))
    return chart


def cash() -> Chart:
    """Draw the floor of cash by the size of an account, and the cash that is kept."""
    limit, values = Cash(least="0.5%", least_value=20_000), np.geomspace(1e5, 2e7, 47)
    floors: list[Point] = []
    kept: list[Point] = []
    for k, nav in enumerate(values.tolist()):
        who = account(nav=nav)
        term = next(t for t in limit.terms(context((limit,), who)) if isinstance(t, Trades))
        floors.append((nav, -float(term.most)))
        if k % 3 == 0:
            proposal = propose((limit,), 0.03, who, Desk(about="equity - CASH"))
            now, then = (proposal.weights[c].to_numpy() for c in ("current", "ideal"))
            kept.append((nav, -float(traded(term, then, now))))
    chart = Chart(
        "Cash: at least 0.5%, and at least 20,000",
        "The least cash by the value of an account, and what a fully invested view leaves after costs.",
        Axis("value of the account", 1e5, 2e7, tuple((v, f"{v:,.0f}") for v in (1e5, 1e6, 1e7)), log=True),
        in_percent("cash after costs", 0.0, 0.25, 0.05),
    )
    chart.area([*floors, (2e7, 0.25), (1e5, 0.25)])
    chart.line(floors, "orange")
    for point in kept:
        chart.dot(*point, "blue", size=4)
    chart.say(4e6, 0.005, "from 4,000,000 on the 0.5% is the larger floor", "grey", "middle", dy=-30)
    chart.legend(
        ("fill", "wash", "allowed"), ("line", "orange", "the floor"), ("dot", "blue", "cash kept, after costs")
    )
    return chart


def trade_size() -> Chart:
    """Draw trades made beside trades wished for, where small ones are barred."""
    least, gains = 0.01, spread(0.0, 0.01, 21)
    limits = (Deviation("10%"), TradeSize(least=least))
    proposals = [propose(limits, gain, desk=Desk(about="SPY - IEF")) for gain in gains]
    at = lambda p, column: float(p.weights[column]["SPY"] - p.weights["current"]["SPY"])  # noqa: E731
    chart = Chart(
        "Trade size: at least 1%, or no trade",
        "The trade in SPY by the strength of a view: as wished for, and as made, in no size between nothing and 1%.",
        in_percent("gain of the view SPY - IEF, a year", 0.0, 0.01, 0.001),
        in_percent("trade in SPY", 0.0, 0.04, 0.01),
    )
    chart.span((0.0, 0.0), (0.01, least), "barred")
    chart.line([(g, at(p, "ideal")) for g, p in zip(gains, proposals, strict=True)], "orange", dashed=True)
    for gain, proposal in zip(gains, proposals, strict=True):
        chart.dot(gain, at(proposal, "target"), "blue", size=4)
    chart.legend(
        ("fill", "barred", "too small to trade"), ("dashed", "orange", "ideal trade"), ("dot", "blue", "trade made"),
    )  # fmt: skip
    return chart


def trade_count() -> Chart:
    """Draw what fewer trades give up, and which ones are kept."""
    who, counts = account(DRIFTED), range(5)
    proposals = [propose((Deviation("15%"), TradeCount(k)), -0.02, who, Desk(costs=0.0)) for k in counts]
    chart = Chart(
        "Trade count: what fewer trades give up",
        "Utility given up against the ideal by the most trades allowed, and which trades are made.",
        of_names("most trades", [str(k) for k in counts]),
        in_numbers("given up, bp of utility a year", 0.0, 16.0, 2.0),
    )
    for k, proposal in zip(counts, proposals, strict=True):
        lost = max(proposal.given_up, 0.0) * _BP
        chart.bar(k, 0.0, max(lost, 0.06))
        trades = [f"{t.side} {t.asset}" for t in proposal.trades] or ["nothing"]
        for line, words in enumerate([*reversed(trades), f"{lost:.2f} bp"]):
            chart.say(k, lost, words, "blue" if line == len(trades) else "ink", "middle", dy=-7 - 16 * line)
    return chart


def lots() -> Chart:
    """Draw what whole lots give up by the size of an account."""
    values = np.geomspace(2e3, 2e5, 21)
    lost: list[Point] = []
    for nav in values.tolist():
        proposal = propose((Deviation("10%"), Lots()), -0.02, account(DRIFTED, nav), Desk(whole=True))
        lost.append((nav, max(proposal.given_up, 0.0) * _BP))
    chart = Chart(
        "Lots: whole shares cost small accounts more",
        "Utility given up against the ideal by the value of an account, where assets trade in whole shares.",
        Axis("value of the account", 2e3, 2e5, tuple((v, f"{v:,.0f}") for v in (2e3, 1e4, 1e5)), log=True),
        in_numbers("given up, bp of utility a year", 0.0, 5.0, 0.5),
    )
    chart.line(lost)
    for point in lost:
        chart.dot(*point, "blue", size=4)
    price = float(market().prices[ASSETS.index("SPY")])
    for nav, high in ((5e3, 3.6), (1e4, 2.9), (1e5, 2.2)):
        chart.line([(nav, 0.0), (nav, high)], "grey", dashed=True, width=1.2)
        near_end = nav > 5e4
        words, shift = f"one share of SPY is {price / nav:.1%}", -6 if near_end else 6
        chart.say(nav, high, words, "grey", "end" if near_end else "start", dx=shift, dy=4)
    return chart


def stress() -> Chart:
    """Draw the loss of the ideal under a shock, with and without a cap."""
    limit = Stress("2008", {"equity": "-40%", "IEF": "8%", "GLD": "5%"}, most="20%")
    (rows,) = limit.terms(context((limit,), account()))
    gains = spread(-0.02, 0.06, 9)
    chart = Chart(
        "Stress: a shock like 2008 may lose at most 20%",
        "The loss of the ideal under the shock as a view grows stronger, with and without the limit.",
        in_percent("gain of the view equity - bonds, a year", -0.02, 0.06, 0.01),
        in_percent("loss under the shock", 0.1, 0.4, 0.05),
    )
    most = float(rows.hi[0])
    chart.span((-0.02, 0.1), (0.06, most))
    for limits, colour, hollow in ((FREE, "orange", True), ((limit,), "blue", False)):
        points = [(gain, _loss(rows, limits, gain)) for gain in gains]
        chart.line(points, colour)
        for point in points:
            chart.dot(*point, colour, hollow=hollow, size=4)
    chart.legend(("fill", "wash", "allowed"), ("hollow", "orange", "without the limit"), ("dot", "blue", "with it"))
    return chart


def _loss(rows: Rows, limits: tuple[Limit, ...], gain: float) -> float:
    return float(rows.matrix[0] @ np.array(list(ideal(limits, gain).values())))


def tiers() -> Chart:
    """Draw how much turnover a hard range takes, where a limit of tier 1 gives way and one of tier 0 does not."""
    most, drifts = 0.04, spread(0.0, 0.14, 15)
    chart = Chart(
        "Tiers: turnover of tier 1 gives way to a hard range of equities",
        "Turnover by how far equities have drifted: within its limit, then as much as it takes.",
        in_percent("equities above their strategic weight", 0.0, 0.14, 0.02),
        in_percent("turnover, one way", 0.0, 0.1, 0.02),
    )
    chart.span((0.0, 0.0), (0.14, most))
    solved = 0.0
    for drift in drifts:
        who = account(STRATEGIC | {"SPY": STRATEGIC["SPY"] + drift, "IEF": STRATEGIC["IEF"] - drift})
        given = _drifted(who, most, tier=1)
        relaxed = given.outcome is Outcome.RELAXED
        chart.dot(drift, given.turnover, "orange" if relaxed else "blue")
        if not relaxed or _drifted(who, most, tier=0).outcome is not Outcome.UNSOLVED:
            solved = drift
    chart.span((solved, 0.0), (0.14, 0.1), "barred")
    chart.say(0.14, most, "as the mandate is written: at most 4%", "grey", "end", dx=-8, dy=18)
    chart.legend(
        ("dot", "blue", "OPTIMAL"), ("dot", "orange", "RELAXED, the least that does"),
        ("fill", "barred", "UNSOLVED, had it tier 0"),
    )  # fmt: skip
    return chart


def _drifted(who: Account, most: float, tier: int) -> Proposal:
    limits = (Group("equity", around="strategic", least="-5%", most="5%"), Turnover(most, tier=tier))
    return propose(limits, 0.0, who)
