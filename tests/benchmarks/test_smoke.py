"""Every case of the benchmarks runs, small; what it measures is never judged here."""

import subprocess
import sys
from pathlib import Path

from benchmarks.__main__ import CASES

ROOT = Path(__file__).parents[2]


def test_each_case_runs_small():
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--smoke"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    written = sum(path.read_text("utf-8").count("\n@case(") for path in (ROOT / "benchmarks").glob("*.py"))
    assert len(CASES) == written > 0
    for case in CASES:
        assert f"\n{case}: " in said.stdout


def test_an_unknown_case_is_named():
    said = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "no case 'nothing'" in said.stderr
