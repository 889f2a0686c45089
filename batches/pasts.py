"""What accounts bring along from other days: tactical positions, past trades, schedules; read and refused by row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models.histories import MOST_WEIGHT, History, PastTrade
from ..models.positions import SIDES, STATES, UNTOLD, Clocks, TacticalPosition
from ..models.schedules import MOST_STEPS, OVER, STATUSES, PhasedTrade, Schedules
from ..models.universes import Universe
from ..units import did_you_mean
from .columns import ISO, cell, codes, numbers, ordinals, repeats
from .rows import Rows
from .tables import Table
from .trespasses import Fault, read_trespasses

LOOKED_BACK = ("positions", "history", "phases", "breaches")
"""The tables that are read here; they make no stranger of an id."""
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Leanings:
    """The rows of ``positions``: positions of asset and side (2: not told), days as ordinals, NaN for none."""

    asset: np.ndarray
    side: np.ndarray
    opened: np.ndarray
    until: np.ndarray
    base: np.ndarray
    state: np.ndarray
    approval: np.ndarray
    references: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Dealings:
    """The rows of ``history``: position of the asset, day as an ordinal, signed weight."""

    asset: np.ndarray
    day: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Phasings:
    """The rows of ``phases``: position of the asset, day as an ordinal, weights, step (NaN: not told), status."""

    asset: np.ndarray
    started: np.ndarray
    gap: np.ndarray
    done: np.ndarray
    step: np.ndarray
    status: np.ndarray


def read_leanings(table: Table, owners: np.ndarray, universe: Universe) -> tuple[Leanings, Iterator[Fault]]:
    """Read the rows of ``positions`` and say which of them cannot be used."""
    own, names = codes(table, "approval")
    references = tuple(dict.fromkeys(["", *names]))
    place = {name: i for i, name in enumerate(references)}
    read = Leanings(
        _assets(table, universe),
        _one_of(table, "side", {side: i for i, side in enumerate(SIDES)} | {"": UNTOLD}),
        (opened := ordinals(table, "opened"))[0],
        (until := ordinals(table, "extended_until"))[0],
        (base := numbers(table, "base", np.nan))[0],
        _one_of(table, "state", {state: i for i, state in enumerate(STATES)} | {"": 0}),
        np.array([place[name] for name in names], dtype=np.int32)[own],
        references,
    )
    live = STATES[3] != np.array(STATES)[read.state]
    key = np.where(live, (owners * 3 + read.side) * (len(universe) + 1) + read.asset, -1 - np.arange(len(table)))
    sound = np.isnan(read.base) | ((read.base >= 0) & (read.base <= MOST_WEIGHT))
    bad = (
        (read.asset < 0, "asset_id", "UNKNOWN_ASSET"),
        (opened[1] | np.isnan(read.opened), "opened", "BAD_DATE"),
        (read.side < 0, "side", "BAD_SIDE"),
        (read.state < 0, "state", "BAD_STATE"),
        (until[1], "extended_until", "BAD_DATE"),
        (base[1] | ~sound, "base", "BAD_POSITION"),
        (~np.isnan(read.until) & (read.approval == 0), "approval", "NO_APPROVAL"),
        (repeats(key), "asset_id", "DUPLICATE_POSITION"),
    )
    return read, _faults(table, bad, universe)


def read_dealings(table: Table, universe: Universe) -> tuple[Dealings, Iterator[Fault]]:
    """Read the rows of ``history`` and say which of them cannot be used."""
    asset, (day, no_day), (weight, no_weight) = (
        _assets(table, universe),
        ordinals(table, "date"),
        numbers(table, "weight"),
    )
    with np.errstate(invalid="ignore"):
        beyond = no_weight | ~(np.abs(weight) <= MOST_WEIGHT)
    bad = (
        (asset < 0, "asset_id", "UNKNOWN_ASSET"),
        (no_day | np.isnan(day), "date", "BAD_DATE"),
        (beyond, "weight", "BAD_WEIGHT"),
    )
    return Dealings(asset, day, weight), _faults(table, bad, universe)


def read_past(table: Table, owners: np.ndarray, universe: Universe) -> tuple[Any, Iterator[Fault]]:
    """Read the rows of one of :data:`LOOKED_BACK`, each owned by a position, and say which of them cannot be used."""
    if table.name == "positions":
        return read_leanings(table, owners, universe)
    if table.name == "phases":
        return read_phasings(table, owners, universe)
    return read_dealings(table, universe) if table.name == "history" else read_trespasses(table, owners)


def read_phasings(table: Table, owners: np.ndarray, universe: Universe) -> tuple[Phasings, Iterator[Fault]]:
    """Read the rows of ``phases`` and say which of them cannot be used."""
    weights = {name: numbers(table, name, blank) for name, blank in (("gap", None), ("done", 0.0))}
    step, no_step = numbers(table, "step", np.nan)
    started, no_day = ordinals(table, "started")
    statuses = {status: i for i, status in enumerate(STATUSES, 1)} | {"": 0}
    read = Phasings(
        _assets(table, universe), started, weights["gap"][0], weights["done"][0], step,
        _one_of(table, "status", statuses),
    )  # fmt: skip
    counted = ~_over(read) & (read.asset != universe.cash)
    key = np.where(counted, owners * (len(universe) + 1) + read.asset, -1 - np.arange(len(table)))
    with np.errstate(invalid="ignore"):
        beyond = [bad | ~(np.abs(values) <= MOST_WEIGHT) for values, bad in weights.values()]
        odd = no_step | ~(np.isnan(step) | ((step >= 0) & (step <= MOST_STEPS) & (step == np.floor(step))))
    bad = (
        (read.asset < 0, "asset_id", "UNKNOWN_ASSET"),
        (no_day | np.isnan(started), "started", "BAD_DATE"),
        (beyond[0], "gap", "BAD_WEIGHT"),
        (beyond[1], "done", "BAD_WEIGHT"),
        (odd, "step", "BAD_STEP"),
        (read.status < 0, "status", "BAD_STATUS"),
        (repeats(key), "asset_id", "DUPLICATE_PHASE"),
        (_unlike(owners, started, counted), "started", "TWO_SCHEDULES"),
        (_unlike(owners, np.nan_to_num(step, nan=-1.0), counted), "step", "TWO_SCHEDULES"),
    )
    return read, _faults(table, bad, universe)


def _over(read: Phasings) -> np.ndarray:
    """Mark the rows of schedules that are over."""
    return np.isin(read.status, [STATUSES.index(status) + 1 for status in OVER])


def _unlike(owners: np.ndarray, values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mark the rows that say something else than the first that counts of their account."""
    _, first, whose = np.unique(owners[counted], return_index=True, return_inverse=True)
    unlike = np.zeros(len(owners), dtype=bool)
    unlike[counted] = values[counted] != values[counted][first][whose]
    return unlike & ~np.isnan(values)


