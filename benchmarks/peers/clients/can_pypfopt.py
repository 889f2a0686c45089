"""What PyPortfolioOpt can state."""

import cvxpy as cp
import numpy as np
import pandas as pd
import pypfopt
from sheets import by_hand, check, no, partly, yes
from with_pypfopt import believe, one

_NO_INTEGERS = "`EfficientFrontier` has one continuous variable"
_ONE_DAY = "`EfficientFrontier` gives weights; it knows no days"


def frontier(sheet, **more):
    """Open a frontier over the model of the first account."""
    bounds = list(zip(*sheet.box(sheet.model[0]), strict=True))
    mean = believe(sheet, sheet.model[0])
    return pypfopt.EfficientFrontier(mean, sheet.sigma, weight_bounds=bounds, solver="CLARABEL", **more)


def history(sheet):
    """Return the history as a frame, without the cash."""
    return pd.DataFrame(sheet.history[:, :-1] / 12, columns=sheet.ids[:-1])


def prove_steps(sheet):
    """Solve the whole mandate."""
    found = one(sheet, "costs")(0)
    active = found - sheet.strategic[sheet.model[0]]
    check(np.abs(active).max() <= sheet.deviation + 1e-6)
    check(np.sqrt(active @ sheet.sigma @ active) <= sheet.tracking + 1e-5)
    check(np.abs(found - sheet.current[0]).sum() / 2 <= sheet.turnover + 1e-5)


def prove_views(sheet):
    """Compare the posterior mean with the formula by hand."""
    m = sheet.model[0]
    by_formula = sheet.aversion * sheet.sigma @ sheet.strategic[m] + sheet.lean(m)
    check(np.allclose(believe(sheet, m), by_formula, atol=1e-9))


def prove_group(sheet):
    """Bound a class of assets."""
    ef = frontier(sheet)
    kinds = {i: ("equity" if each else "other") for i, each in enumerate(sheet.equity)}
    ef.add_sector_constraints(kinds, {"equity": 0.3}, {"equity": 0.55})
    ef.max_quadratic_utility(sheet.aversion)
    check(0.3 - 1e-6 <= ef.weights[sheet.equity].sum() <= 0.55 + 1e-6)


def prove_lots(sheet):
    """Turn weights into whole shares of a new portfolio."""
    names = sheet.ids[:-1]
    weights = dict(zip(names, sheet.strategic[0][:-1] / sheet.strategic[0][:-1].sum(), strict=True))
    prices = pd.Series(50.0, index=names)
    shares, left = pypfopt.DiscreteAllocation(weights, prices, total_portfolio_value=10000).greedy_portfolio()
    check(left >= 0 and all(int(n) == n for n in shares.values()))


def prove_status(sheet):
    """Ask for what cannot be."""
    ef = frontier(sheet)
    ef.add_constraint(lambda w: cp.norm1(w - sheet.current[0]) <= 1e-6)
    ef.add_constraint(lambda w: w[0] >= 0.9)
    try:
        ef.max_quadratic_utility(sheet.aversion)
    except pypfopt.exceptions.OptimizationError as error:
        check("infeasible" in str(error).lower() or "solver" in str(error).lower(), str(error))
    else:
        check(False, "it was solved")


def prove_sharpe(sheet):
    """Maximise it, over the assets that have risk."""
    cut = sheet.risky()
    ef = pypfopt.EfficientFrontier(believe(sheet, 0)[cut], sheet.sigma[cut, cut], solver="CLARABEL")
    ef.max_sharpe(risk_free_rate=0.0)
    check(abs(ef.weights.sum() - 1) < 1e-6)


def prove_tail(sheet):
    """Minimise it."""
    ef = pypfopt.EfficientCVaR(None, history(sheet), solver="CLARABEL")
    ef.min_cvar()
    check(abs(ef.weights.sum() - 1) < 1e-6)


def prove_hierarchy(sheet):
    """Build the tree."""
    check(abs(sum(pypfopt.HRPOpt(history(sheet)).optimize().values()) - 1) < 1e-6)


CELLS = {
    "relative_view": yes(prove_views, "`BlackLittermanModel(P, Q)`"),
    "confidence": yes(prove_views, '`omega="idzorek"`'),
    "view_expiry": no("`BlackLittermanModel` knows no days"),
    "entropy_pooling": no("`BlackLittermanModel` is about means"),
    "deviation": yes(prove_steps, "`weight_bounds`"),
    "group": yes(prove_group, "`add_sector_constraints`"),
    "tracking_error": yes(prove_steps, "`ex_ante_tracking_error` in `add_constraint`"),
    "turnover": by_hand(prove_steps, "cvxpy in `add_constraint`"),
    "costs": by_hand(prove_steps, "cvxpy in `add_objective`; `transaction_cost` has one rate for all"),
    "lots": partly("`DiscreteAllocation` starts from cash, and looks at no limit", prove_lots),
    "trade_size": no(_NO_INTEGERS),
    "bands": no(_ONE_DAY),
    "phases": no(_ONE_DAY),
    "time_limit": no(_ONE_DAY),
    "conflict": no("`OptimizationError` says that there is no solution", prove_status),
    "priorities": no("`add_constraint` has no order"),
    "proof": no("`EfficientFrontier` takes the solver's status"),
    "shadow_price": no("`EfficientFrontier` keeps the problem to itself"),
    "reasons": no("`clean_weights` gives numbers"),
    "crowd": no("an `EfficientFrontier` an account"),
    "ledger": no("no such module"),
    "attribution": no("no such module"),
    "backtest": no("no such module"),
    "multi_period": no("`EfficientFrontier` is one period"),
    "max_sharpe": yes(prove_sharpe, "`max_sharpe`"),
    "cvar": yes(prove_tail, "`EfficientCVaR`"),
    "risk_parity": no("no such objective in `EfficientFrontier`"),
    "hierarchical": yes(prove_hierarchy, "`HRPOpt`"),
    "cardinality": no(_NO_INTEGERS),
}
