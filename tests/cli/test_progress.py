"""The bar of a run: on a terminal only, with pace, time left and refusals."""

import io
import re
import sys

from trimtab.batches.runs import Tick
from trimtab.cli.progress import meter


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_nobody_watches_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with meter("deciding") as progress:
        assert progress is None
    assert sys.stderr.getvalue() == ""


def test_a_terminal_shows_pace_time_left_and_refusals(monkeypatch):
    import rich.console

    clock = [0.0]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(rich.console, "monotonic", lambda: clock[0])
    with meter("deciding") as progress:
        progress(Tick(500_000, 1_000_000, 0))  # resumed: the first half is no pace of this run
        for second in range(1, 4):
            clock[0] = float(second)
            progress(Tick(500_000 + 1000 * second, 1_000_000, 7 * second))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sys.stderr.getvalue())
    assert "503000/1000000" in shown
    assert "1,000 a second" in shown
    assert "21 quarantined" in shown
    assert "0:08:17" in shown
