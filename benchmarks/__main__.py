"""Run the cases: ``python -m benchmarks [CASE ...] [--rounds N] [--smoke]`` from the repository's root.

``python -m benchmarks mutants`` and ``python -m benchmarks coverage`` measure the tests themselves (:mod:`.mutants`).
``python -m benchmarks peers`` measures other libraries at the same work, ``python -m benchmarks history`` shows what
became worse; each has ``--help`` of its own.
"""

from __future__ import annotations

import argparse
import platform
import sys

from . import (  # noqa: F401  (importing registers their cases)
    approvals,
    attributions,
    backtests,
    conflicts,
    crowds,
    histories,
    journal,
    ledgers,
    rebalances,
    replays,
    run_pages,
    scenarios,
    signals,
    solving,
    starts,
)
from .mutants.commands import cover, mutate
from .peers import command as peers
from .registry import CASES

COMMANDS = {"peers": peers.main, "history": journal.main, "mutants": mutate, "coverage": cover}
"""What is no case, with arguments of its own."""


def main() -> int:
    """Print every figure of the chosen cases, each with its promise, and keep what can be compared."""
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        return COMMANDS[sys.argv[1]](sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Figures, each with its promise; nothing here gates a test."
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; all by default")
    parser.add_argument("--rounds", type=int, default=20, help="how many accounts or repetitions a case (20)")
    parser.add_argument("--smoke", action="store_true", help="the small size and two rounds: does it run?")
    parser.add_argument("--no-record", action="store_true", help="leave results/history.jsonl as it is")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; known: {', '.join(CASES)}")
    print(f"Python {platform.python_version()}, {platform.machine()}; medians; a machine shared with others is noisy")
    for name in chosen.cases or list(CASES):
        entry = CASES[name]
        print(f"\n{name}: {entry.about}")
        found, before = [], journal.yardstick()
        for size in (entry.smoke,) if chosen.smoke else entry.sizes:
            for figure in entry.run(size, 2 if chosen.smoke else chosen.rounds):
                promise = f"  (promised {figure.promise})" if figure.promise else ""
                print(f"  {figure.size:>6} {figure.what:<50} {figure.value:>10.3g} {figure.unit}{promise}", flush=True)
                found.append(figure)
        if not (chosen.smoke or chosen.no_record):
            stick = (before + journal.yardstick()) / 2
            journal.keep(journal.entry(name, found, chosen.rounds, stick))
    return 0


if __name__ == "__main__":
    sys.exit(main())
