"""Accounts that kill whoever decides them: they are refused, and nobody else notices."""

import importlib
import os
import signal
from dataclasses import replace

import pandas as pd
import pytest

from trimtab.batches import run
from trimtab.constraints import Custom, read_policy
from trimtab.demo import ON

posix = pytest.mark.skipif(os.name == "nt", reason="needs signals")
HERE = ("003", "004", "005")

KILLER = """
import os
def bind(w, w0):
    return [w[0] <= 2]
def slack(w, w0):
    if abs(w0[{position}] - {weight}) < 1e-9:
        os.kill(os.getpid(), 9)
    return 1.0
def mild(w, w0):
    return 1.0
"""


@pytest.fixture
def killing(book, mandate, tmp_path, plain_run, rows, write, monkeypatch):
    """A mandate whose custom limit kills whoever decides account 005, and the same one that does not."""
    for table in ("accounts", "holdings", "restrictions"):
        old = rows(book, table)
        write(book, table, [old[0], *(row for row in old[1:] if row[0] in HERE)])
    own = plain_run.table("targets").query("account_id == '005'")["current"]
    position = int(own.argmax())
    folder = tmp_path / "limits"
    folder.mkdir()
    weight = float(own.iloc[position])
    name = f"killer_{tmp_path.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(KILLER.format(position=position, weight=repr(weight)))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    module, policy = importlib.import_module(name), read_policy(mandate)
    return tuple(
        replace(policy, limits=(*policy.limits, Custom(bind=module.bind, slack=audit, words="mine")))
        for audit in (module.slack, module.mild)
    )


def assert_only_005_is_gone(done, mild):
    assert done.table("quarantine")[["account_id", "code", "field"]].to_numpy().tolist() == [
        ["005", "WORKER_KILLED", "account_id"]
    ]
    assert done.counts["QUARANTINED"] == 1
    assert sum(done.counts.values()) == 3
    assert done.table("accounts")["account_id"].tolist() == list(HERE)
    for name in ("accounts", "targets", "trades"):
        others = [t.table(name).query("account_id != '005'").reset_index(drop=True) for t in (done, mild)]
        pd.testing.assert_frame_equal(*others, check_exact=True)


@posix
def test_an_account_that_kills_is_quarantined_and_nobody_else_notices(book, tmp_path, killing):
    deadly, harmless = killing
    mild = run(book, harmless, ON, tmp_path / "mild")
    done = run(book, deadly, ON, tmp_path / "out", workers=2, chunk=2)
    assert_only_005_is_gone(done, mild)


@posix
def test_an_account_that_kills_its_parent_is_quarantined_by_the_third(book, tmp_path, killing):
    deadly, harmless = killing
    out = tmp_path / "out"
    for _ in range(2):  # a parent that works alone dies with its account
        pid = os.fork()
        if not pid:
            run(book, deadly, ON, out)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    assert_only_005_is_gone(run(book, deadly, ON, out), run(book, harmless, ON, tmp_path / "mild"))
