"""A schedule from the command line: a run in the middle of it, and why an account goes only so far."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from trimtab.demo import ON

PHASES = """
[phases]
steps = [[0, "50%"], [30, "25%"], [60, "25%"]]
"""


def test_a_run_holds_who_waits_and_tells_a_phase(trimtab, book, mandate, tmp_path):
    mandate.write_text(mandate.read_text() + PHASES)
    status, out, err = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "first")
    assert (status, err.count("Error")) == (0, 0)
    first = pd.read_parquet(tmp_path / "first" / "phases.parquet")
    assert set(first["status"]) == {"started"}
    status, out, _ = trimtab("why", tmp_path / "first", "001", "--policy", mandate)
    assert status == 0
    assert "phase 1 of 3 begins a schedule" in out
    assert "held back by phase" in out

    (tmp_path / "first" / "phases.parquet").rename(book / "phases.parquet")
    later = dt.date.fromisoformat(ON) + dt.timedelta(30)
    status, out, _ = trimtab("rebalance", book, "--policy", mandate, "--on", later, "--out", tmp_path / "second")
    assert status == 0
    second = pd.read_parquet(tmp_path / "second" / "phases.parquet")
    assert set(second["step"]) == {2.0}
    assert set(second["status"]) <= {"continued", "merged"}
    assert "check" not in out


def test_a_bad_steps_line_is_told_by_field(trimtab, book, mandate, tmp_path):
    mandate.write_text(mandate.read_text() + PHASES.replace('"50%"', '"40%"'))
    status, _, err = trimtab("rebalance", book, "--policy", mandate, "--on", ON, "--out", tmp_path / "out")
    assert status == 2
    assert "phases.steps" in err.replace("\n", " ")
    assert "sum to 90.00%" in " ".join(err.split())
