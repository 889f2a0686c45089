"""How far accounts go: to the edge at the least cost, a part of the way, or only with the cash that comes or goes."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Band, Deviation, Group, Lots, Policy, Rebalance, TradeSize, Trading, Turnover
from trimtab.models import Account, Market, Tilt
from trimtab.models.cohorts import Cohort
from trimtab.optimizer import Outcome, due, rebalance, solve
from trimtab.optimizer.certificates import CERTIFIED_TE, RESIDUAL
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.edges import DUST, SPARE, TRIFLE
from trimtab.optimizer.problems import outline
from trimtab.optimizer.tactical import tactical_targets

SAMPLE = int(os.environ.get("TRIMTAB_CAMPAIGN", "24"))
ON = dt.date(2026, 11, 20)
CLASSES = ("equity", "bonds", "real")


def to(policy, destination, *limits, trigger="always", **others):
    """The same mandate with bands, and another destination."""
    return replace(policy, limits=(*policy.limits, *limits), rebalance=Rebalance(trigger, destination, **others))


def drifted(d, size=3):
    """The account of a draw and others that have drifted elsewhere, as a cohort and one by one."""
    rng = np.random.default_rng([d.seed, 8])
    universe = d.market.universe
    held = np.array([d.account.quantities.get(a, 0.0) for a in universe.assets])
    quantities = held * np.exp(rng.normal(0, 0.15, (size, len(held))))
    rules = {}
    for asset, rule in d.account.restrictions:
        rules.setdefault(rule, np.zeros(quantities.shape, dtype=bool))[:, universe.positions[asset]] = True
    overrides = {name: np.full(size, own) for name, own in d.account.overrides.items()}
    flows = np.full(size, d.account.cash_flow)
    ids = np.array([str(i) for i in range(size)], dtype=object)
    cohort = Cohort(ids, "m", quantities, np.zeros_like(quantities), flows, rules, overrides)
    units = [dict(zip(universe.assets, row, strict=True)) for row in quantities]
    return cohort, [replace(d.account, id=str(i), quantities=own) for i, own in enumerate(units)]


def bands_of(seed):
    rng = np.random.default_rng([seed, 9])
    width = float(rng.uniform(0.01, 0.04))
    one = Band(width) if rng.random() < 0.5 else Band(relative=float(rng.uniform(0.1, 0.4)), floor=0.01)
    whole = Band((width, 2 * width), on=str(rng.choice(CLASSES)), of="sum", name="whole")
    return (one, whole) if rng.random() < 0.5 else (one,)


# ------------------------------------------------------------------------------------------------------- the edge


def plain_edge(d, policy, target):
    """State the first program of the edge once more, in the plainest cvxpy; return the least cost."""
    w, w0, cash = cp.Variable(len(d.w0)), d.w0, len(d.w0) - 1
    kappa = np.maximum(np.array(d.market.costs.proportional), TRIFLE)
    kappa[cash] = 0.0
    stated = d.constraints(w)
    t = np.array(target)
    for band in policy.bands:
        if band.of == "sum":
            rows = [np.array([c == band.on for c in d.market.universe.classes], dtype=float)]
        else:
            rows = list(np.eye(len(w0)))
        for row in rows:
            centre = row @ t
            low, high = band.absolute if isinstance(band.absolute, tuple) else (band.absolute, band.absolute)
            if band.relative is not None:
                low = high = max(band.floor or 0.0, band.relative * abs(centre))
            stated += [row @ w >= centre - low, row @ w <= centre + high]
    far = abs(w0[cash] - t[cash])
    stated += [w[cash] - t[cash] <= far, t[cash] - w[cash] <= far]
    problem = cp.Problem(cp.Minimize(kappa @ cp.abs(w - w0)), stated)
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return str(problem.status), float(problem.value), kappa


def test_coming_back_costs_the_least_there_is(draws):
    """Against the plain statement: never dearer than its least cost and what may be spared, and gated."""
    compared = 0
    for seed in range(2 * SAMPLE):
        d = draws.draw(seed)
        if d.account.restrictions or {"restriction", "trade_size"} & set(d.kinds):
            continue  # they clip the target; tried below
        policy = to(d.policy, "edge", *bands_of(seed))
        problem = outline(policy, d.market)
        target = tactical_targets(problem, "m", np.array([policy.aversion(d.account)]), d.belief)[0]
        if np.isnan(target).any() or not due(problem, d.account, d.belief, draws.ON):
            continue
        solution = solve(problem, d.account, d.belief)
        status, least, kappa = plain_edge(d, policy, target)
        if status != "optimal":
            continue  # the cash may be a little farther away here, for what coming back costs
        assert solution.outcome is Outcome.OPTIMAL, (seed, d.kinds, solution.reason)
        assert not solution.told, (seed, d.kinds)
        spent = kappa @ np.abs(solution.ideal - d.w0)
        spared = max(min(SPARE[0], SPARE[1] * least), DUST * kappa.mean())
        assert spent <= least + spared + 0.002 * least + 1e-9, (seed, d.kinds)
        assert solution.certificate.residual <= RESIDUAL
        assert solution.certificate.certified_te <= CERTIFIED_TE
        compared += 1
    assert compared >= 0.2 * SAMPLE


@pytest.fixture(scope="module")
def small():
    """Three funds and cash, dear enough to see the edge."""
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, index=["SPY", "EFA", "IEF"])
    numbers = [[0.0256, 0.0224, -0.0030], [0.0224, 0.0289, -0.0028], [-0.0030, -0.0028, 0.0036]]
    covariance = pd.DataFrame(numbers, assets.index, assets.index)
    return Market.from_frames(assets, covariance, costs=0.002)


MODELS = {"m": {"SPY": 0.40, "EFA": 0.20, "IEF": 0.35, "CASH": 0.05}}


def policy_of(destination, *limits, **others):
    trigger = others.pop("trigger", "band")
    trades = others.pop("trades", Trading())
    return Policy(limits, MODELS, trades=trades, rebalance=Rebalance(trigger, destination, **others))


def account_of(small, *weights, **others):
    held = dict(zip(small.universe.assets, weights, strict=True))
    return replace(Account.from_weights("1", "m", held, 1_000_000, small), **others)


def test_the_edge_is_reached_and_not_passed(small, desk):
    """SPY is 2 % beyond its band: it is sold to the edge, and what is bought instead is what was short."""
    account = account_of(small, 0.45, 0.20, 0.31, 0.04)
    proposal = rebalance(account, policy_of("edge", Band(0.03)), small, [], desk.on)
    target = proposal.weights["target"]
    assert proposal.outcome is Outcome.OPTIMAL
    assert proposal.reason.startswith("back at the edge")
    assert 0.43 - 4e-4 <= target["SPY"] <= 0.43 + 1e-9  # a hundredth of the cost may be spared for utility
    assert abs(target["CASH"] - 0.05) <= abs(0.04 - 0.05) + 1e-9
    assert target["IEF"] > 0.31 + 0.009  # its own edge is 0.32
    assert proposal.turnover == pytest.approx(0.02, abs=4e-4)  # half of it into IEF, half into the cash that was short
    assert proposal.certificate.released


def test_an_inner_band_is_gone_back_to_only_by_what_has_left(small, desk):
    """SPY goes back to a third of its band; EFA is beyond its own inner band, but has not left the outer one."""
    account = account_of(small, 0.45, 0.178, 0.332, 0.04)
    proposal = rebalance(account, policy_of("edge", Band(0.03, inner=0.3333333333)), small, [], desk.on)
    target = proposal.weights["target"]
    assert target["SPY"] == pytest.approx(0.41, abs=5e-4)
    assert target["SPY"] <= 0.41 + 1e-9
    assert 0.17 - 1e-9 <= target["EFA"] < 0.21


def test_a_class_comes_back_as_a_whole(small, desk):
    account = account_of(small, 0.44, 0.21, 0.30, 0.05)
    policy = policy_of("edge", Band(0.03, on="equity", of="sum", name="equity"))
    proposal = rebalance(account, policy, small, [], desk.on)
    assert proposal.cause.startswith("equity is 5.00% above")
    assert proposal.weights["target"][["SPY", "EFA"]].sum() == pytest.approx(0.63, abs=5e-4)
    assert "equity" in {r.limit for r in proposal.binding}


def test_who_stands_inside_everything_has_no_edge_to_come_back_to(small, desk):
    account = account_of(small, 0.41, 0.20, 0.34, 0.05)
    proposal = rebalance(account, policy_of("edge", Band(0.03), trigger=["band", "always"]), small, [], desk.on)
    assert proposal.outcome is Outcome.HELD
    assert "every band and limit holds" in proposal.reason
    free = replace(account, cash_flow=5_000.0)
    assert rebalance(free, policy_of("edge", Band(0.03)), small, [], desk.on).outcome is Outcome.HELD


def test_bands_that_cannot_all_be_met_send_the_account_all_the_way(small, desk):
    """A frozen fund takes the room of the others: the bands ask for more than 100 %."""
    account = account_of(small, 0.60, 0.10, 0.25, 0.05, restrictions=(("SPY", "frozen"),))
    proposal = rebalance(account, policy_of("edge", Band(0.03)), small, [], desk.on)
    assert proposal.outcome is Outcome.OPTIMAL
    assert proposal.notes == ("its bands cannot all be met at once, so it goes all the way",)
    strict = rebalance(account, policy_of("edge", Band(0.03, use="both")), small, [], desk.on)
    assert strict.outcome is Outcome.UNSOLVED


def test_lots_round_beyond_the_edge_and_not_before_it(small, desk):
    account = account_of(small, 0.45, 0.20, 0.31, 0.04)
    small = replace(small, lots=np.array([0.0, 0.0, 0.0, 0.0]))
    policy = policy_of("edge", Band(0.03), Lots(1000), TradeSize(least="0.5%"))
    proposal = rebalance(account, policy, small, [], desk.on)
    assert proposal.outcome is Outcome.OPTIMAL
    assert proposal.weights["target"]["SPY"] <= 0.43 + 1e-9
    assert all(round(t.quantity) % 1000 == 0 for t in proposal.trades)
    assert proposal.given_up >= 0


# ------------------------------------------------------------------------------------------------ a part of the way


def test_a_part_of_the_way_is_that_part(small, desk):
    account = account_of(small, 0.45, 0.20, 0.31, 0.04)
    policy = policy_of("part", Band(0.03), part=0.4)
    proposal = rebalance(account, policy, small, [], desk.on)
    w = proposal.weights
    np.testing.assert_allclose(w["target"], w["current"] + 0.4 * (w["ideal"] - w["current"]), atol=1e-15)
    assert proposal.given_up == 0.0


def test_a_part_goes_as_far_as_a_limit_asks(small, desk):
    """The deviation limit is broken: what breaks a hard limit does not wait."""
    cheap = replace(small, costs=replace(small.costs, proportional=small.costs.proportional / 100))
    account = account_of(cheap, 0.48, 0.17, 0.31, 0.04)
    policy = policy_of("part", Deviation("5%"), part=0.1, trigger="always")
    w = rebalance(account, policy, cheap, [], desk.on).weights
    assert w["ideal"]["SPY"] < 0.43
    assert w["target"]["SPY"] == pytest.approx(0.45, abs=1e-8)
    way = (w["ideal"] - w["current"]).drop("CASH")
    np.testing.assert_allclose((w["target"] - w["current"]).drop("CASH") / way, 0.03 / -way["SPY"], rtol=1e-6)


def test_a_part_in_lots_is_near_it_and_not_beyond_the_ideal(small, desk):
    account = account_of(small, 0.45, 0.20, 0.31, 0.04)
    policy = policy_of("part", Band(0.03), Lots(100), part=0.5, trades=Trading(indifference=1e-6))
    w = rebalance(account, policy, small, [], desk.on).weights.drop("CASH")
    way = w["ideal"] - w["current"]
    gone = w["target"] - w["current"]
    assert ((gone * way >= -1e-12) & (gone.abs() <= way.abs() + 1e-9)).all()
    np.testing.assert_allclose(gone, 0.5 * way, atol=0.006)


# -------------------------------------------------------------------------------------------------------- the flow


@pytest.mark.parametrize("seed", range(12))
def test_only_the_cash_that_comes_or_goes_is_traded(draws, seed):
    d = draws.draw(seed)
    policy = to(replace(d.policy, limits=()) if d.long_only else d.policy, "flow")
    rng = np.random.default_rng([seed, 3])
    nav = sum(
        q * (1.0 if np.isnan(p) else p)
        for q, p in zip(
            (d.account.quantities.get(a, 0.0) for a in d.market.universe.assets), d.market.prices, strict=True
        )
    )
    for flow in (0.04 * nav, -0.04 * nav):
        account = replace(d.account, cash_flow=float(flow * rng.uniform(0.2, 1.0)), restrictions=())
        solution = solve(outline(policy, d.market), account, d.belief)
        if solution.outcome is not Outcome.OPTIMAL:
            continue
        z = (solution.ideal - solution.case.program.current)[:-1]
        inflow, outflow = solution.case.standing.inflow, solution.case.standing.outflow
        if flow > 0:
            assert z.min() >= -1e-9
            assert z.sum() <= inflow + 1e-9
        else:
            assert z.max() <= 1e-9
            assert (-z).sum() <= 1.05 * outflow + 1e-9


def test_a_deposit_buys_what_is_short_and_a_withdrawal_sells_what_is_over(small, desk):
    small = replace(small, costs=replace(small.costs, proportional=small.costs.proportional / 20))
    policy = policy_of("flow", trigger="always")
    deposit = account_of(small, 0.45, 0.20, 0.30, 0.05, cash_flow=50_000.0)
    bought = rebalance(deposit, policy, small, [], desk.on)
    assert {t.side for t in bought.trades} == {"buy"}
    assert "IEF" in {t.asset for t in bought.trades}
    assert sum(t.value + t.cost for t in bought.trades) <= 50_000.0 * (1 + 1e-9)
    withdrawal = account_of(small, 0.45, 0.20, 0.35, 0.0, cash_flow=-50_000.0)
    sold = rebalance(withdrawal, policy, small, [], desk.on)
    assert [t.side for t in sold.trades] == ["sell"] * len(sold.trades)
    assert sum(t.value for t in sold.trades) == pytest.approx(50_000.0 / (1 - 0.0001), rel=1e-6)
    still = rebalance(account_of(small, 0.5, 0.2, 0.25, 0.05), policy, small, [], desk.on)
    assert (still.outcome, still.reason) == (Outcome.HELD, "no cash comes or goes")


# ------------------------------------------------------------------------------------------------ many at once


@pytest.mark.parametrize("destination", ["edge", "part", "flow", "ideal"])
def test_many_at_once_are_each_alone_to_the_bit(draws, destination):
    """In a cohort, backwards and alone: the same ends, the same bits; and rebalance says the same."""
    seen, ended = 0, set()
    for seed in range(0, SAMPLE, 4):
        d = draws.draw(seed)
        limits = () if destination == "flow" else bands_of(seed)
        trigger = "band" if limits else "always"
        policy = to(d.policy, destination, *limits, trigger=trigger)
        cohort, accounts = drifted(d, 3)
        whole = _ends(policy, d, cohort)
        turned = _ends(policy, d, cohort.pick(np.arange(3)[::-1]))
        for i in range(3):
            single = _ends(policy, d, cohort.pick(np.array([i])))
            assert str(i) in single or str(i) not in whole
            if str(i) not in whole:
                continue
            for other in (turned, single):
                assert other[str(i)][:2] == whole[str(i)][:2]
                for mine, theirs in zip(other[str(i)][2:], whole[str(i)][2:], strict=True):
                    np.testing.assert_array_equal(mine, theirs)
            alone = rebalance(accounts[i], policy, d.market, d.views, draws.ON, overlay=_rest(d))
            outcome, reason, target, _ = whole[str(i)]
            assert alone.outcome is outcome, (seed, alone.reason)
            if outcome is Outcome.HELD:
                assert alone.reason == reason
            apart = d.market.risk.volatility(alone.weights["target"].to_numpy() - target)
            assert apart <= 2.1e-5, (seed, d.kinds)
            seen += 1
            ended.add(outcome)
    assert seen >= 5
    assert Outcome.OPTIMAL in ended


def _rest(d):
    """What a draw believes beside its views."""
    return Tilt(target=d.shift, risk=d.m, aversion=d.q)


def _ends(policy, d, cohort):
    """By account: how it ended, why, where it stands, and a figure."""
    found, _ = decide_all(outline(policy, d.market), cohort, d.belief, ON)
    out = {}
    for decisions, _ in found:
        for k, name in enumerate(decisions.cases.cohort.ids):
            out[name] = (decisions.outcome, decisions.reasons[k], decisions.target[k], decisions.utility[k])
    return out


def test_nothing_else_in_a_group_limit_is_forgotten_at_the_edge(small, desk):
    """Limits hold at the edge as anywhere: here a class may not be more than so much."""
    account = account_of(small, 0.45, 0.20, 0.30, 0.05)
    policy = policy_of("edge", Band(0.03), Group("equity", most=0.60), Turnover("30%"))
    proposal = rebalance(account, policy, small, [], desk.on)
    assert proposal.weights["target"][["SPY", "EFA"]].sum() <= 0.60 + 1e-9
