"""Putting the accounts of a book together. A bad row concerns its account alone, and is told by table and line.

Columns are checked as a whole and bad cells, which are rare, looked at one by one, so that a million accounts cost
seconds; only when they are walked is each account put together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..constraints.policies import Policy
from ..errors import AccountError
from ..models.accounts import RULES, Rule
from ..models.universes import Universe
from ..units import FrozenMap, did_you_mean
from .censuses import EVERYBODY, Census, Register, close, enter_accounts, enter_others
from .columns import bad_cell, cell, codes, numbers, repeats
from .layouts import LAYOUTS
from .overrides import check_overrides
from .pasts import LOOKED_BACK, as_last_days, read_past
from .rosters import Roster
from .rows import Rows
from .tables import Stored, Table

STATUSES = ("active", "blocked", "closed")
OPEN_ORDERS = ("", "open")
DONE_ORDERS = ("filled", "cancelled", "rejected", "expired")
MOST_UNITS = 1e15
"""Beyond 2^50 a unit is no longer exact."""
NAMING = ("restrictions", "holdings", "orders")
"""The tables beside ``accounts`` that make a stranger of an id, in the order they are asked."""
_PLAIN = "a plain number such as 1234.5, without separators, percent or spaces"


def enrol(tables: Mapping[str, Stored | Table], policy: Policy | None, universe: Universe) -> Roster:
    """Put the accounts of a book together, all in memory.

    Parameters
    ----------
    policy
        With the book's models. None leaves models and override columns unchecked.

    Raises
    ------
    BookError
        A column of ``accounts`` that is no limit of the policy; a restriction of the whole desk that cannot be read; a
        table that has changed since the book was read.
    """
    whole = {name: _whole(tables[name]) for name in ("accounts", *NAMING, *LOOKED_BACK) if name in tables}
    check_overrides(whole["accounts"].data.column_names, policy)
    desk: tuple[tuple[str, Rule], ...] = ()
    if "restrictions" in whole:
        of_desk = of_everybody(whole["restrictions"])
        desk = read_desk(whole["restrictions"].take(np.flatnonzero(of_desk)), universe)
        whole["restrictions"] = whole["restrictions"].take(np.flatnonzero(~of_desk))
    register, owners = Register(), {}
    for name, table in ((n, whole[n]) for n in ("accounts", *NAMING) if n in whole):
        owners[name] = _enter(register, table)
    census = close(register, {name: table.parts for name, table in whole.items()})
    for name in (name for name in LOOKED_BACK if name in whole):
        owners[name] = _enter(register, whole[name])
    return put_together(whole, owners, census, desk, policy, universe)


def put_together(
    tables: Mapping[str, Table],
    owners: Mapping[str, np.ndarray],
    census: Census,
    desk: tuple[tuple[str, Rule], ...],
    policy: Policy | None,
    universe: Universe,
) -> Roster:
    """Put the accounts of a census together from their rows.

    Parameters
    ----------
    tables
        ``accounts`` and those of :data:`NAMING` and of :data:`LOOKED_BACK` that there are; ``restrictions`` without
        those of the desk.
    owners
        Whose each row is, as a position in the census, by table; beyond it is nobody.
    desk
        The restrictions of every account.
    """
    accounts, faults = tables["accounts"], dict(census.first)
    ids = FrozenMap(zip(census.ids, range(len(census.ids)), strict=True))
    rows = np.full(len(census.ids), -1, dtype=np.int64)
    rows[owners["accounts"][::-1]] = np.arange(len(accounts))[::-1]  # the first row of each stays
    models = _models(accounts, rows, census, policy, faults)
    flows, statuses, overrides, navs = _own_columns(accounts, owners["accounts"], census, faults)
    groups = {name: _group(owners.get(name), ids) for name in NAMING}
    units = {}
    for name in ("holdings", "orders"):
        own = _units(tables.get(name), owners.get(name), census, universe, faults)
        units[name] = (groups[name], *own)
    seen, signs = codes(accounts, "last_views")
    restrictions = _restrictions(tables.get("restrictions"), owners.get("restrictions"), census, universe, faults)
    positions, history, phases, breaches = (
        _look_back(tables, owners, name, ids, universe, census, faults) for name in LOOKED_BACK
    )
    for name, fault in census.last.items():
        faults[name] = fault if ids.get(name, 0) >= census.accounts else faults.get(name, fault)
    return Roster(
        census.ids,
        models,
        FrozenMap(faults),
        flows,
        statuses,
        FrozenMap(overrides),
        rows,
        FrozenMap(units),
        (groups["restrictions"], *restrictions),
        desk,
        universe.assets,
        as_last_days(history, len(census.ids)),
        tuple(np.array(signs, dtype=object)[seen].tolist()),
        positions,
        history,
        phases,
        breaches,
        navs,
    )


def _look_back(
    tables: Mapping[str, Table],
    owners: Mapping[str, np.ndarray],
    name: str,
    ids: Mapping[str, int],
    universe: Universe,
    census: Census,
    faults: dict[str, AccountError],
) -> Any:  # Rows, and Leanings, Dealings, Phasings or Trespasses: which, the name says
    """Read one of :data:`~.pasts.LOOKED_BACK`, by account; refuse those of bad rows. Rows of nobody are left out."""
    if name not in tables or not len(tables[name]):
        return None
    somebody = np.flatnonzero(owners[name] < len(census.ids))
    table, own = tables[name].take(somebody), owners[name][somebody]
    read, bad = read_past(table, own, universe)
    for row, column, code, words, mend in bad:
        _refuse(faults, census, int(own[row]), _fault(table, column, row, code, words, mend))
    return _group(own, ids), read


def of_everybody(restrictions: Table) -> np.ndarray:
    """Mark the restrictions of the whole desk."""
    own, names = codes(restrictions, "account_id")
    return np.array([name == EVERYBODY for name in names], dtype=bool)[own]


def read_desk(restrictions: Table, universe: Universe) -> tuple[tuple[str, Rule], ...]:
    """Read the restrictions of the whole desk, ``(asset, rule)`` each.

    Raises
    ------
    BookError
        One that cannot be read: no account could be trusted to be restricted as the desk meant.
    """
    positions, kinds = _rules(restrictions, universe)
    for row in np.flatnonzero((positions < 0) | (kinds < 0)):
        column, code, words, mend = _rule_words(restrictions, int(row), universe)
        raise bad_cell(restrictions, column, int(row), mend, code, words)
    return tuple((universe.assets[p], RULES[k]) for p, k in zip(positions, kinds, strict=True))


def _whole(table: Stored | Table) -> Table:
    return table.read() if isinstance(table, Stored) else table


def _enter(register: Register, table: Table) -> np.ndarray:
    """Enter a table into a register; return the rank of each row's account."""
    ranks, start = [np.zeros(0, dtype=np.int64)], 0
    rows = np.arange(len(table)) if table.rows is None else table.rows
    for ids in table.data["account_id"].chunks:
        stop = start + len(ids)
        if table.name == "accounts":
            ranks.append(enter_accounts(register, ids, start))
        else:
            ranks.append(enter_others(register, table.name, ids, rows[start:stop]))
        start = stop
    return np.concatenate(ranks)


