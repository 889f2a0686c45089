"""The program of one policy in one market: stated once, solved for any account."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..constraints.limits import Context
from ..constraints.policies import Policy
from ..constraints.rebalances import Rebalance
from ..constraints.restrictions import barred
from ..errors import PolicyError
from ..models.accounts import Account, Model, Standing, appraise, differs, weigh
from ..models.breaches import read_breaches
from ..models.cohorts import Cohort, is_everyone
from ..models.costs import Costs
from ..models.histories import read_history
from ..models.markets import Market
from ..models.positions import Clocks, newest_views, read_positions
from ..models.schedules import read_schedule
from ..models.sessions import check_exchange
from ..models.tilts import NO_TILT, Tilt
from .admissions import check_known, check_orders, check_started, foreseen, overriding, overselling
from .paces import is_slowed, slow, slow_one
from .phases import Plan
from .programs import POINT, Program, build

if TYPE_CHECKING:
    from .cones import Cones
    from .quadratics import Quadratics
    from .statements import Statement


@dataclass(frozen=True, eq=False)
class Problem:
    """What may be done under one policy in one market; numbers come with the account.

    ``engines`` and ``statements`` hold compiled programs by what they share, stated by hand and by cvxpy (that is asked
    about custom limits and where an answer does not pass): caches and nothing else, filled by :func:`state` for the
    policy's own models and on demand where an account or a tilt has another program (a risk multiplier, say).
    ``tacticals`` remembers tactical targets by tilt, model and aversion.
    """

    policy: Policy
    market: Market
    statements: dict[tuple, Statement] = field(default_factory=dict, repr=False)
    engines: dict[tuple, Quadratics | Cones] = field(default_factory=dict, repr=False)
    tacticals: dict[tuple[Tilt, str, float], np.ndarray] = field(default_factory=dict, repr=False)

    def statement(self, program: Program) -> Statement:
        """Return the compiled statement for programs of this signature."""
        if program.signature not in self.statements:
            from .statements import Statement

            self.statements[program.signature] = Statement(program)
        return self.statements[program.signature]

    def engine(self, program: Program) -> Quadratics | Cones:
        """Return the compiled program for many accounts like these."""
        if program.likeness not in self.engines:
            if program.linear:
                from .quadratics import Quadratics as Compiled
            else:
                from .cones import Cones as Compiled
            self.engines[program.likeness] = Compiled(program)
        return self.engines[program.likeness]

    def compile(self, program: Program) -> None:
        """Compile what programs like this are asked with first; a custom limit is only known to cvxpy."""
        if program.customs:
            self.statement(program)
        else:
            self.engine(program)

    @cached_property
    def shared(self) -> Problem:
        """The same without costs and an account's own limits: what the tactical target answers to."""
        limits = tuple(limit for limit in self.policy.in_force if limit.shared)
        policy = replace(self.policy, limits=limits, rebalance=Rebalance(), phases=None)
        return Problem(policy, replace(self.market, costs=Costs(np.zeros(1))), engines=self.engines)


@dataclass(frozen=True, eq=False)
class Case:
    """One account in one problem: where it stands, what it follows, what is believed, and all that in numbers.

    ``plan`` is what today means to its schedule, with an account axis of one; None where nothing is phased.
    """

    account: Account
    model: Model
    standing: Standing
    context: Context
    belief: Tilt
    aversion: float
    horizon: float
    names: tuple[str, ...]
    program: Program
    plan: Plan | None = None

    def lift(self) -> Cases:
        """Return the case of one account as one of many."""
        standing, context = self.standing, self.context
        account = self.account
        none = np.zeros((1, len(context.current)))
        cohort = Cohort(
            np.array([account.id], dtype=object),
            account.model,
            none,
            none,
            np.zeros(1),
            last_rebalance=np.array([account.last_rebalance], dtype="datetime64[D]"),
            last_views=np.array([account.last_views], dtype=object),
        )
        each = lambda x: np.asarray(x)[None]  # noqa: E731
        own = ("nav", "quantities", "weights", "inflow", "outflow", "held_by_orders")
        return Cases(
            cohort,
            self.model,
            replace(standing, **{name: each(getattr(standing, name)) for name in own}),
            context.lift(),
            self.belief,
            np.array([self.aversion]),
            self.horizon,
            self.names,
            self.program.lift(),
            self.plan,
        )


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
        problem.compile(_at_rest(problem, name))
    return problem


