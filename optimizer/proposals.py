"""What the desk gets: a target, the trades that reach it, the room left, the prices, the proof."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import AccountError
from ..models.accounts import Account
from ..models.breaches import Breach
from ..models.causes import list_settings
from ..models.positions import TacticalPosition
from ..models.schedules import PhasedTrade
from ..models.tilts import Tilt
from ..units import basis_points, percent
from .answers import Attempt
from .arrivals import arrived, why_no_trade
from .certificates import NO_CERTIFICATE, Certificate
from .clocks import mark
from .concessions import choose
from .cures import say_overdue, watch
from .figures import read_figures
from .legs import Leg
from .mandates import read_mandate
from .orders import Trade, list_trades, turnover
from .phrases import followed, tell_phases
from .problems import Case, Problem
from .pulls import trade_reasons
from .relaxations import Relaxed, read_relaxed
from .rooms import BINDING, Room, room
from .sentences import say_relaxed
from .solutions import Outcome, Price, Solution
from .tables import tabulate_ranges, tabulate_weights
from .tactical import place
from .trades import Target

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_NOTHING = 5e-7
"""Utility a year that would be told as 0.00 bp."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """What is proposed for one account.

    Parameters
    ----------
    account
        Its id.
    outcome, cause, reason
        How it ended, what asked for it, and the sentence a person reads.
    weights
        One row an asset: current, strategic, ideal, target, low, high, share of each view (``view:ID``); decimals.
    trades
        The fewest that reach the target.
    room
        Every bound of every limit at the target.
    prices
        What the binding limits cost, at the ideal.
    relaxed
        Where RELAXED: every bound of the mandate as written that the target exceeds. ``room`` shows those in force.
    certificate, attempts
        The proof of the ideal, and the engines asked.
    nav, turnover, cost, tracking_error, expected_gain, utility, given_up
        Money; one-way decimal; money, ticket fees included; annual; annual; annual, ticket fees taken off; annual.
    trade_gap
        How far ``trade_worth * trades + turnover`` is above what no target within the indifference is below; decimal of
        NAV, 0 where the target is the ideal.
    positions
        Tactical positions after the trades, where the policy has a time limit: what the account brings along tomorrow.
    breaches
        Grandfathered limits it stands outside of after the trades: what the account brings along tomorrow.
    phases
        Its schedule after the trades, where the policy has phases: what the account brings along tomorrow.
    ranges
        What each limit on single weights leaves of each (:func:`.tables.tabulate_ranges`).
    code, field, value
        Where QUARANTINED: the kind of fault, the book's column and what stood there; ``notes`` say what else a person
        should know.
    """

    account: str
    model: str
    outcome: Outcome
    cause: str = ""
    reason: str = ""
    weights: pd.DataFrame | None = None
    trades: tuple[Trade, ...] = ()
    room: tuple[Room, ...] = ()
    prices: tuple[Price, ...] = ()
    relaxed: tuple[Relaxed, ...] = ()
    certificate: Certificate = NO_CERTIFICATE
    attempts: tuple[Attempt, ...] = ()
    nav: float = float("nan")
    turnover: float = 0.0
    cost: float = 0.0
    tracking_error: float = float("nan")
    expected_gain: float = float("nan")
    utility: float = float("nan")
    given_up: float = 0.0
    trade_gap: float = 0.0
    notes: tuple[str, ...] = ()
    positions: tuple[TacticalPosition, ...] = ()
    breaches: tuple[Breach, ...] = ()
    phases: tuple[PhasedTrade, ...] = ()
    ranges: pd.DataFrame | None = None
    code: str = ""
    field: str = ""
    value: str = ""

    @property
    def binding(self) -> tuple[Room, ...]:
        """The bounds with nothing left."""
        return tuple(r for r in self.room if r.room < BINDING)

    def to_frame(self) -> pd.DataFrame:
        """Return the trades, a row each."""
        columns = ["trade_id", "asset", "side", "quantity", "value", "weight", "cost", "reason"]
        return pd.DataFrame([[getattr(t, c) for c in columns] for t in self.trades], columns=columns)

    def plot(self) -> Figure:
        """Draw where it stands and should, over what its limits leave of each weight; nothing where QUARANTINED."""
        from .plots import draw_weights_over

        return draw_weights_over(self.weights, self.ranges, f"Account {self.account}: weights and what limits leave")

    def __str__(self) -> str:
        """Return the proposal as a person reads it."""
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def propose(solution: Solution, cause: str, leg: Leg | None = None) -> Proposal:
    """Turn ideal weights into a target and the fewest trades that reach it.

    With leg 1 of the account's model (:func:`.legs.trace_model`) each trade is told by its largest part and what held
    it; without, by what alone would pull it most.
    """
    case, policy = solution.case, solution.problem.policy
    if solution.outcome is Outcome.UNSOLVED:
        return _standing(
            policy, case, solution.outcome, cause, solution.reason, solution.certificate, solution.attempts
        )
    solution, target = choose(solution)
    if target.reason:
        still = place(solution.problem, case.account, case.belief)  # nothing is traded, so no bound has moved
        words = f"{target.reason}; {solution.conflict}" if solution.conflict else target.reason
        return _standing(policy, still, Outcome.UNSOLVED, cause, words, solution.certificate, solution.attempts)
    return _proposal(solution.case, cause, target, solution, leg)


def hold(problem: Problem, account: Account, belief: Tilt, reason: str = "no trigger fired") -> Proposal:
    """Propose nothing, and say where the account stands."""
    return _standing(problem.policy, place(problem, account, belief), Outcome.HELD, "", reason)


def quarantine(account: Account, error: AccountError) -> Proposal:
    """Record that an account's input cannot be used."""
    return Proposal(
        account.id,
        account.model,
        Outcome.QUARANTINED,
        reason=str(error),
        code=error.code,
        field=error.field,
        value=error.value,
    )


