"""What cvxportfolio can state."""

import cvxportfolio as cvx
import numpy as np
import pandas as pd
from cvxportfolio.errors import PortfolioOptimizationError
from sheets import check, no, partly, yes
from with_cvxportfolio import execute, one, state

_LIST = "no such class among its constraints and policies"


def prove_steps(sheet):
    """Solve the whole mandate."""
    found = one(sheet, "costs")(0)
    active = found - sheet.strategic[sheet.model[0]]
    check(np.abs(active).max() <= sheet.deviation + 1e-6)
    check(np.sqrt(active @ sheet.sigma @ active) <= sheet.tracking + 1e-5)
    check(np.abs(found - sheet.current[0])[:-1].sum() / 2 <= sheet.turnover + 1e-5)


def policy_of(sheet, *limits, **more):
    """Return a policy of risk alone under some limits."""
    names = sheet.ids[:-1]
    risk = cvx.FullCovariance(pd.DataFrame(sheet.sigma[:-1, :-1], index=names, columns=names))
    objective = more.pop("objective", None)
    objective = -3 * risk if objective is None else objective - 3 * risk
    limits = [cvx.LongOnly(), *limits]
    return cvx.SinglePeriodOptimization(objective, limits, include_cash_return=False, solver="CLARABEL", **more)


def market_of(sheet, rows=80):
    """Return a simulator of made-up months and its days."""
    days = pd.date_range("2020-01-31", periods=rows, freq="ME", tz="UTC")
    rng = np.random.default_rng(0)
    moves = pd.DataFrame(rng.normal(0.004, 0.03, (rows, sheet.n)), index=days, columns=[*sheet.ids[:-1], "cash"])
    moves["cash"] = 0.001
    zero = pd.Timedelta("0d")
    data = cvx.UserProvidedMarketData(returns=moves, cash_key="cash", min_history=zero, grace_period=zero)
    return cvx.MarketSimulator(market_data=data, costs=[cvx.TransactionCost(a=0.001, b=None)], round_trades=False), days


def walk(sheet, policy):
    """Walk through a year of a made-up market."""
    simulator, days = market_of(sheet)
    found = simulator.backtest(policy, start_time=days[60], end_time=days[72], initial_value=1e6)
    check(np.isfinite(found.v.to_numpy()).all())


def prove_group(sheet):
    """Bound a class of assets."""
    row = pd.Series(sheet.equity[:-1].astype(float), index=sheet.ids[:-1])
    found = execute(sheet, policy_of(sheet, cvx.FixedImbalance(0.98), cvx.FactorMaxLimit(row, 0.4)), 0)
    check(found[sheet.equity].sum() <= 0.4 + 1e-5)


def prove_adaptive(sheet):
    """Rebalance only far from the target."""
    names = [*sheet.ids[:-1], "cash"]
    target = pd.Series(sheet.strategic[0], index=names)
    walk(sheet, cvx.AdaptiveRebalance(cvx.FixedWeights(target), tracking_error=0.1))


def prove_steps_to_target(sheet):
    """Go to a target in proportional steps."""
    _, days = market_of(sheet)
    names = [*sheet.ids[:-1], "cash"]
    targets = pd.DataFrame([sheet.strategic[0]] * 2, index=[days[64], days[72]], columns=names)
    walk(sheet, cvx.ProportionalTradeToTargets(targets))


def prove_status(sheet):
    """Ask for what cannot be."""
    try:
        execute(sheet, policy_of(sheet, cvx.MinWeights(0.5), cvx.LeverageLimit(1.0)), 0)
    except PortfolioOptimizationError as error:
        check("infeasible" in str(error).lower(), str(error))
    else:
        check(False, "it was solved")


def prove_soft(sheet):
    """Charge a penalty for leaving a limit."""
    soft = -100.0 * cvx.SoftConstraint(cvx.TurnoverLimit(0.0001))
    found = execute(sheet, policy_of(sheet, cvx.FixedImbalance(0.5), objective=soft), 0)
    check(abs(found[:-1].sum() - 0.5) < 1e-4)


def prove_backtest(sheet):
    """Walk with drift and costs."""
    walk(sheet, cvx.Uniform())


def prove_periods(sheet):
    """Look three periods ahead."""
    names = sheet.ids[:-1]
    risk = cvx.FullCovariance(pd.DataFrame(sheet.sigma[:-1, :-1], index=names, columns=names))
    gain = cvx.ReturnsForecast(r_hat=pd.Series(sheet.lean(0)[:-1], index=names))
    policy = cvx.MultiPeriodOptimization(
        gain - 3 * risk, [cvx.LongOnly()], planning_horizon=3, include_cash_return=False, solver="CLARABEL"
    )
    check(np.isfinite(execute(sheet, policy, 0)).all())


def prove_views_are_given(sheet):
    """Hand over forecasts that were computed elsewhere."""
    check(np.isfinite(execute(sheet, state(sheet, "views", 0, sheet.lean(0)), 0)).all())


CELLS = {
    "relative_view": no("`ReturnsForecast` takes what was computed elsewhere", prove_views_are_given),
    "confidence": no("`ReturnsForecast` has none"),
    "view_expiry": partly("`ReturnsForecast` of a series by date", prove_views_are_given),
    "entropy_pooling": no("forecasters are of means and covariances"),
    "deviation": yes(prove_steps, "`MaxBenchmarkDeviation`, `MinBenchmarkDeviation`"),
    "group": yes(prove_group, "`FactorMaxLimit`, `FactorMinLimit`"),
    "tracking_error": yes(prove_steps, "`FullCovariance() <= limit`, with a benchmark"),
    "turnover": yes(prove_steps, "`TurnoverLimit`"),
    "costs": yes(prove_steps, "`TransactionCost`"),
    "lots": partly("`round_trades` rounds to whole shares; limits are not looked at again"),
    "trade_size": no(_LIST),
    "bands": partly("`AdaptiveRebalance`: a tracking error for the whole portfolio", prove_adaptive),
    "phases": partly("`ProportionalTradeToTargets`: equal steps to dated targets", prove_steps_to_target),
    "time_limit": no(_LIST),
    "conflict": no("`PortfolioOptimizationError` says infeasible", prove_status),
    "priorities": partly("`SoftConstraint`: penalties, not an order", prove_soft),
    "proof": no("`SinglePeriodOptimization` takes the solver's status"),
    "shadow_price": no("`SinglePeriodOptimization` keeps the problem to itself"),
    "reasons": no("`execute` returns trades"),
    "crowd": no("`execute` takes the holdings of one account"),
    "ledger": no("no such module"),
    "attribution": no("`BacktestResult` has returns, costs, turnover"),
    "backtest": yes(prove_backtest, "`MarketSimulator.backtest`"),
    "multi_period": yes(prove_periods, "`MultiPeriodOptimization`"),
    "max_sharpe": no("objectives are sums of returns, risks and costs"),
    "cvar": no("risks are of second moments"),
    "risk_parity": no(_LIST),
    "hierarchical": no(_LIST),
    "cardinality": no("every constraint is convex"),
}
