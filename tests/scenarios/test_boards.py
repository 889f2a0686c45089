"""Every row of a board is its own question's answer; every column says what it says; what must be believed."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Band, Deviation, Group, Phases, Policy, TrackingError, Turnover
from trimtab.errors import AccountError, InputError
from trimtab.models import Account, Market, Shock, View, tilt
from trimtab.optimizer import rebalance, solve, state
from trimtab.scenarios import board, frontier, implied_views, propose_robust, shock, sweep
from trimtab.scenarios.worlds import Believer, list_outlooks

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "EEM", "IEF", "TLT", "GLD"]
STRATEGIC = dict(zip(NAMES, [0.3, 0.15, 0.1, 0.2, 0.15, 0.1], strict=True))
VIEWS = (View("equity - bonds", "2%", 0.5, id="risk on"), View("GLD - IEF", "-1%", 0.4, id="gold"))
CRASH = Shock("crash", {"equity": -0.3, "bonds": 0.05})


def setting(*limits, drifted=(0.34, 0.14, 0.11, 0.17, 0.15, 0.09), **rest):
    rng = np.random.default_rng(0)
    factor = rng.normal(0, 0.08, (6, 6))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(6, 0.002)), NAMES, NAMES)
    assets = pd.DataFrame({"asset_class": ["equity"] * 3 + ["bonds"] * 2 + ["gold"]}, index=NAMES)
    market = Market.from_frames(assets, sigma, costs=0.0005)
    policy = Policy(limits or (Deviation("6%"), TrackingError("2%"), Turnover("10%")), {"m": STRATEGIC}, **rest)
    account = Account.from_weights("001", "m", dict(zip(NAMES, drifted, strict=True)), 1e6, market)
    return account, policy, market


def test_the_rows_are_the_answers_to_their_own_questions():
    account, policy, market = setting(Deviation("6%"), Band("2%", use="constraint"), Turnover("10%"))
    found = board(account, policy, market, VIEWS, ON, shocks=CRASH)
    assert list(found.weights.index) == [
        "do nothing", "back to strategic", "band edge", "proposed", "phased", "no views",
        "only risk on", "risk on fails", "only gold", "gold fails",
    ]  # fmt: skip
    asked = {
        "proposed": rebalance(account, policy, market, VIEWS, ON),
        "no views": rebalance(account, policy, market, (), ON),
        "only gold": rebalance(account, policy, market, VIEWS[1], ON),
        "gold fails": rebalance(account, policy, market, (VIEWS[0], replace(VIEWS[1], gain=0.01)), ON),
    }
    for name, proposal in asked.items():
        assert np.allclose(found.weights.loc[name], proposal.weights["target"], atol=1e-9), name
    own = asked["proposed"]
    row = found.figures.loc["proposed"]
    assert row["utility"] == pytest.approx(own.utility, abs=1e-12)
    assert row["cost"] == pytest.approx(own.cost / own.nav, abs=1e-12)
    assert row["turnover"] == pytest.approx(own.turnover, abs=1e-12)
    assert row["tracking_error"] == pytest.approx(own.tracking_error, abs=1e-12)
    assert found.weights.loc["do nothing"].to_numpy()[:6] == pytest.approx([0.34, 0.14, 0.11, 0.17, 0.15, 0.09])
    assert found.figures.loc["back to strategic", "tracking_error"] == 0


def test_nothing_beats_the_proposal_where_all_that_is_believed_is_so():
    account, policy, market = setting()
    found = board(account, policy, market, VIEWS, ON, shocks=CRASH)
    allowed = (found.use <= 1 + 1e-7).all(axis=1)
    assert found.worth.loc[allowed, "as believed"].idxmax() == "proposed"
    for name in ("no views", "gold fails", "risk on fails"):  # in its own world each is the best that is allowed
        assert found.worth.loc[allowed, name].max() == pytest.approx(found.worth.loc[name, name], abs=1e-12)
    assert (found.regret >= 0).all(axis=None)
    assert (found.regret.min() == 0).all()
    beliefs = found.regret.drop(columns="crash")
    pd.testing.assert_series_equal(found.figures["regret"], beliefs.max(axis=1), check_names=False)


def test_shocks_are_weights_times_moves_and_their_worth_is_after_cost():
    account, policy, market = setting()
    found = board(account, policy, market, VIEWS, ON, shocks=CRASH)
    proposal = rebalance(account, policy, market, VIEWS, ON)
    assert found.stress.loc["proposed", "crash"] == pytest.approx(shock(proposal, CRASH, market).loc["crash", "target"])
    after = found.stress["crash"] - found.figures["cost"]
    pd.testing.assert_series_equal(found.worth["crash"], after, check_names=False)


def test_use_is_the_way_to_the_tightest_bound():
    account, policy, market = setting(
        Deviation("6%"),
        TrackingError("2%"),
        Turnover("10%"),
        Group(on="equity", most="70%", least="40%", name="shares"),
    )
    found = board(account, policy, market, VIEWS, ON)
    w, b = found.weights.loc["proposed"].to_numpy(), np.array([*STRATEGIC.values(), 0.0])
    use = found.use.loc["proposed"]
    assert use["deviation"] == pytest.approx(np.abs(w - b).max() / 0.06, abs=1e-6)
    assert use["tracking_error"] == pytest.approx(market.risk.volatility(w - b) / 0.02, abs=1e-9)
    assert use["turnover"] == pytest.approx(found.figures.loc["proposed", "turnover"] / 0.10, abs=1e-9)
    assert use["shares"] == pytest.approx(abs(w[:3].sum() - 0.55) / 0.15, abs=1e-9)


def test_a_held_account_is_shown_what_going_all_the_way_would_be():
    account, policy, market = setting(Deviation("6%"), Band("10%", use="trigger"), drifted=tuple(STRATEGIC.values()))
    policy = replace(policy, rebalance=replace(policy.rebalance, trigger="band"))
    found = board(account, policy, market, VIEWS, ON)
    assert found.figures.loc["proposed", "outcome"] == "HELD"
    assert found.figures.loc["all the way", "outcome"] == "OPTIMAL"
    assert found.figures.loc["all the way", "utility"] > found.figures.loc["proposed", "utility"]


def test_what_there_is_not_is_said():
    account, policy, market = setting(Deviation("6%"), phases=Phases(((0, 0.5), (30, 0.5))))
    found = board(account, policy, market, (), ON)
    assert set(found.left_out) == {"band edge", "phased", "no views"}
    assert list(found.weights.index) == ["do nothing", "back to strategic", "proposed", "all the way"]
    with pytest.raises(AccountError):
        board(Account("1", "m", {}), policy, market, (), ON)


def test_a_board_can_be_written(tmp_path):
    account, policy, market = setting()
    frame = board(account, policy, market, VIEWS, ON, shocks=CRASH).to_frame()
    assert {"use:turnover", "shock:crash", "regret:crash", "regret:gold fails", "SPY"} <= set(frame.columns)
    frame.to_parquet(tmp_path / "board.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "board.parquet"), frame)


def test_a_view_over_cash_fails_to_the_opposite_of_what_it_adds():
    account, policy, market = setting()
    who = Believer(account, policy, market.dated(ON), ON)
    over_cash = View("SPY", "9%", 1.0, basis="excess", id="v")
    was, opposite = who.believe([over_cash]), who.believe([who.failed(over_cash)])
    assert np.allclose(was.alpha(6.0), -opposite.alpha(6.0), atol=1e-12)


@pytest.mark.parametrize("limits", [(Deviation("6%"),), (Deviation("3%"), TrackingError("1%"), Turnover("6%"))])
def test_at_the_ideal_what_limits_hold_back_is_their_price_times_their_slope(limits):
    account, policy, market = setting(*limits)
    found = implied_views(account, policy, market, VIEWS, ON)
    solution = solve(state(policy, market.dated(ON)), account, tilt(VIEWS, market, policy.model(account), ON))
    held = found.assets["held_back"].to_numpy()
    w, program, prices = solution.ideal, solution.case.program, solution.multipliers
    z, slope = w - program.current, np.zeros(7)
    for t, price in enumerate(prices.trades):
        slope += price * (program.row[t] + np.where(z > 1e-9, program.buy[t], np.where(z < -1e-9, -program.sell[t], 0)))
    for j, price in enumerate(prices.balls):
        slope += price * market.risk.times(w - program.anchor[j]) / max(program.ball_sizes(w)[j], 1e-12)
    inside = (w > program.lo + 1e-7) & (w < program.hi - 1e-7) & (np.abs(z) > 1e-7)
    free_cash = program.lo[6] < w[6] < program.hi[6]
    assert inside[:6].any()
    if free_cash:
        assert np.allclose(held[:6][inside[:6]], (slope - slope[6])[:6][inside[:6]], atol=1e-9)
    else:  # the budget's price stands in the cash's place
        apart = (held - slope)[:6][inside[:6]]
        assert np.ptp(apart) <= 1e-9


def test_without_limits_and_costs_what_is_needed_is_what_is_believed():
    account, policy, market = setting(Deviation("50%"))
    market = replace(market, costs=type(market.costs)(np.zeros(7)))
    found = implied_views(account, policy, market, VIEWS[0], ON, legs=["SPY - EFA"])
    assert np.allclose(found.assets["gain"], found.assets["believed"], atol=1e-9)
    row = found.legs.loc["equity - bonds"]
    assert row["gain"] == pytest.approx(0.01)  # 2 % at a confidence of one half
    assert row["says"] == pytest.approx(0.02)
    assert np.isnan(found.legs.loc["SPY - EFA", "says"])
    assert found.sentences[0] == (
        "to hold this you must believe that equity - bonds gains 1.00% a year more than the strategic weights imply; "
        "the view says 2.00%"
    )


def test_the_strategic_weights_imply_no_view():
    account, policy, market = setting()
    found = implied_views(account, policy, market, VIEWS, ON, STRATEGIC)
    assert np.allclose(found.assets["gain"], 0.0)
    assert found.prices == ()


def test_a_robust_proposal_says_its_worst_outlook():
    account, policy, market = setting()
    storm = Shock("storm", {}, {"equity": 2}, 0.3)
    found = propose_robust(account, policy, market, VIEWS, ON, shocks=[storm, CRASH])
    assert list(found.outlooks.index) == ["as believed", "no views", "risk on fails", "gold fails", "storm"]
    assert found.outlooks["robust"].min() >= found.outlooks["believed"].min()
    assert found.proposal.utility == pytest.approx(found.outlooks["robust"].min(), abs=1e-12)
    assert "its worst outlook is" in found.proposal.notes[0]
    who = Believer(account, policy, market.dated(ON), ON)
    assert [o.name for o in list_outlooks(who, ())] == ["as believed"]


def test_a_frontier_has_no_point_that_another_beats():
    account, policy, market = setting()
    found = sweep(account, policy, market, VIEWS, ON, {"tracking_error": np.linspace(0.002, 0.02, 12), "gain": [1, 2]})
    best = frontier(found)
    assert best["tracking_error"].is_monotonic_increasing
    assert best["expected_gain"].is_monotonic_increasing
    for row in found.points.itertuples():
        assert not (
            (best["tracking_error"] > row.tracking_error + 1e-9) & (best["expected_gain"] < row.expected_gain - 1e-9)
        ).any()
    with pytest.raises(InputError, match="did you mean 'turnover'"):
        frontier(found, "turnovr")


def test_sweeps_and_boards_are_drawn():
    pytest.importorskip("plotly", reason="plotly is not installed")
    from trimtab.scenarios import draw_board, draw_sweep, draw_weights

    account, policy, market = setting()
    one = sweep(account, policy, market, VIEWS, ON, {"turnover": np.linspace(0.01, 0.1, 5)})
    two = sweep(account, policy, market, VIEWS, ON, {"turnover": [0.02, 0.05], "gain": [0.5, 1, 2]})
    line = draw_sweep(one).data[0]
    assert np.allclose(line.y, one.points["expected_gain"])
    assert np.allclose(line.x, one.points.index)
    assert np.asarray(draw_sweep(two, "utility").data[0].z).shape == (2, 3)
    assert len(draw_sweep(two, x="tracking_error").data) == 2
    found = board(account, policy, market, VIEWS, ON, shocks=CRASH)
    assert "risk on fails" in draw_board(found).data[0].text
    stacked = np.sum([trace.y for trace in draw_weights(one).data], axis=0)
    np.testing.assert_allclose(stacked, 1.0, atol=1e-9)
    with pytest.raises(InputError, match="no figure"):
        draw_sweep(one, "beauty")
