"""How an example is lived through, and compared with what its page quotes of it."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?")


def _live(name: str, folder: Path) -> str:
    """Live through a day; return what it says."""
    day = runpy.run_path(str(FOLDER / f"{name}.py"), run_name="example")
    with contextlib.redirect_stdout(io.StringIO()) as heard:
        day["main"](folder)
    return heard.getvalue()


def _quoted(name: str) -> str:
    """Return the output of a day that the page quotes."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n.*?```text\n(.*?)```", text, re.DOTALL)
    assert found, f"the page quotes nothing of {name}"
    return found[1]


def _assert_alike(told: str, said: str) -> None:
    """Compare line by line: the words to the letter, a number to one in its last place or a thousandth of itself."""
    ours, theirs = ([line.rstrip() for line in text.strip().splitlines()] for text in (told, said))
    assert len(ours) == len(theirs)
    for new, old in zip(ours, theirs, strict=True):
        assert re.sub(r"\s+", " ", NUMBER.sub("#", new)) == re.sub(r"\s+", " ", NUMBER.sub("#", old))
        for a, b in zip(NUMBER.findall(new), NUMBER.findall(old), strict=True):
            if "e" in a + b:  # rounding: only that there is next to none of it
                assert max(abs(float(a)), abs(float(b))) < 1e-11, f"{new}\n{old}"
                continue
            x, y = (float(each.replace(",", "")) for each in (a, b))
            assert abs(x - y) <= max(1.01 * 10.0 ** -len(b.partition(".")[2]), 1e-3 * abs(y)), f"{new}\n{old}"


def _page(path: Path) -> str:
    """Return a page, which asks no network for anything."""
    text = path.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in text
    return text


@pytest.fixture(scope="session")
def live() -> Callable[[str, Path], str]:
    """Live through a day in a folder; return what it says."""
    return _live


@pytest.fixture(scope="session")
def check_quoted() -> Callable[[str, str], None]:
    """Compare what a day says with what the page quotes of it."""
    return lambda name, told: _assert_alike(told, _quoted(name))


@pytest.fixture(scope="session")
def page() -> Callable[[Path], str]:
    """Read a page that was written."""
    return _page
