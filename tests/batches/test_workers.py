"""Workers and parents that die, and twins: the rows are those of a run that nobody disturbed."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from trimtab.batches import jobs, manifests, processes, run, runs, workers
from trimtab.constraints import Custom, read_policy
from trimtab.demo import ON
from trimtab.errors import PolicyError, RunError

DECISIONS = ("accounts", "targets", "trades", "quarantine")
posix = pytest.mark.skipif(os.name == "nt", reason="needs signals")

# What a parent of its own does; the delay makes a chunk last long enough to be killed in.
PARENT = """
import sys, time
from trimtab.batches import jobs, run
real = jobs.decide_chunk
def slow(*arguments):
    time.sleep({delay})
    return real(*arguments)
jobs.decide_chunk = slow
book, policy, out, workers, chunk = sys.argv[1:]
print(run(book, policy, {on!r}, out, workers=int(workers), chunk=int(chunk)).fresh)
"""


def assert_same_rows(one, other):
    for name in DECISIONS:
        pd.testing.assert_frame_equal(one.table(name), other.table(name), check_exact=True)


@pytest.fixture
def parent(book, mandate, tmp_path):
    """Start a parent in a process of its own; whatever is left of them is ended."""
    begun = []

    def start(workers=1, chunk=1, delay=0.3):
        words = [str(book), str(mandate), str(tmp_path / "out"), str(workers), str(chunk)]
        code = PARENT.format(delay=delay, on=ON)
        begun.append(subprocess.Popen([sys.executable, "-P", "-c", code, *words], stdout=subprocess.PIPE, text=True))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def wait_for_parts(out, count, most=30.0):
    end = time.monotonic() + most
    while len(list(out.glob("accounts.parquet/part-*"))) < count:
        assert time.monotonic() < end, "no chunk was done in time"
        time.sleep(0.01)


def children(pid):
    """The numbers of the processes that another one began."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def test_workers_give_the_same_rows(book, mandate, tmp_path, plain_run):
    done = run(book, mandate, ON, tmp_path / "out", workers=2, chunk=3)
    assert_same_rows(done, plain_run)
    timings = done.table("timings")
    assert str(os.getpid()) not in set(timings["worker"])
    assert not list(done.path.glob(".*"))


@posix
def test_a_worker_that_is_killed_is_replaced(book, mandate, tmp_path, plain_run):
    killed = []

    def kill(tick):
        if tick.done and not killed:
            killed.extend(p.pid for p in processes.active_children()[:1])
            os.kill(killed[0], signal.SIGKILL)

    done = run(book, mandate, ON, tmp_path / "out", workers=2, chunk=1, progress=kill)
    assert killed
    assert_same_rows(done, plain_run)


