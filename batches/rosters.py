"""The accounts of a book, one by one: each an Account, or Refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from ..errors import AccountError
from ..models.accounts import Account, Rule

Status = Literal["active", "blocked", "closed"]


@dataclass(frozen=True)
class Refused:
    """An account whose input cannot be used, and why."""

    account_id: str
    model_id: str
    error: AccountError


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one table grouped by account: ``order[starts[i]:starts[i + 1]]`` are those of ``ids[i]``."""

    order: np.ndarray
    starts: np.ndarray
    ids: Mapping[str, int]

    def of(self, account: str) -> np.ndarray:
        """Return the positions of an account's rows, in the table's order."""
        i = self.ids.get(account)
        return self.order[:0] if i is None else self.order[self.starts[i] : self.starts[i + 1]]


@dataclass(frozen=True, eq=False)
class Roster:
    """Every distinct account id of a book once, in the order of the accounts table.

    Parameters
    ----------
    ids, models
        Of each account; strangers, which only other tables know, come last and have no model.
    faults
        Why an account is refused, by id.
    values
        Cash flow, status and overrides by column, a value a row of ``accounts``.
    holdings, orders, restrictions
        The rows of each account; the columns stand beside them.
    """

    ids: tuple[str, ...]
    models: tuple[str, ...]
    faults: Mapping[str, AccountError]
    flows: np.ndarray
    statuses: tuple[str, ...]
    overrides: Mapping[str, np.ndarray]
    rows: np.ndarray
    units: Mapping[str, tuple[Rows, tuple[str, ...], np.ndarray]]
    restrictions: tuple[Rows, tuple[tuple[str, str], ...]]
    desk: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        """Count the accounts, refused ones too."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Account | Refused]:
        """Walk the accounts."""
        for name, model, row in zip(self.ids, self.models, self.rows, strict=True):
            fault = self.faults.get(name)
            yield Refused(name, model, fault) if fault else self._account(name, model, row)

    def _account(self, name: str, model: str, row: int) -> Account:
        own = {limit: float(values[row]) for limit, values in self.overrides.items() if not np.isnan(values[row])}
        rules, pairs = self.restrictions
        mine = tuple(pairs[i] for i in rules.of(name))
        return Account(
            name,
            model,
            self._sum("holdings", name),
            float(self.flows[row]),
            self._sum("orders", name),
            cast("tuple[tuple[str, Rule], ...]", self.desk + mine),
            own,
            cast("Status", self.statuses[row]),
        )

    def _sum(self, table: str, name: str) -> dict[str, float]:
        rows, assets, quantities = self.units[table]
        total: dict[str, float] = {}
        for i in rows.of(name):
            total[assets[i]] = total.get(assets[i], 0.0) + float(quantities[i])
        return {a: q for a, q in total.items() if q}
