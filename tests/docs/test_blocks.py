"""Every block of code on every page is tried where it stands: README, the pages of docs/, and the three other READMEs.

A page is read from its top in a folder of its own; what a block makes (files, names, variables) the next one finds.

====================  ============================================================================================
block                 is tried so
====================  ============================================================================================
``sh``                each ``trimtab`` command runs and ends with status 0; ``export``, ``mkdir`` and ``cp`` do what
                      they do; ``python3 run.py``, ``python -m`` and ``python FILE`` set up or measure, so their task,
                      case, module or file only has to be there
``python``            runs; with ``>>>`` it also has to print what stands there
``toml``              reads as a policy
``csv``, ``toml``     are written to the file whose name ends the line above the block
``text``              directly after ``sh`` or ``python``: each line was printed, in that order, ``...`` aside
``{directive}``       is Sphinx's: ``python3 run.py docs``
====================  ============================================================================================

Anything else, and whatever cannot run, says why in a comment above it: ``<!-- not run: ... -->``.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from trimtab.constraints.documents import read_policy
from trimtab.demo import book_path, policy_path
from trimtab.run import TASKS

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name / "README.md" for name in ("", "examples", "demo", "benchmarks")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FROM_NOTHING = {"docs/tutorial.md"}
"""Pages whose reader starts with an empty folder; all others find the demo book in it."""
FENCE = re.compile(r"^ {0,3}(?P<ticks>`{3,})(?P<language>[^`]*)$")
REASON = re.compile(r"^<!-- not run: (?P<reason>.{10,}) -->$")
NAMED = re.compile(r"`(?P<name>[\w./-]+\.(?:csv|toml))`\W*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, the last words above it, and whether it comes right after another."""

    language: str
    text: str
    line: int
    above: str
    follows: bool

    @property
    def reason(self) -> str:
        found = REASON.match(self.above)
        return found["reason"] if found else ""

    @property
    def file(self) -> str:
        found = NAMED.search(self.above)
        return found["name"] if found and self.language in ("csv", "toml") else ""


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page; raise ``ValueError`` where the last one is not closed."""
    found: list[Block] = []
    above, ticks, language, start, last_end = "", "", "", 0, -1
    lines = text.splitlines()
    for i, line in enumerate(lines):
        fence = FENCE.match(line)
        if not ticks and fence:
            ticks, language, start = fence["ticks"], fence["language"].strip(), i
            follows = found != [] and not any(each.strip() for each in lines[last_end + 1 : i])
        elif ticks and line.strip() == ticks:
            inside = "".join(f"{each}\n" for each in lines[start + 1 : i])
            found.append(Block(language, inside, start + 1, above, follows))
            above, ticks, last_end = "", "", i
        elif not ticks and line.strip():
            above = line.strip()
    if ticks:
        raise ValueError(f"the block of line {start + 1} is not closed")
    return found


def to_try(found: list[Block]) -> list[Block]:
    """Leave out Sphinx's own blocks, blocks with a reason, and what a block with a reason would have printed."""
    kept = []
    for before, block in zip([None, *found], found, strict=False):
        shows_it = block.language == "text" and block.follows and before is not None and before.reason
        if not (block.reason or block.language.startswith("{") or shows_it):
            kept.append(block)
    return kept


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# ---------------------------------------------------------------------------------------------------- the reader


@dataclass
class Reader:
    """Somebody who does what a page says: what is printed is kept for the block that shows it."""

    page: str
    patch: pytest.MonkeyPatch
    heard: Callable[[], str]
    names: dict[str, object] = field(default_factory=dict)
    said: str = ""

    def read(self, block: Block) -> None:
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        if block.language == "sh":
            self.said = "".join(self.command(line) for line in commands(block.text))
        elif block.language == "python":
            self.said = self.python(block)
        elif block.language == "toml":
            assert read_policy(tomllib.loads(block.text)) is not None
        elif block.language == "text":
            assert not block.follows or not (missing := unsaid(block.text, self.said)), f"{missing}\n{self.said}"
        else:
            assert block.file, f"{self.page}:{block.line}: no way to try {block.language!r}, and no reason why not"

    def python(self, block: Block) -> str:
        where = f"{self.page}:{block.line}"
        if ">>> " not in block.text:
            exec(compile(block.text, where, "exec"), self.names)  # noqa: S102  (running it is the test)
            return self.heard()
        example = doctest.DocTestParser().get_doctest(block.text, self.names, where, self.page, block.line)
        example.globs = self.names
        told: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
        assert not runner.run(example, out=told.append, clear_globs=False).failed, "".join(told)
        return self.heard()

    def command(self, line: str) -> str:
        line = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line)  # a variable for the one command
        verb, *words = shlex.split(line, comments=True)
        if verb == "trimtab":
            return self.trimtab(words)
        if verb == "export":
            for name, _, value in (word.partition("=") for word in words):
                self.patch.setenv(name, os.path.expandvars(value))
        elif verb == "mkdir":
            for folder in (word for word in words if not word.startswith("-")):
                Path(folder).mkdir(parents=True, exist_ok=True)
        elif verb == "cp":
            shutil.copy(*words)
        else:
            assert verb.startswith("python"), f"{self.page}: no way to try {line!r}, and no reason why not"
            assert is_there(words), f"{self.page}: {line!r} names what does not exist"
        return ""

    def trimtab(self, words: list[str]) -> str:
        from trimtab.cli.commands import main

        with pytest.raises(SystemExit) as left:
            main(words)
        said = self.heard()
        assert left.value.code == 0, (words, said)
        return said


