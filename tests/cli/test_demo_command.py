import re

import pandas as pd
import pytest

from trimtab.cli import demos
from trimtab.cli.pages import lay, page, plain, show_proposal
from trimtab.optimizer import Outcome, Proposal


@pytest.fixture
def small_demo(book, mandate, monkeypatch):
    """The demo's path through the house, on the small book: the real one has its own file, test_demo_book.py."""
    monkeypatch.setattr(demos, "book_path", lambda: book)
    monkeypatch.setattr(demos, "policy_path", lambda: mandate)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_shows_beliefs_outcomes_a_proposal_shocks_and_files(trimtab, small_demo, tmp_path, columns):
    status, out, err = trimtab("demo", columns=columns)
    assert (status, err) == (0, "")
    for words in (
        "What the desk believes",
        "UST2 - UST20",
        "What the mandate says",
        "OPTIMAL",
        "An account of each outcome",
        "One proposal in full",
        "because",
        "turnover",
        "proof",
        "equity -30%, bonds +5%",
        "rates +1 point",
        "trimtab-demo/trades.parquet",
        "trimtab check",
    ):
        assert words in out
    assert all(len(line) <= columns for line in out.splitlines() if "/" not in line)
    assert all(line == line.rstrip() for line in out.splitlines())
    trades = pd.read_parquet(tmp_path / "trimtab-demo" / "trades.parquet")
    shown = re.search(r"Account (\d+) ", out)[1]
    assert trades["account_id"].value_counts().max() == (trades["account_id"] == shown).sum()
    again = trimtab("demo", columns=columns)
    assert again[0] == 0
    assert "finished before" in again[1]


def test_the_demo_goes_where_it_is_told(trimtab, small_demo, tmp_path):
    assert trimtab("demo", "--out", tmp_path / "here")[0] == 0
    assert (tmp_path / "here" / "run.json").exists()


def test_text_of_a_book_cannot_steer_a_terminal(capsys):
    assert plain("a\x1b[31mb\r\u202e") == r"a\x1b[31mb\r\u202e"
    lay(page(), ("id",), [["[bold]x[/bold]"], ["\x1b[2J"]])
    assert capsys.readouterr().out.split() == ["id", "[bold]x[/bold]", r"\x1b[2J"]


def test_a_quarantined_proposal_is_one_sentence(capsys):
    show_proposal(page(), Proposal("1", "m", Outcome.QUARANTINED, reason="why", nav=0.0))
    assert capsys.readouterr().out.split("\n", 1)[1] == ""
