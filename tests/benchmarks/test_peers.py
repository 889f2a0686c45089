"""The peers are given the same work, the page says what the results say, and what a library is said to do it does."""

import ast
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import environments
from benchmarks.peers.duels import ALONE, duel
from benchmarks.peers.environments import OURS, PEERS, lack
from benchmarks.peers.features import ROWS
from benchmarks.peers.pages import PAGE, RESULTS, page
from benchmarks.peers.talks import Talk, TalkError
from benchmarks.peers.tasks import STEPS, make_task

FOLDER = Path(environments.__file__).parent
APART = 1e-4
"""A basis point of a weight: what tolerances of 1e-9 on annual utility leave of one."""


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers") / "task"
    return folder, make_task(folder, 12, 6)


@pytest.fixture(scope="module")
def ours(task):
    with Talk(OURS, task[0]) as talk:
        yield talk


def weights_of(talk, do, step, accounts=(0, 1, 2)):
    return np.array(talk.ask(do, step=step, accounts=list(accounts))["weights"])


def test_the_page_says_what_the_results_say():
    assert PAGE.read_text("utf-8") == page(json.loads(RESULTS.read_text("utf-8")))


def test_the_results_hold_every_step_of_every_library_and_no_cell_failed():
    told = json.loads(RESULTS.read_text("utf-8"))
    assert set(told["features"]) == {OURS, *PEERS}
    for name, cells in told["features"].items():
        assert set(cells) == set(ROWS)
        assert {cell["state"] for cell in cells.values()} <= {"yes", "by hand", "partly", "no"}, name
        assert all(cell["proved"] for cell in cells.values() if cell["state"] in {"yes", "by hand"}), name
    found = {(f["library"], f["step"]) for f in told["findings"]}
    assert {(name, "views") for name in (OURS, ALONE, *PEERS)} <= found
    assert all(f["apart"] < APART for f in told["findings"])


@pytest.mark.parametrize("name", [OURS, *PEERS])
def test_each_library_has_a_cell_for_every_row(name):
    tree = ast.parse((FOLDER / "clients" / f"can_{name}.py").read_text("utf-8"))
    (cells,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "CELLS")
    assert [key.value for key in cells.keys] == list(ROWS)


@pytest.mark.parametrize("name", PEERS)
def test_requirements_are_pinned_and_hashed(name):
    text = (FOLDER / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    assert all(re.match(r"[\w.-]+==[\w.]+ ", line) and "--hash=sha256:" in line for line in lines)


def test_the_history_has_exactly_the_covariance(task):
    _, numbers = task
    assert np.allclose(np.cov(numbers.history.T), numbers.sigma, atol=1e-15)
    assert np.allclose(numbers.history.mean(0), 0.0, atol=1e-15)


@pytest.fixture(scope="module")
def theirs(task):
    """Open the client of cvxpy on the release that trimtab itself stands on."""
    with Talk("cvxpy", task[0], python=sys.executable) as talk:
        yield talk


@pytest.mark.parametrize("step", STEPS)
def test_trimtab_answers_the_arrays_as_cvxpy_does(ours, theirs, step):
    """The book that trimtab reads and the arrays that the peers read are one problem."""
    found = [weights_of(theirs, do, step) for do in ("one", "loop")]
    for do in ("one", "loop"):
        assert max(np.abs(weights_of(ours, do, step) - each).max() for each in found) < APART
    told = ours.ask("run", step=step, accounts=[0, 1, 2])
    assert told["counts"]["OPTIMAL"] == 6
    assert np.abs(np.array(told["weights"]) - found[0]).max() < APART


def test_each_step_binds_more(task, ours):
    _, numbers = task
    b, current = numbers.strategic[numbers.model], numbers.current
    active = {step: weights_of(ours, "loop", step, range(6)) - b for step in STEPS}
    risk = {step: np.sqrt(np.einsum("ai,ij,aj->a", a, numbers.sigma, a)).max() for step, a in active.items()}
    traded = {step: np.abs(a + b - current).sum(1).max() / 2 for step, a in active.items()}
    assert risk["views"] > 0.0101 > risk["tracking"]
    assert traded["tracking"] > 0.0801 > traded["turnover"]
    spent = {step: np.abs(active[step] + b - current).sum() for step in ("turnover", "costs")}
    assert spent["turnover"] > spent["costs"] + 0.01


def test_what_trimtab_claims_holds(ours):
    cells = ours.ask("features")
    assert not {row: cell["note"] for row, cell in cells.items() if cell["state"] == "failed"}


@pytest.mark.parametrize("name", PEERS)
def test_each_peer_that_is_here_agrees(task, ours, name):
    if lack(name):
        pytest.skip(lack(name))
    with Talk(name, task[0]) as theirs:
        step = theirs.ask("states")[-1]
        assert np.abs(weights_of(theirs, "loop", step) - weights_of(ours, "loop", step)).max() < APART


def test_a_library_that_ends_is_told(task):
    with Talk("nobody", task[0], python=sys.executable) as talk, pytest.raises(TalkError, match="with_nobody"):
        talk.ask("states")


def test_a_missing_environment_is_told_and_made_by_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(environments, "_ROOT", tmp_path)
    assert "no environment" in lack("skfolio")
    assert not list(tmp_path.iterdir())


def test_a_duel_of_trimtab_alone_counts_every_step():
    found = list(duel(12, [], steps=["views"], rounds=1, accounts=4))
    assert [(each.work, each.library) for each in found] == [("one", OURS), ("many", OURS), ("many", ALONE)]
    assert all(each.seconds > 0 and each.ratio > 0 and each.apart < 1e-8 for each in found)
    assert found[1].ratio == 1.0
