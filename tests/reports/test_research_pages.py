"""Pages of sweeps, boards, backtests, attributions and oversight: numbers are the nouns', whatever their size."""

import datetime as dt
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from trimtab.attribution import attribute, chain
from trimtab.attribution.chains import Origin
from trimtab.attribution.skill import cost_of_limits, judge_by
from trimtab.reports.attributions import attribution_page
from trimtab.reports.backtests import backtest_page
from trimtab.reports.boards import board_page
from trimtab.reports.calendars import Overseen, calendar_page
from trimtab.reports.forms import MOST, spread_out
from trimtab.reports.pages import Chart, Listing, Page, Words, render
from trimtab.reports.sweeps import sweep_page
from trimtab.scenarios.backtests import Backtest
from trimtab.scenarios.boards import PROPOSED, Board
from trimtab.scenarios.grids import Doubt
from trimtab.scenarios.knobs import Knob
from trimtab.scenarios.reversals import Implied
from trimtab.scenarios.sweeps import Sweep

EVIL = "</script><img src=x onerror=alert(1)>"
ON = dt.date(2024, 3, 1)


def section(page: Page, title: str) -> Any:
    return next(each for each in page.sections if each.title == title)


# ------------------------------------------------------------------------------------------------ the nouns


def made_sweep(count=40, name="turnover") -> Sweep:
    at = np.linspace(0.01, 0.1, count)
    binding = np.where(at < 0.04, name, np.where(at < 0.08, f"{name}; {EVIL}", ""))
    points = pd.DataFrame(
        {"outcome": "OPTIMAL", "utility": at / 20, "expected_gain": np.sqrt(at) / 10, "tracking_error": at / 5,
         "volatility": 0.1, "turnover": at, "cost": at / 1000, "certified_te": 1e-9, "binding": binding, "reason": ""},
        pd.Index(at, name=name),
    )  # fmt: skip
    points.iloc[-1, [0, -1]] = ["UNSOLVED", EVIL]
    weights = pd.DataFrame({EVIL: 0.6 - at, "IEF": 0.4 + at}, points.index)
    return Sweep((Knob(name, tuple(at)),), points, weights)


def made_board() -> Board:
    rows = pd.Index(["do nothing", PROPOSED, f"{EVIL} fails"], name="alternative")
    figures = pd.DataFrame(
        {"outcome": ["", "OPTIMAL", "RELAXED"], "turnover": [0.0, 0.05, 0.02], "cost": [0.0, 1e-4, 5e-5],
         "trades": [0, 4, 2], "tracking_error": [0.0, 0.01, 0.005], "expected_gain": [0.0, 0.003, 0.001],
         "utility": [0.0, 0.002, 0.0005], "regret": [0.002, 0.0, 0.0015], "reason": ["", "proved", EVIL]}, rows,
    )  # fmt: skip
    use = pd.DataFrame({"turnover": [0.0, 0.5, 0.2], EVIL: [0.1, 1.0, 0.4]}, rows)
    stress = pd.DataFrame({"crash": [-0.1, -0.12, -0.11]}, rows)
    worth = pd.DataFrame({"as believed": [0.0, 0.002, 0.0005], "no views": [0.0, -0.001, 0.0]}, rows).join(stress)
    weights = pd.DataFrame({EVIL: [0.6, 0.65, 0.61], "IEF": [0.4, 0.35, 0.39]}, rows)
    return Board(figures, use, stress, worth, weights, {}, {"band edge": "the policy has no band"})


def made_backtest(seed=0, years=2) -> Backtest:
    index = pd.bdate_range("2020-01-01", periods=260 * years + 1)
    moves = np.random.default_rng(seed).normal(0.0003, 0.01, len(index) - 1)
    nav = 1e6 * np.cumprod(np.r_[1.0, 1.0 + moves])
    days = pd.DataFrame(
        {"opened": nav, "gained": np.r_[0.0, np.diff(nav)], "flow": 0.0, "cost": 0.0, "nav": nav,
         "turnover": np.where(np.arange(len(nav)) % 21 == 0, 0.05, 0.0), "trades": np.arange(len(nav)) % 21 == 0,
         "cause": f"{EVIL} is 5.00% above"}, index,
    ).astype({"trades": int})  # fmt: skip
    none = pd.DataFrame(index=index)
    return Backtest(days, none, none, none, None, pd.Series(0.0, index[1:]), 252.0)  # type: ignore[arg-type]


