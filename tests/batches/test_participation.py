"""What all accounts together may trade of an asset: a second round within each account's part, or a blocked run."""

import json
import shutil

import numpy as np
import pytest

from trimtab.batches import run
from trimtab.demo import ON, book_path

CAP = 0.003


@pytest.fixture
def book():
    """The whole demo book: some of its accounts trade nothing that is slowed."""
    return book_path()


@pytest.fixture
def capped(mandate, tmp_path):
    """The demo's mandate without whole trades, capped; on_participation as asked."""

    def write(on="slow", cap=CAP):
        path = tmp_path / f"capped-{on}.toml"
        path.write_text(f'{mandate.read_text()}\n[run]\nmax_participation = {cap}\non_participation = "{on}"\n')
        return path

    return write


def _impact(done):
    import pandas as pd

    return pd.read_parquet(done.path / "impact.parquet").set_index("asset_id")


def _same(first, second):
    for table in ("accounts", "targets", "trades", "quarantine"):
        assert first.table(table).equals(second.table(table)), table


@pytest.fixture
def free(book, mandate, tmp_path):
    """The run nobody is capped in."""
    return run(book, mandate, ON, tmp_path / "free")


def test_the_desk_keeps_within_its_cap(book, capped, free, tmp_path):
    first = _impact(free)
    assert (first["most"] > CAP).sum() >= 2  # else this test could not fail
    done = run(book, capped(), ON, tmp_path / "slow")
    assert not done.blocked
    then = _impact(done)
    assert (then["most"] <= CAP * (1 + 1e-9)).all()
    # A pace says what was left of the first trades, and nobody is held without need.
    for asset, row in first[first["most"] > CAP].iterrows():
        assert min(then.loc[asset, ["buy_pace", "sell_pace"]]) == pytest.approx(CAP / row["most"], rel=1e-6)
        assert then.loc[asset, "most"] == pytest.approx(CAP, rel=0.05)
    assert done.counts == free.counts  # slowed, and nobody is worse off for it


def test_each_account_keeps_to_its_part_and_the_others_to_their_trades(book, capped, mandate, tmp_path, rows, write):
    thin = tmp_path / "thin"
    shutil.copytree(book, thin)
    header, *assets = rows(thin, "assets")
    adv = header.index("adv")
    write(
        thin,
        "assets",
        [header, *([*a[:adv], "1000000" if a[0] == "ENERGY" else a[adv], *a[adv + 1 :]] for a in assets)],
    )
    free = run(thin, mandate, ON, tmp_path / "free")
    done = run(thin, capped(cap=0.3), ON, tmp_path / "slow")
    paces = _impact(done)
    assert paces.index[paces["buy_pace"] < 1].tolist() == ["ENERGY"]
    before, after = (r.table("trades").set_index(["account_id", "asset_id"])["weight"] for r in (free, done))
    slowed = set()
    for (account, asset), weight in before.items():
        pace = paces.loc[asset, "buy_pace" if weight > 0 else "sell_pace"]
        if pace < 1:
            slowed.add(account)
            assert abs(after.get((account, asset), 0.0)) <= abs(weight) * pace + 1e-9
    untouched = [a for a in free.table("accounts")["account_id"] if a not in slowed]
    assert slowed
    assert untouched
    for table in ("accounts", "targets", "trades"):
        old, new = (r.table(table) for r in (free, done))
        old, new = (t[t["account_id"].isin(untouched)].reset_index(drop=True) for t in (old, new))
        assert old.equals(new)
    binding = done.table("accounts").set_index("account_id")["binding"]
    named = {entry["limit"] for account in slowed for entry in json.loads(binding[account])}
    assert "participation" in named


def test_the_second_round_does_not_depend_on_the_chunks(book, capped, tmp_path):
    whole = run(book, capped(), ON, tmp_path / "whole")
    pieces = run(book, capped(), ON, tmp_path / "pieces", chunk=7)
    _same(whole, pieces)
    assert _impact(whole).equals(_impact(pieces))


def test_a_desk_may_rather_be_stopped(book, capped, free, tmp_path):
    done = run(book, capped("block"), ON, tmp_path / "block")
    assert done.blocked
    assert all("above max_participation 0.30%" in why for why in done.why)
    assert len(done.why) == (_impact(free)[["buy_participation", "sell_participation"]] > CAP).to_numpy().sum()
    _same(free, done)


def test_without_a_cap_nothing_is_decided_twice(book, capped, free, tmp_path):
    loose = run(book, capped(cap=1.0), ON, tmp_path / "loose")
    _same(free, loose)
    assert np.isclose(_impact(loose)[["buy_pace", "sell_pace"]], 1.0).all()
