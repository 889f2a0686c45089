"""The best worst case against a direct minimax, against every other weights, and against its own parts."""

import datetime as dt
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Deviation, Policy, TrackingError, Turnover
from trimtab.errors import InputError
from trimtab.models import Account, Market, Shock, View, tilt
from trimtab.optimizer import propose, solve, state
from trimtab.optimizer.outlooks import Outlook
from trimtab.optimizer.robust import solve_robust
from trimtab.optimizer.tactical import place

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "EEM", "IEF", "TLT", "GLD"]


def question(seed: int = 0, *limits):
    rng = np.random.default_rng(seed)
    factor = rng.normal(0, 0.08, (6, 6))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(6, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame({"asset_class": ["equity"] * 3 + ["bonds"] * 2 + ["gold"]}, index=NAMES)
    market = Market.from_frames(assets, sigma, costs=0.0005)
    weights = dict(zip(NAMES, [0.3, 0.15, 0.1, 0.2, 0.15, 0.1], strict=True))
    policy = Policy(limits or (Deviation("6%"), TrackingError("2%"), Turnover("10%")), {"m": weights})
    drifted = dict(zip(NAMES, [0.34, 0.14, 0.11, 0.17, 0.15, 0.09], strict=True))
    account = Account.from_weights("001", "m", drifted, 1e6, market)
    views = (View("equity - bonds", "2%", 0.5, id="risk on"), View("GLD - IEF", "-1%", 0.4, id="gold"))
    problem = state(policy, market.dated(ON))
    believe = lambda *own: tilt(own, market, policy.model(account), ON)  # noqa: E731
    storm = Shock("storm", {}, {"equity": 1.7}, 0.3).risk(market.risk, market.universe)
    outlooks = [
        Outlook("as believed", believe(*views)),
        Outlook("no views", believe()),
        Outlook("fails", believe(replace(views[0], gain=-views[0].gain), views[1])),
        Outlook("storm", believe(*views), storm),
    ]
    return problem, account, believe(*views), outlooks


def utilities(problem, account, outlooks, weights):
    found = []
    for outlook in outlooks:
        market = replace(problem.market, risk=outlook.risk or problem.market.risk)
        own = place(type(problem)(problem.policy, market), account, outlook.belief).program
        found.append(own.utility(weights))
    return np.array(found)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_proved_and_those_in_the_mix_are_equally_bad(seed):
    problem, account, belief, outlooks = question(seed)
    found = solve_robust(problem, account, belief, outlooks)
    assert found.solution.certificate.released
    assert found.solution.certificate.certified_te <= 1e-6
    assert sum(found.shares.values()) == pytest.approx(1.0)
    mixed = [found.utilities[name] for name, share in found.shares.items() if share > 0]
    assert max(mixed) - min(mixed) <= 1e-10
    assert min(mixed) == pytest.approx(found.worst, abs=1e-12)
    own = utilities(problem, account, outlooks, found.solution.ideal)
    assert own == pytest.approx(list(found.utilities.values()), abs=1e-14)


@pytest.mark.parametrize("seed", [0, 3])
def test_it_agrees_with_a_minimax_written_by_hand(seed):
    problem, account, belief, outlooks = question(seed)
    found = solve_robust(problem, account, belief, outlooks)
    case = place(problem, account, belief)
    b, w0, w, t = case.context.strategic, case.program.current, cp.Variable(7), cp.Variable()
    trade, rows = w - w0, []
    for outlook in outlooks:
        sigma = (outlook.risk or problem.market.risk).covariance
        gain = np.broadcast_to(outlook.belief.alpha(6.0), 7) @ (w - b) - 3.0 * cp.quad_form(w - b, cp.psd_wrap(sigma))
        rows.append(t <= 1e3 * (gain - 0.0005 / 0.5 * cp.sum(cp.abs(trade[:6]))))
    limits = [
        cp.sum(w) == 1, w >= 0, cp.abs(w - b) <= 0.06,
        cp.norm(problem.market.risk.root @ (w - b)) <= 0.02,
        cp.sum(cp.pos(trade[:6])) <= 0.10, cp.sum(cp.neg(trade[:6])) <= 0.10,
        w[6] - 0.0005 * cp.sum(cp.abs(trade[:6])) >= 0,
    ]  # fmt: skip
    cp.Problem(cp.Maximize(t), [*rows, *limits]).solve(solver="CLARABEL")
    assert found.worst == pytest.approx(float(t.value) / 1e3, abs=1e-9)


def test_nothing_allowed_has_a_better_worst_case():
    problem, account, belief, outlooks = question(4)
    found = solve_robust(problem, account, belief, outlooks)
    program, rng = found.solution.case.program, np.random.default_rng(1)
    others = [solve(problem, account, outlook.belief).ideal for outlook in outlooks]
    for _ in range(200):
        mixed = rng.dirichlet(np.ones(5)) @ np.array([*others, found.solution.ideal])
        assert program.violations(mixed).max() <= 1e-8  # limits are convex
        assert utilities(problem, account, outlooks, mixed).min() <= found.worst + 1e-12


def test_one_outlook_is_the_plain_question():
    problem, account, belief, outlooks = question(2)
    found = solve_robust(problem, account, belief, outlooks[:1])
    alone = solve(problem, account, belief)
    assert problem.market.risk.volatility(found.solution.ideal - alone.ideal) <= 1e-5
    assert dict(found.shares) == {"as believed": pytest.approx(1.0)}


def test_it_trades_like_any_answer():
    problem, account, belief, outlooks = question(0)
    proposal = propose(solve_robust(problem, account, belief, outlooks).solution, "asked")
    assert proposal.outcome.name == "OPTIMAL"
    assert proposal.trades


def test_limits_that_cannot_hold_are_said_as_ever():
    problem, account, belief, outlooks = question(0, Turnover("0.1%"), Deviation("0.5%"))
    found = solve_robust(problem, account, belief, outlooks)
    assert found.solution.outcome.name == "UNSOLVED"
    assert "turnover" in found.solution.reason


def test_outlooks_have_names():
    problem, account, belief, outlooks = question()
    with pytest.raises(InputError, match="no outlook"):
        solve_robust(problem, account, belief, [])
    with pytest.raises(InputError, match="one name"):
        solve_robust(problem, account, belief, [outlooks[0], outlooks[0]])
