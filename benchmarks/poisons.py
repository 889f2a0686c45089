"""What can be wrong with an account of a book, put into some of its accounts and into nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .holders import BLOCK, Rows

SET, COPY, DROP, ADD = "set", "copy", "drop", "add"
_NOBODY = "NOSUCH"
KINDS: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "quantity is not a number": ("holdings", SET, {"quantity": np.nan}),
    "quantity is huge": ("holdings", SET, {"quantity": 1e18}),
    "value is negative": ("holdings", SET, {"quantity": -1e12}),
    "asset is unknown": ("holdings", SET, {"asset_id": _NOBODY}),
    "holding is there twice": ("holdings", COPY, {}),
    "id ends in a space": ("holdings", SET, {"account_id": "{} "}),
    "model is unknown": ("accounts", SET, {"model_id": _NOBODY}),
    "model is empty": ("accounts", SET, {"model_id": ""}),
    "account is there twice": ("accounts", COPY, {}),
    "account is missing": ("accounts", DROP, {}),
    "status is misspelt": ("accounts", SET, {"status": "actve"}),
    "cash flow is not a number": ("accounts", SET, {"cash_flow": np.nan}),
    "withdrawal beyond the value": ("accounts", SET, {"cash_flow": -1e12}),
    "rule is unknown": ("restrictions", ADD, {"asset_id": "CASH", "rule": "no_sel"}),
    "restricted asset is unknown": ("restrictions", ADD, {"asset_id": _NOBODY, "rule": "no_buy"}),
    "order's status is unknown": ("orders", ADD, {"asset_id": "CASH", "quantity": 1.0, "status": "opne"}),
    "ordered asset is unknown": ("orders", ADD, {"asset_id": _NOBODY, "quantity": 1.0, "status": "open"}),
    "turnover is looser": ("accounts", SET, {"turnover": 0.9}),
    "risk aversion is negative": ("accounts", SET, {"risk_aversion": -1.0}),
    "turnover is infinite": ("accounts", SET, {"turnover": np.inf}),
}
_OWN = ("turnover is looser", "risk aversion is negative", "turnover is infinite")
"""Kinds that need the columns of overrides."""


def poison(
    tables: Mapping[str, Rows], share: float, seed: Sequence[int], overrides: bool
) -> tuple[dict[str, Rows], dict[str, list[str]]]:
    """Return the tables of a block with some accounts spoilt, and the ids of those with what is wrong.

    Which accounts, and how, depends on the seed alone and not on how many of the block there are.
    """
    rng = np.random.default_rng(seed)
    names = [name for name in KINDS if overrides or name not in _OWN]
    chosen, kinds = rng.random(BLOCK) < share, rng.integers(len(names), size=BLOCK)
    ids = tables["accounts"].columns["account_id"]
    spoilt = np.flatnonzero(chosen[: len(ids)])
    # A closed account is not looked at closely: what is wrong with it would not show.
    found = dict(tables) | {"accounts": _put(tables["accounts"], spoilt, {"status": "active"}, ids)}
    for number, name in enumerate(names):
        owners = spoilt[kinds[spoilt] == number]
        table, verb, cells = KINDS[name]
        if len(owners):
            found[table] = _edit(found[table], verb, owners, cells, ids)
    return found, {"account_id": ids[spoilt].tolist(), "kind": [names[k] for k in kinds[spoilt]]}


def _edit(rows: Rows, verb: str, owners: np.ndarray, cells: Mapping[str, object], ids: np.ndarray) -> Rows:
    if verb == SET:
        return _put(rows, owners, cells, ids)
    if verb == DROP:
        keep = ~np.isin(rows.owners, owners)
        return Rows(rows.owners[keep], {name: values[keep] for name, values in rows.columns.items()})
    if verb == COPY:
        first = np.searchsorted(rows.owners, owners)
        return _join(rows, owners, {name: values[first] for name, values in rows.columns.items()})
    blank = {name: "" if values.dtype == object else np.nan for name, values in rows.columns.items()}
    added = {name: np.full(len(owners), value, rows.columns[name].dtype) for name, value in (blank | cells).items()}
    return _join(rows, owners, added | {"account_id": ids[owners]})


def _put(rows: Rows, owners: np.ndarray, cells: Mapping[str, object], ids: np.ndarray) -> Rows:
    """Write cells into the first row of each owner; ``{}`` in a text stands for the account's id."""
    first = np.searchsorted(rows.owners, owners)
    columns = {name: values.copy() if name in cells else values for name, values in rows.columns.items()}
    for name, value in cells.items():
        texts = [value.format(i) for i in ids[owners]] if isinstance(value, str) else value
        columns[name][first] = texts
    return Rows(rows.owners, columns)


def _join(rows: Rows, owners: np.ndarray, added: Mapping[str, np.ndarray]) -> Rows:
    """Put further rows behind the owner's own."""
    everybody = np.concatenate([rows.owners, owners])
    order = np.argsort(everybody, kind="stable")
    joined = {name: np.concatenate([values, added[name]])[order] for name, values in rows.columns.items()}
    return Rows(everybody[order], joined)
