"""Run in the copy of the checkout: collect tests once, then try mutants from stdin, one line of JSON on stdout each.

``python -P trials.py OUT TESTS...``: answers go to the file descriptor OUT. Each mutant is tried in a fork of the
process that has collected the tests, so it costs those of its tests that run until one fails, and no start of Python.
Where the line runs when it is called, the functions that are alive get the code of the broken ones; where it runs at
import, the fork imports the house and the tests again. Hypothesis does not look for the smallest example.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType

import pytest

Functions = dict[str, list[FunctionType]]
PATIENCE = 60.0
"""Seconds that a mutant has beyond ten times what its tests took: after that it runs for ever."""


class Hasty:
    """A plugin of pytest: the profile of the house, without the search for the smallest example that fails."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Change the profile once the house's own is loaded, before a test file is read."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile("house"), phases=phases, database=None)
        settings.load_profile("mutants")


class Bench(Hasty):
    """A plugin of pytest that tries mutants where the tests would run."""

    def __init__(self, out: int) -> None:
        self.out = out

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant that comes, in place of running the tests."""
        sys.dont_write_bytecode = True
        items, functions = {item.nodeid: item for item in session.items}, all_functions()
        warm_up(session)
        if session.testsfailed:
            raise pytest.UsageError("the tests do not pass on what is not broken")
        gc.collect()
        gc.freeze()  # forks share what the parent has
        for line in sys.stdin:
            mutant = json.loads(line)
            path = Path(mutant["module"])
            original, began = path.read_text(encoding="utf-8"), time.monotonic()
            try:
                write(path, mutant["source"])
                outcome = attempt(session, items, functions, mutant)
            finally:
                write(path, original)
            took = round(time.monotonic() - began, 2)
            os.write(self.out, (json.dumps({"outcome": outcome, "took": took}) + "\n").encode())
        return True


def warm_up(session: pytest.Session) -> None:
    """Run a test for every fixture that lasts a session: what is made once for all tests is made once for all forks."""
    made: set[str] = {"postgres"}  # a server of its own, which mutants do not meet
    for item in session.items:
        known = getattr(item, "_fixtureinfo").name2fixturedefs.items()  # noqa: B009  pytest has no public way to ask
        lasting = {name for name, found in known if found and found[-1].scope == "session"}
        if "postgres" not in lasting and "postgresql" not in item.nodeid and not lasting <= made:
            made |= lasting
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)  # what is needed next: the session


def attempt(session: pytest.Session, items: dict, functions: Functions, mutant: dict) -> str:
    """Run the tests in a fork and say how it ended: survived, killed or timeout."""
    child = os.fork()
    if not child:
        status = 3
        try:
            os.setsid()  # so that what it starts ends with it
            if mutant["at_import"]:
                status = start_again(mutant["tests"])
            else:
                swap(functions, Path(mutant["module"]), mutant["source"])
                status = run(session, [items[name] for name in mutant["tests"]])
        finally:
            os._exit(status)
    until = time.monotonic() + 10 * mutant["seconds"] + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def run(session: pytest.Session, chosen: list[pytest.Item]) -> int:
    """Run tests until one fails."""
    for item, after in zip(chosen, [*chosen[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return 1
    return 0


def start_again(tests: list[str]) -> int:
    """Import the house and the tests anew, and run the files of these tests, until one fails."""
    house = str(Path.cwd())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(house) and name != "__main__":
            del sys.modules[name]
    files = list(dict.fromkeys(name.partition("::")[0] for name in tests))
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-k", "not postgresql", *files], plugins=[Hasty()]))


def all_functions() -> Functions:
    """Return every function there is, by the file that made it."""
    found: Functions = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            found[thing.__code__.co_filename].append(thing)
    return found


def swap(functions: Functions, path: Path, source: str) -> None:
    """Give every function that was made by a module the code that the broken source has under its name."""
    here = str(path.resolve())
    broken = {code.co_qualname: code for code in codes(compile(source, here, "exec"))}
    for function in functions[here]:
        code = broken.get(function.__code__.co_qualname)
        if code is not None and code.co_freevars == function.__code__.co_freevars:
            function.__code__ = code


def codes(code: CodeType) -> list[CodeType]:
    """Return a code and those inside it."""
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return [code, *(found for each in inner for found in codes(each))]


def write(path: Path, source: str) -> None:
    """Replace a module, and what Python compiled of it: other processes that a test starts see the mutant too."""
    path.write_text(source, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def main(out: int, tests: list[str]) -> None:
    """Collect the tests and try mutants; pytest's own words go nowhere."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.set_inheritable(out, False)
    raise SystemExit(pytest.main(["-q", "-s", "-p", "no:cacheprovider", *tests], plugins=[Bench(out)]))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
