"""Every picture by the page it stands on: of the limits, and of the concepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from . import days, ideas, regions, trading, weights
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


CONCEPTS: Mapping[str, Callable[[], Chart]] = {
    draw.__name__: draw
    for draw in (
        ideas.views,
        ideas.no_trade,
        ideas.certificate,
        ideas.conflicts,
        ideas.minimal_trades,
        ideas.units,
        ideas.phases,
    )
}


def write_all(docs: Path = FOLDER.parent) -> None:
    """Draw every picture into the folders of the documentation."""
    for folder, pictures in (("limits", PICTURES), ("concepts", CONCEPTS)):
        for name, draw in pictures.items():
            (docs / folder / f"{name}.svg").write_text(draw().svg(), encoding="utf-8", newline="\n")
