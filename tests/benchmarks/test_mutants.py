"""The tool that breaks the house: it names what exists, finds the tests of a line, and swaps code without importing."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

import pytest

from benchmarks.mutants import commands, trials
from benchmarks.mutants.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_names_what_exists(target):
    for name in (*target.modules, *target.tests):
        assert (ROOT / name).exists(), name


def test_an_unknown_target_is_named(capsys):
    with pytest.raises(SystemExit):
        commands.mutate(["nothing"])
    assert "no target 'nothing'" in capsys.readouterr().err


SOURCE = '''"""A module."""

LIMIT = 3


def outer(x, y=LIMIT):
    if (
        x > 0
    ):
        return [
            x,
            y,
        ]
    return inner(x)


@decorated
def inner(x):
    return -x
'''


@pytest.mark.parametrize(
    ("line", "lines"),
    [(3, (3, 3)), (6, (6, 6)), (7, (7, 9)), (8, (7, 9)), (11, (10, 13)), (14, (14, 14)), (19, (19, 19))],
)
def test_the_statement_of_a_line_is_found(line, lines):
    found = commands._lines_of_statement(SOURCE, line)
    assert (found.start, found.stop - 1) == lines


def test_the_tests_that_reach_a_line_come_quickest_first(tmp_path):
    (tmp_path / "m.py").write_text(SOURCE)

    def own(file, seconds, *lines):
        names = {f"{file}::{name}": took for name, took in seconds.items()}
        return {"seconds": names, "reached": {"m.py": {str(line): list(names) for line in lines} | {"3": [""]}}}

    probed = {"slow": own("slow", {"a": 5.0, "b": 0.1}, 14), "fast": own("fast", {"c": 1.0, "d": 0.5}, 14, 19)}
    reach = lambda line: commands._reaching(tmp_path, probed, "m.py", line)  # noqa: E731
    everyone = ["fast::d", "fast::c", "slow::b", "slow::a"]
    assert reach(14) == (everyone, False)
    assert reach(19) == (["fast::d", "fast::c"], False)
    assert reach(3) == (everyone, True)  # at import: no function of the house that is alive may be trusted
    assert reach(8) == (everyone, False)  # seen by nobody: whoever there is


def test_broken_code_takes_the_place_of_what_is_alive(tmp_path):
    path = tmp_path / "alive.py"
    path.write_text(
        "class A:\n    def f(self):\n        return [x + 1 for x in (1, 2)]\n\n\ndef g():\n    return A().f()\n"
    )
    spec = importlib.util.spec_from_file_location("alive", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kept, sys.modules["alive"] = module.A(), module
    try:
        assert module.g() == [2, 3]
        trials.swap(trials.all_functions(), path, path.read_text().replace("x + 1", "x - 1"))
        assert module.g() == kept.f() == [0, 1]
    finally:
        del sys.modules["alive"]


def test_what_was_killed_before_is_not_tried_again(monkeypatch, tmp_path, capsys):
    """A record of the last run, and no mutant that still lives: no server is asked anything."""
    mutants = [
        {"module": "m.py", "line": k, "operator": "NumberReplacer", "before": "x", "after": f"y{k}", "source": "z"}
        for k in range(4)
    ]
    monkeypatch.setattr(commands, "FOLDER", tmp_path)
    monkeypatch.setattr(commands, "copy_house", lambda name: tmp_path)
    monkeypatch.setattr(commands, "python", lambda house, script, *more: [sys.executable, "-c", "input()"])
    monkeypatch.setattr(commands, "_propose", lambda *a: {"places": 9, "mutants": [dict(one) for one in mutants]})
    monkeypatch.setattr(commands, "_probe", lambda *a: {})
    (tmp_path / "results").mkdir()
    tried = [{**one, "outcome": "timeout" if k else "killed"} for k, one in enumerate(mutants)]
    (tmp_path / "results" / "units-1.json").write_text(commands.json.dumps({"places": 9, "mutants": tried}))
    how = argparse.Namespace(sample=None, seed=1, again=True, minutes=1.0)
    commands._judge(TARGETS["units"], how)
    assert "units              9        4       4         0 100.0 %" in capsys.readouterr().out
