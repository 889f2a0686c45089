"""Random years at daily checks: does any account lean farther or longer than its time limit says?

Each world draws a mandate with a time limit and a market; its accounts share the market, the days and the views, and
each drifts on its own: prices of its own holdings, deposits and withdrawals, days on which it is not asked. What is
allowed is counted again by an auditor that shares nothing with the product but the rules: plain Python, one position
at a time.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from trimtab.constraints import Context, Deviation, Lots, Policy, TimeLimit, TrackingError
from trimtab.models import Account, Market, Model, Tilt, View, tilt
from trimtab.models.cohorts import Cohort
from trimtab.models.positions import Clocks, list_positions, read_positions
from trimtab.optimizer import Outcome
from trimtab.optimizer.decisions import decide_all
from trimtab.optimizer.problems import Problem, outline, pose
from trimtab.optimizer.rebalancing import decide

from .registry import Figure, case

BEGIN = dt.date(2026, 1, 1)
CLASSES = ("equity", "equity", "bonds", "bonds", "real")
WITHIN = 1e-8
"""What of a weight is forgiven: the gate allows 1e-9 of a limit, and cash takes the rest."""


@dataclass
class Tally:
    """What was seen.

    ``beyond`` is the farthest any account stood beyond what it was allowed, ``outside`` beyond a deviation limit,
    ``at_end`` beyond ``max(close_at, one lot)`` on its expiry; ``share`` the largest share of whole cycles that a side
    was open under a view that never dies, of what ``life / (life + rest)`` allows; ``unsolved`` account-days.
    """

    histories: int = 0
    days: int = 0
    unsolved: int = 0
    opened: int = 0
    expired: int = 0
    beyond: float = -math.inf
    outside: float = -math.inf
    at_end: float = -math.inf
    share: float = 0.0


Key = tuple[int, int, int]
"""Account, side (0 under, 1 over), asset."""


@dataclass
class Row:
    """A position as the auditor has it."""

    opened: int
    base: float | None = None
    rested: bool = False


@dataclass
class Auditor:
    """Counts again, position by position, what the rules say; ``spells`` are first and last days in position."""

    limit: TimeLimit
    delta: float | None
    rows: dict[Key, Row] = field(default_factory=dict)
    spells: dict[Key, list[list[int]]] = field(default_factory=dict)

    def allowed(self, key: Key, day: int, lean: float, lot: float) -> float:
        """Return how far a side may lean; remembers what reversion started from."""
        row, limit = self.rows.get(key), self.limit
        if row is None or self._over(row, day):
            return math.inf
        x = (day - row.opened - limit.life_days + limit.reversion_days) / limit.reversion_days
        if x <= 0:
            return math.inf
        row.base = lean if row.base is None else row.base
        delta = row.base if self.delta is None else self.delta
        return max(delta * self._rho(min(x, 1.0)), float(limit.close_at), lot)

    def _over(self, row: Row, day: int) -> bool:
        return row.rested and day - row.opened >= self.limit.life_days + max(self.limit.rest_days or 0, 1)

    def _rho(self, x: float) -> float:
        if self.limit.shape == "linear":
            return 1 - x
        if self.limit.shape == "exponential":
            return (math.exp(-3 * x) - math.exp(-3)) / (1 - math.exp(-3))
        return 1 - math.ceil(self.limit.steps * x - 1e-9) / self.limit.steps

    def close(self, key: Key, day: int, lean: float, lot: float, *, traded: bool) -> tuple[bool, bool]:
        """Take in where a day ended; say whether a position was opened, and whether this is the first day of rest."""
        row, limit, first = self.rows.get(key), self.limit, False
        if row is not None and not self._over(row, day):
            age = day - row.opened
            if age >= limit.life_days:
                first = not row.rested
                row.rested = row.rested or lean <= max(float(limit.close_at), lot) + WITHIN
                return False, first
            self.spells[key][-1][1] = day
            if age <= limit.life_days - limit.reversion_days and lean < float(limit.close_at) - 1e-9:
                del self.rows[key]
            return False, False
        self.rows.pop(key, None)
        if traded and lean > float(limit.open_at) + 1e-9:
            self.rows[key] = Row(day)
            self.spells.setdefault(key, []).append([day, day])
            return True, False
        return False, False


@dataclass(frozen=True, eq=False)
class World:
    """One mandate, one market, what is believed on each day."""

    policy: Policy
    market: Market
    limit: TimeLimit
    delta: float | None
    lots: bool
    undying: bool
    beliefs: tuple[Tilt, ...]


def draw_world(seed: int, days: int) -> World:
    """Draw a mandate with a time limit, a market, and views that come and go or never die."""
    rng = np.random.default_rng([20261122, seed])
    n = len(CLASSES)
    names = [f"A{i}" for i in range(n)]
    half = rng.normal(size=(3 * n, n)) + rng.normal(size=(3 * n, 1))
    sigma = np.corrcoef(half, rowvar=False) * np.outer(*[rng.uniform(0.05, 0.25, n)] * 2)
    assets = pd.DataFrame({"asset_class": list(CLASSES)}, index=names)
    lots = bool(rng.random() < 0.3)
    market = Market.from_frames(
        assets,
        pd.DataFrame((sigma + sigma.T) / 2, names, names),
        costs=float(rng.choice([0.0, 0.0005])),
        prices=dict(zip(names, rng.uniform(20, 200, n), strict=True)),
        lots=1.0 if lots else 0.0,
        on=BEGIN,
    )
    life = int(rng.integers(20, 120))
    limit = TimeLimit(
        life,
        int(rng.integers(1, life + 1)),
        shape=str(rng.choice(["linear", "exponential", "steps"])),  # pyright: ignore[reportArgumentType]
        steps=int(rng.integers(1, 6)),
        open_at=0.005,
        close_at=float(rng.choice([0.001, 0.005])),
        rest_days=int(rng.integers(1, 120)) if rng.random() < 0.7 else None,
    )
    delta = float(rng.choice([0.02, 0.05])) if rng.random() < 0.7 else None
    limits = [limit, *([Deviation(delta)] if delta else [TrackingError(0.02)]), *([Lots()] if lots else [])]
    weights = rng.dirichlet(np.full(n, 6.0)) * 0.97
    policy = Policy(tuple(limits), {"m": {**dict(zip(names, weights, strict=True)), "CASH": 1.0 - weights.sum()}})
    undying = bool(rng.random() < 0.5)
    return World(policy, market, limit, delta, lots, undying, _beliefs(rng, policy, market, days, undying=undying))


def _beliefs(rng: np.random.Generator, policy: Policy, market: Market, days: int, *, undying: bool) -> tuple[Tilt, ...]:
    model = Model("m", policy.models["m"], policy.risk_aversion)
    said = [tilt([View("equity - bonds", 0.08, 0.9)], market, model, BEGIN)]
    if undying:
        return tuple(said) * days
    out: list[Tilt] = []
    while len(out) < days:
        legs = " - ".join(rng.choice(["equity", "bonds", "real"], 2, replace=False))
        views = [View(legs, float(rng.normal(0, 0.04)), 0.7)] if rng.random() < 0.7 else []
        out += [tilt(views, market, model, BEGIN)] * int(rng.integers(1, 90))
    return tuple(out[:days])


@dataclass(eq=False)
class Crowd:
    """Accounts on their way: units, and the clocks of their positions."""

    held: np.ndarray
    clocks: Clocks

    def cohort(self, which: np.ndarray, flows: np.ndarray) -> Cohort:
        """Return some of them as a chunk would have them."""
        held, ids = self.held[which], which.astype(str).astype(object)
        return Cohort(ids, "m", held, 0 * held, flows[which], clocks=self.clocks.pick(which))


def play(world: World, accounts: int, days: int, seed: int, tally: Tally) -> Tally:
    """Let accounts live for so many days, and count what they do."""
    rng = np.random.default_rng([20261123, seed])
    universe, prices = world.market.universe, np.array(world.market.prices)
    n, cash = len(universe), universe.cash
    b = universe.vector(world.policy.models["m"])
    held = b * 10 ** rng.uniform(5, 7, (accounts, 1)) / prices
    held = np.floor(held) if world.lots else held
    crowd, auditor = Crowd(held, Clocks.none((accounts, 2, n))), Auditor(world.limit, world.delta)
    problem = outline(world.policy, world.market)
    tally.histories += accounts
    for k in range(days):
        prices = prices * np.exp(rng.normal(0, 0.01, n))
        prices[cash] = 1.0
        market = replace(world.market, on=BEGIN + dt.timedelta(k), prices=prices)
        if not world.lots:
            crowd.held[:, :cash] *= np.exp(rng.normal(0, 0.004, (accounts, cash)))
        asked = np.flatnonzero(rng.random(accounts) < ASKED)
        flows = (crowd.held * prices).sum(-1) * rng.normal(0, 0.02, accounts) * (rng.random(accounts) < 0.05)
        day = replace(problem, market=market)  # what is compiled stays: nothing of it changes with the day
        left = _together(day, crowd, asked, flows, world, k, auditor, tally)
        for i in left.tolist():
            _alone(day, crowd, i, flows, world, k, auditor, tally)
        tally.days += len(asked)
    if world.undying:
        tally.share = max(tally.share, _share(world.limit, auditor))
    return tally


ASKED = 0.97
"""The chance that an account is asked on a day."""


def _together(
    problem: Problem, crowd: Crowd, asked: np.ndarray, flows: np.ndarray, world: World, k: int, auditor: Auditor,
    tally: Tally,
) -> np.ndarray:  # fmt: skip
    """Decide accounts as a chunk; return those who have to be asked alone."""
    decided, _ = decide_all(problem, crowd.cohort(asked, flows), world.beliefs[k], BEGIN + dt.timedelta(k))
    if not decided:
        return asked
    ((decisions, kept),) = decided
    who, marks, cases = asked[kept], decisions.marks, decisions.cases
    if marks is None:
        raise ValueError("a world without a time limit")
    tomorrow = marks.tomorrow
    for name in ("opened", "until", "base", "rested"):
        getattr(crowd.clocks, name)[who] = getattr(tomorrow, name)
    _invest(crowd, who, decisions.target, cases.standing.nav, problem.market.prices)
    _audit(world, auditor, who, cases.context, decisions.target, tally)
    return np.setdiff1d(asked, who)


def _alone(
    problem: Problem, crowd: Crowd, i: int, flows: np.ndarray, world: World, k: int, auditor: Auditor, tally: Tally
) -> None:
    """Decide one account as a straggler of a chunk is."""
    universe, who = problem.market.universe, np.array([i])
    clocks = crowd.clocks.pick(i)
    state = np.where(np.isnan(clocks.opened), 0, np.where(clocks.rested, 3, 1))
    rows = list_positions(clocks, state, np.zeros(state.shape), np.full(state.shape, np.inf), universe)
    units = dict(zip(universe.assets, crowd.held[i].tolist(), strict=True))
    account = Account(str(i), "m", units, float(flows[i]), positions=rows)
    proposal = decide(problem, account, world.beliefs[k], BEGIN + dt.timedelta(k))
    if proposal.weights is None or proposal.outcome is not Outcome.OPTIMAL:
        tally.unsolved += 1
    case = pose(problem, account, world.beliefs[k])
    after = read_positions(proposal.positions, universe)
    for name in ("opened", "until", "base", "rested"):
        getattr(crowd.clocks, name)[i] = getattr(after, name)[:2]
    target = proposal.weights["target"].to_numpy() if proposal.weights is not None else case.program.current
    _invest(crowd, who, target[None], np.array([case.standing.nav]), problem.market.prices)
    _audit(world, auditor, who, case.context.lift(), target[None], tally)


def _invest(crowd: Crowd, who: np.ndarray, target: np.ndarray, nav: np.ndarray, prices: np.ndarray) -> None:
    crowd.held[who] = target * nav[:, None] / prices


def _audit(world: World, auditor: Auditor, who: np.ndarray, context: Context, target: np.ndarray, tally: Tally) -> None:
    """Hold where accounts stand after the day against what the auditor says they may."""
    day, cash = context.day, context.market.universe.cash
    before, after = (np.stack([-x, x], 1) for x in (context.current - context.strategic, target - context.strategic))
    traded = target != context.current
    lots = context.market.prices / np.asarray(context.nav)[:, None] if world.lots else np.zeros(target.shape)
    if world.delta is not None:
        tally.outside = max(tally.outside, float(np.abs(np.delete(after[:, 1], cash, 1)).max()) - world.delta)
    known = {(key[0], key[1], key[2]) for key in auditor.rows if key[0] in set(who.tolist())}
    place = {i: r for r, i in enumerate(who.tolist())}
    moved = np.argwhere((after > float(world.limit.open_at)) & traded[:, None, :])
    known |= {(int(who[r]), int(s), int(a)) for r, s, a in moved if a != cash}
    for key in sorted(known):
        r, s, a = place[key[0]], key[1], key[2]
        lean, lot = float(after[r, s, a]), float(lots[r, a])
        allowed = auditor.allowed(key, day, max(float(before[r, s, a]), 0.0), lot)
        tally.beyond = max(tally.beyond, lean - allowed)
        opened, ended = auditor.close(key, day, lean, lot, traded=bool(traded[r, a]))
        tally.opened += opened
        if ended:
            tally.expired += 1
            tally.at_end = max(tally.at_end, lean - max(float(world.limit.close_at), lot))


def _share(limit: TimeLimit, auditor: Auditor) -> float:
    """Return the largest share of time in position, from first opening to last, of what life and rest allow."""
    most, found = limit.life_days / (limit.life_days + (limit.rest_days or 0)), 0.0
    for spells in auditor.spells.values():
        if len(spells) > 1:
            inside = sum(last + 1 - first for first, last in spells[:-1])
            found = max(found, inside / (spells[-1][0] - spells[0][0]) / most)
    return found


@case("histories", "random years at daily checks: nobody leans farther or longer than allowed", (2000,), smoke=4)
def histories(size: int, rounds: int) -> Iterable[Figure]:  # noqa: ARG001  (a campaign is one round)
    """Play ``size`` histories of three years (of a third of a year, in small) in worlds of up to 50 accounts."""
    tally, each = Tally(), min(50, max(2, size // 2))
    days = 1095 if size >= 100 else 120
    for seed in range(-(-size // each)):
        play(draw_world(seed, days), each, days, seed, tally)
    name = str(tally.histories)
    yield Figure("account-days", name, tally.days, "")
    yield Figure("without an answer", name, tally.unsolved, "", "0")
    yield Figure("positions opened", name, tally.opened, "")
    yield Figure("positions expired", name, tally.expired, "")
    yield Figure("farthest beyond a time limit", name, tally.beyond, "of NAV", "1e-8")
    yield Figure("farthest beyond a deviation limit", name, tally.outside, "of NAV", "1e-8")
    yield Figure("beyond max(close_at, one lot) at the end", name, tally.at_end, "of NAV", "1e-8")
    yield Figure("time in position, of life / (life + rest)", name, tally.share, "", "1")
