"""Sweeps, derivatives and breakpoints of one account: how long, and whether they are right."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np

from trimtab.models.tilts import tilt
from trimtab.optimizer.problems import state
from trimtab.optimizer.robust import solve_robust
from trimtab.optimizer.solutions import solve
from trimtab.scenarios.breakpoints import find_breakpoints
from trimtab.scenarios.knobs import Setting, name_knobs, turn
from trimtab.scenarios.sensitivities import sensitivity
from trimtab.scenarios.sweeps import sweep
from trimtab.scenarios.worlds import Believer, list_outlooks

from .registry import Figure, case, ratio, timed
from .worlds import ON, World, world

_POINTS = 1000
_INCH = 2e-6


@case("sweep", "a sweep of 1,000 points against as many single solves on a problem stated for each", (30,), 6)
def sweeping(n: int, rounds: int) -> Iterator[Figure]:
    """Sweep four knobs on one core; solve a sample of their points one by one."""
    w = world(n, 5, 1)
    points, some = (_POINTS, 10) if n > 10 else (32, 2)
    spans = {"tracking_error": (0.005, 0.04), "turnover": (0.01, 0.2), "gain": (0.0, 3.0), "risk_aversion": (2.0, 20.0)}
    for name, (low, high) in spans.items():
        values = np.linspace(low, high, points)
        taken = []
        for _ in range(max(rounds // 5, 2)):
            began = time.process_time()
            found = sweep(w.accounts[0], w.policy, w.market, w.views, ON, {name: values})
            taken.append(time.process_time() - began)
        picked = np.linspace(0, points - 1, some).astype(int)
        began, apart = time.process_time(), 0.0
        for i in picked:
            ideal = _ideal(w, name, values[i])
            apart = max(apart, float(w.market.risk.volatility(ideal - found.weights.iloc[i].to_numpy())))
        alone = (time.process_time() - began) / some
        size, own = f"n={n}", statistics.median(taken)
        yield Figure(f"{points} points of {name}", size, own, "s", "below 1.5 at n = 30")
        yield Figure(f"one by one / swept, {name}", size, alone * points / own, "x", better="more")
        yield Figure("largest tracking error between the two answers", size, 1e4 * apart, "bp")


@case("derivatives", "derivatives of all weights to all views and limits, against one stated solve", (30, 100), 6)
def differentiating(n: int, rounds: int) -> Iterator[Figure]:
    """Time a sensitivity, its own solve included, and that solve."""
    w = world(n, 5, rounds)
    start = Setting(w.policy, w.market, w.views)
    names = [name for name in name_knobs(start) if name in w.policy.names or name.startswith("view.")]
    belief = tilt(w.views, w.market, w.policy.model(w.accounts[0]), ON)
    alone = lambda i: solve(state(w.policy, w.market), w.accounts[i], belief)  # noqa: E731
    whole = lambda i: sensitivity(w.accounts[i], w.policy, w.market, w.views, ON, names)  # noqa: E731
    alone(0), whole(0)
    both, one = timed([whole, alone], rounds, time.process_time)
    times = f"derivatives of {len(names)} numbers / a solve"
    yield Figure(times, f"n={n}", ratio(both, one) - 1.0, "x", "below 2")


@case("breakpoints", "breakpoints of random accounts, solved again at both sides", (5,), 4)
def breaking(n: int, rounds: int) -> Iterator[Figure]:
    """Find them for 25 times ``rounds`` accounts at most, until 500 are checked."""
    checked = right = accounts = 0
    seconds = 0.0
    wanted = 25 * rounds if n > 4 else 6
    while checked < wanted:
        w = world(n, 3, 1, seed=accounts)
        accounts += 1
        began = time.process_time()
        found = find_breakpoints(w.accounts[0], w.policy, w.market, w.views, ON)
        seconds += time.process_time() - began
        for row in found.head(wanted - checked).itertuples():
            checked, right = checked + 1, right + _holds(w, row)
    yield Figure(f"of {checked} breakpoints hold at both sides", f"n={n}", 100.0 * right / checked, "%", "100")
    yield Figure("all breakpoints of an account", f"n={n}", seconds / accounts, "s")


@case("robust", "the best worst case of five outlooks: the proof, and the time", (30,), 6)
def bracing(n: int, rounds: int) -> Iterator[Figure]:
    """Solve random worlds for the worst of their outlooks."""
    proved, far, seconds = 0, 0.0, []
    for seed in range(rounds):
        w = world(n, 5, 1, seed=seed)
        who = Believer(w.accounts[0], w.policy, w.market, ON)
        problem, outlooks = state(w.policy, w.market), list_outlooks(who, w.views)
        began = time.process_time()
        found = solve_robust(problem, w.accounts[0], outlooks[0].belief, outlooks)
        seconds.append(time.process_time() - began)
        proved += found.solution.certificate.released
        far = max(far, found.solution.certificate.certified_te)
    yield Figure("proved", f"n={n}", 100.0 * proved / rounds, "%", "100")
    yield Figure("largest tracking error to the true best worst case", f"n={n}", 1e4 * far, "bp", "at most 0.1")
    yield Figure("time", f"n={n}", 1e3 * statistics.median(seconds), "ms")


def _ideal(w: World, name: str, value: float) -> np.ndarray:
    own = turn(Setting(w.policy, w.market, w.views), name, float(value))
    belief = tilt(own.views, own.market, own.policy.model(w.accounts[0]), ON)
    return solve(state(own.policy, own.market), w.accounts[0], belief).ideal


def _holds(w: World, row) -> bool:
    """Solve on the near side, where the trade is there, and on the far side, where it is gone or turned."""
    asset, side = w.market.universe.positions[row.asset], 1 if row.side == "buy" else -1
    inch = _INCH * max(1.0, abs(row.at - row.now)) * (1 if row.way == "above" else -1)
    sizes = []
    for way in (-1, 1):
        own = turn(Setting(w.policy, w.market, w.views), row.knob, float(row.at + way * inch))
        belief = tilt(own.views, own.market, own.policy.model(w.accounts[0]), ON)
        solution = solve(state(own.policy, own.market), w.accounts[0], belief)
        sizes.append(side * float((solution.ideal - solution.case.program.current)[asset]))
    return sizes[0] > 0 and sizes[1] <= 1e-6
