"""One day of a walk: the question of :func:`trimtab.optimizer.rebalancing.decide`, and what its trades leave behind.

One account is asked as many accounts of one, as a run asks it: no page is written for people, and the trades are the
same. Where a run would ask an account alone, so is it here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..batches.musters import muster_accounts
from ..constraints.policies import Policy
from ..constraints.turnovers import Turnover
from ..constraints.waits import Cooldown, Holding
from ..models.accounts import Account
from ..models.breaches import Breach
from ..models.histories import YEAR, PastTrade
from ..models.positions import TacticalPosition
from ..models.schedules import PhasedTrade
from ..models.tilts import Tilt
from ..optimizer.decisions import Decisions, hold_all, solve_all
from ..optimizer.phrases import tell_progress
from ..optimizer.problems import Problem
from ..optimizer.proposals import Proposal
from ..optimizer.rebalancing import decide
from ..optimizer.solutions import Outcome
from ..optimizer.tactical import place_all
from ..optimizer.triggers import always_due, look, look_always, why_held


@dataclass(frozen=True)
class Order:
    """One trade: ``weight`` is signed, the rest positive; the asset by its position."""

    asset: int
    side: str
    quantity: float
    value: float
    weight: float
    cost: float
    reason: str

    def row(self, assets: Sequence[str]) -> dict[str, Any]:
        """Return it as a row of the table of trades."""
        numbers = {name: getattr(self, name) for name in ("side", "quantity", "value", "weight", "cost", "reason")}
        return {"asset": assets[self.asset], **numbers}


@dataclass(frozen=True)
class Step:
    """What a day came to: cost is money, turnover a decimal of NAV; what the account is to bring along tomorrow."""

    outcome: Outcome
    cause: str = ""
    reason: str = ""
    cost: float = 0.0
    turnover: float = 0.0
    orders: tuple[Order, ...] = ()
    positions: tuple[TacticalPosition, ...] = ()
    breaches: tuple[Breach, ...] = ()
    phases: tuple[PhasedTrade, ...] = ()


def decide_step(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> Step:
    """Decide one account on a day.

    Raises
    ------
    AccountError
        Its numbers cannot be used: it has lost everything, say.
    """
    found = None if why_held(account) else _decide_light(problem, account, belief, on)
    return _of_proposal(problem, decide(problem, account, belief, on)) if found is None else found


def _decide_light(problem: Problem, account: Account, belief: Tilt, on: dt.date) -> Step | None:
    """Decide as a run decides accounts together; None where it would ask this one alone."""
    ((cohort, _),) = muster_accounts([account], problem.market.universe)
    cases, kept = place_all(problem, cohort, belief)
    if not len(kept):
        return None
    seen = look_always(problem, cases) if always_due(problem) else look(problem, cases, on)
    if not seen.due[0]:
        policy = problem.policy
        if not (policy.timed or policy.forgiving or policy.phases is not None):
            return Step(Outcome.HELD, reason=seen.words[0])
        return _of_decisions(hold_all(policy, cases, seen.words), "")
    decisions, solved, _ = solve_all(problem, cases)
    return _of_decisions(decisions, seen.words[0]) if len(solved) else None


def _of_decisions(decisions: Decisions, cause: str) -> Step:
    orders = decisions.orders
    rows = zip(
        orders.asset.tolist(), orders.weight.tolist(), orders.quantity.tolist(), orders.value.tolist(),
        orders.cost.tolist(), orders.pull.tolist(), strict=True,
    )  # fmt: skip
    made = tuple(
        Order(i, "buy" if z > 0 else "sell", quantity, value, z, cost, orders.pulls[pull])
        for i, z, quantity, value, cost, pull in rows
    )
    cost, turned = float(decisions.cost[0]), float(decisions.turnover[0])
    universe, marks, outside = decisions.cases.context.market.universe, decisions.marks, decisions.outside
    return Step(
        decisions.outcome,
        cause,
        decisions.reasons[0],
        cost,
        turned,
        made,
        () if marks is None else marks.pick(0).rows(universe),
        () if outside is None else outside.pick(0).rows(),
        tell_progress(decisions.progress, universe)[0],
    )


def _of_proposal(problem: Problem, said: Proposal) -> Step:
    at = problem.market.universe.positions
    made = tuple(Order(at[t.asset], t.side, t.quantity, t.value, t.weight, t.cost, t.reason) for t in said.trades)
    cost = said.cost if made else 0.0
    return Step(
        said.outcome, said.cause, said.reason, cost, said.turnover, made, said.positions, said.breaches, said.phases
    )


def settle(
    problem: Problem, account: Account, units: np.ndarray, step: Step, on: dt.date
) -> tuple[Account, np.ndarray]:
    """Return the account after its trades, and its units, the cash in money: flow come, trades and costs paid."""
    prices, cash = problem.market.prices, problem.market.universe.cash
    held, paid = units.copy(), account.cash_flow - step.cost
    for order in step.orders:
        moved = order.quantity if order.side == "buy" else -order.quantity
        held[order.asset] += moved
        # What is left by the last bit of a sale of everything is nothing.
        if abs(held[order.asset]) <= 1e-12 * order.quantity:
            moved -= held[order.asset]
            held[order.asset] = 0.0
        paid -= moved * prices[order.asset]
    held[cash] += paid
    history = account.history
    if step.orders and _remembers(problem.policy):
        assets = problem.market.universe.assets
        history = (
            *_recent(problem.policy, history, on),
            *(PastTrade(assets[o.asset], on, o.weight) for o in step.orders),
        )
    return replace(
        account,
        cash_flow=0.0,
        last_rebalance=on if step.orders else account.last_rebalance,
        history=history,
        positions=tuple(each for each in step.positions if each.state != "closed"),
        breaches=step.breaches,
        phases=step.phases,
    ), held


def _remembers(policy: Policy) -> bool:
    """Whether any limit asks what was traded before."""
    return any(
        isinstance(limit, (Cooldown, Holding)) or (isinstance(limit, Turnover) and limit.per_year is not None)
        for limit in policy.limits
    )


def _recent(policy: Policy, history: tuple[PastTrade, ...], on: dt.date) -> tuple[PastTrade, ...]:
    """Return the trades that may still count; a wait may be drawn out by a tilt, so none of its is forgotten."""
    if any(isinstance(limit, (Cooldown, Holding)) for limit in policy.limits):
        return history
    return tuple(trade for trade in history if (on - trade.date).days <= YEAR)
