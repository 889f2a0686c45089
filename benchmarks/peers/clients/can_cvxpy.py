"""What a user of cvxpy writes out: it is a language for convex problems, and knows nothing of portfolios."""

import cvxpy as cp
import numpy as np
from sheets import by_hand, check, no, partly, yes
from with_cvxpy import numbers, one, solve, state

_OUTSIDE = "`cvxpy.Problem` is one problem; what surrounds it is its user's"


def prove_steps(sheet):
    """Solve the whole mandate."""
    found = one(sheet, "costs")(0)
    active = found - sheet.strategic[sheet.model[0]]
    check(np.abs(active).max() <= sheet.deviation + 1e-6)
    check(np.sqrt(active @ sheet.sigma @ active) <= sheet.tracking + 1e-6)
    check(np.abs(found - sheet.current[0]).sum() / 2 <= sheet.turnover + 1e-6)


def opened(sheet, step="turnover"):
    """Return the parts of the first account's problem."""
    problem, w = state(sheet, step, numbers(sheet, 0, sheet.lean(sheet.model[0])))
    return problem, w


def prove_group(sheet):
    """Bound a class."""
    problem, w = opened(sheet)
    cut = sheet.risky()
    held = sheet.equity[cut].astype(float) @ (w - sheet.strategic[sheet.model[0]][cut])
    found = solve(sheet, cp.Problem(problem.objective, [*problem.constraints, cp.abs(held) <= 0.01]), w)
    check(abs((found - sheet.strategic[sheet.model[0]])[sheet.equity].sum()) <= 0.01 + 1e-6)


def prove_lots(sheet):
    """Find the nearest whole lots of 1 % by HiGHS, which takes no quadratic objective over integers."""
    problem, w = opened(sheet)
    ideal, current = solve(sheet, problem, w)[:-1], sheet.current[0][:-1]
    lots = cp.Variable(len(ideal), integer=True)
    after = current + 0.01 * lots
    rows = [cp.sum(lots) == 0, cp.abs(after - sheet.strategic[sheet.model[0]][:-1]) <= sheet.deviation]
    cp.Problem(cp.Minimize(cp.norm1(after - ideal)), rows).solve(solver=cp.HIGHS)
    check(np.allclose(lots.value, np.round(lots.value), atol=1e-6))


def prove_status(sheet):
    """Ask for what cannot be."""
    _, w = opened(sheet)
    problem = cp.Problem(cp.Minimize(0), [w >= 0.5, cp.sum(w) == 1])
    problem.solve(solver=cp.CLARABEL)
    check(problem.status == "infeasible")


def prove_priorities(sheet):
    """Find the least excess of one limit, then solve within it."""
    problem, w = opened(sheet, "tracking")
    trade, excess = cp.norm1(w - sheet.current[0][:-1]), cp.Variable(nonneg=True)
    cp.Problem(cp.Minimize(excess), [*problem.constraints, trade <= 0.001 + excess]).solve(solver=cp.CLARABEL)
    bound = 0.001 + excess.value * (1 + 1e-6) + 1e-7
    found = solve(sheet, cp.Problem(problem.objective, [*problem.constraints, trade <= bound]), w)
    check(np.isfinite(found).all())


def prove_duals(sheet):
    """Read multipliers."""
    problem, w = opened(sheet)
    solve(sheet, problem, w)
    check(all(row.dual_value is not None for row in problem.constraints))


def prove_periods(sheet):
    """State three periods."""
    path = cp.Variable((4, sheet.n))
    gain = sheet.lean(sheet.model[0])
    cost = cp.sum(cp.abs(path[1:] - path[:-1]) @ sheet.yearly())
    rows = [path[0] == sheet.current[0], cp.sum(path, axis=1) == 1, path >= 0]
    problem = cp.Problem(cp.Maximize(cp.sum(path[1:] @ gain) - cost - cp.sum_squares(path)), rows)
    problem.solve(solver=cp.CLARABEL)
    check(problem.status == "optimal")


