"""Named shocks."""

from __future__ import annotations

import pytest

from trimtab.errors import MarketError, ViewError
from trimtab.models import Shock


def test_the_narrower_name_wins(small):
    shock = Shock("2008", {"EFA": "-50%", "equity": -0.4, "US": -0.3, "IEF": 0.1})
    assert shock.vector(small.universe).tolist() == [-0.3, -0.5, 0.1, -0.3, 0.0]  # US is as wide as equity, and later


@pytest.mark.parametrize("moves", [{"SPY": -1.1}, {"SPY": "deep"}, {"SPY": float("nan")}])
def test_moves_that_cannot_be(moves):
    with pytest.raises(ViewError):
        Shock("s", moves)


def test_an_unknown_name_is_refused(small):
    with pytest.raises(MarketError, match="did you mean 'equity'"):
        Shock("s", {"equty": -0.1}).vector(small.universe)
