"""The pages on signals are true: the demo book can be read by their policies, the reference is that of the code."""

from __future__ import annotations

import datetime as dt
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from trimtab.batches import read_book
from trimtab.constraints.documents import read_policy
from trimtab.demo import ON, book_path
from trimtab.signals.measures import FAMILIES, KINDS
from trimtab.signals.transforms import TRANSFORMS

FOLDER = Path(__file__).parents[2] / "docs" / "signals"
PAGES = sorted(FOLDER.glob("*.md"))
named = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@named
def test_what_a_page_writes_is_a_policy_that_the_demo_book_can_be_read_by(page):
    book = read_book(book_path())
    for block in blocks(page, "toml"):
        policy = book.policy(read_policy(tomllib.loads(block)))
        day = dt.date.fromisoformat(ON)
        reading = book.read(policy, book.market(policy, day), day)
        assert reading is not None
        assert (reading.scores["why_not"] == "").all()


def test_the_reference_is_that_of_the_code():
    page = runpy.run_path(str(FOLDER / "write_reference.py"), run_name="reference")["page"]()
    written = (FOLDER / "reference.md").read_text(encoding="utf-8")
    assert written == page, "python docs/signals/write_reference.py"
    assert all(f"\n### {kind}\n" in page for kind in (*KINDS, *TRANSFORMS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_formula_a_source_a_unit_and_an_example(kind):
    measure = KINDS[kind]
    words = measure.function.__doc__
    assert words.startswith("Return ")
    assert "Source:" in words
    assert ">>>" in words
    assert measure.takes
    assert measure.gives
    assert measure.family in FAMILIES
