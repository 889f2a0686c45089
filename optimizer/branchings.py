"""The exact path: HiGHS on the integer program, tangents added where its points leave a square, until the bound meets.

One thread and a limit on nodes, never on time: the same answer every time. What HiGHS says is only a bound and a hint:
the sides and lots of each of its points are kept, the fractional rest is solved again, and numpy judges the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .integers import Integers, power_tangents, tangents, write
from .remainders import Bench, best_within, leanest_within, sides
from .roundings import at_lots, lots_of
from .tickets import judge, with_cash

_ROUNDS = 40
_LINEAR = 6
_CLOSE = 1e-6
"""Turnover, decimal of NAV, or share of the indifference, within which bound and answer count as one."""


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
    start = None if incumbent is None else float(judge(tickets, incumbent[None]).utility[0])
    if incumbent is not None and start is not None and start >= bench.level - 1e-13:
        return _fewest(bench, incumbent, bench.level, node_limit)
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
    return tuple(g for g in (16 * first, 1024 * first) if g < everything) + (max(everything, 1.0),)


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
    bound = 0.0
    linear, used = True, 0
    for k in range(_LINEAR + _ROUNDS):
        linear = linear and k < _LINEAR
        cutoff = np.inf if best is None else (_value(bench, model, best, reaching) - 0.5 * _CLOSE) / scale
        status, x, least, count = solve_once(model, price, cutoff, 0 if linear else nodes - used, linear)
        used += count
        if status == "infeasible":
            value = np.inf if best is None else _value(bench, model, best, reaching)
            return Found(best, level, value, True, reaching)
        bound = max(bound, least * scale)
        if x is None:
            break
        missed = cut(model, x)
        if linear:
            linear = missed > 0.02
            continue
        best = _better(bench, _polish(bench, model, x, level, reaching), best, level)
        if best is not None and bound >= _value(bench, model, best, reaching) - _CLOSE:
            return Found(best, level, bound, True, reaching)
        if status != "optimal" or used >= nodes or missed < 1e-9:
            break
    return Found(best, level, bound, False, reaching)


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
    if not ((tickets.lot == 0) & tickets.movable).any():
        return point
    at = np.where(tickets.lot > 0, at_lots(tickets, lots_of(tickets, point), point), np.nan)
    side = sides(tickets, point)
    found = best_within(bench, side, at) if reaching else leanest_within(bench, side, at, level)
    return point if found is None else at_lots(tickets, lots_of(tickets, point), found)


def cut(model: Integers, x: np.ndarray) -> float:
    """Add tangents where a square or a power is above its column; return the largest miss, in share of what may be lost."""
    worst = 0.0
    for block in dict.fromkeys(model.quadratics):
        y, s = x[block.y], x[block.s]
        miss = y * y - s
        worst = max(worst, float(miss.sum()))
        tangents(model, block, y, np.flatnonzero(miss > 1e-4 * max(float(miss.sum()), 1e-12)))
    if len(model.power):
        size = (x[model.buy] + x[model.sell]) * model.unit
        miss = (size / 0.01) ** 1.5 - x[model.power]
        worst = max(worst, float(miss.max(initial=0.0)))
        power_tangents(model, np.maximum(size, 0.0))
    return worst


def solve_once(model: Integers, price: np.ndarray, cutoff: float, nodes: int, linear: bool) -> tuple[str, np.ndarray | None, float, int]:
    """Ask HiGHS once; return status, point, lower bound and nodes."""
    import highspy  # noqa: PLC0415  (only the exact path needs it)

    engine = highspy.Highs()
    options = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": 1e-7, "mip_abs_gap": 1e-7,
               "mip_feasibility_tolerance": 1e-8, "primal_feasibility_tolerance": 1e-9, "mip_max_nodes": max(int(nodes), 1)}
    for name, value in options.items():
        engine.setOptionValue(name, value)
    engine.passModel(_model(highspy, model, price, cutoff, linear))
    engine.run()
    status, info = engine.getModelStatus(), engine.getInfo()
    names = highspy.HighsModelStatus
    if status in {names.kInfeasible, names.kUnboundedOrInfeasible}:
        return "infeasible", None, np.inf, max(int(info.mip_node_count), 0)
    if status == names.kOptimal and linear:
        return "optimal", np.array(engine.getSolution().col_value), float(info.objective_function_value), 0
    if linear:
        return "stopped", None, 0.0, 0
    has_point = info.primal_solution_status == 2  # feasible
    x = np.array(engine.getSolution().col_value) if has_point else None
    words = "optimal" if status == names.kOptimal else "stopped"
    return words, x, float(max(info.mip_dual_bound, 0.0)), max(int(info.mip_node_count), 1)


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
