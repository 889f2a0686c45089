"""Every example in a docstring is run, under the module's own name.

Collected by path (`--doctest-modules`) they would fail or load each module twice: the checkout's folder is the package
and may have any name.
"""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import trimtab

BESIDE = {"tests", "benchmarks", "docs", "examples"}  # folders of the checkout that are not part of the package


def modules() -> Iterator[str]:
    yield "trimtab"
    for found in pkgutil.iter_modules(trimtab.__path__):
        name = f"trimtab.{found.name}"
        if found.name in BESIDE:
            continue
        yield name
        if found.ispkg:
            inside = importlib.import_module(name).__path__
            # __main__ is skipped: importing it starts the command line.
            yield from (each.name for each in pkgutil.walk_packages(inside, f"{name}.") if "__main__" not in each.name)


@pytest.mark.parametrize("name", list(modules()))
def test_the_examples_of(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_a_wrong_example_fails(capsys):
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner().run(wrong).failed == 1
    assert "Expected" in capsys.readouterr().out
