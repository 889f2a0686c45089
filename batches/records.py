"""Proposals as rows of the tables of a run: one account's, or those of many decided together."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..constraints.flows import FLOW
from ..models.breaches import ORIGINS
from ..models.positions import SIDES, STATES
from ..models.schedules import STATUSES
from ..optimizer.clocks import Marks
from ..optimizer.cures import Outside
from ..optimizer.decisions import Decisions, list_binding
from ..optimizer.orders import name_trades
from ..optimizer.phases import Progress
from ..optimizer.phrases import say_progress
from ..optimizer.proposals import Proposal
from ..optimizer.relaxations import Relaxed
from ..optimizer.rooms import Room
from ..optimizer.solutions import Outcome
from .stores import SCHEMAS, empty_rows

_FIGURES = ("nav", "turnover", "cost", "tracking_error", "expected_gain", "utility", "given_up")
_SILENT = ("long_only", FLOW)
"""Limits that are no news where they bind: an asset that is simply not held, or not what the cash is spent on."""


@dataclass(frozen=True)
class Time:
    """When deciding an account began, its seconds, those of them inside an engine where that is known, and by whom."""

    started: str
    seconds: float
    engine: float | None
    worker: str


_WEIGHTS = ("current", "strategic", "tactical", "ideal", "target", "low", "high")


class Sheet:
    """The rows of a chunk while it is decided, each with its account's position in the chunk; it only collects.

    Target weights stand in whole arrays from the start, a row an account: they are nine tenths of a run.
    """

    def __init__(self, accounts: int, assets: Sequence[str]) -> None:
        self.rows = empty_rows([name for name in SCHEMAS if name != "targets"])
        self.places: dict[str, list[int]] = {name: [] for name in self.rows}
        self.pieces: dict[str, list[tuple[np.ndarray, pa.Table]]] = {name: [] for name in self.rows}
        self.counts = {outcome.name: 0 for outcome in Outcome}
        self.ids, self.assets = np.full(accounts, None, dtype=object), pa.array(assets, pa.string())
        self.weights = {name: np.full((accounts, len(assets)), np.nan) for name in _WEIGHTS}

    def add(self, name: str, places: np.ndarray, columns: Mapping[str, object]) -> None:
        """Add the rows of many accounts to a table."""
        if len(places):
            self.pieces[name].append((places, pa.table(dict(columns), schema=SCHEMAS[name])))

    def place(self, where: int | np.ndarray, ids: object, weights: Mapping[str, np.ndarray]) -> None:
        """Put the target rows of some accounts in their places."""
        self.ids[where] = ids
        for name, values in weights.items():
            self.weights[name][where] = values

    def tables(self) -> dict[str, pa.Table]:
        """Return every table, its rows in the order of the accounts."""
        return {name: self._targets() if name == "targets" else self._table(name) for name in SCHEMAS}

    def _table(self, name: str) -> pa.Table:
        parts = [(np.array(self.places[name], dtype=np.int64), pa.table(self.rows[name], schema=SCHEMAS[name]))]
        parts += self.pieces[name]
        places = np.concatenate([p for p, _ in parts])
        whole = pa.concat_tables([table for _, table in parts])
        if not (places[1:] >= places[:-1]).all():
            whole = whole.take(pa.array(np.argsort(places, kind="stable")))
        return whole.combine_chunks()

    def _targets(self) -> pa.Table:
        there = np.flatnonzero(self.ids.astype(bool))
        n = len(self.assets)
        who = pa.array(self.ids[there], pa.string()).take(pa.array(np.repeat(np.arange(len(there)), n)))
        columns: dict[str, pa.Array] = {
            "account_id": who,
            "asset_id": self.assets.take(pa.array(np.tile(np.arange(n), len(there)))),
        }
        for name, values in self.weights.items():
            flat = values[there].reshape(-1)
            columns[name] = pa.array(flat, mask=np.isnan(flat)) if name == "tactical" else pa.array(flat)
        return pa.table(columns, schema=SCHEMAS["targets"])


def record(sheet: Sheet, proposal: Proposal, tactical: np.ndarray | None, place: int, taken: Time) -> None:
    """Add one account: what became of it, its targets and trades, or why it was refused."""
    sheet.counts[proposal.outcome.name] += 1
    _add(sheet, "accounts", place, _account(proposal))
    _add(
        sheet,
        "timings",
        place,
        {
            "account_id": proposal.account,
            "started": taken.started,
            "seconds": taken.seconds,
            "engine": taken.engine,
            "trade_gap": proposal.trade_gap if proposal.trades else None,
            "worker": taken.worker,
        },
    )
    if proposal.weights is None:
        refused = {"code": proposal.code, "field": proposal.field, "value": proposal.value}
        _add(sheet, "quarantine", place, {"account_id": proposal.account, **refused, "message": proposal.reason})
        return
    frame = proposal.weights
    known = {} if tactical is None else {"tactical": tactical}
    sheet.place(
        place, proposal.account, known | {name: frame[name].to_numpy() for name in _WEIGHTS if name != "tactical"}
    )
    for trade in proposal.trades:
        row = {name: getattr(trade, name) for name in ("trade_id", "side", "quantity", "value", "weight", "cost")}
        _add(
            sheet,
            "trades",
            place,
            {**row, "account_id": proposal.account, "asset_id": trade.asset, "reason": trade.reason},
        )
    for one in proposal.positions:
        row = {name: getattr(one, name) for name in ("side", "opened", "state", "extended_until", "approval", "base")}
        told = {"age_days": float(one.age_days), "allowed": _finite(one.allowed)}
        _add(sheet, "positions", place, {**row, **told, "account_id": proposal.account, "asset_id": one.asset})
    for one in proposal.breaches:
        row = {name: getattr(one, name) for name in ("limit", "since", "origin", "until", "excess")}
        _add(sheet, "breaches", place, {**row, "days": float(one.days), "account_id": proposal.account})
    for phased in proposal.phases:
        row = {name: getattr(phased, name) for name in ("started", "gap", "done", "next_date", "status", "reason")}
        counts = {"step": None if phased.step is None else float(phased.step), "steps": float(phased.steps)}
        _add(sheet, "phases", place, {**row, **counts, "account_id": proposal.account, "asset_id": phased.asset})


def tabulate(sheet: Sheet, decisions: Decisions, tactical: np.ndarray, places: np.ndarray, taken: Time) -> None:
    """Add many accounts of one model; ``tactical`` is (m, n), its rows not numbers where there is none."""
    cases, m = decisions.cases, len(places)
    sheet.counts[decisions.outcome.name] += m
    ids = pa.array(cases.cohort.ids, pa.string())
    same = lambda text: pa.array([text] * m, pa.string())  # noqa: E731
    bounds = _all_bounds(decisions) if decisions.outcome is not Outcome.HELD else ["[]"] * m
    figures = {name: _numbers(getattr(decisions, name)) for name in _FIGURES if name != "nav"}
    sheet.add(
        "accounts",
        places,
        {
            "account_id": ids, "model_id": same(cases.cohort.model), "outcome": same(decisions.outcome.name),
            "code": same(""), "reason": pa.array(decisions.reasons, pa.string()), "nav": _numbers(cases.standing.nav),
            **figures, "gap": _numbers(decisions.gap), "certified_te": _numbers(decisions.certified_te),
            "binding": pa.array(bounds, pa.string()), "relaxed": same("[]"),
        },
    )  # fmt: skip
    weights = {"current": cases.program.current, "strategic": cases.context.strategic, "tactical": tactical}
    weights |= {"ideal": decisions.ideal, "target": decisions.target, "low": cases.program.lo, "high": cases.program.hi}
    sheet.place(places, cases.cohort.ids, weights)
    _tabulate_trades(sheet, decisions, places, ids)
    if decisions.marks is not None:
        _tabulate_positions(sheet, decisions.marks, places, ids)
    if decisions.outside is not None:
        _tabulate_breaches(sheet, decisions.outside, places, ids)
    if decisions.progress is not None:
        _tabulate_phases(sheet, decisions.progress, places, ids)
    spent: dict[str, object] = {"seconds": np.full(m, taken.seconds), "engine": np.full(m, taken.engine or 0.0)}
    spent["trade_gap"] = _numbers(decisions.trade_gap)
    sheet.add(
        "timings", places, {"account_id": ids, "started": same(taken.started), **spent, "worker": same(taken.worker)}
    )


def _tabulate_trades(sheet: Sheet, decisions: Decisions, places: np.ndarray, ids: pa.Array) -> None:
    orders, cases = decisions.orders, decisions.cases
    universe, on = cases.context.market.universe, cases.context.market.on
    names = name_trades(cases.cohort.ids.tolist(), universe.assets, orders, on)
    sheet.add(
        "trades",
        places[orders.account],
        {
            "trade_id": pa.array(names, pa.string()), "account_id": ids.take(pa.array(orders.account)),
            "asset_id": sheet.assets.take(pa.array(orders.asset)),
            "side": pa.array(["sell", "buy"]).take(pa.array((orders.weight > 0).astype(np.int64))),
            "quantity": orders.quantity, "value": orders.value, "weight": orders.weight, "cost": orders.cost,
            "reason": pa.array(orders.pulls, pa.string()).take(pa.array(orders.pull)),
        },
    )  # fmt: skip


def _tabulate_positions(sheet: Sheet, marks: Marks, places: np.ndarray, ids: pa.Array) -> None:
    """Add the positions of many accounts, each account's in the order of its assets."""
    account, asset, side = np.nonzero(np.swapaxes(marks.state, -1, -2))
    at, clocks = (account, side, asset), marks.clocks
    sheet.add(
        "positions",
        places[account],
        {
            "account_id": ids.take(pa.array(account)), "asset_id": sheet.assets.take(pa.array(asset)),
            "side": pa.array(SIDES, pa.string()).take(pa.array(side)), "opened": _days(clocks.opened[at]),
            "age_days": marks.age[at], "allowed": _numbers(marks.allowed[at]),
            "state": pa.array(STATES, pa.string()).take(pa.array(marks.state[at].astype(np.int64) - 1)),
            "extended_until": _days(clocks.until[at]),
            "approval": pa.array(clocks.references, pa.string()).take(pa.array(clocks.approval[at])),
            "base": _numbers(clocks.base[at]),
        },
    )  # fmt: skip


