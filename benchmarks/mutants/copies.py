"""A copy of the checkout to break, and the environment of the tool that breaks it; both below ``.dev/mutants``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trimtab.run import pinned, venv_program

from ..environments import make

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".dev" / "mutants"
HERE = Path(__file__).parent
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".dev", "__pycache__", ".hypothesis", ".ruff_cache", "docs")


def copy_house(name: str) -> Path:
    """Copy the checkout as it stands, under the package's own name, and return the folder; one copy for each name."""
    house = FOLDER / "copies" / name / "trimtab"
    if house.exists():
        shutil.rmtree(house)
    shutil.copytree(ROOT, house, ignore=_LEFT_OUT)
    return house


def environment(house: Path) -> dict[str, str]:
    """Return what a Python needs to see the copy instead of the checkout, one thread each."""
    return {**os.environ, **pinned(), "PYTHONPATH": str(house.parent)}


def tool() -> Path:
    """Return the Python that has cosmic-ray; the first time makes its environment."""
    venv = FOLDER / "venv"
    make(venv, HERE / "requirements.txt")
    return venv_program(venv, "python")


def python(house: Path, script: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our scripts in the copy."""
    return [sys.executable, "-P", str(house / "benchmarks" / "mutants" / script), *arguments]


def say_failed(step: str, done: subprocess.CompletedProcess) -> None:
    """End with what a step said, where it failed."""
    if done.returncode:
        said = (done.stdout or "")[-4000:] + (done.stderr or "")[-4000:]
        raise SystemExit(f"{step} failed with status {done.returncode}:\n{said}")
