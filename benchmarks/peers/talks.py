"""A process of each library's own that is asked a question a line, so that all can be asked in turn."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from trimtab.run import pinned

from .environments import OURS, python_of

__all__ = ["Talk", "TalkError"]

_SERVE = Path(__file__).parent / "clients" / "serve.py"


class TalkError(Exception):
    """A library's process ended instead of answering; the message is the end of what it said."""


class Talk:
    """One library at work on one task, in its own environment; a context manager.

    Parameters
    ----------
    name
        Of a peer, or ours.
    task
        The folder of the task.
    python
        Another Python than that of its environment.
    """

    def __init__(self, name: str, task: Path, python: str | Path | None = None) -> None:
        self.name = name
        # Not ours to the others: a peer sees nothing of the project, and trimtab is found as it was found here.
        path = os.environ.get("PYTHONPATH", "") if name == OURS else ""
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed on exit; a pipe that nobody reads would fill
        self._process = subprocess.Popen(
            [str(python or python_of(name)), str(_SERVE), name, str(task)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
            env={**os.environ, **pinned(), "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.communicate()
        self._said.close()

    def ask(self, do: str, **more: Any) -> Any:
        """Ask one thing and wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            self._said.seek(0)
            raise TalkError(f"{self.name} ended at {do!r}: {self._said.read()[-800:]}")
        return json.loads(line)
