"""cvxpy as a careful user writes it: one problem with parameters (DPP), risk as a sum of squares, Clarabel."""

import cvxpy as cp
import numpy as np
from sheets import STEPS, TOLERANCES, check

LIBRARIES = ("cvxpy", "clarabel", "numpy")
STATES = STEPS


def state(sheet, step, given):
    """Return the problem of a step, divided by its scale; ``given`` are numbers of one account, or parameters."""
    cut = sheet.risky()
    root, scale = np.linalg.cholesky(sheet.sigma[cut, cut]), scale_of(sheet)
    w = cp.Variable(sheet.n - 1)
    active, trade = w - given["strategic"], w - given["current"]
    # The gain of `w`, not of `active`: a parameter times a parameter would have cvxpy compile it anew each time.
    objective = given["gain"] @ w - 0.5 * sheet.aversion / scale * cp.sum_squares(root.T @ active)
    limits = [cp.sum(w) == sheet.invested(), w >= given["least"], w <= given["most"]]
    if sheet.says(step, "tracking"):
        limits.append(cp.norm(root.T @ active) <= sheet.tracking)
    if sheet.says(step, "turnover"):
        limits.append(cp.norm1(trade) <= 2 * sheet.turnover)
    if sheet.says(step, "costs"):
        objective -= (sheet.yearly()[cut] / scale) @ cp.abs(trade)
    return cp.Problem(cp.Maximize(objective), limits), w


def scale_of(sheet):
    """Return what the objective is divided by, so that a solver's tolerances mean something."""
    return sheet.aversion * np.diag(sheet.sigma)[sheet.risky()].mean()


def numbers(sheet, i, gain):
    """Return the numbers of one account."""
    m, cut = sheet.model[i], sheet.risky()
    least, most = sheet.box(m)
    told = {"strategic": sheet.strategic[m], "least": least, "most": most, "current": sheet.current[i]}
    return {name: value[cut] for name, value in (told | {"gain": gain / scale_of(sheet)}).items()}


def solve(sheet, problem, w):
    """Solve, and return all the weights."""
    problem.solve(solver=cp.CLARABEL, **TOLERANCES)
    return np.append(w.value, 1 - sheet.invested())


def one(sheet, step):
    """State with numbers and solve, the views included."""
    return lambda i: solve(sheet, *state(sheet, step, numbers(sheet, i, sheet.lean(sheet.model[i]))))


def loop(sheet, step):
    """State once with parameters, and give each account's to it; what the views say once a model."""
    given = {name: cp.Parameter(sheet.n - 1) for name in ("strategic", "least", "most", "current", "gain")}
    problem, w = state(sheet, step, given)
    check(problem.is_dpp(), "not compiled once")
    gains = [sheet.lean(m) for m in range(len(sheet.strategic))]

    def ask(i):
        for name, value in numbers(sheet, i, gains[sheet.model[i]]).items():
            given[name].value = value
        return solve(sheet, problem, w)

    return ask
