"""A backtest attributed: the portfolios found again are those recorded, and its money leaves no remainder."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.attribution import attribute, trace
from trimtab.constraints.bands import Band
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.phases import Phases
from trimtab.constraints.policies import Policy
from trimtab.constraints.rebalances import Rebalance
from trimtab.errors import InputError
from trimtab.models.costs import Costs
from trimtab.models.universes import Universe
from trimtab.models.views import View
from trimtab.scenarios.backtests import backtest
from trimtab.scenarios.chronicles import Chronicle

UNIVERSE = Universe(("SHARES", "NOTES", "GOLD"), ("equity", "bonds", "gold"))
MIX = {"SHARES": 0.5, "NOTES": 0.4, "GOLD": 0.08, "CASH": 0.02}
VIEWS = (
    View("SHARES - NOTES", 0.03, 0.5, dt.date(2020, 4, 1), dt.date(2020, 5, 15), id="spring", author="ES"),
    View("GOLD - NOTES", 0.02, 0.4, since=dt.date(2020, 5, 4), id="gold", author="LM"),
)


def history(costs=0.001, sessions=110):
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2020-01-02", periods=sessions)
    moves = rng.normal([0.0004, 0.0001, 0.0002], [0.012, 0.004, 0.009], (sessions, 3))
    returns = pd.DataFrame(moves, days, ["SHARES", "NOTES", "GOLD"])
    made = Costs(np.full(len(UNIVERSE), costs), ticket_fee=2.0 if costs else 0.0)
    return Chronicle.from_returns(returns, UNIVERSE, costs=made, cash=0.03)


def mandate(trigger="band", phases=None, **rules):
    limits = (Deviation(most=0.10), Band(on=["SHARES", "NOTES", "GOLD"], absolute=0.01, use="trigger"))
    policy = Policy(limits=limits, models={"mix": MIX}, rebalance=Rebalance(trigger, **rules))
    return policy if phases is None else replace(policy, phases=phases)


@pytest.mark.parametrize(
    "policy",
    [mandate(), mandate(phases=Phases(((0, 0.5), (10, 0.5)))), mandate("calendar", every_sessions=15)],
    ids=["band", "phased", "calendar"],
)
def test_a_backtest_is_explained_to_the_last_cent(policy):
    chronicle = history()
    flows = pd.Series({pd.Timestamp("2020-04-20"): 50_000.0, pd.Timestamp("2020-05-11"): -30_000.0})
    found = backtest(policy, chronicle, "2020-03-02", views=VIEWS, flows=flows, remember=True)
    told = attribute(trace(found, chronicle))
    # The account's return is of its money, flows and fees included; the effects are of portfolios and prices.
    np.testing.assert_array_equal(told.portfolio, found.returns)
    assert told.residual < 1e-14
    assert told.apart < 1e-4  # what a cost takes from the NAV moves every weight by a part of it
    assert told.by("group")["linked"].sum() == pytest.approx(told.excess, abs=1e-14)
    authors = told.by("author")["linked"]
    assert authors[["ES", "LM"]].abs().min() > 1e-6
    phasing = abs(told.by("group").loc["phasing", "sum"])
    assert (phasing > 1e-6) == (policy.phases is not None)


def test_a_view_that_did_everything_carries_the_whole_effect():
    """Free daily trading and one view: what it earned is all there is, but for the daily drift of nothing."""
    chronicle = history(costs=0.0)
    view = View("SHARES - NOTES", 0.03, 0.5, since=dt.date(2020, 1, 1), id="only")
    found = backtest(mandate("always"), chronicle, "2020-04-01", views=[view], remember=True)
    told = attribute(trace(found, chronicle))
    table = told.by("effect")["linked"]
    assert abs(told.excess) > 1e-4
    assert table["view only"] == pytest.approx(told.excess, rel=1e-3)


def test_what_is_not_remembered_is_not_made_up():
    chronicle = history(sessions=60)
    found = backtest(mandate(), chronicle, "2020-03-02", end="2020-03-06")
    with pytest.raises(InputError, match="remember=True"):
        trace(found, chronicle)
