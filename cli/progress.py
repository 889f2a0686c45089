"""A bar while accounts are decided: on a terminal only, and on stderr, so that what is piped stays clean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..batches.rounds import Tick


@contextmanager
def meter(words: str) -> Iterator[Callable[[Tick], None] | None]:
    """Show a bar until the block ends; hand out what moves it, or None where nobody watches.

    It says how many accounts a second are decided (those decided before a resumed run went on do not count), how much
    time is left at that pace, and how many accounts have been refused so far.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[refused]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=300) as bar:
        task = bar.add_task(words, total=None, pace="", refused="")
        begun = False

        def move(tick: Tick) -> None:
            nonlocal begun
            if not begun:  # what an earlier start has done is no pace of ours
                bar.reset(task, total=tick.total, completed=tick.done)
                begun = True
            speed = next(own.finished_speed or own.speed for own in bar.tasks if own.id == task)
            bar.update(
                task,
                completed=tick.done,
                total=tick.total,
                pace=f"{speed:,.0f} a second" if speed else "",
                refused=f"{tick.quarantined:,} quarantined" if tick.quarantined else "",
            )

        yield move
