"""How much of what was forecast came through to the weights, decision by decision: the transfer coefficient.

``TC = a'w / sqrt(a' S^-1 a  w' S w)`` with w the active weights after the decision, ``a = alpha + gamma S s`` what
views promise and shifts imply a year, S the covariance of that day (Clarke, de Silva and Thorley, Financial Analysts
Journal 58(5), 2002): 1 where nothing was in the way, 0 where what is held has nothing to do with what is believed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..models.risks import Risk
from ..models.tilts import Tilt
from ..scenarios.backtests import Backtest
from .skill import transfer_coefficient


def find_transfers(found: Backtest) -> pd.Series:
    """Return the transfer coefficient of each decision of a backtest that was told to ``remember``, by its day.

    A decision on which nothing was forecast, or after which nothing active is held, has none.
    """
    told: dict[object, float] = {}
    for asked in found.asked:
        if asked.decided:
            problem, on = asked.problem, pd.Timestamp(asked.on)
            names, risk = list(problem.market.universe.assets), problem.market.risk
            strategic = problem.policy.model(asked.account).vector(problem.market.universe)
            wanted = pd.Series(forecast(asked.belief, problem.policy.aversion(asked.account), risk), names)
            told[on] = transfer_coefficient(found.weights.loc[on] - strategic, wanted, risk)
    values = pd.Series(list(told.values()), pd.DatetimeIndex([*told], name="date"), dtype=float, name="transfer")
    return values.loc[np.isfinite(values.to_numpy())]


def forecast(belief: Tilt, aversion: float, risk: Risk) -> np.ndarray:
    """Return what a belief expects of each asset beyond its basis, annual decimals, shape (n,)."""
    shape = np.diag(risk.covariance).shape
    shift = np.broadcast_to(belief.target, shape)
    return np.broadcast_to(belief.alpha(aversion), shape) + aversion * (np.asarray(risk.covariance) @ shift)
