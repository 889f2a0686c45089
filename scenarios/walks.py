"""One account led through a history, session by session: drift, signals, trades, costs, and what it brings along.

The close of session t, in this order::

    units are worth what they are worth at the close, cash has been paid its rate
    money comes or goes
    what was known at the end of day d - lag_days is what is believed
    rebalance: the same question, in the same code, as this morning's
    trades are done at this close; proportional cost, impact and fees leave the cash

What a day hands to the next is an :class:`Account` and three dates: :class:`Stance`. A walk that stops and goes on from
one is the walk that never stopped.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import MarketError
from ..models.accounts import Account, Model
from ..models.markets import Market
from ..models.tilts import Tilt, tilt
from ..models.views import View
from ..optimizer.paces import is_slowed
from ..optimizer.problems import Problem, outline
from ..optimizer.solutions import Outcome
from ..optimizer.tactical import tactical_targets
from ..signals.readings import Reading
from .archives import Archive
from .conducts import Conduct, begins
from .screens import find_stir, keeps, may_skip
from .steps import Step, decide_step, settle

_SOLVED = (Outcome.OPTIMAL, Outcome.RELAXED)


@dataclass(frozen=True, eq=False)
class Stance:
    """Where a walk stands after a close: all that the next session starts from.

    Parameters
    ----------
    account
        What it remembers; its quantities are those of the last decision.
    held
        Units of each asset, and of cash as it is paid (:attr:`.chronicles.Chronicle.values`), shape (n,).
    session
        The day of the close; None before the first.
    estimated, read
        As of which days the covariance was estimated and the playbook read, ordinals.
    nav
        After trading; None before the first.
    """

    account: Account
    held: np.ndarray
    session: dt.date | None
    estimated: int
    read: int
    nav: float | None


@dataclass(frozen=True, eq=False)
class Asked:
    """A question of a walk, kept so that it can be asked again: what attribution reads.

    ``decided`` says whether it was answered with a target; the others are what was believed and allowed from ``on``,
    and the ``reading`` of the playbook that beliefs were made of.
    """

    on: dt.date
    problem: Problem
    account: Account
    belief: Tilt
    decided: bool
    reading: Reading | None = None


@dataclass(eq=False)
class Log:
    """The rows of a walk, as they are written."""

    days: list[tuple] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    audit: list[tuple] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the last session was passed over."""
        return bool(self.days) and _UNASKED.reason in self.days[-1]


@dataclass(frozen=True, eq=False)
class Ground:
    """What holds until something is read or estimated again: the question but for the prices of the day.

    ``seen`` are the newest days on which the returns, the signals and the views in it were known, ordinals.
    """

    problem: Problem
    belief: Tilt
    regime: str
    seen: Mapping[str, int]
    reading: Reading | None = None

    def at(self, market: Market) -> Problem:
        """Return the problem in the market of a session; what is compiled and remembered is shared."""
        return replace(self.problem, market=market)


