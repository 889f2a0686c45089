"""The page on pages is true: its commands run, its examples say what they say, its picture is there and small."""

import doctest
import re
import shlex
import shutil
from pathlib import Path

import pytest

import trimtab.reports
from trimtab.cli.commands import main
from trimtab.demo import policy_path

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "reports.md").read_text(encoding="utf-8")


def test_its_commands_run(tmp_path, demo_book, monkeypatch, capfd):
    demo_book(tmp_path / "book", ("001", "012"), without=("phases", "restrictions"))
    shutil.copy(policy_path(), tmp_path / "policy.toml")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for verb, *words in map(shlex.split, block.splitlines()):
        assert verb == "trimtab"
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 0, capfd.readouterr()
    assert {path.name for path in tmp_path.glob("*.html")} == {"run.html", "account.html", "shaken.html"}
    assert "If it happened tomorrow" in (tmp_path / "shaken.html").read_text(encoding="utf-8")
    assert "If it happened tomorrow" not in (tmp_path / "account.html").read_text(encoding="utf-8")


def test_its_examples_say_what_python_says():
    shared: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert blocks
    for block in blocks:
        example = doctest.DocTestParser().get_doctest(block, shared, "reports.md", None, 0)
        example.globs = shared
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(example, clear_globs=False).failed == 0


def test_it_names_every_kind_of_page():
    kinds = [
        name for name in trimtab.reports.__all__ if name.endswith("_page") and name not in ("write_page", "make_page")
    ]
    assert len(kinds) >= 2
    assert [name for name in kinds if f"`{name}`" not in TEXT] == []


def test_its_picture_is_there_and_its_links_lead_somewhere():
    picture = (DOCS / "reports.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (DOCS / target).exists(), target
    assert "\nreports\n" in (DOCS / "index.md").read_text(encoding="utf-8")
