"""The product in one function: outcomes where it is asked kindly, exceptions where it is asked strictly."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Deviation, Policy, Position, Turnover
from trimtab.errors import AccountError, UnsolvedError
from trimtab.models import Account, Market
from trimtab.optimizer import Outcome, rebalance, why

ON = dt.date(2026, 11, 20)


@pytest.fixture
def market():
    assets = pd.DataFrame({"asset_class": ["equity", "bonds"]}, index=["SPY", "IEF"])
    return Market.from_frames(assets, pd.DataFrame([[0.03, 0.0], [0.0, 0.004]], assets.index, assets.index))


@pytest.fixture
def policy():
    return Policy((Deviation(0.05), Position("SPY", most=0.7)), {"m": {"SPY": 0.6, "IEF": 0.4}})


def frozen_far_away(market):
    held = Account.from_weights("1", "m", {"SPY": 0.9, "IEF": 0.1}, 1e6, market)
    return Account(held.id, held.model, held.quantities, restrictions=(("SPY", "frozen"),))


def test_an_account_without_an_answer_is_an_outcome(market, policy):
    proposal = rebalance(frozen_far_away(market), policy, market, [], ON)
    assert proposal.outcome is Outcome.UNSOLVED
    assert "SPY: frozen asks for at least 90%" in proposal.reason
    assert not proposal.trades
    np.testing.assert_array_equal(proposal.weights["target"], proposal.weights["current"])


def test_a_bad_account_is_an_outcome(market, policy):
    proposal = rebalance(Account("1", "m", {"XYZ": 3.0}), policy, market, [], ON)
    assert proposal.outcome is Outcome.QUARANTINED
    assert (proposal.code, proposal.field, proposal.value) == ("UNKNOWN_ASSET", "asset_id", "XYZ")


def test_strictly_asked_both_raise(market, policy):
    with pytest.raises(UnsolvedError, match="account 1: SPY"):
        rebalance(frozen_far_away(market), policy, market, [], ON, strict=True)
    with pytest.raises(AccountError, match="XYZ"):
        rebalance(Account("1", "m", {"XYZ": 3.0}), policy, market, [], ON, strict=True)
    with pytest.raises(AccountError, match="no model"):
        rebalance(Account("1", "other", {"SPY": 3.0}), policy, market, [], ON, strict=True)


def test_a_blocked_or_empty_account_is_held(market, policy):
    blocked = Account("1", "m", {"SPY": 3.0}, status="blocked")
    assert rebalance(blocked, policy, market, [], ON).reason == "the account is blocked"
    empty = rebalance(Account("1", "m", {}), policy, market, [], ON)
    assert empty.outcome is Outcome.HELD
    assert empty.reason == "there is nothing in the account"
    assert empty.weights["target"].sum() == 1.0


def test_what_is_proposed_is_what_is_explained(desk):
    """Limits that gave way are explained too; an account that is not to trade has nothing to explain."""
    soft = Policy((Deviation("2%"), Turnover("1%", tier=1)), desk.models)
    proposal = rebalance(desk.account, soft, desk.market, [desk.view], desk.on)
    assert proposal.outcome is Outcome.RELAXED
    told = why(desk.account, soft, desk.market, [desk.view], desk.on)
    parts = told.to_frame()
    trade = proposal.weights["target"] - proposal.weights["current"]
    np.testing.assert_allclose(parts["trade"].to_numpy(), trade.to_numpy(), atol=1e-12)
    with pytest.raises(UnsolvedError, match="blocked"):
        why(replace(desk.account, status="blocked"), soft, desk.market, [desk.view], desk.on)
