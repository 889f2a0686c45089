"""Putting the accounts of a book together. A bad row concerns its account alone, and is told by table and line.

Rows are checked column by column, so that a million accounts cost seconds; only when they are walked is each account
put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..constraints.policies import Policy
from ..errors import AccountError, BookError
from ..models.accounts import RULES
from ..models.universes import Universe
from ..units import FrozenMap, did_you_mean
from .columns import bad_cell, cell, codes, id_fault, numbers, texts, tidy
from .layouts import LAYOUTS
from .rosters import Roster, Rows
from .tables import Table

EVERYBODY = "*"
STATUSES = ("active", "blocked", "closed")
OPEN_ORDERS = ("", "open")
DONE_ORDERS = ("filled", "cancelled", "rejected", "expired")
MOST_UNITS = 1e15
"""Beyond 2^50 a unit is no longer exact."""
MOST_COMPARED = 5000
"""Among how many ids the nearest is looked for: a message is not worth minutes."""
_PLAIN = "a plain number such as 1234.5, without separators, percent or spaces"


def enrol(tables: Mapping[str, Table], policy: Policy | None, universe: Universe) -> Roster:
    """Put the accounts of a book together.

    Parameters
    ----------
    policy
        With the book's models. None leaves models and override columns unchecked.

    Raises
    ------
    BookError
        A column of ``accounts`` that is no limit of the policy; a restriction of the whole desk that cannot be read.
    """
    accounts = tables["accounts"]
    ids = texts(accounts, "account_id")
    first: dict[str, int] = {}
    faults: dict[str, AccountError] = {}
    for row, name in enumerate(ids):
        if name in first:
            faults.setdefault(
                name,
                _fault(
                    accounts,
                    "account_id",
                    row,
                    "DUPLICATE_ACCOUNT",
                    f"the account {name!r} occurs twice",
                    "keep one row an account",
                ),
            )
        first.setdefault(name, row)
    models = texts(accounts, "model_id")
    _check_ids(accounts, first, faults)
    if policy is not None:
        _check_models(accounts, first, models, policy, faults)
    flows, statuses, overrides = _own_columns(accounts, ids, policy, faults)
    units = {name: _units(tables.get(name), name, universe, faults) for name in ("holdings", "orders")}
    restrictions, desk, strangers = _restrictions(tables.get("restrictions"), universe, faults)
    for name in ("holdings", "orders"):
        strangers |= {
            account: (name, rows[0]) for account, rows in _by_account(units[name][0]) if account not in strangers
        }
    extra = _strangers(tables, strangers, first, faults)
    rows = np.array([*first.values(), *([-1] * len(extra))], dtype=np.int64)
    return Roster(
        (*first, *extra),
        (*(models[r] for r in first.values()), *([""] * len(extra))),
        FrozenMap(faults),
        flows,
        statuses,
        FrozenMap(overrides),
        rows,
        FrozenMap(units),
        restrictions,
        desk,
    )


def _check_ids(accounts: Table, first: Mapping[str, int], faults: dict[str, AccountError]) -> None:
    for name, row in first.items():
        fault = "means every account and is no id" if name == EVERYBODY else id_fault(name)
        if not fault:
            continue
        meant = tidy(name)
        twin = f"; the account {meant!r} is there too" if meant in first else ""
        faults.setdefault(
            name,
            _fault(
                accounts,
                "account_id",
                row,
                "BAD_ID",
                f"the id {name[:40]!r} {fault}{twin}",
                f"did you mean {meant[:40]!r}?" if meant and meant != name else "give it an id",
            ),
        )
        if meant in first and meant != name:  # which rows belong to which of the two, nobody can say
            faults.setdefault(
                meant,
                _fault(
                    accounts,
                    "account_id",
                    first[meant],
                    "ID_FORMS",
                    f"the accounts {name[:40]!r} and {meant!r} differ only in what nobody can see",
                    "keep one",
                ),
            )


def _check_models(
    accounts: Table, first: Mapping[str, int], models: list[str], policy: Policy, faults: dict[str, AccountError]
) -> None:
    for name, row in first.items():
        if models[row] not in policy.models:
            words = f"there is no model {models[row]!r}" if models[row] else "it has no model"
            faults.setdefault(
                name,
                _fault(
                    accounts,
                    "model_id",
                    row,
                    "UNKNOWN_MODEL",
                    words,
                    did_you_mean(models[row], policy.models) or "add it to strategic",
                ),
            )


def _own_columns(accounts: Table, ids: list[str], policy: Policy | None, faults: dict[str, AccountError]):
    """Read cash flow, status and overrides; a bad cell refuses its account."""

    def refuse(bad: np.ndarray, column: str, code: str, mend: str) -> None:
        for row in np.flatnonzero(bad):
            faults.setdefault(
                ids[row],
                _fault(
                    accounts, column, int(row), code, f"{column} is {cell(accounts, column, int(row))[:40]!r}", mend
                ),
            )

    flows, bad = numbers(accounts, "cash_flow", 0.0)
    refuse(bad | (np.abs(flows) >= MOST_UNITS), "cash_flow", "BAD_CASH_FLOW", f"{_PLAIN}; empty for none")
    statuses = tuple(s or "active" for s in texts(accounts, "status"))
    refuse(np.array([s not in STATUSES for s in statuses], dtype=bool), "status", "BAD_STATUS", ", ".join(STATUSES))
    overrides = {}
    for column in accounts.data.column_names:
        if column in LAYOUTS["accounts"].known:
            continue
        if policy is not None and column != "risk_aversion" and column not in policy.names:
            known = (*LAYOUTS["accounts"].known, "risk_aversion", *policy.names)
            raise BookError(
                f"the column {column!r} is neither known nor a limit of the policy",
                code="UNKNOWN_COLUMN",
                table="accounts",
                field=column,
                value=column,
                mend=did_you_mean(column, known) or f"limits: {', '.join(policy.names)}",
            )
        overrides[column], bad = numbers(accounts, column, np.nan)
        refuse(bad, column, "BAD_OVERRIDE", f"{_PLAIN}; empty for none")
    return flows, statuses, overrides


def _group(table: Table | None) -> Rows:
    if table is None or not len(table):
        return Rows(np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64), FrozenMap())
    own, names = codes(table, "account_id")
    starts = np.concatenate([[0], np.cumsum(np.bincount(own, minlength=len(names)))])
    return Rows(np.argsort(own, kind="stable"), starts, FrozenMap({name: i for i, name in enumerate(names)}))


def _by_account(rows: Rows) -> Iterator[tuple[str, np.ndarray]]:
    for name in rows.ids:
        yield name, rows.of(name)


def _units(table: Table | None, name: str, universe: Universe, faults: dict[str, AccountError]):
    """Read the signed units of holdings or open orders, and refuse the accounts of bad rows."""
    rows = _group(table)
    if table is None or not len(table):
        return rows, (), np.zeros(0)
    asset_codes, assets = codes(table, "asset_id")
    quantities, bad = numbers(table, "quantity")
    bad |= ~(np.abs(np.where(bad, 0.0, quantities)) < MOST_UNITS)
    account_codes, accounts = codes(table, "account_id")
    unknown = np.array([a not in universe.positions for a in assets], dtype=bool)[asset_codes]
    faulty = [(unknown, "asset_id", "UNKNOWN_ASSET"), (bad, "quantity", "BAD_QUANTITY")]
    if name == "holdings":
        pairs = account_codes * len(assets) + asset_codes
        faulty.append((_repeats(pairs), "asset_id", "DUPLICATE_HOLDING"))
    else:
        states = texts(table, "status")
        faulty.append(
            (np.array([s not in (*OPEN_ORDERS, *DONE_ORDERS) for s in states], dtype=bool), "status", "BAD_STATUS")
        )
        quantities = np.where(np.array([s in OPEN_ORDERS for s in states], dtype=bool), quantities, 0.0)
    for mask, column, code in faulty:
        for row in np.flatnonzero(mask):
            words, mend = _unit_words(table, column, code, int(row), universe)
            faults.setdefault(accounts[account_codes[row]], _fault(table, column, int(row), code, words, mend))
    return rows, tuple(assets[c] for c in asset_codes), quantities


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


def _repeats(keys: np.ndarray) -> np.ndarray:
    """Mark every occurrence of a key but its first."""
    order = np.argsort(keys, kind="stable")
    repeated = np.zeros(len(keys), dtype=bool)
    repeated[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return repeated


def _restrictions(table: Table | None, universe: Universe, faults: dict[str, AccountError]):
    """Read the rules by account, those of the whole desk, and which accounts the table names."""
    rows = _group(table)
    if table is None or not len(table):
        return (rows, ()), (), {}
    owners, assets, rules = (texts(table, c) for c in ("account_id", "asset_id", "rule"))
    for row, (owner, asset, rule) in enumerate(zip(owners, assets, rules, strict=True)):
        if asset not in universe.positions:
            column, code, words = "asset_id", "UNKNOWN_ASSET", f"{asset[:40]!r} is not in the assets table"
            mend = did_you_mean(asset, universe.assets) or "name an asset"
        elif rule not in RULES:
            column, code, words = "rule", "UNKNOWN_RULE", f"{rule[:40]!r} is no rule"
            mend = did_you_mean(rule, RULES) or f"one of {', '.join(RULES)}"
        else:
            continue
        if owner == EVERYBODY:  # shared: no account could be trusted to be restricted as the desk meant
            raise bad_cell(table, column, row, mend, code, words)
        faults.setdefault(owner, _fault(table, column, row, code, words, mend))
    pairs = tuple(zip(assets, rules, strict=True))
    named = {name: ("restrictions", own[0]) for name, own in _by_account(rows) if name != EVERYBODY}
    return (rows, pairs), tuple(pairs[i] for i in rows.of(EVERYBODY)), named


def _strangers(
    tables: Mapping[str, Table],
    named: Mapping[str, tuple[str, int]],
    first: Mapping[str, int],
    faults: dict[str, AccountError],
) -> list[str]:
    """Refuse ids that other tables name and ``accounts`` does not, and the account that was probably meant.

    Half of an account's holdings may stand under the other form of its id: trading on the rest would be wrong.
    """
    extra = []
    for name, (table, row) in named.items():
        if name in first:
            continue
        extra.append(name)
        meant = tidy(name)
        near = did_you_mean(name, first) if len(first) <= MOST_COMPARED else ""
        mend = f"did you mean {meant!r}?" if meant in first else near or "add it to accounts"
        faults[name] = _fault(
            tables[table],
            "account_id",
            int(row),
            "UNKNOWN_ACCOUNT",
            f"{name[:40]!r} is not in the accounts table",
            mend,
        )
        if meant in first:
            faults.setdefault(
                meant,
                _fault(
                    tables[table],
                    "account_id",
                    int(row),
                    "ID_FORMS",
                    f"rows stand under {name[:40]!r} and under {meant!r}",
                    f"write {meant!r} everywhere",
                ),
            )
    return extra


def _fault(table: Table, column: str, row: int, code: str, words: str, mend: str) -> AccountError:
    return AccountError(
        f"{words} ({table.place(row)})",
        code=code,
        table=table.name,
        field=column,
        value=cell(table, column, row),
        mend=mend,
    )