def prove_sharpe(sheet):
    """Minimise the risk of a unit of excess return, and scale."""
    mean = sheet.aversion * sheet.sigma @ sheet.strategic[0]
    y, cut = cp.Variable(sheet.n - 1, nonneg=True), sheet.risky()
    risk = cp.quad_form(y, cp.psd_wrap(sheet.sigma[cut, cut]))
    cp.Problem(cp.Minimize(risk), [mean[cut] @ y == 1]).solve(solver=cp.CLARABEL)
    check(abs((y.value / y.value.sum()).sum() - 1) < 1e-9)


def prove_tail(sheet):
    """Write Rockafellar and Uryasev's program."""
    w, level, over = cp.Variable(sheet.n, nonneg=True), cp.Variable(), cp.Variable(len(sheet.history), nonneg=True)
    rows = [cp.sum(w) == 1, over >= -sheet.history @ w - level]
    problem = cp.Problem(cp.Minimize(level + cp.sum(over) / (0.05 * len(sheet.history))), rows)
    problem.solve(solver=cp.CLARABEL)
    check(problem.status == "optimal")


def prove_parity(sheet):
    """Minimise variance less logarithms."""
    cut = sheet.risky()
    y = cp.Variable(sheet.n - 1)
    problem = cp.Problem(cp.Minimize(cp.quad_form(y, cp.psd_wrap(sheet.sigma[cut, cut])) - cp.sum(cp.log(y))))
    problem.solve(solver=cp.CLARABEL)
    share = y.value * (sheet.sigma[cut, cut] @ y.value)
    check(np.ptp(share) < 1e-3 * share.mean())


def prove_entropy(sheet):
    """Move probabilities of rows until a volatility is what is believed."""
    p = cp.Variable(len(sheet.history), nonneg=True)
    square = sheet.history[:, 0] ** 2
    rows = [cp.sum(p) == 1, square @ p == 1.2 * square.mean()]
    problem = cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(p, 1 / len(square)))), rows)
    problem.solve(solver=cp.CLARABEL)
    check(problem.status == "optimal")


def prove_count(sheet):
    """Hold at most four, nearest to the strategic weights, by HiGHS."""
    w, held = cp.Variable(sheet.n, nonneg=True), cp.Variable(sheet.n, boolean=True)
    rows = [cp.sum(w) == 1, w <= held, cp.sum(held) <= 4]
    cp.Problem(cp.Minimize(cp.norm1(w - sheet.strategic[0])), rows).solve(solver=cp.HIGHS)
    check((w.value > 1e-6).sum() <= 4)


CELLS = {
    "relative_view": by_hand(prove_steps, "numpy before the problem"),
    "confidence": by_hand(prove_steps, "numpy before the problem"),
    "view_expiry": no(_OUTSIDE),
    "entropy_pooling": by_hand(prove_entropy, "`rel_entr`"),
    "deviation": by_hand(prove_steps),
    "group": by_hand(prove_group),
    "tracking_error": by_hand(prove_steps, "`norm`"),
    "turnover": by_hand(prove_steps, "`norm1`"),
    "costs": by_hand(prove_steps, "`abs`"),
    "lots": partly("integer variables: the nearest lots by HiGHS; the optimum needs another solver", prove_lots),
    "trade_size": partly("the same"),
    "bands": no(_OUTSIDE),
    "phases": no(_OUTSIDE),
    "time_limit": no(_OUTSIDE),
    "conflict": no("`Problem.status` is `infeasible`, and says no more", prove_status),
    "priorities": by_hand(prove_priorities, "a problem a priority"),
    "proof": no("`Problem.status` is the solver's word"),
    "shadow_price": yes(prove_duals, "`Constraint.dual_value`"),
    "reasons": no(_OUTSIDE),
    "crowd": no("a loop over `Problem.solve`"),
    "ledger": no(_OUTSIDE),
    "attribution": no(_OUTSIDE),
    "backtest": no(_OUTSIDE),
    "multi_period": by_hand(prove_periods),
    "max_sharpe": by_hand(prove_sharpe),
    "cvar": by_hand(prove_tail, "`cvxpy.cvar`, or written out"),
    "risk_parity": by_hand(prove_parity, "`log`"),
    "hierarchical": no("not a convex problem"),
    "cardinality": partly("boolean variables: linear objectives by HiGHS", prove_count),
}
