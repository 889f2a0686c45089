"""Pictures of the concepts: what a view earns its legs, where nothing is traded, what a proof is worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from trimtab.constraints import Cash, Deviation, Lots, Phases, Policy, TrackingError, Turnover
from trimtab.constraints.settings import Trading
from trimtab.models import Account, View
from trimtab.models.tilts import tilt
from trimtab.optimizer import Proposal, rebalance, solve, state
from trimtab.optimizer.certificates import measure

from .desks import DESK, FREE, ON, STRATEGIC, Desk, account, ideal, market, propose, spread
from .plots import Chart, Point, in_numbers, in_percent, of_names, stairs

DRIFTED = {"SPY": 0.43, "EFA": 0.22, "IEF": 0.22, "GLD": 0.08, "CASH": 0.05}
_BP = 1e4


def views() -> Chart:
    """Draw what two views earn their legs by the confidence in the first."""
    gains = {"equity - bonds": 0.03, "GLD - equity": 0.02}
    confidences = spread(0.0, 1.0, 21)
    earned: dict[str, list[Point]] = {about: [] for about in gains}
    for confidence in confidences:
        said = [
            View(about, gain, min(1.0, max(confidence, 1e-6)) if i == 0 else 0.5)
            for i, (about, gain) in enumerate(gains.items())
        ]
        belief = tilt(said, market(), DESK.policy(FREE).model(account()), ON)
        for about, legs in zip(gains, belief.legs, strict=True):
            earned[about].append((confidence, float(legs @ belief.gain.sum(0))))
    chart = Chart(
        "From views to returns: a view is met as far as it is believed",
        "The annual return that each view's legs are given, by the confidence in the first; the second has one half.",
        in_percent("confidence in equity - bonds", 0.0, 1.0, 0.1),
        in_percent("return of the legs, a year", -0.02, 0.04, 0.01),
    )
    chart.line([(0.0, 0.03), (1.0, 0.03)], "blue", dashed=True, width=1.2)
    chart.line([(0.0, 0.02), (1.0, 0.02)], "orange", dashed=True, width=1.2)
    chart.line(earned["equity - bonds"], "blue")
    chart.line(earned["GLD - equity"], "orange")
    chart.legend(
        ("line", "blue", "equity - bonds, told 3%"), ("line", "orange", "GLD - equity, told 2%"),
        ("dashed", "grey", "as told"),
    )  # fmt: skip
    return chart


def no_trade() -> Chart:
    """Draw where an account goes from where it stands: nowhere, while a trade does not earn its cost."""
    starts = spread(0.15, 0.55, 21)
    chart = Chart(
        "No-trade zone: a trade that does not earn its cost is not made",
        "The ideal weight of SPY by the weight before, without costs, and with one-way costs of 5 and 20 basis points.",
        in_percent("weight of SPY before", 0.15, 0.55, 0.05),
        in_percent("ideal weight of SPY", 0.29, 0.41, 0.02),
    )
    ends = {}
    for costs in (0.0, 0.0005, 0.002):
        desk = Desk(costs=costs)
        ends[costs] = [(s, ideal(FREE, 0.0, account(_moved(s)), desk)["SPY"]) for s in starts]
    stay = [s for s, w in ends[0.002] if abs(w - s) < 1e-6]
    chart.span((min(stay), 0.29), (max(stay), 0.41))
    chart.line([(0.15, 0.15), (0.55, 0.55)], "grey", dashed=True, width=1.2)
    for costs, colour in ((0.0, "ink"), (0.0005, "green"), (0.002, "blue")):
        chart.line(ends[costs], colour)
    chart.say(0.31, 0.31, "stays where it is", "grey", dx=10, dy=8)
    chart.legend(
        ("line", "ink", "no costs"), ("line", "green", "5 bp"), ("line", "blue", "20 bp"),
        ("fill", "wash", "no trade at 20 bp"),
    )  # fmt: skip
    return chart


def _moved(spy: float) -> dict[str, float]:
    return STRATEGIC | {"SPY": spy, "IEF": 0.65 - spy}


def certificate() -> Chart:
    """Draw what is certified of wrong answers against how wrong they are."""
    limits = (Deviation("5%"), TrackingError("0.8%"), Turnover("8%"))
    problem, who = state(DESK.policy(limits), market(costs=DESK.costs)), account(DRIFTED)
    found = solve(problem, who, tilt(DESK.views(0.02), problem.market, problem.policy.model(who), ON))
    if found.multipliers is None:
        raise RuntimeError("the example has no answer")
    program, start = found.case.program, np.array([DRIFTED[a] for a in STRATEGIC])
    sigma, dots = problem.market.risk.covariance, []
    for direction in (start, np.array(list(STRATEGIC.values())), np.array([0.33, 0.21, 0.32, 0.09, 0.05])):
        for part in np.geomspace(1e-8, 1.0, 17):
            moved = part * (direction - found.ideal)
            _, gap, _ = measure(program, found.ideal + moved, found.multipliers)
            said = np.sqrt(2 * max(float(gap), 0.0) / found.case.aversion)
            dots.append((float(np.sqrt(moved @ sigma @ moved)) * _BP, said * _BP))
    least, most = 1e-6, 1e3
    ticks = tuple(10.0**k for k in range(-6, 4))
    axis = replace(
        in_numbers("tracking error to the optimum, bp", least, most, most),
        ticks=tuple((t, f"{t:g}") for t in ticks), log=True,
    )  # fmt: skip
    chart = Chart(
        "Certificate: what is proved is never less than what is so",
        "For answers ever closer to the optimum the tracking error to it, and the bound that is proved without it.",
        axis,
        replace(axis, label="certified, bp"),
    )
    chart.area([(least, least), (most, most), (most, least)], "barred")
    chart.span((least, least), (most, 0.1))
    chart.line([(least, least), (most, most)], "grey", dashed=True, width=1.2)
    for x, y in dots:
        chart.dot(x, y, "blue", size=3.5)
    chart.say(1.0, 0.1, "released only below 0.1 bp", "blue", "start", dx=30, dy=16)
    chart.legend(
        ("dot", "blue", "an answer"), ("fill", "barred", "would be a false proof"), ("fill", "wash", "released")
    )
    return chart


def conflicts() -> Chart:
    """Draw which pairs of two limits can hold together for one account, and the two ways out of a pair that cannot."""
    who = account(DRIFTED)
    caps = spread(0.0, 0.12, 13)

    def least(cap: float) -> float:
        proposal = propose((TrackingError("0.01%", tier=1), Turnover(cap)), 0.0, who)
        return float(proposal.tracking_error)

    edge = [(cap, least(cap)) for cap in caps]
    chart = Chart(
        "Conflict: which tracking error a turnover can reach",
        "Pairs of a turnover limit and a tracking error limit that one drifted account can meet, and cannot.",
        in_percent("turnover limit", 0.0, 0.12, 0.02),
        in_percent("tracking error limit", 0.0, 0.02, 0.002),
    )
    chart.area([*edge, (0.12, 0.02), (0.0, 0.02)])
    chart.area([*edge, (0.12, 0.0), (0.0, 0.0)], "barred")
    chart.line(edge, "ink")
    cap, bound = 0.04, 0.004
    within = np.interp(bound, [te for _, te in reversed(edge)], [c for c, _ in reversed(edge)])
    chart.arrow((cap, bound), (float(within), bound), "blue")
    chart.arrow((cap, bound), (cap, float(np.interp(cap, caps, [te for _, te in edge]))), "green")
    chart.dot(cap, bound, "orange")
    chart.say(cap, bound, f"{bound:.1%} with {cap:.0%}: cannot hold", "orange", "end", dx=-12, dy=5)
    chart.legend(
        ("fill", "wash", "can hold"), ("fill", "barred", "cannot"), ("line", "blue", "more turnover"),
        ("line", "green", "more tracking error"),
    )  # fmt: skip
    return chart


def minimal_trades() -> Chart:
    """Draw how many trades are left by what may be given up for fewer, and what is given up."""
    who = account(DRIFTED)
    problem = DESK.policy((Deviation("10%"), Lots()))
    epsilons = spread(0.0, 3.0, 7)
    counts, given = [], []
    for epsilon in epsilons:
        policy = replace(problem, trades=Trading(indifference=epsilon / _BP, exact=True))
        proposal = _ask(policy, who, -0.01)
        counts.append((epsilon, float(len(proposal.trades))))
        given.append((epsilon, proposal.given_up * _BP))
    chart = Chart(
        "Minimal trades: what may be given up, and how few trades are left",
        "The number of trades and the utility given up, by the indifference that the policy states.",
        in_numbers("indifference, bp a year", 0.0, 3.0, 0.5),
        in_numbers("trades; bp a year", 0.0, 5.0, 1.0),
    )
    chart.line([(0.0, 0.0), (3.0, 3.0)], "grey", dashed=True, width=1.2)
    chart.line(stairs(counts), "blue")
    for point in given:
        chart.dot(*point, "orange", size=3.5)
    chart.legend(
        ("line", "blue", "trades"), ("dot", "orange", "given up, bp a year"), ("dashed", "grey", "may be given up"),
    )  # fmt: skip
    return chart


def _ask(policy: Policy, who: Account, gain: float) -> Proposal:
    return rebalance(who, policy, market(whole=True), DESK.views(gain), ON)


def units() -> Chart:
    """Draw bought, sold and turnover of what happens to an account."""
    fund = {"SPY": 0.35, "EFA": 0.20, "IEF": 0.30, "GLD": 0.10, "CASH": 0.05}
    asked = {
        "a switch of 5%": account({**fund, "SPY": 0.40, "EFA": 0.15}),
        "20% out of cash": account({"SPY": 0.28, "EFA": 0.15, "IEF": 0.24, "GLD": 0.08, "CASH": 0.25}),
        "a deposit of 10%": replace(account(fund, 1e6), cash_flow=1e5),
        "a withdrawal of 10%": replace(account(fund, 1e6), cash_flow=-1e5),
    }
    limits = (Deviation("0.01%"), Cash(most="5.1%"))
    chart = Chart(
        "Turnover is one-way, and a cash flow is none",
        "For four events what is bought and sold, of the account, and the one-way turnover of the same trades.",
        of_names("", list(asked)),
        in_percent("of NAV", 0.0, 0.25, 0.05),
    )
    for i, who in enumerate(asked.values()):
        proposal = propose(limits, 0.0, who)
        moved = [trade.weight for trade in proposal.trades]
        bought, sold = sum(w for w in moved if w > 0), -sum(w for w in moved if w < 0)
        chart.bar(i - 0.17, 0.0, bought, half=0.14)
        chart.bar(i + 0.17, 0.0, sold, "barred", half=0.14)
        chart.mark(i, proposal.turnover, "ink", half=0.36)
        chart.say(i, max(bought, sold), f"turnover {proposal.turnover:.1%}", "ink", "middle", dy=-10)
    chart.legend(("fill", "wash", "bought"), ("fill", "barred", "sold"), ("line", "ink", "one-way turnover"))
    return chart


def phases() -> Chart:
    """Draw the weight that a view takes SPY to, at once and in phases, day by day."""
    steps = ((0, "50%"), (30, "25%"), (60, "25%"))
    chart = Chart(
        "Phases: half at once, a quarter after 30 days and after 60",
        "The weight of SPY by the day, of an account that goes at once and of one that goes in phases, of one view.",
        in_numbers("days since the start", 0, 80, 10),
        in_percent("weight of SPY", 0.34, 0.42, 0.01),
    )
    for way, colour in ((None, "grey"), (Phases(steps), "blue")):
        policy = replace(DESK.policy((Deviation("5%"),)), phases=way)
        who, points = account(), [(0.0, STRATEGIC["SPY"])]
        for day in (0, 10, 20, 30, 40, 50, 60, 70, 80):
            on = ON + dt.timedelta(day)
            proposal = rebalance(who, policy, market(), DESK.views(0.03), on)
            target = proposal.weights["target"]
            who = replace(account((target / target.sum()).to_dict()), phases=proposal.phases)
            points += [(float(day), points[-1][1]), (float(day), float(target["SPY"]))]
        chart.line(points, colour, dashed=way is None)
    for day, part in ((0, "50%"), (30, "75%"), (60, "100%")):
        chart.say(day, 0.345, f"{part} of the gap", "grey", dx=4)
    chart.legend(("dashed", "grey", "at once"), ("line", "blue", "in phases"))
    return chart
