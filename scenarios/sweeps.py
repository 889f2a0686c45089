"""One account asked again and again with a number turned: frontiers, and how much of an answer hangs on a number.

Every point is a problem of its own with its own certificate; a compiled program is shared where only numbers change,
and points learn from their neighbours (:mod:`trimtab.optimizer.neighbours`). A point whose limits cannot all hold is
asked alone, so that its sentence says which gave way.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..constraints import terms
from ..constraints.phases import PACE, PHASE
from ..constraints.policies import Policy
from ..errors import InputError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.answers import Multipliers
from ..optimizer.figures import read_figures
from ..optimizer.neighbours import ask_beside, ask_neighbours, stack
from ..optimizer.orders import turnover, weigh_trades
from ..optimizer.problems import Case, Problem, outline
from ..optimizer.rooms import BINDING
from ..optimizer.solutions import Outcome, solve
from ..optimizer.tactical import place
from ..units import day
from .knobs import Knob, Setting, turn
from .worlds import Believer, list_views

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_MOST = 100_000


@dataclass(frozen=True, eq=False)
class Sweep:
    """What became of an account at every point.

    Parameters
    ----------
    knobs
        What was turned; a point for each combination of values.
    points
        Index: a level a knob. Columns outcome, utility, expected_gain, tracking_error (annual decimals), volatility,
        turnover (one-way), cost (decimal of NAV, proportional and impact), certified_te, binding (the limits with
        nothing left, with semicolons between), reason (where not OPTIMAL).
    weights
        The ideal weights: the same index, a column an asset.
    """

    knobs: tuple[Knob, ...]
    points: pd.DataFrame
    weights: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Return points and weights side by side."""
        return self.points.join(self.weights)

    def plot(self, y: str = "expected_gain", x: str = "") -> Figure:
        """Draw a figure against the knob, or against another figure (:func:`.plots.draw_sweep`)."""
        from .plots import draw_sweep

        return draw_sweep(self, y, x)

    def _repr_html_(self) -> str:
        return self.points.to_html(max_rows=40, float_format=lambda x: f"{x:.6g}")

    def __str__(self) -> str:
        """Return the points as a table."""
        return self.points.drop(columns=["reason"]).to_string(max_rows=60, float_format=lambda x: f"{x:.4g}")


def sweep(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    knobs: Knob | Sequence[Knob] | Mapping[str, Sequence[float | str]],
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Sweep:
    """Return where an account would stand for every combination of values of one knob, two, or more.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`. Triggers do not count: each point is solved.
    knobs
        What to turn (:mod:`.knobs`), also as ``{"tracking_error": ["1%", "2%"]}``. The last varies fastest.

    Returns
    -------
    Sweep
        Figures and ideal weights; lots and tickets are not applied.

    Raises
    ------
    InputError
        An unknown knob, a value that its owner refuses, more than 100,000 points, or an account that cannot be used.
    """
    on, listed = day(on), list_views(views)
    turned = read_knobs(knobs)
    count = int(np.prod([len(knob.values) for knob in turned]))
    if count > _MOST:
        raise InputError(
            f"{count} points are too many", code="TOO_MANY", field="knobs", value=count, mend=f"at most {_MOST}"
        )
    start = Setting(policy, market.dated(on), listed)
    values = list(itertools.product(*(knob.values for knob in turned)))
    settings = [turn_all(start, turned, point) for point in values]
    found = answer(account, settings, _snake(turned), on, overlay, trail)
    rows = [found.figures(i) for i in range(len(settings))]
    index = pd.MultiIndex.from_tuples(values, names=[knob.name for knob in turned])
    if len(turned) == 1:
        index = pd.Index([point[0] for point in values], name=turned[0].name)
    assets = list(market.universe.assets)
    return Sweep(turned, pd.DataFrame(rows, index=index), pd.DataFrame(found.weights, index=index, columns=assets))


def read_knobs(knobs: Knob | Sequence[Knob] | Mapping[str, Sequence[float | str]]) -> tuple[Knob, ...]:
    """Return knobs as a tuple; raise ``InputError`` where there is none, or one is named twice."""
    if isinstance(knobs, Knob):
        return (knobs,)
    if isinstance(knobs, Mapping):
        knobs = [Knob(name, tuple(values)) for name, values in knobs.items()]  # type: ignore[arg-type]
    names = [knob.name for knob in knobs]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "there is no knob" if not names else f"a knob is named twice: {names}", code="BAD_KNOB", field="knobs",
            value=", ".join(names), mend="one knob or more, each once",
        )  # fmt: skip
    return tuple(knobs)


