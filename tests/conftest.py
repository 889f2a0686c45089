"""What every test shares."""

import os
from pathlib import Path

# Before numpy is first imported: the workers of pytest-xdist are the parallel unit, and a BLAS that spreads over the
# same cores makes them all slower. `python3 run.py test` sets these too; a bare `pytest` comes here.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402  after the variables
from hypothesis import HealthCheck, settings  # noqa: E402  the same

ROOT = Path(__file__).resolve().parents[1]

# No deadline: the first solve of a problem compiles it. Derandomised: a red run is red again for the next person.
# `--hypothesis-profile=search` looks further, with new examples each time.
settings.register_profile("house", deadline=None, derandomize=True, max_examples=50)
settings.register_profile(
    "search", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference data that may lie beside the checkout; it is not part of the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder ../shared beside this checkout")
    return folder