def outline(policy: Policy, market: Market) -> Problem:
    """State without compiling: checked like :func:`state`, each program compiled where an account first needs it."""
    problem = Problem(policy, market)
    if policy.rebalance.counts_sessions:
        check_exchange(policy.rebalance.exchange)
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
    context = Context(market, strategic, strategic, tactical=strategic)
    policy.check(context)
    return build(context, policy.terms(context), NO_TILT, policy.risk_aversion, policy.cost_horizon_years)


def pose(problem: Problem, account: Account, belief: Tilt, tactical: np.ndarray | None = None) -> Case:
    """Put one account's numbers into the problem; raise ``AccountError`` where they cannot be used.

    ``tactical`` is its tactical target, from which bands are measured: :func:`trimtab.optimizer.tactical.place` finds
    it and poses.
    """
    policy, market = problem.policy, problem.market
    model = policy.model(account)
    standing = appraise(account, market)
    check_orders(policy, account, market.universe)
    rules = barred(account.restrictions, market.universe)
    untouchable = ~market.tradable | standing.held_by_orders
    untouchable[market.universe.cash] = False
    rules["frozen"] = rules.get("frozen", False) | untouchable
    context = Context(
        market,
        model.vector(market.universe),
        standing.weights,
        standing.nav,
        standing.inflow,
        standing.outflow,
        rules,
        {k: v for k, v in account.overrides.items() if k != "risk_aversion"},
        _allowances(account, market),
        widening=(belief.band_low, belief.band_high),
        history=read_history(account.history, market.universe),
        frequency=belief.frequency,
    )
    if policy.timed:
        clocks = read_positions(account.positions, market.universe).settle(context.current - context.strategic)
        newest = _newest(belief, market)
        context = policy.measured(replace(context, clocks=clocks, newest=newest))
    if policy.forgiving:
        context = replace(context, breaches=read_breaches(account.breaches))
    check_known(context)
    if tactical is not None:
        context = policy.face(context, tactical)
    aversion, horizon = policy.aversion(account), policy.horizon(belief)
    program, plan = build(context, policy.terms(context), belief, aversion, horizon), None
    if tactical is not None and is_slowed(policy, belief):
        schedules = read_schedule(account.phases, market.universe)
        check_started(schedules.started[0], context)
        context, program, plan = slow_one(policy, context, program, belief, schedules)
    return Case(account, model, standing, context, belief, aversion, horizon, policy.names, program, plan)


def _allowances(account: Account, market: Market) -> np.ndarray | None:
    if not account.allowances:
        return None
    sold, bought = zip(*(account.allowances.get(a, (np.inf, np.inf)) for a in market.universe.assets), strict=True)
    return np.array([sold, bought])


@dataclass(frozen=True, eq=False)
class Cases:
    """Many accounts of one model in one problem: a :class:`Case` whose numbers carry a leading account axis."""

    cohort: Cohort
    model: Model
    standing: Standing
    context: Context
    belief: Tilt
    aversion: np.ndarray
    horizon: float
    names: tuple[str, ...]
    program: Program
    plan: Plan | None = None

    def __len__(self) -> int:
        """Count the accounts."""
        return len(self.cohort)

    def pick(self, which: np.ndarray) -> Cases:
        """Return the cases of some accounts: positions or a mask."""
        if is_everyone(which, len(self)):
            return self
        return replace(
            self,
            cohort=self.cohort.pick(which),
            standing=self.standing.pick(which),
            context=self.context.pick(which),
            aversion=self.aversion[which],
            program=self.program.pick(which),
            plan=None if self.plan is None else self.plan.pick(which),
        )


