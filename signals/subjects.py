"""What a signal or a view is about: legs, as weights of assets, and whether two texts mean the same subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..errors import InputError, SignalError
from ..models.universes import Universe


def legs_row(about: str, universe: Universe, strategic: np.ndarray, *, name: str = "") -> np.ndarray:
    """Return the legs as one row of weights, shape (n,): a class or group stands for its strategic mix.

    Raises
    ------
    SignalError
        An unknown leg, or one of which the model holds nothing.

    >>> u = Universe(("SPY", "EFA", "IEF"), ("equity", "equity", "bonds"))
    >>> legs_row("equity - bonds", u, np.array([0.45, 0.15, 0.4, 0.0]))
    array([ 0.75,  0.25, -1.  ,  0.  ])
    """
    row, absent = mix_legs(_legs(about, universe, name), universe, strategic)
    if absent:
        raise SignalError(
            f"{name or about!r}: {absent} has no strategic weight in the model",
            code="NO_WEIGHT",
            table="signals",
            field="about",
            value=absent,
            mend="name legs that the model holds",
        )
    return row


def mix_legs(legs: Iterable[tuple[float, str]], universe: Universe, strategic: np.ndarray) -> tuple[np.ndarray, str]:
    """Return legs as weights, shape (n,), and the first leg of which the model holds nothing."""
    row = np.zeros(len(universe))
    for size, leg in legs:
        mix = universe.mix(leg, strategic)
        if mix is None:
            return row, leg
        row += size * mix
    return row, ""


def direction(first: str, second: str, universe: Universe) -> float:
    """Say how two subjects lie: 1 the same, -1 opposite (``"A - B"`` and ``"B - A"``), 0 different ones.

    Sizes do not count: ``"2*A - 2*B"`` is the subject ``"A - B"``.

    >>> u = Universe(("SPY", "IEF"), ("equity", "bonds"))
    >>> direction("equity - bonds", "bonds - equity", u), direction("SPY - bonds", "equity - IEF", u)
    (-1.0, 1.0)
    """
    a, b = (sizes_by_members(_legs(each, universe, ""), universe) for each in (first, second))
    return compare(a, b)


Sizes = Mapping[tuple[int, ...], float]
"""A subject: the summed size of its legs by set of assets, so that a class of one asset is that asset."""


def sizes_by_members(legs: Iterable[tuple[float, str]], universe: Universe) -> Sizes:
    """Return the subject that legs make."""
    sizes: dict[tuple[int, ...], float] = {}
    for size, leg in legs:
        members = tuple(np.flatnonzero(universe.members(leg)).tolist())
        sizes[members] = sizes.get(members, 0.0) + size
    return sizes


def compare(a: Sizes, b: Sizes) -> float:
    """Say of two subjects what :func:`direction` says of two texts."""
    names = sorted({*a, *b})
    x, y = (np.array([each.get(name, 0.0) for name in names]) for each in (a, b))
    size = float(np.linalg.norm(x) * np.linalg.norm(y))
    cosine = float(x @ y) / size if size > 0 else 0.0
    return float(np.sign(cosine)) if abs(cosine) > 1 - 1e-9 else 0.0


def _legs(about: str, universe: Universe, name: str) -> tuple[tuple[float, str], ...]:
    try:
        return universe.legs(about)
    except InputError as error:
        raise SignalError(
            f"{name or about!r}: {error.message}",
            code=error.code,
            table="signals",
            field="about",
            value=error.value,
            mend=error.mend,
        ) from None
