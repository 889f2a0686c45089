"""The pages on scenarios are true: their examples run, and their links lead somewhere."""

import doctest
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "scenarios"
PAGES = sorted(FOLDER.glob("*.md"))
named = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@named
def test_what_a_page_shows_in_python_is_what_python_says(page):
    text = page.read_text(encoding="utf-8")
    shared: dict[str, object] = {}  # a page is read from its top
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for i, block in enumerate(blocks, 1):
        example = doctest.DocTestParser().get_doctest(block, shared, f"{page.name}[{i}]", str(page), 0)
        example.globs = shared
        assert example.examples
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(example, clear_globs=False).failed == 0


@named
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (FOLDER / target).exists(), target
