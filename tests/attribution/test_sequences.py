"""Attribution works from sealed runs alone, and replays the portfolios that they recorded."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from trimtab.attribution import attribute, read_chain
from trimtab.batches import read_book, run
from trimtab.cli.commands import trimtab
from trimtab.constraints import read_policy
from trimtab.demo import book_path
from trimtab.errors import InputError, RunError

DAYS = ("2016-11-30", "2016-12-31")
KEPT = ("001", "002", "003")


def keep_accounts(folder):
    for table in ("accounts", "holdings"):
        lines = (folder / f"{table}.csv").read_text().splitlines()
        (folder / f"{table}.csv").write_text("\n".join([lines[0], *(x for x in lines[1:] if x[:3] in KEPT)]) + "\n")
    (folder / "restrictions.csv").unlink()
    (folder / "tilts.csv").unlink()
    views = pd.read_csv(folder / "views.csv", dtype=str).assign(since="2016-10-01", until="")
    views.to_csv(folder / "views.csv", index=False)


def hold(folder, weights, nav):
    """Write the holdings that weights are, at the prices of the book."""
    prices = pd.read_csv(folder / "assets.csv").set_index("asset_id")["price"]
    with (folder / "holdings.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["account_id", "asset_id", "quantity"])
        for (account, asset), weight in weights.items():
            if weight:
                out.writerow([account, asset, repr(weight * nav[account] / prices[asset])])


@pytest.fixture(scope="module")
def world(tmp_path_factory, limits):
    """Two runs, the second of which finds what the first left, drifted."""
    root = tmp_path_factory.mktemp("runs")
    book = shutil.copytree(book_path(), root / "book")
    keep_accounts(book)
    (root / "policy.toml").write_text(limits)
    returns = pd.read_csv(book / "returns.csv", parse_dates=["date"], index_col="date")
    policy = read_policy(root / "policy.toml")
    runs = root / "runs"
    runs.mkdir()
    run(read_book(book), policy, DAYS[0], runs / "first", workers=1)
    table = pd.read_parquet(runs / "first" / "targets.parquet").set_index(["account_id", "asset_id"])["target"]
    nav = pd.read_parquet(runs / "first" / "accounts.parquet").set_index("account_id")["nav"]
    month = returns.loc["2016-12"].iloc[0]
    grown = table * (1.0 + table.index.get_level_values(1).map(month).fillna(0.0))
    hold(book, grown / grown.groupby(level=0).transform("sum"), nav)
    run(read_book(book), policy, DAYS[1], runs / "second", workers=1)
    return runs, returns


def test_every_run_counts_and_nothing_is_left_over(world):
    runs, returns = world
    chain = read_chain([runs / "second", runs / "first"], returns)
    found = attribute(chain)
    assert [f"{x:%Y-%m}" for x in found.periods] == ["2016-12", "2017-01", "2017-02"]
    assert found.residual < 1e-15
    assert found.apart < 1e-9  # the recorded portfolios are the ones replayed
    assert found.by("effect")["linked"].sum() == pytest.approx(found.excess, abs=1e-15)
    views = [name for name in found.names if name.startswith("view ")]
    assert len(views) == 3
    assert found.by("effect").loc[views].abs().to_numpy().max() > 1e-5
    # What the composite earned is what its accounts earned, from their targets.
    first = pd.read_parquet(runs / "first" / "targets.parquet")
    wide = first.pivot_table(index="account_id", columns="asset_id", values="target")
    table = pd.read_parquet(runs / "first" / "accounts.parquet").set_index("account_id")
    month = returns.loc["2016-12"].iloc[0].reindex(wide.columns).fillna(0.0)
    own = (1.0 - table["cost"] / table["nav"]) * (1.0 + wide @ month) - 1.0
    assert found.portfolio.iloc[0] == pytest.approx((own * table["nav"]).sum() / table["nav"].sum(), abs=1e-12)


def test_the_parts_of_beliefs_are_those_of_the_run(world):
    runs, returns = world
    chain = read_chain([runs / "first"], returns, "001")
    lean = chain.stage("tactical") - chain.stage("strategic")
    np.testing.assert_allclose(sum(chain.beliefs.values()), lean, atol=1e-15)
    model = pd.read_parquet(runs / "first" / "accounts.parquet").set_index("account_id").loc["001", "model_id"]
    told = pd.read_parquet(runs / "first" / "beliefs.parquet").set_index("model_id").loc[[model]]
    told = told.groupby("asset_id")["weight"].sum()
    table = pd.read_parquet(runs / "first" / "targets.parquet").set_index(["account_id", "asset_id"]).loc["001"]
    gone = (table["tactical"] - table["strategic"]).rename("weight")
    pd.testing.assert_series_equal(told.reindex(gone.index).fillna(0.0), gone, atol=1e-7, check_names=False)


def test_a_composite_is_its_accounts_by_money(world):
    runs, returns = world
    paths = sorted(runs.iterdir())
    whole = attribute(read_chain(paths, returns, KEPT))
    parts = attribute([read_chain(paths, returns, each) for each in KEPT])
    pd.testing.assert_frame_equal(
        whole.by("effect"), parts.by("effect").reindex(whole.by("effect").index), atol=1e-14, rtol=0
    )


def test_fills_are_execution(world):
    runs, returns = world
    trades = pd.read_parquet(runs / "first" / "trades.parquet").query("account_id == '001'")
    fills = trades.assign(on=DAYS[0], weight=trades["weight"] * 0.5)
    found = attribute(read_chain([runs / "first"], returns, "001", fills=fills))
    assert found.residual < 1e-15
    assert abs(found.by("group").loc["execution", "sum"]) > 1e-6
    asked = attribute(read_chain([runs / "first"], returns, "001", fills=trades.assign(on=DAYS[0])))
    assert abs(asked.by("group").loc["execution", "sum"]) < 1e-12


def test_what_cannot_be_attributed_is_refused(world, tmp_path):
    runs, returns = world
    with pytest.raises(RunError, match="no run"):
        read_chain([], returns)
    with pytest.raises(RunError, match="two runs"):
        read_chain([runs / "first", runs / "first"], returns)
    with pytest.raises(RunError, match="no column 'GOLD'"):
        read_chain([runs / "first"], returns.drop(columns="GOLD"))
    with pytest.raises(RunError, match="before anything followed"):
        read_chain([runs / "first"], returns.loc[:"2016-11"])


def test_the_command_says_it_and_writes_it(world, tmp_path):
    runs, _ = world
    book = runs.parent / "book" / "returns.csv"
    arguments = ["attribute", str(runs), "--returns", str(book), "--from", "2016-11-30", "--out", str(tmp_path / "o")]
    said = CliRunner().invoke(trimtab, arguments)
    assert said.exit_code == 0, said.output
    assert "view V1" in said.output
    assert "Nothing is left over" in said.output
    table = pd.read_parquet(tmp_path / "o" / "waterfall.parquet").set_index("step")
    assert table.loc["costs", "end"] == pytest.approx(table.loc["account", "end"], abs=1e-12)
    assert "Nothing is left over" in (tmp_path / "o" / "attribution.html").read_text()
    before = {path: path.read_bytes() for path in (tmp_path / "o").iterdir()}
    again = CliRunner().invoke(trimtab, arguments)
    assert isinstance(again.exception, InputError)
    assert "holds something" in str(again.exception)
    assert {path: path.read_bytes() for path in (tmp_path / "o").iterdir()} == before
