"""Limits give way in the policy's order: against brute force in plain cvxpy, and as a desk would see it."""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import (
    Band,
    Cooldown,
    Deviation,
    Group,
    Holding,
    Lots,
    Phases,
    Policy,
    Position,
    TrackingError,
    TradeSize,
    Turnover,
)
from trimtab.models import Account, Breach, Market, PastTrade, Tilt
from trimtab.optimizer import Outcome, rebalance, relaxations, solve
from trimtab.optimizer.certificates import NO_CERTIFICATE
from trimtab.optimizer.engines import Released
from trimtab.optimizer.mandates import read_mandate
from trimtab.optimizer.problems import Problem, pose
from trimtab.optimizer.relaxations import least_violations

CASES = int(os.environ.get("TRIMTAB_CAMPAIGN", "40"))
TIE = 1e-8
SHARP = (1e-11, 1e-10, 1e-9)


@dataclass
class Small:
    """A small mandate said twice: the product's limits, and functions of the weights that are at most a number."""

    market: Market
    account: Account
    policy: Policy
    belief: Tilt
    sigma: np.ndarray
    b: np.ndarray
    w0: np.ndarray
    limits: list  # (name, tier, number, function)


def small(seed: int) -> Small:
    """Draw a mandate of four or five assets whose limits are tight enough to conflict, most of the time."""
    rng = np.random.default_rng([20261123, seed])
    n = int(rng.integers(4, 6))
    names = [f"A{i}" for i in range(n)]
    half = rng.normal(size=(n, n)) * 0.08
    sigma = half @ half.T + np.eye(n) * 0.001
    table = pd.DataFrame({"asset_class": ["equity" if i % 2 else "bonds" for i in range(n)]}, index=names)
    market = Market.from_frames(table, pd.DataFrame(sigma, names, names))
    b, w0 = np.append(rng.dirichlet(np.ones(n) * 3), 0.0), np.append(rng.dirichlet(np.ones(n) * 2), 0.0)
    full = np.zeros((n + 1, n + 1))
    full[:n, :n] = sigma
    root = np.linalg.cholesky(sigma).T
    equity = np.array([i % 2 == 1 and i < n for i in range(n + 1)])
    far = np.abs(w0 - b).max()
    numbers = {
        "deviation": round(float(far * rng.uniform(0.1, 0.7)), 4),
        "tracking_error": round(float(np.linalg.norm(root @ (w0 - b)[:n]) * rng.uniform(0.1, 0.8)), 4),
        "turnover": round(float(np.abs(w0 - b)[:n].sum() / 2 * rng.uniform(0.05, 0.7)), 4),
        "group": -round(float(min(max(b[equity].sum(), w0[equity].sum()) + rng.uniform(0.0, 0.2), 0.95)), 4),
        "position": round(float(w0[equity].max() * rng.uniform(0.4, 1.0)), 4),
    }
    nouns = {
        "deviation": lambda x, t: Deviation(x, tier=t),
        "tracking_error": lambda x, t: TrackingError(x, tier=t),
        "turnover": lambda x, t: Turnover(x, tier=t),
        "group": lambda x, t: Group("equity", least=-x, tier=t),
        "position": lambda x, t: Position("equity", most=x, tier=t),
    }
    says = {
        "deviation": lambda w: cp.norm_inf(w - b),
        "tracking_error": lambda w: cp.norm(root @ (w[:n] - b[:n])),
        "turnover": lambda w: cp.maximum(cp.sum(cp.pos(w[:n] - w0[:n])), cp.sum(cp.neg(w[:n] - w0[:n]))),
        "group": lambda w: -cp.sum(w[np.flatnonzero(equity)]),
        "position": lambda w: cp.max(w[np.flatnonzero(equity)]),
    }
    chosen = [str(k) for k in rng.permutation(list(numbers))[: int(rng.integers(2, 6))]]
    tiers = [int(rng.choice([0, 1, 1, 2, 3])) for _ in chosen]
    limits = [(k, t, numbers[k], says[k]) for k, t in zip(chosen, tiers, strict=True)]
    policy = Policy(
        tuple(nouns[k](numbers[k], t) for k, t in zip(chosen, tiers, strict=True)),
        {"m": dict(zip(market.universe.assets, b, strict=True))},
    )
    account = Account.from_weights("1", "m", dict(zip(market.universe.assets, w0, strict=True)), 1e6, market)
    gain = np.append(rng.normal(size=n) * 0.01, 0.0)
    belief = Tilt(gain=gain[None, :], views=("v",))
    return Small(market, account, policy, belief, full, b, w0, limits)