@posix
def test_a_parent_that_is_killed_is_followed_by_one_that_goes_on(book, mandate, tmp_path, plain_run, parent):
    out = tmp_path / "out"
    first = parent()
    wait_for_parts(out, 3)
    first.kill()
    first.wait()
    kept = {p: p.stat().st_mtime_ns for p in out.glob("accounts.parquet/part-*")}
    done = run(book, mandate, ON, out, workers=1)
    assert done.fresh
    assert_same_rows(done, plain_run)
    again = [p for p in kept if p.stat().st_mtime_ns != kept[p]]
    assert len(again) <= 1  # the kill may have come between a chunk's name and its mark
    assert not list(out.rglob(".*"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are looked up in /proc")
def test_workers_leave_with_their_parent(tmp_path, parent):
    first = parent(workers=2, delay=5)
    end = time.monotonic() + 120
    while len(begun := children(first.pid)) < 3:  # two workers, and what multiprocessing keeps beside them
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(1)
    first.kill()
    first.wait()
    while any(Path(f"/proc/{pid}/stat").exists() for pid in begun):
        assert time.monotonic() < end, "a worker outlived its parent"
        time.sleep(0.05)


def test_two_parents_share_a_run(book, mandate, tmp_path, plain_run, parent):
    twins = [parent(delay=0.15), parent(delay=0.15)]
    said = [twin.communicate(timeout=60)[0].strip() for twin in twins]
    assert [twin.returncode for twin in twins] == [0, 0]
    assert said == ["True", "True"]
    done = run(book, mandate, ON, tmp_path / "out")
    assert not done.fresh
    assert_same_rows(done, plain_run)
    assert len(set(done.table("timings")["worker"])) == 2
    assert not list(done.path.rglob(".*"))


def test_a_zombie_changes_nothing(book, mandate, tmp_path, plain_run, monkeypatch):
    """A parent stalls in its first chunk for longer than its lease; another takes over and seals; then it wakes up."""
    out, real, woken = tmp_path / "out", workers.decide_job, []
    monkeypatch.setattr(manifests, "renew", lambda _: None)
    monkeypatch.setattr(manifests, "LEASE", 0.2)
    asleep, wake = threading.Event(), threading.Event()

    def stall(desk, job, *more):
        report = real(desk, job, *more)
        if threading.current_thread().name == "zombie":
            asleep.set()
            assert wake.wait(30)
        return report

    monkeypatch.setattr(workers, "decide_job", stall)
    zombie = threading.Thread(
        target=lambda: woken.append(run(book, mandate, ON, out, chunk=8, workers=1)), name="zombie"
    )
    zombie.start()
    assert asleep.wait(30)
    time.sleep(0.3)
    done = run(book, mandate, ON, out, chunk=8, workers=1)
    work = out / ".work"  # the last to leave removes it, and who that is depends on the machine's load
    sealed = {p: p.read_bytes() for p in out.rglob("*") if p.is_file() and work not in p.parents}
    assert sealed
    wake.set()
    zombie.join(30)
    assert woken[0].run_id == done.run_id
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file() and work not in p.parents} == sealed
    assert_same_rows(done, plain_run)


def test_a_limit_that_cannot_travel_names_the_mend(book, mandate, tmp_path):
    policy = read_policy(mandate)
    local = Custom(bind=lambda w, w0: [w[0] <= 2], slack=lambda w, w0: 1.0)
    policy = replace(policy, limits=(*policy.limits, local))
    with pytest.raises(PolicyError, match=r"a module that can be imported, or ask for workers=1"):
        run(book, policy, ON, tmp_path / "out", workers=2, chunk=4)
    assert sum(run(book, policy, ON, tmp_path / "out", workers=1).counts.values()) == 8


SCRIPT = """
from trimtab.batches import run
print("begun")
print(run({book!r}, {policy!r}, {on!r}, {out!r}, workers=2, chunk=4).counts["OPTIMAL"])
"""


def test_a_script_without_a_guard_does_not_begin_anew_in_its_workers(book, mandate, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(book=str(book), policy=str(mandate), on=ON, out=str(tmp_path / "out")))
    said = subprocess.run([sys.executable, "-P", script], capture_output=True, text=True, check=False, timeout=60)
    assert (said.stdout.split(), said.stderr) == (["begun", "8"], "")


def test_workers_that_cannot_start_are_told_and_nobody_is_blamed(book, mandate, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_begin", os.abort)
    with pytest.raises(RunError, match="die as they start"):
        run(book, mandate, ON, tmp_path / "out", workers=2, chunk=4)
    monkeypatch.undo()
    assert run(book, mandate, ON, tmp_path / "out").counts["QUARANTINED"] == 0


def test_a_full_disk_in_a_worker_is_told(book, mandate, tmp_path, plain_run):
    (tmp_path / "out").mkdir()
    seen = []

    def block(tick):
        if not seen:
            seen.append(tick)
            (tmp_path / "out" / "targets.parquet").write_text("a file where a folder should be")

    with pytest.raises(RunError, match="the same command resumes"):
        run(book, mandate, ON, tmp_path / "out", workers=2, chunk=4, progress=block)
    (tmp_path / "out" / "targets.parquet").unlink()
    assert_same_rows(run(book, mandate, ON, tmp_path / "out"), plain_run)


def test_processors_are_counted_and_small_books_need_no_pool(book, mandate, tmp_path, monkeypatch):
    assert runs.usable_processors() >= 1

    def nobody(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(processes, "Single", nobody)
    assert run(book, mandate, ON, tmp_path / "out").fresh


def test_a_child_is_pinned_to_one_thread_and_the_parent_is_not(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    single = processes.Single("run", b"")
    try:
        assert single.submit(os.getenv, "OMP_NUM_THREADS").result(timeout=20) == "1"
        assert "OMP_NUM_THREADS" not in os.environ
    finally:
        single.close()


def test_a_worker_keeps_the_desks_of_a_few_runs(monkeypatch):
    monkeypatch.setattr(jobs, "_DESKS", {})
    for i in range(jobs.DESKS + 2):
        jobs.install(f"run {i}", b"")
    assert len(jobs._DESKS) == jobs.DESKS
    assert f"run {jobs.DESKS + 1}" in jobs._DESKS
