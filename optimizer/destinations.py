"""How far accounts go: all the way, to the edge of their bands, or a part of the way.

``edge`` is two programs, each solved jointly for all assets and gated like any answer::

    1.  minimise  price'|z|     subject to every limit, every band (its inner band where it was left),
                                |w_cash - t_cash| no larger than before
    2.  maximise  u(w)          subject to the same and  price'|z| <= c* + min(0.1 bp, 1 % of c*)

with ``price = max(kappa, 1 bp)`` outside cash and c* the least of the first; what it costs to trade 1 bp of NAV may
always be spent on top. ``part`` is ``w0 + f (ideal - w0)``, f the
policy's fraction, or as much more as it takes to meet every limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..models.cohorts import is_everyone
from .answers import Multipliers
from .certificates import RESIDUAL
from .crowds import ask_all, ask_one, pass_gate
from .edges import Brink, capped, cheapest, come_back, freed
from .engines import Released, ask
from .problems import Case, Cases, Problem
from .programs import Program

_HALVINGS = 40
_LOOSE = 1e-3
"""How much of the least cost may be left unproved: a tenth of what the second program may add."""


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Where many accounts go, shapes (m,), (m, n).

    Parameters
    ----------
    released
        Who has an answer that passed the gate.
    ideal, multipliers, gap, certified_te
        The optimum and its proof.
    cases
        The accounts, with the limits they keep to: their own, and at the edge the bands.
    goal
        Where to stand: the ideal, or a part of the way to it.
    within, prices
        The program, and the multipliers at the goal, in which the fewest trades are sought; None: those of the ideal.
    seconds
        Inside engines.
    """

    cases: Cases
    released: np.ndarray
    ideal: np.ndarray
    multipliers: Multipliers
    gap: np.ndarray
    certified_te: np.ndarray
    goal: np.ndarray
    within: Program | None
    prices: Multipliers | None
    seconds: float

    def pick(self, which: np.ndarray) -> Arrivals:
        """Return those of some accounts: positions or a mask."""
        if is_everyone(which, len(self.released)):
            return self
        own = ("released", "ideal", "gap", "certified_te", "goal")
        return replace(
            self,
            cases=self.cases.pick(which),
            multipliers=self.multipliers.pick(which),
            within=None if self.within is None else self.within.pick(which),
            prices=None if self.prices is None else self.prices.pick(which),
            **{name: getattr(self, name)[which] for name in own},
        )


def arrive_all(problem: Problem, cases: Cases) -> Arrivals:
    """Find where many accounts of one model go, by the policy's destination."""
    if problem.policy.rebalance.destination == "edge":
        return _to_the_edge(problem, cases)
    crowd = ask_all(problem, cases.program)
    goal, within, prices = crowd.weights, None, None
    if problem.policy.rebalance.destination == "part":
        ideal = np.where(crowd.released[:, None], crowd.weights, cases.program.current)  # the others are left anyway
        goal = part_way(cases.program, ideal, float(problem.policy.rebalance.part))
        within, prices = around(cases.program, goal)
    return Arrivals(
        cases, crowd.released, crowd.weights, crowd.multipliers, crowd.gap, crowd.certified_te, goal, within, prices,
        crowd.seconds,
    )  # fmt: skip


def part_way(program: Program, ideal: np.ndarray, part: float) -> np.ndarray:
    """Return the points a part of the way to the ideal, or farther where a limit is broken there; shape (..., n).

    What lies between a point that meets convex limits and the ideal meets them too, so the least fraction is found by
    halving.
    """
    way = ideal - program.current
    low, high = np.full(ideal.shape[:-1], part), np.ones(ideal.shape[:-1])
    for k in range(_HALVINGS):
        middle = 0.5 * (low + high) if k else low
        point = program.current + middle[..., None] * way
        fine = program.violations(point).max(-1) <= RESIDUAL
        high = np.where(fine, middle, high)
        low = np.where(fine, low, middle)
    goal = program.current + high[..., None] * way
    return np.where((high >= 1.0)[..., None] | ~np.isfinite(goal), ideal, goal)


def around(program: Program, goal: np.ndarray) -> tuple[Program, Multipliers]:
    """Return a program whose optimum is the goal, and the (absent) prices there.

    Its utility is ``-(gamma/2) (w - goal)' Sigma' (w - goal)``: fewer and whole trades may miss it by so much risk.
    """
    nothing = np.zeros_like(program.force)
    within = replace(program, centre=goal, force=nothing, cost=nothing, impact=nothing)
    lead = goal.shape[:-1]
    none = lambda count: np.zeros((*lead, count))  # noqa: E731
    budget = np.zeros(lead) if lead else 0.0
    return within, Multipliers(budget, none(len(program.rows)), none(len(program.buy)), none(len(program.ball_on)))


