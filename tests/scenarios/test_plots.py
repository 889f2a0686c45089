"""What nouns draw of themselves is what their tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.scenarios.backtests import Backtest
from trimtab.scenarios.boards import Board
from trimtab.scenarios.knobs import Knob
from trimtab.scenarios.sweeps import Sweep

pytest.importorskip("plotly", reason="plotly is not installed")
EVIL = "<img src=x onerror=alert(1)>"


def walked(returns, opened=100.0, fee=0.0):
    """Make a backtest that earned these returns, with money coming on its third day."""
    index = pd.bdate_range("2024-01-01", periods=len(returns) + 1)
    flow, nav = np.zeros(len(index)), np.zeros(len(index))
    flow[2:3] = 50.0
    nav[0] = opened - fee
    before = opened
    for t, r in enumerate(returns, start=1):
        nav[t] = before * (1.0 + r) + flow[t]
        before = nav[t]
    days = pd.DataFrame(
        {"opened": np.r_[opened, nav[1:] - flow[1:]], "flow": flow, "cost": 0.0, "nav": nav, "trades": 0,
         "turnover": np.linspace(0.0, 0.1, len(index))}, index,
    )  # fmt: skip
    none = pd.DataFrame(index=index)
    return Backtest(days, none, none, none, None, pd.Series(0.0, index[1:]), 252.0)


def test_the_history_of_a_backtest_compounds_its_returns_and_no_cash_flow():
    returns = np.array([0.10, -0.20, 0.05, 0.01])
    found = walked(returns)
    table = found.history(walked(returns * 0.0))
    np.testing.assert_allclose(table["growth"], np.cumprod(np.r_[1.0, 1.0 + returns]), rtol=1e-12)
    assert table["drawdown"].min() == pytest.approx(-0.20)
    np.testing.assert_allclose(table["ahead"], table["growth"] - 1.0, atol=1e-12)
    lines = {trace.name: trace for trace in found.plot(walked(returns * 0.0)).data}
    for name in ("growth", "benchmark", "ahead", "drawdown", "turnover"):
        np.testing.assert_array_equal(lines[name].y, table[name])
    assert "benchmark" not in {trace.name for trace in found.plot().data}
    single = walked(np.array([]))
    assert single.history()["growth"].to_list() == [1.0]


def test_sweeps_and_boards_draw_themselves_and_their_names_are_words():
    index = pd.Index([0.1, 0.2], name=f"view.{EVIL}.gain")
    points = pd.DataFrame(
        {"expected_gain": [0.01, 0.02], "tracking_error": [0.1, 0.2], "reason": "", "binding": ""}, index
    )
    found = Sweep((Knob("gain", (1.0, 2.0)),), points, pd.DataFrame({EVIL: [0.5, 0.4]}, index))
    assert list(found.plot(x="tracking_error").data[0].x) == [0.1, 0.2]
    rows = pd.Index(["do nothing", f"{EVIL} fails"], name="alternative")
    figures = pd.DataFrame({"tracking_error": [0.0, 0.01], "expected_gain": [0.0, 0.002], "reason": ""}, rows)
    use, worth = pd.DataFrame({EVIL: [0.1, 1.0]}, rows), pd.DataFrame({EVIL: [0.0, 0.5], "b": [1.0, 0.25]}, rows)
    board = Board(figures, use, worth.iloc[:, :0], worth, worth, {}, {})
    chart = board.plot()
    np.testing.assert_array_equal(chart.data[1].z, use)
    np.testing.assert_array_equal(chart.data[2].customdata, 1e4 * board.regret)
    for drawn in (found.plot(), chart):
        assert "<img" not in drawn.to_json().replace("\\u003c", "<")
    assert "<img" not in found._repr_html_() + board._repr_html_()
