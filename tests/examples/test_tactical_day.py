"""The tactical day is lived through, whole: it says what its page quotes, and what it leaves is there."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from trimtab.batches import open_run
from trimtab.governance import open_ledger, read, verify


@pytest.fixture(scope="module")
def tactical(live, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("tactical")
    return live("tactical_day", folder), folder


def test_the_page_quotes_what_the_tactical_day_says(tactical, check_quoted):
    check_quoted("tactical_day", tactical[0])


def test_the_tactical_day_ends_in_a_release_that_three_people_made(tactical):
    told, folder = tactical
    assert re.findall(r"ann (?:releases|approves): ([A-Z_]{2,})", told) == ["QUORUM", "SELF_APPROVAL", "QUORUM"]
    run = open_run(folder / "run")
    with open_ledger(folder / "desk.ledger") as ledger:
        assert verify(ledger).is_whole
        acts = [(e.actor, e.kind) for e in read(ledger, subject=f"run/{run.run_id}")]
        releases = len(list(read(ledger, kind="release")))
    assert acts[0] == ("ann", "seal")
    assert {("ben", "approve"), ("cal", "approve"), ("ann", "release")} <= set(acts)
    assert ("ann", "approve") not in acts
    assert releases == 1
    assert f"{len(pd.read_csv(folder / 'fills.csv'))} of {len(run.table('trades'))} orders are filled" in told


def test_the_tactical_day_tells_of_a_signal_a_view_and_a_rule_in_trades(tactical):
    why = tactical[0].partition("4. Why")[2].partition("\n5. ")[0]
    assert "rule: no haven wanted" in why
    assert "view V2" in why
    assert "to 1e-12 of the account: True" in why


def test_the_tactical_day_leaves_pages_of_the_run_and_of_the_account(tactical, page):
    run, account = (page(tactical[1] / name) for name in ("run.html", "001.html"))
    assert "Run of 2017-02-28: 36 accounts" in run
    assert "Account 001: 4 trades proposed" in account
    assert "no haven wanted" in account