def _tabulate_breaches(sheet: Sheet, outside: Outside, places: np.ndarray, ids: pa.Array) -> None:
    account, limit = np.nonzero(~np.isnan(outside.since))
    at = (account, limit)
    sheet.add(
        "breaches",
        places[account],
        {
            "account_id": ids.take(pa.array(account)),
            "limit": pa.array(outside.limits, pa.string()).take(pa.array(limit)), "since": _days(outside.since[at]),
            "origin": pa.array(ORIGINS, pa.string()).take(pa.array(outside.active[at].astype(np.int64))),
            "until": _days(outside.until[at]), "days": outside.day - outside.since[at],
            "excess": _numbers(outside.excess[at]),
        },
    )  # fmt: skip


def _tabulate_phases(sheet: Sheet, progress: Progress, places: np.ndarray, ids: pa.Array) -> None:
    """Add the schedules of many accounts, each account's in the order of its assets."""
    schedules, assets = progress.schedules, sheet.assets.to_pylist()
    account, asset = np.nonzero(schedules.told)
    own, row = np.unique(account, return_inverse=True)
    each = pa.array(row)
    said = [say_progress(progress, i, tuple(assets)) for i in own.tolist()]
    following = [progress.next_day(i) for i in own.tolist()]
    sheet.add(
        "phases",
        places[account],
        {
            "account_id": ids.take(pa.array(account)), "asset_id": sheet.assets.take(pa.array(asset)),
            "started": _days(schedules.started[account]), "gap": schedules.gap[account, asset],
            "done": schedules.done[account, asset], "step": _numbers(schedules.step[account]),
            "steps": np.full(len(account), float(len(progress.plan.phases.steps))),
            "next_date": pa.array(following, pa.date32()).take(each),
            "status": pa.array(STATUSES, pa.string()).take(pa.array(progress.status[account].astype(np.int64) - 1)),
            "reason": pa.array(said, pa.string()).take(each),
        },
    )  # fmt: skip


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _days(ordinals: np.ndarray) -> pa.Array:
    none = np.isnan(ordinals)
    return pa.array(np.where(none, 0, ordinals - _EPOCH).astype(np.int32), pa.int32(), mask=none).cast(pa.date32())


