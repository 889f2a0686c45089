"""Which part of a history a rule may be chosen on, and which judges it.

A **walk forward** chooses on a window and judges on what follows it, again and again. Between the two lies a *purge*: a
view formed on the last day of the window is judged by returns up to its horizon, so those days belong to neither; after
a test an *embargo* keeps what its end still echoes in out of later windows that would train on it (Lopez de Prado 2018,
chapter 7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the periods to choose on and to judge on."""

    train: np.ndarray
    test: np.ndarray


def walk_forward(periods: int, *, train: int, test: int, purge: int = 0, expanding: bool = False) -> Iterator[Split]:
    """Yield windows that move forward by ``test`` periods, oldest first.

    Parameters
    ----------
    periods
        Length of the history.
    train, test
        Periods to choose on and to judge on.
    purge
        Periods left out between the two: the horizon of a view.
    expanding
        True lets the window grow from the first period instead of moving.

    >>> [(s.train.tolist(), s.test.tolist()) for s in walk_forward(7, train=3, test=2, purge=1)]
    [([0, 1, 2], [4, 5])]
    """
    _check(periods, {"train": train, "test": test, "purge": purge})
    start = train + purge
    while start + test <= periods:
        first = 0 if expanding else start - purge - train
        yield Split(np.arange(first, start - purge), np.arange(start, start + test))
        start += test


def purged_folds(periods: int, *, folds: int, purge: int = 0, embargo: int = 0) -> Iterator[Split]:
    """Yield each of so many consecutive parts as the judge of the rest, less ``purge`` before it and after it.

    ``embargo`` leaves out further periods after the part that judges.

    >>> [s.train.tolist() for s in purged_folds(6, folds=3, purge=1)]
    [[3, 4, 5], [0, 5], [0, 1, 2]]
    """
    _check(periods, {"folds": folds, "purge": purge, "embargo": embargo})
    everything = np.arange(periods)
    for test in np.array_split(everything, folds):
        before = everything < test[0] - purge
        after = everything > test[-1] + purge + embargo
        yield Split(everything[before | after], test)


def _check(periods: int, counts: Mapping[str, int]) -> None:
    for name, value in {"periods": periods, **counts}.items():
        least = 0 if name in ("purge", "embargo") else 1
        if value < least or (name != "periods" and value > periods):
            raise InputError(
                f"{name} is {value} of {periods} periods", code="BAD_SPLIT", field=name, value=value,
                mend=f"between {least} and {periods}",
            )  # fmt: skip
