"""The tactical target: where every account of a model would stand if trading were free."""

from __future__ import annotations

import numpy as np

from ..constraints.limits import Context
from ..models.accounts import Model
from ..models.tilts import Tilt
from ..units import Each
from .crowds import ask_all
from .engines import ask
from .problems import Problem
from .programs import POINT, Program, build


def tactical_targets(problem: Problem, model: str, aversions: np.ndarray, belief: Tilt) -> np.ndarray:
    """Return the optimum without costs under the limits that every account of a model shares, shape (m, n).

    One solve a policy, model, gamma and tilt. Deviation, group, tracking error, volatility and position limits shape
    it; turnover, cash flows, restrictions and whatever else is an account's own do not.

    Parameters
    ----------
    aversions
        The gammas asked for, shape (m,).

    Returns
    -------
    numpy.ndarray
        A row is not a number where no weights satisfy the shared limits, or no answer passed the gate.
    """
    shared = problem.shared
    one = Model(model, shared.policy.models[model], shared.policy.risk_aversion).vector(shared.market.universe)
    found = np.full((len(aversions), len(one)), np.nan)

    def pose(gamma: Each) -> Program:
        strategic = np.broadcast_to(one, (*np.shape(gamma), len(one)))
        context = Context(shared.market, strategic, strategic, nav=np.ones(np.shape(gamma)))
        return build(context, shared.policy.terms(context), belief, gamma, shared.policy.cost_horizon_years)

    program = pose(np.asarray(aversions, dtype=float))
    if not (program.customs or (program.ball_most < POINT).any()):
        crowd = ask_all(shared, program)
        found[crowd.released] = crowd.weights[crowd.released]
    for i in np.flatnonzero(np.isnan(found[:, 0])):
        alone = pose(float(aversions[i]))
        weights = ask(alone, shared.statement(alone)).weights
        if weights is not None:
            found[i] = weights
    return found
