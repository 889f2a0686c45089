"""The tactical target: where every account of a model would stand if trading were free."""

from __future__ import annotations

import numpy as np

from ..constraints.limits import Context
from ..models.accounts import AVERSIONS, Account, Model
from ..models.cohorts import Cohort
from ..models.tilts import Tilt
from ..units import Each
from .crowds import ask_all
from .engines import ask
from .paces import is_slowed
from .problems import Case, Cases, Problem, aversions, pose, pose_all
from .programs import POINT, Program, build


def tactical_targets(problem: Problem, model: str, gammas: np.ndarray, belief: Tilt) -> np.ndarray:
    """Return the optimum without costs under the limits that every account of a model shares, shape (m, n).

    One solve a policy, model, gamma and tilt, remembered by the problem. Deviation, group, tracking error, volatility,
    cash and position limits shape it; bands and what is an account's own (turnover, cash flows, restrictions) do not.

    Parameters
    ----------
    gammas
        The risk aversions asked for, shape (m,).

    Returns
    -------
    numpy.ndarray
        A row is not a number where no weights satisfy the shared limits, or no answer passed the gate.
    """
    asked, which = np.unique(np.asarray(gammas, dtype=float), return_inverse=True)
    known = problem.tacticals
    new = np.array([gamma for gamma in asked if (belief, model, gamma) not in known])
    if len(new):
        found = _solve(problem, model, new, belief)
        known.update({(belief, model, gamma): target for gamma, target in zip(new, found, strict=True)})
    return np.stack([known[belief, model, gamma] for gamma in asked])[which]


def place(problem: Problem, account: Account, belief: Tilt) -> Case:
    """Pose an account with its tactical target, where the policy measures anything from it.

    Raises
    ------
    AccountError
        The account's own data cannot be used.
    """
    policy = problem.policy
    if not (policy.needs_target or is_slowed(policy, belief)):
        return pose(problem, account, belief)
    model, aversion = policy.model(account), policy.aversion(account)
    return pose(problem, account, belief, tactical_targets(problem, model.id, np.array([aversion]), belief)[0])


def place_all(problem: Problem, cohort: Cohort, belief: Tilt) -> tuple[Cases, np.ndarray]:
    """Pose many accounts of one model like :func:`place`; returns what :func:`~.problems.pose_all` does."""
    policy = problem.policy
    if not (policy.needs_target or is_slowed(policy, belief)):
        return pose_all(problem, cohort, belief)
    own = aversions(policy, cohort)
    least, most = AVERSIONS
    # Numbers out of range are refused when the account is posed.
    sane = np.where((own >= least) & (own <= most), own, policy.risk_aversion)
    return pose_all(problem, cohort, belief, tactical_targets(problem, cohort.model, sane, belief))


def _solve(problem: Problem, model: str, gammas: np.ndarray, belief: Tilt) -> np.ndarray:
    shared, program = pose_tactical(problem, model, gammas, belief)
    found = np.full(program.current.shape, np.nan)
    if not (program.customs or (program.ball_most < POINT).any()):
        crowd = ask_all(shared, program)
        found[crowd.released] = crowd.weights[crowd.released]
    for i in np.flatnonzero(np.isnan(found[:, 0])):
        _, alone = pose_tactical(problem, model, float(gammas[i]), belief)
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
