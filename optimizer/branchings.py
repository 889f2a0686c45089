"""The exact path: HiGHS on the integer program, tangents added where its points leave a square, until the bound meets.

One thread and a limit on nodes, never on time: the same answer every time. What HiGHS says is only a bound and a hint:
the sides and lots of each of its points are kept, the fractional rest is solved again, and numpy judges the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from .columns import Integers, power_tangents, tangents, trade_tangents
from .integers import write
from .remainders import Bench, best_within, between, sides
from .roundings import best_of, on_lots, search
from .tickets import judge, with_cash

_ROUNDS = 40
_LINEAR = 6
_LEARN = 14
_STALLS = 8
_WORK = 5
"""Simplex iterations allowed for a node of the node limit, over all rounds."""
_CLOSE = 1e-6
"""Turnover, decimal of NAV, within which bound and answer count as one."""
_NEARLY = 1e-4
"""The same as a share of the utility given up."""


@dataclass(frozen=True, eq=False)
class Found:
    """The best target found; ``level`` is the utility it was held to, ``proved`` whether bound and answer met.

    ``bound`` is of ``worth * trades + turnover``, or of the utility given up where ``reaching``.
    """

    weights: np.ndarray | None
    level: float
    bound: float
    proved: bool
    reaching: bool


def branch(bench: Bench, incumbent: np.ndarray | None, node_limit: int) -> Found:
    """Find the fewest trades exactly, from a feasible incumbent or from none."""
    tickets = bench.tickets
    if incumbent is not None and tickets.lot.any():
        incumbent = _mend(bench, incumbent, bench.level, pool=40)
    start = None if incumbent is None else float(judge(tickets, incumbent[None]).utility[0])
    if incumbent is not None and start is not None and start >= bench.level - 1e-13:
        return _fewest(bench, incumbent, bench.level, node_limit)
    top = Found(None, bench.level, 0.0, False, True)
    for given_up in _losses(bench, start):
        top = _outer(bench, write(bench, given_up, True), incumbent, bench.level, node_limit, True)
        if top.weights is not None or not top.proved:
            break
    if top.weights is not None and judge(tickets, top.weights[None]).utility[0] >= bench.level - 1e-13:
        return _fewest(bench, top.weights, bench.level, node_limit)
    return top


def _losses(bench: Bench, start: float | None) -> tuple[float, ...]:
    """Return losses of utility to look within: what the incumbent loses, else wider and wider, the last without end."""
    if start is not None:
        return ((bench.best - start) * (1 + 1e-9) + 1e-12,)
    everything = 4.0 / float(np.min(bench.shape[np.isfinite(bench.shape)], initial=1.0))
    first = max(bench.tickets.indifference, 1e-5)
    return (*(g for g in (16 * first, 1024 * first) if g < everything), max(everything, 1.0))


def _fewest(bench: Bench, incumbent: np.ndarray, level: float, node_limit: int) -> Found:
    # Without any room the only point is the ideal: a little is needed to divide by.
    given_up = max(bench.best - level, 1e-12)
    if given_up < 1e-9:
        return Found(incumbent, level, 0.0, False, False)
    return _outer(bench, write(bench, given_up, False), incumbent, level, node_limit, False)


def _outer(bench: Bench, model: Integers, best: np.ndarray | None, level: float, nodes: int, reaching: bool) -> Found:
    """Solve, add tangents at the point, solve again; the relaxation without whole numbers first, which is cheap."""
    price = _loss_price(model) if reaching else model.price()
    scale = 1.0 if reaching else 0.01
    bound, close = 0.0, _NEARLY if reaching else _CLOSE
    linear, used, work, stalls = True, 0, 0, 0
    if best is not None and not reaching:
        best = _better(bench, _teach(bench, model, best, level), best, level)
    for k in range(_LINEAR + _ROUNDS):
        linear = linear and k < _LINEAR
        cutoff = np.inf if best is None else (_value(bench, model, best, reaching) - 0.5 * close) / scale
        status, x, least, count, iterations = solve_once(
            model, price, cutoff, 0 if linear else min(nodes - used, nodes // 4), linear
        )
        used += count
        if status == "infeasible":
            value = np.inf if best is None else _value(bench, model, best, reaching)
            return Found(best, level, value, True, reaching)
        gained, bound = least * scale - bound, max(bound, least * scale)
        if x is None:
            break
        missed = cut(model, x)
        if linear:
            linear = missed > 0.005
            if not linear or k == _LINEAR - 1:
                _thin(model, x)
            continue
        hint, before = _learn(model, price, x), best
        for point in (x, hint):
            new = None if point is None else _polish(bench, model, point, level, reaching)
            best = _better(bench, new, best, level)
        if best is not None and bound >= _value(bench, model, best, reaching) - close:
            return Found(best, level, bound, True, reaching)
        stalls = stalls + 1 if gained < 1e-9 and best is before else 0
        if status != "optimal" or used >= nodes or missed < 1e-9 or stalls >= _STALLS:
            break
        if (work := work + iterations) > _WORK * nodes:
            break
    return Found(best, level, bound, False, reaching)


def _learn(model: Integers, price: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """Add the tangents that say what this choice of trades costs, so that no choice is met twice; linear, so cheap.

    Return the last point, lots not yet whole; None where the choice is impossible.
    """
    lower, upper = model.lower.copy(), model.upper.copy()
    sides = np.concatenate([model.buying, model.selling])
    lower[sides] = upper[sides] = np.round(x[sides])
    loss = _loss_price(model)
    point: np.ndarray = x
    for objective, most in ((loss, np.inf), (price, model.upper[model.loss])):
        upper[model.loss] = most
        before = len(model.rows.rows)
        for _ in range(_LEARN):
            _, found, least, *_ = solve_once(replace(model, lower=lower, upper=upper), objective, np.inf, 0, True)
            if found is None:
                return None
            point = found
            reached = cut(model, point) < 1e-6
            if objective is loss and least > model.upper[model.loss] + 1e-9:
                _only_at(model, point, before)
                return None
            if reached:
                break
        _only_at(model, point, before)
    return point


def _teach(bench: Bench, model: Integers, best: np.ndarray, level: float) -> np.ndarray | None:
    """Begin with the tangents of the incumbent's own trades; return the incumbent made the best of."""
    x, side = np.zeros(len(model.lower)), sides(bench.tickets, best)[model.assets]
    x[model.buying], x[model.selling] = side > 0, side < 0
    hint = _learn(model, model.price(), x)
    return None if hint is None else _polish(bench, model, hint, level, False)


