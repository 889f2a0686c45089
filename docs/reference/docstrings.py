"""What docstrings say, as Markdown: the first words, and the words on each parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

_SECTION = re.compile(r"\n\n?(?:Parameters|Returns|Raises|Attributes)\n-+\n")


def said(thing: object) -> str:
    """Return what a docstring says before its parameters and examples, in paragraphs."""
    text = inspect.getdoc(thing) or ""
    text = re.split(r"\n>>> ", _SECTION.split(text)[0])[0]
    return "\n\n".join(_paragraph(part) for part in text.strip().split("\n\n"))


def _paragraph(text: str) -> str:
    if text.startswith("    "):
        return f"```text\n{inspect.cleandoc(text)}\n```"
    return plain(text).replace("::", ":") if text.endswith("::") else plain(text)


def plain(text: str) -> str:
    """Return text of a docstring on one line, with Markdown's marks."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return " ".join(text.replace("``", "`").split())


def parameters(noun: type) -> dict[str, str]:
    """Return the words on each parameter of a noun in numpy's style, of the nouns it is built on too.

    Parameters that are told together share their words.
    """
    found: dict[str, str] = {}
    for base in reversed(noun.__mro__):
        found |= _own_parameters(inspect.cleandoc(base.__dict__.get("__doc__") or ""))
    return found


def _own_parameters(text: str) -> dict[str, str]:
    _, _, rest = text.partition("Parameters\n----------\n")
    body = re.split(r"\n\n(?:[A-Z][a-z]+\n-+\n|>>> )", rest)[0] if rest else ""
    found: dict[str, str] = {}
    names: list[str] = []
    words: list[str] = []
    for line in [*body.splitlines(), "end"]:
        if line and not line.startswith(" "):
            found |= {name: plain(" ".join(words)) for name in names}
            names, words = [name.strip() for name in line.split(",")], []
            if not all(name.isidentifier() for name in names):  # a closing remark
                break
        else:
            words.append(line)
    return found


def cell(text: str) -> str:
    """Return text that stays in its cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(value: object) -> str:
    """Return a default as a policy file writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, (list, tuple, Mapping)):
        return f"`{list(value)!r}`" if value else "empty"
    return f"`{value!r}`"
