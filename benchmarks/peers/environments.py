"""An environment for each peer, made from hashed requirements that stand beside this file, in ``.dev/peers/NAME``.

By uv where it is on PATH, else by venv and pip: the same steps as `run.py` makes ``.venv`` with. To resolve anew:
``uv pip compile --generate-hashes --universal --python-version 3.11 NAME.in -o NAME.txt`` in this folder.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from trimtab.run import install, is_stamped, make_venv, venv_program, write_stamp

__all__ = ["OURS", "PEERS", "lack", "make", "python_of"]

OURS = "trimtab"
PEERS = {
    "cvxpy": "cvxpy",
    "pypfopt": "PyPortfolioOpt",
    "skfolio": "skfolio",
    "riskfolio": "Riskfolio-Lib",
    "cvxportfolio": "cvxportfolio",
}
"""What a peer calls itself, by the name of its files here."""
_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]


def python_of(name: str) -> Path:
    """Return the Python that has a peer, or ours."""
    return Path(sys.executable) if name == OURS else venv_program(_folder(name), "python")


def lack(name: str) -> str:
    """Say why a peer cannot be asked, or nothing."""
    if name == OURS or is_stamped(_folder(name), "peer", _digest(name)):
        return ""
    what = "another environment than" if python_of(name).exists() else "no environment"
    return f"{PEERS[name]}: {what} of these requirements; `python -m benchmarks peers` makes it"


def make(name: str) -> None:
    """Make the environment of a peer where it is missing or of other requirements; needs a package index."""
    if not lack(name):
        return
    folder = _folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    make_venv(folder)
    install(folder, "--require-hashes", "-r", str(_requirements(name)))
    write_stamp(folder, "peer", _digest(name))


def _folder(name: str) -> Path:
    return _ROOT / ".dev" / "peers" / name


def _requirements(name: str) -> Path:
    return _HERE / f"{name}.txt"


def _digest(name: str) -> str:
    """Identify what an environment is made from: requirements and Python."""
    return hashlib.sha256(sys.version.encode() + _requirements(name).read_bytes()).hexdigest()