# ------------------------------------------------------------------------------------------------------- the edge


def _to_the_edge(problem: Problem, cases: Cases) -> Arrivals:
    brink = come_back(problem, cases)
    cost, found, seconds = _least_costs(problem, brink)
    program = capped(brink, cost)
    m = len(cost)
    some = np.flatnonzero(found)
    released, ideal = np.zeros(m, dtype=bool), np.array(cases.program.current)
    gap, te = np.full(m, np.inf), np.full(m, np.inf)
    count = (len(program.rows), len(program.buy), len(program.ball_on))
    multipliers = Multipliers(np.zeros(m), *(np.zeros((m, k)) for k in count))
    if len(some):
        crowd = ask_all(problem, program.pick(some))
        released[some], ideal[some] = crowd.released, np.where(crowd.released[:, None], crowd.weights, ideal[some])
        gap[some], te[some] = crowd.gap, crowd.certified_te
        multipliers.put(some, crowd.multipliers)
        seconds += crowd.seconds
    within, prices = freed(brink, multipliers)
    cases = replace(cases, program=brink.program)
    return Arrivals(cases, released, ideal, multipliers, gap, te, ideal, within, prices, seconds)


def _least_costs(problem: Problem, brink: Brink) -> tuple[np.ndarray, np.ndarray, float]:
    """Solve the first program of many accounts: the least cost, for whom one is proved near enough, and the seconds."""
    program = cheapest(brink)
    m = len(program.current)
    cost, found = np.zeros(m), np.zeros(m, dtype=bool)
    replies = problem.engine(program).solve(program)
    asked = np.flatnonzero(replies.solved)
    if not len(asked):
        return cost, found, replies.seconds
    some = program.pick(asked)
    own = pass_gate(some, replies.weights[asked], replies.multipliers.pick(asked))
    cost[asked] = (brink.price * np.abs(own.weights - some.current)).sum(-1)
    # Not who was released: only what it costs is read, so its proof is of that.
    found[asked] = (own.residual <= RESIDUAL) & (own.gap <= _LOOSE * cost[asked] + 1e-12)
    return cost, found, replies.seconds


@dataclass(frozen=True, eq=False)
class Arrival:
    """Where one account goes.

    Parameters
    ----------
    found, asked
        What came through the gate, and the program it is the answer to.
    program
        What the account keeps to: the same, but for the cap on what coming back to the edge costs.
    goal, within, prices
        As in :class:`Arrivals`; None where they are those of the answer.

    ``note`` says why the destination could not be had, where the account goes all the way instead.
    """

    found: Released
    asked: Program
    program: Program
    goal: np.ndarray | None = None
    within: Program | None = None
    prices: Multipliers | None = None
    note: str = ""


def arrive(problem: Problem, case: Case) -> Arrival:
    """Find where one account goes: what :func:`arrive_all` does for many, with every engine's help."""
    rules, program = problem.policy.rebalance, case.program
    note = ""
    if rules.destination == "edge":
        edge = _edge(problem, case)
        if edge is not None:
            return edge
        note = "its bands cannot all be met at once, so it goes all the way"
    found = ask_one(problem, program)
    if found.weights is None or rules.destination != "part":
        return Arrival(found, program, program, note=note)
    goal = part_way(program, found.weights, float(rules.part))
    return Arrival(found, program, program, goal, *around(program, goal))


def _edge(problem: Problem, case: Case) -> Arrival | None:
    """Return the answer at the edge, or None where there is none."""
    cases = case.lift()
    brink = come_back(problem, cases)
    alone = brink.program.pick(0)
    if (alone.lo > alone.hi).any() or alone.lo.sum() > 1 + 1e-12 or alone.hi.sum() < 1 - 1e-12:
        return None
    cost, proved = np.zeros(1), False
    if not alone.customs:
        cost, found, _ = _least_costs(problem, brink)
        proved = bool(found[0])
    if not proved:  # every engine in turn, and custom limits
        first = cheapest(brink).pick(0)
        answer = ask(first, problem.statement(first)).weights
        if answer is None:
            return None
        cost = np.array([(brink.price * np.abs(answer - first.current)).sum()])
    program = capped(brink, cost).pick(0)
    released = ask_one(problem, program)
    if released.weights is None or released.multipliers is None:
        return None
    within, prices = freed(brink, released.multipliers.lift())
    return Arrival(released, program, alone, released.weights, within.pick(0), prices.pick(0))
