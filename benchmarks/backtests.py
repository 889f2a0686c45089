"""Twenty years of days through a policy with daily triggers and monthly signals, beside cvxportfolio where it is.

cvxportfolio is published under the GPL: the project neither imports nor depends on it. Where ``python -m benchmarks
peers`` has made its environment, the Python of that is started with `rival_walk.py` on the same history, covariances,
forecasts, costs and constraints, both decide on every day, and the two paths are compared. Without it our own figures
stand alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from trimtab.constraints.bands import Band
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.policies import Policy
from trimtab.constraints.rebalances import Rebalance
from trimtab.models.costs import Costs
from trimtab.models.universes import Universe
from trimtab.scenarios.archives import Archive
from trimtab.scenarios.backtests import Backtest, backtest
from trimtab.scenarios.chronicles import Chronicle
from trimtab.scenarios.conducts import Conduct, begins
from trimtab.scenarios.walks import Stance, Walk
from trimtab.signals.definitions import Signal
from trimtab.signals.overlays import MomentumOverlay
from trimtab.signals.playbooks import Playbook

from .peers.environments import lack, python_of
from .registry import Figure, case

ASSETS, DAYS_A_YEAR, COST, MOST = 20, 252, 0.0005, 0.05
NAMES = tuple(f"A{k:02}" for k in range(ASSETS))
_CONDUCT = Conduct(estimate="quarter")
_WARM_UP = 300
_RIVAL = "cvxportfolio"


def make_history(years: int) -> Chronicle:
    """Make so many years of daily returns of 20 assets with one common factor, from a seed."""
    rng = np.random.default_rng(5)
    days = years * DAYS_A_YEAR + _WARM_UP
    beta, own = np.linspace(0.2, 1.2, ASSETS), np.linspace(0.008, 0.012, ASSETS)
    moves = 0.0002 + beta * rng.normal(0, 0.009, (days, 1)) + own * rng.normal(0, 1, (days, ASSETS))
    frame = pd.DataFrame(moves, index=pd.bdate_range("2003-01-02", periods=days), columns=list(NAMES))
    classes = tuple("bonds" if k < ASSETS // 2 else "equity" for k in range(ASSETS))
    return Chronicle.from_returns(frame, Universe(NAMES, classes), costs=Costs(np.full(ASSETS + 1, COST)), cash=0.02)


def make_policies() -> tuple[Policy, Policy]:
    """Return a policy that looks at its bands every day, and one that asks for the optimum every day."""
    steps = (("zscore", {"window": 250, "least": 60}), ("clip", {"most": 2}))
    signal = Signal("trend", "moving_average_gap", (NAMES[-1],), "equity", {"window": 200}, steps, stale_days=10)
    lean = MomentumOverlay(signals=("trend",), least=0.0, per_score=0.02, most=0.04, fund="bonds")
    risky = list(NAMES)
    base = Policy(
        limits=(Deviation(on=risky, most=MOST),),
        models={"even": dict.fromkeys(NAMES, 0.98 / ASSETS) | {"CASH": 0.02}},
        playbook=Playbook(signals=(signal,), overlays=(lean,)),
    )
    band = Band(on=risky, absolute=0.02, use="trigger")
    return replace(base, limits=(*base.limits, band), rebalance=Rebalance("band")), base


@case(
    "backtests", "years of days, 20 assets, daily triggers, monthly signals; beside cvxportfolio where it is", (20,), 1
)
def backtests(years: int, rounds: int) -> Iterator[Figure]:  # noqa: ARG001  one walk is long enough
    """Time a walk with daily triggers and one that decides every day; compare paths and times with cvxportfolio."""
    chronicle, (watched, daily) = make_history(years), make_policies()
    start, size = chronicle.on(_WARM_UP), f"{years} y"
    for each in (watched, daily):  # what is imported and compiled once is not what is timed
        backtest(each, chronicle, start, chronicle.on(_WARM_UP + 30), conduct=_CONDUCT)
    quick, quick_cpu, quick_wall = _timed(watched, chronicle, start)
    yield Figure("daily triggers, processor time", size, quick_cpu, "s")
    yield Figure("days on which it traded", size, float((quick.days["trades"] > 0).sum()), "days")
    every, every_cpu, every_wall = _timed(daily, chronicle, start)
    yield Figure("the optimum every day, processor time", size, every_cpu, "s")
    if lack(_RIVAL):
        print(f"  (ours alone: {lack(_RIVAL)})", file=sys.stderr)
        return
    told, weights = _ask_rival(chronicle, daily, every)
    yield Figure("cvxportfolio every day, processor time", size, told["cpu"], "s")
    yield Figure(
        "daily triggers (ours) against the optimum every day (theirs), times faster",
        size,
        told["cpu"] / quick_cpu,
        "x",
        "at least 10",
        better="more",
    )
    yield Figure(
        "like for like, the optimum every day, times faster", size, told["cpu"] / every_cpu, "x", better="more"
    )
    yield Figure("by the clock: triggers against every day", size, told["wall"] / quick_wall, "x", better="more")
    yield Figure("by the clock: like for like", size, told["wall"] / every_wall, "x", better="more")
    gap = np.abs(weights - every.weights.to_numpy()[: len(weights)])
    yield Figure("largest distance of a weight, every day", size, 1e4 * float(gap.max()), "bp")
    nav = every.days["nav"].to_numpy()
    yield Figure("distance of the final value", size, 1e4 * abs(told["nav"] / nav[len(weights) - 1] - 1.0), "bp")


def _timed(policy: Policy, chronicle: Chronicle, start: object) -> tuple[Backtest, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    found = backtest(policy, chronicle, start, conduct=_CONDUCT)  # type: ignore[arg-type]
    return found, time.process_time() - cpu, time.perf_counter() - wall


def _ask_rival(chronicle: Chronicle, policy: Policy, ours: Backtest) -> tuple[dict[str, float], np.ndarray]:
    """Hand history, covariances, forecasts to cvxportfolio; return its figures and its weights after trading."""
    days = ours.days.index
    first = len(chronicle) - len(days)
    walk = Walk(Archive(chronicle), policy, (), {}, _CONDUCT)
    turns = begins(chronicle.days, "month")
    estimates = begins(chronicle.days, _CONDUCT.estimate)
    turns[first] = estimates[first] = True
    estimated = 0
    alphas, sigmas, month = [], [], []
    for t in range(first, len(chronicle)):
        as_of = int(chronicle.dates[t]) - _CONDUCT.lag_days
        estimated = as_of if estimates[t] else estimated
        if turns[t] or estimates[t]:
            ground = walk.find_ground(Stance(ours.stance.account, np.zeros(ASSETS + 1), None, estimated, as_of, None))
            belief, risk = ground.belief, ground.problem.market.risk
            # To lean by s is to believe in gamma Sigma s: both make the same optimum.
            alphas.append(belief.alpha(policy.risk_aversion) + policy.risk_aversion * risk.times(belief.target))
            sigmas.append(risk.covariance)
        month.append(len(alphas) - 1)
    growth = chronicle.values[1:] / chronicle.values[:-1] - 1.0
    with tempfile.TemporaryDirectory() as folder:
        given, back = Path(folder, "given.npz"), Path(folder, "back.npz")
        np.savez(
            given, days=days.to_numpy().astype("datetime64[D]").astype(str), month=np.array(month),
            alphas=np.array(alphas), sigmas=np.array(sigmas), returns=growth[first:],
            strategic=chronicle.universe.vector(policy.models["even"]), cost=COST, most=MOST,
            aversion=policy.risk_aversion, horizon=policy.cost_horizon_years,
        )  # fmt: skip
        script = Path(__file__).with_name("rival_walk.py")
        done = subprocess.run(
            [str(python_of(_RIVAL)), str(script), str(given), str(back)], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": ""},
        )  # fmt: skip
        return json.loads(done.stdout.strip().splitlines()[-1]), np.load(back)["weights"]