def _only_at(model: Integers, point: np.ndarray, before: int) -> None:
    """Put the tangents at the last point in place of those on the way there: fewer rows, faster nodes."""
    for part in (model.rows.rows, model.rows.lower, model.rows.upper):
        del part[before:]
    for block in dict.fromkeys(model.quadratics):
        tangents(model, block, point[block.y])
    amount, traded = point[model.buy] + point[model.sell], point[model.buying] + point[model.selling]
    trade_tangents(model, np.divide(amount, traded, out=np.zeros_like(amount), where=traded > 1e-9))
    if len(model.power):
        power_tangents(model, np.maximum(amount * model.unit, 0.0))


def _thin(model: Integers, x: np.ndarray) -> None:
    """Drop the tangents that are far from binding at the relaxation's optimum."""
    rows = model.rows
    at = np.array(rows.rows) @ x
    keep = np.minimum(at - np.array(rows.lower), np.array(rows.upper) - at) < 0.02
    keep[: model.base] = True
    for part in (rows.rows, rows.lower, rows.upper):
        for k in np.flatnonzero(~keep)[::-1]:
            del part[k]


def _loss_price(model: Integers) -> np.ndarray:
    out = np.zeros(len(model.lower))
    out[model.loss] = 1.0
    return out


def _value(bench: Bench, model: Integers, weights: np.ndarray, reaching: bool) -> float:
    """Return what the integer program minimises, at a real target."""
    verdict = judge(bench.tickets, weights[None])
    if reaching:
        return max(bench.best - float(verdict.utility[0]), bench.best - bench.level) / model.given_up
    return float(bench.tickets.worth * verdict.count[0] + verdict.turnover[0])


def _better(bench: Bench, new: np.ndarray | None, old: np.ndarray | None, level: float) -> np.ndarray | None:
    """Return the better of two targets, None unless one meets every limit."""
    tickets, best, key = bench.tickets, None, None
    for point in (old, new):
        if point is None:
            continue
        its = judge(tickets, point[None]).key(0, level, tickets.worth)
        if its[0] == 0.0 and (key is None or its < key):
            best, key = point, its
    return best


