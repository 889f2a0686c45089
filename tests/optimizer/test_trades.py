"""Whole trades: every target keeps every limit, and the exact path finds what enumeration finds."""

import dataclasses
import datetime as dt
import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints.cash import Cash
from trimtab.constraints.deviations import Deviation
from trimtab.constraints.groups import Group
from trimtab.constraints.leverages import Leverage
from trimtab.constraints.policies import Policy
from trimtab.constraints.positions import Position
from trimtab.constraints.settings import Trading
from trimtab.constraints.tickets import Lots, TradeCount, TradeSize
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.models.accounts import Account
from trimtab.models.markets import Market
from trimtab.models.tilts import tilt
from trimtab.models.views import View
from trimtab.optimizer.problems import state
from trimtab.optimizer.solutions import Outcome, solve
from trimtab.optimizer.tickets import judge, read_tickets
from trimtab.optimizer.trades import choose_target

BASE = (Deviation(0.08), Turnover(0.2))
NARROW = Group("equity", least=-0.02, most=0.02, around="strategic")
"""The accounts here start outside it."""
VIEWS = [View("equity - bonds", 0.02, 0.5, id="v1"), View("a0 - a1", 0.03, 0.7, id="v2")]


def desk(
    n=4, limits=BASE, trading=None, *, fee=0.0, prices=None, long_only=True, cash=0.03, impact=0.0, seed=0, model=None
):
    """Return a problem with its market and strategic weights."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, n)) * 0.05
    names = [f"a{i}" for i in range(n)]
    assets = pd.DataFrame({"asset_class": ["equity" if i % 2 else "bonds" for i in range(n)]}, index=names)
    prices = rng.uniform(20, 200, n) if prices is None else np.array(prices, dtype=float)
    covariance = pd.DataFrame(factor @ factor.T + np.diag(rng.uniform(0.05, 0.2, n) ** 2), names, names)
    market = Market.from_frames(assets, covariance, costs=0.001, prices=dict(zip(names, prices, strict=True)))
    adv = np.full(len(market.universe), 1e8)
    market = dataclasses.replace(
        market, costs=dataclasses.replace(market.costs, ticket_fee=fee, impact=impact, adv=adv)
    )
    b = rng.dirichlet(np.full(n, 5.0)) * (1 - cash)
    model = model or dict(zip(names, b, strict=True)) | {market.universe.assets[market.universe.cash]: cash}
    policy = Policy(limits=tuple(limits), models={"m": model}, trades=trading or Trading(), long_only=long_only)
    return SimpleNamespace(
        problem=state(policy, market),
        market=market,
        b=b,
        names=names,
        cash=cash,
        cash_name=market.universe.assets[market.universe.cash],
    )


def account(d, seed=0, nav=2e4, flow=0.0, spread=0.2):
    rng = np.random.default_rng(seed)
    w = d.b * np.exp(rng.normal(size=len(d.b)) * spread)
    w *= (1 - d.cash) / w.sum()
    return Account.from_weights(
        "1", "m", dict(zip(d.names, w, strict=True)) | {d.cash_name: d.cash}, nav, d.market, cash_flow=flow
    )


def ideal_of(d, acc):
    found = solve(d.problem, acc, tilt(VIEWS, d.market, d.problem.policy.model(acc), dt.date(2020, 1, 1)))
    assert found.outcome is Outcome.OPTIMAL, found.reason
    return found


def with_trading(d, **changes):
    policy = dataclasses.replace(d.problem.policy, trades=dataclasses.replace(d.problem.policy.trades, **changes))
    return SimpleNamespace(**{**vars(d), "problem": state(policy, d.market)})


def figures(solution, weights):
    """Return tickets, trades (signed), net utility and worth * trades + turnover of weights."""
    tickets = read_tickets(solution.problem, solution.case)
    verdict = judge(tickets, np.array(weights)[None])
    z = np.array(weights - solution.case.program.current)
    z[solution.case.program.cash] = 0.0
    return SimpleNamespace(
        tickets=tickets,
        z=z,
        u=float(verdict.utility[0]),
        n=int(verdict.count[0]),
        value=float(tickets.worth * verdict.count[0] + verdict.turnover[0]),
    )


def check(solution, target):
    """Check a target from the program's own numbers, apart from the code under test."""
    program, f = solution.case.program, figures(solution, target.weights)
    most = program.most - f.tickets.floors * f.tickets.fee * f.n
    assert dataclasses.replace(program, most=most).violations(target.weights).max() <= 1e-9
    assert abs(target.weights.sum() - 1) < 1e-14
    still = f.z == 0
    assert (
        target.weights[still & (np.arange(len(still)) != program.cash)]
        == program.current[still & (np.arange(len(still)) != program.cash)]
    ).all()
    whole = f.tickets.lot > 0
    lots = f.z[whole] / f.tickets.lot[whole]
    np.testing.assert_allclose(lots, np.round(lots), rtol=0, atol=1e-9)
    assert (np.abs(f.z[~still]) >= f.tickets.least[~still] - 1e-9).all()
    assert f.n <= f.tickets.most
    assert target.trades == f.n
    assert f.u >= program.utility(solution.ideal) - target.indifference - 1e-12
    assert target.bound <= f.value + 1e-9
    return f


