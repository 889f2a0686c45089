"""Every picture by the page it stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import days, regions, trading, weights
from .plots import Chart

FOLDER = Path(__file__).parents[1] / "limits"
PICTURES: Mapping[str, Callable[[], Chart]] = {
    draw.__name__: draw
    for draw in (
        weights.deviation,
        weights.band,
        weights.position,
        weights.restriction,
        weights.grandfather,
        regions.group,
        regions.tracking_error,
        regions.volatility,
        regions.leverage,
        regions.custom,
        days.time_limit,
        days.cooldown,
        days.holding,
        trading.turnover,
        trading.cash,
        trading.trade_size,
        trading.trade_count,
        trading.lots,
        trading.stress,
        trading.tiers,
    )
}


def write_all(folder: Path = FOLDER) -> None:
    """Draw every picture into a folder."""
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw().svg(), encoding="utf-8", newline="\n")
