"""Links between pages lead somewhere: to a file that is there, and to a heading that it has. No network is asked.

Links to other sites are checked on demand: `python3 run.py docs -b linkcheck`.
"""

from __future__ import annotations

import importlib
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name / "README.md" for name in ("", "examples", "demo", "benchmarks")),
    *sorted(DOCS.rglob("*.md")),
]


def words_of(page: Path) -> str:
    """Return a page without its code: neither blocks nor what stands between backticks hold links or headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!\[)`[^`\n]*`(?!\])", "", text)


def links_of(page: Path) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", words_of(page)) if "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


def broken(page: Path) -> list[str]:
    found = []
    for target in links_of(page):
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in anchors_of(there)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert not broken(page)


def test_a_link_to_nowhere_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# A heading, with `code`\n", encoding="utf-8")
    page = tmp_path / "page.md"
    good = "[a](other.md) [b](other.md#a-heading-with-code) [c](#here) `[no](link)`\n\n# Here\n"
    page.write_text(good, encoding="utf-8")
    assert not broken(page)
    page.write_text(good + "[d](gone.md) [e](other.md#another) [f](#there)\n", encoding="utf-8")
    assert broken(page) == ["gone.md", "other.md#another", "#there"]


def test_every_page_can_be_reached():
    """Each page stands in a table of contents."""
    listed = set()
    for page in DOCS.rglob("*.md"):
        for table in re.findall(r"```{toctree}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            names = [line.strip() for line in table.splitlines() if line.strip() and not line.startswith(":")]
            listed |= {each for name in names for each in page.parent.glob(f"{name}.md")}
    assert set(DOCS.rglob("*.md")) - {DOCS / "index.md"} <= listed


def test_every_floor_with_public_names_stands_in_the_api():
    public = runpy.run_path(str(ROOT / "tests" / "test_house.py"), run_name="house")["PUBLIC"]
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    for face in public:
        assert f".. automodule:: trimtab.{face}\n   :members:\n   :imported-members:" in page, face
        held = importlib.import_module(f"trimtab.{face}")
        names = [name for name in held.__all__ if callable(getattr(held, name))]
        assert all(getattr(held, name).__doc__ for name in names)
