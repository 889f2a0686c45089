"""Valuation, economy, credit and sentiment: laws that hold for every measure, and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.demo import book_path
from trimtab.errors import SignalError
from trimtab.signals import credit, economy, fundamental, sentiment
from trimtab.signals.kinds import Measure, complete

HERE = {
    f"{module.__name__.rpartition('.')[2]}.{kind}": measure
    for module in (fundamental, economy, credit, sentiment)
    for kind, measure in module.MEASURES.items()
}
SMALL = {"window": 5, "lookback": 3, "short": 2, "long": 4, "smooth": 2}  # so that forty rows are history enough
every = pytest.mark.parametrize("measure", HERE.values(), ids=HERE)


def parameters(measure: Measure) -> dict:
    full = complete(measure.function, {}, "it")
    return {name: SMALL.get(name, value) for name, value in full.items()}


def draw(measure: Measure, seed: int, rows: int = 40) -> np.ndarray:
    """Positive levels that wander, with holes."""
    rng = np.random.default_rng(seed)
    wide = 3 if measure.count is None else measure.count
    levels = np.exp(rng.normal(0.0, 0.1, (rows, wide)).cumsum(axis=0))
    levels[rng.random(levels.shape) < 0.03] = np.nan
    return levels[:, 0] if measure.count == 1 else levels


@every
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(1, 39))
def test_a_row_knows_nothing_of_the_rows_after_it(measure, seed, cut):
    values = draw(measure, seed)
    shuffled = values.copy()
    np.random.default_rng(seed + 1).shuffle(shuffled[cut:])
    own = parameters(measure)
    full = measure.function(values, **own)
    assert full.shape == (len(values),)
    np.testing.assert_array_equal(measure.function(values[:cut], **own), full[:cut])
    np.testing.assert_array_equal(measure.function(shuffled, **own)[:cut], full[:cut])


@every
@given(seed=st.integers(0, 2**32 - 1))
def test_the_last_row_needs_as_many_rows_as_the_measure_says_and_no_fewer(measure, seed):
    values, own = draw(measure, seed), parameters(measure)
    memory = measure.memory(own)
    full = measure.function(values, **own)
    np.testing.assert_array_equal(measure.function(values[-memory:], **own)[-1], full[-1])
    if memory > 1:
        assert np.isnan(measure.function(values[-memory + 1 :], **own)[-1])


@pytest.mark.parametrize("measure", [each for each in HERE.values() if each.count == 1])
def test_a_measure_of_one_series_takes_several_side_by_side(measure):
    own = parameters(measure)
    both = np.column_stack([draw(measure, 1), draw(measure, 2)])
    apart = np.column_stack([measure.function(column, **own) for column in both.T])
    np.testing.assert_array_equal(measure.function(both, **own), apart)


@every
def test_bad_parameters_are_refused_by_name(measure):
    for name, value in parameters(measure).items():
        if isinstance(value, int):
            with pytest.raises(SignalError, match=name):
                measure.function(draw(measure, 0), **{name: -1})


@every
def test_each_says_formula_source_units_and_shows_an_example(measure):
    words = measure.function.__doc__
    assert all(each in words for each in ("Return", "Source:", ">>>"))
    assert measure.takes
    assert measure.gives


@pytest.mark.parametrize(
    ("function", "moneys"),
    [
        (fundamental.price_earnings, 2),
        (fundamental.earnings_yield, 2),
        (fundamental.profit_margin, 2),
        (fundamental.estimate_revision, 2),
        (fundamental.cape, 2),
        (sentiment.fund_flow, 2),
        (sentiment.put_call, 2),
    ],
)
@given(seed=st.integers(0, 2**32 - 1), unit=st.floats(0.01, 100.0))
def test_the_currency_does_not_matter(function, moneys, seed, unit):
    measure = next(each for each in HERE.values() if each.function is function)
    values, own = draw(measure, seed), parameters(measure)
    scaled = values * np.where(np.arange(values.shape[1]) < moneys, unit, 1.0)
    np.testing.assert_allclose(function(scaled, **own), function(values, **own), rtol=1e-9, atol=1e-12)


def test_estrella_and_mishkin_table():
    """The spreads at which a recession four quarters ahead has these odds (1996, table 1)."""
    table = {
        **{5: 1.21, 10: 0.76, 15: 0.46, 20: 0.22, 25: 0.02, 30: -0.17},
        **{40: -0.50, 50: -0.82, 60: -1.13, 70: -1.46, 80: -1.85, 90: -2.40},
    }
    yields = np.array([[0.05, 0.05 - points / 100] for points in table.values()])
    np.testing.assert_allclose(economy.recession_probability(yields) * 100, list(table), atol=0.5)


def test_the_sahm_rule_spoke_in_february_2008():
    rates = pd.Series(
        [4.6, 4.5, 4.4, 4.5, 4.4, 4.6, 4.7, 4.6, 4.7, 4.7, 4.7, 5.0, 5.0, 4.9, 5.1, 5.0, 5.4],
        index=pd.period_range("2007-01", periods=17, freq="M"),
    )
    gap = economy.sahm_gap(rates.to_numpy(), window=10)  # the least of these months is that of April and May 2007
    assert np.round(gap[13], 2) == 0.53
    assert str(rates.index[gap >= 0.5][0]) == "2008-02"


def test_the_adjusted_pe_is_shillers(shared):
    table = pd.read_csv(shared / "data" / "market" / "sp500_shiller.csv")
    table = table[table["Earnings"] > 0]
    values = table[["SP500", "Earnings", "Consumer Price Index"]].to_numpy(float)
    known = table["PE10"].to_numpy() > 0
    np.testing.assert_allclose(fundamental.cape(values)[known], table["PE10"][known], rtol=1e-3)


def test_what_a_loss_would_make_of_a_price_earnings_is_no_number():
    values = np.array([[100.0, -5.0], [100.0, 0.0], [100.0, 5.0]])
    np.testing.assert_array_equal(fundamental.price_earnings(values), [np.nan, np.nan, 20.0])
    np.testing.assert_array_equal(fundamental.earnings_yield(values[:, ::-1]), [-0.05, 0.0, 0.05])


def test_growth_that_does_not_change_does_not_accelerate():
    levels = 100 * 1.02 ** (np.arange(60) / 12)
    np.testing.assert_allclose(economy.acceleration(levels)[12:], 0.0, atol=1e-12)
    np.testing.assert_allclose(economy.growth_rate(levels, lookback=3)[3:], 0.02)


def test_a_spread_and_its_widening_agree():
    values = draw(HERE["credit.widening"], 7)
    spread = fundamental.yield_spread(values)
    np.testing.assert_allclose(credit.widening(values, lookback=2)[2:], spread[2:] - spread[:-2])


def test_survival_and_defaults_close():
    """A hundred issuers, one lost a month and none replaced: a year's rate is twelve in a hundred at its start."""
    defaults, alive = np.ones(24), 100.0 - np.arange(24)
    rate = credit.default_rate(np.column_stack([defaults, alive]))
    np.testing.assert_allclose(rate[11:], 12 / alive[:13])


def test_the_book_of_2017_in_known_figures():
    """What the table of the demo book gives is what was written at the time."""
    table = pd.read_csv(book_path() / "signals.csv", parse_dates=["date"], index_col="date")
    baa = table[["baa", "ust20y_mean"]].dropna()
    spread = pd.Series(fundamental.yield_spread(baa.to_numpy()), baa.index)
    assert spread.idxmax() == pd.Timestamp("2008-12-31")
    assert 0.05 < spread.max() < 0.055
    core = economy.growth_rate(table["core_cpi"].dropna().to_numpy())
    assert math.isclose(core[-1], 0.0226, abs_tol=5e-4)  # 2.3 % in January 2017
    curve = table[["ust10y", "ust3m"]].dropna()
    odds = pd.Series(economy.recession_probability(curve.to_numpy(), smooth=63), curve.index)
    assert odds.idxmax() < pd.Timestamp("2007-10-01")  # the recession began in December 2007
    assert 0.25 < odds.max() < 0.5
    assert odds.iloc[-1] < 0.05
    jobs = economy.rate_change(table["unemployment"].dropna().to_numpy())
    assert math.isclose(jobs[-1], -0.3, abs_tol=1e-9)
