"""Write the reference of measures and transforms from the registries and their docstrings.

    python docs/signals/write_reference.py

A test compares what this would write with `reference.md`, so that the page is always that of the code.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from trimtab.signals.kinds import Measure, Transform, complete
from trimtab.signals.measures import KINDS
from trimtab.signals.transforms import TRANSFORMS

PAGE = Path(__file__).with_name("reference.md")
_HEAD = """\
# Measures and transforms

What a signal's `kind` and its `transforms` may be. This page is written from the code by
`docs/signals/write_reference.py`; what stands here is what runs.

Every measure takes rows, oldest first, and answers with as many: a row uses itself and rows before it, and says nothing
until there are enough. Parameters that count (`window`, `lookback`, `short` ...) count **rows of the series**: 12 of a
monthly series are a year, of a daily one two weeks and a half. "Remembers" is how many rows the last answer depends on
with the parameters as they stand here; no more are read to bring a signal up to date.
"""


def _words(function: Callable) -> tuple[str, str]:
    """Return what a docstring says and where it comes from, as Markdown, without its examples."""
    text = inspect.getdoc(function) or ""
    text = re.split(r"\n\s*(?:>>>|Parameters\n|Returns\n|Raises\n)", text)[0]
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    text = " ".join(text.split())
    said, _, source = text.partition(" Source: ")
    said = said.removeprefix("Return ")
    return said[:1].upper() + said[1:], source


def _given(parameters: Mapping) -> str:
    """Return parameters as a policy writes them."""
    return ", ".join(f"`{name} = {json.dumps(value)}`" for name, value in parameters.items()) or "none"


def _memory(one: Measure | Transform, parameters: Mapping) -> str:
    rows = one.memory(parameters)
    return "all rows" if rows is None else f"{rows} row{'s' if rows > 1 else ''}"


def _measure(kind: str, measure: Measure) -> list[str]:
    said, source = _words(measure.function)
    parameters = complete(measure.function, {}, kind)
    takes = measure.takes + ("; answers one each" if measure.crosswise else "")
    return [
        f"### {kind}",
        "",
        said,
        "",
        f"- takes: {takes}; gives: {measure.gives}",
        f"- parameters: {_given(parameters)}; remembers {_memory(measure, parameters)}",
        *([f"- source: {source}"] if source else []),
        "",
    ]


def _transform(kind: str, transform: Transform) -> list[str]:
    said, source = _words(transform.function)
    parameters = complete(transform.function, {}, kind)
    across = "; across the series" if transform.crosswise else ""
    return [
        f"### {kind}",
        "",
        said,
        "",
        f"- parameters: {_given(parameters)}; remembers {_memory(transform, parameters)}{across}",
        *([f"- source: {source}"] if source else []),
        "",
    ]


def page() -> str:
    """Return the page."""
    lines = [_HEAD]
    rooms: dict[str, list[str]] = {}
    for kind, measure in KINDS.items():
        rooms.setdefault(measure.function.__module__, []).append(kind)
    for room, kinds in rooms.items():
        title = (inspect.getdoc(inspect.getmodule(KINDS[kinds[0]].function)) or "").splitlines()[0].rstrip(".")
        families = ", ".join(dict.fromkeys(KINDS[kind].family for kind in kinds))
        lines += [f"## {title}", "", f"Module `trimtab.{room.partition('.')[2]}`, family {families}.", ""]
        for kind in kinds:
            lines += _measure(kind, KINDS[kind])
    lines += ["## Transforms", "", "Applied in the order in which a signal names them, each to what the last gave.", ""]
    for kind, transform in TRANSFORMS.items():
        lines += _transform(kind, transform)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