def pose_all(
    problem: Problem, cohort: Cohort, belief: Tilt, tactical: np.ndarray | None = None
) -> tuple[Cases, np.ndarray]:
    """Put the numbers of many accounts of one model into the problem.

    Parameters
    ----------
    tactical
        Their tactical targets, shape (m, n), as in :func:`pose`; a row is not a number where there is none.

    Returns
    -------
    Cases, numpy.ndarray
        The cases of those accounts that can be treated alike, and their positions in the cohort. The others (nothing
        or less than nothing in the account, a held asset without a price, an override that cannot be, a tracking error
        of nothing, no tactical target) have to be asked one by one: :func:`pose` has the words for them.
    """
    policy, market = problem.policy, problem.market
    standing = weigh(cohort.quantities, cohort.ordered, cohort.flows, market)
    unpriced = ((cohort.quantities + cohort.ordered) != 0) & ~np.isfinite(market.prices)
    fine = ~unpriced.any(-1) & np.isfinite(standing.nav) & (standing.nav > 0)
    fine &= ~overriding(policy, cohort) & ~overselling(policy, cohort, market.universe).any(-1)
    if cohort.navs is not None:
        fine &= np.isnan(cohort.navs) | ~differs(cohort.navs, standing.nav - cohort.flows)
    fine &= tactical is None or np.isfinite(tactical).all(-1)
    kept = np.flatnonzero(fine)
    cohort, standing = cohort.pick(kept), standing.pick(kept)
    untouchable = ~market.tradable | standing.held_by_orders
    untouchable[:, market.universe.cash] = False
    rules = dict(cohort.rules)
    rules["frozen"] = rules.get("frozen", False) | untouchable
    model = Model(cohort.model, policy.models[cohort.model], policy.risk_aversion)
    context = Context(
        market,
        np.broadcast_to(model.vector(market.universe), standing.weights.shape),
        standing.weights,
        standing.nav,
        standing.inflow,
        standing.outflow,
        rules,
        {name: own for name, own in cohort.overrides.items() if name != "risk_aversion"},
        cohort.allowances,
        widening=(belief.band_low, belief.band_high),
        history=cohort.history,
        frequency=belief.frequency,
    )
    if policy.timed:
        newest = _newest(belief, market)
        context = policy.measured(replace(context, clocks=_clocks(cohort, context), newest=newest))
    if policy.forgiving:
        context = replace(context, breaches=cohort.breaches)
    if tactical is not None:
        context = policy.face(context, tactical[kept])
    aversion, horizon = aversions(policy, cohort), policy.horizon(belief)
    program, plan = build(context, policy.terms(context), belief, aversion, horizon), None
    if tactical is not None and is_slowed(policy, belief):
        context, program, plan = slow(policy, context, program, belief, cohort.schedules)
    cases = Cases(cohort, model, standing, context, belief, aversion, horizon, policy.names, program, plan)
    kept_out = np.any(program.ball_most < POINT, axis=-1) | foreseen(context)
    if plan is not None:
        kept_out = kept_out | (plan.schedules.started > plan.day)
    rest = np.flatnonzero(~kept_out)
    return (cases, kept) if len(rest) == len(kept) else (cases.pick(rest), kept[rest])


def aversions(policy: Policy, cohort: Cohort) -> np.ndarray:
    """Return the gamma of each account, shape (m,): its own, or the policy's."""
    own = cohort.overrides.get("risk_aversion", np.full(len(cohort), np.nan))
    return np.where(np.isnan(own), policy.risk_aversion, own)


def _clocks(cohort: Cohort, context: Context) -> Clocks:
    """Return the clocks of many accounts: those of nobody where none has a position."""
    if cohort.clocks is None:
        return Clocks.none((*context.current.shape[:-1], 2, context.current.shape[-1]))
    return cohort.clocks.settle(context.current - context.strategic)


def _newest(belief: Tilt, market: Market) -> np.ndarray:
    return newest_views(belief.since, belief.lambdas, belief.legs, len(market.universe))
