"""The tactical target: where every account of a model would stand if trading were free."""

from __future__ import annotations

import numpy as np

from ..constraints.limits import Context
from ..models.accounts import Model
from ..models.tilts import Tilt
from .engines import ask
from .problems import Problem
from .programs import build


def tactical_target(problem: Problem, model: str, aversion: float, belief: Tilt) -> np.ndarray | None:
    """Return the optimum without costs under the limits that every account of a model shares, shape (n,).

    One solve a policy, model, gamma and tilt. Deviation, group, tracking error, volatility and position limits shape
    it; turnover, cash flows, restrictions and whatever else is an account's own do not.

    Returns
    -------
    numpy.ndarray or None
        None where no weights satisfy the shared limits, or no answer passed the gate.
    """
    shared = problem.shared
    strategic = Model(model, shared.policy.models[model], aversion).vector(shared.market.universe)
    context = Context(shared.market, strategic, strategic)
    program = build(context, shared.policy.terms(context), belief, aversion, shared.policy.cost_horizon_years)
    return ask(program, shared.statement(program)).weights
