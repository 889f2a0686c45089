"""A copy of the checkout to break, and the environment of the tool that breaks it; both below ``.dev/mutants``."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

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
    return {
        **os.environ,
        "PYTHONPATH": str(house.parent),
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def tool() -> Path:
    """Return the Python that has cosmic-ray; the first time makes its environment, by uv or else by pip."""
    setup = _run_py()
    venv, lock = FOLDER / "venv", HERE / "requirements.txt"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if not setup.is_stamped(venv, "lock", digest):
        FOLDER.mkdir(parents=True, exist_ok=True)
        setup.make_venv(venv)
        setup.install(venv, "--require-hashes", "-r", str(lock))
        setup.write_stamp(venv, "lock", digest)
    return setup.venv_program(venv, "python")


def _run_py() -> ModuleType:
    """Return run.py, which knows how environments are made; it stands at the root and is no package."""
    spec = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(house: Path, script: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our scripts in the copy."""
    return [sys.executable, "-P", str(house / "benchmarks" / "mutants" / script), *arguments]


def say_failed(step: str, done: subprocess.CompletedProcess) -> None:
    """End with what a step said, where it failed."""
    if done.returncode:
        said = (done.stdout or "")[-4000:] + (done.stderr or "")[-4000:]
        raise SystemExit(f"{step} failed with status {done.returncode}:\n{said}")