class Walk:
    """A policy on its way through a history with one account; :meth:`go` is the way."""

    def __init__(
        self,
        archive: Archive,
        policy: Policy,
        views: Sequence[View],
        flows: Mapping[int, float],
        conduct: Conduct,
        remember: bool = False,
    ) -> None:
        self.remember = remember
        self.archive, self.policy, self.views, self.flows, self.conduct = archive, policy, tuple(views), flows, conduct
        self._problems: dict[tuple[int, str], Problem] = {}
        self._log = Log()

    def go(self, start: Account | Stance, first: int, last: int) -> tuple[Log, Stance]:
        """Walk from one session to another, both included; start from an account or from where a walk stood."""
        chronicle = self.archive.chronicle
        if isinstance(start, Stance):
            stance = start
        else:
            units = chronicle.universe.vector(start.quantities, "quantity")
            stance = Stance(start, units * chronicle.levels[first] / chronicle.values[first], None, 0, 0, None)
        starts = self._starts(first, last, stance)
        ends = [t for t, _, _ in starts[1:]] + [last + 1]
        for (begin, estimates, reads), end in zip(starts, ends, strict=True):
            t, as_of = begin, int(chronicle.dates[begin]) - self.conduct.lag_days
            stance = replace(
                stance, estimated=as_of if estimates else stance.estimated, read=as_of if reads else stance.read
            )
            ground = self.find_ground(stance)
            if self.remember:
                on = chronicle.on(t)
                self._log.asked.append(Asked(on, ground.problem, stance.account, ground.belief, False, ground.reading))
            while t < end:
                t, stance = self._stretch(ground, stance, t, end)
            if end > last and keeps(stance.account) and self._log.passed:
                stance = self._grow_old(ground, stance, last)
        return self._log, stance

    def _starts(self, first: int, last: int, stance: Stance) -> list[tuple[int, bool, bool]]:
        """Return the sessions on which anything is estimated or read again, and which of the two."""
        chronicle = self.archive.chronicle
        estimates = begins(chronicle.days, self.conduct.estimate)
        reads = begins(chronicle.days, self.conduct.read) | self._turns()
        if stance.session is None:
            estimates[first], reads[first] = True, True
        asked = estimates | reads
        asked[first] = True
        return [(int(t), bool(estimates[t]), bool(reads[t])) for t in np.flatnonzero(asked[: last + 1]) if t >= first]

    def _turns(self) -> np.ndarray:
        """Mark the sessions before which a view of people has begun or ended, and those on which one may fade."""
        dates = self.archive.chronicle.dates - self.conduct.lag_days
        turn = np.zeros(len(dates), dtype=bool)
        for view in self.views:
            live = np.array([view.live(dt.date.fromordinal(int(d))) for d in dates])
            turn |= np.r_[False, live[1:] != live[:-1]]
            if view.half_life_days is not None or view.stop is not None or view.take is not None:
                turn |= live
        return turn

    def find_ground(self, stance: Stance) -> Ground:
        """Put together what is believed and what may be done, of what was known by the days of a stance."""
        archive, policy, on = self.archive, self.policy, dt.date.fromordinal(stance.read)
        risk, risk_known = archive.risk(stance.estimated, policy.estimation, self.conduct.window)
        last = int(np.searchsorted(archive.chronicle.dates, stance.read, side="right")) - 1
        market = replace(archive.chronicle.market(max(last, 0), risk), on=None)
        reading, known = archive.read(policy, market, stance.read, self.views)
        views = [*self.views, *(() if reading is None else reading.views)]
        name = stance.account.model
        belief = tilt(
            views, market, Model(name, policy.models[name], policy.risk_aversion), on, trail=archive.chronicle.trail
        )
        belief = belief if reading is None else belief + reading.tilt(name)
        seen = {"returns": risk_known, "signals": known, "views": max(belief.since, default=0)}
        _audit(seen, {"returns": stance.estimated, "signals": stance.read, "views": stance.read})
        regime = reading.regime if reading is not None and policy.playbook.limits else ""
        key = (stance.estimated, regime)
        if key not in self._problems:
            self._problems = {key: outline(policy.in_regime(regime) if regime else policy, market)}
        if policy.needs_target or is_slowed(policy, belief):  # once for all days of this ground: prices do not move it
            tactical_targets(self._problems[key], name, np.array([policy.aversion(stance.account)]), belief)
        return Ground(self._problems[key], belief, regime, seen, reading)

    def _stretch(self, ground: Ground, stance: Stance, t: int, end: int) -> tuple[int, Stance]:
        """Go on to the next session that may ask for something, and decide there; or to the end."""
        chronicle, stop = self.archive.chronicle, t
        if stance.session is not None and may_skip(ground.problem.policy, stance.account):
            money = stance.held * chronicle.values[t:end]
            stop += self._find_candidate(ground, stance.account, money, t)
            for k in range(t, stop):
                nav = float(money[k - t].sum())
                self._write(ground, _UNASKED, k, stance.nav, nav, 0.0, money[k - t] / nav)
                stance = replace(stance, session=chronicle.on(k), nav=nav)
        return (end, stance) if stop == end else (stop + 1, self._decide(ground, stance, stop))

    def _grow_old(self, ground: Ground, stance: Stance, t: int) -> Stance:
        """Return the stance after a session that was passed over, with what it keeps told as of that day."""
        problem, account, on = self._ask(ground, stance, t)
        step = decide_step(problem, account, ground.belief, on)
        account, _ = settle(problem, account, np.zeros(len(stance.held)), replace(step, orders=(), cost=0.0), on)
        own = {name: getattr(account, name) for name in ("positions", "breaches", "phases")}
        return replace(stance, account=replace(stance.account, **own))

    def _ask(self, ground: Ground, stance: Stance, t: int) -> tuple[Problem, Account, dt.date]:
        """Return the question of a session: what may be done at its close, and the account as it stands there."""
        chronicle, universe = self.archive.chronicle, self.archive.chronicle.universe
        units = self._units(stance, t)
        held = {a: float(q) for a, q in zip(universe.assets, units, strict=True) if q}
        account = replace(stance.account, quantities=held, cash_flow=self.flows.get(int(chronicle.dates[t]), 0.0))
        return ground.at(chronicle.market(t, ground.problem.market.risk)), account, chronicle.on(t)

    def _units(self, stance: Stance, t: int) -> np.ndarray:
        return stance.held * self.archive.chronicle.values[t] / self.archive.chronicle.levels[t]

    def _find_candidate(self, ground: Ground, account: Account, money: np.ndarray, t: int) -> int:
        chronicle = self.archive.chronicle
        days = [chronicle.on(t + k) for k in range(len(money))]
        flowing = np.array([day.toordinal() in self.flows for day in days])
        asked = find_stir(ground.problem, account, ground.belief, money, days) | flowing
        return int(np.argmax(asked)) if asked.any() else len(money)

    def _decide(self, ground: Ground, stance: Stance, t: int) -> Stance:
        chronicle, universe = self.archive.chronicle, self.archive.chronicle.universe
        units = self._units(stance, t)
        problem, account, on = self._ask(ground, stance, t)
        opened, flow = float((units * chronicle.levels[t]).sum()), account.cash_flow
        step = decide_step(problem, account, ground.belief, on)
        if self.remember and step.outcome in _SOLVED:
            self._log.asked.append(Asked(on, problem, account, ground.belief, True, ground.reading))
        account, units = settle(problem, account, units, step, on)
        if step.outcome in _SOLVED:
            account = replace(account, last_views=ground.belief.sign)
        money = units * chronicle.levels[t]
        nav = float(money.sum())
        self._write(ground, step, t, stance.nav, opened, flow, money / nav)
        self._log.trades += [{"date": on, **order.row(universe.assets)} for order in step.orders]
        # Who holds goes on with the very same units: a day that is looked at is like one that is passed over.
        held = money / chronicle.values[t] if flow or step.orders else stance.held
        return replace(stance, account=account, held=held, session=on, nav=nav)

    def _write(
        self, ground: Ground, step: Step, t: int, before: float | None, opened: float, flow: float, weights: np.ndarray
    ) -> None:
        date = int(self.archive.chronicle.dates[t])
        gained = 0.0 if before is None else opened - before
        numbers = (opened, gained, flow, step.cost, opened + flow - step.cost, step.turnover, len(step.orders))
        words = (step.outcome.name, step.cause, step.reason, ground.regime)
        self._log.days.append((*numbers, *words))
        self._log.weights.append(weights)
        self._log.audit.append((date - self.conduct.lag_days, date, *ground.seen.values()))