def _models(
    accounts: Table, rows: np.ndarray, census: Census, policy: Policy | None, faults: dict[str, AccountError]
) -> tuple[str, ...]:
    """Return each account's model, empty for strangers; refuse the accounts of unknown ones."""
    own, names = codes(accounts, "model_id")
    own = np.append(own, len(names))[rows]  # a stranger has no row: -1 takes the empty name behind the last
    names = [*names, ""]
    if policy is not None:
        unknown = np.array([name not in policy.models for name in names], dtype=bool)[own]
        mends = {}
        for rank in np.flatnonzero(unknown[: census.accounts]).tolist():
            name, row = names[own[rank]], int(rows[rank])
            if name not in mends:
                mends[name] = did_you_mean(name, policy.models) or "add it to strategic"
            words = f"there is no model {name!r}" if name else "it has no model"
            _refuse(faults, census, rank, _fault(accounts, "model_id", row, "UNKNOWN_MODEL", words, mends[name]))
    return tuple(np.array(names, dtype=object)[own].tolist())


def _own_columns(accounts: Table, owners: np.ndarray, census: Census, faults: dict[str, AccountError]):
    """Read cash flow, status, overrides and what keepers say accounts are worth; a bad cell refuses its account."""

    def refuse(bad: np.ndarray, column: str, code: str, mend: str) -> None:
        for row in np.flatnonzero(bad).tolist():
            words = f"{column} is {cell(accounts, column, row)[:40]!r}"
            _refuse(faults, census, owners[row], _fault(accounts, column, row, code, words, mend))

    flows, bad = numbers(accounts, "cash_flow", 0.0)
    refuse(bad | (np.abs(flows) >= MOST_UNITS), "cash_flow", "BAD_CASH_FLOW", f"{_PLAIN}; empty for none")
    navs, bad = numbers(accounts, "nav", np.nan)
    refuse(bad, "nav", "BAD_NUMBER", f"{_PLAIN}; empty where nobody says")
    own, states = codes(accounts, "status")
    refuse(
        np.array([s not in ("", *STATUSES) for s in states], dtype=bool)[own],
        "status",
        "BAD_STATUS",
        ", ".join(STATUSES),
    )
    statuses = tuple(np.array([s or "active" for s in states], dtype=object)[own].tolist())
    overrides = {}
    for column in accounts.data.column_names:
        if column not in LAYOUTS["accounts"].known:
            overrides[column], bad = numbers(accounts, column, np.nan)
            refuse(bad, column, "BAD_OVERRIDE", f"{_PLAIN}; empty for none")
    return flows, statuses, overrides, navs


