"""What each run of the benchmarks found, kept as ratios: ``python -m benchmarks history`` shows what became worse.

`results/history.jsonl` has a line for each case of each run. A figure that stands beside a companion measured in the
same run is kept as it is; seconds are divided by a yardstick, a fixed piece of work timed before and after the case, so
that a slower machine or a busier hour is no regression; memory is kept in MiB. Smoke runs are not kept.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .registry import Figure

__all__ = ["FILE", "compare", "entry", "keep", "machine", "main", "read", "yardstick"]

ROOT = Path(__file__).parents[1]
FILE = Path(__file__).parent / "results" / "history.jsonl"
WORSE = 1.3
"""Flagged from here on, against the run before on a processor of the same name."""
_SECONDS = {"s": 1.0, "ms": 1e-3}


def yardstick() -> float:
    """Return the seconds that a fixed piece of work takes here and now: the median of a few."""
    rng = np.random.default_rng(0)
    square, words = rng.normal(size=(120, 120)), [str(i) for i in range(20_000)]
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(10):
            np.linalg.solve(square, square)
        sorted(words, key=hash)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def machine() -> dict[str, str | int | float]:
    """Say where this runs."""
    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        names = [line.partition(":")[2].strip() for line in about.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return {
        "processor": name,
        "cores": os.cpu_count() or 1,
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else -1.0,
    }


def commit() -> str:
    """Return the commit that was measured, with ``+`` where files differ from it; empty outside of a checkout."""
    said = [
        subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
        for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    ]
    return said[0] + ("+" if said[1] else "")


def entry(case: str, figures: Iterable[Figure], rounds: int, stick: float) -> dict:
    """Return the line of one case: what of its figures can be compared with another run's."""
    ratios = []
    for figure in figures:
        unit = figure.unit.split(" ")[0]
        if unit == "x":
            value, beside = figure.value, "companion"
        elif unit in _SECONDS:
            value, beside = figure.value * _SECONDS[unit] / stick, "yardstick"
        elif unit == "MiB":
            value, beside = figure.value, "MiB"
        else:
            continue
        ratios.append(
            {"what": figure.what, "size": figure.size, "value": float(f"{value:.4g}"), "beside": beside}
            | {"better": figure.better}
        )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {"when": now, "commit": commit(), "case": case, "rounds": rounds, "machine": machine(), "ratios": ratios}


def keep(line: Mapping, file: Path = FILE) -> None:
    """Add a line at the end."""
    file.parent.mkdir(exist_ok=True)
    with file.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(line) + "\n")


def read(file: Path = FILE) -> list[dict]:
    """Return the lines, oldest first; none where nothing was kept yet."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def compare(lines: Sequence[Mapping]) -> list[dict]:
    """Return, for each ratio of each case's last run, what it was before and how many times worse it is now.

    ``before`` is the latest earlier value on a processor of the same name, None where there is none; ``worse`` is
    above 1 where it became worse, whichever way is better; ``flagged`` from :data:`WORSE` on.
    """
    last = {line["case"]: k for k, line in enumerate(lines)}
    found = []
    for case, k in last.items():
        earlier = [
            line
            for line in lines[:k]
            if line["case"] == case and line["machine"]["processor"] == lines[k]["machine"]["processor"]
        ]
        for one in lines[k]["ratios"]:
            same = [
                old["value"] for line in earlier for old in line["ratios"]
                if (old["what"], old["size"]) == (one["what"], one["size"])
            ]  # fmt: skip
            before, worse = (same[-1] if same else None), None
            if before and one["value"]:
                worse = one["value"] / before if one["better"] == "less" else before / one["value"]
            found.append({"case": case, **one, "before": before, "worse": worse, "flagged": (worse or 0.0) >= WORSE})
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every ratio beside the run before; return 1 where one is flagged."""
    parser = argparse.ArgumentParser(prog="benchmarks history", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all by default")
    parser.add_argument("--file", type=Path, default=FILE, help="another history")
    chosen = parser.parse_args(arguments)
    rows = [row for row in compare(read(chosen.file)) if not chosen.cases or row["case"] in chosen.cases]
    print(f"{'case':<22} {'size':>8} {'what':<58} {'now':>9} {'before':>9} {'worse':>6}")
    for row in rows:
        before = "first" if row["before"] is None else f"{row['before']:.3g}"
        worse = "" if row["worse"] is None else f"{row['worse']:.2f}"
        mark = "  <- WORSE" if row["flagged"] else ""
        what = f"{row['case']:<22} {row['size']:>8} {row['what'][:58]:<58}"
        print(f"{what} {row['value']:>9.3g} {before:>9} {worse:>6}{mark}")
    flagged = sum(row["flagged"] for row in rows)
    print(f"{len(rows)} ratios, {flagged} at least {WORSE} times worse than in the run before")
    return 1 if flagged else 0
