"""How weights and utility move with each number of the question: views, limits, costs, the price of risk.

From the optimality system (:mod:`trimtab.optimizer.derivatives`), so nothing is solved again. At a point where a limit
or a no-trade zone is just met, up and down differ: both are told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import InputError, UnsolvedError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from ..models.trails import Trail
from ..models.views import View
from ..optimizer.derivatives import Optimum, differentiate
from ..optimizer.problems import Problem, state
from ..optimizer.refinements import refine
from ..optimizer.solutions import Solution, solve
from ..optimizer.tactical import place
from ..units import day
from .knobs import Setting, current, name_knobs, turn
from .worlds import Believer, list_views

_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Derivatives of the ideal weights of one account.

    Parameters
    ----------
    up, down
        A row a knob, a column an asset: change of weight per unit of the knob (a gain of 0.01 more moves the weight by
        0.01 times this), as it rises and as it falls.
    utility
        A row a knob, columns value (where it stands now), up and down: utility a year per unit.
    solution
        The answer they are derivatives of.
    """

    up: pd.DataFrame
    down: pd.DataFrame
    utility: pd.DataFrame
    solution: Solution

    @property
    def one_sided(self) -> pd.Series:
        """Mask of the knobs at which something lets go or is met, so that up and down differ."""
        apart = (self.up - self.down).abs().max(axis=1)
        return apart > 1e-6 * (1.0 + self.up.abs().max(axis=1))

    def to_frame(self) -> pd.DataFrame:
        """Return value, utility and weights per unit, as each knob rises, and whether it falls alike."""
        worth = pd.DataFrame({"value": self.utility["value"], "utility": self.utility["up"]})
        return worth.join(self.up).assign(one_sided=self.one_sided)

    def _repr_html_(self) -> str:
        return self.to_frame().to_html(float_format=lambda x: f"{x:.4g}")


def sensitivity(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    knobs: Sequence[str] = (),
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Sensitivity:
    """Return the derivatives of an account's ideal weights, and of its utility, to the numbers of the question.

    Parameters
    ----------
    account, policy, market, views, on, overlay, trail
        As in :func:`trimtab.optimizer.rebalance`.
    knobs
        Names as in :mod:`.knobs`; all there are by default.

    Raises
    ------
    UnsolvedError
        There is no optimum that meets the mandate as it is written, so nothing to differentiate.
    InputError
        An unknown knob, or custom limits: they have no formula.
    """
    on, listed = day(on), list_views(views)
    start = Setting(policy, market.dated(on), listed)
    believe = lambda own: Believer(account, own.policy, own.market, on, overlay, trail).believe(own.views)  # noqa: E731
    solution = solve(state(start.policy, start.market), account, believe(start))
    prices = solution.multipliers
    if prices is None or solution.relaxed or solution.goal is not None:
        raise UnsolvedError(f"account {account.id}: {solution.reason or 'its destination is not the ideal'}")
    program = solution.case.program
    if program.customs:
        raise InputError(
            "a custom limit has no formula to differentiate", code="CUSTOM_LIMIT", table="policy", field="custom",
            mend="sweep the number instead",
        )  # fmt: skip
    # An engine's answer may stand a hair off what binds.
    ideal, prices = refine(program, solution.ideal, prices) or (solution.ideal, prices)
    at, rows = Optimum(program, ideal, prices), {}
    names = list(knobs) or name_knobs(start)
    for name in names:
        value = current(start, name)
        step = _STEP * max(1.0, abs(value))
        setting = turn(start, name, value + step if _rises(name, value, step) else value - step)
        step = step if _rises(name, value, step) else -step
        moved = place(
            Problem(setting.policy, setting.market, engines=solution.problem.engines), account, believe(setting)
        ).program
        rows[name] = (value, *differentiate(at, moved, step))
    assets, index = list(market.universe.assets), pd.Index(names, name="knob")
    side = lambda k: pd.DataFrame(np.array([rows[n][k].weights for n in names]), index, assets)  # noqa: E731
    worth = [(rows[n][0], rows[n][1].utility, rows[n][2].utility) for n in names]
    return Sensitivity(side(1), side(2), pd.DataFrame(worth, index, ["value", "up", "down"]), solution)


def _rises(name: str, value: float, step: float) -> bool:
    """Whether the number may be made larger: a confidence of 1 may not."""
    return not (name.endswith("confidence") and value + step > 1.0)