def _group(owners: np.ndarray | None, ids: Mapping[str, int]) -> Rows:
    own = np.zeros(0, dtype=np.int64) if owners is None else owners
    starts = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=len(ids)))])
    return Rows(np.argsort(own, kind="stable"), starts, ids)


def _units(
    table: Table | None,
    owners: np.ndarray | None,
    census: Census,
    universe: Universe,
    faults: dict[str, AccountError],
) -> tuple[np.ndarray, np.ndarray]:
    """Read assets and signed units of holdings or open orders, and refuse the accounts of bad rows."""
    if table is None or owners is None or not len(table):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    positions = _positions(table, universe)
    quantities, bad = numbers(table, "quantity")
    bad |= ~(np.abs(np.where(bad, 0.0, quantities)) < MOST_UNITS)
    faulty = [(positions < 0, "asset_id", "UNKNOWN_ASSET"), (bad, "quantity", "BAD_QUANTITY")]
    if table.name == "holdings":
        pairs = owners * (len(universe) + 1) + positions
        faulty.append((repeats(pairs), "asset_id", "DUPLICATE_HOLDING"))
    else:
        own, states = codes(table, "status")
        unknown = np.array([s not in (*OPEN_ORDERS, *DONE_ORDERS) for s in states], dtype=bool)[own]
        faulty.append((unknown, "status", "BAD_STATUS"))
        quantities = np.where(np.array([s in OPEN_ORDERS for s in states], dtype=bool)[own], quantities, 0.0)
    for mask, column, code in faulty:
        for row in np.flatnonzero(mask).tolist():
            words, mend = _unit_words(table, column, code, row, universe)
            _refuse(faults, census, owners[row], _fault(table, column, row, code, words, mend))
    return positions, quantities


def _positions(table: Table, universe: Universe) -> np.ndarray:
    own, assets = codes(table, "asset_id")
    return np.array([universe.positions.get(a, -1) for a in assets], dtype=np.int64)[own]


def _unit_words(table: Table, column: str, code: str, row: int, universe: Universe) -> tuple[str, str]:
    value = cell(table, column, row)
    if code == "UNKNOWN_ASSET":
        return f"{value[:40]!r} is not in the assets table", did_you_mean(
            value, universe.assets
        ) or "add it to the assets table"
    if code == "DUPLICATE_HOLDING":
        return f"{value!r} has two rows", "add them up: one row for each asset of an account"
    if code == "BAD_STATUS":
        return f"status is {value[:40]!r}", ", ".join((*OPEN_ORDERS[1:], *DONE_ORDERS))
    return f"the quantity of {cell(table, 'asset_id', row)!r} is {value[:40]!r}", f"{_PLAIN}, below 1e15"


def _restrictions(
    table: Table | None,
    owners: np.ndarray | None,
    census: Census,
    universe: Universe,
    faults: dict[str, AccountError],
) -> tuple[np.ndarray, np.ndarray]:
    """Read assets and rules of the accounts' own restrictions, and refuse the accounts of bad rows."""
    if table is None or owners is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    positions, kinds = _rules(table, universe)
    for row in np.flatnonzero((positions < 0) | (kinds < 0)).tolist():
        column, code, words, mend = _rule_words(table, row, universe)
        _refuse(faults, census, owners[row], _fault(table, column, row, code, words, mend))
    return positions, kinds


def _rules(table: Table, universe: Universe) -> tuple[np.ndarray, np.ndarray]:
    own, names = codes(table, "rule")
    places: dict[str, int] = {rule: i for i, rule in enumerate(RULES)}
    return _positions(table, universe), np.array([places.get(name, -1) for name in names], dtype=np.int64)[own]


def _rule_words(table: Table, row: int, universe: Universe) -> tuple[str, str, str, str]:
    asset, rule = cell(table, "asset_id", row), cell(table, "rule", row)
    if asset not in universe.positions:
        words = f"{asset[:40]!r} is not in the assets table"
        return "asset_id", "UNKNOWN_ASSET", words, did_you_mean(asset, universe.assets) or "name an asset"
    mend = did_you_mean(rule, RULES) or f"one of {', '.join(RULES)}"
    return "rule", "UNKNOWN_RULE", f"{rule[:40]!r} is no rule", mend


def _refuse(faults: dict[str, AccountError], census: Census, rank: int, fault: AccountError) -> None:
    """Refuse an account, unless it is already: the first fault is the one that is told."""
    faults.setdefault(census.ids[rank], fault)


def _fault(table: Table, column: str, row: int, code: str, words: str, mend: str) -> AccountError:
    return AccountError(
        f"{words} ({table.place(row)})",
        code=code,
        table=table.name,
        field=column,
        value=cell(table, column, row),
        mend=mend,
    )
