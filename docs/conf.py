"""Sphinx reads this; `python3 run.py docs` starts it."""

import tomllib
from importlib import import_module
from importlib.metadata import version as version_of
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

project = "trimtab"
author = "the trimtab authors"
release = version = version_of("trimtab")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"trimtab {release}"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]

# The faces of the folders are lazy, and autodoc lists what a module already holds: each name is asked for once.
PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
for package in PROJECT["tool"]["setuptools"]["packages"]:
    face = import_module(package)
    for public in getattr(face, "__all__", ()):
        setattr(face, public, getattr(face, public))

# Fields of two nouns may have one name (`days`); sphinx would have the type of a third mean one of them.
suppress_warnings = ["ref.python"]

lexers["csv"] = TextLexer()  # pygments has no words for a table


def head_examples(_app, _what, _name, _thing, _options, lines: list[str]) -> None:
    """Give examples that come after a section of parameters or errors a head, or napoleon takes them for errors."""
    first = next((i for i, line in enumerate(lines) if line.startswith(">>> ")), 0)
    if any(line.startswith("---") for line in lines[:first]):
        lines[first:first] = ["Examples", "--------"]


def setup(app) -> None:
    """Look at docstrings before napoleon does."""
    app.connect("autodoc-process-docstring", head_examples, priority=400)
