"""The shape of a run, read in pieces: what pandas says of the whole tables, however they are cut."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trimtab.batches import Run
from trimtab.batches.profiles import MEASURES, STANDS, profile
from trimtab.batches.spreads import STEP, Spread
from trimtab.batches.stores import SCHEMAS

ASSETS = ("A", "B", "C")
ENDS = ("OPTIMAL", "OPTIMAL", "OPTIMAL", "HELD", "UNSOLVED", "QUARANTINED", "RELAXED")
PULLS = ("view V1", "view V1; held back by cost", "back to strategic; lots, small trades", "view V2")


def spread_of(values) -> Spread:
    found = Spread()
    found.add(np.asarray(values, dtype=float))
    return found


numbers = st.lists(st.integers(-90_000, 90_000).map(lambda x: x / 1e5), min_size=1, max_size=60)


@given(numbers, st.floats(0.01, 1.0))
@example([0.0, 0.0, 0.5], 0.5)
def test_a_quantile_is_one_of_the_values_that_numpy_finds(values, share):
    said = spread_of(values).quantile(share)
    assert said == pytest.approx(np.quantile(values, share, method="inverted_cdf"), abs=STEP)


@given(numbers, st.integers(0, 60))
def test_a_spread_does_not_depend_on_how_it_came(values, at):
    together, apart = spread_of(values), spread_of(values[:at])
    apart.add(np.array([*values[at:], np.nan, np.inf]))
    assert apart.count == together.count == len(values)
    assert apart.mean == pytest.approx(float(np.mean(values)), abs=1e-12)
    pd.testing.assert_frame_equal(apart.histogram(), together.histogram())


@given(numbers, st.integers(5, 50))
def test_a_histogram_counts_everybody_once_in_even_bins(values, most):
    bins = spread_of(values).histogram(most)
    assert len(bins) <= most
    assert bins["accounts"].sum() == len(values)
    assert np.allclose(bins["high"].iloc[:-1], bins["low"].iloc[1:], atol=1e-12)
    assert np.ptp(bins["high"] - bins["low"]) < 1e-12
    for low, high, n in bins.iloc[1:-1].itertuples(index=False, name=None):
        inside = [round(low / STEP) <= round(x / STEP) < round(high / STEP) for x in values]
        assert n == sum(inside)


def test_no_values_have_no_quantile_and_no_bins():
    assert np.isnan(Spread().quantile(0.5))
    assert np.isnan(Spread().mean)
    assert len(Spread().histogram()) == 0


def keep(folder, accounts: int = 40, part: int = 9) -> Run:
    """Write the tables of a run with chance in them, in parts that cut through accounts."""
    rng = np.random.default_rng(5)
    ids = [f"{i:03d}" for i in range(accounts)]
    ended = [ENDS[i % len(ENDS)] for i in range(accounts)]
    refused = np.array([end == "QUARANTINED" for end in ended])
    figures = ("turnover", "cost", "tracking_error", "expected_gain", "certified_te", "utility", "gap", "given_up")
    head = {name: np.where(refused, np.nan, rng.uniform(0.001, 0.05, accounts)) for name in figures}
    head |= {"account_id": ids, "outcome": ended, "code": ["BAD" if r else "" for r in refused], "binding": None}
    head |= {"model_id": [None if i == 5 else f"m{i % 3}" for i in range(accounts)], "relaxed": None, "reason": "so"}
    head |= {"nav": np.where(refused, np.nan, rng.uniform(1e5, 1e6, accounts))}
    standing = [name for name, r in zip(ids, refused, strict=True) if not r]
    owner = np.repeat(standing, len(ASSETS))
    body = {name: rng.dirichlet(np.ones(3), len(standing)).ravel() for name in (*STANDS, "ideal", "low", "high")}
    body |= {"account_id": owner, "asset_id": np.tile(ASSETS, len(standing))}
    trades = {name: rng.uniform(1, 1e5, len(owner)) for name in ("quantity", "value", "weight", "cost")}
    trades |= {"account_id": owner, "asset_id": body["asset_id"], "side": "buy"}
    trades |= {"trade_id": [f"t{i}" for i in range(len(owner))], "reason": [PULLS[i % 4] for i in range(len(owner))]}
    for name, columns in (("accounts", head), ("targets", body), ("trades", trades)):
        frame = pd.DataFrame(columns)[SCHEMAS[name].names]
        home = folder / f"{name}.parquet"
        home.mkdir(parents=True)
        for k in range(0, len(frame), part):
            table = pa.Table.from_pandas(frame.iloc[k : k + part], SCHEMAS[name], preserve_index=False)
            pq.write_table(table, home / f"part-{k:05d}.parquet", write_page_checksum=True)
    return Run(folder, "0" * 64, {}, blocked=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return keep(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def whole(kept):
    return {name: pd.read_parquet(kept.path / f"{name}.parquet") for name in ("accounts", "targets", "trades")}


@pytest.fixture(scope="module")
def shape(kept):
    return profile(kept, rows=7)


def test_how_it_is_read_changes_nothing(kept, shape):
    once = profile(kept)
    for name in ("averages", "models", "reasons", "trades", "accounts"):
        pd.testing.assert_frame_equal(getattr(once, name), getattr(shape, name))
    for name in MEASURES:
        pd.testing.assert_frame_equal(once.spreads[name].histogram(), shape.spreads[name].histogram())


def test_averages_are_means_over_accounts(shape, whole):
    by_hand = whole["targets"].groupby("asset_id")[list(STANDS)].mean()
    pd.testing.assert_frame_equal(shape.averages.sort_index(), by_hand, check_index_type=False, check_names=False)


def test_active_shares_are_half_of_what_is_leant(shape, whole):
    targets = whole["targets"]
    shares = 0.5 * (targets["target"] - targets["strategic"]).abs().groupby(targets["account_id"]).sum()
    found = shape.spreads["active_share"]
    assert found.count == len(shares)
    assert found.mean == pytest.approx(shares.mean())
    assert found.quantile(0.5) == pytest.approx(np.quantile(shares, 0.5, method="inverted_cdf"), abs=STEP)


def test_costs_are_spread_as_decimals_of_value(shape, whole):
    costs = (whole["accounts"]["cost"] / whole["accounts"]["nav"]).dropna()
    assert shape.spreads["cost"].count == len(costs)
    assert shape.spreads["cost"].mean == pytest.approx(costs.mean())


def test_models_count_every_account_once(shape, whole):
    accounts = whole["accounts"]
    assert shape.models["accounts"].sum() == len(accounts)
    assert shape.models.loc["m1", "accounts"] == (accounts["model_id"] == "m1").sum()
    assert shape.models.loc["", "accounts"] == 1  # whoever named none
    assert shape.models.loc["m1", "nav"] == pytest.approx(accounts.loc[accounts["model_id"] == "m1", "nav"].sum())
    ends = accounts["outcome"].value_counts()
    assert all(shape.models[name].sum() == ends.get(name, 0) for name in shape.models.columns[2:])
    assert shape.models["nav"].is_monotonic_decreasing


def test_reasons_are_counted_by_what_pulls_most(shape, whole):
    heads = whole["trades"]["reason"].str.partition("; ")[0]
    by_hand = whole["trades"].groupby(heads.to_numpy())["value"].agg(["count", "sum"])
    assert set(shape.reasons["reason"]) == {"view V1", "view V2", "back to strategic"}
    for reason, orders, value in shape.reasons.itertuples(index=False, name=None):
        assert orders == by_hand.loc[reason, "count"]
        assert value == pytest.approx(by_hand.loc[reason, "sum"])
    assert shape.reasons["value"].is_monotonic_decreasing


def test_the_largest_trades_stand_first(shape, whole):
    by_hand = whole["trades"].sort_values("value", ascending=False, kind="stable")
    assert list(shape.trades["value"]) == list(by_hand["value"].head(len(shape.trades)))
    assert len(shape.trades) == min(200, len(by_hand))


def test_whoever_was_not_decided_is_listed_once_with_every_reason(shape, whole):
    listed = shape.accounts.set_index("account_id")
    assert listed.index.is_unique
    ends = whole["accounts"].set_index("account_id")["outcome"]
    for name in ("UNSOLVED", "QUARANTINED", "RELAXED"):
        for account in ends.index[ends == name]:
            assert name in listed.loc[account, "because"].split(", ")
    worst = whole["accounts"].set_index("account_id")["turnover"].idxmax()
    assert "largest turnover" in listed.loc[worst, "because"]


def test_lists_stay_short_and_say_so(tmp_path):
    shape = profile(keep(tmp_path, accounts=2200, part=500))
    assert len(shape.accounts) <= 500
    assert len(shape.trades) == 200
    assert dict(shape.listed) == {"UNSOLVED": 314, "QUARANTINED": 314, "RELAXED": 314}


def test_a_run_without_accounts_has_a_shape(tmp_path):
    shape = profile(keep(tmp_path / "none", accounts=1, part=1))
    assert shape.spreads["turnover"].count == 1
    for name in ("accounts", "targets", "trades"):
        home = tmp_path / "empty" / f"{name}.parquet"
        home.mkdir(parents=True)
        pq.write_table(SCHEMAS[name].empty_table(), home / "part-00000.parquet")
    shape = profile(Run(tmp_path / "empty", "0" * 64, {}, blocked=False))
    assert [len(frame) for frame in (shape.averages, shape.models, shape.reasons, shape.trades, shape.accounts)] == [
        0
    ] * 5
    assert all(spread.count == 0 for spread in shape.spreads.values())