class InexactError(Exception):
    """The brute force itself did not get to the end."""


def brute(case: Small) -> tuple[dict[str, float], float] | None:
    """Say 5.8 in cvxpy: least for tier 1, then tier 2 at that + 1e-8, ties in policy order, then the objective."""
    w, v = cp.Variable(len(case.b)), cp.Variable(len(case.limits), bounds=[0.0, 1e4])
    unit = [max(abs(number), 0.01) for _, _, number, _ in case.limits]
    held = [cp.sum(w) == 1, w >= 0]
    held += [
        say(w) <= number + (v[k] * unit[k] if tier else 0.0) for k, (_, tier, number, say) in enumerate(case.limits)
    ]

    def least(objective):
        problem = cp.Problem(cp.Minimize(objective), held)
        for within in SHARP:
            problem.solve(solver="CLARABEL", tol_gap_abs=within, tol_gap_rel=within, tol_feas=within, max_iter=500)
            if problem.status != "optimal_inaccurate":
                break
        if problem.status == "infeasible" and len(held) == len(case.limits) + 2:
            return None
        if problem.status != "optimal":
            raise InexactError(problem.status)
        return float(problem.value)

    for tier in sorted({t for _, t, _, _ in case.limits if t}):
        own = [k for k, limit in enumerate(case.limits) if limit[1] == tier]
        total = least(cp.sum(v[own]))
        if total is None:
            return None
        held.append(cp.sum(v[own]) <= max(total, 0.0) + TIE)
        for k in own[:-1]:
            value = least(v[k])
            held.append(v[k] <= max(value, 0.0) + TIE)
    d = w - case.b
    loss = 3.0 * cp.quad_form(d, cp.psd_wrap(case.sigma)) - case.belief.gain[0] @ d
    value = least(loss)
    gave = (
        {name: float(v.value[k]) for k, (name, tier, *_) in enumerate(case.limits) if tier} if value is not None else {}
    )
    return None if value is None else (gave, -value)


@pytest.fixture(scope="module")
def compared():
    """Small cases, solved on both roads; those the brute force itself cannot finish are left out."""
    out = []
    for seed in range(CASES):
        case = small(seed)
        try:
            out.append((seed, case, solve(Problem(case.policy, case.market), case.account, case.belief), brute(case)))
        except (InexactError, cp.SolverError):
            continue
    assert len(out) > 0.7 * CASES
    return out


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_what_gives_way_is_what_brute_force_finds(compared):
    relaxed, apart = 0, []
    for seed, case, solution, other in compared:
        if other is None:
            assert solution.outcome is Outcome.UNSOLVED, seed
            continue
        gave, best = other
        assert solution.outcome is (Outcome.RELAXED if max(gave.values(), default=0.0) > 1e-6 else Outcome.OPTIMAL), (
            seed
        )
        for k, tier in enumerate(sorted({t for _, t, *_ in case.limits if t})):
            own = [name for name, t, *_ in case.limits if t == tier]
            ours = sum(solution.violations.get(name, 0.0) for name in own)
            # Where a ball meets a plane, an earlier tier's 1e-8 leaves the later ones, and the parts of a sum, 1e-4.
            within = {"rel": 1e-6, "abs": 2e-6} if k == 0 else {"rel": 1e-3, "abs": 5e-4}
            assert ours == pytest.approx(sum(gave[name] for name in own), **within), (seed, tier)
        for name, value in gave.items():
            assert solution.violations.get(name, 0.0) == pytest.approx(value, rel=1e-3, abs=2e-3), (seed, name)
        # Where no box gave way the objective is the same; a box gives way only where the account stands outside.
        utility = float(solution.case.program.utility(solution.ideal))
        assert utility <= best + 1e-4, seed
        if not {"deviation", "position"} & set(solution.violations):
            apart.append(abs(utility - best))
        relaxed += solution.outcome is Outcome.RELAXED
    assert relaxed > CASES / 5
    assert np.quantile(apart, 0.9) < 2e-5  # the others needed more slack than 1e-8 to be proved
    assert max(apart) < 1e-4


