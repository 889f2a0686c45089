"""What Riskfolio-Lib can state."""

import numpy as np
import pandas as pd
import riskfolio as rp
from sheets import check, no, partly, yes
from with_riskfolio import frame, one, open_portfolio, returns_of

_ROWS = "`Portfolio` has linear rows, `allowTE`, `allowTO`; no cvxpy of one's own"
_ONE_DAY = "`Portfolio.optimization` gives weights; it knows no days"


def opened(sheet):
    """Return a portfolio of the first model."""
    return open_portfolio(sheet, sheet.model[0], returns_of(sheet))


def best(port, **more):
    """Solve, and return the weights."""
    return port.optimization(**({"model": "Classic", "rm": "MV", "obj": "MinRisk"} | more))


def prove_steps(sheet):
    """Solve the mandate as far as it can be stated."""
    active = one(sheet, "tracking")(0) - sheet.strategic[sheet.model[0]]
    check(np.abs(active).max() <= sheet.deviation + 1e-5)
    check(np.sqrt(active @ sheet.sigma @ active) <= sheet.tracking + 1e-5)


def prove_views(sheet):
    """Compare the posterior mean with the formula by hand, for views of a confidence of one half."""
    m, cut = sheet.model[0], sheet.risky()
    by_formula = sheet.aversion * sheet.sigma @ sheet.strategic[m] + sheet.lean(m)
    check(np.allclose(np.asarray(opened(sheet).mu_bl).ravel(), by_formula[cut], atol=1e-8))


def prove_entropy(sheet):
    """Believe in another mean of one asset."""
    port = opened(sheet)
    first = port.returns.to_numpy()[:, 0]
    port.entropy_pooling_stats(P_eq=first[None, :], Q_eq=np.array([[0.01]]))
    check(abs(float(np.asarray(port.mu_ep).ravel()[0]) - 0.01) < 1e-6)


def prove_group(sheet):
    """Bound a class of assets."""
    classes = pd.DataFrame(
        {"Assets": sheet.ids[:-1], "Class": ["equity" if each else "other" for each in sheet.equity[:-1]]}
    )
    row = {"Disabled": False, "Type": "Classes", "Set": "Class", "Position": "equity", "Sign": "<=", "Weight": 0.4}
    blank = dict.fromkeys(("Type Relative", "Relative Set", "Relative", "Factor"), "")
    port = opened(sheet)
    port.ainequality, port.binequality = rp.assets_constraints(pd.DataFrame([row | blank]), classes)
    check(best(port)["weights"].to_numpy()[sheet.equity[:-1]].sum() <= 0.4 + 1e-5)


def prove_each(sheet):
    """Limit the change of each asset."""
    port = opened(sheet)
    port.benchweights, port.allowTO, port.turnover = frame(sheet.strategic[0], sheet), True, 0.01
    found = best(port)["weights"].to_numpy()
    check(np.abs(found - sheet.strategic[0][:-1]).max() <= 0.01 + 1e-5)


def prove_status(sheet):
    """Ask for what cannot be."""
    port = opened(sheet)
    eye = np.eye(sheet.n - 1)
    port.ainequality, port.binequality = -eye, np.full((sheet.n - 1, 1), -0.5)
    check(best(port) is None)


def prove_sharpe(sheet):
    """Maximise it."""
    check(best(opened(sheet), model="BL", obj="Sharpe") is not None)


def prove_tail(sheet):
    """Minimise it."""
    check(best(opened(sheet), rm="CVaR") is not None)


def prove_parity(sheet):
    """Give each asset the same share of risk."""
    port = opened(sheet)
    w = port.rp_optimization(model="Classic", rm="MV")["weights"].to_numpy()
    share = w * (sheet.sigma[:-1, :-1] @ w)
    check(np.ptp(share) < 0.05 * share.mean(), f"{np.ptp(share) / share.mean()}")


def prove_hierarchy(sheet):
    """Build the tree."""
    port = rp.HCPortfolio(returns=returns_of(sheet))
    check(port.optimization(model="HRP", rm="MV") is not None)


CELLS = {
    "relative_view": yes(prove_views, "`blacklitterman_stats(P, Q)`"),
    "confidence": no("`black_litterman` fixes Omega: every view is believed by one half"),
    "view_expiry": no("`black_litterman` knows no days"),
    "entropy_pooling": yes(prove_entropy, "`entropy_pooling_stats`"),
    "deviation": yes(prove_steps, "`ainequality`, `binequality`"),
    "group": yes(prove_group, "`assets_constraints`"),
    "tracking_error": yes(prove_steps, "`allowTE`, from returns"),
    "turnover": partly("`allowTO` limits the change of each asset, not their sum", prove_each),
    "costs": no(_ROWS),
    "lots": no("no module of shares"),
    "trade_size": no(_ROWS),
    "bands": no(_ONE_DAY),
    "phases": no(_ONE_DAY),
    "time_limit": no(_ONE_DAY),
    "conflict": no("`optimization` prints a sentence and returns None", prove_status),
    "priorities": no(_ROWS),
    "proof": no("`optimization` takes the solver's status"),
    "shadow_price": no("`optimization` drops the problem"),
    "reasons": no(_ONE_DAY),
    "crowd": no("an `optimization` an account"),
    "ledger": no("no such module"),
    "attribution": partly("`BrinsonAttribution`: allocation and selection of classes in one period"),
    "backtest": no("no such module"),
    "multi_period": no("`optimization` is one period"),
    "max_sharpe": yes(prove_sharpe, '`obj="Sharpe"`'),
    "cvar": yes(prove_tail, '`rm="CVaR"`'),
    "risk_parity": yes(prove_parity, "`rp_optimization`"),
    "hierarchical": yes(prove_hierarchy, "`HCPortfolio`"),
    "cardinality": partly("`card`: needs a solver for mixed integers of the risk that is chosen"),
}
