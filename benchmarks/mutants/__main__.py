"""``python -m benchmarks.mutants``: the same as ``python -m benchmarks mutants``, without importing the cases."""

from __future__ import annotations

import sys

from .commands import mutate

if __name__ == "__main__":
    mutate(sys.argv[1:])
