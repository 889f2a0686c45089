"""The program of one policy in one market: stated once, solved for any account."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..constraints.limits import Context
from ..constraints.policies import Policy
from ..errors import PolicyError
from ..models.accounts import Account, Model, Standing, appraise
from ..models.costs import Costs
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt
from .programs import Program, build

if TYPE_CHECKING:
    from .statements import Statement


@dataclass(frozen=True, eq=False)
class Problem:
    """What may be done under one policy in one market; numbers come with the account.

    ``statements`` holds the compiled programs by signature: a cache and nothing else, filled by :func:`state` for the
    policy's own signature and on demand where an account or a tilt has another (a risk multiplier, say).
    """

    policy: Policy
    market: Market
    statements: dict[tuple, Statement] = field(default_factory=dict, repr=False)

    def statement(self, program: Program) -> Statement:
        """Return the compiled statement for programs of this signature."""
        if program.signature not in self.statements:
            from .statements import Statement

            self.statements[program.signature] = Statement(program)
        return self.statements[program.signature]

    @cached_property
    def shared(self) -> Problem:
        """The same without costs and an account's own limits: what the tactical target answers to."""
        limits = tuple(limit for limit in self.policy.limits if limit.shared)
        return Problem(replace(self.policy, limits=limits), replace(self.market, costs=Costs(np.zeros(1))))


@dataclass(frozen=True, eq=False)
class Case:
    """One account in one problem: where it stands, what it follows, what is believed, and all that in numbers."""

    account: Account
    model: Model
    standing: Standing
    context: Context
    belief: Tilt
    aversion: float
    horizon: float
    names: tuple[str, ...]
    program: Program


def state(policy: Policy, market: Market) -> Problem:
    """State what a policy allows in a market, and compile it.

    Raises
    ------
    PolicyError, MarketError
        A limit on an unknown name, strategic weights on an unknown asset or outside the policy's own hard limits.
    StatementError
        A custom limit that cannot be parametrised.
    """
    problem = outline(policy, market)
    for name in policy.models:
        problem.statement(_at_rest(problem, name))
    return problem


def outline(policy: Policy, market: Market) -> Problem:
    """State without compiling: checked like :func:`state`, each program compiled where an account first needs it."""
    problem = Problem(policy, market)
    for name in policy.models:
        program = _at_rest(problem, name)
        outside = np.maximum(program.lo - program.current, program.current - program.hi)
        if outside.max() > 1e-9:
            asset = market.universe.assets[int(np.argmax(outside))]
            weight = program.current[int(np.argmax(outside))]
            raise PolicyError(
                f"model {name!r} holds {weight:.4g} of {asset!r}, outside the policy's own limits",
                code="MODEL_OUTSIDE",
                table="strategic",
                field="weight",
                value=asset,
                mend="change the model or the limit",
            )
    return problem


def _at_rest(problem: Problem, name: str) -> Program:
    """Return the program of an account that stands at its strategic weights and believes nothing."""
    policy, market = problem.policy, problem.market
    strategic = Model(name, policy.models[name], policy.risk_aversion).vector(market.universe)
    context = Context(market, strategic, strategic)
    return build(context, policy.terms(context), NO_TILT, policy.risk_aversion, policy.cost_horizon_years)


def pose(problem: Problem, account: Account, belief: Tilt) -> Case:
    """Put one account's numbers into the problem; raise ``AccountError`` where they cannot be used."""
    policy, market = problem.policy, problem.market
    model = policy.model(account)
    standing = appraise(account, market)
    frozen = ~market.tradable | standing.held_by_orders
    frozen[market.universe.cash] = False
    context = Context(
        market,
        model.vector(market.universe),
        standing.weights,
        standing.nav,
        standing.inflow,
        standing.outflow,
        account.restrictions,
        frozen,
        {k: v for k, v in account.overrides.items() if k != "risk_aversion"},
    )
    aversion, horizon = policy.aversion(account), policy.horizon(belief)
    program = build(context, policy.terms(context), belief, aversion, horizon)
    return Case(account, model, standing, context, belief, aversion, horizon, policy.names, program)
