"""skfolio: `BlackLitterman` as the prior of `MeanRisk`, which maximises utility; the cash is what is not invested."""

import cvxpy as cp
import numpy as np
import pandas as pd
from sheets import STEPS, TOLERANCES
from skfolio import RiskMeasure
from skfolio.moments import EquilibriumMu
from skfolio.optimization import MeanRisk, ObjectiveFunction
from skfolio.prior import BasePrior, BlackLitterman, EmpiricalPrior, ReturnDistribution

LIBRARIES = ("skfolio", "cvxpy-base", "clarabel", "numpy")
STATES = STEPS


class Given(BasePrior):
    """A prior that is known already: skfolio would estimate it from the returns again at every fit."""

    def __init__(self, known):
        self.known = known

    def fit(self, X, y=None, **rest):
        """Hand over what is known."""
        self.return_distribution_ = self.known
        return self


def returns_of(sheet):
    """Return the history without the cash, labelled."""
    cut = sheet.risky()
    return pd.DataFrame(sheet.history[:, cut], columns=sheet.ids[cut])


def words(sheet):
    """Say the views as equations of assets."""
    told = []
    for row, gain in zip(sheet.legs, sheet.gains, strict=True):
        legs = [f"{'+' if x > 0 else '-'} {abs(x)} * {sheet.ids[i]}" for i, x in enumerate(row) if x]
        told.append(f"{' '.join(legs).lstrip('+ ')} == {gain}")
    return told


def believe(sheet, m, returns):
    """Return the distribution of model m: the posterior mean with the covariance of the returns, as everybody's here.

    (Left alone, `BlackLitterman` hands on a covariance that is a little larger: the doubt in the mean is added.)
    """
    prior = BlackLitterman(
        words(sheet),
        prior_estimator=EmpiricalPrior(
            mu_estimator=EquilibriumMu(weights=sheet.strategic[m][sheet.risky()], risk_aversion=sheet.aversion)
        ),
        view_confidences=list(sheet.confidences),
    ).fit(returns)
    posterior, before = prior.return_distribution_, prior.prior_estimator_.return_distribution_
    return ReturnDistribution(mu=posterior.mu, covariance=before.covariance, returns=posterior.returns)


def solve(sheet, step, i, known, returns):
    """Fit one model and return the weights."""
    m, cut = sheet.model[i], sheet.risky()
    least, most = sheet.box(m)
    current = sheet.current[i][cut]
    more = {}
    if sheet.says(step, "tracking"):
        more["max_tracking_error"] = sheet.tracking
    if sheet.says(step, "turnover"):  # `max_turnover` is a limit on each asset
        more["add_constraints"] = lambda w: [cp.norm1(w - current) <= 2 * sheet.turnover]
    if sheet.says(step, "costs"):
        more |= {"previous_weights": current, "transaction_costs": sheet.yearly()[cut]}
    model = MeanRisk(
        ObjectiveFunction.MAXIMIZE_UTILITY, RiskMeasure.VARIANCE, risk_aversion=sheet.aversion / 2,
        prior_estimator=Given(known), budget=sheet.invested(), min_weights=least[cut], max_weights=most[cut],
        solver="CLARABEL", solver_params=TOLERANCES, **more,
    )  # fmt: skip
    benchmark = returns.to_numpy() @ sheet.strategic[m][cut] if "max_tracking_error" in more else None
    model.fit(returns, benchmark)
    return np.append(model.weights_, 1 - sheet.invested())


def one(sheet, step):
    """Views, prior, fit."""
    returns = returns_of(sheet)
    return lambda i: solve(sheet, step, i, believe(sheet, sheet.model[i], returns), returns)


def loop(sheet, step):
    """Do the same with the prior of each model fitted once."""
    returns = returns_of(sheet)
    known = [believe(sheet, m, returns) for m in range(len(sheet.strategic))]
    return lambda i: solve(sheet, step, i, known[sheet.model[i]], returns)
