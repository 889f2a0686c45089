"""The tactical target: where every account of a model would stand if trading were free."""

from __future__ import annotations

import numpy as np

from ..constraints.limits import Context
from ..models.accounts import Model
from ..models.tilts import Tilt
from ..units import Each
from .certificates import Certificate
from .crowds import ask_all
from .engines import Released, ask
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
    shared, program = pose_tactical(problem, model, np.asarray(aversions, dtype=float), belief)
    found = np.full(program.current.shape, np.nan)
    if not (program.customs or (program.ball_most < POINT).any()):
        crowd = ask_all(shared, program)
        found[crowd.released] = crowd.weights[crowd.released]
    for i in np.flatnonzero(np.isnan(found[:, 0])):
        _, alone = pose_tactical(problem, model, float(aversions[i]), belief)
        weights = ask(alone, shared.statement(alone)).weights
        if weights is not None:
            found[i] = weights
    return found


def pose_tactical(problem: Problem, model: str, aversion: Each, belief: Tilt) -> tuple[Problem, Program]:
    """Return the problem that the accounts of a model share, and its program at one aversion or at many."""
    shared = problem.shared
    one = Model(model, shared.policy.models[model], shared.policy.risk_aversion).vector(shared.market.universe)
    strategic = np.broadcast_to(one, (*np.shape(aversion), len(one)))
    context = Context(shared.market, strategic, strategic, nav=np.ones(np.shape(aversion)))
    named = shared.policy.terms(context)
    return shared, build(context, named, belief, aversion, shared.policy.cost_horizon_years)


def answer_tactical(shared: Problem, program: Program) -> Released:
    """Return the tactical target of one program and the prices of its limits: by the crowd's engine, else alone."""
    if not (program.customs or (program.ball_most < POINT).any()):
        crowd = ask_all(shared, program.lift())
        if crowd.released[0]:
            proof = Certificate(float(crowd.residual[0]), float(crowd.gap[0]), float(crowd.certified_te[0]))
            return Released(crowd.weights[0], crowd.multipliers.pick(0), proof, ())
    return ask(program, shared.statement(program))
