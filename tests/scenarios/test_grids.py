"""Many rules through one history: the same alone, together and in parallel; and luck is told as luck."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_backtests import START, make_chronicle, make_policy, make_returns

from trimtab.errors import InputError
from trimtab.scenarios.backtests import Backtest, backtest
from trimtab.scenarios.baselines import make_baselines, strategic_returns, take_apart
from trimtab.scenarios.grids import Course, Grid, choose_forward, doubt, try_all, try_grid
from trimtab.scenarios.knobs import Knob


@pytest.fixture(scope="module")
def course():
    return Course(make_chronicle(make_returns(70)), START)


def same(first: Backtest, second: Backtest):
    for table in ("days", "weights", "trades", "audit"):
        pd.testing.assert_frame_equal(getattr(first, table), getattr(second, table), check_exact=True)


def test_in_parallel_one_by_one_and_alone_are_the_same(course):
    knobs = [Knob("band", (0.01, 0.03)), Knob("costs", (0.0, 1.0))]
    serial, parallel = (try_grid(make_policy(), course, knobs, workers=n) for n in (1, 2))
    assert list(serial.tests) == list(parallel.tests)
    for name, test in serial.tests.items():
        same(test, parallel.tests[name])
    same(serial.tests["band=0.01, costs=1"], backtest(make_policy(), course.chronicle, START))
    assert serial.points.loc["band=0.03, costs=0"].tolist() == [0.03, 0.0]
    free, charged = (serial.tests[f"band=0.01, costs={c}"].days["cost"].sum() for c in (0, 1))
    assert free == 0.0 < charged


def test_baselines_are_what_they_are_called(course):
    policy = make_policy()
    grid = try_all({"policy": policy, **make_baselines(policy, every_sessions=10)}, course)
    assert not len(grid.tests["hold"].trades)
    traded = grid.tests["calendar"].days["trades"] > 0
    assert 2 <= traded.sum() <= 6
    assert set(grid.tests["threshold"].days["outcome"]) == {"HELD", "OPTIMAL"} or len(traded) > 0
    free = strategic_returns(policy, course.chronicle, "mix", grid.tests["policy"])
    assert abs(free - grid.tests["calendar"].returns).max() < 0.01
    frame = grid.to_frame(draws=50, benchmark="hold")
    assert list(frame.index) == list(grid.tests)
    assert frame.loc["hold", ("tracking_error", "value")] == 0.0


def test_each_part_stands_alone():
    from test_backtests import make_playbook

    apart = take_apart(make_policy(playbook=make_playbook()))
    assert list(apart) == ["no signals", "opinion lead alone"]
    assert not apart["no signals"].playbook.opinions


def made_up(columns: int, skill: float = 0.0, periods: int = 480) -> Grid:
    """A grid of returns without any walk behind them."""
    rng = np.random.default_rng(7)
    index = pd.bdate_range("2000-01-03", periods=periods + 1)
    tests = {}
    for k in range(columns):
        moves = rng.normal(skill if k == 3 else 0.0, 0.01, periods)
        nav = np.cumprod(np.r_[1e6, 1.0 + moves])
        days = pd.DataFrame({"opened": nav, "flow": 0.0, "nav": nav, "cost": 0.0, "turnover": 0.0}, index=index)
        cash = pd.Series(0.0, index=index[1:])
        tests[f"rule {k}"] = Backtest(days, days[["nav"]], days.iloc[:0], days, None, cash, 252.0)  # type: ignore[arg-type]
    return Grid(tests, pd.DataFrame(index=list(tests)))


def test_the_best_of_many_without_skill_is_called_ordinary():
    found = doubt(made_up(50), train_years=1.0, test_years=0.25)
    assert found.trials == 50
    assert found.sharpe > 1.0  # it looks fine
    assert found.deflated < 0.9
    assert "ordinary" in found.warning


def test_skill_is_told_from_luck():
    found = doubt(made_up(50, skill=0.004), train_years=0.5, test_years=0.25)
    assert found.best == "rule 3"
    assert found.deflated > 0.95
    assert found.overfitting < 0.1
    assert found.forward_sharpe > 2.0
    assert found.warning == ""


def test_choosing_forward_never_looks_at_what_it_is_judged_by():
    returns = made_up(5).returns
    changed = returns.copy()
    changed.iloc[300:] *= -3.0
    first, second = (choose_forward(each, 120, 30, purge=5) for each in (returns, changed))
    early = first.index < returns.index[300]
    assert early.any()
    pd.testing.assert_frame_equal(first[early], second[early])
    assert first.index[0] == returns.index[125]


def test_returns_judge_as_the_backtest_that_earned_them(course):
    plain, other = (backtest(make_policy(), course.chronicle, START, nav=nav) for nav in (1e6, 1e5))
    both, alone = plain.judge(other, draws=50), plain.judge(other.returns, draws=50)
    assert "time_in_position" not in alone.index
    pd.testing.assert_frame_equal(both.drop("time_in_position"), alone)


def test_a_knob_is_turned_once(course):
    knobs = [Knob("band", (0.01, 0.03)), Knob("band", (0.02,))]
    for bad, words in ((knobs, "named twice"), ([], "there is no knob")):
        with pytest.raises(InputError, match=words):
            try_grid(make_policy(), course, bad)


def test_what_cannot_be_turned_is_told(course):
    with pytest.raises(InputError, match="history cannot be turned"):
        try_grid(make_policy(), course, Knob("volatility", (1.1,)))
    with pytest.raises(InputError, match="no rule to try"):
        try_all({}, course)
