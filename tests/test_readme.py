"""The README is short, and its first commands are the ones that need nothing. (tests/docs tries its blocks.)"""

import re
import tomllib
from pathlib import Path

from trimtab.constraints.documents import read_policy

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_example_is_short():
    (code,) = _blocks("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def test_policy_example_says_what_the_example_in_python_says():
    (text,) = _blocks("toml")
    assert [limit.kind for limit in read_policy(tomllib.loads(text)).limits] == [
        "deviation",
        "tracking_error",
        "turnover",
    ]


def test_the_first_commands_need_nothing_but_python():
    first = _blocks("sh")[0]
    assert {"demo", "test"} <= set(re.findall(r"run\.py (\w+)", first))
