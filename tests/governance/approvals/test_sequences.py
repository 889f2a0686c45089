"""Random lives of a run, two hundred on SQLite: it goes out exactly when a plain oracle says that it may."""

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.sequences import Bench, machine

LIVES = {"sqlite": 200, "postgresql": 30}
"""The two thousand on each are the benchmark's (``python -m benchmarks approvals``)."""


def test_no_release_without_valid_approvals(ledger, tmp_path):
    if ledger.is_file:  # what is asked here is who may do what, not whether a disk keeps it
        sa.event.listen(ledger.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    idle = ledger.engine.connect()  # else each act is the last to close the file, and tidies up
    idle.exec_driver_sql("SELECT 1")
    bench, lives = Bench(ledger, tmp_path / "run"), LIVES[ledger.engine.dialect.name]
    how = settings(
        max_examples=lives, stateful_step_count=6, phases=[Phase.generate], derandomize=True, deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(machine(bench), settings=how)
    idle.close()
    assert bench.lives >= lives
    # The oracle agreed because something happened.
    assert bench.released > lives / 20
    assert bench.refused > lives / 10
    assert bench.own > lives / 20
