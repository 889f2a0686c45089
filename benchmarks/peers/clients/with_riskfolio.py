"""Riskfolio-Lib: `Portfolio.blacklitterman_stats` into `optimization`; the cash is what is not in the budget."""

import numpy as np
import pandas as pd
import riskfolio as rp
from sheets import TOLERANCES

LIBRARIES = ("riskfolio-lib", "cvxpy", "clarabel", "numpy")
STATES = ("views", "tracking")


def frame(values, sheet):
    """Label a column of numbers."""
    cut = sheet.risky()
    return pd.DataFrame(np.asarray(values)[cut], index=sheet.ids[cut])


def open_portfolio(sheet, m, returns):
    """Return a portfolio with the views of model m read: its posterior mean, the covariance of the returns."""
    port = rp.Portfolio(returns=returns)
    port.assets_stats(method_mu="hist", method_cov="hist")
    cut = sheet.risky()
    port.blacklitterman_stats(
        P=sheet.legs[:, cut], Q=sheet.gains[:, None], w=frame(sheet.strategic[m], sheet), delta=sheet.aversion, rf=0
    )
    port.solvers, port.sol_params, port.budget = ["CLARABEL"], {"CLARABEL": TOLERANCES}, sheet.invested()
    return port


def solve(sheet, step, m, port, returns):
    """Bound and solve; the accounts of one model differ in nothing that can be stated here."""
    cut = sheet.risky()
    least, most = (side[cut] for side in sheet.box(m))
    eye = np.eye(len(least))
    port.ainequality = np.vstack([eye, -eye])
    port.binequality = np.concatenate([most, -least])[:, None]
    if sheet.says(step, "tracking"):
        port.kindbench, port.allowTE, port.TE = False, True, sheet.tracking
        port.benchindex = pd.DataFrame(returns.to_numpy() @ sheet.strategic[m][cut][:, None], index=returns.index)
    weights = port.optimization(model="BL", rm="MV", obj="Utility", rf=0, l=sheet.aversion / 2, hist=True)
    return np.append(weights["weights"].to_numpy(), 1 - sheet.invested())


def returns_of(sheet):
    """Return the history without the cash, labelled."""
    cut = sheet.risky()
    return pd.DataFrame(sheet.history[:, cut], columns=sheet.ids[cut])


def one(sheet, step):
    """Views, portfolio, weights."""
    returns = returns_of(sheet)

    def ask(i):
        m = sheet.model[i]
        return solve(sheet, step, m, open_portfolio(sheet, m, returns), returns)

    return ask


def loop(sheet, step):
    """Do the same with the portfolio of each model opened once."""
    returns = returns_of(sheet)
    ports = [open_portfolio(sheet, m, returns) for m in range(len(sheet.strategic))]
    return lambda i: solve(sheet, step, sheet.model[i], ports[sheet.model[i]], returns)
