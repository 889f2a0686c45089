"""The chain of portfolios of a backtest: every question it answered is asked again, and its parts are kept.

A backtest records what it held; the way there is found again from its questions (:attr:`Backtest.asked`), which are
solved as they were. Leg 1 splits each tactical target by view, rule, overlay and shift, and a view of an opinion by
what part of its score each signal was that day; leg 2 splits what held the account back from it, limit by limit.
``apart`` says how far the trades found again are from those recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import InputError, UnsolvedError
from ..models.tilts import Tilt
from ..models.universes import Universe
from ..optimizer.legs import Leg, trace_account, trace_model
from ..optimizer.problems import Problem
from ..optimizer.reasons import OUTSIDE
from ..optimizer.solutions import Outcome, Solution, solve, unslowed
from ..scenarios.backtests import Backtest
from ..scenarios.chronicles import Chronicle
from ..scenarios.walks import Asked
from ..units import FrozenMap
from .chains import STAGES, Chain, Origin, split_by_signal

_K = {name: k for k, name in enumerate(STAGES)}


@dataclass(eq=False)
class _Way:
    """What holds from one question to the next: stages (8, n), parts of beliefs and of what held back."""

    stages: np.ndarray
    beliefs: Mapping[str, np.ndarray] = field(default_factory=dict)
    holds: Mapping[str, np.ndarray] = field(default_factory=dict)


def trace(found: Backtest, chronicle: Chronicle, *, name: str = "backtest", split: bool = True) -> Chain:
    """Return the chain of a backtest that was told to ``remember``.

    Parameters
    ----------
    found
        Of :func:`trimtab.scenarios.backtests.backtest` with ``remember=True``.
    chronicle
        The history it walked.
    name
        What it is called.
    split
        Split what was held back limit by limit: one more path for each decision.

    Raises
    ------
    InputError
        A backtest that remembers nothing, or of another history.
    """
    if not found.asked:
        raise InputError(
            "this backtest kept no questions", code="NOT_REMEMBERED", field="asked", mend="backtest(..., remember=True)"
        )
    assets, days = chronicle.universe.assets, found.days.index
    if tuple(found.weights.columns) != tuple(assets) or not days.isin(chronicle.days).all():
        raise InputError("the backtest walked another history", code="OTHER_HISTORY", field="chronicle")
    first = int(chronicle.days.searchsorted(days[0]))
    values = chronicle.values[first : first + len(days)]
    moves, weights = values[1:] / values[:-1] - 1.0, found.weights.to_numpy(dtype=float)
    t, n = moves.shape
    stages, apart = np.zeros((t, len(STAGES), n)), 0.0
    beliefs: dict[str, np.ndarray] = {}
    holds: dict[str, np.ndarray] = {}
    way = _Way(np.tile(weights[0], (len(STAGES), 1)))
    shares: dict[str, dict[str, np.ndarray]] = {}
    regimes = [str(x) for x in found.days["regime"].iloc[:-1]]
    on, told, legs = [pd.Timestamp(each.on) for each in found.asked], 0, {}
    traded = _trades(found, assets)
    for k in range(t):
        way.stages[_K["held"]] = weights[k]
        while told < len(on) and on[told] <= days[k]:
            apart = max(apart, _take(way, found.asked[told], weights[k], traded.get(days[k]), legs, split))
            told += 1
        stages[k] = way.stages
        if told and (reading := found.asked[told - 1].reading) is not None:
            regimes[k] = regimes[k] or reading.climate
            for opinion, own in reading.shares.items():
                for signal, share in own.items():
                    shares.setdefault(f"view {opinion}", {}).setdefault(signal, np.zeros(t))[k] = share
        for parts, now in ((beliefs, way.beliefs), (holds, way.holds)):
            for label, part in now.items():
                parts.setdefault(label, np.zeros((t, n)))[k] = part
    before = found.days["nav"].to_numpy(dtype=float)[:-1].copy()
    before[0] = float(found.days["opened"].iloc[0] + found.days["flow"].iloc[0])
    beliefs, origins = split_by_signal(beliefs, _origins(found.asked), shares)
    return Chain(
        name, days[1:], tuple(assets), stages, moves, nav=before,
        costs=_costs(found, chronicle.universe, before, moves, weights),
        earned=found.returns.to_numpy(dtype=float), beliefs=beliefs, holds=holds,
        regimes=tuple(regimes), origins=FrozenMap(origins),
        classes=FrozenMap(zip(assets, chronicle.universe.classes, strict=True)), apart=apart,
    )  # fmt: skip


def _take(way: _Way, asked: Asked, held: np.ndarray, trades: np.ndarray | None, legs: dict, split: bool) -> float:
    """Answer a question again and put the answer on the way; return how far it is from what was recorded."""
    problem, belief = asked.problem, asked.belief
    aversion = problem.policy.aversion(asked.account)
    key = (id(problem.policy), id(problem.market.risk), id(belief), asked.account.model, aversion)
    if key not in legs:
        legs.clear()  # questions come in time: what is past is not asked again
        legs[key] = _leg(problem, asked.account.model, aversion, belief), asked
    leg = legs[key][0]
    strategic = problem.policy.model(asked.account).vector(problem.market.universe)
    way.stages[_K["strategic"]] = strategic
    if leg is None:
        way.stages[_K["tactical"]], way.beliefs = strategic, {}
    else:
        way.stages[_K["tactical"]] = leg.end
        way.beliefs = {OUTSIDE: leg.start - strategic, **dict(zip(leg.names, leg.parts, strict=True))}
    if not asked.decided:
        return 0.0
    solution = solve(problem, asked.account, belief)
    if solution.outcome not in (Outcome.OPTIMAL, Outcome.RELAXED):
        return float("inf")
    free = unslowed(solution) or solution
    target = solution.case.program.current + (0.0 if trades is None else trades)
    target = target + (1.0 - target.sum()) * np.eye(len(target))[problem.market.universe.cash]
    way.stages[_K["decided"]] = way.stages[_K["tactical"]]
    way.stages[_K["ideal"]], way.stages[_K["phased"]] = free.ideal, solution.ideal
    way.stages[_K["target"]], way.stages[_K["filled"]] = target, held
    way.holds = {} if leg is None or not split else _holds(free, leg)
    # What costs took from the cash is all that a fill may differ by.
    apart = np.abs(target - held)
    apart[problem.market.universe.cash] = 0.0
    return float(apart.max())


def _leg(problem: Problem, model: str, aversion: float, belief: Tilt) -> Leg | None:
    try:
        return trace_model(problem, model, aversion, belief)
    except UnsolvedError:  # no tactical target: nothing is believed that day, and all is held back
        return None


def _holds(free: Solution, leg: Leg) -> Mapping[str, np.ndarray]:
    try:
        second = trace_account(free, leg)
    except UnsolvedError:  # a relaxed answer without prices: what held it back is told in one part
        return {}
    return dict(zip(second.names, second.parts, strict=True))


def _trades(found: Backtest, assets: tuple[str, ...]) -> Mapping[pd.Timestamp, np.ndarray]:
    """Return the signed weights traded on each day."""
    if not len(found.trades):
        return {}
    wide = found.trades.pivot_table(index="date", columns="asset", values="weight", aggfunc="sum")
    wide = wide.reindex(columns=list(assets)).fillna(0.0)
    return dict(zip(pd.DatetimeIndex(pd.to_datetime(wide.index)), wide.to_numpy(), strict=True))


def _costs(
    found: Backtest, universe: Universe, before: np.ndarray, moves: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return what trading took from each period's return, by asset; fees and rounding stand with the cash.

    Trades of a close count in the period that ends there; those of the first day in the first period, with what the
    money would have earned in it.
    """
    paid = np.zeros((len(found.days), len(universe)))
    if len(found.trades):
        wide = found.trades.pivot_table(index="date", columns="asset", values="cost", aggfunc="sum")
        wide = wide.reindex(columns=list(universe.assets)).fillna(0.0)
        paid[found.days.index.get_indexer(pd.DatetimeIndex(pd.to_datetime(wide.index)))] = wide.to_numpy()
    paid[:, universe.cash] += found.days["cost"].to_numpy(dtype=float) - paid.sum(1)
    costs = paid[1:] / before[:, None]
    costs[0] += paid[0] * (1.0 + weights[0] @ moves[0]) / before[0]
    return costs


def _origins(asked: tuple[Asked, ...]) -> dict[str, Origin]:
    """Return who each belief comes from."""
    found: dict[str, Origin] = {}
    for each in asked:
        for cause in each.belief.causes:
            found.setdefault(cause.name, Origin(cause.by, cause.author))
    return found