def _all_bounds(decisions: Decisions) -> list[str]:
    """Return the limits with nothing left, of every account, as :func:`_json` writes them."""
    said: list[list[str]] = [[] for _ in decisions.reasons]
    for limit, labels, account, row, bound, used in list_binding(decisions):
        if limit in _SILENT:
            continue
        heads = [f'{{"limit": {_text(limit)}, "on": {_text(on)}, "bound": ' for on in labels]
        for i, q, b, u in zip(account, row, bound, used, strict=True):
            said[i].append(f'{heads[q]}{b!r}, "used": {u!r}}}')
    return [f"[{', '.join(own)}]" for own in said]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _account(proposal: Proposal) -> dict[str, object]:
    refused = proposal.outcome is Outcome.QUARANTINED
    row: dict[str, object] = {
        "account_id": proposal.account,
        "model_id": proposal.model,
        "outcome": proposal.outcome.name,
        "code": proposal.code,
        "reason": proposal.reason,
        "gap": _finite(proposal.certificate.gap),
        "certified_te": _finite(proposal.certificate.certified_te),
        "binding": _json(r for r in proposal.binding if r.limit not in _SILENT),
        "relaxed": _json(proposal.relaxed),
    }
    for name in _FIGURES:
        row[name] = None if refused else _finite(float(getattr(proposal, name)))
    return row


def _json(bounds: Iterable[Room | Relaxed]) -> str:
    """Return bounds, each with its limit and what is used of it."""
    rows = [{"limit": r.limit, "on": r.on, "bound": r.bound, "used": r.used} for r in bounds]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _numbers(values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))


def _add(sheet: Sheet, table: str, place: int, row: Mapping[str, object]) -> None:
    sheet.places[table].append(place)
    for column, values in sheet.rows[table].items():
        values.append(row[column])
