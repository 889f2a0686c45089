"""The tables of the case studies are what the demo book gives today: a sample of their rows is walked again."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from trimtab.scenarios.conducts import Conduct
from trimtab.scenarios.grids import Course, try_all

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def studies():
    """The scripts, which import each other from their own folder."""
    folder = str(ROOT / "examples" / "studies")
    sys.path.insert(0, folder)
    try:
        yield {name: importlib.import_module(name) for name in ("histories", "bands", "combining")}
    finally:
        sys.path.remove(folder)


def course(world) -> Course:
    return Course(world.chronicle, world.start, conduct=Conduct(lag_days=world.lag_days, estimate="year"))


def rows(text: str) -> dict[str, str]:
    """Return the rows of a table by their first cell."""
    cells = (tuple(line.strip("| ").split(" | ", 1)) for line in text.splitlines() if line.startswith("| "))
    return dict(cells)


def page(name: str) -> dict[str, str]:
    text = (ROOT / "docs" / "studies" / f"{name}.md").read_text(encoding="utf-8")
    return rows(text.partition("<!-- demo -->")[2].partition("<!-- end of demo -->")[0])


def assert_alike(told: str, said: str, row: str) -> None:
    """Compare the numbers of two rows: one in the last place is what another release of a library may move."""
    assert NUMBER.sub("#", told) == NUMBER.sub("#", said), row
    for new, old in zip(NUMBER.findall(told), NUMBER.findall(said), strict=True):
        unit = 10.0 ** -len(old.partition(".")[2])
        assert abs(float(new) - float(old)) <= 1.01 * unit, f"{row}: {new} on the page as {old}"


def test_wide_and_narrow_bands_do_what_the_page_says(studies):
    own, world = studies["bands"], studies["histories"].load_demo()
    names = [(way, 0.02) for way in ("fixed", "widened")]
    policies = {f"{way}, {width:.0%}": own.make_policy(world, way, width) for way, width in names}
    found, said = rows(own.tell(world, try_all(policies, course(world)))), page("bands")
    assert len(said) == 1 + len(own.WAYS) * len(own.WIDTHS)
    for name in policies:
        assert_alike(found[name], said[name], name)


def test_signals_together_do_what_the_page_says(studies):
    own, world = studies["combining"], studies["histories"].load_demo()
    read = {"combined": tuple(world.signals), "none": ()}
    policies = {name: own.make_policy(world, signals) for name, signals in read.items()}
    found, said = rows(own.tell(world, try_all(policies, course(world)))), page("combining")
    assert len(said) == 1 + len(world.signals) + 2
    for name in policies:
        assert_alike(found[name], said[name], name)
