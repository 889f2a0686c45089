"""The accounts of a book, one by one: each an Account, or Refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import numpy as np

from ..errors import AccountError
from ..models.accounts import RULES, Account, Rule
from .pasts import Dealings, Leanings, Phasings, as_phases, as_positions, as_trades
from .rows import Rows
from .trespasses import Trespasses, as_breach_rows

Status = Literal["active", "blocked", "closed"]


@dataclass(frozen=True)
class Refused:
    """An account whose input cannot be used, and why."""

    account_id: str
    model_id: str
    error: AccountError


@dataclass(frozen=True, eq=False)
class Roster:
    """Every distinct account id of a book once, in the order of the accounts table.

    Parameters
    ----------
    ids, models
        Of each account; strangers, which only other tables know, come last and have no model.
    faults
        Why an account is refused, by id.
    flows, statuses, overrides
        Cash flow in money, status, and overrides by column (NaN: none): a value a row of ``accounts``.
    rows
        The row of ``accounts`` that is each account's; -1 for strangers.
    units
        Of ``holdings`` and of ``orders``: the rows of each account, then two arrays, a value a row of the table: the
        asset's position in ``assets`` (-1 unknown) and the signed units (0 for orders that are not open).
    restrictions
        The rows of each account, then the asset's position and the rule's in :data:`~trimtab.models.accounts.RULES`,
        -1 where unknown; those of the whole desk are not among them.
    desk
        ``(asset, rule)`` pairs that hold for every account, before its own.
    assets
        Their ids in the universe's order.
    last_rebalance
        The last day each account traded, ``datetime64[D]``, NaT where nobody knows.
    last_views
        The sign of the views of each account's last decision, a text a row of ``accounts``.
    positions, history, phases, breaches
        The rows of each account, then what the table of that name says; None where the book has none.
    navs
        What their keepers say accounts are worth, a value a row of ``accounts``, NaN where nobody says.
    """

    ids: tuple[str, ...]
    models: tuple[str, ...]
    faults: Mapping[str, AccountError]
    flows: np.ndarray
    statuses: tuple[str, ...]
    overrides: Mapping[str, np.ndarray]
    rows: np.ndarray
    units: Mapping[str, tuple[Rows, np.ndarray, np.ndarray]]
    restrictions: tuple[Rows, np.ndarray, np.ndarray]
    desk: tuple[tuple[str, Rule], ...]
    assets: tuple[str, ...]
    last_rebalance: np.ndarray
    last_views: tuple[str, ...]
    positions: tuple[Rows, Leanings] | None = None
    history: tuple[Rows, Dealings] | None = None
    phases: tuple[Rows, Phasings] | None = None
    breaches: tuple[Rows, Trespasses] | None = None
    navs: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        """Count the accounts, refused ones too."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Account | Refused]:
        """Walk the accounts."""
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position: int) -> Account | Refused:
        """Put one account together."""
        name, model = self.ids[position], self.models[position]
        fault = self.faults.get(name)
        return Refused(name, model, fault) if fault else self._account(position)

    def _account(self, position: int) -> Account:
        name, model, row = self.ids[position], self.models[position], int(self.rows[position])
        own = {limit: float(values[row]) for limit, values in self.overrides.items() if not np.isnan(values[row])}
        rows, positions, kinds = self.restrictions
        mine: tuple[tuple[str, Rule], ...] = tuple((self.assets[positions[i]], RULES[kinds[i]]) for i in rows.of(name))
        return Account(
            name,
            model,
            self._sum("holdings", name),
            float(self.flows[row]),
            self._sum("orders", name),
            self.desk + mine,
            own,
            cast("Status", self.statuses[row]),
            last_rebalance=self.last_rebalance[position].astype(object),
            last_views=self.last_views[row],
            positions=self._brought(self.positions, name, as_positions),
            history=self._brought(self.history, name, as_trades),
            phases=self._brought(self.phases, name, as_phases),
            breaches=self._brought(self.breaches, name, as_breach_rows),
            nav=None if np.isnan(self.navs[row]) else float(self.navs[row]),
        )

    def _brought(self, grouped: Any, name: str, read: Callable[..., tuple]) -> tuple:
        return () if grouped is None else read(grouped[1], grouped[0].of(name), self.assets)

    def _sum(self, table: str, name: str) -> dict[str, float]:
        rows, positions, quantities = self.units[table]
        own = rows.of(name)
        total: dict[str, float] = {}
        for position, quantity in zip(positions[own].tolist(), quantities[own].tolist(), strict=True):
            asset = self.assets[position]
            total[asset] = total.get(asset, 0.0) + quantity
        return {a: q for a, q in total.items() if q}
