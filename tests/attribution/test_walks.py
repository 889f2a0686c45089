"""Between runs: what accounts hold drifts, a held account keeps its decision, a refused one keeps what it had."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from trimtab.attribution import attribute
from trimtab.attribution.chains import STAGES, Chain
from trimtab.attribution.sequences import _walk
from trimtab.attribution.sheets import Sheet


def pages_and_money(seed, accounts=4, assets=4, periods=12):
    """Random runs on some of the periods, and the money of every account led beside them in units."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.004, 0.03, (periods, assets))
    days = np.unique(np.r_[0, rng.choice(np.arange(1, periods), 4, replace=False)])
    money = rng.uniform(1e5, 1e6, accounts)[:, None] * rng.dirichlet(np.ones(assets), accounts)
    pages, totals = [], []
    for k in range(periods):
        if k in days:
            nav = money.sum(1)
            current = money / nav[:, None]
            said = {
                name: rng.dirichlet(np.ones(assets), accounts) for name in ("tactical", "ideal", "phased", "target")
            }
            decided = rng.random(accounts) < 0.6
            refused = (rng.random(accounts) < 0.2) & (k > 0)
            decided &= ~refused
            filled = np.where(decided[:, None], said["target"], current)
            costs = rng.uniform(0, 1e-3, (accounts, assets)) * decided[:, None]
            strategic = np.tile(np.full(assets, 1 / assets), (accounts, 1))
            weights = {**said, "current": current, "strategic": strategic, "filled": filled}
            weights = {name: np.where(refused[:, None], np.nan, x) for name, x in weights.items()}
            beliefs = {"view a": (said["tactical"] - strategic) * 0.5}
            on = dt.date(2020, 1, 1) + dt.timedelta(days=int(k))
            pages.append(Sheet(on, weights, decided, np.where(refused, np.nan, nav), costs, beliefs, "", {}))
            # The cost is paid pro rata, then the account stands at its target.
            money = (nav * (1.0 - costs.sum(1)))[:, None] * filled
            totals.append(nav.sum())
        else:
            totals.append(money.sum())
        money = money * (1.0 + moves[k])
    totals.append(money.sum())
    which = np.searchsorted(days, np.arange(periods), side="right") - 1
    return pages, which, moves, np.array(totals)


@pytest.mark.parametrize("seed", range(25))
def test_the_composite_earns_what_its_money_earns(seed):
    pages, which, moves, money = pages_and_money(seed)
    weights, beliefs, costs, nav, apart = _walk(pages, which, moves)
    np.testing.assert_allclose(nav, money[:-1], rtol=1e-12)
    assert apart < 1e-12  # what runs recorded is what was replayed
    periods = pd.RangeIndex(len(moves))
    names = tuple(f"a{i}" for i in range(moves.shape[1]))
    made = Chain("all", periods, names, weights, moves, costs=costs, nav=nav, earned=money[1:] / money[:-1] - 1.0,
                 beliefs=beliefs)  # fmt: skip
    found = attribute(made)
    assert found.residual < 1e-13
    assert set(found.groups) >= {"beliefs", "waiting", "held back", "phasing", "lots", "drift", "costs"}


def test_a_held_account_keeps_its_decision_and_drifts():
    pages, which, moves, _ = pages_and_money(3, accounts=1)
    for page in pages[1:]:
        page.decided[:] = False
    pages[0].decided[:] = True
    pages[0].weights["filled"][:] = pages[0].weights["target"]
    weights, *_ = _walk(pages[:1], np.zeros(len(which), dtype=int), moves)
    k = {name: i for i, name in enumerate(STAGES)}
    for stage, said in (("decided", "tactical"), ("ideal", "ideal"), ("target", "target"), ("filled", "target")):
        np.testing.assert_array_equal(weights[:, k[stage]], np.tile(pages[0].weights[said][0], (len(moves), 1)))
    grown = pages[0].weights["target"][0] * np.cumprod(1.0 + moves[:-1], axis=0)[-1]
    np.testing.assert_allclose(weights[-1, k["held"]], grown / grown.sum(), rtol=1e-12)
