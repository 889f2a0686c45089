"""What went into a run, as one number; and the folder that number opens."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib import metadata
from pathlib import Path

import numpy as np

from ..constraints.policies import Policy
from ..errors import RunError
from ..models.tilts import Tilt
from .books import Book
from .stores import WORK, digest_beside, digest_tables, read_seal

DISTRIBUTIONS = (
    "trimtab",
    "cvxpy",
    "clarabel",
    "piqp",
    "highspy",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "exchange_calendars",
    "statsmodels",
)
"""Whose release may change the numbers."""
FLOORS = ("models", "signals", "constraints", "optimizer", "batches")
"""The folders whose code may."""


def versions() -> dict[str, str]:
    """Return the versions of Python and of every distribution that may change the numbers."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def code() -> str:
    """Return the SHA-256 of the modules that decide: two builds of one version (a checkout, a patch) are two inputs."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in (
        root / "errors.py",
        root / "units.py",
        *(p for floor in FLOORS for p in sorted((root / floor).glob("*.py"))),
    ):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def inputs(book: Book, policy: Policy, on: dt.date, overlay: Tilt) -> dict[str, object]:
    """Return everything that decides the answers: bytes of the book, policy, day, overlay, releases."""
    return {
        "book": {name: list(digests) for name, digests in book.digests.items()},
        "policy": policy.hash,
        "on": on.isoformat(),
        "overlay": _digest([[f.name, _plain(getattr(overlay, f.name))] for f in fields(overlay)]),
        "versions": versions(),
        "code": code(),
    }


def run_id(given: Mapping[str, object]) -> str:
    """Name a run by what went in, 64 hex digits."""
    return _digest(given)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: object) -> object:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


def build() -> str:
    """Name what is installed here: its releases and our own code."""
    return _digest([versions(), code()])


def claim(out: Path, name: str) -> dict[str, object] | None:
    """Take a folder for a run, or return the seal of the run that is already finished there.

    Raises
    ------
    RunError
        The folder holds another run or other files, or cannot be written; or a finished run's table has changed.
    """
    try:
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise RunError(f"{out} is a link, or no folder; choose another name")
        marker = out / f".run-{name}"
        # Whoever finishes this run beside us takes the mark away after the seal stands: so look for the seal last.
        marked, used = marker.exists(), out.exists() and any(out.iterdir())
        if (seal := finished(out, name)) is not None:
            _check_whole(out, seal)
            release(out, name)
            return seal
        if used and not marked:
            raise RunError(f"{out} holds {_other(out) or 'files that are no run'}; choose another folder")
        out.mkdir(parents=True, exist_ok=True)
        marker.touch()
        if other := _other(out, name):  # begun at the same moment
            marker.unlink()
            raise RunError(f"{out} holds {other}; choose another folder")
    except OSError as error:
        raise RunError(f"{out} cannot be written: {error.strerror or error}; choose another folder") from None
    return None


def finished(out: Path, name: str) -> dict[str, object] | None:
    """Return the seal of this run, or None where it is not finished; raise ``RunError`` where it is another's."""
    seal = read_seal(out) if out.exists() else None
    if seal is not None and seal.get("run_id") != name:
        raise RunError(
            f"{out} holds another run ({str(seal.get('run_id'))[:12]}, of {seal.get('on')}); choose another folder"
        )
    return seal


def _other(out: Path, name: str = "") -> str:
    """Say which other run is unfinished here, if any."""
    other = next((p.name[5:17] for p in sorted(out.glob(".run-*")) if p.name != f".run-{name}"), "")
    return f"an unfinished run of other inputs ({other})" if other else ""


def release(out: Path, name: str) -> None:
    """Take away what only an unfinished run needs: its mark, its manifest, the input of its chunks."""
    (out / f".run-{name}").unlink(missing_ok=True)
    # Another parent may be reading there still; what it keeps us from removing is hidden, and goes the next time.
    shutil.rmtree(out / WORK, ignore_errors=True)


def abandon(out: Path, name: str) -> None:
    """Leave a folder as it was found: the book turned out to be unfit before anything was decided."""
    release(out, name)
    if not any(out.iterdir()):
        out.rmdir()


def _check_whole(out: Path, seal: Mapping[str, object]) -> None:
    try:
        whole = digest_tables(out) == seal.get("tables") and digest_beside(out) == seal.get("beside")
    except (OSError, ValueError):
        whole = False
    if not whole:
        raise RunError(f"a table of the finished run in {out} is missing or was changed; choose another folder")
