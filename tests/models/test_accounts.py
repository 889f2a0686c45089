"""Models, accounts, and what an account is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trimtab.errors import AccountError, PolicyError
from trimtab.models import Account, Model, appraise


def _code(make, kind=AccountError):
    with pytest.raises(kind) as error:
        make()
    return error.value


def test_a_model_is_decimals_that_sum_to_one():
    model = Model("m", {"A": 0.6, "B": 0.4 + 5e-7}, 5.0)
    assert sum(model.weights.values()) == pytest.approx(1.0, abs=1e-15)
    for weights in ({"A": 60.0, "B": 40.0}, {"A": 0.6}, {"A": np.nan, "B": 1.0}, {"A": np.inf, "B": -np.inf}, {}):
        assert _code(lambda weights=weights: Model("m", weights, 5.0), PolicyError).code == "WEIGHTS_SUM"
    for gamma in (0.0, -1.0, np.nan, 1e7):
        assert _code(lambda gamma=gamma: Model("m", {"A": 1.0}, gamma), PolicyError).code == "BAD_AVERSION"


def test_worth_by_hand(small):
    market = replace(small, prices=np.array([100.0, 50.0, 20.0, 10.0, 1.0]))
    account = Account("1", "m", {"SPY": 3, "IEF": 10, "CASH": 200.0}, cash_flow=300.0)
    standing = appraise(account, market)
    assert standing.nav == 1000.0
    np.testing.assert_allclose(standing.weights, [0.3, 0.0, 0.2, 0.0, 0.5])
    assert (standing.inflow, standing.outflow) == (0.3, 0.0)
    out = appraise(replace(account, cash_flow=-200.0), market)
    np.testing.assert_allclose(out.weights, [0.6, 0, 0.4, 0, 0])
    assert (out.inflow, out.outflow) == (0.0, 0.4)
    beyond = appraise(replace(account, cash_flow=-450.0), market)  # must be raised by selling
    assert beyond.weights[-1] == pytest.approx(-1.0)


def test_open_orders_count_as_held_and_their_cash_as_spent(small):
    market = replace(small, prices=np.array([100.0, 50.0, 20.0, 10.0, 1.0]))
    account = Account("1", "m", {"SPY": 3, "CASH": 700.0}, orders={"SPY": -1, "EFA": 4})
    standing = appraise(account, market)
    assert standing.nav == 1000.0
    np.testing.assert_allclose(standing.weights, [0.2, 0.2, 0.0, 0.0, 0.6])
    assert standing.held_by_orders.tolist() == [True, True, False, False, False]


def test_weights_come_back(small):
    weights = {"SPY": 0.5, "IEF": 0.3, "CASH": 0.2}
    market = replace(small, prices=np.array([473.1, 50.0, 93.7, 10.0, 1.0]))
    account = Account.from_weights("1", "m", weights, 1e6, market)
    assert set(account.quantities) == set(weights)
    np.testing.assert_allclose(appraise(account, market).weights, [0.5, 0, 0.3, 0, 0.2], atol=1e-15)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"quantities": {"SPX": 1.0}}, "UNKNOWN_ASSET", "asset_id"),
        ({"quantities": {"SPY": np.nan}}, "BAD_QUANTITY", "quantity"),
        ({"quantities": {"SPY": np.inf}}, "BAD_QUANTITY", "quantity"),
        ({"quantities": {"SPY": 1e15}}, "BAD_QUANTITY", "quantity"),
        ({"orders": {"SPX": 1.0}}, "UNKNOWN_ASSET", "asset_id"),
        ({"orders": {"SPY": np.nan}}, "BAD_QUANTITY", "quantity"),
        ({"cash_flow": np.nan}, "BAD_CASH_FLOW", "cash_flow"),
        ({"cash_flow": -np.inf}, "BAD_CASH_FLOW", "cash_flow"),
        ({"cash_flow": -2.0}, "BAD_CASH_FLOW", "cash_flow"),
        ({"quantities": {"SPY": -1.0}}, "BAD_NAV", "quantity"),
        ({"quantities": {"EFA": 1.0}}, "NO_PRICE", "price"),
    ],
)
def test_what_an_account_cannot_be(small, changes, code, field):
    market = replace(small, prices=np.array([1.0, np.nan, 1, 1, 1]))
    account = replace(Account("1", "m", {"SPY": 1.0}), **changes)
    error = _code(lambda: appraise(account, market))
    assert (error.code, error.field) == (code, field)
    assert error.mend


def test_what_is_empty():
    assert Account("1", "m", {}).empty
    assert Account("1", "m", {"SPY": 0.0, "CASH": 0.0}).empty
    for changes in ({"quantities": {"SPY": 1.0}}, {"cash_flow": 5.0}, {"orders": {"SPY": 1.0}}):
        assert not replace(Account("1", "m", {}), **changes).empty


def test_an_asset_without_a_price_that_nobody_holds_is_no_matter(small):
    market = replace(small, prices=np.array([1.0, np.nan, 1, 1, 1]))
    assert appraise(Account("1", "m", {"SPY": 2.0, "EFA": 0.0}), market).nav == 2.0


@pytest.mark.parametrize(
    "changes", [{"quantities": {"SPY": "abc"}}, {"quantities": {"SPY": None}}, {"cash_flow": "abc"}]
)
def test_text_where_a_number_belongs_is_the_accounts_own_fault(small, changes):
    account = replace(Account("1", "m", {"SPY": 1.0}), **changes)
    try:
        appraise(account, small)
    except AccountError:
        return
