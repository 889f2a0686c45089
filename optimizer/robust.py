"""The best worst case: weights whose least utility over a set of gains and risks is the largest.

With utilities ``u_k`` of one account, one for each pair (alpha_k, Sigma_k), under the limits it has anyway::

    maximise  t   subject to   t <= u_k(w) for every k,  and every limit          (the epigraph of min_k u_k)

What proves it is the mix that the prices p of the epigraph's rows make (von Neumann's minimax): for any p >= 0 that sum
to 1, no allowed weights have a worst case above ``max_w sum_k p_k u_k(w)``, and that mix is itself a program with one
gain and one risk::

    gamma Sigma = sum_k p_k gamma_k Sigma_k,      f + gamma Sigma c = sum_k p_k (f_k + gamma_k Sigma_k c_k)

So the mix is refined, certified and traded like any program; ``gap`` is its bound less the worst case found.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np

from ..errors import InputError
from ..models.accounts import Account
from ..models.risks import Risk
from ..models.tilts import Tilt
from ..units import FrozenMap
from .answers import Attempt, Multipliers
from .arithmetics import impossible
from .certificates import NO_CERTIFICATE, RESIDUAL, Certificate, conclude, left_over, lower_bound, repair, signed
from .crowds import ask_one
from .engines import TIGHT
from .neighbours import ask_beside
from .outlooks import Outlook
from .problems import Case, Problem
from .programs import Program
from .solutions import Outcome, Solution, price_limits, solve
from .statements import Statement
from .tactical import place

_LEAST = 1e-4
"""A share of an engine's mix below this is its tolerance, until the outlook turns out to be among the worst."""
_EQUAL = 1e-14
"""Utilities nearer to each other than this are equal."""
_STEPS, _STEP = 12, 1e-3


@dataclass(frozen=True, eq=False)
class Robust:
    """Weights for the worst of several outlooks.

    Parameters
    ----------
    solution
        Its case holds the mix of outlooks as the program; its certificate proves the worst case.
    utilities
        Utility a year of the ideal in each outlook, decimal of NAV.
    shares
        The mix: the share of each outlook, at least 0, sums to 1; those with a share are equally bad.
    """

    solution: Solution
    utilities: Mapping[str, float]
    shares: Mapping[str, float]

    @property
    def worst(self) -> float:
        """The least utility."""
        return min(self.utilities.values())


def solve_robust(problem: Problem, account: Account, belief: Tilt, outlooks: Sequence[Outlook]) -> Robust:
    """Find the weights of one account with the best worst case.

    Parameters
    ----------
    problem, account, belief
        As in :func:`trimtab.optimizer.solve`: they make the limits, which are those of the market's own risk.
    outlooks
        At least one; each is an objective.

    Raises
    ------
    AccountError
        The account's own data cannot be used.
    InputError
        No outlook, or two of one name.
    """
    names = [outlook.name for outlook in outlooks]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "there is no outlook" if not names else "two outlooks have one name", code="BAD_OUTLOOKS",
            field="outlooks", value=", ".join(names), mend="one or more, each with its own name",
        )  # fmt: skip
    case = place(problem, account, belief)
    programs = [_seen(problem, account, case, outlook) for outlook in outlooks]
    nothing = FrozenMap(dict.fromkeys(names, float("nan")))
    if impossible(case):  # in the words of any account
        return Robust(solve(problem, account, belief), nothing, nothing)
    found = _ask(case.program, programs)
    if found is None:
        met = solve(problem, account, belief)
        words = met.reason or "no engine found weights for the worst case that passed the check"
        failed = Solution(problem, case, Outcome.UNSOLVED, case.program.current, NO_CERTIFICATE, reason=words)
        return Robust(met if met.outcome is Outcome.UNSOLVED else failed, nothing, nothing)
    answer, shares = _certify(problem, programs, *found)
    assets = case.context.market.universe.assets
    solution = Solution(
        problem, replace(case, program=answer.program), Outcome.OPTIMAL if answer.proof.released else Outcome.UNSOLVED,
        answer.weights if answer.proof.released else case.program.current, answer.proof, answer.prices,
        price_limits(answer.program, assets, answer.weights, answer.prices), (Attempt("Clarabel", "optimal"),),
        "" if answer.proof.released else answer.proof.reason,
    )  # fmt: skip
    utilities = {name: float(own.utility(solution.ideal)) for name, own in zip(names, programs, strict=True)}
    return Robust(solution, FrozenMap(utilities), FrozenMap(dict(zip(names, map(float, shares), strict=True))))