def turn_all(setting: Setting, knobs: Sequence[Knob], values: Sequence[float]) -> Setting:
    """Return the setting with each knob at its value."""
    for knob, value in zip(knobs, values, strict=True):
        setting = turn(setting, knob.name, value)
    return setting


def _snake(knobs: Sequence[Knob]) -> np.ndarray:
    """Return the points in an order in which each is next to one that differs by one step of one knob."""
    order = np.zeros(1, dtype=int)
    for knob in knobs:
        steps = np.arange(len(knob.values))
        order = np.concatenate([at * len(steps) + (steps if k % 2 == 0 else steps[::-1]) for k, at in enumerate(order)])
    return order


@dataclass(frozen=True, eq=False)
class Memory:
    """What one question after the other may use again: compiled engines by likeness.

    A cache and nothing else; ``checked`` holds the mandate that was checked as a whole, the first one.
    """

    engines: dict = field(default_factory=dict)
    checked: list[Policy] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Answers:
    """One account in many settings: cases, ideal weights (k, n), and how each ended.

    ``prices`` are the multipliers at those that were asked together, by place; the others were asked alone.
    """

    problems: list[Problem]
    cases: list[Case]
    weights: np.ndarray
    outcomes: list[Outcome]
    certified_te: np.ndarray
    reasons: list[str]
    prices: Mapping[int, Multipliers]

    def figures(self, i: int) -> dict[str, object]:
        """Return the figures of one setting as in :class:`Sweep`."""
        return _row(self.cases[i], self.weights[i], self.outcomes[i], float(self.certified_te[i]), self.reasons[i])


def answer(
    account: Account, settings: Sequence[Setting], order: np.ndarray, on: dt.date, overlay: Tilt, trail: Trail | None,
    memory: Memory | None = None,
) -> Answers:  # fmt: skip
    """Solve one account in many settings; ``order`` is one in which neighbours are alike."""
    memory = memory or Memory()
    problems, cases = _pose(account, settings, on, overlay, trail, memory)
    outcomes, reasons = [Outcome.OPTIMAL] * len(settings), [""] * len(settings)
    weights = np.full((len(settings), len(settings[0].market.universe)), np.nan)
    certified_te = np.full(len(settings), np.nan)
    alike: dict[tuple, list[int]] = {}
    for i in order:
        program = cases[i].program
        if not program.customs and problems[i].policy.rebalance.destination != "edge":
            alike.setdefault(program.likeness, []).append(int(i))
    prices: dict[int, Multipliers] = {}
    for group in _few_last(alike, memory.engines):
        asked = stack([cases[i].program for i in group])
        near = min(prices, key=lambda j: abs(j - group[0])) if len(group) == 1 and prices else None
        found = None
        if near is not None and asked.likeness not in memory.engines:  # a matrix of its own: no engine for one point
            found = ask_beside(asked, weights[near], prices[near])
        found = ask_neighbours(problems[group[0]], asked) if found is None else found
        for k in np.flatnonzero(found.released):
            i = group[k]
            weights[i], certified_te[i], prices[i] = (
                found.weights[k],
                found.certified_te[k],
                found.multipliers.pick(int(k)),
            )
    for i in (i for i in range(len(settings)) if i not in prices):
        solution = solve(problems[i], account, cases[i].belief)
        cases[i], weights[i], certified_te[i] = solution.case, solution.ideal, solution.certificate.certified_te
        outcomes[i], reasons[i] = solution.outcome, solution.reason
    return Answers(problems, cases, weights, outcomes, certified_te, reasons, prices)


