"""A small market and a context to state limits in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import Context
from trimtab.models import Market

LABELS = ["SPY", "EFA", "IEF"]


@pytest.fixture(scope="session")
def small() -> Market:
    """Two equities and a bond."""
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, LABELS)
    sigma = [[0.0256, 0.0224, -0.0030], [0.0224, 0.0289, -0.0028], [-0.0030, -0.0028, 0.0036]]
    return Market.from_frames(assets, pd.DataFrame(sigma, LABELS, LABELS), costs=0.002)


@pytest.fixture
def context(small) -> Context:
    """Strategic 40, 20, 40; currently 50, 10, 35 and 5 in cash, after an inflow of 3 %."""
    return Context(
        small, np.array([0.4, 0.2, 0.4, 0.0]), np.array([0.5, 0.1, 0.35, 0.05]), nav=1e6, inflow=0.03, outflow=0.0
    )
