"""Run in the copy of the checkout: run tests once, and write which test reaches which line in what time.

``python -P probes.py lines OUT TESTS... -- MODULES...`` writes that to OUT as JSON; ``branches``, what no test takes.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import defaultdict
from pathlib import Path

import coverage
import pytest


class Watch:
    """A plugin of pytest that tells coverage which test is running, and adds up what each takes."""

    def __init__(self, cover: coverage.Coverage) -> None:
        self.cover = cover
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: list[str] = []

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        """Put what runs now on this test's account."""
        self.cover.switch_context(item.nodeid)
        yield
        self.cover.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up set-up, call and tear-down."""
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def probe(what: str, tests: list[str], modules: list[str]) -> dict:
    """Run the tests; return seconds by test and contexts by line of each module, or what is never taken."""
    paths = {module: str(Path(module).resolve()) for module in modules}
    cover = coverage.Coverage(branch=what == "branches", include=list(paths.values()), data_file=None)
    cover.start()
    for module in modules:  # what runs at import reaches every test, whoever imports it first
        importlib.import_module("trimtab." + module.removesuffix(".py").replace("/", "."))
    watch = Watch(cover)
    # A fork of a trial would start a server of its own: mutants meet SQLite alone.
    chosen = [] if what == "branches" else ["-k", "not postgresql"]
    status = pytest.main([*tests, "-q", "-p", "no:cacheprovider", *chosen], plugins=[watch])
    cover.stop()
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"the tests do not pass on what is not broken: {watch.failed or status}")
    if what == "lines":
        reached = {module: cover.get_data().contexts_by_lineno(path) for module, path in paths.items()}
        return {"seconds": dict(watch.seconds), "reached": reached}
    report = Path("probe-report.json")
    cover.json_report(outfile=str(report))
    files = {str(Path(name).resolve()): found for name, found in json.loads(report.read_text())["files"].items()}
    return {
        module: {key: files[path][key] for key in ("missing_lines", "missing_branches", "summary")}
        for module, path in paths.items()
    }


if __name__ == "__main__":
    between = sys.argv.index("--")
    told = probe(sys.argv[1], sys.argv[3:between], sys.argv[between + 1 :])
    Path(sys.argv[2]).write_text(json.dumps(told), encoding="utf-8")