def _few_last(alike: Mapping[tuple, list[int]], engines: Mapping[tuple, object]) -> list[list[int]]:
    """Return the groups, those first that need no engine of their own or share one among many."""
    return [alike[key] for key in sorted(alike, key=lambda key: len(alike[key]) == 1 and key not in engines)]


def _pose(
    account: Account, settings: Sequence[Setting], on: dt.date, overlay: Tilt, trail: Trail | None, memory: Memory
) -> tuple[list[Problem], list[Case]]:
    """Pose every point; what two points share is made once."""
    stated: dict[tuple[int, int], Problem] = {}
    posed: dict[tuple[int, int], Case] = {}
    beliefs: dict[tuple, Tilt] = {}
    problems, cases = [], []
    for setting in settings:
        policy, market, views = setting.policy, setting.market, setting.views
        # Only what is said over strategic or over cash is read at an aversion.
        priced = any(view.basis != "active" for view in views)
        said = (id(market), policy.risk_aversion if priced else None, views)
        if said not in beliefs:
            beliefs[said] = Believer(account, policy, market, on, overlay, trail).believe(views)
        key, belief = (id(policy), id(market)), beliefs[said]
        if key not in stated:
            # The mandate as it stands is checked as for any account; a number turned on the way is not at fault.
            if not memory.checked:
                outline(policy, market)
                memory.checked.append(policy)
            stated[key] = Problem(policy, market, engines=memory.engines)
        case = _believing(posed[key], belief, policy) if key in posed else None
        if case is None:
            case = posed[key] = place(stated[key], account, belief)
        problems.append(stated[key])
        cases.append(case)
    return problems, cases


_BESIDE = ("target", "risk", "band_low", "band_high", "buy_pace", "sell_pace")


def _believing(case: Case, belief: Tilt, policy: Policy) -> Case | None:
    """Return the same account believing in other gains, or None where the belief changes more than that."""
    old = case.belief
    alike = all(np.array_equal(getattr(old, name), getattr(belief, name)) for name in _BESIDE)
    alike = alike and old.aversion == belief.aversion and old.frequency == belief.frequency
    if not alike or policy.needs_target or policy.horizon(belief) != case.horizon:
        return None
    force = case.program.force - old.alpha(case.aversion) + belief.alpha(case.aversion)
    return replace(case, belief=belief, program=replace(case.program, force=force))


def _row(case: Case, weights: np.ndarray, outcome: Outcome, certified_te: float, reason: str) -> dict[str, object]:
    figures = read_figures(case, weights, 0)
    return {
        "outcome": outcome.name,
        "utility": float(figures.utility),
        "expected_gain": float(figures.expected_gain),
        "tracking_error": float(figures.tracking_error),
        "volatility": float(case.context.market.risk.volatility(weights)),
        "turnover": float(turnover(case, weights)),
        "cost": float(_cost(case, weights)),
        "certified_te": certified_te,
        "binding": "; ".join(_binding(case, weights)),
        "reason": reason,
    }


def _cost(case: Case, weights: np.ndarray) -> float:
    """Return what the trades cost, proportional and impact, decimal of NAV."""
    z = np.abs(weigh_trades(case, weights))
    return case.horizon * float(case.program.cost @ z + case.program.impact @ z**1.5)


def _binding(case: Case, weights: np.ndarray) -> list[str]:
    market, found = case.context.market, []
    for name, term in case.program.named:
        if name in (*case.names, PHASE, PACE) and name not in found:
            read = terms.sides(term, weights, case.program.current, market.risk, market.universe)
            if (np.asarray(read.room) < BINDING).any():
                found.append(name)
    return found
