"""Conflicts named: planted pairs, judged by an independent statement; how fast; what the printed amounts are worth."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from trimtab.constraints.policies import Policy
from trimtab.models.tilts import tilt
from trimtab.optimizer.arithmetics import impossible
from trimtab.optimizer.conflicts import Conflict, find_conflict
from trimtab.optimizer.mandates import read_mandate
from trimtab.optimizer.problems import Problem
from trimtab.optimizer.sentences import say_conflict
from trimtab.optimizer.solutions import Outcome, solve

from .plants import KINDS, Plant, grow, noun, plant
from .registry import Figure, case, percentile
from .worlds import ON

HOLDS = 1e-7
"""The plain statement's least excess below which limits count as holding: what Clarabel at 1e-10 leaves of nothing."""


def name_conflict(planted: Plant) -> tuple[Conflict | None, str, float]:
    """Name the conflict of one mandate; return it with its sentence and the seconds it took."""
    start = time.perf_counter()
    words = impossible(planted.case)
    found = find_conflict(read_mandate(planted.problem, planted.case))
    said = "" if found is None else say_conflict(found, planted.case, words)
    return found, said, time.perf_counter() - start


def is_minimal(planted: Plant, names: tuple[str, ...]) -> bool:
    """Whether the named limits cannot hold together, and could without any one of them."""
    plain = planted.plain
    rest = [[k for k in names if k != name] for name in names]
    return plain.excess(names) > HOLDS and all(plain.excess(some) <= HOLDS for some in rest)


def ways_hold(planted: Plant, found: Conflict) -> list[bool]:
    """Whether all limits can hold at each printed amount and a millionth more, and cannot at 99 % of it."""
    plain, judged = planted.plain, []
    for way in found.ways:
        amount = abs(way.amount) if way.upper or way.limit == "deviation" else -way.amount
        out = 1e-6 * abs(amount)
        enough = plain.excess(list(plain.numbers), **{way.limit: amount + out})
        short = plain.excess(list(plain.numbers), **{way.limit: amount - 0.01 * abs(amount)})
        judged.append(enough <= HOLDS and short > HOLDS)
    return judged


@case("conflicts", "planted conflicts of two limits among others that can hold, named", (10, 50, 100, 200), 10)
def conflicts(n: int, rounds: int) -> Iterator[Figure]:
    """Name planted conflicts and judge the names and the amounts."""
    seconds, named, minimal, worth, seed = [], [], [], [], 1000 * n
    while len(seconds) < rounds:
        seed += 1
        if (planted := plant(seed, n)) is None:
            continue
        found, _, spent = name_conflict(planted)
        seconds.append(spent)
        named.append(found is not None and set(planted.pair) <= set(found.names))
        minimal.append(found is not None and is_minimal(planted, found.names))
        worth += [False] if found is None else ways_hold(planted, found)
    size = f"n={n}"
    yield Figure("the planted pair is named", size, 100 * np.mean(named), "%", "at least 99")
    yield Figure("the named set is minimal", size, 100 * np.mean(minimal), "%", "100")
    yield Figure("printed amounts that suffice and are needed", size, 100 * np.mean(worth), "%", "100")
    yield Figure("naming, median", size, 1e3 * percentile(seconds, 0.5), "ms")
    yield Figure("naming, 95th percentile", size, 1e3 * percentile(seconds, 0.95), "ms", "at most 50")


ROOMS = ((1e-7, 1e-6), (1e-5, 1e-3), (0.01, 0.6))
"""How much looser than one portfolio the limits of feasible mandates are: a hair, a little, a lot."""


@case(
    "feasible",
    "mandates of six limits that one portfolio meets, most by a hair: none is called impossible",
    (10, 50),
    6,
)
def feasible(n: int, rounds: int) -> Iterator[Figure]:
    """Solve mandates that can be met; ``rounds`` of them, in turn by room."""
    impossible_, unanswered = 0, 0
    for seed in range(rounds):
        rng = np.random.default_rng([20261123, n, seed])
        plain = grow(rng, n, ROOMS[seed % len(ROOMS)])
        world = plain.world
        policy = Policy(tuple(noun(kind, plain.numbers[kind]) for kind in KINDS), world.policy.models)
        account = world.accounts[0]
        found = solve(
            Problem(policy, world.market), account, tilt(world.views, world.market, policy.model(account), ON)
        )
        impossible_ += bool(found.conflict)
        unanswered += found.outcome is Outcome.UNSOLVED and not found.conflict
    yield Figure("called impossible", f"n={n}", impossible_, f"of {rounds}", "0")
    yield Figure("without an answer", f"n={n}", unanswered, f"of {rounds}")
