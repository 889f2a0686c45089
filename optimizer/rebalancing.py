"""The product in one function: views and a policy in, a target and its trades out.

Everything else is this function asked again: a batch asks it for many accounts, a sweep for many values of one knob, a
shock with another market, a backtest for many days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from ..constraints.policies import Policy
from ..errors import AccountError, UnsolvedError
from ..models.accounts import Account
from ..models.markets import Market
from ..models.tilts import NO_TILT, Tilt, tilt
from ..models.trails import Trail
from ..models.views import View
from ..units import day
from .legs import Leg
from .problems import Problem, state
from .proposals import Proposal, hold, propose, quarantine
from .reasons import Explanation, explain
from .solutions import Outcome, solve
from .triggers import examine


def rebalance(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
    strict: bool = False,
) -> Proposal:
    """Propose the trades that take the account where the views say and the policy allows.

    Parameters
    ----------
    account
        What it holds, and the id of its strategic model.
    policy
        Strategic models, limits, price of risk.
    market
        Universe, risk, costs and prices of the day.
    views
        Those live on ``on`` count.
    on
        The day.
    overlay
        Tilts that are not views: target shifts, risk and aversion multipliers.
    trail
        What assets have done: views with a stop or a take are read from it.
    strict
        Raise ``AccountError`` for a bad account and ``UnsolvedError`` for one without a releasable answer, instead of
        returning a proposal that is QUARANTINED or UNSOLVED.

    Raises
    ------
    PolicyError, MarketError, ViewError
        A shared input that nothing can be computed from.
    """
    on = day(on)
    problem = state(policy, market.dated(on))  # what may be done
    try:
        belief = _believe(problem, account, views, on, overlay, trail)  # what is believed
        proposal = decide(problem, account, belief, on)
    except AccountError as error:
        if strict:
            raise
        return quarantine(account, error)
    if strict and proposal.outcome is Outcome.UNSOLVED:
        raise UnsolvedError(f"account {account.id}: {proposal.reason}")
    return proposal


def decide(problem: Problem, account: Account, belief: Tilt, on: dt.date, leg: Leg | None = None) -> Proposal:
    """Do what :func:`rebalance` does for one account; raise ``AccountError`` where its data cannot be used.

    ``leg`` is leg 1 of the account's model (:func:`.legs.trace_model`), where the reasons of trades are to read it.
    """
    cause, words = examine(problem, account, belief, on)  # is there anything to do?
    if not cause:
        return hold(problem, account, belief, words)
    return propose(solve(problem, account, belief), cause, leg)  # where to stand, what to trade


def decide_and_tell(
    problem: Problem, account: Account, belief: Tilt, on: dt.date, leg: Leg | None = None
) -> tuple[Proposal, Explanation | str]:
    """Do what :func:`decide` does, solving once, and explain its trades; in words why there is nothing to explain."""
    cause, words = examine(problem, account, belief, on)
    if not cause:
        held = hold(problem, account, belief, words)
        return held, held.reason
    solution = solve(problem, account, belief)
    proposal = propose(solution, cause, leg)
    if not proposal.trades or proposal.weights is None:
        return proposal, proposal.reason
    try:
        return proposal, explain(solution, proposal.weights["target"].to_numpy(), leg)
    except UnsolvedError as error:  # it has its trades; only the way to them cannot be told
        return proposal, str(error)


def why(
    account: Account,
    policy: Policy,
    market: Market,
    views: Sequence[View] | View,
    on: dt.date | str,
    *,
    overlay: Tilt = NO_TILT,
    trail: Trail | None = None,
) -> Explanation:
    """Explain what :func:`rebalance` proposes with the same arguments: parts that sum to each trade.

    Raises
    ------
    InputError
        What cannot be used, the account's own data included.
    UnsolvedError
        Nothing is traded, or there is no answer to explain.
    """
    on = day(on)
    problem = state(policy, market.dated(on))
    belief = _believe(problem, account, views, on, overlay, trail)
    cause, words = examine(problem, account, belief, on)
    if not cause:
        raise UnsolvedError(f"account {account.id}: {hold(problem, account, belief, words).reason}")
    solution = solve(problem, account, belief)
    proposal = propose(solution, cause)
    if proposal.weights is None or proposal.outcome not in (Outcome.OPTIMAL, Outcome.RELAXED):
        raise UnsolvedError(f"account {account.id}: {proposal.reason}")
    return explain(solution, proposal.weights["target"].to_numpy())


def _believe(
    problem: Problem, account: Account, views: Sequence[View] | View, on: dt.date, overlay: Tilt, trail: Trail | None
) -> Tilt:
    views = [views] if isinstance(views, View) else views
    return tilt(views, problem.market, problem.policy.model(account), on, trail=trail) + overlay
