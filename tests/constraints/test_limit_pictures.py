"""The pictures of the limits: each page has one, and it is what trimtab computes today."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
LIMITS = DOCS / "limits"
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


PICTURES = _drawing().PICTURES


def differences(one: str, other: str) -> list[str]:
    """Where two pictures differ: in what is not a number, or in a number by more than rounding."""
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return ["they are not made of the same parts"]
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return [f"{a} is {b}" for a, b in pairs if abs(float(a) - float(b)) > NEAR]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_is_computed_today(name):
    committed = (LIMITS / f"{name}.svg").read_text(encoding="utf-8")
    assert not differences(committed, PICTURES[name]().svg()), "draw it anew: python -m docs.pictures"


def test_another_picture_is_told_apart():
    committed = (LIMITS / "deviation.svg").read_text(encoding="utf-8")
    cx = re.search(r'cx="([\d.]+)"', committed)[1]
    assert differences(committed, committed.replace(f'cx="{cx}"', f'cx="{float(cx) + 1:g}"'))
    assert differences(committed, committed.replace("circle", "ellipse"))
    assert not differences(committed, committed)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_read_without_seeing_it(name):
    root = ElementTree.parse(LIMITS / f"{name}.svg").getroot()  # noqa: S314  (it is ours)
    named = {part.get("id"): part.text for part in root if part.get("id")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == ["title", "words"]
    assert len(named["title"]) > 10
    assert len(named["words"]) > 40
    page = (LIMITS / f"{name}.md").read_text(encoding="utf-8")
    assert f"![{named['title']}]({name}.svg)" in page


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_drawn_outside_a_picture(name):
    root = ElementTree.parse(LIMITS / f"{name}.svg").getroot()  # noqa: S314  (it is ours)
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


def test_every_page_has_its_picture_and_every_picture_its_page():
    pages = {path.stem for path in LIMITS.glob("*.md")} - {"index"}
    assert pages == set(PICTURES) == {path.stem for path in LIMITS.glob("*.svg")}
