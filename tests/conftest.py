"""What every test shares."""

import csv
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path

# Before numpy is first imported: the workers of pytest-xdist are the parallel unit, and a BLAS that spreads over the
# same cores makes them all slower. `python3 run.py test` sets these too; a bare `pytest` comes here.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402  after the variables
from hypothesis import HealthCheck, settings  # noqa: E402  the same

ROOT = Path(__file__).resolve().parents[1]

# The benchmarks stand beside the package, and tests use what they draw and break: made importable by their folder, with
# nothing put on the search path.
if "benchmarks" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "benchmarks", ROOT / "benchmarks" / "__init__.py", submodule_search_locations=[str(ROOT / "benchmarks")]
    )
    sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["benchmarks"])

# No deadline: the first solve of a problem compiles it. Derandomised: a red run is red again for the next person.
# `--hypothesis-profile=search` looks further, with new examples each time.
settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.register_profile(
    "search", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def demo_book() -> Callable[..., Path]:
    """Copy the demo book, only some of its accounts and without some of its tables, and return the folder."""
    from trimtab.demo import book_path

    def copy(folder: Path, accounts: Collection[str], without: Collection[str] = ()) -> Path:
        shutil.copytree(book_path(), folder, ignore=shutil.ignore_patterns(*(f"{table}.csv" for table in without)))
        for table in ("accounts", "holdings"):
            with (folder / f"{table}.csv").open(newline="") as file:
                head, *rows = csv.reader(file)
            assert {row[0] for row in rows} >= set(accounts)
            with (folder / f"{table}.csv").open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([head, *(r for r in rows if r[0] in accounts)])
        return folder

    return copy


@pytest.fixture(scope="session")
def limits() -> str:
    """A policy's text: active weights and turnover are limited; a test that needs more puts more behind it."""
    return """
[risk]
periods_per_year = 12
[[limits]]
kind = "deviation"
most = 0.05
[[limits]]
kind = "turnover"
most = 0.30
"""


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data that may lie beside the checkout; it is not part of the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder ../shared beside this checkout")
    return folder
