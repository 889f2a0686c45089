"""Costs and markets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.errors import MarketError
from trimtab.models import Costs, Market


def test_costs_of_cash_are_none(small):
    np.testing.assert_allclose(small.costs.proportional, [0.001] * 4 + [0.0])
    assert small.prices[-1] == 1.0
    assert small.lots[-1] == 0.0
    assert small.tradable[-1]


@pytest.mark.parametrize(
    "costs",
    [
        {"proportional": -0.001},
        {"proportional": 1.0},
        {"proportional": np.nan},
        {"proportional": 0.0, "ticket_fee": -1.0},
        {"proportional": 0.0, "ticket_fee": np.nan},
        {"proportional": 0.0, "impact": -1.0},
        {"proportional": 0.0, "impact": np.inf},
        {"proportional": 0.0, "adv": np.array([0.0])},
        {"proportional": 0.0, "adv": np.array([-5.0])},
    ],
)
def test_free_money_is_refused(costs):
    with pytest.raises(MarketError) as error:
        Costs(**costs)
    assert error.value.code == "BAD_COST"


def test_impact_by_hand():
    costs = Costs(np.zeros(3), impact=1.5, adv=np.array([1e6, np.nan, np.inf]))
    iota = costs.iota(np.array([0.252**0.5, 0.2, 0.0]) * 1.0, 4e6)
    assert iota[0] == pytest.approx(1.5 * np.sqrt(0.252 / 252) * 2)
    assert iota[1:].tolist() == [0.0, 0.0]
    many = costs.iota(np.array([0.2, 0.2, 0.2]), np.array([1e6, 4e6]))
    assert many.shape == (2, 3)
    assert many[1, 0] == pytest.approx(2 * many[0, 0])


@pytest.mark.parametrize(("price", "words"), [(0.0, "not positive"), (-1.0, "not positive"), (np.inf, "infinite")])
def test_prices_that_cannot_be(small, price, words):
    prices = np.array(small.prices)
    prices[1] = price
    with pytest.raises(MarketError, match=words) as error:
        replace(small, prices=prices)
    assert error.value.value == "EFA"


def test_the_cash_is_priced_one(small):
    with pytest.raises(MarketError, match="cash is not 1"):
        replace(small, prices=np.array([1, 1, 1, 1, 2.0]))


def test_an_asset_without_a_price_does_not_trade(small):
    market = replace(small, prices=np.array([1.0, np.nan, 1, 1, np.nan]))
    assert market.tradable.tolist() == [True, False, True, True, True]


@pytest.mark.parametrize("rate", [np.nan, 3.0, -0.6])
def test_a_cash_rate_is_an_annual_decimal(small, rate):
    with pytest.raises(MarketError, match="annual decimal"):
        replace(small, cash_rate=rate)


def test_lots_and_lengths(small):
    with pytest.raises(MarketError, match="lot size"):
        replace(small, lots=np.array([1, -1, 1, 1, 1.0]))
    assert replace(small, lots=1.0).lots.tolist() == [1, 1, 1, 1, 0]
    with pytest.raises(MarketError, match="another number of assets"):
        replace(small, risk=type(small.risk)(np.zeros((3, 2)), np.zeros(3)))


def test_from_frames_reads_labels_not_order(small):
    assets = pd.DataFrame({"asset_class": ["a", "b"], "name": ["x", "y"], "theme": ["t", None]}, index=["P", "Q"])
    sigma = pd.DataFrame([[0.09, 0.0], [0.0, 0.04]], ["Q", "P"], ["Q", "P"])
    market = Market.from_frames(assets, sigma, costs={"Q": 0.01, "P": 0.0}, prices=pd.Series({"Q": 7.0, "P": 5.0}))
    assert market.prices.tolist() == [5.0, 7.0, 1.0]
    assert market.costs.proportional.tolist() == [0.0, 0.01, 0.0]
    np.testing.assert_allclose(market.risk.volatilities, [0.2, 0.3, 0.0])
    assert market.universe.names == ("P", "Q", "CASH", "a", "b", "cash", "t")
    with pytest.raises(MarketError, match="'P' has no cost_bps"):
        Market.from_frames(assets, sigma, costs={"Q": 0.01})


def test_numbers_are_frozen(small):
    for array in (
        small.prices,
        small.lots,
        small.tradable,
        small.costs.proportional,
        small.risk.loadings,
        small.risk.root,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
