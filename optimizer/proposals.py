"""What the desk gets: a target, the trades that reach it, the room left, the prices, the proof."""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..constraints import terms
from ..errors import AccountError
from ..models.accounts import Account
from ..models.tilts import Tilt
from ..units import basis_points, percent
from .answers import Attempt
from .certificates import NO_CERTIFICATE, Certificate
from .problems import Case, Problem, pose
from .solutions import Outcome, Price, Solution
from .trades import Target, choose_target

BINDING = 1e-7
"""A bound counts as binding when less than this is left of it, in its own unit."""


@dataclass(frozen=True)
class Trade:
    """One order: quantity and value are positive, ``weight`` is signed, ``cost`` is money without the ticket fee."""

    trade_id: str
    asset: str
    side: str
    quantity: float
    value: float
    weight: float
    cost: float
    reason: str


@dataclass(frozen=True)
class Room:
    """How much of one bound of one limit is used by the target; ``price`` is utility a year per unit, 0 if not binding."""

    limit: str
    on: str
    bound: float
    used: float
    room: float
    price: float = 0.0


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
    certificate, attempts
        The proof of the ideal, and the engines asked.
    nav, turnover, cost, tracking_error, expected_gain, utility, given_up
        Money; one-way decimal; money, ticket fees included; annual; annual; annual, ticket fees taken off; annual.

    Notes
        What else a person should know.
    code, field
        Where QUARANTINED: the kind of fault and the book's column.
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
    certificate: Certificate = NO_CERTIFICATE
    attempts: tuple[Attempt, ...] = ()
    nav: float = float("nan")
    turnover: float = 0.0
    cost: float = 0.0
    tracking_error: float = float("nan")
    expected_gain: float = float("nan")
    utility: float = float("nan")
    given_up: float = 0.0
    notes: tuple[str, ...] = ()
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

    def __str__(self) -> str:
        """Return the proposal as a person reads it."""
        return "\n".join(_lines(self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def propose(solution: Solution, cause: str) -> Proposal:
    """Turn ideal weights into a target and the fewest trades that reach it."""
    case = solution.case
    if solution.outcome is Outcome.UNSOLVED:
        return _standing(
            solution.case, solution.outcome, cause, solution.reason, solution.certificate, solution.attempts
        )
    target = choose_target(solution)
    if target.reason:
        return _standing(case, Outcome.UNSOLVED, cause, target.reason, solution.certificate, solution.attempts)
    return _proposal(case, cause, target, solution)


def hold(problem: Problem, account: Account, belief: Tilt, reason: str = "no trigger fired") -> Proposal:
    """Propose nothing, and say where the account stands."""
    return _standing(pose(problem, account, belief), Outcome.HELD, "", reason)


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
    case: Case,
    outcome: Outcome,
    cause: str,
    reason: str,
    certificate: Certificate = NO_CERTIFICATE,
    attempts: tuple[Attempt, ...] = (),
) -> Proposal:
    current = case.program.current
    figures = _figures(case, current, 0)
    return Proposal(
        case.account.id, case.account.model, outcome, cause, reason, _weights(case, current, current), certificate=certificate,
        attempts=attempts, nav=case.standing.nav, tracking_error=figures.tracking_error, expected_gain=figures.expected_gain,
        utility=figures.utility, notes=_dropped(case.belief),
    )  # fmt: skip


def _proposal(case: Case, cause: str, target: Target, solution: Solution) -> Proposal:
    weights = target.weights
    trades = tuple(_trades(case, weights))
    costs = case.context.market.costs
    fees = costs.ticket_fee * len(trades)
    figures = _figures(case, weights, len(trades))
    reason = solution.outcome.value if trades else "the best weights the policy allows are the current ones"
    return Proposal(
        case.account.id, case.account.model, solution.outcome, cause, reason, _weights(case, solution.ideal, weights), trades,
        room(case, weights, solution.prices), solution.prices, solution.certificate, solution.attempts, case.standing.nav,
        turnover=turnover(case, weights), cost=sum(t.cost for t in trades) + fees, tracking_error=figures.tracking_error,
        expected_gain=figures.expected_gain, utility=figures.utility, given_up=target.given_up, notes=target.notes + _dropped(case.belief) + _less_bullish(case.belief),
    )  # fmt: skip


@dataclass(frozen=True)
class _Figures:
    tracking_error: float
    expected_gain: float
    utility: float


def _figures(case: Case, weights: np.ndarray, trades: int) -> _Figures:
    active = weights - case.context.strategic
    tickets = case.context.market.costs.ticket_fee * trades / float(case.standing.nav) / case.horizon
    gain = float(np.dot(np.broadcast_to(case.belief.alpha(case.aversion), active.shape), active))
    return _Figures(float(case.context.market.risk.volatility(active)), gain, case.program.utility(weights) - tickets)


def turnover(case: Case, weights: np.ndarray) -> float:
    """Return one-way turnover ``max(buys - inflow, sells - outflow)`` over non-cash assets, at least 0."""
    z = np.delete(weights - case.program.current, case.program.cash)
    return float(
        max(np.maximum(z, 0).sum() - case.standing.inflow, np.maximum(-z, 0).sum() - case.standing.outflow, 0.0)
    )


def room(case: Case, weights: np.ndarray, prices: tuple[Price, ...] = ()) -> tuple[Room, ...]:
    """Read every bound of every limit at these weights; standing limits only where nothing is left of them."""
    known = {(p.limit, p.on): p.price for p in prices}
    rooms = []
    for name, term in case.program.named:
        for use in terms.use(
            term, weights, case.program.current, case.context.market.risk, case.context.market.universe
        ):
            if use.room < BINDING or name in case.names:
                price = known.get((name, use.on), 0.0) if use.room < BINDING else 0.0
                rooms.append(Room(name, use.on, use.bound, use.used, use.room, price))
    return tuple(rooms)


def _weights(case: Case, ideal: np.ndarray, target: np.ndarray) -> pd.DataFrame:
    universe, program = case.context.market.universe, case.program
    columns = {
        "current": program.current,
        "strategic": case.context.strategic,
        "ideal": ideal,
        "target": target,
        "low": program.lo,
        "high": program.hi,
    }
    columns |= {f"view:{v}": row for v, row in zip(case.belief.views, case.belief.rows(case.aversion), strict=True)}
    return pd.DataFrame(columns, index=pd.Index(universe.assets, name="asset_id"))


def _trades(case: Case, target: np.ndarray) -> Iterator[Trade]:
    market, nav, on = case.context.market, float(case.standing.nav), case.context.market.on
    z = target - case.program.current
    for i, asset in enumerate(market.universe.assets):
        if i == case.program.cash or z[i] == 0.0:
            continue
        value = abs(z[i]) * nav
        cost = market.costs.proportional[i] * value + case.program.impact[i] * case.horizon * abs(z[i]) ** 1.5 * nav
        side = "buy" if z[i] > 0 else "sell"
        quantity = _whole(value / market.prices[i], market.lots[i])
        yield Trade(
            _trade_id(case.account.id, asset, side, quantity, on),
            asset,
            side,
            quantity,
            value,
            float(z[i]),
            float(cost),
            _reason(case, i, float(z[i])),
        )


def _whole(quantity: float, lot: float) -> float:
    """Return the quantity without the last bits that weights leave on a whole number of lots."""
    lots = round(quantity / lot) if lot else 0
    return lots * lot if lot and abs(quantity - lots * lot) < 1e-6 * lot else quantity


def _trade_id(account: str, asset: str, side: str, quantity: float, on: dt.date | None) -> str:
    """Name a trade by the decision alone, so that a retry cannot double an order."""
    text = json.dumps([account, asset, side, repr(float(quantity)), str(on)])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _reason(case: Case, i: int, z: float) -> str:
    """Say what pulls this trade most: back to strategic, the shift, or the view that moves the asset the most its way."""
    drift = case.context.strategic[i] - case.program.current[i]
    shift = float(np.broadcast_to(case.belief.target, case.program.current.shape)[i])
    variance = case.program.gamma * case.program.risk.variances[i]
    pulls = {"back to strategic": drift, "strategic shift": shift}
    pulls |= {
        f"view {v}": row[i] / variance
        for v, row in zip(case.belief.views, case.belief.rows(case.aversion), strict=True)
    }
    best = max(pulls, key=lambda k: pulls[k] * np.sign(z))
    return best if pulls[best] * z > 0 else "makes room for the other trades"


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
    frame = proposal.weights
    yield f"{'asset':<12}{'current':>9}{'strategic':>11}{'ideal':>9}{'target':>9}  trade"
    by_asset = {t.asset: t for t in proposal.trades}
    for asset, row in frame.iterrows():
        trade = by_asset.get(str(asset))
        words = f"{trade.side} {trade.value:,.0f} ({trade.reason})" if trade else ""
        yield f"{asset!s:<12}{row['current']:>9.2%}{row['strategic']:>11.2%}{row['ideal']:>9.2%}{row['target']:>9.2%}  {words}".rstrip()
    yield (
        f"turnover {percent(proposal.turnover)}, cost {proposal.cost:,.2f}, tracking error {percent(proposal.tracking_error)}, "
        f"expected gain {percent(proposal.expected_gain)} a year, given up {basis_points(proposal.given_up)} a year"
    )
    for price in proposal.prices:
        yield f"binding: {price.limit}{f' on {price.on}' if price.on else ''}, worth {basis_points(price.price * 0.01, 2)} a year per 1%"
    if np.isfinite(proposal.certificate.certified_te):
        yield f"certified: within {basis_points(proposal.certificate.certified_te, 4)} of the true optimum, residual {proposal.certificate.residual:.0e}"
    yield from proposal.notes
