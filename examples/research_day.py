"""A research day, from a rule to what came of it: an idea, its history, how much of that is luck, who earned what.

    python examples/research_day.py [FOLDER]

The idea is small and old: hold more shares while they rise and while credit is cheap, and leave when the trend breaks.
It is stated as data, led through the demo book's real history since 2011 with what was known on each day, and doubted.
Pages and tables are written into FOLDER; without it into a temporary one, whose name is told at the end. It is no
advice. Its history was looked at while it was written: begun in 2007 it ends above its strategic weights, begun in 2009
or 2011 below them. `doubt` knows only of the rules it is given, never of such looks.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from trimtab.attribution import record_backtest, write_proposal
from trimtab.attribution.reviews import Review, review
from trimtab.batches import read_book
from trimtab.batches.questions import ask_about
from trimtab.constraints import Deviation, Policy, Rebalance, TrackingError, Turnover
from trimtab.constraints.settings import Estimation
from trimtab.demo import ON, book_path
from trimtab.reports import attribution_page, backtest_page, sweep_page, write_page
from trimtab.scenarios import Backtest, Chronicle, Conduct, Course, Knob, doubt, read_chronicle, sweep, try_all
from trimtab.scenarios.baselines import CALENDAR, make_baselines, strategic_returns, take_apart
from trimtab.scenarios.grids import Doubt, Grid, Trial
from trimtab.signals import Action, Condition, Opinion, Playbook, Rule, Signal

ABOUT, MODEL, ACCOUNT, IDEA = "equity - bonds", "sixty_forty", "005", "the idea"
START = dt.date(2011, 1, 1)
OWN_PAST = (
    ("zscore", {"window": 120, "least": 60}),
    ("clip", {"most": 2.0}),
)  # ten years of months; at most two deviations

SIGNALS = (
    Signal("trend", "moving_average_gap", ("USMKT",), ABOUT, {"window": 10}, OWN_PAST, stale_days=45),
    Signal("credit", "yield_spread", ("baa", "ust20y_mean"), ABOUT, {}, OWN_PAST, stale_days=75),
    Signal("gap", "moving_average_gap", ("USMKT",), ABOUT, {"window": 10}, stale_days=45),  # as it is, for the rule
)
OPINION = Opinion(ABOUT, ("trend", "credit"), "shares pay", scale="raw", unit=0.02, horizon_days=45, least=0.0)
RULE = Rule(
    "leave when the trend breaks",
    when=(Condition(signal="gap", of="raw", below=0.0),),
    then=(Action("target", 0.05, "TBILL - equity"),),
    priority=1,
)


def state_the_idea(models: Mapping[str, Mapping[str, float]]) -> Policy:
    """Write the idea down as a mandate: two signals that make a view, a rule, and the limits that they live under."""
    policy = Policy(
        limits=(Deviation("10%"), TrackingError("1%"), Turnover("10%")),
        models=models,
        rebalance=Rebalance("always"),
        estimation=Estimation(periods_per_year=12),
    )
    policy = replace(policy, playbook=Playbook(SIGNALS, opinions=(OPINION,), rules=(RULE,)))
    print(f"1. The idea\n\n{policy}")
    return policy


def with_room(policy: Policy, tracking_error: str) -> Policy:
    """Return the idea with another limit on how far it may lean."""
    others = tuple(limit for limit in policy.limits if limit.kind != "tracking_error")
    return replace(policy, limits=(*others, TrackingError(tracking_error)))


def walk(policy: Policy, course: Course) -> tuple[Grid, Grid]:
    """Lead the idea and what it is made of through one history; and the plain rules, charged the same costs."""
    parts = {**take_apart(policy), "half the room": with_room(policy, "0.5%")}
    plain = {name: each for name, each in make_baselines(policy).items() if name != CALENDAR}
    tried = {IDEA: Trial(policy, remember=True)} | {name: Trial(each) for name, each in {**parts, **plain}.items()}
    grid = try_all(tried, course)
    print(f"\n2. What it would have done\n\n{IDEA}, {grid.tests[IDEA]}")
    own, others = ({n: t for n, t in grid.tests.items() if (n in plain) is which} for which in (False, True))
    return Grid(own, grid.points), Grid(others, grid.points)


def compare(tests: Mapping[str, Backtest], free: pd.Series) -> pd.DataFrame:
    """Tell each rule's statistics against the strategic weights, rebalanced for nothing."""
    statistics = pd.concat({name: each.judge(free, draws=500) for name, each in tests.items()}, names=["rule"])
    columns = ["return", "sharpe", "drawdown", "tracking_error", "information_ratio", "turnover"]
    told = statistics["value"].unstack("statistic")[columns]  # noqa: PD010
    told = told.loc[list(tests)]
    percents = ("return", "drawdown", "tracking_error", "turnover")
    forms = {name: ("{:.1%}" if name in percents else "{:+.2f}").format for name in columns}
    print(f"\n3. Beside what costs no thought\n\n{told.to_string(formatters=forms)}")
    ratio = statistics.loc[IDEA, "information_ratio"]
    print(
        f"\nits information ratio: {ratio['value']:+.2f}, nine times in ten {ratio['low']:+.2f} to {ratio['high']:+.2f}"
    )
    return statistics


