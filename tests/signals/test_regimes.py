"""Regimes: what is known on a day says the state of that day, whatever comes later."""

from __future__ import annotations

import builtins
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import SignalError
from trimtab.signals import chains, regimes
from trimtab.signals.chains import Chain, filtered, fit_chain
from trimtab.signals.definitions import Signal
from trimtab.signals.panels import Panel
from trimtab.signals.regimes import MarkovRegime, QuadrantRegime, VolatilityRegime, filter_regime
from trimtab.signals.schedules import period_start
from trimtab.signals.thresholds import past_percentiles, step_states

VIX = Signal("VIX", "published", ("vix",))
GROWTH = Signal("growth", "published", ("payrolls",), stale_days=60)
PRICES = Signal("inflation", "published", ("cpi",), stale_days=60)
DAYS = pd.bdate_range("2008-01-01", periods=900)


def switching(seed: int, rows: int = 900) -> np.ndarray:
    """Returns of a calm and a stressed state, the second from a third of the way to two thirds."""
    random = np.random.default_rng(seed)
    deviation = np.where((np.arange(rows) // (rows // 6)) % 3 == 1, 0.025, 0.008)
    return random.normal(0.0003, deviation)


def make_panel(seed: int) -> Panel:
    random = np.random.default_rng(seed)
    months = pd.date_range("2008-01-31", periods=41, freq="ME")
    daily = {
        "index": pd.Series(100 * np.exp(np.cumsum(switching(seed))), DAYS),
        "vix": pd.Series(0.2 * np.exp(0.3 * np.cumsum(random.normal(0, 0.1, 900)) / 3), DAYS),
    }
    monthly = {name: pd.Series(random.normal(size=41), months) for name in ("payrolls", "cpi")}
    return Panel.from_series(daily | monthly, {"payrolls": 5, "cpi": 14})


REGIMES = [
    MarkovRegime("markov", "index", refit="year", least=200),
    VolatilityRegime("fear", VIX, (0.18, 0.25)),
    VolatilityRegime("relative fear", VIX, (0.5, 0.9), percentile=True),
    QuadrantRegime("macro", GROWTH, PRICES, dead_band=0.3),
]


def later_scrambled(panel: Panel, on: dt.date, seed: int) -> Panel:
    """The same knowledge up to a day, and other numbers after it."""
    random = np.random.default_rng(seed)
    blocks = []
    for block in panel.blocks:
        after = block.known > on.toordinal()
        values = block.values.copy()
        values[after] = random.permutation(values[after]) * random.uniform(0.5, 2.0)
        blocks.append(type(block)(block.names, block.date, block.known, values))
    return Panel(tuple(blocks))


PANEL = make_panel(5)
ASKED = [day.date() for day in DAYS[::9]]


@pytest.mark.parametrize("regime", REGIMES, ids=lambda each: each.name)
def test_later_numbers_change_nothing(regime):
    whole = filter_regime(regime, PANEL, ASKED)

    @settings(max_examples=8)
    @given(st.integers(20, len(ASKED) - 1))
    def told(row):
        on = ASKED[row]
        for other in (PANEL.as_of(on), later_scrambled(PANEL, on, row)):
            again = filter_regime(regime, other, ASKED[: row + 1])
            pd.testing.assert_frame_equal(again, whole.iloc[: row + 1], check_exact=True)

    told()
    assert (whole["state"] != "").any()
    said = whole[whole["state"] != ""]
    assert said[list(regime.states)].sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert (whole.loc[whole["state"] == "", "note"] != "").all()
    # One day by itself is the same as among others, in any order.
    alone = filter_regime(regime, PANEL, [ASKED[70], ASKED[40]])
    pd.testing.assert_frame_equal(alone, whole.iloc[[70, 40]], check_exact=True)


def test_the_filter_is_that_of_statsmodels():
    model = pytest.importorskip("statsmodels.tsa.regime_switching.markov_regression").MarkovRegression
    returns = switching(8)[:300]
    theirs = model(returns, k_regimes=2, trend="c", switching_variance=True)
    params = np.array([0.95, 0.1, 0.0005, -0.0005, 0.008**2, 0.025**2])  # p00, p10, means, variances
    transition = np.asarray(theirs.regime_transition_matrix(params))[:, :, 0]
    ours = filtered(Chain(params[2:4], np.sqrt(params[4:]), transition), returns)
    assert ours == pytest.approx(np.asarray(theirs.filter(params).filtered_marginal_probabilities), abs=1e-10)


def test_a_known_chain_is_found_again():
    random = np.random.default_rng(4)
    state, returns = 0, np.empty(1500)
    for row in range(1500):
        state = state if random.random() < (0.98, 0.95)[state] else 1 - state
        returns[row] = random.normal((0.0006, -0.001)[state], (0.007, 0.02)[state])
    chain = fit_chain(returns, 2)
    assert isinstance(chain, Chain)
    assert chain.deviations == pytest.approx([0.007, 0.02], rel=0.1)
    assert np.diag(chain.transition) == pytest.approx([0.98, 0.95], abs=0.03)
    assert chain.transition.sum(axis=0) == pytest.approx(1.0)
    chains._fit.cache_clear()
    again = fit_chain(returns, 2)
    assert np.array_equal(again.transition, chain.transition)  # no random search anywhere


def test_states_are_ordered_by_volatility():
    chain = Chain(np.array([1.0, 2.0]), np.array([0.3, 0.1]), np.array([[0.9, 0.2], [0.1, 0.8]]))
    assert list(chain.deviations) == [0.1, 0.3]
    assert list(chain.means) == [2.0, 1.0]
    assert chain.transition.tolist() == [[0.8, 0.1], [0.2, 0.9]]


def test_parameters_stand_still_between_refits_and_the_last_good_ones_are_kept(monkeypatch):
    asked = []

    def unsteady(returns, states):
        asked.append(len(returns))
        return "the fit did not converge" if len(returns) > 500 else fit_chain(returns, states)

    monkeypatch.setattr(regimes, "fit_chain", unsteady)
    regime = MarkovRegime("markov", "index", refit="year", least=200)
    notes = filter_regime(regime, PANEL, DAYS)["note"]
    assert set(notes[DAYS.year == 2009]) == {"parameters of 2009-01-01"}
    assert set(notes[DAYS.year == 2010]) == {"parameters of 2009-01-01, kept: on 2010-01-01 the fit did not converge"}
    assert notes.iloc[0] == "fewer than 200 returns were known on 2008-01-01"
    assert sorted(set(asked)) == [262, 523, 783]


def test_what_cannot_be_fitted_says_so():
    flat = Panel.from_series({"index": pd.Series(100.0, DAYS)})
    frame = filter_regime(MarkovRegime("markov", "index", refit="year", least=200), flat, DAYS[-1:])
    assert frame["state"].iloc[0] == ""
    assert "does not move" in frame["note"].iloc[0]
    with pytest.raises(SignalError, match="positive"):
        filter_regime(MarkovRegime("markov", "cpi", least=30), PANEL, DAYS[-1:])


def test_revised_levels_are_read_as_they_were():
    days = pd.bdate_range("2008-01-01", periods=500)
    table = pd.DataFrame({"date": days, "available_at": days, "index": 100 * np.exp(np.cumsum(switching(2, 500)))})
    late = table.iloc[[478]].assign(available_at=days[480], index=1.5 * table["index"].iloc[478])
    regime = MarkovRegime("markov", "index", refit="quarter", least=200)
    plain, revised = (Panel.from_frame(each) for each in (table, pd.concat([table, late])))
    before, after = days[[460, 479]], days[[481, 482]]
    same = (filter_regime(regime, panel, before) for panel in (plain, revised))
    assert np.allclose(*(each["stressed"].to_numpy() for each in same), atol=1e-12)
    assert not np.allclose(*(filter_regime(regime, p, after)["stressed"].to_numpy() for p in (plain, revised)))


def test_without_statsmodels_the_mend_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("statsmodels"):
            raise ImportError(name)
        return real(name, *rest)

    chains._fit.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(SignalError) as error:
        fit_chain(switching(1)[:200], 2)
    assert "trimtab[regimes]" in error.value.mend


@given(
    st.lists(st.floats(0.05, 0.6), min_size=1, max_size=60),
    st.lists(st.floats(0.1, 0.5), min_size=1, max_size=3, unique=True).map(sorted),
    st.floats(0, 0.5),
)
def test_hysteresis_keeps_but_never_invents(numbers, thresholds, share):
    found = step_states(np.array(numbers), tuple(thresholds), share)
    entered = (np.array(numbers)[:, None] > thresholds).sum(axis=1)
    could = (np.array(numbers)[:, None] >= np.array(thresholds) * (1 - share)).sum(axis=1)
    assert np.all((found >= entered) & (found <= np.maximum(could, entered)))
    assert np.array_equal(step_states(np.array(numbers), tuple(thresholds), 0.0)[0:1], entered[0:1])


def test_percentiles_are_of_what_was_known():
    numbers = np.random.default_rng(0).normal(size=80)
    found = past_percentiles(numbers, np.ones(80, dtype=bool), 10)
    assert np.isnan(found[:9]).all()
    for row in range(9, 80):
        past = numbers[: row + 1]
        assert found[row] == pytest.approx(np.mean((past < numbers[row]) + 0.5 * (past == numbers[row])))


def test_quadrants_are_growth_and_inflation():
    days = pd.date_range("2016-01-31", periods=4, freq="ME")
    panel = Panel.from_series({"payrolls": pd.Series([1.0, 1, -1, -1], days), "cpi": pd.Series([-1.0, 1, -1, 1], days)})
    frame = filter_regime(QuadrantRegime("macro", GROWTH, PRICES), panel, [*days, dt.date(2018, 1, 1)])
    assert list(frame["state"]) == ["goldilocks", "reflation", "deflation", "stagflation", ""]
    assert frame["note"].iloc[-1] == "growth says nothing"


def test_regimes_say_which_series_they_read():
    assert [regime.series for regime in REGIMES] == [("index",), ("vix",), ("vix",), ("payrolls", "cpi")]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: MarkovRegime("m", "index", states=("one",)), "states"),
        (lambda: MarkovRegime("m", "index", refit="week"), "refit"),
        (lambda: MarkovRegime("m", "index", every=0), "every"),
        (lambda: MarkovRegime("m", "index", least=3), "least"),
        (lambda: MarkovRegime("m", ("a", "b")), "series"),
        (lambda: VolatilityRegime("v", "VIX", (0.2,)), "signal"),
        (lambda: QuadrantRegime("q", "growth", PRICES), "growth"),
        (lambda: VolatilityRegime("v", VIX, ()), "thresholds"),
        (lambda: VolatilityRegime("v", VIX, (0.3, 0.2)), "thresholds"),
        (lambda: VolatilityRegime("v", VIX, (20.0,), percentile=True), "thresholds"),
        (lambda: VolatilityRegime("v", VIX, (0.2,), states=("a", "a")), "states"),
        (lambda: VolatilityRegime("v", VIX, (0.2,), hysteresis=1.0), "hysteresis"),
        (lambda: QuadrantRegime("q", GROWTH, GROWTH), "inflation"),
        (lambda: QuadrantRegime("q", GROWTH, PRICES, states=("a", "b")), "states"),
    ],
)
def test_regimes_that_cannot_be_meant(make, field):
    with pytest.raises(SignalError) as error:
        make()
    assert error.value.field == field


def test_periods_start_where_calendars_do():
    for refit, month in (("month", 11), ("quarter", 10), ("year", 1)):
        assert period_start(dt.date(2016, 11, 30), refit) == dt.date(2016, month, 1)


def test_the_crisis_of_2008_is_seen_when_it_happens():
    book = pytest.importorskip("trimtab.demo").book_path()
    panel = Panel.from_frame(pd.read_csv(book / "signals.csv", usecols=["date", "available_at", "sp500"]))
    regime = MarkovRegime("equity", "sp500", least=200)
    frame = filter_regime(regime, panel, [dt.date(2007, 12, 31), dt.date(2008, 2, 5), dt.date(2008, 10, 10)])
    assert frame["note"].iloc[0] == "fewer than 200 returns were known on 2007-01-01"
    assert list(frame["state"][1:]) == ["stressed", "stressed"]
    assert frame["stressed"].iloc[2] > 0.99  # the worst week of the index since 1933
    quiet = filter_regime(regime, panel, [dt.date(2014, 6, 30)])
    assert quiet["state"].iloc[0] == "calm"
    assert quiet["calm"].iloc[0] > 0.95
