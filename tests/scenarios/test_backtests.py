"""Laws of a walk through history: money adds up, nothing later counts, and stopping changes nothing."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints.bands import Band
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.phases import Phases
from trimtab.constraints.policies import Policy
from trimtab.constraints.positions import Position
from trimtab.constraints.rebalances import Rebalance
from trimtab.constraints.time_limits import TimeLimit
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.errors import InputError
from trimtab.models.accounts import Account
from trimtab.models.costs import Costs
from trimtab.models.universes import Universe
from trimtab.models.views import View
from trimtab.scenarios.backtests import backtest
from trimtab.scenarios.chronicles import Chronicle
from trimtab.scenarios.conducts import Conduct
from trimtab.signals.definitions import Signal
from trimtab.signals.opinions import Opinion
from trimtab.signals.panels import Panel
from trimtab.signals.playbooks import Playbook

UNIVERSE = Universe(("SHARES", "NOTES", "GOLD"), ("equity", "bonds", "gold"))
RISKY = ("SHARES", "NOTES", "GOLD")
MIX = {"SHARES": 0.5, "NOTES": 0.4, "GOLD": 0.08, "CASH": 0.02}
START = "2020-02-20"


def make_returns(sessions=100, seed=3):
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2020-01-02", periods=sessions)
    moves = rng.normal([0.0004, 0.0001, 0.0002], [0.012, 0.004, 0.009], (sessions, 3))
    return pd.DataFrame(moves, index=days, columns=list(RISKY))


def make_chronicle(returns=None, *, costs=0.001, signals=None):
    returns = make_returns() if returns is None else returns
    made = Costs(np.full(len(UNIVERSE), costs), ticket_fee=2.0 if costs else 0.0)
    return Chronicle.from_returns(returns, UNIVERSE, costs=made, cash=0.03, signals=signals)


def make_policy(trigger="band", *extra, playbook=None, **rules):
    limits = (Deviation(most=0.10), Band(on=list(RISKY), absolute=0.01, use="trigger"), *extra)
    policy = Policy(limits=limits, models={"mix": MIX}, rebalance=Rebalance(trigger, **rules))
    return policy if playbook is None else replace(policy, playbook=playbook)


def make_playbook(steps=()):
    signal = Signal("lead", "published", ("lead",), "SHARES - NOTES", {}, steps, stale_days=10)
    opinion = Opinion("SHARES - NOTES", ("lead",), "lead", scale="raw", unit=0.02, horizon_days=30, least=0.0)
    return Playbook(signals=(signal,), opinions=(opinion,))


VIEWS = (
    View("SHARES - NOTES", 0.03, 0.5, since=dt.date(2020, 3, 10), until=dt.date(2020, 4, 20), id="spring"),
    View("GOLD - NOTES", 0.02, 0.4, since=dt.date(2020, 4, 1), id="gold"),
)
POLICIES = {
    "band": make_policy(),
    "always": make_policy("always", TrackingError(most=0.03, tier=1), Turnover(most=0.1, per_year=0.8, tier=2)),
    "calendar": make_policy(("calendar", "views"), every_sessions=10, cooldown_sessions=3),
    "edge": make_policy("band", destination="edge"),
    "timed": make_policy("band", TimeLimit(life_days=25, reversion_days=10)),
    "phased": replace(make_policy(), phases=Phases(((0, 0.5), (10, 0.5)))),
    "stepped": replace(make_policy(), phases=Phases(((0, 0.4), (7, 0.3), (21, 0.3)), of="remaining")),
    "forgiving": make_policy("band", Position(on="SHARES", most=0.505, grandfather=True, cure_days=12)),
    "all of it": replace(
        make_policy(
            ("band", "views"),
            TimeLimit(life_days=30, reversion_days=8, rest_days=10, shape="steps"),
            Position(on="NOTES", most=0.405, grandfather=True, cure_days=9),
        ),
        phases=Phases(((0, 0.5), (12, 0.5))),
    ),
}


@pytest.mark.parametrize("name", ["band", "always", "calendar", "phased"])
def test_money_adds_up_to_the_last_cent(name):
    chronicle = make_chronicle()
    flows = pd.Series({pd.Timestamp("2020-03-16"): 50_000.0, pd.Timestamp("2020-04-15"): -30_000.0})
    found = backtest(POLICIES[name], chronicle, START, views=VIEWS, flows=flows)
    days, grown = found.days, chronicle.returns.loc[found.days.index[1:]]
    by_hand = days["nav"].to_numpy()[:-1] * (found.weights.to_numpy()[:-1] * grown.to_numpy()).sum(1)
    np.testing.assert_allclose(days["gained"].to_numpy()[1:], by_hand, atol=1e-6)
    change = days["nav"].diff().iloc[1:]
    np.testing.assert_allclose(change, (days["gained"] + days["flow"] - days["cost"]).iloc[1:], atol=1e-6)
    assert days["flow"].sum() == 20_000.0
    traded = found.trades.groupby("date")
    fees = 2.0 * traded.size()
    costs = days.loc[days["trades"] > 0, "cost"]
    np.testing.assert_allclose(costs, traded["cost"].sum() + fees, rtol=1e-9)
    np.testing.assert_allclose(found.trades["cost"], 0.001 * found.trades["value"], rtol=1e-9)
    assert len(found.trades) > 5
    np.testing.assert_allclose(found.weights.sum(axis=1), 1.0, atol=1e-12)


def test_holding_is_compounded_drift():
    never = make_policy(destination="flow")
    chronicle = make_chronicle()
    found = backtest(never, chronicle, START)
    assert not len(found.trades)
    grown = (1.0 + chronicle.returns.loc[found.days.index[1:]]).cumprod()
    drifted = 1e6 * (grown * pd.Series(MIX)[list(UNIVERSE.assets)]).sum(axis=1)
    np.testing.assert_allclose(found.days["nav"].iloc[1:], drifted, rtol=1e-12)


def test_free_daily_rebalancing_earns_the_strategic_return():
    chronicle = make_chronicle(costs=0.0)
    found = backtest(make_policy("always"), chronicle, START)
    earned = (chronicle.returns.loc[found.returns.index] * pd.Series(MIX)[list(UNIVERSE.assets)]).sum(axis=1)
    np.testing.assert_allclose(found.returns, earned, atol=1e-9)


def tomorrow(returns):
    """A series that says today what shares less notes will do until the next close: nobody could know it."""
    ahead = (returns["SHARES"] - returns["NOTES"]).shift(-1).fillna(0.0)
    return Panel.from_series({"lead": 200.0 * ahead})


def test_tomorrows_return_earns_nothing_a_day_later():
    """Traded at the close it is known at it earns a fortune; a day later it has already been earned by others."""
    returns = make_returns(110)
    policy = make_policy("always", playbook=make_playbook())
    chronicle = make_chronicle(returns, costs=0.0, signals=tomorrow(returns))
    plain = backtest(make_policy("always"), make_chronicle(returns, costs=0.0), START)
    gains = {}
    for lag in (0, 1):
        made = backtest(policy, chronicle, START, conduct=Conduct(lag_days=lag, read="session"))
        active = made.returns - plain.returns
        gains[lag] = float(active.mean() / (active.std() / np.sqrt(len(active))))
    assert gains[0] > 6.0
    assert abs(gains[1]) < 2.0


@pytest.mark.parametrize("name", ["band", "timed"])
def test_shuffling_the_future_changes_nothing_before_it(name):
    returns, cut = make_returns(), 75
    later = returns.copy()
    order = np.random.default_rng(1).permutation(len(returns) - cut) + cut
    later.iloc[cut:] = returns.to_numpy()[order] * 1.5
    policy = replace(POLICIES[name], playbook=make_playbook((("zscore", {"window": 20, "least": 10}),)))
    found = []
    for each in (returns, later):
        lead = Panel.from_series({"lead": each["SHARES"].rolling(5).mean() * 100})
        found.append(backtest(policy, make_chronicle(each, signals=lead), START, views=VIEWS))
    until = returns.index[cut - 1]
    for table in ("days", "weights", "audit"):
        pd.testing.assert_frame_equal(*(getattr(each, table).loc[:until] for each in found), check_exact=True)
    first, second = (each.trades.loc[pd.to_datetime(each.trades["date"]) <= until] for each in found)
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert len(first) > 3
    assert not found[0].weights.equals(found[1].weights)


@pytest.mark.parametrize(
    ("name", "stop"),
    [("band", "2020-03-31"), ("calendar", "2020-04-08"), ("timed", "2020-04-08"), ("phased", "2020-04-03")],
)
def test_going_on_is_the_same_as_never_stopping(name, stop):
    chronicle, policy = make_chronicle(), POLICIES[name]
    whole = backtest(policy, chronicle, START, views=VIEWS)
    first = backtest(policy, chronicle, START, stop, views=VIEWS)
    both = backtest(policy, chronicle, views=VIEWS, after=first)
    for table in ("days", "weights", "trades", "audit"):
        pd.testing.assert_frame_equal(getattr(both, table), getattr(whole, table), check_exact=True)
    assert both.returns.equals(whole.returns)
    assert both.cash_returns.equals(whole.cash_returns)
    assert both.stance.account == whole.stance.account


@pytest.mark.parametrize("name", ["band", "calendar", "edge", "timed", "phased", "forgiving", "stepped", "all of it"])
@pytest.mark.parametrize("seed", [3, 8])
def test_days_that_are_passed_over_would_have_asked_for_nothing(name, seed, monkeypatch):
    """The screen in numpy against the one rule asked on every day, what the account keeps included."""
    from trimtab.scenarios import walks

    chronicle = make_chronicle(make_returns(seed=seed))
    quick = backtest(POLICIES[name], chronicle, START, views=VIEWS)
    monkeypatch.setattr(walks, "may_skip", lambda *_: False)
    slow = backtest(POLICIES[name], chronicle, START, views=VIEWS)
    columns = ["opened", "cost", "nav", "turnover", "trades", "outcome", "cause"]
    pd.testing.assert_frame_equal(quick.days[columns], slow.days[columns], check_exact=True)
    pd.testing.assert_frame_equal(quick.weights, slow.weights, check_exact=True)
    assert (quick.days["reason"] != slow.days["reason"]).any()
    kept = ("positions", "breaches", "phases", "history", "last_rebalance", "last_views")
    for field in kept:
        assert getattr(quick.stance.account, field) == getattr(slow.stance.account, field)


def test_every_number_was_known_and_the_audit_says_since_when():
    returns = make_returns()
    lead = Panel.from_series({"lead": returns["SHARES"].rolling(5).mean() * 100}, lag_days=3)
    policy = make_policy(playbook=make_playbook())
    found = backtest(policy, make_chronicle(returns, signals=lead), START, conduct=Conduct(lag_days=2, read="month"))
    audit = found.audit
    on = [stamp.date() for stamp in audit.index]
    assert (audit["prices"] == on).all()
    assert (audit["as_of"] == [day - dt.timedelta(2) for day in on]).all()
    for name in ("returns", "signals", "views"):
        known = audit.loc[audit[name].notna(), name]
        assert len(known) > 30
        assert (known <= audit.loc[known.index, "as_of"]).all()


def test_what_a_position_remembers_travels_with_the_account():
    found = backtest(POLICIES["timed"], make_chronicle(), START, views=VIEWS)
    assert any("time" in str(reason) or "expire" in str(reason) for reason in found.days["cause"])
    away = (found.weights["SHARES"] - MIX["SHARES"]).abs()
    assert away.max() > 0.02


def test_bad_questions_are_told():
    chronicle, policy = make_chronicle(), make_policy()
    with pytest.raises(InputError, match="no session"):
        backtest(policy, chronicle, "2031-01-01")
    with pytest.raises(InputError, match="no model 'mxi'"):
        backtest(policy, chronicle, START, account="mxi")
    with pytest.raises(InputError, match="returns were known"):
        backtest(policy, chronicle, "2020-01-10")
    with pytest.raises(InputError, match="no session"):
        backtest(policy, chronicle, START, flows=pd.Series({pd.Timestamp("2020-03-07"): 1.0}))
    broke = Account("a", "mix", {"SHARES": -5.0})
    with pytest.raises(InputError):
        backtest(policy, chronicle, START, account=broke)
    gap = make_returns()
    gap.iloc[40, 1] = np.nan
    with pytest.raises(InputError, match="has no level"):
        make_chronicle(gap)


def test_statistics_stand_beside_what_they_took():
    chronicle = make_chronicle()
    found, hold = (backtest(p, chronicle, START, views=VIEWS) for p in (make_policy(), make_policy(destination="flow")))
    table = found.judge(hold, draws=200)
    assert {"sharpe", "information_ratio", "turnover", "cost", "time_in_position"} <= set(table.index)
    assert table.loc["turnover", "value"] > 0
    assert 0 < table.loc["time_in_position", "value"] <= 1
    took = table.loc[["turnover", "cost", "time_in_position"]]
    assert (took["low"] <= took["value"]).all()
    assert (took["value"] <= took["high"]).all()
    assert (took["low"] < took["high"]).all()
    assert table.loc["turnover", "value"] == pytest.approx(found.turnover_per_year)
    assert table.loc["cost", "value"] == pytest.approx(found.cost_per_year)
    assert "trades on" in str(found)
    assert list(found.to_frame().columns[-4:]) == [f"weight:{a}" for a in UNIVERSE.assets]
