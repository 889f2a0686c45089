"""How long a start takes: importing, and the help page, each as a whole process beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator

from .registry import Figure, case, timed


def _seconds(arguments: list[str]) -> object:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


@case("start", "importing trimtab and printing the help page, a bare interpreter taken off", (1,), 1)
def starting(_: int, rounds: int) -> Iterator[Figure]:
    """Time whole processes in turn."""
    commands = [["-c", "pass"], ["-c", "import trimtab"], ["-m", "trimtab.cli", "--help"]]
    bare, imported, helped = timed([lambda _, c=c: _seconds(c) for c in commands], max(3, rounds))
    yield Figure(
        "import trimtab, a bare interpreter taken off",
        "",
        1e3 * (statistics.median(imported) - statistics.median(bare)),
        "ms",
        "below 50",
    )
    yield Figure("trimtab --help, whole process", "", statistics.median(helped), "s", "below 1")
    yield Figure("bare interpreter", "", 1e3 * statistics.median(bare), "ms")
