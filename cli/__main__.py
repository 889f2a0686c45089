"""``python -m trimtab.cli``: the command line where no script is installed."""

from __future__ import annotations

from .commands import main

if __name__ == "__main__":
    main()
