"""The program as cvxpy reads it: stated once per signature, normalised, solved again with other numbers.

The objective is divided by ``gamma' * mean(diag Sigma')``; without that engines report "solved" while weights are
percentage points away. Risk enters as a factor, ``y == R w``, never as a matrix; the same ``y`` serves the objective
and every tracking-error ball over all assets. Products of two parameters are computed by numpy before the solve, so
the statement follows the rules of disciplined parametrised programming, and says so or raises.
"""

from __future__ import annotations

import warnings
from typing import Any

import cvxpy as cp
import numpy as np

from ..constraints.terms import Custom
from ..errors import PolicyError, StatementError
from .answers import Answer, Multipliers
from .programs import Program


class Statement:
    """A compiled cvxpy problem for one signature; numbers come with :meth:`solve`.

    Not for two threads at once: parameters are set, then solved.
    """

    def __init__(self, like: Program) -> None:
        """State the problem for programs of the signature of ``like``; raise ``StatementError`` if it is not DPP."""
        n = len(like.current)
        self._values: dict[str, cp.Parameter] = {}
        self._upper = np.isfinite(like.rows_hi)
        self._lower = np.isfinite(like.rows_lo)
        self._sigma = float(np.sqrt(like.market_risk.variances.mean()))
        self.root = like.market_risk.root / self._sigma
        self.weights = w = cp.Variable(n)
        self.constraints: list[Any] = [w >= self._parameter("lo", n), w <= self._parameter("hi", n)]
        self.budget: Any = cp.sum(w) == 1
        objective = -self._parameter("linear", n) @ w + 0.5 * self._quadratic(like)
        objective += self._trading(like)
        self._state_rows(like)
        self._state_balls(like)
        for custom in like.customs:
            self.constraints += _bound(custom, w, self._current)
        self.problem = cp.Problem(cp.Minimize(objective), [*self.constraints, self.budget])
        if not (self.problem.is_dcp() and self.problem.is_dpp()):
            if like.customs:
                raise _custom_error("what it binds is not convex, or multiplies parameters")
            raise StatementError("the stated problem is not DPP")

    def _parameter(self, name: str, shape: int | tuple, nonneg: bool = False) -> cp.Parameter:
        return self._values.setdefault(name, cp.Parameter(shape, nonneg=nonneg))

    @property
    def _current(self) -> cp.Parameter:
        return self._parameter("current", self.weights.shape)

    def _quadratic(self, like: Program) -> Any:
        """State ``y == R w`` (times the risk multipliers where the tilt has some) and return ``|y|^2``."""
        self._exposure = cp.Variable(len(self.root))
        if not like.tilted:
            self.constraints.append(self._exposure == self.root @ self.weights)
            return cp.sum_squares(self._exposure)
        scaled, tilted = cp.Variable(self.weights.shape), cp.Variable(len(self.root))
        self.constraints += [
            scaled == cp.multiply(self._parameter("multipliers", self.weights.shape), self.weights),
            tilted == self.root @ scaled,
        ]
        if like.ball_on.all(axis=1).any():
            self.constraints.append(self._exposure == self.root @ self.weights)
        return cp.sum_squares(tilted)

    def _trading(self, like: Program) -> Any:
        """State buys and sells, and return what they cost."""
        if not like.priced:
            return 0.0
        n = self.weights.shape
        buy, sell = cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True)
        self.constraints.append(self.weights - buy + sell == self._current)
        size = self._powers(like, buy, sell)
        gross: Any = (None, None)
        if like.from_zero.any():
            gross = (cp.Variable(n, nonneg=True), cp.Variable(n, nonneg=True))
            self.constraints.append(self.weights == gross[0] - gross[1])
        self._trades: list[Any] = []
        for t in range(len(like.most)):
            up, down = gross if like.from_zero[t] else (buy, sell)
            total = _dot(like.buy[t], up) + _dot(like.sell[t], down) + _dot(like.row[t], self.weights)
            if like.power[t].any():
                total += self._parameter(f"power{t}", n, nonneg=True) @ size
            self._trades.append(total <= self._parameter(f"most{t}", ()))
        self.constraints += self._trades
        cost = self._parameter("cost", n, nonneg=True) @ (buy + sell)
        return cost + self._parameter("impact", n, nonneg=True) @ size if like.impact.any() else cost

    def _powers(self, like: Program, buy: Any, sell: Any) -> Any:
        """State ``size >= (buy + sell)^1.5`` as one power cone an asset, where anything reads it."""
        if not (like.impact.any() or like.power.any()):
            return None
        size = cp.Variable(self.weights.shape)
        one = cp.Constant(np.ones(self.weights.shape))
        self.constraints.append(cp.PowCone3D(size, one, buy + sell, 2.0 / 3.0))
        return size

    def _state_rows(self, like: Program) -> None:
        self._rows_hi: Any = None
        self._rows_lo: Any = None
        if self._upper.any():
            self._rows_hi = like.rows[self._upper] @ self.weights <= self._parameter("rows_hi", int(self._upper.sum()))
        if self._lower.any():
            self._rows_lo = like.rows[self._lower] @ self.weights >= self._parameter("rows_lo", int(self._lower.sum()))
        self.constraints += [c for c in (self._rows_hi, self._rows_lo) if c is not None]

    def _state_balls(self, like: Program) -> None:
        self._balls: list[Any] = []
        for j, on in enumerate(like.ball_on):
            seen = self._exposure if on.all() else self.root[:, on] @ self.weights[np.flatnonzero(on)]
            inside = cp.norm(seen - self._parameter(f"anchor{j}", len(self.root))) <= self._parameter(f"radius{j}", ())
            self._balls.append(inside)
        self.constraints += self._balls

    def load(self, program: Program) -> None:
        """Give the parameters the numbers of a program."""
        sigma, scale = self._sigma, program.scale
        # gamma/scale turns gamma/2 |R w|^2 into 1/2 |R w|^2 / mean variance, which is |y|^2 in units of sigma.
        stretch = sigma * np.sqrt(program.gamma / scale)
        linear = (program.force + program.gamma * program.risk.times(program.centre)) / scale
        numbers = {
            "lo": program.lo,
            "hi": program.hi,
            "linear": linear,
            "current": program.current,
            "cost": program.cost / scale,
            "impact": program.impact / scale,
            "rows_hi": program.rows_hi[self._upper],
            "rows_lo": program.rows_lo[self._lower],
        }
        if program.tilted:
            ratio = np.divide(
                program.risk.volatilities,
                program.market_risk.volatilities,
                out=np.ones_like(program.lo),
                where=program.market_risk.volatilities > 0,
            )
            numbers["multipliers"] = ratio * stretch
        numbers |= {f"most{t}": most for t, most in enumerate(program.most)}
        numbers |= {f"power{t}": power for t, power in enumerate(program.power)}
        for j, (on, anchor) in enumerate(zip(program.ball_on, program.anchor, strict=True)):
            numbers[f"anchor{j}"] = self.root @ np.where(on, anchor, 0.0)
            numbers[f"radius{j}"] = program.ball_most[j] / sigma
        for name, parameter in self._values.items():
            parameter.value = numbers[name]

    def solve(self, program: Program, engine: str, options: dict[str, Any]) -> Answer:
        """Solve with these numbers; foreign errors come back as a status word, never as an exception."""
        try:
            self.load(program)
            with warnings.catch_warnings():
                # cvxpy warns and hands back weights where a solver stopped early; the status below refuses them.
                warnings.simplefilter("ignore")
                self.problem.solve(solver=engine, warm_start=False, ignore_dpp=False, **options)
        except (cp.SolverError, ValueError, ArithmeticError) as error:
            return Answer(f"failed: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        if self.problem.status != cp.OPTIMAL or self.weights.value is None:
            return Answer(str(self.problem.status))
        return Answer("optimal", np.array(self.weights.value), self.multipliers(program))

    def multipliers(self, program: Program) -> Multipliers:
        """Return the prices of a solved program's constraints."""
        unit, rows = program.scale, np.zeros(len(program.rows))
        if self._rows_hi is not None:
            rows[self._upper] += np.maximum(self._rows_hi.dual_value, 0.0)
        if self._rows_lo is not None:
            rows[self._lower] -= np.maximum(self._rows_lo.dual_value, 0.0)
        trades = np.array([float(c.dual_value) for c in self._trades]) if len(program.most) else np.zeros(0)
        balls = np.array([float(c.dual_value) for c in self._balls]) / self._sigma
        return Multipliers(
            float(self.budget.dual_value) * unit,
            rows * unit,
            np.maximum(trades, 0) * unit,
            np.maximum(balls, 0) * unit,
        )


def _bound(custom: Custom, weights: Any, current: Any) -> list[Any]:
    """Ask a custom limit for its constraints; whatever is wrong with them is the limit's fault, in our words."""
    try:
        stated = custom.bind(weights, current)
    except Exception as error:
        raise _custom_error(f"bind raised {type(error).__name__}: {error}") from error
    found = [stated] if isinstance(stated, cp.Constraint) else list(stated) if isinstance(stated, (list, tuple)) else []
    if not found or not all(isinstance(c, cp.Constraint) for c in found):
        raise _custom_error(f"bind returned {type(stated).__name__}, not a list of cvxpy constraints")
    return found


def _custom_error(words: str) -> PolicyError:
    return PolicyError(
        f"a custom limit cannot be stated: {words}",
        code="BAD_CUSTOM",
        table="policy",
        field="bind",
        mend="return a list of convex cvxpy constraints of w and w0",
    )


def _dot(numbers: np.ndarray, variable: Any) -> Any:
    """Return a product that names only what is not zero: fewer numbers for the engine to carry."""
    if not numbers.any():
        return 0.0
    at = np.flatnonzero(numbers)
    return numbers[at] @ variable[at] if len(at) < len(numbers) else numbers @ variable
