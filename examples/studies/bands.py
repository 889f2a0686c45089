"""Case study: wide, narrow or fixed bands while volatility is high? Three policies that differ in one word.

    python examples/studies/bands.py --write docs/studies/bands.md
    python examples/studies/bands.py --data FOLDER --write docs/studies/bands.md

The first writes the table of the demo book into the page, the second that of a longer history from public files (the
page says which, and where they are from).
"""

from __future__ import annotations

from dataclasses import replace

from histories import World, load_worlds, paste

from trimtab.constraints import Band, Policy, Rebalance
from trimtab.scenarios.conducts import Conduct
from trimtab.scenarios.grids import Course, Grid, try_all
from trimtab.signals import Playbook, VolatilityOverlay
from trimtab.signals.regimes import VolatilityRegime

WAYS = {"fixed": "keep", "widened": "widen", "narrowed": "narrow"}
FACTOR, WIDTHS = 1.5, (0.02, 0.03)
"""While volatility is high half-widths are times, or over, 1.5; what they are otherwise, decimals of the account."""


def make_policy(world: World, way: str, width: float) -> Policy:
    """Return a policy that goes back to strategic when shares or bonds leave their bands."""
    regime = VolatilityRegime("fear", world.volatility, thresholds=world.thresholds)
    overlay = VolatilityOverlay(regime="fear", states=("stressed",), bands=WAYS[way], factor=FACTOR)  # type: ignore[arg-type]
    bands = tuple(Band(on=name, of="sum", absolute=width, use="trigger") for name in ("equity", "bonds"))
    policy = Policy(
        limits=bands, models={"mix": world.weights}, rebalance=Rebalance("band"), estimation=world.estimation
    )
    overlays = () if way == "fixed" else (overlay,)
    return replace(policy, playbook=Playbook((world.volatility,), (regime,), overlays=overlays))


def run(world: World) -> Grid:
    """Lead every way and width through a history."""
    course = Course(world.chronicle, world.start, conduct=Conduct(lag_days=world.lag_days, estimate="year"))
    policies = {f"{way}, {width:.0%}": make_policy(world, way, width) for width in WIDTHS for way in WAYS}
    return try_all(policies, course)


def tell(world: World, grid: Grid) -> str:
    """Return the table of a history: each way beside the fixed band of the same width."""
    lines = [
        "| bands | trades on | turnover a year | less than fixed (90 %) | Sharpe | better than fixed (90 %) |",
        "|---|---|---|---|---|---|",
    ]
    for name, test in grid.tests.items():
        way, width = name.split(", ")
        fixed = grid.tests[f"fixed, {width}"]
        cells = [name, f"{int((test.days['trades'] > 0).sum())} days", f"{test.turnover_per_year:.2%}"]
        saved = "" if way == "fixed" else world.saving(test, fixed)
        better = (
            ""
            if way == "fixed"
            else world.sharpe_gain(test.returns - test.cash_returns, fixed.returns - fixed.cash_returns)
        )
        cells += [saved, f"{world.sharpe(test):.3f}", better]
        lines.append(f"| {' | '.join(cells)} |")
    stormy = world.high(next(iter(grid.tests.values())))
    lines.append("")
    lines.append(f"{world.told(grid)}; volatility was above {world.thresholds[-1]:.0%} in {stormy:.0%} of them.")
    return "\n".join(lines)


if __name__ == "__main__":
    for world, page in load_worlds(__doc__ or ""):
        paste(page, world.name, tell(world, run(world)))
