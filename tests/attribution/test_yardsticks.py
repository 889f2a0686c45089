"""A valid benchmark is found among invalid ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trimtab.attribution.yardsticks import PROPERTIES, Yardstick, mix, score_benchmarks
from trimtab.errors import InputError


def history(seed=0, months=240):
    rng = np.random.default_rng(seed)
    index = pd.date_range("2000-01-31", periods=months, freq="ME")
    return pd.DataFrame(rng.normal([0.007, 0.003], [0.045, 0.012], (months, 2)), index, ["EQ", "BD"])


def test_mixes_are_rebalanced_as_they_say():
    moves = history()
    always = mix({"EQ": 0.6, "BD": 0.4}, moves, periods_per_year=12)
    np.testing.assert_allclose(always.returns, moves @ [0.6, 0.4], atol=1e-15)
    never = mix({"EQ": 0.6, "BD": 0.4}, moves, "never", periods_per_year=12)
    assert (1 + never.returns).prod() == pytest.approx(((1 + moves).prod() * [0.6, 0.4]).sum(), rel=1e-12)
    year = mix({"EQ": 0.6, "BD": 0.4}, moves, "year", periods_per_year=12)
    assert 0 == never.turnover < year.turnover < always.turnover
    with pytest.raises(InputError, match="sum to"):
        mix({"EQ": 0.6}, moves)


def test_the_mix_that_a_manager_starts_from_is_his_benchmark():
    moves, rng = history(), np.random.default_rng(9)
    own = mix({"EQ": 0.6, "BD": 0.4}, moves, periods_per_year=12)
    portfolio = own.returns + rng.normal(0.0005, 0.002, len(moves))
    market = moves @ [0.4, 0.6]
    others = [
        mix({"EQ": 0.2, "BD": 0.8}, moves, periods_per_year=12, name="cautious"),
        Yardstick("peers", portfolio + rng.normal(0, 0.01, len(moves)), in_advance=False, unambiguous=False),
    ]
    table = score_benchmarks(portfolio, [*others, own], market, periods_per_year=12)
    assert table.index[0] == "strategic"
    assert table.loc["peers", "score"] == 0.0
    assert table.loc["strategic", "beta"] == pytest.approx(1.0, abs=0.03)
    assert table[list(PROPERTIES)].to_numpy().min() >= 0
    assert table[list(PROPERTIES)].to_numpy().max() <= 1
    assert "not specified in advance" in table.loc["peers", "because"]
    assert abs(table.loc["cautious", "correlation"]) > 0.9  # what it calls skill is style
