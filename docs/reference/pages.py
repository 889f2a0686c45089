"""Every page of the reference by its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import books, errors, policies

FOLDER = Path(__file__).parent
PAGES: Mapping[str, Callable[[], str]] = {"book.md": books.page, "policy.md": policies.page, "errors.md": errors.page}


def write_all(folder: Path = FOLDER) -> None:
    """Write every page into a folder."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8", newline="\n")
