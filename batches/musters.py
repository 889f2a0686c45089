"""From a roster to cohorts: the accounts that numpy can treat at once, as arrays; the others stay one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..models.accounts import RULES, Account
from ..models.breaches import read_breaches, stack_breaches
from ..models.cohorts import Cohort
from ..models.histories import read_history, stack_histories
from ..models.positions import read_positions, stack_clocks
from ..models.schedules import read_schedule, stack_schedules
from ..models.universes import Universe
from .pasts import as_clocks, as_history, as_schedules
from .rosters import Refused, Roster
from .trespasses import as_breaches

Squad = tuple[Cohort, np.ndarray]
"""Accounts of one model, and where they stand in the roster."""


def muster(roster: Roster, universe: Universe) -> list[Squad]:
    """Return the accounts of a roster that are active and hold something, by model."""
    if not len(roster.flows):  # strangers alone
        return []
    n, m = len(universe), len(roster)
    held, ordered = (_units(roster, name, n) for name in ("holdings", "orders"))
    at = np.maximum(roster.rows, 0)
    flows = np.where(roster.rows >= 0, roster.flows[at], 0.0)
    fine = np.array([name not in roster.faults for name in roster.ids], dtype=bool) & (roster.rows >= 0)
    fine &= np.array([roster.statuses[row] == "active" for row in at], dtype=bool)
    fine &= held.any(-1) | ordered.any(-1) | (flows != 0)
    rules = _rules(roster, universe)
    clocks, history = as_clocks(roster.positions, m, n), as_history(roster.history, m)
    breaches = as_breaches(roster.breaches, m)
    schedules = as_schedules(roster.phases, m, n, universe.cash)
    ids, models = np.empty(m, dtype=object), np.array(roster.models, dtype=object)
    ids[:] = roster.ids
    squads, seen = [], np.array(roster.last_views, dtype=object)
    for model in dict.fromkeys(models[fine]):
        mine = np.flatnonzero(fine & (models == model))
        cohort = Cohort(
            ids[mine],
            model,
            held[mine],
            ordered[mine],
            flows[mine],
            {rule: mask[mine] for rule, mask in rules.items()},
            {name: own[at[mine]] for name, own in roster.overrides.items()},
            last_rebalance=roster.last_rebalance[mine],
            last_views=seen[at[mine]],
            clocks=None if clocks is None else clocks.pick(mine),
            history=None if history is None else history.pick(mine),
            breaches=None if breaches is None else breaches.pick(mine),
            navs=roster.navs[at[mine]],
            schedules=None if schedules is None else schedules.pick(mine),
        )
        squads.append((cohort, mine))
    return squads


def _units(roster: Roster, table: str, n: int) -> np.ndarray:
    rows, assets, quantities = roster.units[table]
    out = np.zeros((len(roster), n))
    if not len(rows.order):
        return out
    owner, order = np.repeat(np.arange(len(roster)), np.diff(rows.starts)), rows.order
    asset, quantity = assets[order], quantities[order]
    kept = asset >= 0
    # Added up in the order of the table, as one account alone does.
    flat = np.bincount(owner[kept] * n + asset[kept], quantity[kept], len(roster) * n)
    return flat.reshape(out.shape)


def _rules(roster: Roster, universe: Universe) -> dict[str, np.ndarray]:
    rows, assets, kinds = roster.restrictions
    masks: dict[str, np.ndarray] = {}
    shape = (len(roster), len(universe))
    for asset, rule in roster.desk:
        masks.setdefault(rule, np.zeros(shape, dtype=bool))[:, universe.positions[asset]] = True
    if len(rows.order):
        owner, order = np.repeat(np.arange(len(roster)), np.diff(rows.starts)), rows.order
        asset, kind = assets[order], kinds[order]
        kept = (asset >= 0) & (kind >= 0)
        for k in np.unique(kind[kept]):
            these = kept & (kind == k)
            masks.setdefault(RULES[k], np.zeros(shape, dtype=bool))[owner[these], asset[these]] = True
    return masks


def muster_accounts(entries: Sequence[Account | Refused], universe: Universe) -> list[Squad]:
    """Return what :func:`muster` returns, of accounts already put together."""
    squads: dict[str, tuple[list[Account], list[int]]] = {}
    for position, entry in enumerate(entries):
        if isinstance(entry, Account) and entry.status == "active" and not entry.empty:
            own, mine = squads.setdefault(entry.model, ([], []))
            own.append(entry)
            mine.append(position)
    return [(_cohort(own, universe), np.array(mine)) for own, mine in squads.values()]


def _cohort(accounts: Sequence[Account], universe: Universe) -> Cohort:
    shape, at = (len(accounts), len(universe)), universe.positions
    held, ordered, masks = np.zeros(shape), np.zeros(shape), {rule: np.zeros(shape, dtype=bool) for rule in RULES}
    names = dict.fromkeys(name for account in accounts for name in account.overrides)
    overrides = {name: np.full(len(accounts), np.nan) for name in names}
    ids = np.empty(len(accounts), dtype=object)
    for i, account in enumerate(accounts):
        ids[i] = account.id
        for units, own in ((held, account.quantities), (ordered, account.orders)):
            for asset, quantity in own.items():
                units[i, at[asset]] = quantity
        for asset, rule in account.restrictions:
            masks[rule][i, at[asset]] = True
        for name, value in account.overrides.items():
            overrides[name][i] = value
    flows = np.array([account.cash_flow for account in accounts])
    return Cohort(
        ids,
        accounts[0].model,
        held,
        ordered,
        flows,
        masks,
        overrides,
        _allowances(accounts, universe),
        last_rebalance=np.array([account.last_rebalance for account in accounts], dtype="datetime64[D]"),
        last_views=np.array([account.last_views for account in accounts], dtype=object),
        clocks=stack_clocks([read_positions(account.positions, universe) for account in accounts]),
        history=stack_histories([read_history(account.history, universe) for account in accounts]),
        breaches=stack_breaches([read_breaches(account.breaches) for account in accounts]),
        navs=np.array([np.nan if account.nav is None else account.nav for account in accounts]),
        schedules=stack_schedules([read_schedule(account.phases, universe) for account in accounts]),
    )


def _allowances(accounts: Sequence[Account], universe: Universe) -> np.ndarray | None:
    if not any(account.allowances for account in accounts):
        return None
    out = np.full((2, len(accounts), len(universe)), np.inf)
    for i, account in enumerate(accounts):
        for asset, allowed in account.allowances.items():
            out[:, i, universe.positions[asset]] = allowed
    return out
