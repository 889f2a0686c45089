"""Whole trades for many accounts at once: every account as if alone, every limit kept, near what is proved best."""

import dataclasses
import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints.cash import Cash
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.groups import Group
from trimtab.constraints.leverages import Leverage
from trimtab.constraints.policies import Policy
from trimtab.constraints.settings import Trading
from trimtab.constraints.tickets import Lots, TradeCount, TradeSize
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.models.accounts import Account
from trimtab.models.cohorts import Cohort
from trimtab.models.markets import Market
from trimtab.models.tilts import tilt
from trimtab.models.views import View
from trimtab.optimizer.answers import Multipliers
from trimtab.optimizer.problems import pose_all, state
from trimtab.optimizer.solutions import Outcome, solve
from trimtab.optimizer.targets import choose_targets, gaps
from trimtab.optimizer.tickets import judge, read_tickets
from trimtab.optimizer.trades import choose_target

VIEWS = [View("equity - bonds", 0.02, 0.5, id="v1"), View("a0 - a1", 0.03, 0.7, id="v2")]
BASE = (Deviation(0.08), Turnover(0.2))
ON = dt.date(2020, 1, 1)

MIXES = {
    "indifference": (BASE, Trading(1e-4), {}),
    "lots": ((*BASE, Lots(1)), Trading(), {}),
    "lots, ticket, indifference": ((*BASE, Lots(1), TradeSize(least_value=300)), Trading(1e-4), {}),
    "tracking error and group": (
        (*BASE, Lots(1), TrackingError(0.006), Group(on="equity", around="strategic", least=-0.03, most=0.03)),
        Trading(5e-5),
        {},
    ),
    "lots of some": ((*BASE, Lots(1, on=("a0", "a2"))), Trading(5e-5), {}),
    "count": ((*BASE, TradeCount(2), Lots(1)), Trading(), {}),
    "fees and cash": ((*BASE, Cash(least=0.01, most=0.1), Lots(1)), Trading(1e-5), {"fee": 4.0}),
    "impact": ((*BASE, Lots(1)), Trading(1e-4), {"impact": 1.0}),
    "shorts": ((Deviation(0.2), Leverage(1.3), Lots(1)), Trading(1e-4), {"long_only": False, "fee": 1.0}),
}


def desk(limits, trading, *, n=6, m=12, fee=0.0, impact=0.0, long_only=True, seed=0, nav=(1e4, 1e5)):
    """Return a problem, its accounts one by one and as cases, their ideals and the prices there."""
    rng = np.random.default_rng(seed)
    names = [f"a{i}" for i in range(n)]
    assets = pd.DataFrame({"asset_class": ["equity" if i % 2 else "bonds" for i in range(n)]}, index=names)
    factor = rng.normal(size=(n, n)) * 0.05
    covariance = pd.DataFrame(factor @ factor.T + np.diag(rng.uniform(0.05, 0.2, n) ** 2), names, names)
    prices = dict(zip(names, rng.uniform(20, 200, n), strict=True))
    market = Market.from_frames(assets, covariance, costs=0.001, prices=prices)
    adv = np.full(len(market.universe), 1e8)
    costs = dataclasses.replace(market.costs, ticket_fee=fee, impact=impact, adv=adv)
    market = dataclasses.replace(market, costs=costs)
    cash = market.universe.assets[market.universe.cash]
    b = rng.dirichlet(np.full(n, 5.0)) * 0.97
    policy = Policy(tuple(limits), {"m": dict(zip(names, b, strict=True)) | {cash: 0.03}}, trades=trading,
                    long_only=long_only)  # fmt: skip
    problem = state(policy, market)
    accounts = []
    for k in range(m):
        w = b * np.exp(rng.normal(size=n) * 0.2)
        w *= 0.97 / w.sum()
        size = float(rng.uniform(*nav))
        flow = float(rng.choice([0.0, 0.0, 0.03, -0.02])) * size
        weights = dict(zip(names, w, strict=True)) | {cash: 0.03}
        accounts.append(Account.from_weights(str(k), "m", weights, size, market, cash_flow=flow))
    belief = tilt(VIEWS, market, policy.model(accounts[0]), ON)
    solutions = [solve(problem, a, belief) for a in accounts]
    solved = [k for k, s in enumerate(solutions) if s.outcome is Outcome.OPTIMAL]
    accounts, solutions = [accounts[k] for k in solved], [solutions[k] for k in solved]
    units = np.zeros((len(accounts), len(market.universe)))
    for i, one in enumerate(accounts):
        for asset, quantity in one.quantities.items():
            units[i, market.universe.positions[asset]] = quantity
    flows = np.array([a.cash_flow for a in accounts])
    cohort = Cohort(np.array([a.id for a in accounts]), "m", units, np.zeros_like(units), flows)
    cases, kept = pose_all(problem, cohort, belief)
    assert len(kept) == len(accounts) >= 0.6 * m
    ideal = np.array([s.ideal for s in solutions])
    prices = [s.multipliers for s in solutions]
    stacked = Multipliers(*(np.array([getattr(p, f) for p in prices]) for f in ("budget", "rows", "trades", "balls")))
    return SimpleNamespace(problem=problem, cases=cases, ideal=ideal, prices=stacked, solutions=solutions)


def choose(d, which=None):
    if which is None:
        return choose_targets(d.problem, d.cases, d.ideal, d.prices)
    which = np.asarray(which)
    return choose_targets(d.problem, d.cases.pick(which), d.ideal[which], d.prices.pick(which))