_UNASKED = Step(Outcome.HELD, reason="nothing asks for a rebalance")
_DAYS = ("opened", "gained", "flow", "cost", "nav", "turnover", "trades", "outcome", "cause", "reason", "regime")
_AUDIT = ("as_of", "prices", "returns", "signals", "views")


def _audit(seen: Mapping[str, int], until: Mapping[str, int]) -> None:
    """Refuse a number that could only be known after the day it is used for: our fault, never to be passed over."""
    for name, known in seen.items():
        if known > until[name]:
            when, then = (dt.date.fromordinal(d) for d in (known, until[name]))
            raise MarketError(
                f"{name} known on {when} were used as of {then}", code="LOOK_AHEAD", table=name, field="available_at",
                value=when, mend="please report it: a backtest must not know what is to come",
            )  # fmt: skip


def tabulate(log: Log, days: pd.DatetimeIndex, assets: Sequence[str]) -> tuple[pd.DataFrame, ...]:
    """Return the rows of a walk as labelled tables: days, weights, trades, audit."""
    frame = pd.DataFrame(log.days, index=days, columns=list(_DAYS))
    weights = pd.DataFrame(log.weights, index=days, columns=list(assets))
    audit = pd.DataFrame(log.audit, index=days, columns=list(_AUDIT))
    for name in audit:
        audit[name] = [dt.date.fromordinal(int(d)) if d > 0 else None for d in audit[name]]
    columns = ["date", "asset", "side", "quantity", "value", "weight", "cost", "reason"]
    return frame, weights, pd.DataFrame(log.trades, columns=columns), audit