def _assets(table: Table, universe: Universe) -> np.ndarray:
    own, names = codes(table, "asset_id")
    return np.array([universe.positions.get(name, -1) for name in names], dtype=np.int64)[own]


def _one_of(table: Table, column: str, known: dict[str, int]) -> np.ndarray:
    own, names = codes(table, column)
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)[own]


def _faults(table: Table, bad: tuple[tuple[np.ndarray, str, str], ...], universe: Universe) -> Iterator[Fault]:
    for mask, column, code in bad:
        for row in np.flatnonzero(mask).tolist():
            yield row, column, code, *_words(table, column, code, row, universe)


def _words(table: Table, column: str, code: str, row: int, universe: Universe) -> tuple[str, str]:
    value, asset = cell(table, column, row)[:40], cell(table, "asset_id", row)[:40]
    if code == "UNKNOWN_ASSET":
        mend = did_you_mean(value, universe.assets) or "keep it in the assets table while rows name it"
        return f"{value!r} is not in the assets table", mend
    if code == "DUPLICATE_POSITION":
        return f"{asset!r} has two positions on one side", "keep the older one"
    if code == "DUPLICATE_PHASE":
        return f"{asset!r} has two rows", "keep one: an account has one schedule"
    if code == "TWO_SCHEDULES":
        return f"{asset!r} has {column} {value!r}, and the rows before it another", "one schedule an account"
    if code == "NO_APPROVAL":
        until = cell(table, "extended_until", row)[:40]
        words = f"the position in {asset!r} is extended until {until} and nobody approved it"
        return words, "give the reference of the approval"
    mends = {
        "BAD_DATE": ISO,
        "BAD_SIDE": f"{' or '.join(SIDES)}, or empty for the side it leans on",
        "BAD_STATE": ", ".join(STATES),
        "BAD_POSITION": "a decimal of NAV, or empty",
        "BAD_WEIGHT": "a signed decimal of NAV: -0.05 for 5% sold",
        "BAD_STEP": "how many phases are behind: 0, 1, 2 ..., or empty",
        "BAD_STATUS": f"{', '.join(STATUSES)}, or empty",
    }
    return f"the {column} of {asset!r} is {value!r}", mends[code]