def made_attribution():
    rng, index = np.random.default_rng(2), pd.bdate_range("2023-01-02", periods=60)
    assets, n = ["EQ", "BD", "GD"], 60
    frame = lambda row: pd.DataFrame([row] * n, index=index, columns=assets)  # noqa: E731
    views = {f"view {EVIL}": frame([0.1, -0.1, 0.0]), "view gold": frame([0.0, -0.02, 0.02])}
    tactical = np.array([0.7, 0.18, 0.12])
    held = tactical + rng.normal(0, 0.01, (n, 3)) @ (np.eye(3) - 1 / 3)
    stages = {"strategic": frame([0.6, 0.3, 0.1]), "tactical": frame(tactical),
              "held": pd.DataFrame(held, index, assets)}  # fmt: skip
    returns = pd.DataFrame(rng.normal(0.0004, 0.01, (n, 3)), index, assets)
    origins = {f"view {EVIL}": Origin(author=EVIL, kind="view"), "view gold": Origin(author="ann", kind="view")}
    return attribute(chain(EVIL, stages, returns, beliefs=views, origins=origins))


def made_oversight(count=30) -> Overseen:
    days = [ON + dt.timedelta(int(k) % 50) for k in range(count)]
    positions = pd.DataFrame(
        {"account_id": [f"{EVIL}{k:04d}" for k in range(count)], "asset_id": "EEM", "side": "over", "state": "open",
         "opened": ON - dt.timedelta(100), "age_days": 100, "life_left": [(d - ON).days for d in days],
         "reverts_from": [d - dt.timedelta(20) for d in days], "ends": days, "path": [()] * count,
         "extended_until": None, "approval": ""},
    )  # fmt: skip
    due = pd.DataFrame(
        {"due": [ON], "what": ["review of an override"], "subject": [EVIL], "people": ["ann"], "overdue": True}
    )
    used = pd.DataFrame(
        {"account_id": ["1"], "limit": ["weight"], "on": [EVIL], "bound": [0.05], "used": [0.049], "share": 0.98}
    )
    drift = pd.DataFrame({"model_id": ["m", "m"], "asset_id": ["EEM", "IEF"], "mean": [0.03, 0.001], "limit": 0.05,
                          "share": [0.6, 0.02], "flagged": [True, False]})  # fmt: skip
    acts = pd.DataFrame({"at": pd.to_datetime(["2024-02-01T10:00Z", "2024-02-02T10:00Z"]), "person": ["ann", EVIL],
                         "act": "proposed", "because": ["why", EVIL]})  # fmt: skip
    people = pd.DataFrame({"proposed": [1, 1]}, pd.Index(["ann", EVIL], name="person"))
    return Overseen(ON, "releases may go out", positions, used, due, due.iloc[:0], drift, acts, people)


def made_pages() -> dict[str, Page]:
    tests = {"the policy": made_backtest(), EVIL: made_backtest(1)}
    statistics = pd.concat({name: each.judge(draws=40) for name, each in tests.items()}, names=["rule"])
    found = made_attribution()
    judged = judge_by(found, "view", periods_per_year=252, draws=40).reset_index().assign(by="view")
    calibration = pd.DataFrame({"forecasts": [20], "confidence": [0.4], "right": [12], "wrong": [8]}, index=[EVIL])
    wide = {name: [0.1, 0.2] for name in ("weight", "strategic", "gain", "low", "high", "believed", "held_back")}
    assets = pd.DataFrame(wide, pd.Index([EVIL, "IEF"], name="asset_id"))
    legs = pd.DataFrame({"gain": [0.01], "low": 0.0, "high": 0.02, "believed": 0.01, "says": 0.02}, index=[EVIL])
    return {
        "sweep": sweep_page(made_sweep(), f"Of {EVIL}", about=(("account", EVIL),)),
        "board": board_page(made_board(), implied=Implied(assets, legs, ())),
        "backtest": backtest_page(tests, statistics, Doubt(EVIL, 1.0, 2, 0.6, 0.7, 0.1), asked="the policy"),
        "attribution": attribution_page(
            found, skill=pd.concat([judged, judged.assign(by="signal"), judged.assign(by="author", gain=0.0)]),
            limits=cost_of_limits(found, periods_per_year=252, draws=40).reset_index(), calibration=calibration,
        ),
        "oversight": calendar_page(made_oversight()),
    }  # fmt: skip


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return made_pages()


