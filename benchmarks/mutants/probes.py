"""Run in the copy of the checkout: run a target's tests once, and write which test reaches which line in what time.

python -P probes.py OUT TESTS... -- MODULES...      one JSON file, OUT
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


def probe(tests: list[str], modules: list[str]) -> dict:
    """Run the tests and return seconds by test, contexts by line of each module, and what is never taken."""
    paths = {module: str(Path(module).resolve()) for module in modules}
    cover = coverage.Coverage(branch=True, include=list(paths.values()), data_file=None)
    cover.start()
    for module in modules:  # what runs at import reaches every test, whoever imports it first
        importlib.import_module("trimtab." + module.removesuffix(".py").replace("/", "."))
    watch = Watch(cover)
    status = pytest.main([*tests, "-q", "-p", "no:cacheprovider"], plugins=[watch])
    cover.stop()
    if status != pytest.ExitCode.OK:
        raise SystemExit(f"the tests do not pass on what is not broken: {watch.failed or status}")
    data, reached = cover.get_data(), {}
    for module, path in paths.items():
        reached[module] = {line: sorted(set(names)) for line, names in data.contexts_by_lineno(path).items()}
    report = Path("probe-report.json")
    cover.json_report(outfile=str(report))
    files = {str(Path(name).resolve()): found for name, found in json.loads(report.read_text())["files"].items()}
    missing = {
        module: {key: files[path][key] for key in ("missing_lines", "missing_branches", "summary")}
        for module, path in paths.items()
    }
    return {"seconds": dict(watch.seconds), "reached": reached, "missing": missing}


if __name__ == "__main__":
    between = sys.argv.index("--")
    Path(sys.argv[1]).write_text(json.dumps(probe(sys.argv[2:between], sys.argv[between + 1 :])), encoding="utf-8")
