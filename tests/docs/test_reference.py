"""The reference is that of the code: its pages are written from it, and nothing that the code knows is missing."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

from trimtab.batches.layouts import BESIDE, LAYOUTS
from trimtab.constraints import read_policy
from trimtab.constraints.documents import KINDS
from trimtab.errors import InputError
from trimtab.optimizer.solutions import Outcome

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def _script(name: str):
    """Import a script of the folder; nothing is put on the search path."""
    if "reference" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "reference", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        sys.modules["reference"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["reference"])
    return importlib.import_module(f"reference.{name}")


PAGES = _script("pages").PAGES
BOOKS, POLICIES, ERRORS, CODES, WORDS = map(_script, ("books", "policies", "errors", "codes", "words"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_is_written_today(name):
    committed = (FOLDER / name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "write it anew: python -m docs.reference"


def test_every_column_has_its_words_and_no_words_are_left_over():
    layouts = {**LAYOUTS, **BESIDE}
    known = {(table, column) for table, layout in layouts.items() for column in layout.known}
    assert all(BOOKS.words(table, column) for table, column in known)
    assert set(BOOKS.TABLES) == set(layouts)
    left = {key for key in BOOKS.COLUMNS if key[0] != "*" and key not in known}
    assert not left
    assert {column for table, column in BOOKS.COLUMNS if table == "*"} <= {column for _, column in known}


def test_every_kind_of_limit_and_every_key_of_it_is_there():
    page = PAGES["policy.md"]()
    for kind, noun in KINDS.items():
        if kind != "custom":
            section = page.split(f"\n### {kind}\n")[1].split("\n### ")[0]
            own = {each.name for each in dataclasses.fields(noun)} - POLICIES.COMMON
            assert all(f"| `{key}` |" in section for key in own), kind


def test_what_is_marked_as_needed_is_needed():
    """A limit without the key is refused, or (a bound of nothing) says that it allows nothing."""
    for kind, key in POLICIES.NEEDED:
        if kind in KINDS:
            try:
                (limit,) = read_policy({"limits": [{"kind": kind}]}).limits
            except InputError:
                continue
            assert not getattr(limit, key), (kind, key)


def test_words_stand_in_one_place():
    """What a docstring says of a key is not said again beside it."""
    for kind, key in POLICIES.KEYS:
        if kind in KINDS:
            assert key not in POLICIES.parameters(KINDS[kind]), (kind, key)


# ---------------------------------------------------------------------------------------------------- errors


FOUND = ERRORS.by_code(CODES.read_sayings())


@pytest.mark.parametrize("code", FOUND)
def test_a_code_has_a_meaning_and_a_mend(code):
    meaning, mend = ERRORS.told(code, FOUND[code])
    assert " " in meaning, "is it a code? docs/reference/codes.py lists words that are none"
    assert mend, "docs/reference/words.py has room for what the source cannot say"


def test_no_words_are_about_a_code_that_nobody_says():
    assert set(WORDS.WORDS) <= set(FOUND)


def test_every_code_and_outcome_stands_on_the_page():
    page = PAGES["errors.md"]()
    assert all(f"| `{code}` |" in page for code in FOUND)
    assert "`?`" not in page, "docs/reference/errors.py does not know what is raised"
    assert all(f"| `{outcome.name}` | {outcome.value} |" in page for outcome in Outcome)


def test_codes_are_found_wherever_they_are_said():
    source = """
def f(x):
    words = f"{x.name} is odd"
    raise MarketError(words, code="BY_KEYWORD", mend="give another")
def _fault(code, words, mend):
    return AccountError(words, code=code, mend=mend)
raise _fault("BY_HELPER", "two words", "no more")
for wrong, code, said in ((1, "IN_A_ROW", "is in a row"),):
    raise MarketError(said, code=code)
TABLE = {"IN_A_TABLE": "stands in a table"}
if error.code == "ONLY_COMPARED":
    pass
"""
    found = {each.code: each for each in CODES.sayings_of("made_up", ast.parse(source))}
    assert set(found) == {"BY_KEYWORD", "BY_HELPER", "IN_A_ROW", "IN_A_TABLE"}
    assert (found["BY_KEYWORD"].error, found["BY_KEYWORD"].sentence) == ("MarketError", "‹name› is odd")
    assert (found["BY_HELPER"].error, found["BY_HELPER"].mend) == ("AccountError", "no more")
    assert found["IN_A_ROW"].sentence == "is in a row"
    assert found["IN_A_TABLE"].sentence == "stands in a table"