def _seen(problem: Problem, account: Account, case: Case, outlook: Outlook) -> Program:
    """Return the account's program with the objective of an outlook; its limits do not matter."""
    risk = outlook.risk or problem.market.risk
    shared = replace(problem, market=replace(problem.market, risk=risk), statements={}, engines={}, tacticals={})
    own = place(shared, account, outlook.belief).program
    kept = ("market_risk", "lo", "hi", "rows_lo", "rows_hi", "most", "power", "anchor", "ball_most", "named")
    return replace(own, **{name: getattr(case.program, name) for name in kept})


def _ask(program: Program, programs: Sequence[Program]) -> tuple[np.ndarray, Multipliers, np.ndarray] | None:
    """Solve the epigraph: weights, prices of the limits (per unit of the worst utility), and the mix."""
    statement, unit = Statement(program), program.scale
    statement.load(program)
    w, worst = statement.weights, cp.Variable()
    moved, rows = w - program.current, []
    for own in programs:
        away = w - own.centre
        pay = cp.sum_squares(own.risk.root @ away) * (0.5 * own.gamma / unit)
        cost = (own.cost / unit) @ cp.abs(moved)
        if own.impact.any():
            cost += (own.impact / unit) @ cp.power(cp.abs(moved), 1.5)
        rows.append(worst <= (own.force / unit) @ away - pay - cost)
    problem = cp.Problem(cp.Maximize(worst), [*statement.constraints, statement.budget, *rows])
    for options in (TIGHT, TIGHT | {"equilibrate_enable": False}, {}):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                problem.solve(solver="CLARABEL", warm_start=False, **options)
        except (cp.SolverError, ValueError, ArithmeticError):
            continue
        if problem.status == cp.OPTIMAL and w.value is not None:
            shares = np.maximum([float(np.sum(row.dual_value)) for row in rows], 0.0)
            shares = np.where(shares < _LEAST, 0.0, shares)
            return np.array(w.value), statement.multipliers(program), shares / shares.sum()
    return None


def mix(programs: Sequence[Program], shares: np.ndarray) -> Program:
    """Return the program whose utility is the mean of several, but for a constant; limits are those of the first."""
    first, held = programs[0], [(p, own) for p, own in zip(shares, programs, strict=True) if p > 0]
    gamma = float(sum(p * own.gamma for p, own in held))
    sizes = [np.sqrt(p * own.gamma / gamma) for p, own in held]
    loadings = np.hstack([size * own.risk.loadings for size, (_, own) in zip(sizes, held, strict=True)])
    if loadings.shape[1] > len(loadings):  # as many columns as assets carry the same covariance
        loadings = np.linalg.qr(loadings.T)[1].T
    specific = np.sqrt(sum((size * own.risk.specific) ** 2 for size, (_, own) in zip(sizes, held, strict=True)))
    # An engine takes both risks at one width; columns of nothing change neither.
    width = max(loadings.shape[1], first.market_risk.loadings.shape[1])
    risk = Risk(_widened(loadings, width), specific)
    market_risk = Risk(_widened(first.market_risk.loadings, width), first.market_risk.specific)
    slope = sum(p * (own.force + own.gamma * own.risk.times(own.centre)) for p, own in held)
    mean = lambda name: sum(p * getattr(own, name) for p, own in held)  # noqa: E731
    return replace(
        first, market_risk=market_risk, risk=risk, tilted=True, gamma=gamma,
        force=slope - gamma * risk.times(first.centre), cost=mean("cost"), impact=mean("impact"),
    )  # fmt: skip


def _widened(loadings: np.ndarray, width: int) -> np.ndarray:
    return np.hstack([loadings, np.zeros((len(loadings), width - loadings.shape[1]))])


@dataclass(frozen=True, eq=False)
class _Answer:
    program: Program
    weights: np.ndarray
    prices: Multipliers
    shares: np.ndarray
    proof: Certificate


