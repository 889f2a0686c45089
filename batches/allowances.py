"""Deciding once more where the desk as a whole would trade too much of an asset: each account keeps to its part.

An account's part is a fraction of its own first trade, so nothing but that fraction is shared between accounts, and a
chunk is decided again from the book alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ..models.accounts import Account
from ..optimizer.solutions import Outcome
from .impacts import Parts
from .rosters import Refused, Roster

_pc: Any = pyarrow.compute
"""Its functions are made when it is imported: no type checker sees them."""


def write_parts(parts: Parts) -> str:
    """Return parts as text that another process reads to the same bits."""
    return json.dumps({asset: list(numbers) for asset, numbers in sorted(parts.items())})


def read_parts(text: str) -> Parts:
    """Return the parts of :func:`write_parts`; none of an empty text."""
    return {asset: (buy, sell, more, less) for asset, (buy, sell, more, less) in json.loads(text or "{}").items()}


def slow_down(entries: Roster | Sequence[Account | Refused], trades: pa.Table, parts: Parts) -> list[Account]:
    """Return the accounts whose first trades are more than their part, each with the most it may sell and buy now."""
    by_account: dict[str, dict[str, float]] = {}
    slowed: set[str] = set()
    own = trades.select(["account_id", "asset_id", "weight"]).to_pydict()
    for account, asset, weight in zip(own["account_id"], own["asset_id"], own["weight"], strict=True):
        by_account.setdefault(account, {})[asset] = weight
        if asset in parts and parts[asset][0 if weight > 0 else 1] < 1.0:
            slowed.add(account)
    ids = entries.ids if isinstance(entries, Roster) else [_id(entry) for entry in entries]
    found = []
    for position, name in enumerate(ids):
        entry = entries[position] if name in slowed else None
        if isinstance(entry, Account):
            found.append(replace(entry, allowances=_allowances(by_account[name], parts)))
    return found


def _allowances(first: Mapping[str, float], parts: Parts) -> dict[str, tuple[float, float]]:
    allowed = {}
    for asset, (buy, sell, more, less) in parts.items():
        z = first.get(asset, 0.0)
        allowed[asset] = (sell * max(-z, 0.0) + less, buy * max(z, 0.0) + more)
    return allowed


def merge(ids: Sequence[str], first: Mapping[str, pa.Table], second: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Put the second rows of an account in place of its first, where it was solved again; keep the first elsewhere.

    Who has no answer within its part keeps its first trades: the mandate outranks the pace.
    """
    accounts = second["accounts"]
    solved = accounts.filter(_pc.equal(accounts["outcome"], Outcome.OPTIMAL.name))["account_id"]
    order, out = pa.array(ids, pa.string()), {}
    for name, table in first.items():
        stays = _pc.invert(_pc.is_in(table["account_id"], value_set=solved))
        comes = _pc.is_in(second[name]["account_id"], value_set=solved)
        whole = pa.concat_tables([table.filter(stays), second[name].filter(comes)])
        places = _pc.index_in(whole["account_id"], value_set=order).to_numpy()
        out[name] = whole.take(pa.array(np.argsort(places, kind="stable"))).combine_chunks()
    return out


def _id(entry: Account | Refused) -> str:
    return entry.id if isinstance(entry, Account) else entry.account_id