def commands(text: str) -> list[str]:
    """Return the command lines of a block: a backslash continues a line, comments and blank lines are none."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def is_there(words: list[str]) -> bool:
    """Whether what ``python WORDS`` starts exists: a task of run.py and the cases it names, a module, or a file."""
    if words[0] == "run.py":
        return words[1] in TASKS and (words[1] != "bench" or _benches(words[2:]))
    if words[0] == "-m":
        module = ROOT.joinpath(*words[1].split("."))
        found = module.with_suffix(".py").exists() or (module / "__main__.py").exists()
        return found and (words[1] != "benchmarks" or _benches(words[2:]))
    return (ROOT / words[0]).exists()


def _benches(words: list[str]) -> bool:
    """Whether the benchmarks know these: a command with words of its own, or cases."""
    source = (ROOT / "benchmarks" / "__main__.py").read_text(encoding="utf-8")
    (table,) = re.findall(r"^COMMANDS = \{(.*?)\}", source, re.MULTILINE | re.DOTALL)
    return set(words[:1]) & set(re.findall(r'"(\w+)":', table)) != set() or set(_plain(words)) <= _cases()


def _plain(words: list[str]) -> list[str]:
    """Leave out options and their values."""
    return [w for i, w in enumerate(words) if not w.startswith("-") and (i == 0 or not words[i - 1].startswith("-"))]


def _cases() -> set[str]:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    return set(re.findall(r'@case\(\s*"([\w-]+)"', source))


def unsaid(text: str, said: str) -> list[str]:
    """Return the lines of ``text`` that were not printed, or not in that order; blanks count for nothing."""
    rest = [" ".join(line.split()) for line in said.splitlines()]
    missing = []
    for line in (" ".join(each.split()) for each in text.splitlines()):
        if not line or line == "...":
            continue
        at = next((i for i, printed in enumerate(rest) if line in printed), None)
        if at is None:
            missing.append(line)
        else:
            rest = rest[at + 1 :]
    return missing


# ---------------------------------------------------------------------------------------------------- the tests


def _to_read() -> list:
    return [pytest.param(page, id=name_of(page)) for page in PAGES if to_try(blocks(page.read_text(encoding="utf-8")))]


@pytest.mark.parametrize("page", _to_read())
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch, capfd):
    if name_of(page) not in FROM_NOTHING:
        for book in ("book", "BOOK", "demo/book"):
            shutil.copytree(book_path(), tmp_path / book)
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
        shutil.copy(policy_path(), tmp_path / "policy.toml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    reader = Reader(name_of(page), monkeypatch, lambda: "".join(capfd.readouterr()))
    for block in to_try(blocks(page.read_text(encoding="utf-8"))):
        reader.read(block)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_command_hides_in_an_indented_block(page):
    text = page.read_text(encoding="utf-8")
    hidden = re.findall(r"^ {4,}(?:\$ )?(?:trimtab|python3?|pip|import|from) .*$", _outside(text), re.MULTILINE)
    assert not hidden, "put it in a fenced block, which is tried"


def _outside(text: str) -> str:
    """Return a page without its fenced blocks."""
    kept, ticks = [], ""
    for line in text.splitlines():
        fence = FENCE.match(line)
        if not ticks and fence:
            ticks = fence["ticks"]
        elif ticks:
            ticks = "" if line.strip() == ticks else ticks
        else:
            kept.append(line)
    return "\n".join(kept)


# ---------------------------------------------------------------------------------- the reader is not easily pleased


WRONG = {
    "a command that fails": "```sh\ntrimtab check nowhere\n```\n",
    "a command nobody knows": "```sh\nmake all\n```\n",
    "a task that is not there": "```sh\npython3 run.py polish\n```\n",
    "a benchmark that is not there": "```sh\npython3 run.py bench nosuchcase\n```\n",
    "python that raises": "```python\n1 / 0\n```\n",
    "python that says something else": "```python\n>>> 1 + 1\n3\n\n```\n",
    "a policy with a typing error": '```toml\n[[limits]]\nkind = "turnover"\nmst = 1\n```\n',
    "words that were not printed": "```python\nprint(1)\n```\n\n```text\n2\n```\n",
    "words in another order": "```python\nprint('a\\nb')\n```\n\n```text\nb\na\n```\n",
    "a language without a reason": "```sql\nSELECT 1\n```\n",
    "a table without a name": "```csv\na,b\n```\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_page_is_found(text, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    reader = Reader("wrong.md", monkeypatch, lambda: "".join(capfd.readouterr()))
    *right, wrong = blocks(text)
    for block in right:
        reader.read(block)
    with pytest.raises((AssertionError, ArithmeticError, ValueError)):
        reader.read(wrong)


def test_blocks_are_read_as_they_stand():
    page = "words\n\nIn `a/b.csv`:\n\n```csv\nx,y\n```\n\n```text\nout\n```\n"
    page += "<!-- not run: it needs a server -->\n```sql\n1\n```\n"
    table, shown, left = blocks(page)
    assert (table.file, table.text, table.follows) == ("a/b.csv", "x,y\n", False)
    assert (shown.follows, shown.above) == (True, "")
    assert (left.reason, left.follows) == ("it needs a server", False)
    with pytest.raises(ValueError, match="not closed"):
        blocks("```sh\n")


def test_only_the_reader_in_an_empty_folder_is_named():
    assert {name_of(page) for page in PAGES} >= FROM_NOTHING