def count_the_luck(tried: Grid) -> Doubt:
    """Whoever tries more than one thing has to count everything tried."""
    found = doubt(tried)
    print(f"\n4. How much of it is luck\n\nrules tried: {found.trials}; best: {found.best}, Sharpe {found.sharpe:.2f}")
    print(f"the chance that it beats the luckiest of so many without any skill: {found.deflated:.0%}")
    print(f"the best of one half of the history is no better than the median in the other: {found.overfitting:.0%}")
    print(f"mind: {found.warning or 'the mix itself earns most of that ratio; the idea is judged by the one above'}")
    return found


def look_at_today(policy: Policy, folder: Path) -> None:
    """Turn a number for a real account of today, with the views of people beside the idea."""
    asked = ask_about(read_book(book_path()), policy, ACCOUNT, dt.date.fromisoformat(ON))
    given = (asked.account, asked.policy, asked.market, asked.views, asked.on)
    found = sweep(*given, Knob("view.shares pay.gain", ("0%", "1%", "2%", "4%")), overlay=asked.overlay)
    print(f"\n5. Account {ACCOUNT} today: what would the view have to promise?\n")
    for gain, row in found.points.iterrows():
        print(f"{gain:.0%} a year: tracking error {row['tracking_error']:.2%}, turnover {row['turnover']:.2%}")
    write_page(sweep_page(found, "What the view would have to promise"), folder / "sweep.html")


def attribute(test: Backtest, chronicle: Chronicle) -> Review:
    """Split what the idea earned to views, signals, rules and limits: without a remainder."""
    told = review(record_backtest(test, chronicle, name=IDEA), draws=500)
    found = told.attribution
    print(f"\n6. Who earned what\n\n{found}")
    for by in ("signal", "effect"):
        table = found.by(by)
        seen = table.loc[table["linked"].abs() >= 5e-5, "linked"]
        print(f"\nby {by}, basis points over all the time:\n{(1e4 * seen).round(0).astype(int).to_string()}")
    print(f"\nthe largest remainder of a month: {found.residual:.0e}")
    return told


def propose(told: Review, folder: Path) -> None:
    """Say how far the idea should be believed from now on, and hand that to somebody who may approve it."""
    print("\n7. How far to believe it from now on\n")
    for row in told.proposal.to_dict("records"):
        print(f"{row['source']}: {row['because']} ({row['verdict']})")
    path = write_proposal(told.proposal, folder)
    print(f"{path.name} waits for somebody else to approve it: nothing is believed otherwise until then")


def main(folder: Path) -> None:
    """Live through the day; everything that it leaves is in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    book = read_book(book_path())
    policy = state_the_idea(book.policy(Policy()).models)
    chronicle = read_chronicle(book, policy)
    course = Course(chronicle, START, account=MODEL, conduct=Conduct(estimate="year"))
    tried, plain = walk(policy, course)
    tests = {**tried.tests, **plain.tests}
    statistics = compare(tests, strategic_returns(policy, chronicle, MODEL, tests[IDEA]))
    found = count_the_luck(tried)
    look_at_today(policy, folder)
    told = attribute(tests[IDEA], chronicle)
    propose(told, folder)
    made = backtest_page(tests, statistics, found, "Shares pay: seven rules in one history", asked=IDEA)
    write_page(made, folder / "backtest.html")
    parts = {
        name: getattr(told, name) for name in ("skill", "limits", "calibration", "figures", "forecasts", "benchmarks")
    }
    write_page(attribution_page(told.attribution, **parts), folder / "attribution.html")
    print("\n8. Pages: backtest.html, sweep.html, attribution.html")


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="trimtab-research-"))
    main(place)
    print(f"\nAll of it is in {place}")
