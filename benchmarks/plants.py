"""Mandates with a planted conflict: two limits that hold alone and not together, among others that can.

Every limit is stated twice: as the product's noun, and as one convex function ``f(w) <= number`` in the plainest cvxpy,
dense matrices and all. Only the second is used to plant and to judge.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import cvxpy as cp
import numpy as np

from trimtab.constraints.deviations import Deviation
from trimtab.constraints.groups import Group
from trimtab.constraints.limits import Limit
from trimtab.constraints.policies import Policy
from trimtab.constraints.positions import Position
from trimtab.constraints.tracking_errors import TrackingError
from trimtab.constraints.turnovers import Turnover
from trimtab.constraints.volatilities import Volatility
from trimtab.models.tilts import NO_TILT
from trimtab.optimizer.problems import Case, Problem, pose

from .worlds import World, world

KINDS = ("deviation", "tracking_error", "turnover", "volatility", "group", "position")
SHARP = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10, "max_iter": 200}


@dataclass(eq=False)
class Plain:
    """One account's limits as convex functions of its weights; ``numbers`` is what each may be at most."""

    world: World
    b: np.ndarray
    w0: np.ndarray
    mask: np.ndarray
    numbers: dict[str, float] = field(default_factory=dict)

    def value(self, kind: str, w: cp.Expression) -> cp.Expression:
        """Say a limit's left side."""
        risk, on = self.world.market.risk, np.flatnonzero(self.mask)
        spread = lambda x: cp.norm(cp.hstack([risk.loadings.T @ x, cp.multiply(risk.specific, x)]))  # noqa: E731
        z = w[:-1] - self.w0[:-1]
        says = {
            "deviation": lambda: cp.norm_inf(w - self.b),
            "tracking_error": lambda: spread(w - self.b),
            "turnover": lambda: cp.maximum(cp.sum(cp.pos(z)), cp.sum(cp.neg(z))),
            "volatility": lambda: spread(w),
            "group": lambda: -cp.sum(w[on]),
            "position": lambda: cp.max(w[on]),
            "long_only": lambda: -cp.min(w),
            "cash_floor": lambda: self.world.market.costs.proportional @ cp.abs(w - self.w0) - w[-1],
        }
        return says[kind]()

    def least(self, kind: str, others: Collection[str]) -> float:
        """Return the least a limit's left side can be where others hold."""
        w = cp.Variable(len(self.b))
        held = [self.value(other, w) <= self.numbers[other] for other in others if other != kind]
        problem = cp.Problem(cp.Minimize(self.value(kind, w)), [cp.sum(w) == 1, *held])
        problem.solve(solver="CLARABEL", **SHARP)
        return float(problem.value) if problem.status in ("optimal", "optimal_inaccurate") else np.inf

    def excess(self, names: Collection[str], **changed: float) -> float:
        """Return the least largest excess over these limits, in units of ``max(|number|, 0.01)``; 0 where all hold."""
        w, t = cp.Variable(len(self.b)), cp.Variable(nonneg=True)
        numbers = self.numbers | changed
        held = [self.value(k, w) <= numbers[k] + t * max(abs(numbers[k]), 0.01) for k in names]
        far = [cp.abs(w) <= 10.0]
        problem = cp.Problem(cp.Minimize(t), [cp.sum(w) == 1, *held, *far])
        problem.solve(solver="CLARABEL", **SHARP)
        return float(problem.value) if problem.status in ("optimal", "optimal_inaccurate") else np.nan


@dataclass(frozen=True, eq=False)
class Plant:
    """A mandate with a planted pair, and its account; ``plain`` says the same independently."""

    problem: Problem
    case: Case
    plain: Plain
    pair: tuple[str, str]


def noun(kind: str, number: float) -> Limit:
    """Return the product's limit."""
    nouns = {
        "deviation": lambda: Deviation(number),
        "tracking_error": lambda: TrackingError(number),
        "turnover": lambda: Turnover(number),
        "volatility": lambda: Volatility(number),
        "group": lambda: Group("equity", least=-number),
        "position": lambda: Position("equity", most=number),
    }
    return nouns[kind]()


def grow(rng: np.random.Generator, n: int, room: tuple[float, float] = (0.1, 0.6)) -> Plain:
    """Draw an account and limits that can hold together with room: each a little looser than one shared portfolio.

    ``room`` is how much looser, least and most, a share of the number.
    """
    w = world(n, min(20, max(2, n // 3)), accounts=1, seed=int(rng.integers(1 << 30)))
    model = w.policy.model(w.accounts[0])
    case = pose(Problem(Policy((), w.policy.models), w.market), w.accounts[0], NO_TILT)
    b, w0 = model.vector(w.market.universe), case.program.current
    plain = Plain(w, b, w0, np.array([c == "equity" for c in w.market.universe.classes]))
    at = b + rng.uniform(0.2, 0.8) * (w0 - b)
    for kind in KINDS:
        value = float(plain.value(kind, cp.Constant(at)).value)
        plain.numbers[kind] = value + rng.uniform(*room) * max(abs(value), 0.005)
    plain.numbers |= {"long_only": 0.0, "cash_floor": 0.0}
    return plain


def plant(seed: int, n: int) -> Plant | None:
    """Plant a conflict; None where this pair cannot be made to conflict."""
    rng = np.random.default_rng([20261122, seed])
    plain = grow(rng, n)
    one, two = (str(k) for k in rng.choice(KINDS, 2, replace=False))
    others = [str(k) for k in KINDS if k not in (one, two) and rng.random() < 0.6]
    base = [*others, "long_only", "cash_floor"]
    # The second alone between its least and what it is where the first is least; then the first between its least
    # without the second and with it.
    free = {kind: plain.least(kind, base) for kind in (one, two)}
    plain.numbers[one] = free[one] + 1e-4 * max(abs(free[one]), 0.01)
    with_first = plain.least(two, [*base, one])
    if not np.isfinite(with_first) or with_first - free[two] < 1e-3 * max(abs(free[two]), 0.01):
        return None
    plain.numbers[two] = free[two] + rng.uniform(0.1, 0.9) * (with_first - free[two])
    pressed = plain.least(one, [*base, two])
    if not np.isfinite(pressed) or pressed - free[one] < 1e-3 * max(abs(free[one]), 0.01):
        return None
    plain.numbers[one] = free[one] + rng.uniform(0.1, 0.9) * (pressed - free[one])
    names = [k for k in KINDS if k in (one, two, *others)]
    plain.numbers = {k: v for k, v in plain.numbers.items() if k in (*names, "long_only", "cash_floor")}
    if any(plain.numbers[k] < 0 for k in names if k != "group") or plain.numbers.get("group", -1.0) > 0:
        return None
    policy = Policy(tuple(noun(k, plain.numbers[k]) for k in names), plain.world.policy.models)
    problem = Problem(policy, plain.world.market)
    return Plant(problem, pose(problem, plain.world.accounts[0], NO_TILT), plain, (one, two))