NAMES = ("sweep", "board", "backtest", "attribution", "oversight")

# ------------------------------------------------------------------------------------------------ in the browser


def test_the_pages_open_draw_and_ask_for_nothing(show, pages):
    sections = tuple(each for page in pages.values() for each in page.sections)
    shown = show(Page("All of them", "One opening of the browser, for it takes seconds.", sections))
    assert shown.complaints == []
    assert [url for url in shown.requests if not url.startswith(("file:", "data:"))] == []
    charts = sum(isinstance(each, Chart) for each in sections)
    assert charts >= 2 * len(pages)
    assert shown.read("document.querySelectorAll('.drawing.drawn').length") == charts
    assert shown.read("document.querySelectorAll('.drawing.failed, img').length") == 0
    assert shown.read("[...document.querySelectorAll('.drawing')].every(d => d.querySelector('.main-svg'))")
    tables = sum(isinstance(each, (Chart, Listing)) for each in sections)
    assert shown.read("document.querySelectorAll('table').length") == tables
    assert shown.read("document.body.innerText.includes('onerror=alert(1)')")


# ------------------------------------------------------------------------------------------------ their words


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_word_and_it_is_there(pages, name):
    text = render(pages[name]).replace(get_plotlyjs(), "")
    assert "<img" not in text
    assert escape(EVIL) in text


def test_a_sweep_has_every_point_and_tells_what_binds_where(pages):
    found = made_sweep()
    page = pages["sweep"]
    table = section(page, "Expected gain by what was turned").frame
    np.testing.assert_array_equal(table["expected_gain"], found.points["expected_gain"])
    assert list(table.columns[:2]) == ["knob turnover", "outcome"]  # a knob may be called what a figure is
    binds = section(page, "What binds where").frame
    assert binds["points"].sum() == len(found.points)
    assert binds["binding"].to_list() == ["turnover", f"turnover; {EVIL}", "nothing"]
    assert (binds["from"] <= binds["to"]).all()
    assert (binds["to"].to_numpy()[:-1] < binds["from"].to_numpy()[1:]).all()
    assert section(page, "Points whose limits cannot all hold, or have no answer").frame["reason"].to_list() == [EVIL]


def test_a_long_sweep_says_where_the_rest_stands():
    page = sweep_page(made_sweep(3000))
    chart = section(page, "Expected gain by what was turned")
    assert len(chart.frame) == MOST
    assert f"{MOST:,} of 3,000 rows stand here" in chart.note
    assert len(chart.figure.data[0].x) == 3000


@pytest.mark.parametrize(("rows", "most"), [(1, 5), (5, 5), (6, 5), (999, 10), (10_001, 1000)])
def test_rows_at_even_distances_keep_both_ends(rows, most):
    kept = spread_out(pd.DataFrame({"x": range(rows)}), most)["x"].to_numpy()
    assert len(kept) == min(rows, most)
    assert (kept[0], kept[-1]) == (0, rows - 1)
    assert np.ptp(np.diff(kept)) <= 1 if len(kept) > 1 else True


def test_a_sweep_of_two_knobs_is_a_map_and_keeps_both():
    one = made_sweep(6)
    index = pd.MultiIndex.from_product([[1.0, 2.0], [0.1, 0.2, 0.3]], names=["gain", "turnover"])
    found = Sweep(
        (Knob("gain", (1.0, 2.0)), Knob("turnover", (0.1, 0.2, 0.3))),
        one.points.set_axis(index),
        one.weights.set_axis(index),
    )
    page = sweep_page(found)
    chart = section(page, "Expected gain by what was turned")
    assert np.asarray(chart.figure.data[0].z).shape == (2, 3)
    assert list(chart.frame.columns[:2]) == ["gain", "knob turnover"]
    assert "What binds where" not in {each.title for each in page.sections}


