"""A sample of the campaign of histories: nobody leans farther or longer than the time limit says."""

from __future__ import annotations

import os

import pytest

from benchmarks.histories import Tally, draw_world, play

MORE = int(os.environ.get("TRIMTAB_CAMPAIGN", "60")) // 60


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 6, 8])
def test_nobody_leans_farther_or_longer_than_allowed(seed):
    days = 240
    world = draw_world(seed, days)
    tally = play(world, (2 if world.lots else 12) * MORE, days if not world.lots else 40, seed, Tally())
    assert tally.unsolved == 0
    assert tally.opened > 0
    assert tally.beyond <= 1e-8
    assert tally.outside <= 1e-8
    assert tally.at_end <= 1e-8
    assert tally.share <= 1.0 + 1e-12
