"""Who holds a lease: a process, told apart from every other one so that its death can be seen."""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_PRESENT: set[str] = set()


@contextmanager
def present() -> Iterator[str]:
    """Hand out a name for this process, new each time: it is present until the block ends, or the process does."""
    pid = os.getpid()
    name = json.dumps([_machine(), pid, _started(pid), secrets.token_hex(8)])
    _PRESENT.add(name)
    try:
        yield name
    finally:
        _PRESENT.discard(name)


def is_gone(holder: str) -> bool:
    """Whether a holder is known to have ended; False where that cannot be known from here."""
    machine, pid, started, _ = json.loads(holder)
    # Elsewhere, before a restart, or without a boot to compare, a number says nothing about who bears it now.
    if not machine[1] or machine != _machine():
        return False
    return holder not in _PRESENT if pid == os.getpid() else _started(pid) != started


@cache
def _machine() -> list[str]:
    """Return the host's name, the boot and the space of process numbers."""
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    return [
        platform.node(),
        boot.read_text().strip() if boot.exists() else "",
        str(space.readlink()) if space.exists() else "",
    ]


def _started(pid: int) -> str:
    """Return when a process began, in the clock of its machine; empty where there is none or nobody says."""
    try:
        # The name may hold spaces and brackets; what follows the last bracket is plain.
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if told[0] == "Z" else told[19]
