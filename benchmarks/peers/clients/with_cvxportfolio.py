"""cvxportfolio: a `SinglePeriodOptimization` of forecasts, executed for the holdings of one account today."""

import cvxportfolio as cvx
import pandas as pd
from sheets import STEPS, TOLERANCES

LIBRARIES = ("cvxportfolio", "cvxpy", "clarabel", "numpy")
STATES = STEPS
_TODAY = pd.Timestamp("2026-01-02")


def state(sheet, step, m, gain):
    """Return the policy of model m; risk and returns are stated against the benchmark, the strategic weights."""
    cut, names = sheet.risky(), sheet.ids[sheet.risky()]
    strategic = pd.Series(sheet.strategic[m], index=sheet.ids)
    risk = cvx.FullCovariance(pd.DataFrame(sheet.sigma[cut, cut], index=names, columns=names))
    objective = cvx.ReturnsForecast(r_hat=pd.Series(gain[cut], index=names)) - sheet.aversion / 2 * risk
    limits = [
        cvx.LongOnly(), cvx.FixedImbalance(sheet.invested()),
        cvx.MaxBenchmarkDeviation(sheet.deviation), cvx.MinBenchmarkDeviation(-sheet.deviation),
    ]  # fmt: skip
    if sheet.says(step, "tracking"):
        limits.append(risk <= sheet.tracking**2)
    if sheet.says(step, "turnover"):
        limits.append(cvx.TurnoverLimit(sheet.turnover))
    if sheet.says(step, "costs"):
        objective -= cvx.TransactionCost(a=pd.Series(sheet.yearly()[cut], index=names), b=None)
    return cvx.SinglePeriodOptimization(
        objective, limits, include_cash_return=False, benchmark=cvx.FixedWeights(strategic),
        solver="CLARABEL", **TOLERANCES,
    )  # fmt: skip


def execute(sheet, policy, i):
    """Return the weights after the trades of one account."""
    held = pd.Series(sheet.current[i], index=sheet.ids)
    trades, _, _ = policy.execute(held, market_data=None, t=_TODAY)
    return (held + trades).to_numpy()


def one(sheet, step):
    """Views by hand, a policy, its execution."""
    return lambda i: execute(sheet, state(sheet, step, sheet.model[i], sheet.lean(sheet.model[i])), i)


def loop(sheet, step):
    """Do the same with a policy a model."""
    policies = [state(sheet, step, m, sheet.lean(m)) for m in range(len(sheet.strategic))]
    return lambda i: execute(sheet, policies[sheet.model[i]], i)