def _polish(bench: Bench, model: Integers, x: np.ndarray, level: float, reaching: bool) -> np.ndarray | None:
    """Keep the sides and lots of a point, solve the fractional rest again."""
    tickets = bench.tickets
    point = with_cash(tickets, model.weights(x))
    if (np.abs(x - np.round(x)) > 1e-6)[model.whole].any():
        return _mend(bench, with_cash(tickets, model.weights(x, rounded=False)), level, pool=12)
    if not ((tickets.lot == 0) & tickets.movable).any():
        return point
    many = bench.lift()
    at = np.where(tickets.lot > 0, on_lots(tickets, point), np.nan)
    found = best_within(many, sides(tickets, point)[None], many.start(), at[None])
    if not found.found[0]:
        return point
    top = on_lots(many.tickets, found.weights)
    return top[0] if reaching else between(many.tickets, top, point[None], np.array([level]))[0]


def _mend(bench: Bench, point: np.ndarray, level: float, pool: int) -> np.ndarray:
    """Return the point moved lot by lot to a better one, or as it was."""
    many, levels = bench.lift(), np.array([level])
    whole = on_lots(many.tickets, point[None])
    return best_of(many.tickets, [search(many, [point[None]], levels, pool), whole], levels)[0]


def cut(model: Integers, x: np.ndarray) -> float:
    """Add tangents where a square or a power is above its column; return the miss as a share of what may be lost."""
    worst = 0.0
    for block in dict.fromkeys(model.quadratics):
        y, s = x[block.y], x[block.s]
        miss = y * y - s
        worst = max(worst, float(miss.sum()))
        tangents(model, block, y, np.flatnonzero(miss > 1e-4 * max(float(miss.sum()), 1e-12)))
    amount, traded = x[model.buy] + x[model.sell], x[model.buying] + x[model.selling]
    amount = np.divide(amount, traded, out=np.zeros_like(amount), where=traded > 1e-9)
    weight = model.quadratics[0].diagonal[model.assets] * model.unit**2 / model.quadratics[0].unit ** 2
    gap = weight * (amount**2 * traded - x[model.square])
    worst += max(float(gap.sum()), 0.0)
    if gap.max(initial=0.0) > 1e-9:
        trade_tangents(model, amount)
    if len(model.power):
        size = (x[model.buy] + x[model.sell]) * model.unit
        miss = (size / 0.01) ** 1.5 - x[model.power]
        worst = max(worst, float(miss.max(initial=0.0)))
        power_tangents(model, np.maximum(size, 0.0))
    return worst


def solve_once(
    model: Integers, price: np.ndarray, cutoff: float, nodes: int, linear: bool
) -> tuple[str, np.ndarray | None, float, int, int]:
    """Ask HiGHS once; return status, point, lower bound, nodes and simplex iterations."""
    import highspy  # (only the exact path needs it)

    engine = highspy.Highs()
    options = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": 1e-6,
        "mip_abs_gap": 2e-5,
        "mip_feasibility_tolerance": 1e-8,
        "primal_feasibility_tolerance": 1e-9,
        "mip_max_nodes": max(int(nodes), 1),
        # Points come from the fast path and from the tangents' own hints; searching for more took half of the time.
        "mip_heuristic_effort": 0.0,
        "mip_heuristic_run_feasibility_jump": False,
        "mip_detect_symmetry": False,
        "mip_allow_restart": False,
        "mip_allow_cut_separation_at_nodes": False,
    }
    for name, value in options.items():
        engine.setOptionValue(name, value)
    engine.passModel(_model(highspy, model, price, cutoff, linear))
    engine.run()
    status, info = engine.getModelStatus(), engine.getInfo()
    names = highspy.HighsModelStatus
    if status in {names.kInfeasible, names.kUnboundedOrInfeasible}:
        return "infeasible", None, np.inf, max(int(info.mip_node_count), 0), 0
    if status == names.kOptimal and linear:
        return "optimal", np.array(engine.getSolution().col_value), float(info.objective_function_value), 0, 0
    if linear:
        return "stopped", None, 0.0, 0, 0
    has_point = info.primal_solution_status == 2  # feasible
    x = np.array(engine.getSolution().col_value) if has_point else None
    words = "optimal" if status == names.kOptimal else "stopped"
    return (
        words,
        x,
        float(max(info.mip_dual_bound, 0.0)),
        max(int(info.mip_node_count), 1),
        int(info.simplex_iteration_count),
    )


def _model(highspy: Any, model: Integers, price: np.ndarray, cutoff: float, linear: bool) -> Any:
    rows, lower, upper = list(model.rows.rows), list(model.rows.lower), list(model.rows.upper)
    if np.isfinite(cutoff):
        rows.append(price)
        lower.append(-np.inf)
        upper.append(cutoff)
    matrix = sparse.csc_matrix(np.array(rows))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(price), len(rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = price, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = np.array(lower), np.array(upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if not linear:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(w)] for w in model.whole]
    return lp