def _standing(
    policy: Policy,
    case: Case,
    outcome: Outcome,
    cause: str,
    reason: str,
    certificate: Certificate = NO_CERTIFICATE,
    attempts: tuple[Attempt, ...] = (),
) -> Proposal:
    current = case.program.current
    figures = read_figures(case, current, 0)
    return Proposal(
        case.account.id,
        case.account.model,
        outcome,
        cause,
        say_overdue(policy, case.context, (reason,))[0],
        tabulate_weights(case, current, current),
        certificate=certificate,
        attempts=attempts,
        nav=case.standing.nav,
        tracking_error=float(figures.tracking_error),
        expected_gain=float(figures.expected_gain),
        utility=float(figures.utility),
        notes=_dropped(case.belief) + tuple(list_settings(case.belief.causes)),
        positions=_positions(policy, case, current),
        breaches=_breaches(policy, case, current),
        phases=tell_phases(case, current, acted=False)[0],
        ranges=tabulate_ranges(policy, case),
    )


def _proposal(case: Case, cause: str, target: Target, solution: Solution, leg: Leg | None) -> Proposal:
    weights, reasons = target.weights, None
    edge = solution.problem.policy.rebalance.destination == "edge"  # its prices are those of coming back cheaply
    if leg is not None and solution.multipliers is not None and not edge:
        prices, legs = solution.multipliers.lift(), {case.aversion: leg}
        reasons = trade_reasons(case.lift(), solution.ideal[None], weights[None], prices, legs)
    trades = tuple(list_trades(case, weights, target.lots, reasons))
    costs = case.context.market.costs
    fees = costs.ticket_fee * len(trades)
    figures = read_figures(case, weights, len(trades))
    gave = read_relaxed(solution.problem, case, weights) if solution.outcome is Outcome.RELAXED else ()
    phases, phrase = tell_phases(case, weights, acted=True)
    return Proposal(
        case.account.id,
        case.account.model,
        solution.outcome,
        cause,
        say_overdue(
            solution.problem.policy, case.context, (followed(_reason(solution, trades, target, gave), phrase),)
        )[0],
        tabulate_weights(case, solution.ideal, weights),
        trades,
        room(case, weights, solution.prices),
        solution.prices,
        gave,
        solution.certificate,
        solution.attempts,
        case.standing.nav,
        turnover=float(turnover(case, weights)),
        cost=sum(t.cost for t in trades) + fees,
        tracking_error=float(figures.tracking_error),
        expected_gain=float(figures.expected_gain),
        utility=float(figures.utility),
        given_up=target.given_up,
        trade_gap=target.gap,
        notes=solution.told
        + target.notes
        + _dropped(case.belief)
        + _less_bullish(case.belief)
        + tuple(list_settings(case.belief.causes)),
        positions=_positions(solution.problem.policy, case, weights),
        breaches=_breaches(solution.problem.policy, case, weights),
        phases=phases,
        ranges=tabulate_ranges(solution.problem.policy, case),
    )