@pytest.mark.parametrize("name", MIXES)
def test_every_settled_target_keeps_every_rule(name):
    limits, trading, more = MIXES[name]
    d = desk(limits, trading, **more)
    targets = choose(d)
    assert targets.settled.mean() >= 0.7
    tickets, program, cash = read_tickets(d.problem, d.cases), d.cases.program, d.cases.program.cash
    z = targets.weights - program.current
    z[:, cash] = 0.0
    for i in np.flatnonzero(targets.settled):
        one, own = program.pick(int(i)), z[i]
        trades = np.count_nonzero(own)
        most = one.most - tickets.floors * tickets.fee[i] * trades
        assert dataclasses.replace(one, most=most).violations(targets.weights[i]).max() <= 1e-9
        whole = tickets.lot[i] > 0
        lots = own[whole] / tickets.lot[i, whole]
        np.testing.assert_allclose(lots, np.round(lots), rtol=0, atol=1e-9)
        assert (np.abs(own[own != 0]) >= tickets.least[i, own != 0] - 1e-9).all()
        assert trades == targets.trades[i] <= tickets.most
        net = one.utility(targets.weights[i]) - tickets.yearly[i] * trades
        best = one.utility(d.ideal[i])
        assert net >= best - targets.indifference[i] - 1e-12
        # Never worse than holding still, where that is allowed.
        if one.violations(one.current).max() <= 1e-9:
            assert targets.indifference[i] <= max(best - one.utility(one.current), trading.indifference) + 1e-12
        assert bool(targets.notes[i]) == (best - net > trading.indifference + 1e-9)
    apart = ~targets.settled
    assert (targets.weights[apart] == program.current[apart]).all()


@pytest.mark.parametrize("name", MIXES)
def test_an_account_is_decided_as_if_alone(name):
    limits, trading, more = MIXES[name]
    d = desk(limits, trading, seed=2, **more)
    m = len(d.ideal)
    together = choose(d)
    turned = choose(d, np.arange(m)[::-1])
    assert turned.weights[::-1].tobytes() == together.weights.tobytes()
    for i in range(0, m, 3):
        alone = choose(d, [i])
        assert alone.weights[0].tobytes() == together.weights[i].tobytes()
        assert alone.notes[0] == together.notes[i]
        assert (alone.given_up[0], alone.indifference[0]) == (together.given_up[i], together.indifference[i])


def test_one_account_asked_by_itself_gets_what_the_chunk_gave_it():
    limits, trading, more = MIXES["lots, ticket, indifference"]
    d = desk(limits, trading, **more)
    targets = choose(d)
    bound, gap = gaps(d.problem, d.cases, d.ideal, d.prices, targets, np.arange(len(d.ideal)))
    for i in np.flatnonzero(targets.settled):
        one = choose_target(d.solutions[i])
        np.testing.assert_allclose(one.weights, targets.weights[i], rtol=0, atol=1e-12)
        assert one.notes == targets.notes[i]
        assert one.gap == pytest.approx(gap[i], abs=1e-9)
        assert one.bound == pytest.approx(bound[i], abs=1e-9)


def test_without_rules_of_whole_trades_the_target_is_the_ideal():
    d = desk(BASE, Trading())
    targets = choose(d)
    assert targets.weights is d.ideal
    assert targets.settled.all()
    assert not any(targets.notes)


def test_exact_trades_are_asked_one_by_one():
    d = desk((*BASE, Lots(1)), Trading(exact=True), m=3)
    targets = choose(d)
    assert not targets.settled.any()
    assert (targets.weights == d.cases.program.current).all()


def test_bounds_hold_and_targets_are_near_what_is_proved_best():
    limits, trading, more = MIXES["lots, ticket, indifference"]
    d = desk(limits, trading, m=8, nav=(5e4, 2e5), seed=4, **more)
    targets = choose(d)
    tickets = read_tickets(d.problem, d.cases)
    verdict = judge(tickets, targets.weights)
    value = tickets.worth * verdict.count + verdict.turnover
    which = np.flatnonzero(targets.settled)
    bound, gap = gaps(d.problem, d.cases, d.ideal, d.prices, targets, which)
    np.testing.assert_allclose(bound + gap, value[which], rtol=0, atol=1e-12)
    policy = dataclasses.replace(d.problem.policy, trades=dataclasses.replace(trading, exact=True))
    exact = state(policy, d.problem.market)
    ours, best = 0.0, 0.0
    for k, i in enumerate(which):
        proved = choose_target(dataclasses.replace(d.solutions[i], problem=exact))
        one = judge(tickets.pick(int(i)), proved.weights[None])
        least = float(tickets.worth * one.count[0] + one.turnover[0])
        if abs(proved.indifference - targets.indifference[i]) < 1e-9:
            assert bound[k] <= least + 1e-9
            ours, best = ours + value[i], best + least
    assert best > 0
    assert ours <= 1.06 * best


def test_of_nobody_there_is_nothing_to_choose():
    """A day of a backtest on which the only account is not solved asks for the targets of none."""
    limits, trading, more = MIXES["lots"]
    targets = choose(desk(limits, trading, m=4, **more), np.array([], dtype=int))
    assert targets.weights.shape == (0, 7)
    assert len(targets.settled) == len(targets.given_up) == len(targets.notes) == 0
