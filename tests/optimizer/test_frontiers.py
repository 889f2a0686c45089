"""Five published efficient frontiers (OR-Library, Chang and others 2000): variance to one part in a million.

The files print returns and variances of one week to ten decimals. The last digit of the return is worth up to
``slope * 5e-11`` of variance: a few parts in 1e8, more where the frontier is steep. Ours meet the printed ones to
4e-7 (measured: 0.7, 3.4, 2.3, 3.9 and 1.6e-7 at most), which is what the digits hold.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Group, Policy
from trimtab.models import Account, Costs, Market, Risk, Tilt, Universe
from trimtab.optimizer import Outcome, solve, state
from trimtab.optimizer.engines import ask

WEEKS = 52.0
POINTS = 41
SIZES = {1: 31, 2: 85, 3: 89, 4: 98, 5: 225}


def _read(folder, number):
    """Return weekly means, covariance and the published (return, variance) points."""
    text = (folder / f"port{number}.txt").read_text(encoding="ascii").split()
    n = int(text[0])
    moments = np.array(text[1 : 1 + 2 * n], dtype=float).reshape(n, 2)
    pairs = np.array(text[1 + 2 * n :], dtype=float).reshape(-1, 3)
    corr = np.eye(n)
    i, j = pairs[:, 0].astype(int) - 1, pairs[:, 1].astype(int) - 1
    corr[i, j] = corr[j, i] = pairs[:, 2]
    points = np.array((folder / f"portef{number}.txt").read_text(encoding="ascii").split(), dtype=float).reshape(-1, 2)
    return moments[:, 0], corr * np.outer(moments[:, 1], moments[:, 1]), points


@pytest.mark.parametrize("number", sorted(SIZES))
def test_a_published_frontier(shared, number):
    folder = shared / "data" / "orlib"
    if not folder.is_dir():
        pytest.skip("no OR-Library data beside this checkout")
    means, weekly, points = _read(folder, number)
    n = len(means)
    assert n == SIZES[number]
    names = tuple(f"S{i:03d}" for i in range(n))
    universe = Universe(names, ("stock",) * n)
    market = Market(
        universe, Risk.from_covariance(pd.DataFrame(weekly * WEEKS, names, names), universe), Costs(0.0), 1.0
    )
    gamma, b = 2.0, np.append(np.full(n, 1.0 / n), 0.0)
    # alpha = -gamma Sigma b makes alpha'(w - b) - (gamma/2)(w - b)'Sigma(w - b) a constant less (gamma/2) w'Sigma w.
    pure = Tilt(
        gain=-gamma * market.risk.times(b)[None, :], gain_per_aversion=np.zeros((1, n + 1)), views=("variance",)
    )
    policy = Policy(
        (
            Group("cash", least=0.0, most=0.0, name="fully_invested"),
            Group(exposure=dict(zip(names, WEEKS * means, strict=True)), least=0.0, name="return"),
        ),
        {"m": dict(zip(names, b, strict=False))},
        risk_aversion=gamma,
    )
    account = Account.from_weights("1", "m", dict(zip(names, b, strict=False)), 1e6, market)
    problem = state(policy, market)

    chosen = points[np.unique(np.linspace(0, len(points) - 1, POINTS).round().astype(int))]
    assert len(chosen) >= 40
    program = None
    for weekly_return, published in chosen:
        if program is None:  # the front door once; then the same statement with another return
            first = Policy(
                (policy.limits[0], replace(policy.limits[1], least=WEEKS * weekly_return)), policy.models, gamma
            )
            solution = solve(state(first, market), account, pure)
            assert solution.outcome is Outcome.OPTIMAL, solution.reason
            program = solution.case.program
        row = int(np.argmax(np.abs(program.rows[:, 0])))
        low = program.rows_lo.copy()
        low[row] = WEEKS * weekly_return
        found = ask(replace(program, rows_lo=low), problem.statement(program))
        assert found.weights is not None, (weekly_return, found.attempts)
        w = found.weights[:-1]
        assert w.sum() == pytest.approx(1.0, abs=1e-9)
        assert means @ w >= weekly_return - 1e-10
        assert w @ weekly @ w == pytest.approx(published, rel=1e-6)
