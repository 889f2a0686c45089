"""Open tactical positions: since when an account leans on an asset to one side, and what was approved about it.

Two forms of one thing: :class:`TacticalPosition` is a row of the ``positions`` table, :class:`Clocks` the arrays that
one account or a chunk of accounts is computed from. Days are proleptic ordinals as floats, NaN for none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..errors import AccountError
from ..units import did_you_mean
from .universes import Universe

Side = Literal["under", "over"]
State = Literal["open", "reverting", "resting", "closed"]
SIDES: tuple[Side, Side] = ("under", "over")
STATES: tuple[State, ...] = ("open", "reverting", "resting", "closed")
UNTOLD = 2
"""The plane of positions whose side nobody told: it is the side on which the account leans."""


@dataclass(frozen=True)
class TacticalPosition:
    """One side of one asset that an account leans on, or has leant on too long.

    Parameters
    ----------
    asset, side
        Above (``"over"``) or below (``"under"``) its strategic weight; an empty text is the side it leans on today.
    opened
        The day of the trade that opened it.
    extended_until, approval
        An approved longer life, and the reference under which somebody approved it.
    state
        ``open``, ``reverting``, ``resting``; ``closed`` is over, and forgotten the day after.
    base
        What reversion started from, where no deviation limit says it; decimal of NAV.
    age_days, allowed
        As a proposal tells them: days since it was opened, and how far it may lean; infinite where nothing says so.
    """

    asset: str
    side: Side | Literal[""]
    opened: dt.date
    extended_until: dt.date | None = None
    approval: str = ""
    state: State = "open"
    base: float | None = None
    age_days: int = 0
    allowed: float = float("inf")


@dataclass(frozen=True, eq=False)
class Clocks:
    """The positions of one account or of many, shape (..., 3, n): under, over, side not told; settled (..., 2, n).

    Parameters
    ----------
    opened, until
        Days, NaN where there is no position or no extension.
    base
        What reversion started from, NaN where it has not or where a deviation limit says it.
    approval
        Positions in ``references``, whose first is the empty text.
    rested
        Whether the position was seen back after its end: its rest is over when its days are.
    """

    opened: np.ndarray
    until: np.ndarray
    base: np.ndarray
    approval: np.ndarray
    rested: np.ndarray
    references: tuple[str, ...] = ("",)

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Clocks:
        """Return the clocks of nobody, ``(..., planes, n)``."""
        nothing = np.full(shape, np.nan)
        return cls(
            nothing, nothing.copy(), nothing.copy(), np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=bool)
        )

    def pick(self, which: int | np.ndarray | None) -> Clocks:
        """Return those of some accounts: positions or a mask; of one account with an axis more, by None."""
        return replace(self, **{name: getattr(self, name)[which] for name in _ARRAYS})

    def settle(self, active: np.ndarray) -> Clocks:
        """Return two planes: a position without a side goes where the account leans, unless one stands there."""
        if self.opened.shape[-2] == len(SIDES):
            return self
        over = active >= 0
        here = ~np.isnan(self.opened[..., UNTOLD, :])[..., None, :] & np.stack([~over, over], axis=-2)
        here &= np.isnan(self.opened[..., :UNTOLD, :])
        moved = {
            name: np.where(here, getattr(self, name)[..., UNTOLD:, :], getattr(self, name)[..., :UNTOLD, :])
            for name in _ARRAYS
        }
        return replace(self, **moved)


_ARRAYS = ("opened", "until", "base", "approval", "rested")


def read_positions(positions: Iterable[TacticalPosition], universe: Universe) -> Clocks:
    """Put the positions of one account into arrays, shape (3, n); those that are closed are forgotten.

    Raises
    ------
    AccountError
        An unknown asset, side or state, one side of an asset twice, an extension without an approval reference.
    """
    clocks = Clocks.none((len(SIDES) + 1, len(universe)))
    references = [""]
    for one in positions:
        if fault := fault_of(one, universe):
            raise fault
        if one.state == "closed":
            continue
        at = (SIDES.index(one.side) if one.side else UNTOLD, universe.positions[one.asset])
        if not np.isnan(clocks.opened[at]):
            raise _fault("asset_id", one.asset, "DUPLICATE_POSITION", f"{one.asset!r} has two positions on one side",
                         "keep the older one")  # fmt: skip
        clocks.opened[at] = one.opened.toordinal()
        clocks.until[at] = np.nan if one.extended_until is None else one.extended_until.toordinal()
        clocks.base[at] = np.nan if one.base is None else one.base
        clocks.rested[at] = one.state == "resting"
        if one.approval:
            references.append(one.approval)
            clocks.approval[at] = len(references) - 1
    return replace(clocks, references=tuple(references))


def stack_clocks(each: Sequence[Clocks]) -> Clocks | None:
    """Put the clocks of accounts side by side; None where nobody has a position."""
    if all(np.isnan(clocks.opened).all() for clocks in each):
        return None
    references = tuple(dict.fromkeys(["", *(name for clocks in each for name in clocks.references)]))
    place = {name: i for i, name in enumerate(references)}
    codes = [np.array([place[name] for name in clocks.references], np.int32)[clocks.approval] for clocks in each]
    opened, until, base, rested = (
        np.stack([getattr(c, x) for c in each]) for x in ("opened", "until", "base", "rested")
    )
    return Clocks(opened, until, base, np.stack(codes), rested, references)


def fault_of(one: TacticalPosition, universe: Universe) -> AccountError | None:
    """Say what is wrong with a position by itself, or nothing."""
    if one.asset not in universe.positions:
        mend = did_you_mean(one.asset, universe.assets) or "add it to the assets table"
        return _fault("asset_id", one.asset, "UNKNOWN_ASSET", f"{one.asset!r} is not in the assets table", mend)
    if one.side not in (*SIDES, ""):
        return _fault("side", one.side, "BAD_SIDE", f"the side of {one.asset!r} is {one.side!r}", "over or under")
    if one.state not in STATES:
        return _fault(
            "state", one.state, "BAD_STATE", f"the state of {one.asset!r} is {one.state!r}", ", ".join(STATES)
        )
    if one.extended_until is not None and not one.approval:
        words = f"the position in {one.asset!r} is extended until {one.extended_until} and nobody approved it"
        return _fault("approval", one.asset, "NO_APPROVAL", words, "give the reference of the approval")
    if one.base is not None and not 0 <= one.base < np.inf:
        return _fault("base", one.base, "BAD_POSITION", f"the base of {one.asset!r} is {one.base}", "a decimal of NAV")
    return None


def newest_views(since: Iterable[int], lambdas: Iterable[float], legs: np.ndarray, n: int) -> np.ndarray:
    """Return the ordinal of the newest view that pushes each of n assets under and over, shape (2, n); 0 for none.

    View k pushes ``lambda_k p_k`` of its legs; nobody knows of a view without a first day when it was approved.
    """
    newest = np.zeros((len(SIDES), n))
    for day, size, row in zip(since, lambdas, legs, strict=False):
        push = size * row
        newest = np.maximum(newest, day * np.stack([push < 0, push > 0]))
    return newest


def _fault(field: str, value: object, code: str, words: str, mend: str) -> AccountError:
    return AccountError(words, code=code, table="positions", field=field, value=value, mend=mend)


def list_positions(
    clocks: Clocks, state: np.ndarray, age: np.ndarray, allowed: np.ndarray, universe: Universe
) -> tuple[TacticalPosition, ...]:
    """Return the positions of one account as rows, in the order of the assets; ``state`` is 0 for none, else 1 on."""
    days = lambda x: None if np.isnan(x) else dt.date.fromordinal(int(x))  # noqa: E731
    rows = []
    for i, s in zip(*np.nonzero(state.T), strict=True):
        at, base = (s, i), float(clocks.base[s, i])
        rows.append(
            TacticalPosition(
                universe.assets[i],
                SIDES[s],
                dt.date.fromordinal(int(clocks.opened[at])),
                days(clocks.until[at]),
                clocks.references[int(clocks.approval[at])],
                STATES[int(state[at]) - 1],
                None if np.isnan(base) else base,
                int(age[at]),
                float(allowed[at]),
            )
        )
    return tuple(rows)