def test_hard_limits_hold_and_nothing_gives_more_than_it_must(compared):
    for seed, case, solution, _ in compared:
        if solution.outcome is not Outcome.RELAXED:
            continue
        w = cp.Constant(solution.ideal)
        assert solution.certificate.released
        assert solution.ideal.min() >= -1e-9
        for name, tier, number, say in case.limits:
            excess = float(say(w).value) - number
            allowed = solution.violations.get(name, 0.0) if tier else 0.0
            room = (allowed + 1.01e-3) * max(abs(number), 0.01) if allowed else 1e-8  # the most slack there is
            assert excess <= room, (seed, name)
        assert {entry.limit for entry in solution.relaxed} <= set(solution.violations), seed
        assert solution.relaxed, seed


def test_the_highest_tier_gives_way_first(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    for tiers, gives in (((1, 2), "turnover"), ((2, 1), "tracking_error"), ((0, 3), "turnover")):
        limits = (TrackingError("2%", tier=tiers[0]), Turnover("5%", tier=tiers[1]))
        proposal = rebalance(far, Policy(limits, desk.models), desk.market, [desk.view], desk.on)
        assert proposal.outcome is Outcome.RELAXED
        assert {entry.limit for entry in proposal.relaxed} == {gives}
        assert f"{gives.replace('_', ' ')} from " in proposal.reason
        assert " gave way: tracking error 2% cannot hold with turnover 5%" in proposal.reason


def test_the_everyday_case_and_its_sentence(desk):
    """Deviation protected, turnover first to give way: what a drifted account needs."""
    policy = Policy((Deviation("5%", tier=1), Turnover("1%", tier=2)), desk.models)
    account = Account.from_weights("1", "balanced", {"SPY": 0.5, "EFA": 0.2, "IEF": 0.3}, 1e6, desk.market)
    proposal = rebalance(account, policy, desk.free, [], desk.on)
    assert proposal.outcome is Outcome.RELAXED
    assert proposal.reason == (
        "turnover from 1% to 5% gave way: turnover allows 1%, and coming inside deviation (of IEF most of all) "
        "takes 5%: it needs deviation 9% or turnover 5%"
    )
    assert proposal.turnover == pytest.approx(0.05, abs=1e-6)
    (entry,) = proposal.relaxed
    assert (entry.limit, entry.on, entry.bound) == ("turnover", "", 0.01)
    assert "gave way: turnover, bound 0.01, used 0.05" in str(proposal)


def test_a_limit_on_many_assets_gives_way_only_where_the_account_stands_outside(desk):
    """Deviation gives way; the view would like to push the assets inside it out too, and may not."""
    policy = Policy((Deviation("5%", tier=1), Turnover("2%")), desk.models)
    account = Account.from_weights("1", "balanced", {"SPY": 0.55, "EFA": 0.16, "IEF": 0.29}, 1e6, desk.market)
    view = replace(desk.view, gain=0.2)
    proposal = rebalance(account, policy, desk.market, [view], desk.on)
    assert proposal.outcome is Outcome.RELAXED
    outside = {entry.on for entry in proposal.relaxed}
    assert outside <= {"SPY", "IEF"}


def test_tier_0_never_gives_way(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    limits = (TrackingError("2%"), Turnover("5%"), Deviation("1%", tier=1))
    solution = solve(Problem(Policy(limits, desk.models), desk.market), far, Tilt())
    assert solution.outcome is Outcome.UNSOLVED
    assert solution.relaxed == ()
    assert least_violations(read_mandate(solution.problem, solution.case)) == {}


BOUGHT = (PastTrade("SPY", dt.date(2026, 11, 10), 0.5),)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (TradeSize(most="2%", tier=1), "trade size of SPY from 2% to 5%"),
        (Cooldown(30, tier=1), "cooldown, by 5.00% of SPY,"),
        (Holding(30, tier=1), "holding, by 5.00% of SPY,"),
        (Band(absolute="9%", of="sum", on="equity", use="constraint", tier=1), "band, by 1.00% of equity,"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_limits_without_a_bound_of_their_own_give_way_and_say_by_how_much(desk, limit, sentence):
    """A hard position of at most 45 % SPY for who has 50 %, or a turnover that does not reach the band."""
    hard = (Turnover("0"),) if isinstance(limit, Band) else (Position(on="SPY", most="45%"),)
    now = {"SPY": 0.5, "EFA": 0.2, "IEF": 0.3}
    account = replace(Account.from_weights("1", "balanced", now, 1e6, desk.free), history=BOUGHT)
    proposal = rebalance(account, Policy((*hard, limit), desk.models), desk.free, [], desk.on)
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert {entry.limit for entry in proposal.relaxed} == {limit.name}
    assert proposal.reason.startswith(sentence)
    stays = rebalance(account, Policy((*hard, replace(limit, tier=0)), desk.models), desk.free, [], desk.on)
    assert stays.outcome is Outcome.UNSOLVED


def test_overrides_and_grandfathering(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    own = replace(far, overrides={"turnover": 0.02})
    limits = (TrackingError("2%"), Turnover("5%", tier=1))
    gave = [rebalance(a, Policy(limits, desk.models), desk.market, [], desk.on).relaxed[0] for a in (far, own)]
    assert [entry.bound for entry in gave] == [0.05, 0.02]
    assert gave[0].used == pytest.approx(gave[1].used, abs=1e-6)
    stays = (TrackingError("2%", grandfather=True), Turnover("5%", tier=1))
    assert rebalance(far, Policy(stays, desk.models), desk.market, [], desk.on).outcome is Outcome.OPTIMAL


def test_grandfathering_that_moves_nothing_hides_no_way_out(desk):
    """A cured breach binds as written, so its number would end the conflict; a moved bound has no such number."""
    account = Account.from_weights("1", "balanced", {"SPY": 0.5, "EFA": 0.15, "IEF": 0.35}, 1e6, desk.market)
    account = replace(account, restrictions=(("SPY", "no_sell"),))
    old = replace(account, breaches=(Breach("deviation", desk.on - dt.timedelta(days=30)),))
    policy = Policy((Deviation("5%", grandfather=True, cure_days=20),), desk.models)
    said = rebalance(old, policy, desk.market, [], desk.on)
    assert said.outcome is Outcome.UNSOLVED
    assert "SPY: no_sell asks for at least 50% and deviation for at most 45%: it needs deviation 10%" in said.reason
    assert rebalance(account, policy, desk.market, [], desk.on).outcome is not Outcome.UNSOLVED
    narrow = (Deviation("5%", grandfather=True), Group("equity", most="60%"))
    stuck = rebalance(account, Policy((*narrow, Turnover("1%")), desk.models), desk.market, [], desk.on)
    assert stuck.outcome is Outcome.UNSOLVED
    assert "no single number changed" not in stuck.reason


def test_a_pace_is_named_in_a_conflict_only_where_nothing_else_is(desk):
    """The phase cannot be kept either, but what has to be told is that the turnover is too little for the group."""
    account = Account.from_weights("1", "balanced", {"SPY": 0.6, "EFA": 0.2, "IEF": 0.2}, 1e6, desk.free)
    limits = (Group("equity", most="65%"), Turnover("2%", tier=1))
    reasons = []
    for phases in (None, Phases(((0, "10%"), (30, "90%")))):
        proposal = rebalance(account, Policy(limits, desk.models, phases=phases), desk.free, [], desk.on)
        assert proposal.outcome is Outcome.RELAXED
        reasons.append(proposal.reason.partition(" gave way: ")[2].partition("; phase")[0])
    assert reasons[0] == reasons[1]
    assert "cannot hold with turnover 2%" in reasons[0]


def test_whole_lots_fit_into_what_gave_way(desk):
    prices = {"SPY": 251.37, "EFA": 61.9, "IEF": 93.11}
    market = Market.from_frames(desk.assets, desk.covariance, costs=0.0005, prices=prices)
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.15, "CASH": 0.05}, 1e5, market)
    policy = Policy((TrackingError("2%"), Turnover("5%", tier=1), Lots(size=1)), desk.models)
    proposal = rebalance(far, policy, market, [], desk.on)
    assert proposal.outcome is Outcome.RELAXED, proposal.reason
    assert all(abs(t.quantity - round(t.quantity)) < 1e-6 for t in proposal.trades)
    w = proposal.weights["target"].to_numpy()
    strategic = proposal.weights["strategic"].to_numpy()
    assert market.risk.volatility(w - strategic) <= 0.02 + 1e-9
    (entry,) = proposal.relaxed
    assert entry.used == pytest.approx(proposal.turnover, abs=1e-9)


def test_a_run_records_what_gave_way(desk):
    from trimtab.batches.records import _json

    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    policy = Policy((TrackingError("2%"), Turnover("5%", tier=1)), desk.models)
    (row,) = json.loads(_json(rebalance(far, policy, desk.market, [], desk.on).relaxed))
    assert set(row) == {"limit", "on", "bound", "used"}
    assert (row["limit"], row["bound"]) == ("turnover", 0.05)


def tight(desk):
    """Two soft limits of one tier that a far account cannot keep both."""
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    problem = Problem(Policy((TrackingError("2%", tier=1), Turnover("5%", tier=1)), desk.models), desk.market)
    case = pose(problem, far, Tilt())
    return problem, case, read_mandate(problem, case)


def test_what_no_engine_proves_is_not_released(desk, monkeypatch):
    """Each slack is tried, and where the gate lets nothing through nothing gives way."""
    problem, case, mandate = tight(desk)
    assert relaxations.relax(problem, case, mandate) is not None
    asked = []

    def refused(problem, program):
        asked.append(program)
        return Released(None, None, NO_CERTIFICATE, ())

    monkeypatch.setattr(relaxations, "ask_one", refused)
    assert relaxations.relax(problem, case, mandate) is None
    assert len(asked) == 5
    widths = [program.ball_most[0] for program in asked]
    assert widths == sorted(widths)


@pytest.mark.parametrize("fails_at", [0, 1])
def test_an_engine_that_never_ends_lets_nothing_give_way(desk, monkeypatch, fails_at):
    """In the first search for the least sum, or in that for the first limit's share: no answer, not half of one."""
    _, _, mandate = tight(desk)
    real, asked = relaxations.least, []

    def stuck(program, springs):
        asked.append(springs)
        said = real(program, springs)
        return said if len(asked) <= fails_at else replace(said, status="user_limit")

    monkeypatch.setattr(relaxations, "least", stuck)
    assert least_violations(mandate) == {}
    assert len(asked) == fails_at + 5  # with more slack each time


def test_the_same_account_is_relaxed_the_same_way_twice(desk):
    far = Account.from_weights("1", "balanced", {"SPY": 0.7, "EFA": 0.1, "IEF": 0.2}, 1e6, desk.market)
    policy = Policy((TrackingError("2%", tier=1), Turnover("5%", tier=1)), desk.models)
    first, again = (solve(Problem(policy, desk.market), far, Tilt()) for _ in range(2))
    np.testing.assert_array_equal(first.ideal, again.ideal)
    assert first.reason == again.reason
    assert pose(first.problem, far, Tilt()).program.violations(first.ideal).max() > 1e-4
