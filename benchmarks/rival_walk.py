"""The same walk by cvxportfolio, run by a Python of its own: ``python rival_walk.py given.npz back.npz``.

Stands alone: nothing in the project imports this file, and it imports nothing of the project.
"""

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd


def main() -> None:
    """Walk, write the weights after trading, print seconds and the final value."""
    import cvxportfolio as cvx

    warnings.simplefilter("ignore")
    given = np.load(sys.argv[1])
    days = pd.DatetimeIndex(given["days"])
    n = given["returns"].shape[1] - 1
    names = [f"A{k:02}" for k in range(n)]
    returns = pd.DataFrame(given["returns"], index=days[:-1], columns=[*names, "cash"])
    # One row more: the last day is traded on too, and what it earns afterwards is not looked at.
    returns.loc[days[-1]] = 0.0
    month, b = given["month"], given["strategic"]
    # All of it annual: in daily units the objective is so small that a solver stops early.
    aversion, horizon = float(given["aversion"]), float(given["horizon"])
    forecasts = pd.DataFrame(given["alphas"][month, :n], index=days, columns=names)
    index = pd.MultiIndex.from_product([days, names])
    sigma = pd.DataFrame(given["sigmas"][month][:, :n, :n].reshape(-1, n), index=index, columns=names)
    strategic = pd.Series(b, index=[*names, "cash"])
    objective = (
        cvx.ReturnsForecast(r_hat=forecasts)
        - aversion / 2.0 * cvx.FullCovariance(sigma)
        - 1.0 / horizon * cvx.TransactionCost(a=float(given["cost"]), b=None)
    )
    most, lean = float(given["most"]), strategic[names]
    policy = cvx.SinglePeriodOptimization(
        objective,
        [cvx.LongOnly(applies_to_cash=True), cvx.MaxWeights(lean + most), cvx.MinWeights(lean - most)],
        include_cash_return=False,
        benchmark=cvx.FixedWeights(strategic),
        solver="CLARABEL",
    )
    market = cvx.UserProvidedMarketData(
        returns=returns, cash_key="cash", min_history=pd.Timedelta("0d"), grace_period=pd.Timedelta("0d")
    )
    simulator = cvx.MarketSimulator(
        market_data=market, costs=[cvx.TransactionCost(a=float(given["cost"]), b=None)], round_trades=False
    )
    start = pd.Series(1e6 * strategic)
    cpu, wall = time.process_time(), time.perf_counter()
    found = simulator.backtest(policy, start_time=days[0], end_time=days[-1], h=start)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    held = found.h_plus.dropna(how="any").to_numpy()
    np.savez(sys.argv[2], weights=held / held.sum(axis=1, keepdims=True))
    print(json.dumps({"cpu": cpu, "wall": wall, "nav": float(held[-1].sum())}))


if __name__ == "__main__":
    main()
