"""The pictures of limits and concepts: each page has one, and it is what trimtab computes today."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"(?<![\w#.])-?\d+(?:\.\d+)?")
NEAR = 0.25
"""Pixels, or the last digit of a word: what another processor's rounding may move."""


def _drawing():
    """Import the script that draws, by its folder; nothing is put on the search path."""
    if "pictures" not in sys.modules:
        folder = DOCS / "pictures"
        spec = importlib.util.spec_from_file_location(
            "pictures", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        sys.modules["pictures"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["pictures"])
    return importlib.import_module("pictures.drawing")


DRAWN = {"limits": _drawing().PICTURES, "concepts": _drawing().CONCEPTS}
PLACES = [(folder, name) for folder, pictures in DRAWN.items() for name in pictures]
ELSEWHERE = {("concepts", "phases"): DOCS / "phases.md"}
"""Pictures on a page that is not called like them."""
each_picture = pytest.mark.parametrize(("folder", "name"), PLACES, ids=[name for _, name in PLACES])


def differences(one: str, other: str) -> list[str]:
    """Where two pictures differ: in what is not a number, or in a number by more than rounding."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return ["they are not made of the same parts"]
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return [f"{a} is {b}" for a, b in pairs if abs(float(a) - float(b)) > NEAR]


@each_picture
def test_a_picture_is_what_is_computed_today(folder, name):
    committed = (DOCS / folder / f"{name}.svg").read_text(encoding="utf-8")
    assert not differences(committed, DRAWN[folder][name]().svg()), "draw it anew: python -m docs.pictures"


def test_another_picture_is_told_apart():
    committed = (DOCS / "limits" / "deviation.svg").read_text(encoding="utf-8")
    cx = re.search(r'cx="([\d.]+)"', committed)[1]
    assert differences(committed, committed.replace(f'cx="{cx}"', f'cx="{float(cx) + 1:g}"'))
    assert differences(committed, committed.replace("circle", "ellipse"))
    assert not differences(committed, committed)


@each_picture
def test_a_picture_can_be_read_without_seeing_it(folder, name):
    root = ElementTree.parse(DOCS / folder / f"{name}.svg").getroot()  # noqa: S314  (it is ours)
    named = {part.get("id"): part.text for part in root if part.get("id")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == ["title", "words"]
    assert len(named["title"]) > 10
    assert len(named["words"]) > 40
    page = ELSEWHERE.get((folder, name), DOCS / folder / f"{name}.md")
    picture = f"{name}.svg" if page.parent.name == folder else f"{folder}/{name}.svg"
    assert f"![{named['title']}]({picture})" in page.read_text(encoding="utf-8")


@each_picture
def test_nothing_is_drawn_outside_a_picture(folder, name):
    root = ElementTree.parse(DOCS / folder / f"{name}.svg").getroot()  # noqa: S314  (it is ours)
    width, height = (float(root.get(side)) for side in ("width", "height"))
    for dot in root.iter(f"{SVG}circle"):
        assert 0 < float(dot.get("cx")) < width
        assert 0 < float(dot.get("cy")) < height
    for text in root.iter(f"{SVG}text"):
        at, room = float(text.get("x")), 6.2 * len(text.text or "")
        left = at - room * {"middle": 0.5, "end": 1.0}.get(text.get("text-anchor"), 0.0)
        assert left > 0, text.text
        assert left + room < width + 14, text.text
        assert 0 < float(text.get("y")) < height


@pytest.mark.parametrize("folder", DRAWN)
def test_every_page_has_its_picture_and_every_picture_its_page(folder):
    pages = {path.stem for path in (DOCS / folder).glob("*.md")} - {"index"}
    own = {name for name in DRAWN[folder] if (folder, name) not in ELSEWHERE}
    assert pages == own
    assert set(DRAWN[folder]) == {path.stem for path in (DOCS / folder).glob("*.svg")}
