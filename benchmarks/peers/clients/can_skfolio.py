"""What skfolio can state."""

import numpy as np
import pandas as pd
from sheets import by_hand, check, no, partly, yes
from skfolio import RiskMeasure
from skfolio.model_selection import WalkForward, cross_val_predict
from skfolio.optimization import HierarchicalRiskParity, MeanRisk, ObjectiveFunction, RiskBudgeting
from skfolio.prior import EntropyPooling
from with_skfolio import believe, one, returns_of

_ONE_FIT = "`MeanRisk.fit` gives weights; nothing about the way there"


def monthly(sheet):
    """Return the history as monthly returns with dates."""
    frame = returns_of(sheet) / 12
    return frame.set_axis(pd.date_range("2020-01-31", periods=len(frame), freq="ME"))


def prove_steps(sheet):
    """Solve the whole mandate."""
    found = one(sheet, "costs")(0)
    active = found - sheet.strategic[sheet.model[0]]
    check(np.abs(active).max() <= sheet.deviation + 1e-6)
    check(np.sqrt(active @ sheet.sigma @ active) <= sheet.tracking + 1e-5)
    check(np.abs(found - sheet.current[0]).sum() / 2 <= sheet.turnover + 1e-5)


def prove_views(sheet):
    """Compare the posterior mean with the formula by hand."""
    m, cut = sheet.model[0], sheet.risky()
    by_formula = sheet.aversion * sheet.sigma @ sheet.strategic[m] + sheet.lean(m)
    check(np.allclose(believe(sheet, m, returns_of(sheet)).mu, by_formula[cut], atol=1e-9))


def prove_group(sheet):
    """Bound a class of assets."""
    groups = [["equity" if each else "other" for each in sheet.equity[:-1]]]
    model = MeanRisk(groups=groups, linear_constraints=["equity <= 0.4"]).fit(monthly(sheet))
    check(model.weights_[sheet.equity[:-1]].sum() <= 0.4 + 1e-6)


def prove_entropy(sheet):
    """Believe in another volatility."""
    frame = monthly(sheet)
    variance = float(frame["A000"].var())
    EntropyPooling(variance_views=[f"A000 == {1.2 * variance}"]).fit(frame)


def prove_status(sheet):
    """Ask for what cannot be."""
    try:
        MeanRisk(min_weights=0.5).fit(monthly(sheet))
    except Exception as error:  # noqa: BLE001  skfolio documents no class of its own
        check("infeasible" in str(error).lower() or "solver" in str(error).lower(), str(error))
    else:
        check(False, "it was solved")


def prove_fallback(sheet):
    """Fall back to another estimator."""
    model = MeanRisk(min_weights=0.5, fallback=MeanRisk()).fit(monthly(sheet))
    check(abs(model.weights_.sum() - 1) < 1e-6)


def prove_duals(sheet):
    """Read multipliers from the problem that was kept."""
    model = MeanRisk(save_problem=True).fit(monthly(sheet))
    check(any(row.dual_value is not None for row in model.problem_.constraints))


def prove_backtest(sheet):
    """Walk forward, the weights drifting, trades at a cost."""
    model = MeanRisk(transaction_costs=0.001, portfolio_params={"weight_drift": True})
    found = cross_val_predict(model, monthly(sheet), cv=WalkForward(test_size=6, train_size=36))
    check(len(found.returns) >= 12)


def prove_sharpe(sheet):
    """Maximise the ratio of return to risk."""
    check(abs(MeanRisk(ObjectiveFunction.MAXIMIZE_RATIO).fit(monthly(sheet) + 0.01).weights_.sum() - 1) < 1e-6)


def prove_tail(sheet):
    """Minimise it."""
    check(abs(MeanRisk(risk_measure=RiskMeasure.CVAR).fit(monthly(sheet)).weights_.sum() - 1) < 1e-6)


def prove_parity(sheet):
    """Give each asset the same share of risk."""
    model, frame = RiskBudgeting(), monthly(sheet)
    w = model.fit(frame).weights_
    share = w * (np.cov(frame.T) @ w)
    check(np.ptp(share) < 0.05 * share.mean(), f"{np.ptp(share) / share.mean()}")


def prove_hierarchy(sheet):
    """Build the tree."""
    check(abs(HierarchicalRiskParity().fit(monthly(sheet)).weights_.sum() - 1) < 1e-6)


CELLS = {
    "relative_view": yes(prove_views, "`BlackLitterman(views)`"),
    "confidence": yes(prove_views, "`view_confidences`"),
    "view_expiry": no("`BlackLitterman` knows no days"),
    "entropy_pooling": yes(prove_entropy, "`EntropyPooling`"),
    "deviation": yes(prove_steps, "`min_weights`, `max_weights`"),
    "group": yes(prove_group, "`linear_constraints`"),
    "tracking_error": yes(prove_steps, "`max_tracking_error`, from returns"),
    "turnover": by_hand(prove_steps, "cvxpy in `add_constraints`; `max_turnover` is a limit on each asset"),
    "costs": yes(prove_steps, "`transaction_costs`, `previous_weights`"),
    "lots": no("`MeanRisk` gives weights; no module of shares"),
    "trade_size": partly("`threshold_long` is on weights, not on trades, and needs a mixed-integer solver"),
    "bands": no(_ONE_FIT),
    "phases": no(_ONE_FIT),
    "time_limit": no(_ONE_FIT),
    "conflict": no("the error says that the solver failed, not why", prove_status),
    "priorities": partly("`fallback`: another model, in order", prove_fallback),
    "proof": no("`MeanRisk` takes the solver's status"),
    "shadow_price": by_hand(prove_duals, "`save_problem`, then cvxpy's `dual_value`"),
    "reasons": no(_ONE_FIT),
    "crowd": no("a `fit` an account"),
    "ledger": no("no such module"),
    "attribution": no("`Portfolio` has contributions to risk; nothing splits what decisions earned"),
    "backtest": yes(prove_backtest, "`WalkForward`, `cross_val_predict`"),
    "multi_period": no("`MeanRisk` is one period"),
    "max_sharpe": yes(prove_sharpe, "`MAXIMIZE_RATIO`"),
    "cvar": yes(prove_tail, "`RiskMeasure.CVAR`, `max_cvar`"),
    "risk_parity": yes(prove_parity, "`RiskBudgeting`"),
    "hierarchical": yes(prove_hierarchy, "`HierarchicalRiskParity`"),
    "cardinality": partly("`cardinality`: needs a mixed-integer solver that is installed apart (SCIP)"),
}