MIXES = {
    "indifference": (BASE, {"indifference": 1e-4}, 0.0),
    "lots": ((*BASE, Lots(1)), {}, 0.0),
    "lots and indifference": ((*BASE, Lots(1)), {"indifference": 2e-4}, 0.0),
    "lots inside a tracking error": ((*BASE, Lots(1), TrackingError(0.006)), {"indifference": 5e-5}, 0.0),
    "lots of some": ((*BASE, Lots(1, on=("a0", "a2"))), {"indifference": 5e-5}, 0.0),
    "smallest ticket": ((*BASE, TradeSize(least="2%")), {"indifference": 1e-5}, 0.0),
    "count": ((*BASE, TradeCount(2)), {}, 0.0),
    "fees": (BASE, {"indifference": 1e-5}, 4.0),
    "all": ((*BASE, Lots(1), TradeSize(least_value=300), TradeCount(3)), {"indifference": 1e-4}, 2.0),
}


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", MIXES)
def test_every_target_keeps_every_limit(name, exact):
    limits, trading, fee = MIXES[name]
    d = desk(5, limits, Trading(exact=exact, **trading), fee=fee)
    for seed in range(2):
        solution = ideal_of(d, account(d, seed))
        target = choose_target(solution)
        assert not target.reason
        check(solution, target)


@pytest.mark.parametrize("name", MIXES)
def test_exact_is_never_worse_than_fast(name):
    limits, trading, fee = MIXES[name]
    d = desk(5, limits, Trading(**trading), fee=fee, seed=1)
    e = with_trading(d, exact=True)
    for seed in range(2):
        solution, again = ideal_of(d, account(d, seed)), ideal_of(e, account(d, seed))
        fast, exact = choose_target(solution), choose_target(again)
        f, x = figures(solution, fast.weights), figures(again, exact.weights)
        assert exact.indifference <= fast.indifference + 1e-9
        if exact.indifference >= fast.indifference - 1e-9:
            assert x.value <= f.value + 2e-6


@pytest.mark.parametrize("indifference", [0.0, 1e-4, 5e-4])
@pytest.mark.parametrize(
    "limits",
    [(), (TradeSize(least="3%"),), (TradeCount(2),), (TrackingError(0.01),), (NARROW,), (NARROW, TrackingError(0.01))],
)
def test_exact_finds_what_enumeration_finds(limits, indifference):
    d = desk(3, (*BASE, Lots(1), *limits), Trading(indifference, exact=True), fee=1.0, prices=[210.0, 130.0, 90.0])
    for seed in range(2):
        solution = ideal_of(d, account(d, seed, nav=1e4))
        target = choose_target(solution)
        f = check(solution, target)
        program, tickets = solution.case.program, f.tickets
        most = np.where(tickets.lot > 0, np.minimum(0.2, 1.0) / np.maximum(tickets.lot, 1e-9), 0).astype(int) + 1
        lots = np.array(
            list(
                itertools.product(*(range(-m, m + 1) if t else [0] for m, t in zip(most, tickets.lot > 0, strict=True)))
            )
        )
        points = program.current + tickets.lots_to_weight(lots)
        points[:, program.cash] = 1 - np.delete(points, program.cash, axis=1).sum(axis=1)
        verdict = judge(tickets, points)
        allowed = verdict.excess == 0
        best = verdict.utility[allowed].max()
        level = program.utility(solution.ideal) - indifference
        assert f.u >= min(best, level) - 1e-11
        if best >= level:
            cost = tickets.worth * verdict.count + verdict.turnover
            least = cost[allowed & (verdict.utility >= level)].min()
            assert f.value == pytest.approx(least, abs=1e-9)
            plain = choose_target(ideal_of(with_trading(d, exact=False), account(d, seed, nav=1e4)))
            assert plain.bound <= least + 1e-9
        else:
            assert target.indifference == pytest.approx(program.utility(solution.ideal) - best, abs=1e-11)
            assert "give" in target.notes[0]


