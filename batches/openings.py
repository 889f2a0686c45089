"""A finished run opened again from its folder."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError
from ..units import FrozenMap
from .runs import Run
from .stores import SCHEMAS, SEAL, read_seal
from .streams import table_files


def open_run(path: str | Path) -> Run:
    """Open a finished run; nothing is computed, and damage to a table is told when that table is read.

    Raises
    ------
    RunError
        The folder holds no run, one that is not finished, or one that has lost a table.
    """
    folder = Path(path)
    seal = read_seal(folder)
    if seal is None or not seal.get("sealed"):
        if any(folder.glob(".run-*")):
            raise RunError(f"the run in {folder} is not finished; the command that began it resumes it")
        raise RunError(f"{folder} holds no run: there is no {SEAL}; name the folder given to --out")
    for table in SCHEMAS:
        table_files(folder, table)
    try:
        return Run(
            folder,
            str(seal["run_id"]),
            FrozenMap({str(name): int(n) for name, n in seal["counts"].items()}),
            bool(seal["blocked"]),
            tuple(str(why) for why in seal["why"]),
            fresh=False,
            warnings=tuple(str(each["message"]) for each in seal["warnings"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise RunError(f"{folder / SEAL} does not say what a finished run says: it was changed") from None
