"""A page: a title, sections, and the verbs that make one HTML file of them.

The file needs nothing else: plotly stands in it once where something is drawn, its policy forbids every request, and
only the scripts of this package run in it (by their hashes). With scripts off every number is still there, in tables.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..batches.stores import whole
from ..errors import InputError
from ..units import FrozenMap
from .cells import Form, Grid, lay
from .texts import embed, visible

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SEARCHED = 25
"""Rows from which a table has a field to search it."""


@dataclass(frozen=True)
class Words:
    """Prose: paragraphs under a title."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """Key numbers: (name, value as text, note) each; the note may be empty."""

    title: str
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, eq=False)
class Listing:
    """A table that can be sorted by every column, and searched where it is long.

    Parameters
    ----------
    title, note
        What it is, and a sentence on how to read it.
    frame
        Its rows; a named index comes first. All of them go into the page: cut what may be long.
    formats
        How the numbers of a column are written, by name (:data:`.cells.Form`).
    """

    title: str
    frame: pd.DataFrame
    note: str = ""
    formats: Mapping[str, Form] = field(default_factory=FrozenMap)


@dataclass(frozen=True, eq=False)
class Chart:
    """A drawing, with the table of the same numbers under it.

    Parameters
    ----------
    title, note
        What is drawn, and a sentence on how to read it; together they are its label for who cannot see it.
    figure
        Of plotly.
    frame, formats
        The same numbers, as in :class:`Listing`.
    """

    title: str
    figure: Figure
    frame: pd.DataFrame
    note: str = ""
    formats: Mapping[str, Form] = field(default_factory=FrozenMap)


Section = Words | Figures | Listing | Chart


@dataclass(frozen=True)
class Page:
    """A page.

    Parameters
    ----------
    title, subtitle
        What it is of, in a few words, and in a sentence.
    sections
        In the order they are read.
    about
        Where it comes from, (name, value) each: ids, hashes, days. It stands at the foot.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    about: tuple[tuple[str, str], ...] = ()


def render(page: Page) -> str:
    """Return a page as one HTML text that needs nothing else.

    >>> "<h1>R&amp;D</h1>" in render(Page("R&D", "", ()))
    True
    """
    scripts = [_text("page.js")]
    if any(isinstance(section, Chart) for section in page.sections):
        scripts.insert(0, _plotly())
    return _templates().get_template("page.html.j2").render(
        page=page,
        sections=[_shown(i, section) for i, section in enumerate(page.sections, 1)],
        style=Markup(_text("page.css")),  # noqa: S704  a file of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704  the same, and plotly's own
        policy=_policy(scripts),
    )  # fmt: skip


def write_page(page: Page, path: str | Path) -> Path:
    """Write a page as one file, whole or not at all, in place of an older one; return its path.

    Raises
    ------
    InputError
        The path is a folder, its folder is not there, or it cannot be written.
    """
    where = Path(path)
    if where.is_dir():
        raise InputError(f"{str(where)!r} is a folder", code="OUT_TAKEN", field="out", mend="name a file in it")
    if not where.parent.is_dir():
        raise InputError(f"there is no folder {str(where.parent)!r}", code="NO_FOLDER", field="out", mend="make it")
    text = render(page).encode()
    try:
        with whole(where.parent, where.name) as file:
            file.write(text)
    except OSError as error:
        words = f"{str(where)!r} cannot be written: {error.strerror}"
        raise InputError(words, code="CANNOT_WRITE", field="out", mend="choose another place") from None
    return where


@dataclass(frozen=True)
class _Shown:
    """A section as the template takes it; ``drawn`` is the figure as JSON that cannot leave its element."""

    anchor: str
    kind: str
    section: Section
    grid: Grid | None = None
    drawn: Markup | None = None
    searched: bool = False


def _shown(number: int, section: Section) -> _Shown:
    anchor, kind = f"section-{number}", type(section).__name__.lower()
    if not isinstance(section, (Listing, Chart)):
        return _Shown(anchor, kind, section)
    grid = lay(section.frame, section.formats)
    drawn = Markup(embed(section.figure)) if isinstance(section, Chart) else None  # noqa: S704  embed leaves no `<`
    return _Shown(anchor, kind, section, grid, drawn, searched=len(grid.rows) >= SEARCHED)


def _policy(scripts: list[str]) -> str:
    """Return the content security policy: no request at all, and no script but these."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    # Plotly styles its elements one by one, and hands a picture that a reader saves on as data.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


@cache
def _text(name: str) -> str:
    return files(__name__.rpartition(".")[0]).joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finished,
    )


def _finished(value: object) -> object:
    """Write out what a browser might obey in every text that the template puts in; our own markup is left."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
