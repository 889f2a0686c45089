"""From a backtest to what the next run believes, by the command line and through two people; and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from trimtab.batches import read_book

PLAYBOOK = """
[rebalance]
trigger = "always"
[[signals]]
name = "market trend"
kind = "moving_average_gap"
series = ["USMKT"]
about = "equity - bonds"
window = 10
stale_days = 45
[[signals]]
name = "market push"
kind = "momentum"
series = ["USMKT"]
about = "equity - bonds"
lookback = 6
skip = 0
stale_days = 45
[[opinions]]
about = "equity - bonds"
name = "trend"
signals = ["market trend", "market push"]
scale = "raw"
unit = "10%"
least = 0.0
horizon_days = 60
"""
GIVEN = ("--model", "sixty_forty", "--from", "2015-10-31", "--estimate", "year")


@pytest.fixture
def desk(trimtab, book, mandate, tmp_path, monkeypatch):
    """A desk whose policy and tables are approved; call it as one would call `trimtab`, at a status."""
    mandate.write_text(mandate.read_text() + PLAYBOOK)
    monkeypatch.setenv("TRIMTAB_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("TRIMTAB_STORE", str(tmp_path / "store"))

    def call(*arguments, status=0):
        left, out, err = trimtab(*arguments, columns=120)
        assert left == status, (arguments, out, err)
        assert "Traceback" not in err
        return out + err

    call("ledger", "init")
    for thing in (mandate, book / "views.csv", book / "tilts.csv"):
        call("submit", thing, "--as", "ann")
        call("approve", thing, "--as", "ben")
    return call


def run(desk, book, mandate, out, on="2017-02-28"):
    desk("rebalance", book, "--policy", mandate, "--on", on, "--out", out, "--as", "ann", "--workers", 1)
    return pd.read_parquet(out / "views.parquet").set_index("view_id")


def test_what_became_of_forecasts_changes_the_next_run_once_two_people_agree(desk, book, mandate, tmp_path):
    tested, told = tmp_path / "tested", tmp_path / "told"
    desk("backtest", book, "--policy", mandate, *GIVEN, "--out", tested)
    page = desk("attribute", tested, "--by", "signal", "--out", told)
    for words in ("market trend", "market push", "held back", "costs", "Nothing is left over", "Confidences"):
        assert words in page
    steps = pd.read_parquet(told / "waterfall.parquet").set_index("step")
    found = pd.read_parquet(told / "attribution.parquet")
    assert steps.loc["account", "end"] - steps.loc["benchmark", "end"] == pytest.approx(
        found["linked"].sum(), abs=1e-14
    )
    assert {"beliefs", "held back", "costs"} <= set(steps.index)
    proposal = pd.read_parquet(told / "proposal.parquet").set_index("source")
    scale = proposal.loc["trend", "scale"]
    assert scale != 1.0

    before = run(desk, book, mandate, tmp_path / "before")
    confidences = told / "confidences.csv"
    desk("submit", confidences, "--as", "ann")
    assert "cannot" in desk("approve", confidences, "--as", "ann", status=2)  # never one's own
    waiting = run(desk, book, mandate, tmp_path / "waiting")
    assert waiting.loc["trend", "confidence"] == before.loc["trend", "confidence"]
    desk("approve", confidences, "--as", "ben")
    after = run(desk, book, mandate, tmp_path / "after")

    wanted = min(1.0, before.loc["trend", "confidence"] * scale)
    assert after.loc["trend", "confidence"] == pytest.approx(wanted, rel=1e-12)
    assert after.loc["trend", "trust"] == pytest.approx(scale, rel=1e-12)
    others = [name for name in before.index if name != "trend"]
    pd.testing.assert_series_equal(after.loc[others, "confidence"], before.loc[others, "confidence"])
    # The audit says why: the view, the sealed inputs, and each trade that follows.
    assert "approved by ben" in after.loc["trend", "because"]
    ids = [json.loads((tmp_path / name / "run.json").read_text())["run_id"] for name in ("before", "waiting", "after")]
    assert ids[0] == ids[1] != ids[2]
    lean = [pd.read_parquet(tmp_path / name / "targets.parquet")["tactical"].to_numpy() for name in ("before", "after")]
    assert np.abs(lean[1] - lean[0]).max() > 1e-5
    assert read_book(book).trusts() == {}  # nobody wrote into the book itself


def test_a_backtest_says_itself_what_happened_and_bad_files_are_named(desk, book, mandate, tmp_path):
    tested, runs = tmp_path / "tested", tmp_path / "runs"
    desk("backtest", book, "--policy", mandate, *GIVEN, "--to", "2016-03-31", "--out", tested)
    assert "Too short to judge" in desk("attribute", tested)
    returns = book / "returns.csv"
    assert "leave out --returns" in desk("attribute", tested, "--returns", returns, status=2)
    assert "no period after" in desk("attribute", tested, "--from", "2016-05-01", status=2)
    (tested / "decisions" / "parts.parquet").write_bytes(b"PAR1")
    assert "is not what was written" in desk("attribute", tested, status=2)

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no sealed run" in desk("attribute", empty, "--returns", returns, status=2)
    run(desk, book, mandate, runs / "one", on="2016-12-31")
    assert "do not say what assets returned" in desk("attribute", runs, status=2)
    assert "no run holds the account '999'" in desk(
        "attribute", runs, "--returns", returns, "--account", "999", status=2
    )
    assert "before anything followed" in desk(
        "attribute", runs, "--returns", cut(returns, tmp_path, "2016-12-31"), status=2
    )
    page = desk("attribute", runs, "--returns", returns, "--by", "class")
    assert "equity" in page  # the classes are those of the book that the run was made from
    nameless = tmp_path / "nameless.csv"
    nameless.write_text(returns.read_text().replace("date,", "when,", 1))
    assert "no column 'date'" in desk("attribute", runs, "--returns", nameless, status=2)
    for change, words in (("", "'GOLD' has no return"), ("-1.5", "'GOLD' lost more than everything (-1.5)")):
        assert words in desk("attribute", runs, "--returns", cut(returns, tmp_path, gold=change), status=2)
    (runs / "one" / "run.json").rename(runs / "one" / ".run-1234")
    assert "is not sealed" in desk("attribute", runs, "--returns", returns, status=2)


def cut(returns, folder, last=None, *, gold=None):
    """Write the returns up to a day, or with another last month, and return the file."""
    table = pd.read_csv(returns, dtype=str)
    if last is not None:
        table = table.loc[table["date"] <= last]
    if gold is not None:
        table.loc[table.index[-1], "GOLD"] = gold
    path = folder / "cut.csv"
    table.to_csv(path, index=False)
    return path
