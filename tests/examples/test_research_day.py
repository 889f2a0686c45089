"""The research day is lived through, whole: it says what its page quotes, and what it leaves is there."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def research(live, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("research")
    return live("research_day", folder), folder


def test_the_page_quotes_what_the_research_day_says(research, check_quoted):
    check_quoted("research_day", research[0])


def test_the_research_day_splits_what_was_earned_without_a_remainder(research):
    told = research[0].partition("6. Who earned what")[2]
    whole = float(re.search(r"%, (-?[\d.]+) bp in", told)[1])  # type: ignore[index]
    groups = [float(x) for x in re.findall(r"^[a-z ]+ +([-+][\d.]+) bp$", told, re.MULTILINE)]
    assert len(groups) == 10
    assert sum(groups) == pytest.approx(whole, abs=0.06)
    for by in ("signal", "effect"):  # what is told by signal and by effect sums to the same, each part rounded
        rows = told.partition(f"by {by}, ")[2].partition("\n\n")[0]
        sizes = [int(x) for x in re.findall(r" (-?\d+)$", rows, re.MULTILINE)]
        assert sum(sizes) == pytest.approx(whole, abs=0.5 * len(sizes) + 0.5)


def test_the_research_day_proposes_a_confidence_that_nobody_has_approved(research):
    table = pd.read_csv(research[1] / "confidences.csv", keep_default_na=False)
    assert list(table["source"]) == ["shares pay"]
    assert list(table["approved_by"]) == [""]
    right, wrong = map(int, re.search(r"shares pay: (\d+) right and (\d+) wrong", research[0]).groups())  # type: ignore[union-attr]
    assert right + wrong > 30


def test_the_research_day_leaves_pages_that_tell_of_every_rule(research, page):
    tested, swept, attributed = (page(research[1] / f"{name}.html") for name in ("backtest", "sweep", "attribution"))
    for rule in ("the idea", "no signals", "half the room", "hold", "threshold"):
        assert rule in tested
    assert "What the view would have to promise" in swept
    assert "leave when the trend breaks" in attributed