def as_positions(read: Leanings, rows: np.ndarray, assets: tuple[str, ...]) -> tuple[TacticalPosition, ...]:
    """Return some rows as an account has them."""
    return tuple(
        TacticalPosition(
            assets[read.asset[i]],
            "" if read.side[i] == UNTOLD else SIDES[read.side[i]],
            dt.date.fromordinal(int(read.opened[i])),
            None if np.isnan(read.until[i]) else dt.date.fromordinal(int(read.until[i])),
            read.references[read.approval[i]],
            STATES[read.state[i]],
            None if np.isnan(read.base[i]) else float(read.base[i]),
        )
        for i in rows.tolist()
    )


def as_trades(read: Dealings, rows: np.ndarray, assets: tuple[str, ...]) -> tuple[PastTrade, ...]:
    """Return some rows as an account has them."""
    return tuple(
        PastTrade(assets[read.asset[i]], dt.date.fromordinal(int(read.day[i])), float(read.weight[i]))
        for i in rows.tolist()
    )


def as_clocks(grouped: tuple[Rows, Leanings] | None, accounts: int, n: int) -> Clocks | None:
    """Return the positions of every account of a roster as arrays, shape (accounts, 3, n); None where there is none."""
    if grouped is None or not len(grouped[0].order):
        return None
    rows, read = grouped
    owner, order = np.repeat(np.arange(accounts), np.diff(rows.starts)), rows.order
    # Refused rows belong to refused accounts, which no cohort holds.
    fine = (read.asset[order] >= 0) & (read.side[order] >= 0) & ~np.isnan(read.opened[order])
    fine &= (read.state[order] >= 0) & (read.state[order] != STATES.index("closed"))
    owner, order = owner[fine], order[fine]
    clocks = Clocks.none((accounts, len(SIDES) + 1, n))
    at = (owner, read.side[order], read.asset[order])
    clocks.opened[at], clocks.until[at], clocks.base[at] = read.opened[order], read.until[order], read.base[order]
    clocks.approval[at] = read.approval[order]
    clocks.rested[at] = read.state[order] == STATES.index("resting")
    return Clocks(clocks.opened, clocks.until, clocks.base, clocks.approval, clocks.rested, read.references)


def as_history(grouped: tuple[Rows, Dealings] | None, accounts: int) -> History | None:
    """Return the past trades of every account of a roster; None where there is none."""
    if grouped is None or not len(grouped[0].order):
        return None
    rows, read = grouped
    owner, order = np.repeat(np.arange(accounts), np.diff(rows.starts)), rows.order
    fine = (read.asset[order] >= 0) & ~np.isnan(read.day[order]) & np.isfinite(read.weight[order])
    owner, order = owner[fine], order[fine]
    return History(owner, read.asset[order], read.day[order], read.weight[order], accounts)


def as_last_days(grouped: tuple[Rows, Dealings] | None, accounts: int) -> np.ndarray:
    """Return the last day each account of a roster traded, ``datetime64[D]``, NaT without one."""
    last = np.full(accounts, np.nan)
    if grouped is not None:
        rows, read = grouped
        np.fmax.at(last, np.repeat(np.arange(accounts), np.diff(rows.starts)), read.day[rows.order])
    days = np.full(accounts, np.datetime64("NaT"), dtype="datetime64[D]")
    traded = ~np.isnan(last)
    days[traded] = (last[traded] - _EPOCH).astype("timedelta64[D]") + np.datetime64(0, "D")
    return days


def as_phases(read: Phasings, rows: np.ndarray, assets: tuple[str, ...]) -> tuple[PhasedTrade, ...]:
    """Return some rows as an account has them."""
    return tuple(
        PhasedTrade(
            assets[read.asset[i]],
            dt.date.fromordinal(int(read.started[i])),
            float(read.gap[i]),
            float(read.done[i]),
            None if np.isnan(read.step[i]) else int(read.step[i]),
            STATUSES[read.status[i] - 1] if read.status[i] else "",
        )
        for i in rows.tolist()
    )


def as_schedules(grouped: tuple[Rows, Phasings] | None, accounts: int, n: int, cash: int) -> Schedules | None:
    """Return the schedule of every account of a roster as arrays; None where there is none."""
    if grouped is None or not len(grouped[0].order):
        return None
    rows, read = grouped
    owner, order = np.repeat(np.arange(accounts), np.diff(rows.starts)), rows.order
    # Refused rows belong to refused accounts, which no cohort holds.
    fine = (read.asset[order] >= 0) & (read.asset[order] != cash) & ~np.isnan(read.started[order]) & ~_over(read)[order]
    owner, order = owner[fine], order[fine]
    schedules, at = Schedules.none(accounts, n), (owner, read.asset[order])
    schedules.started[owner], schedules.step[owner] = read.started[order], read.step[order]
    schedules.gap[at], schedules.done[at] = read.gap[order], read.done[order]
    return schedules
