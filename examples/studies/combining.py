"""Case study: valuation, momentum and volatility together, against each of them alone, none, and the strategic mix.

    python examples/studies/combining.py --write docs/studies/combining.md
    python examples/studies/combining.py --data FOLDER --write docs/studies/combining.md

The same mandate each time; only what the playbook reads differs. Every signal is worth the same by its own standard
deviation, so that nothing is fitted.
"""

from __future__ import annotations

from dataclasses import replace

from histories import World, load_worlds, paste

from trimtab.constraints import Deviation, Policy, Rebalance, TrackingError
from trimtab.scenarios.baselines import strategic_returns
from trimtab.scenarios.conducts import Conduct
from trimtab.scenarios.grids import Course, Grid, doubt, try_all
from trimtab.signals import Opinion, Playbook

ABOUT, UNIT = "equity - bonds", 0.01
"""What is leant on, and what a standard deviation of a signal is worth: 1 % a year."""


def make_policy(world: World, read: tuple[str, ...]) -> Policy:
    """Return the mandate with one opinion made of some of the signals."""
    signals = tuple(world.signals[name] for name in read)
    names = tuple(s.name for s in signals)
    together = Opinion(ABOUT, names, "mix", scale="raw", unit=UNIT, horizon_days=45, least=0.0) if names else None
    opinions = () if together is None else (together,)
    policy = Policy(
        limits=(Deviation(most=0.10), TrackingError(most=0.02)), models={"mix": world.weights},
        rebalance=Rebalance("always"), estimation=world.estimation,
    )  # fmt: skip
    return replace(policy, playbook=Playbook(signals, opinions=opinions))


def run(world: World) -> Grid:
    """Lead the combination, each signal alone and none through a history."""
    course = Course(world.chronicle, world.start, conduct=Conduct(lag_days=world.lag_days, estimate="year"))
    rules = {"combined": tuple(world.signals)} | {f"{name} alone": (name,) for name in world.signals} | {"none": ()}
    return try_all({name: make_policy(world, read) for name, read in rules.items()}, course)


def tell(world: World, grid: Grid) -> str:
    """Return the table of a history."""
    lines = [
        "| signals | over strategic, a year (90 %) | tracking error | information ratio (90 %) | turnover a year |"
        " combined is better by, a year (90 %) |",
        "|---|---|---|---|---|---|",
    ]
    best = grid.tests["combined"].returns
    for name, test in grid.tests.items():
        free = strategic_returns(make_policy(world, ()), world.chronicle, "mix", test)
        active = test.returns - free
        better = "" if name == "combined" else world.yearly(best - test.returns)
        cells = [name, world.yearly(active), f"{active.std() * world.per_year**0.5:.2%}", world.ratio(active)]
        lines.append(f"| {' | '.join([*cells, f'{test.turnover_per_year:.0%}', better])} |")
    found = doubt(Grid({k: v for k, v in grid.tests.items() if k != "none"}, grid.points))
    lines.append("")
    lines.append(
        f"{world.told(grid)}. Of the {found.trials} rules {found.best} has the highest "
        f"Sharpe ratio, {found.sharpe:.2f}; in {found.overfitting:.0%} of halvings of the history the best of one half "
        "was no better than the median in the "
        "other."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    for world, page in load_worlds(__doc__ or ""):
        paste(page, world.name, tell(world, run(world)))
