import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Policy
from trimtab.errors import MarketError, ViewError
from trimtab.models import Account, Market, Shock
from trimtab.optimizer import Outcome, Proposal, rebalance
from trimtab.scenarios import shock


@pytest.fixture(scope="module")
def market():
    assets = pd.DataFrame({"asset_class": ["equity", "bonds", "cash"]}, index=["SPY", "TLT", "CASH"])
    labels = ["SPY", "TLT"]
    covariance = pd.DataFrame([[0.04, 0.0], [0.0, 0.01]], labels, labels)
    return Market.from_frames(assets, covariance)


@pytest.fixture(scope="module")
def weights():
    return pd.DataFrame(
        {"current": [0.5, 0.4, 0.1], "strategic": [0.6, 0.4, 0.0], "target": [0.55, 0.4, 0.05]}, ["SPY", "TLT", "CASH"]
    )


FALL = Shock("fall", {"equity": -0.3, "bonds": "5%"})


def test_a_shock_is_weights_times_moves(market, weights):
    table = shock(weights, FALL, market, nav=1000.0)
    assert list(table.columns) == ["current", "strategic", "target", "current_money", "strategic_money", "target_money"]
    assert list(table.index) == ["fall"]
    assert np.allclose(table.loc["fall"], [-0.13, -0.16, -0.145, -130, -160, -145])


def test_several_shocks_are_rows_and_assets_add_up(market, weights):
    shocks = [FALL, Shock("calm", {})]
    table, parts = shock(weights, shocks, market, nav=10.0), shock(weights, shocks, market, nav=10.0, by_asset=True)
    assert list(table.index) == ["fall", "calm"]
    assert (table.loc["calm"] == 0).all()
    assert parts.index.names == ["shock", "asset_id"]
    pd.testing.assert_frame_equal(parts.groupby("shock", sort=False).sum(), table)


def test_weights_are_aligned_by_label(market, weights):
    turned = weights.iloc[::-1]
    pd.testing.assert_frame_equal(shock(turned, FALL, market, nav=1.0), shock(weights, FALL, market, nav=1.0))


def test_without_nav_money_is_unknown(market, weights):
    assert shock(weights, FALL, market).filter(like="_money").isna().all(axis=None)


def test_a_proposal_brings_its_own_money(market):
    policy = Policy(models={"m": {"SPY": 0.6, "TLT": 0.4}})
    proposal = rebalance(Account("1", "m", {"CASH": 500.0}), policy, market, [], pd.Timestamp("2020-01-01").date())
    table = shock(proposal, FALL, market)
    assert table.loc["fall", "target_money"] == pytest.approx(table.loc["fall", "target"] * 500)
    assert table.loc["fall", "strategic"] == pytest.approx(-0.16)
    assert table.loc["fall", "current"] == 0


def test_what_cannot_be_shocked_says_so(market, weights):
    with pytest.raises(ViewError, match="quarantined"):
        shock(Proposal("1", "m", Outcome.QUARANTINED), FALL, market)
    with pytest.raises(ViewError, match="one name"):
        shock(weights, [FALL, FALL], market)
    with pytest.raises(ViewError, match="no shock"):
        shock(weights, [], market)
    with pytest.raises(MarketError, match="did you mean 'bonds'"):
        shock(weights, Shock("x", {"bond": 0.1}), market)
