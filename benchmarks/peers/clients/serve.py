"""Answer questions about one task with one library: ``python serve.py CLIENT FOLDER``, a JSON line in, a JSON line out.

Runs in the environment of the library it asks; imports nothing of the project but its neighbours in this folder. What
a library prints goes to standard error, so that standard output carries answers only.
"""

import contextlib
import importlib
import importlib.metadata
import json
import platform
import sys
import time
import warnings
from pathlib import Path

from sheets import Sheet


def answer(client, sheet, asked, prepared):
    """Answer one question."""
    what = asked["do"]
    if what == "versions":
        told = {name: importlib.metadata.version(name) for name in client.LIBRARIES}
        return {"python": platform.python_version(), **told}
    if what == "states":
        return list(client.STATES)
    if what == "features":
        cells = importlib.import_module(client.__name__.replace("with_", "can_")).CELLS
        return {name: examine(cell, sheet) for name, cell in cells.items()}
    if what == "run":
        return client.run(sheet, asked["step"], asked["accounts"])
    key = (what, asked["step"])
    if key not in prepared:
        prepared[key] = {"one": client.one, "loop": client.loop}[what](sheet, asked["step"])
    weights, seconds, wall = [], [], []
    for i in asked["accounts"]:
        began, clock = time.process_time(), time.perf_counter()
        found = prepared[key](i)
        seconds.append(time.process_time() - began)
        wall.append(time.perf_counter() - clock)
        weights.append([float(x) for x in found])
    return {"weights": weights, "seconds": seconds, "wall": wall}


def examine(cell, sheet):
    """Run the proof of a cell; one that does not hold says so and counts for nothing."""
    told = {"state": cell.state, "note": cell.note, "proved": cell.proof is not None}
    if cell.proof is not None:
        try:
            cell.proof(sheet)
        except Exception as error:  # noqa: BLE001  whatever a library does, the cell is then not what it claims
            told |= {"state": "failed", "note": f"{type(error).__name__}: {error}"[:300]}
    return told


def main():
    """Read questions until there are no more."""
    name, folder = sys.argv[1:3]
    warnings.simplefilter("ignore")
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        client, sheet, prepared = importlib.import_module(f"with_{name}"), Sheet.read(Path(folder)), {}
        for line in sys.stdin:
            told = answer(client, sheet, json.loads(line), prepared)
            answers.write(json.dumps(told) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
