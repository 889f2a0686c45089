"""A small market, built once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.models import Market, Model

LABELS = ["SPY", "EFA", "IEF", "BRK-B"]


@pytest.fixture(scope="session")
def small() -> Market:
    """Two equities, one bond, one whose id holds a hyphen; cash earns 3 %."""
    half = np.array([[0.16, 0, 0, 0], [0.14, 0.09, 0, 0], [-0.02, 0.0, 0.05, 0], [0.12, 0.02, 0.01, 0.1]])
    assets = pd.DataFrame(
        {"asset_class": ["equity", "equity", "bonds", "equity"], "region": ["US", "world", "US", "US"]}, LABELS
    )
    return Market.from_frames(assets, pd.DataFrame(half @ half.T, LABELS, LABELS), costs=0.001, cash_rate=0.03)


@pytest.fixture(scope="session")
def balanced() -> Model:
    """Sixty to forty, without the hyphen and without cash."""
    return Model("balanced", {"SPY": 0.45, "EFA": 0.15, "IEF": 0.4}, 5.0)
