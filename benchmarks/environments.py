"""Environments beside our own for what the project does not stand on, each made from hashed requirements.

By uv where it is on PATH, else by venv and pip: the same steps as `run.py` makes ``.venv`` with. To resolve anew:
``uv pip compile --generate-hashes --universal --python-version 3.11 NAME.in -o NAME.txt`` where the requirements stand.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from trimtab.run import install_locked, is_stamped

__all__ = ["is_made", "make"]


def is_made(folder: Path, requirements: Path) -> bool:
    """Whether an environment stands in a folder that was made from these requirements by this Python."""
    return is_stamped(folder, "lock", _digest(requirements))


def make(folder: Path, requirements: Path) -> None:
    """Make an environment where it is missing or of other requirements; needs a package index."""
    if not is_made(folder, requirements):
        folder.parent.mkdir(parents=True, exist_ok=True)
        install_locked(folder, requirements, _digest(requirements))


def _digest(requirements: Path) -> str:
    return hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
