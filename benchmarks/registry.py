"""Cases as data: a name, sizes, what runs and what it promises; timing that survives a noisy machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One number: what was measured, of which size, its promise, and which way is better."""

    what: str
    size: str
    value: float
    unit: str
    promise: str = ""
    better: Literal["less", "more"] = field(default="less", kw_only=True)


@dataclass(frozen=True)
class Case:
    """A benchmark: ``run(size, rounds)`` yields figures; ``smoke`` is the size a test runs in a second or two."""

    name: str
    about: str
    sizes: tuple[int, ...]
    smoke: int
    run: Callable[[int, int], Iterable[Figure]]


CASES: dict[str, Case] = {}


def case(name: str, about: str, sizes: tuple[int, ...], smoke: int) -> Callable:
    """Register a function as a case."""

    def register(function: Callable[[int, int], Iterable[Figure]]) -> Callable:
        CASES[name] = Case(name, about, sizes, smoke, function)
        return function

    return register


def timed(
    functions: list[Callable[[int], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Return seconds of each function, called in turn A B A B ... so that drift of the machine meets all alike.

    ``time.process_time`` as the clock leaves out what others take of a busy core.
    """
    seconds: list[list[float]] = [[] for _ in functions]
    for i in range(rounds):
        for k, function in enumerate(functions):
            start = clock()
            function(i)
            seconds[k].append(clock() - start)
    return seconds


def ratio(first: list[float], second: list[float]) -> float:
    """Return the median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(first, second, strict=True))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies, nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
