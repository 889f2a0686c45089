"""Run in the copy of the checkout: try mutants from stdin one after the other, one line of JSON on stdout each.

What the tests need from outside the house is imported once; each mutant is then tried in a fork, which costs its tests
and no start of Python. The first test that fails ends it, and hypothesis does not look for the smallest example.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

OUTSIDE = (
    "numpy", "pandas", "scipy.sparse", "scipy.stats", "scipy.optimize", "pyarrow.parquet", "piqp", "clarabel",
    "highspy", "cvxpy", "sqlalchemy", "cryptography.hazmat.primitives.asymmetric.ed25519", "pydantic", "click.testing",
    "hypothesis", "hypothesis.stateful", "hypothesis.extra.numpy", "exchange_calendars", "rich.console",
)  # fmt: skip
"""What is imported before the first fork; nothing of the house, which has to come from the mutant."""
PATIENCE = 30.0
"""Seconds that a mutant has beyond ten times what its tests took: after that it runs for ever."""


class Hasty:
    """A plugin of pytest: the profile of the house, without the search for the smallest example that fails."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Change the profile once the house's own is loaded, before a test file is read."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile("house"), phases=phases, database=None)
        settings.load_profile("mutants")


def attempt(tests: list[str], seconds: float) -> str:
    """Run the tests in a fork and say how it ended: survived, killed or timeout."""
    child = os.fork()
    if not child:
        os.setsid()  # so that what it starts ends with it
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        status = 3
        try:
            status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests], plugins=[Hasty()]))
        finally:
            os._exit(status)
    until = time.monotonic() + 10 * seconds + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def write(path: Path, source: str) -> None:
    """Replace a module, and what Python compiled of it."""
    path.write_text(source, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def main() -> None:
    """Try each mutant that stdin names, after the unbroken module itself: its tests must pass here too."""
    sys.dont_write_bytecode = True
    for name in OUTSIDE:
        importlib.import_module(name)
    for line in sys.stdin:
        mutant = json.loads(line)
        path = Path(mutant["module"])
        original = path.read_text(encoding="utf-8")
        began = time.monotonic()
        try:
            write(path, mutant["source"] or original)
            outcome = attempt(mutant["tests"], mutant["seconds"])
        finally:
            write(path, original)
        print(json.dumps({"outcome": outcome, "took": round(time.monotonic() - began, 2)}), flush=True)


if __name__ == "__main__":
    main()