def _certify(
    problem: Problem, programs: Sequence[Program], weights: np.ndarray, prices: Multipliers, shares: np.ndarray
) -> tuple[_Answer, np.ndarray]:
    """Prove the engine's answer, and the exact optima of mixes ever nearer to the right one; return the best proved.

    Where the mix is right all outlooks in it are equally bad. Newton's steps make them so: how utilities move with
    shares is read off the optima of mixes beside it.
    """
    apart = replace(problem, statements={}, engines={}, tacticals={})  # a mix is nobody else's program
    answers = [_answer(programs, shares, repair(programs[0], weights), prices)]
    near = answers[0].weights, prices
    for _ in range(_STEPS):
        found = _optimum(apart, mix(programs, shares), *near)
        if found is None:
            break
        near = found
        answers.append(_answer(programs, shares, *found))
        shares, moved = _sharpen(apart, programs, shares, *found)
        if not moved:
            break
    best = min(answers, key=lambda own: (own.proof.residual > RESIDUAL, own.proof.gap))
    return best, best.shares


def _answer(programs: Sequence[Program], shares: np.ndarray, weights: np.ndarray, prices: Multipliers) -> _Answer:
    mixed = mix(programs, shares)
    return _Answer(mixed, weights, prices, shares, _prove(mixed, programs, shares, weights, prices))


def _optimum(
    problem: Problem, mixed: Program, weights: np.ndarray, prices: Multipliers
) -> tuple[np.ndarray, Multipliers] | None:
    """Return the exact optimum of a mix, from that of a mix beside it where that will do."""
    crowd = None if mixed.customs else ask_beside(mixed.lift(), weights, prices)
    if crowd is not None:
        return crowd.weights[0], crowd.multipliers.pick(0)
    exact = ask_one(problem, mixed)
    return None if exact.weights is None or exact.multipliers is None else (exact.weights, exact.multipliers)


def _sharpen(
    problem: Problem, programs: Sequence[Program], shares: np.ndarray, weights: np.ndarray, prices: Multipliers
) -> tuple[np.ndarray, bool]:
    """Return shares at which the outlooks of the mix are more nearly equally bad, and whether there are such."""
    everywhere = np.array([float(own.utility(weights)) for own in programs])
    worse = np.flatnonzero((shares == 0) & (everywhere < everywhere[shares > 0].min() - _EQUAL))
    if len(worse):  # an outlook that the mix forgot
        shares = shares * (1.0 - _LEAST)
        shares[worse[np.argmin(everywhere[worse])]] = _LEAST
    held = np.flatnonzero(shares > 0)
    worth = lambda w: np.array([float(programs[int(k)].utility(w)) for k in held])  # noqa: E731
    now = everywhere[held]
    if len(held) == 1 or np.ptp(now) < _EQUAL:
        return shares, False
    slopes = []
    for j in held[1:]:
        step = np.zeros(len(shares))
        step[[held[0], j]] = -_STEP * shares[held[0]], _STEP * shares[held[0]]
        found = _optimum(problem, mix(programs, shares + step), weights, prices)
        if found is None:
            return shares, False
        change = (worth(found[0]) - now) / step[j]
        slopes.append(change[1:] - change[0])
    ahead = np.linalg.lstsq(np.array(slopes).T, -(now[1:] - now[0]), rcond=1e-12)[0]
    way = np.zeros(len(shares))
    way[held] = -ahead.sum(), *ahead
    if not np.isfinite(way).all() or np.abs(way).max() < 1e-15:
        return shares, False
    # As far as no share is below nothing; what has none left is not among the worst.
    reach = np.divide(shares, -way, out=np.full(len(shares), np.inf), where=way < 0).min()
    new = np.maximum(shares + min(1.0, reach) * way, 0.0)
    new[new < 1e-3 * _LEAST] = 0.0
    return new / new.sum(), True


def _prove(
    mixed: Program, programs: Sequence[Program], shares: np.ndarray, weights: np.ndarray, prices: Multipliers
) -> Certificate:
    """Bound how much better a worst case could be, and how far the best one is, in the risk of the mix."""
    violations, prices = mixed.violations(weights), signed(prices)
    residual = float(violations.max())
    utilities = np.array([float(own.utility(weights)) for own in programs])
    constant = float(shares @ utilities) - float(mixed.utility(weights))
    left = float(left_over(mixed, prices, violations))
    gap = max(constant - float(lower_bound(mixed, weights, prices)) - float(utilities.min()), 0.0) + left
    te = float(np.sqrt(2.0 * gap / mixed.gamma)) if np.isfinite(gap) else float("inf")
    return conclude(mixed, residual, gap, te)
