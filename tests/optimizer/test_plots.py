"""Figures show the numbers of the tables beside them, tables those of the limits; words cannot become markup."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Band, Deviation, Group, Phases, Policy, Position, Rebalance, TrackingError, Turnover
from trimtab.errors import AccountError
from trimtab.models import Account, Market, View
from trimtab.models.views import tabulate_views
from trimtab.optimizer import decide, rebalance, solve, state, why
from trimtab.optimizer.proposals import quarantine
from trimtab.optimizer.rooms import Room, tabulate_gauges
from trimtab.optimizer.tables import tabulate_ranges

plots = pytest.importorskip("trimtab.optimizer.plots")
pytest.importorskip("plotly", reason="plotly is not installed")

ON = dt.date(2026, 1, 2)
NAMES = ["SPY", "EFA", "EEM", "IEF", "TLT", "GLD"]
STRATEGIC = dict(zip(NAMES, [0.3, 0.15, 0.1, 0.2, 0.15, 0.1], strict=True))
VIEWS = (
    View("equity - bonds", "2%", 0.5, id="risk on", since=dt.date(2025, 12, 1), until=dt.date(2026, 4, 1)),
    View("GLD - IEF", "-1%", 0.4, id="gold"),
)
LIMITS = (Deviation("6%"), Band("1%", on="equity"), Group("equity", "20%", "60%"), TrackingError("2%"))
EVIL = "<img src=x onerror=alert(1)>"


def setting(*limits, drifted=(0.36, 0.12, 0.11, 0.17, 0.15, 0.09), names=NAMES, **rest):
    rng = np.random.default_rng(0)
    factor = rng.normal(0, 0.08, (6, 6))
    sigma = pd.DataFrame(factor @ factor.T + np.diag(np.full(6, 0.002)), names, names)
    assets = pd.DataFrame({"asset_class": ["equity"] * 3 + ["bonds"] * 2 + ["gold"]}, index=names)
    market = Market.from_frames(assets, sigma, costs=0.0005).dated(ON)
    strategic = dict(zip(names, STRATEGIC.values(), strict=True))
    policy = Policy(limits or LIMITS, {"m": strategic}, **rest)
    account = Account.from_weights("001", "m", dict(zip(names, drifted, strict=True)), 1e6, market)
    return account, policy, market


@pytest.fixture(scope="module")
def proposal():
    account, policy, market = setting()
    return rebalance(account, policy, market, VIEWS, ON)


def by_name(chart):
    return {trace.name: trace for trace in chart.data}


# ------------------------------------------------------------------------------------------------ the tables


def test_the_ranges_of_each_limit_are_its_own_numbers_and_leave_together_what_the_account_may_hold(proposal):
    ranges = proposal.ranges.set_index(["limit", "asset_id"])
    deviation = ranges.loc["deviation"]
    strategic = proposal.weights["strategic"].reindex(deviation.index)
    np.testing.assert_allclose(deviation["low"], strategic - 0.06, atol=1e-15)
    np.testing.assert_allclose(deviation["high"], strategic + 0.06, atol=1e-15)
    band = ranges.loc["band"]  # it only asks for a rebalance, and stands there all the same
    assert list(band.index) == NAMES[:3]
    np.testing.assert_allclose(band["high"] - band["low"], 0.02, atol=1e-12)
    bound = proposal.ranges.loc[proposal.ranges["limit"] != "band"].groupby("asset_id")
    np.testing.assert_array_equal(bound["low"].max().reindex(proposal.weights.index), proposal.weights["low"])
    np.testing.assert_array_equal(bound["high"].min().reindex(proposal.weights.index), proposal.weights["high"])


@pytest.mark.parametrize("first", [100, 130])
def test_ranges_of_random_mandates_intersect_to_the_box_of_the_program(draws, first):
    for seed in range(first, first + 15):
        d = draws.draw(seed)
        solution = solve(state(d.policy, d.market), d.account, d.belief)
        ranges, frame = tabulate_ranges(d.policy, solution.case), solution.to_frame()
        own = ranges.groupby("asset_id")
        low = own["low"].max().reindex(frame.index).fillna(-np.inf)
        high = own["high"].min().reindex(frame.index).fillna(np.inf)
        np.testing.assert_array_equal(low, frame["low"], str(seed))
        np.testing.assert_array_equal(high, frame["high"], str(seed))
        if solution.multipliers is None:
            continue
        assert (frame["ideal"] >= frame["low"] - 1e-9).all(), seed
        assert (frame["ideal"] <= frame["high"] + 1e-9).all(), seed


def test_an_account_that_holds_still_has_its_ranges():
    account, policy, market = setting(drifted=tuple(STRATEGIC.values()), rebalance=Rebalance("band"))
    held = rebalance(account, policy, market, (), ON)
    assert held.outcome.name == "HELD"
    assert set(held.ranges["limit"]) >= {"deviation", "band"}


def test_gauges_are_full_at_the_bound():
    rooms = (
        Room("range", "x", 0.1, 0.25, 0.15), Room("range", "x", 0.3, 0.25, 0.05),
        Room("most", "", 0.02, 0.02, 0.0, 0.4),
        Room("least", "y", 0.10, 0.2, 0.1), Room("over", "", 0.02, 0.03, -0.01), Room("alike", "", 0.5, 0.5, 0.0, 0.9),
    )  # fmt: skip
    gauges = tabulate_gauges(rooms).set_index("limit")
    assert list(gauges.index) == ["over", "alike", "most", "range", "least"]  # of equals the dearest first
    np.testing.assert_allclose(gauges["share"], [1.5, 1.0, 1.0, 0.5, 0.5])
    assert gauges.loc["range", ["low", "high", "room"]].to_list() == pytest.approx([0.1, 0.3, 0.05])
    assert np.isnan(gauges.loc["least", "high"])
    assert np.isnan(gauges.loc["most", "low"])
    assert tabulate_gauges(()).empty


def test_gauges_agree_with_the_room_that_is_left(draws):
    for seed in range(20):
        d = draws.draw(seed)
        proposed = decide(state(d.policy, d.market), d.account, d.belief, ON)
        gauges = tabulate_gauges(proposed.room)
        if not len(gauges):
            continue
        bounds = gauges[["low", "high"]].notna().sum().sum()
        assert bounds == len(proposed.room)  # every bound is on one gauge
        assert ((gauges["share"] > 1 + 1e-6) <= (gauges["room"] < 0)).all(), seed
        assert ((gauges["room"] > 1e-7) == (gauges["share"] < 1)).loc[gauges["room"] > 1e-7].all(), seed
        assert gauges["price"].max() == max(room.price for room in proposed.room)


def test_views_are_told_with_their_age_of_today():
    told = tabulate_views((*VIEWS, View("SPY - IEF", "1%", 0.2, until=ON, id="over")), ON).set_index("view_id")
    assert list(told.index) == ["risk on", "gold"]
    assert told.loc["risk on", ["age_days", "days_left"]].to_list() == [32.0, 89.0]
    assert told.loc["gold", ["age_days", "days_left"]].isna().all()


# ------------------------------------------------------------------------------------------------ the figures


def test_weights_are_drawn_where_they_are(proposal):
    chart = proposal.plot()
    traces = by_name(chart)
    for name in ("current", "strategic", "ideal", "target"):
        np.testing.assert_array_equal(traces[name].x, proposal.weights[name])
        assert list(traces[name].y) == list(proposal.weights.index)
    own = proposal.ranges.loc[proposal.ranges["limit"] == "deviation"]
    np.testing.assert_array_equal(traces["deviation"].base, own["low"])
    np.testing.assert_allclose(
        np.asarray(traces["deviation"].base, dtype=float) + traces["deviation"].x, own["high"], atol=1e-15
    )
    assert "band" in traces
    least, most = chart.layout.xaxis.range
    drawn = [traces[name].x for name in ("current", "strategic", "ideal", "target", "left by all limits")]
    assert least <= min(np.nanmin(x) for x in drawn)
    assert np.nanmax(np.concatenate(drawn)) <= most  # what no limit ends does with the figure


def test_the_figure_of_a_solution_has_no_target_that_nobody_chose():
    account, policy, market = setting(Position("SPY", "5%", "30%"), Turnover("10%"), Deviation("6%"))
    solution = solve(state(policy, market), account, rebalance_belief(account, policy, market))
    traces = by_name(solution.plot())
    assert "target" not in traces
    np.testing.assert_array_equal(traces["ideal"].x, solution.ideal)
    assert "certified: within" in str(solution)
    assert "SPY" in solution._repr_html_()


def rebalance_belief(account, policy, market):
    from trimtab.models import tilt

    return tilt(VIEWS, market, policy.model(account), ON)


def test_stacked_reasons_sum_to_the_trade_however_many_there_are():
    rng = np.random.default_rng(5)
    parts = pd.DataFrame(
        rng.normal(0, 0.01, (9, 12)), index=[f"a{i}" for i in range(9)], columns=[f"p{k}" for k in range(12)]
    )
    told = parts.assign(trade=parts.sum(axis=1))
    *bars, mark = plots.draw_reasons(told).data
    assert len(bars) == 8  # seven, and the rest together
    np.testing.assert_allclose(np.sum([bar.x for bar in bars], axis=0), told["trade"], atol=1e-15)
    np.testing.assert_array_equal(mark.x, told["trade"])
    account, policy, market = setting()
    explained = why(account, policy, market, VIEWS, ON)
    *bars, mark = explained.plot().data
    np.testing.assert_allclose(np.sum([bar.x for bar in bars], axis=0), mark.x, atol=1e-12)


def test_what_holds_back_is_one_bar_where_its_parts_undo_each_other():
    told = pd.DataFrame(
        {"view V1": [0.02, 0.0], "held back by cost": [-0.5, 0.4], "held back by phase": [0.49, -0.41]},
        index=["A", "B"],
    )
    for more, names in ((0.0, ["view V1", "held back, all together"]), (1.0, [*told.columns])):
        parts = told.assign(**{"held back by cost": told["held back by cost"] + more})
        *bars, mark = plots.draw_reasons(parts.assign(trade=parts.sum(axis=1))).data
        assert {bar.name for bar in bars} == set(names)
        np.testing.assert_allclose(np.sum([bar.x for bar in bars], axis=0), mark.x, atol=1e-15)


def test_gauges_and_views_are_drawn_from_their_tables(proposal):
    gauges = tabulate_gauges(proposal.room)
    (bar,) = plots.draw_gauges(gauges).data
    np.testing.assert_array_equal(bar.x, gauges.groupby("limit", sort=False)["share"].max())
    views = tabulate_views(VIEWS, ON)
    gain, confidence = plots.draw_views(views).data
    np.testing.assert_array_equal(gain.x, views["gain"])
    np.testing.assert_array_equal(confidence.x, views["confidence"])
    assert "32 days old, ends in 89" in confidence.text[0]
    assert "no end" in confidence.text[1]


def test_of_many_assets_those_are_drawn_that_move(proposal):
    rng = np.random.default_rng(1)
    index = pd.Index([f"a{i:03d}" for i in range(300)], name="asset_id")
    strategic = np.full(300, 1 / 300)
    weights = pd.DataFrame(dict.fromkeys(("current", "strategic", "ideal", "target"), strategic), index)
    moved = rng.choice(300, 40, replace=False)
    weights.iloc[moved, 3] += 0.001
    weights = weights.assign(low=0.0, high=1.0)
    shown = by_name(plots.draw_weights_over(weights))["target"].y
    assert len(shown) == plots.MOST
    assert set(index[moved]) <= set(shown)
    assert list(shown) == sorted(shown)


def test_a_quarantined_account_is_an_empty_figure():
    account, _, _ = setting()
    assert not quarantine(account, AccountError("no price")).plot().data


# ------------------------------------------------------------------------------------------------ words and weight


def test_words_of_users_are_words_in_figures_and_notebooks():
    account, policy, market = setting(names=[EVIL, *NAMES[1:]])
    evil = replace(VIEWS[0], id=EVIL, about=f"{NAMES[1]} - IEF", author=EVIL)
    phased = replace(policy, phases=Phases(((0, 0.5), (30, 0.5))))
    asked = (replace(account, id=EVIL), phased, market, (evil,), ON)
    proposal, explained = rebalance(*asked), why(*asked)
    charts = (
        proposal.plot(), explained.plot(),
        plots.draw_gauges(tabulate_gauges(proposal.room)), plots.draw_views(tabulate_views([evil], ON)),
    )  # fmt: skip
    for chart in charts:
        words = list(strings(chart.to_plotly_json()))
        assert not [text for text in words if "<img" in text]
        assert [text for text in words if "&lt;img" in text]
    assert "<img" not in proposal._repr_html_() + explained._repr_html_()


def strings(node):
    """Every text of a figure, as plotly is given it."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, (list, tuple, np.ndarray)):
        for value in node:
            yield from strings(value)


def test_plotly_is_imported_by_the_first_figure():
    told = (
        "import sys; from trimtab.optimizer import plots, proposals; from trimtab.scenarios import plots as others\n"
        "before = 'plotly' in sys.modules; plots.blank(); print(before, 'plotly' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True, check=False)
    assert answer.stdout.split() == ["False", "True"], answer.stderr
