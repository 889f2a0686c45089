"""An environment for each peer, made from hashed requirements that stand beside this file, in ``.dev/peers/NAME``."""

from __future__ import annotations

import sys
from pathlib import Path

from trimtab.run import venv_program

from .. import environments

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
    if name == OURS or environments.is_made(_folder(name), _requirements(name)):
        return ""
    what = "another environment than" if python_of(name).exists() else "no environment"
    return f"{PEERS[name]}: {what} of these requirements; `python -m benchmarks peers` makes it"


def make(name: str) -> None:
    """Make the environment of a peer where it is missing or of other requirements; needs a package index."""
    environments.make(_folder(name), _requirements(name))


def _folder(name: str) -> Path:
    return _ROOT / ".dev" / "peers" / name


def _requirements(name: str) -> Path:
    return _HERE / f"{name}.txt"