def test_without_lots_tickets_count_fee_or_indifference_the_target_is_the_ideal():
    d = desk(4)
    solution = ideal_of(d, account(d))
    assert choose_target(solution).weights is solution.ideal


def test_paying_for_a_trade_that_is_not_made_never_profits():
    # Cash at its ceiling: fees for nothing would burn the cash that costs a trade to spend.
    d = desk(4, (*BASE, Cash(least=0.0, most=0.03)), Trading(5e-4, exact=True), fee=30.0)
    for seed in range(3):
        solution = ideal_of(d, account(d, seed, flow=0.0))
        target = choose_target(solution)
        f = check(solution, target)
        assert f.n == np.count_nonzero(f.z)
        assert target.weights[solution.case.program.cash] <= 0.03 + 1e-9
        assert target.weights[solution.case.program.cash] - f.tickets.fee * f.n >= -1e-9


def test_a_larger_indifference_never_costs_more_trades_and_turnover():
    last = np.inf
    for indifference in (1e-6, 1e-4, 1e-3, 0.5):
        d = desk(5, (Turnover(0.5),), Trading(indifference, trade_worth=1.0, exact=True))
        solution = ideal_of(d, account(d, 3))
        f = figures(solution, choose_target(solution).weights)
        assert f.value <= last + 1e-6
        last = f.value
    assert f.n == 0


def test_a_lot_above_what_a_limit_allows_is_named():
    # a0 stands at 30 %, may be 20 % at most, and one unit of it is 37 % of the account.
    model = {"a0": 0.15, "a1": 0.45, "a2": 0.3, "CASH": 0.1}
    d = desk(3, (Lots(1), Position(on="a0", most=0.2)), prices=[3700.0, 50.0, 50.0], model=model)
    acc = Account.from_weights("1", "m", {"a0": 0.3, "a1": 0.3, "a2": 0.3, d.cash_name: 0.1}, 1e4, d.market)
    target = choose_target(ideal_of(d, acc))
    assert "whole lots (one of a0 is 37.00%)" in target.reason
    assert "position on a0" in target.reason or "long_only on a0" in target.reason


def test_a_withdrawal_sells_enough_whole_lots():
    for exact in (False, True):
        d = desk(4, (Deviation(0.15), Lots(1)), Trading(exact=exact), fee=2.0, prices=[150.0, 90.0, 220.0, 70.0])
        solution = ideal_of(d, account(d, 1, nav=2e4, flow=-3000.0))
        assert solution.case.program.current[solution.case.program.cash] < 0
        f = check(solution, choose_target(solution))
        assert (f.z <= 0).any()


def test_no_trades_allowed_means_standing_still_or_a_reason():
    d = desk(4, (Deviation(0.3), TradeCount(0)))
    solution = ideal_of(d, account(d))
    target = choose_target(solution)
    assert (target.weights == solution.case.program.current).all()
    assert "trade count gives up" in target.notes[0]
    model = {"a0": 0.05, "a1": 0.3, "a2": 0.3, "a3": 0.32, "CASH": 0.03}
    forced = desk(4, (Deviation(0.3), Position(on="a0", most=0.1), TradeCount(0)), model=model)
    acc = Account.from_weights(
        "1", "m", {"a0": 0.3, "a1": 0.2, "a2": 0.2, "a3": 0.27, forced.cash_name: 0.03}, 2e4, forced.market
    )
    reason = choose_target(ideal_of(forced, acc)).reason
    assert "at most 0 trades" in reason
    assert "position on a0" in reason


def test_a_ticket_above_any_trade_stands_still():
    d = desk(4, (Deviation(0.3), TradeSize(least="90%")))
    target = choose_target(ideal_of(d, account(d)))
    assert target.trades == 0
    assert "smallest ticket" in target.notes[0]


@pytest.mark.parametrize("exact", [False, True])
def test_shorts_and_impact(exact):
    d = desk(
        4, (Deviation(0.2), Leverage(1.3), Lots(1)), Trading(1e-4, exact=exact), long_only=False, impact=1.0, fee=1.0
    )
    for seed in range(2):
        solution = ideal_of(d, account(d, seed))
        check(solution, choose_target(solution))


def test_the_same_twice_bit_for_bit():
    limits, trading, fee = MIXES["all"]
    for exact in (False, True):
        d = desk(6, limits, Trading(exact=exact, **trading), fee=fee)
        solution = ideal_of(d, account(d, 5))
        assert choose_target(solution).weights.tobytes() == choose_target(solution).weights.tobytes()
