"""PyPortfolioOpt: `BlackLittermanModel` into `EfficientFrontier`, one an account as its documentation asks."""

import cvxpy as cp
import numpy as np
import pypfopt
from sheets import STEPS, TOLERANCES

LIBRARIES = ("pyportfolioopt", "cvxpy", "clarabel", "numpy")
STATES = STEPS


def believe(sheet, m):
    """Return the posterior mean of model m."""
    b = sheet.strategic[m]
    model = pypfopt.BlackLittermanModel(
        sheet.sigma, pi=sheet.aversion * sheet.sigma @ b, P=sheet.legs, Q=sheet.gains,
        omega="idzorek", view_confidences=sheet.confidences,
    )  # fmt: skip
    return np.asarray(model.bl_returns())


def solve(sheet, step, i, mean):
    """Build one frontier and return the weights of the greatest utility."""
    m, current, sigma = sheet.model[i], sheet.current[i], sheet.sigma
    bounds = list(zip(*sheet.box(m), strict=True))
    frontier = pypfopt.EfficientFrontier(
        mean, sigma, weight_bounds=bounds, solver="CLARABEL", solver_options=TOLERANCES
    )
    if sheet.says(step, "tracking"):
        b, most = sheet.strategic[m], sheet.tracking**2
        frontier.add_constraint(lambda w: pypfopt.objective_functions.ex_ante_tracking_error(w, sigma, b) <= most)
    if sheet.says(step, "turnover"):
        frontier.add_constraint(lambda w: cp.norm1(w - current) <= 2 * sheet.turnover)
    if sheet.says(step, "costs"):  # `transaction_cost` knows one rate for all assets
        frontier.add_objective(lambda w: sheet.yearly() @ cp.abs(w - current))
    frontier.max_quadratic_utility(risk_aversion=sheet.aversion)
    return frontier.weights


def one(sheet, step):
    """Views, frontier, weights."""
    return lambda i: solve(sheet, step, i, believe(sheet, sheet.model[i]))


def loop(sheet, step):
    """Do the same with the views of each model read once."""
    means = [believe(sheet, m) for m in range(len(sheet.strategic))]
    return lambda i: solve(sheet, step, i, means[sheet.model[i]])
