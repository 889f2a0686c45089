"""What `check` says of accounts whose limits contradict each other: who would be UNSOLVED, and who only RELAXED."""

import pytest

from trimtab.batches import read_book, run
from trimtab.cli.checks import examine
from trimtab.cli.pages import page, show_findings
from trimtab.constraints import read_policy
from trimtab.demo import ON, policy_path
from trimtab.units import day


@pytest.mark.parametrize("tier", [0, 1])
def test_who_would_be_relaxed_is_told_apart_from_who_would_be_unsolved(book, tmp_path, capsys, tier):
    """Two accounts stand outside a deviation of 1 %, and their turnover cap is below the distance."""
    limits = [{"kind": "deviation", "most": 0.01}, {"kind": "turnover", "most": 0.001, "tier": tier}]
    policy = read_policy({"risk": {"periods_per_year": 12}, "limits": limits})
    found = examine(read_book(book), policy, day(ON))
    assert {name for name, _ in (found.stuck, found.yielding)[tier]} == {"001", "003"}
    assert not (found.yielding, found.stuck)[tier]
    show_findings(page(), found)
    ends = "RELAXED" if tier else "UNSOLVED"
    said = capsys.readouterr().out
    assert f"they would be {ends}" in said
    assert run(book, policy, ON, tmp_path / "out", workers=1).counts[ends] == 2  # and so they are


def test_a_phase_that_would_give_way_leaves_nobody_unsolved(demo_book, tmp_path):
    """An account that owes half its worth has a phase too slow for its deviation limits: the phase gives way."""
    book, policy = demo_book(tmp_path / "book", ("005", "006")), read_policy(policy_path())
    text = (book / "holdings.csv").read_text().replace("\n005,USMKT,", "\n005,USMKT,-")
    (book / "holdings.csv").write_text(text)
    found = examine(read_book(book), policy, day(ON))
    assert ([name for name, _ in found.yielding], found.stuck) == (["005"], ())
    assert run(book, policy, ON, tmp_path / "out", workers=1).counts["RELAXED"] == 1
