"""Everybody at the same work, in turn: an account from views to weights, and a thousand of them.

Each round asks each library once, one after the other, so that a machine that becomes busier does so for all; the first
question of each is not counted. Seconds are the processor's: each library works in one thread, and a call that waits
for a busy core would be told as slow. Ratios are of the seconds of one round, and the median of the rounds is told.

``one``
    One account from the numbers of the task to its weights: views read, problem stated, solved. trimtab's answer is a
    proposal: trades, reasons and proof with it.
``many``
    Seconds an account. A peer has no call for many accounts: a loop over its interface, everything that accounts share
    done before the clock starts, over a few accounts a round, *extrapolated*. trimtab decides the whole book in one
    call, with one worker: read from its files, checked, solved, proved, turned into trades, written as a sealed run.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .environments import OURS
from .talks import Talk
from .tasks import STEPS, make_task

__all__ = ["ALONE", "Finding", "duel"]

ALONE = f"{OURS}, an account at a time"
"""trimtab asked as the peers are, in a loop over Python objects."""
CHUNK = 5
"""Accounts that a peer is asked for in a round of ``many``."""


@dataclass(frozen=True)
class Finding:
    """What one library took for one piece of work, seconds an account.

    Parameters
    ----------
    assets, step, work, library
        Of the universe with its cash; of :data:`.tasks.STEPS`; ``one`` or ``many``; who.
    seconds, least, most
        Of the processor: the median of the rounds, the quickest and the slowest.
    wall
        By the clock, the median: what others on the machine took is in it.
    ratio
        To trimtab in the same round, the median.
    apart
        The largest difference of a weight from trimtab's, decimal, over the accounts that were asked for.
    """

    assets: int
    step: str
    work: str
    library: str
    seconds: float
    least: float
    most: float
    wall: float
    ratio: float
    apart: float


def duel(
    assets: int, names: Sequence[str], *, steps: Sequence[str] = STEPS, rounds: int = 5, accounts: int = 1000
) -> Iterator[Finding]:
    """Yield what trimtab and each library of ``names`` took, step by step.

    Raises
    ------
    TalkError
        A library's process ended.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        task = Path(folder) / "task"
        make_task(task, assets, accounts)
        talks = {name: stack.enter_context(Talk(name, task)) for name in (OURS, *names)}
        states = {name: talk.ask("states") for name, talk in talks.items()}
        for step in steps:
            able = {name: talk for name, talk in talks.items() if step in states[name]}
            yield from _one(assets, step, able, min(2 * rounds, accounts - 1))
            yield from _many(assets, step, able, rounds, accounts)
            print(f"  {assets} assets, {step}: done", file=sys.stderr, flush=True)


def _one(assets: int, step: str, talks: Mapping[str, Talk], rounds: int) -> Iterator[Finding]:
    """Ask everybody for one account at a time."""
    answers: dict[str, list[dict]] = {name: [] for name in talks}
    for k in range(rounds + 1):
        for name, talk in talks.items():
            answers[name].append(talk.ask("one", step=step, accounts=[k]))
    yield from _tell(assets, step, "one", answers)


def _many(assets: int, step: str, talks: Mapping[str, Talk], rounds: int, accounts: int) -> Iterator[Finding]:
    """Ask the peers for a few accounts and trimtab for a whole book, in turn."""
    chunk = min(CHUNK, accounts // (rounds + 1)) or 1
    chunks = [list(range(k * chunk, (k + 1) * chunk)) for k in range(rounds + 1)]
    whole: list[dict] = []
    answers: dict[str, list[dict]] = {name: [] for name in talks}
    for batch in chunks:
        whole.append(talks[OURS].ask("run", step=step, accounts=batch))
        assert whole[-1]["counts"]["OPTIMAL"] == accounts, whole[-1]["counts"]
        for name, talk in talks.items():
            answers[name].append(talk.ask("loop", step=step, accounts=batch))
    answers[ALONE] = answers.pop(OURS)
    spread = [{**each, **{clock: [each[clock] / accounts] for clock in ("seconds", "wall")}} for each in whole]
    yield from _tell(assets, step, "many", {OURS: spread} | answers)


def _apart(answers: Mapping[str, Sequence[Mapping]]) -> dict[str, float]:
    """Return the largest difference of a weight from trimtab's."""
    ours = np.concatenate([each["weights"] for each in answers[OURS]])
    return {
        name: float(np.abs(np.concatenate([each["weights"] for each in told]) - ours).max())
        for name, told in answers.items()
    }


def _tell(assets: int, step: str, work: str, answers: Mapping[str, Sequence[Mapping]]) -> Iterator[Finding]:
    """Yield what each library took; the first round is left out."""
    seconds, wall = (
        {name: [statistics.fmean(each[clock]) for each in told[1:]] for name, told in answers.items()}
        for clock in ("seconds", "wall")
    )
    apart = _apart(answers)
    for name, taken in seconds.items():
        times = statistics.median(theirs / own for theirs, own in zip(taken, seconds[OURS], strict=True))
        middle, clock = statistics.median(taken), statistics.median(wall[name])
        yield Finding(assets, step, work, name, middle, min(taken), max(taken), clock, times, apart[name])