def _breaches(policy: Policy, case: Case, weights: np.ndarray) -> tuple[Breach, ...]:
    outside = watch(policy, case, weights)
    return () if outside is None else outside.rows()


def _positions(policy: Policy, case: Case, weights: np.ndarray) -> tuple[TacticalPosition, ...]:
    marks = mark(policy, case, weights)
    return () if marks is None else marks.rows(case.context.market.universe)


def _reason(solution: Solution, trades: tuple[Trade, ...], target: Target, gave: tuple[Relaxed, ...]) -> str:
    words = f"{say_relaxed(read_mandate(solution.problem, solution.case), gave)}: {solution.conflict}" if gave else ""
    if solution.certificate.waived:  # never said of an answer that a custom limit keeps from its proof
        unproved = f"that none are better is not proved: {solution.certificate.reason}"
        return f"{words or 'weights that every limit allows'}; {unproved}"
    if words:
        return words
    if not trades:
        return why_no_trade(target.given_up, stays=np.array_equal(solution.stop, target.weights))
    return solution.outcome.value if solution.told else arrived(solution.problem.policy.rebalance.destination)


def _dropped(belief: Tilt) -> tuple[str, ...]:
    return tuple(f"{name} says nothing here: {why}" for name, why in belief.dropped)


def _less_bullish(belief: Tilt) -> tuple[str, ...]:
    return tuple(
        f"view {v} is less bullish than the other views imply"
        for v, size in zip(belief.views, belief.lambdas, strict=True)
        if size < 0
    )


def _lines(proposal: Proposal) -> Iterator[str]:
    yield f"account {proposal.account} ({proposal.model}): {proposal.outcome.name}, {proposal.reason}"
    if proposal.weights is None:
        return
    width = max(8, *(len(str(asset)) for asset in proposal.weights.index))
    yield f"{'asset':<{width}}{'current':>9}{'strategic':>11}{'ideal':>9}{'target':>9}  trade"
    by_asset = {t.asset: t for t in proposal.trades}
    for asset, row in proposal.weights.iterrows():
        numbers = f"{row['current']:>9.2%}{row['strategic']:>11.2%}{row['ideal']:>9.2%}{row['target']:>9.2%}"
        trade = by_asset.get(str(asset))
        words = f"  {trade.side} {trade.value:,.0f} ({trade.reason})" if trade else ""
        yield f"{asset!s:<{width}}{numbers}{words}"
    yield (
        f"turnover {percent(proposal.turnover)}, cost {proposal.cost:,.2f}, "
        f"tracking error {percent(proposal.tracking_error)}, "
        f"expected gain {percent(proposal.expected_gain)} a year"
    )
    yield from _trading_lines(proposal)
    for gave in proposal.relaxed:
        on = f" on {gave.on}" if gave.on else ""
        yield f"gave way: {gave.limit}{on}, bound {gave.bound:.6g}, used {gave.used:.6g}"
    for price in proposal.prices:
        yield str(price)
    if np.isfinite(proposal.certificate.certified_te):
        yield str(proposal.certificate)
    yield from proposal.notes


def _trading_lines(proposal: Proposal) -> Iterator[str]:
    if proposal.given_up > 0:
        yield f"given up for fewer and whole trades: {basis_points(proposal.given_up, 2)} a year"
    elif proposal.given_up < -_NOTHING:
        why = "fewer ticket fees" if proposal.outcome is not Outcome.RELAXED else "limits gave way for whole trades"
        yield f"better than the ideal by {basis_points(-proposal.given_up, 2)} a year: {why}"
    if 0 < proposal.trade_gap < proposal.turnover:  # else the bound says nothing
        yield f"turnover and the worth of trades: within {percent(proposal.trade_gap)} of NAV of the least, proved"
