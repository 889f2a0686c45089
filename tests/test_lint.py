"""The code is as ruff asks, with the rules of pyproject.toml; nothing is fetched."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("asked", [("check", "--output-format=concise"), ("format", "--check")], ids=["lint", "format"])
def test_ruff_has_nothing_to_say(asked):
    said = subprocess.run(
        [sys.executable, "-m", "ruff", *asked, "--no-cache", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
