"""The whole flow for one account: with the problem stated, stating included, and the exact path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trimtab.constraints.settings import Trading
from trimtab.constraints.tickets import Lots, TradeSize
from trimtab.models.tilts import tilt
from trimtab.optimizer.problems import state
from trimtab.optimizer.rebalancing import decide, rebalance
from trimtab.optimizer.solutions import solve
from trimtab.optimizer.trades import choose_target

from .registry import Figure, case, percentile, timed
from .worlds import ON, world

_RULES = (Lots(), TradeSize(least_value=500.0))


@case("rebalance", "rebalance with whole lots, smallest ticket and 1 bp indifference, fast path", (30,), 8)
def rebalancing(n: int, rounds: int) -> Iterator[Figure]:
    """Time the fast path with the problem stated, and with ``state`` included."""
    w = world(n, min(5, n), accounts=rounds, lots=True, trading=Trading(indifference=1e-4), more=_RULES)
    problem = state(w.policy, w.market)
    belief = tilt(w.views, w.market, w.policy.model(w.accounts[0]), ON)
    decide(problem, w.accounts[0], belief, ON)
    stated, whole = timed(
        [
            lambda i: decide(problem, w.accounts[i], belief, ON),
            lambda i: rebalance(w.accounts[i], w.policy, w.market, w.views, ON),
        ],
        rounds,
    )
    size = f"n={n}"
    yield Figure("rebalance, problem stated, median", size, 1e3 * percentile(stated, 0.5), "ms", "below 100")
    yield Figure("rebalance, problem stated, 95th percentile", size, 1e3 * percentile(stated, 0.95), "ms")
    yield Figure("rebalance including state, median", size, 1e3 * percentile(whole, 0.5), "ms", "below 250")
    yield Figure("rebalance including state, 95th percentile", size, 1e3 * percentile(whole, 0.95), "ms")


@case("exact", "minimal trades as an integer problem by HiGHS against the fast path", (30,), 6)
def exact(n: int, rounds: int) -> Iterator[Figure]:
    """Time the exact path and compare what it finds with what the fast path found."""
    rounds = max(3, rounds)
    fast = world(n, min(5, n), accounts=rounds, lots=True, trading=Trading(indifference=1e-4), more=_RULES)
    full = world(n, min(5, n), accounts=rounds, lots=True, trading=Trading(indifference=1e-4, exact=True), more=_RULES)
    problems = [state(w.policy, w.market) for w in (fast, full)]
    belief = tilt(fast.views, fast.market, fast.policy.model(fast.accounts[0]), ON)
    solutions = [[solve(p, account, belief) for account in fast.accounts] for p in problems]
    quick, slow = timed([lambda i: choose_target(solutions[0][i]), lambda i: choose_target(solutions[1][i])], rounds)
    targets = [[choose_target(s) for s in group] for group in solutions]
    counts = [
        [int((t.weights != s.case.program.current).sum()) for t, s in zip(ts, group, strict=True)]
        for ts, group in zip(targets, solutions, strict=True)
    ]
    size = f"n={n}"
    yield Figure("exact path, 95th percentile", size, percentile(slow, 0.95), "s", "below 5")
    yield Figure("exact path, median", size, percentile(slow, 0.5), "s")
    yield Figure("fast path, median", size, 1e3 * percentile(quick, 0.5), "ms")
    yield Figure("trades, fast path, mean (cash counted)", size, float(np.mean(counts[0])), "trades")
    yield Figure("trades, exact path, mean (cash counted)", size, float(np.mean(counts[1])), "trades")
    yield Figure(
        "gap of the fast path to its bound, median",
        size,
        100 * float(np.median([t.gap for t in targets[0]])),
        "% of NAV",
    )
    yield Figure(
        "gap of the exact path to its bound, median",
        size,
        100 * float(np.median([t.gap for t in targets[1]])),
        "% of NAV",
    )
