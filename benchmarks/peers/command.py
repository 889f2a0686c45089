"""``python -m benchmarks peers``: make what is missing, ask everybody, print; a whole run is written down.

All of it goes to `results/peers.json`, `results/history.jsonl` and `docs/benchmarks.md`. With ``--assets 30 --step
costs`` one column of the page is measured and printed, with ``--features`` the proofs of what each can state are run,
with ``--page`` the page is written again from the results.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..journal import commit, entry, keep, machine, yardstick
from ..registry import Figure
from .duels import ALONE, CHUNK, Finding, duel
from .environments import OURS, PEERS, lack, make
from .features import ROWS, examine
from .pages import PAGE, RESULTS, page
from .talks import Talk
from .tasks import STEPS, make_task

__all__ = ["main"]

SIZES = (12, 30)
ACCOUNTS, ROUNDS = 10_000, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    chosen = _parse(arguments)
    if chosen.page:
        PAGE.write_text(page(json.loads(RESULTS.read_text("utf-8"))), "utf-8")
        return 0
    names = [name for name in PEERS if name in (chosen.only or PEERS)]
    for name in names:
        if lack(name) and not chosen.no_make:
            print(f"making the environment of {PEERS[name]} (once)", file=sys.stderr, flush=True)
            make(name)
    for name in [name for name in names if lack(name)]:
        print(f"left out: {lack(name)}", file=sys.stderr)
        names.remove(name)
    findings: list[Finding] = []
    stick, measured = yardstick(), commit()
    for assets in () if chosen.features else chosen.assets or SIZES:
        steps = chosen.step or STEPS
        for found in duel(assets, names, steps=steps, rounds=chosen.rounds, accounts=chosen.accounts):
            print(_words(found), flush=True)
            findings.append(found)
    whole = set(names) == set(PEERS) and not (chosen.assets or chosen.step or chosen.features)
    if chosen.features or whole:
        cells = examine(names)
        _print_cells(cells)
    if whole:
        _write(findings, cells, measured, chosen.rounds, chosen.accounts)
        keep(entry("peers", _figures(findings), chosen.rounds, stick))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks peers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--assets", type=int, action="append", help=f"of the universe, cash included ({SIZES})")
    parser.add_argument("--step", choices=STEPS, action="append", help="of the mandate; all by default")
    parser.add_argument("--only", choices=tuple(PEERS), action="append", help="a peer; all by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of everybody in turn ({ROUNDS})")
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"of trimtab's book ({ACCOUNTS:,})")
    parser.add_argument("--features", action="store_true", help="only run the proofs of what each can state")
    parser.add_argument("--page", action="store_true", help="only write the page again from the results")
    parser.add_argument("--no-make", action="store_true", help="leave out peers without an environment")
    return parser.parse_args(arguments)


def _words(found: Finding) -> str:
    """Say one finding on a line."""
    return (
        f"  {found.assets:>4} {found.step:<9} {found.work:<5} {found.library:<32} {1e3 * found.seconds:>9.3g} ms "
        f"{found.ratio:>8.3g} x  {1e4 * found.apart:.2g} bp apart"
    )


def _print_cells(cells: dict[str, dict[str, dict]]) -> None:
    """Print the state of each cell, and why a proof failed."""
    for row, words in ROWS.items():
        print(f"  {words:<80} " + "  ".join(f"{name}: {cells[name][row]['state']}" for name in cells))
        for name in cells:
            if cells[name][row]["state"] == "failed":
                print(f"    {name}: {cells[name][row]['note']}", file=sys.stderr)


def _figures(findings: Sequence[Finding]) -> list[Figure]:
    """Return each ratio to trimtab as a figure of the journal: the larger, the better."""
    told = [found for found in findings if found.library not in (OURS, ALONE)]
    return [
        Figure(f"{f.step}, {f.work}: {f.library} / {OURS}", f"n={f.assets}", f.ratio, "x", better="more") for f in told
    ]


def _write(
    findings: Sequence[Finding], cells: dict[str, dict[str, dict]], measured: str, rounds: int, accounts: int
) -> None:
    """Write the results and the page."""
    told = {
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": measured,
        "machine": machine(),
        "rounds": rounds,
        "accounts": accounts,
        "chunk": CHUNK,
        "versions": _versions(),
        "findings": [{k: _short(v) for k, v in dataclasses.asdict(found).items()} for found in findings],
        "features": cells,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(page(told), "utf-8")


def _versions() -> dict[str, dict[str, str]]:
    """Ask each library for its release and those of what it stands on."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task"
        make_task(task, 12, 2)
        versions = {}
        for name in (OURS, *PEERS):
            with Talk(name, task) as talk:
                versions[name] = talk.ask("versions")
    return versions


def _short(value: object) -> object:
    """Keep four digits of a number."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
