"""Desk-wide market impact: amounts by hand, caps that hold, sums that are those of the trades."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.batches.impacts import breaches, net, paces, participation, read_impact, write_impact
from trimtab.constraints import Policy, read_policy
from trimtab.constraints.tripwires import Tripwires
from trimtab.errors import RunError
from trimtab.models import Market

ASSETS = ("EQ", "BOND", "GOLD")
ADV = {"EQ": 1000.0, "BOND": 400.0}  # of gold nobody knows it


def _market():
    frame = pd.DataFrame(np.eye(3) * 0.01, list(ASSETS), list(ASSETS))
    plain = Market.from_frames(pd.DataFrame({"asset_class": ["equity", "bonds", "real"]}, index=list(ASSETS)), frame)
    adv = np.array([ADV.get(asset, math.nan) for asset in plain.universe.assets])
    return replace(plain, costs=replace(plain.costs, adv=adv))


MARKET = _market()
LARGE = replace(MARKET, costs=replace(MARKET.costs, adv=MARKET.costs.adv * 1e6))
COLUMNS = ["account_id", "asset_id", "side", "value", "cost"]


def trades(*rows):
    table = pd.DataFrame([(*row, 0.0) for row in rows], columns=COLUMNS)
    return pa.table({c: pa.array(table[c], pa.string() if c in COLUMNS[:3] else pa.float64()) for c in COLUMNS})


BY_HAND = trades(
    ("1", "EQ", "buy", 200.0),
    ("1", "BOND", "sell", 50.0),
    ("2", "EQ", "buy", 50.0),
    ("2", "GOLD", "sell", 9000.0),
    ("3", "EQ", "sell", 20.0),
    ("3", "BOND", "sell", 30.0),
)


def capped(most, on="slow"):
    return replace(Policy(), tripwires=Tripwires(max_participation=most, on_participation=on))


def test_amounts_by_hand():
    impact = participation([BY_HAND], MARKET)
    assert impact.assets.to_dict("index") == {
        "EQ": {
            "buys": 250.0,
            "sells": 20.0,
            "net": 230.0,
            "gross": 270.0,
            "adv": 1000.0,
            "buy_participation": 0.25,
            "sell_participation": 0.02,
            "most": 0.25,
        },
        "BOND": {
            "buys": 0.0,
            "sells": 80.0,
            "net": -80.0,
            "gross": 80.0,
            "adv": 400.0,
            "buy_participation": 0.0,
            "sell_participation": 0.2,
            "most": 0.2,
        },
        "GOLD": {
            "buys": 0.0,
            "sells": 9000.0,
            "net": -9000.0,
            "gross": 9000.0,
            "adv": math.inf,
            "buy_participation": 0.0,
            "sell_participation": 0.0,
            "most": 0.0,
        },
    }


def test_paces_by_hand():
    impact = participation([BY_HAND], MARKET)
    assert paces(impact, Policy()) == {}
    assert paces(impact, capped(0.25)) == {}  # at the cap is not above it
    assert paces(impact, capped(0.10)) == {"EQ": (0.4, 1.0), "BOND": (1.0, 0.5)}
    assert paces(impact, capped("1%")) == {"EQ": (0.04, 0.5), "BOND": (1.0, 0.05)}


def test_the_words_name_asset_amount_and_share():
    impact = participation([BY_HAND], MARKET)
    assert breaches(impact, Policy()) == ()
    assert breaches(impact, capped(0.2)) == (
        "all accounts together buy 250 of EQ, 25.00% of the 1,000 it trades a day, above max_participation 20.00%",
    )
    near = breaches(impact, capped(0.2499999))[0]
    assert "25.00000% of the" in near
    assert near.endswith("24.99999%")


def test_no_trades_no_impact(tmp_path):
    impact = participation([], MARKET)
    assert not len(impact.assets)
    assert breaches(impact, capped(0.01)) == ()
    write_impact(tmp_path, impact)
    assert not len(read_impact(tmp_path).assets)


def test_a_run_keeps_it(tmp_path):
    assert read_impact(tmp_path) is None
    impact = participation([BY_HAND], MARKET)
    impact = replace(impact, paces=paces(impact, capped(0.10)))
    write_impact(tmp_path, impact)
    table = pd.read_parquet(tmp_path / "impact.parquet")
    named = "asset_id buys sells net adv buy_participation sell_participation most buy_pace sell_pace"
    assert list(table.columns) == named.split()
    assert table["buy_pace"].tolist() == [0.4, 1.0, 1.0]
    assert table["sell_pace"].tolist() == [1.0, 0.5, 1.0]
    assert table["adv"].isna().tolist() == [False, False, True]
    again = read_impact(tmp_path)
    pd.testing.assert_frame_equal(again.assets, impact.assets, check_index_type=False)
    assert again.paces == impact.paces
    first = (tmp_path / "impact.parquet").read_bytes()
    write_impact(tmp_path, impact)
    assert (tmp_path / "impact.parquet").read_bytes() == first
    (tmp_path / "impact.parquet").write_bytes(first[:50])
    with pytest.raises(RunError, match=r"impact\.parquet"):
        read_impact(tmp_path)


def test_trades_that_cannot_be_ours_are_refused():
    with pytest.raises(RunError, match="'XX', which is no asset"):
        participation([trades(("1", "XX", "buy", 1.0))], MARKET)
    with pytest.raises(RunError, match="neither a buy nor a sell"):
        participation([trades(("1", "EQ", "hold", 1.0))], MARKET)


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 5).map(str),
        st.sampled_from(ASSETS),
        st.sampled_from(["buy", "sell"]),
        st.floats(1e3, 1e9, allow_subnormal=False),
    ),
    max_size=40,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(ORDERS, st.integers(1, 50))
def test_sums_are_those_of_the_trades(rows, piece):
    table = trades(*rows)
    flows = net([table.slice(i, piece) for i in range(0, len(table), piece)])
    by_hand = defaultdict(list)
    for _, asset, side, value in rows:
        by_hand[asset, side].append(value)
    assert flows.accounts == len({row[0] for row in rows})
    assert flows.assets["orders"].sum() == len(rows)
    assert list(flows.assets.index) == sorted({row[1] for row in rows})
    for asset, row in flows.assets.iterrows():
        buys, sells = math.fsum(by_hand[asset, "buy"]), math.fsum(by_hand[asset, "sell"])
        assert row["buys"] == pytest.approx(buys, rel=1e-12, abs=1e-6 * len(rows))
        assert row["sells"] == pytest.approx(sells, rel=1e-12, abs=1e-6 * len(rows))
        assert row["net"] == row["buys"] - row["sells"]


@given(ORDERS, st.floats(1e-3, 1.0))
def test_scaled_trades_meet_the_cap_and_nobody_is_held_without_need(rows, most):
    policy = capped(most)
    first = participation([trades(*rows)], LARGE)
    slowed = paces(first, policy)
    scaled = [(a, i, s, v * slowed.get(i, (1.0, 1.0))[s == "sell"]) for a, i, s, v in rows]
    then = participation([trades(*scaled)], LARGE)
    assert paces(then, policy) == {}
    assert breaches(then, policy) == ()
    assert len(breaches(first, policy)) == sum(f < 1 for fractions in slowed.values() for f in fractions)
    for asset, fractions in slowed.items():
        for fraction, side in zip(fractions, ("buy_participation", "sell_participation"), strict=True):
            assert 0 < fraction <= 1
            if fraction < 1:
                assert then.assets.loc[asset, side] == pytest.approx(most, rel=1e-9)


def test_a_policy_file_says_it():
    policy = read_policy({"run": {"max_participation": "10%", "on_participation": "block"}})
    assert policy.tripwires == Tripwires(max_participation=0.1, on_participation="block")
