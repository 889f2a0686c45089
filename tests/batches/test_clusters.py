"""A real Dask cluster on loopback: a worker is killed on the way, then the scheduler, and local workers finish."""

import importlib.util
import os
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

from trimtab.batches import clusters, jobs, run
from trimtab.demo import ON
from trimtab.errors import RunError

has_distributed = importlib.util.find_spec("distributed") is not None
needs_distributed = pytest.mark.skipif(not has_distributed, reason="distributed (the extra `cluster`) is not installed")

# What every worker of the test loads first: a chunk that lasts long enough to be killed in.
SLOW = """
import time
from trimtab.batches import chunks, jobs
def slow(*arguments):
    time.sleep(0.4)
    return chunks.decide_chunk(*arguments)
jobs.decide_chunk = slow
"""


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Start a program of Dask, quietly; whatever is left of them is ended."""
    begun = []
    monkeypatch.chdir(tmp_path)

    def start(*words):
        command = [sys.executable, "-P", "-m", "dask", *map(str, words)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        begun.append(
            subprocess.Popen(
                command, cwd=tmp_path, env=os.environ | {"DASK_TEMPORARY_DIRECTORY": str(tmp_path)}, **quiet
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


@pytest.fixture
def cluster(begin, tmp_path):
    """A scheduler on loopback, its address, and two workers."""
    import json

    import distributed

    told = tmp_path / "scheduler.json"
    scheduler = begin("scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", told)
    end = time.monotonic() + 30
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < end, "the scheduler did not start"
        time.sleep(0.05)
    address = json.loads(told.read_text())["address"]
    (tmp_path / "slow.py").write_text(SLOW)
    own = ("--nthreads", 1, "--no-nanny", "--no-dashboard", "--preload", tmp_path / "slow.py")
    workers = [begin("worker", address, *own) for _ in range(2)]
    with distributed.Client(address, timeout=60, set_as_default=False) as client:  # a busy machine starts them slowly
        client.wait_for_workers(2, timeout=60)
    return scheduler, address, workers


def assert_same_rows(one, other):
    for name in ("accounts", "targets", "trades", "quarantine"):
        pd.testing.assert_frame_equal(one.table(name), other.table(name), check_exact=True)


@needs_distributed
def test_a_run_outlives_a_worker_and_its_scheduler(book, mandate, tmp_path, plain_run, cluster, monkeypatch):
    scheduler, address, (first, second) = cluster
    out, seen = tmp_path / "out", []

    def kill(tick):
        seen.append(tick.done)
        if tick.done >= 2 and first.poll() is None:
            first.kill()
        if tick.done >= 4 and scheduler.poll() is None:
            scheduler.kill()

    monkeypatch.setattr(clusters, "PATIENCE", 15.0)
    with pytest.raises(RunError, match="is gone; the same command resumes the run"):
        run(book, mandate, ON, out, cluster=address, chunk=1, progress=kill)
    assert 4 <= seen[-1] < 8
    assert first.poll() is not None
    kept = len(list(out.glob("accounts.parquet/part-*")))
    done = run(book, mandate, ON, out, workers=2)
    assert done.fresh
    assert kept >= 4
    assert_same_rows(done, plain_run)
    workers = set(done.table("timings")["worker"])
    assert workers & {str(first.pid), str(second.pid)}
    assert workers - {str(first.pid), str(second.pid)}
    assert threading.active_count() < 20


@needs_distributed
def test_a_cluster_without_workers_is_told(book, mandate, tmp_path, begin, monkeypatch):
    monkeypatch.setattr(clusters, "PATIENCE", 1.0)
    with pytest.raises(RunError, match="no scheduler answers at tcp"):
        run(book, mandate, ON, tmp_path / "out", cluster="tcp://127.0.0.1:9")
    with pytest.raises(RunError, match="no scheduler's address"):
        run(book, mandate, ON, tmp_path / "out", cluster="nowhere")


def test_without_the_extra_its_name_is_told(book, mandate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RunError, match=r"trimtab\[cluster\]"):
        run(book, mandate, ON, tmp_path / "out", cluster="tcp://127.0.0.1:9")


def test_a_worker_of_another_build_refuses(tmp_path):
    with pytest.raises(RunError, match="other releases, or another trimtab"):
        clusters.work_as_built(jobs.Job("run", tmp_path, tmp_path, 0, 1), "another build")
