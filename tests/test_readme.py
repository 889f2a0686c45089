"""The README is true: its example runs, its commands exist, its policy reads."""

import re
import tomllib
from pathlib import Path

from trimtab.constraints.documents import read_policy
from trimtab.run import TASKS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_example_is_short_and_runs(capsys):
    (code,) = _blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    exec(compile(code, "README", "exec"), {})  # noqa: S102  (running it is the test)
    printed = capsys.readouterr().out
    assert "OPTIMAL" in printed
    assert "certified" in printed


def test_policy_example_reads():
    (text,) = _blocks("toml")
    assert [limit.kind for limit in read_policy(tomllib.loads(text)).limits] == [
        "deviation",
        "tracking_error",
        "turnover",
    ]


def test_commands_exist():
    shell = "\n".join(_blocks("sh"))
    tasks = set(re.findall(r"run\.py (\w+)", shell))
    assert {"demo", "test"} <= tasks <= set(TASKS)


def test_files_it_points_to_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