def test_a_board_tells_what_each_gives_up(pages):
    found, page = made_board(), pages["board"]
    np.testing.assert_array_equal(section(page, "Regret by world").frame, found.regret)
    assert "Left out: band edge (the policy has no band)." in section(page, "What could be done").note
    believed = section(page, "What must be believed to hold the proposal")
    assert believed.paragraphs[0].startswith("To hold this you must believe")


def test_a_backtest_grows_as_its_returns_and_has_its_years(pages):
    found, page = made_backtest(), pages["backtest"]
    chart = section(page, "Growth of every rule")
    grown = (1.0 + found.returns).prod()
    assert chart.frame["the policy"].iloc[-1] == pytest.approx(grown)
    assert len(chart.frame) == len(set(found.days.index.to_period("M")))
    years = section(page, "Year by year").frame
    assert (1.0 + years["return"]).prod() == pytest.approx(grown)
    assert years["trades"].sum() == found.days["trades"].sum()
    assert section(page, "Mind").paragraphs


def test_an_attribution_adds_up_on_its_page(pages):
    found, page = made_attribution(), pages["attribution"]
    steps = section(page, "What did it").frame
    assert steps["size"].iloc[:-1].sum() == pytest.approx(steps["end"].iloc[-1])
    assert section(page, "By view").frame["linked"].sum() == pytest.approx(found.excess)
    course = section(page, "When it was earned").frame
    assert course.iloc[-1].sum() == pytest.approx(found.by("group")["sum"].sum())
    skill = section(page, "Whether it was skill, by view")
    bar = skill.figure.data[0]
    np.testing.assert_allclose(np.asarray(bar.x) + bar.error_x.array, skill.frame["high"].dropna())
    assert [each.title for each in page.sections if each.title.startswith("Whether it was")] == [
        "Whether it was skill, by view", "Whether it was skill, by author",
    ]  # by signal says the same as by view  # fmt: skip
    calibrated = section(page, "Right as often as stated?")
    assert list(calibrated.figure.data[1].y) == [0.6]
    assert calibrated.frame.loc[EVIL, ["right", "wrong", "forecasts"]].to_list() == [12, 8, 20]
    assert calibrated.frame.loc[EVIL, "proposed"] == pytest.approx((2 * (20 * 0.7 + 12) / 40) - 1)


def test_a_short_attribution_is_a_page_without_verdicts():
    frame = lambda row: pd.DataFrame([row], index=[pd.Timestamp("2024-01-31")], columns=["EQ", "BD"])  # noqa: E731
    stages = {"strategic": frame([0.6, 0.4]), "tactical": frame([0.7, 0.3]), "held": frame([0.65, 0.35])}
    found = attribute(chain("one", stages, frame([0.05, 0.01]), beliefs={"view up": frame([0.1, -0.1])}))
    page = attribution_page(found)
    assert page.subtitle.startswith("One period ending 2024-01-31:")
    assert not {"What limits and delays cost", "Forecasts that have ended"} & {each.title for each in page.sections}


def test_oversight_of_a_large_book_stays_short_and_an_empty_one_says_so():
    page = calendar_page(made_oversight(3000))
    chart = section(page, "Open tactical positions")
    assert len(chart.frame) == MOST
    assert "1,000 of 3,000 rows" in chart.note
    assert len(chart.figure.data[0].y) == 60
    assert section(page, "Tilts that have become a habit").frame["asset_id"].to_list() == ["EEM"]
    full = made_oversight(1)
    nothing = Overseen(ON, "stopped", *(getattr(full, name).iloc[:0] for name in
                       ("positions", "used", "due", "waiting", "drift", "acts", "people")))  # fmt: skip
    empty = calendar_page(nothing)
    assert {type(each) for each in empty.sections[1:]} == {Words}
    assert "<h1>" in render(empty)


def test_the_way_back_is_drawn_from_its_own_days(pages):
    found = made_oversight(3)
    held, back = section(calendar_page(found), "Open tactical positions").figure.data
    day = 86_400_000
    assert list(held.x) == [
        (end - begin).days * day
        for begin, end in zip(found.positions["opened"], found.positions["reverts_from"], strict=True)
    ]
    assert list(back.x) == [20 * day] * 3
    assert list(back.base) == [each.isoformat() for each in found.positions["reverts_from"]]
