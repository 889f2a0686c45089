"""The demo's own book under its own policy: every outcome occurs, for the reasons that its README gives."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from trimtab.cli.demos import show_demo

README = (Path(__file__).parents[2] / "demo" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the demo prints on a wide page, and its run: a few seconds of whole lots, done once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        with contextlib.redirect_stdout(io.StringIO()) as page:
            done = show_demo(tmp_path_factory.mktemp("demo") / "run")
    return page.getvalue(), done


def test_the_readme_counts_the_outcomes_and_quotes_the_sentences(shown):
    _, done = shown
    accounts = done.table("accounts").set_index("account_id")
    rows = re.findall(r"^\| ([A-Z]+) \| (\d+) \| (\d{3})\b.*\*(.+?)( \.\.\.)?\*[^*|]*\|$", README, re.MULTILINE)
    assert [row[0] for row in rows] == ["OPTIMAL", "RELAXED", "HELD", "UNSOLVED", "QUARANTINED"]
    assert {row[0]: int(row[1]) for row in rows} == {name: n for name, n in done.counts.items() if n}
    for outcome, _, account, sentence, cut in rows:
        said = accounts.loc[account]
        assert said["outcome"] == outcome
        assert said["reason"].startswith(sentence) if cut else said["reason"] == sentence


def test_the_run_is_not_blocked_and_most_accounts_trade(shown):
    _, done = shown
    assert not done.blocked
    assert done.table("trades")["account_id"].nunique() > 20


def test_the_page_shows_an_account_of_each_outcome_with_what_is_its_own(shown):
    page, done = shown
    table = page.split("An account of each outcome, and its sentence")[1].split("One proposal in full")[0]
    said = done.table("accounts").set_index("account_id")["reason"]
    for outcome, account, own in (
        ("OPTIMAL", "009", "no_buy ENERGY"),
        ("HELD", "018", "frozen GOLD"),
        ("RELAXED", "034", ""),
        ("UNSOLVED", "035", "no_sell USMKT"),
        ("QUARANTINED", "024", ""),
    ):
        (line,) = [line for line in table.splitlines() if line.split()[:1] == [outcome]]
        assert re.fullmatch(rf" *{outcome} +{account} +{own} +{re.escape(said[account])}", line)
