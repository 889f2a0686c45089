"""Random mandates, and an independent statement of each.

A `Draw` holds raw numbers. From them come, on two roads that share nothing, the nouns of the product and a program in
the plainest cvxpy: dense matrices, `quad_form`, `abs`, `power`. Only the second road is this file's own.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from trimtab.constraints import (
    Cash,
    Deviation,
    Group,
    Leverage,
    Policy,
    Position,
    Restriction,
    TrackingError,
    TradeSize,
    Turnover,
    Volatility,
)
from trimtab.models import NO_TILT, Account, Costs, Market, Risk, Tilt, Universe, View, tilt

ON = dt.date(2026, 11, 20)
CLASSES = ("equity", "bonds", "real")


@dataclass
class Draw:
    """One random mandate and book: the product's nouns, and the raw numbers that the plain statement reads."""

    seed: int
    market: Any = None
    policy: Any = None
    account: Any = None
    belief: Any = None
    sigma: np.ndarray = field(default_factory=lambda: np.zeros(0))
    b: np.ndarray = field(default_factory=lambda: np.zeros(0))
    w0: np.ndarray = field(default_factory=lambda: np.zeros(0))
    alpha: np.ndarray = field(default_factory=lambda: np.zeros(0))
    shift: np.ndarray = field(default_factory=lambda: np.zeros(0))
    m: np.ndarray = field(default_factory=lambda: np.zeros(0))
    q: float = 1.0
    gamma: float = 6.0
    horizon: float = 0.5
    kappa: np.ndarray = field(default_factory=lambda: np.zeros(0))
    iota: np.ndarray = field(default_factory=lambda: np.zeros(0))
    long_only: bool = True
    plain: list = field(default_factory=list)  # functions of (w, this draw) to a list of cvxpy constraints
    kinds: list = field(default_factory=list)
    views: list = field(default_factory=list)

    @property
    def tilted_sigma(self) -> np.ndarray:
        return self.sigma * np.outer(self.m, self.m)

    @property
    def linear(self) -> bool:
        return not (self.iota.any() or {"tracking_error", "volatility"} & set(self.kinds))

    def objective(self, w: Any) -> Any:
        """Say 5.1 of the design in cvxpy, to be maximised, not normalised."""
        d = w - self.b - self.shift
        anchored = self.b + self.shift
        tilted, gamma = self.tilted_sigma, self.q * self.gamma
        slope = self.alpha + self.gamma * self.sigma @ anchored - gamma * tilted @ anchored
        return slope @ d - gamma / 2 * cp.quad_form(d, cp.psd_wrap(tilted)) - self.cost(w) / self.horizon

    def cost(self, w: Any) -> Any:
        """Say what trading costs, decimal of NAV."""
        cost = self.kappa @ cp.abs(w - self.w0)
        return cost + self.iota @ cp.power(cp.abs(w - self.w0), 1.5) if self.iota.any() else cost

    def utility(self, w: np.ndarray) -> float:
        return float(self.objective(cp.Constant(w)).value)

    def constraints(self, w: Any) -> list:
        stated = [cp.sum(w) == 1]
        if self.long_only:
            stated += [w >= 0, w <= 1, w[-1] - self.cost(w) >= 0]
        for say in self.plain:
            stated += say(w, self)
        return stated

    def violation(self, weights: np.ndarray) -> float:
        """Return by how much these weights break the plainly stated limits."""
        w = cp.Variable(len(self.b), value=weights)
        return max(float(np.max(c.violation())) for c in self.constraints(w))

    def solve_plainly(self, solver: str = "CLARABEL", **options: float) -> tuple[str, np.ndarray | None]:
        """Solve the plain statement, normalised, and return the status and the weights."""
        w = cp.Variable(len(self.b))
        scale = self.q * self.gamma * float(np.diag(self.tilted_sigma).mean())
        problem = cp.Problem(cp.Maximize(self.objective(w) / scale), self.constraints(w))
        tight = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9, "max_iter": 500}
        problem.solve(solver=solver, **(options or (tight if solver == "CLARABEL" else {})))
        return str(problem.status), w.value


def _size(rng: np.random.Generator, low: float, high: float) -> float:
    return float(round(rng.uniform(low, high), 4))


def _root(sigma: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(sigma)
    return (vectors * np.sqrt(np.clip(values, 0, None))).T


# Each sentence below is a function of its own numbers: a closure in a loop of draws would read the last draw's.


def _near(b: np.ndarray, up: float, down: float):
    return lambda w, d: [w - b <= up, b - w <= down]


def _between(row: np.ndarray, low: float, high: float):
    sides = [(1, high)] * bool(np.isfinite(high)) + [(-1, -low)] * bool(np.isfinite(low))
    return lambda w, d: [side * (row @ w) <= end for side, end in sides]


def _ball(sigma: np.ndarray, anchor: np.ndarray, mask: np.ndarray, most: float):
    block, at = _root(sigma[np.ix_(mask, mask)]), np.flatnonzero(mask)
    return lambda w, d: [cp.norm(block @ (w[at] - anchor[at])) <= most]


def _turnover(most: float, inflow: float, outflow: float):
    return lambda w, d: [
        cp.sum(cp.pos(w[:-1] - d.w0[:-1])) - inflow <= most,
        cp.sum(cp.neg(w[:-1] - d.w0[:-1])) - outflow <= most,
    ]


def _cash_least(least: float):
    return lambda w, d: [w[-1] - d.cost(w) >= least]


def _weights_most(at: np.ndarray, most: float):
    return lambda w, d: [w[at] <= most]


def _one_way(at: int, side: int):
    return lambda w, d: [side * (w[at] - d.w0[at]) <= 0]


def _trades_most(most: float):
    return lambda w, d: [cp.abs(w[:-1] - d.w0[:-1]) <= most]


def _gross(most: float):
    return lambda w, d: [cp.norm1(w[:-1]) <= most]


def _draw_limits(
    rng: np.random.Generator, draw: Draw, masks: dict[str, np.ndarray], flows: tuple[float, float]
) -> list:
    """Draw limits, each twice: as the product's noun and as plain cvxpy."""
    limits: list[Any] = []

    def add(limit: Any, say: Any) -> None:
        limits.append(limit)
        draw.plain.append(say)
        draw.kinds.append(limit.kind)

    def a_class() -> tuple[str, np.ndarray]:
        name = str(rng.choice(CLASSES))
        return name, masks[name]

    _draw_states(rng, draw, add, a_class)
    _draw_trades(rng, draw, add, a_class, flows)
    return limits


def _draw_states(rng: np.random.Generator, draw: Draw, add: Any, a_class: Any) -> None:
    """Draw what limits where a portfolio stands."""
    n, b, sigma = len(draw.b), draw.b, draw.sigma
    everything, nothing = np.ones(n, bool), np.zeros(n)
    if rng.random() < 0.7:
        up, down = _size(rng, 0.01, 0.1), _size(rng, 0.01, 0.1)
        if rng.random() < 0.5:
            add(Deviation(up), _near(b, up, up))
        else:
            add(Deviation(up=up, down=down), _near(b, up, down))
    if rng.random() < 0.5:
        (name, mask), most = a_class(), _size(rng, 0.01, 0.08)
        around = b[mask].sum()
        add(Group(name, least=-most, most=most, around="strategic"), _between(mask * 1.0, around - most, around + most))
    if rng.random() < 0.3:
        name, mask = a_class()
        top = float(round(b[mask].sum() + rng.uniform(0.0, 0.1), 4))
        add(Group(name, most=top, name="group_top"), _between(mask * 1.0, -np.inf, top))
    if rng.random() < 0.3:
        duration = np.append(rng.uniform(0.01, 8, n - 1).round(2), 0.0)
        low = float(round(duration @ b - rng.uniform(0.05, 0.5), 3))
        exposure = {a: float(x) for a, x in zip(draw.market.universe.assets, duration, strict=True) if x}
        add(Group(exposure=exposure, least=low, name="duration"), _between(duration, low, np.inf))
    if rng.random() < 0.5:
        most = _size(rng, 0.002, 0.02)
        add(TrackingError(most), _ball(sigma, b, everything, most))
    if rng.random() < 0.2:
        (name, mask), most = a_class(), _size(rng, 0.002, 0.02)
        add(TrackingError(most, on=name, name="te_part"), _ball(sigma, b, mask, most))
    if rng.random() < 0.3:
        most = float(round(np.sqrt(b @ sigma @ b) * rng.uniform(0.97, 1.1), 5))
        add(Volatility(most), _ball(sigma, nothing, everything, most))


def _draw_trades(rng: np.random.Generator, draw: Draw, add: Any, a_class: Any, flows: tuple[float, float]) -> None:
    """Draw what limits trades, cash, single weights and gross weight."""
    n, b = len(draw.b), draw.b
    if rng.random() < 0.6:
        most = _size(rng, 0.01, 0.2)
        add(Turnover(most), _turnover(most, *flows))
    if rng.random() < 0.3 and draw.long_only:
        least = _size(rng, 0.0, 0.02)
        add(Cash(least=least), _cash_least(least))
    if rng.random() < 0.2:
        most = float(round(b[-1] + rng.uniform(0.01, 0.1), 4))
        add(Cash(most=most, name="cash_top"), _weights_most(np.array([n - 1]), most))
    if rng.random() < 0.3:
        name, mask = a_class()
        most = float(round(b[mask].max() + rng.uniform(0.0, 0.05), 4))
        add(Position(name, most=most), _weights_most(np.flatnonzero(mask), most))
    if rng.random() < 0.15:
        i, rule = int(rng.integers(n - 1)), str(rng.choice(["no_buy", "no_sell"]))
        add(Restriction(draw.market.universe.assets[i], rule=rule), _one_way(i, 1 if rule == "no_buy" else -1))
    if rng.random() < 0.15:
        most = _size(rng, 0.01, 0.1)
        add(TradeSize(most=most), _trades_most(most))
    if not draw.long_only:
        most = float(round(np.abs(b[:-1]).sum() + rng.uniform(0.0, 0.4), 3))
        add(Leverage(most), _gross(most))


def _draw_market(rng: np.random.Generator) -> tuple[Market, np.ndarray]:
    n = int(rng.integers(4, 26))
    names = [f"A{i:02d}" for i in range(n)]
    kinds = [CLASSES[i % 3] for i in range(n)]
    universe = Universe(tuple(names), tuple(kinds))
    vol = rng.uniform(0.03, 0.3, n)
    if rng.random() < 0.5:
        k = int(rng.integers(2, 6))
        f = pd.DataFrame(rng.normal(size=(n, k)), names, [f"f{j}" for j in range(k)])
        half = rng.normal(size=(k, k)) * 0.06
        omega = half @ half.T + np.eye(k) * 1e-4
        specific = pd.Series(rng.uniform(0.02, 0.1, n), names)
        risk = Risk.from_factors(f, pd.DataFrame(omega, f.columns, f.columns), specific, universe)
        block = f.to_numpy() @ omega @ f.to_numpy().T + np.diag(specific.to_numpy() ** 2)
    else:
        sample = rng.normal(size=(3 * n, n)) + rng.normal(size=(3 * n, 1))
        block = np.corrcoef(sample, rowvar=False) * np.outer(vol, vol)
        block = (block + block.T) / 2
        risk = Risk.from_covariance(pd.DataFrame(block, names, names), universe)
    sigma = np.zeros((n + 1, n + 1))
    sigma[:n, :n] = block
    kappa = np.append(rng.uniform(0, 0.003, n) * (rng.random(n) < 0.8), 0.0) * (rng.random() < 0.8)
    impact = float(rng.choice([0.0, 0.0, 1.0]))
    adv = np.append(10 ** rng.uniform(5, 8, n), np.inf)
    market = Market(
        universe,
        risk,
        Costs(kappa, 0.0, impact, adv),
        rng.uniform(5, 300, n + 1).round(2) * np.append(np.ones(n), np.nan),
    )
    return market, sigma


def _draw_views(rng: np.random.Generator, draw: Draw, masks: dict[str, np.ndarray]) -> None:
    """Draw views and tilts; state alpha by the textbook formula."""
    names, n, b = draw.market.universe.assets, len(draw.b), draw.b
    views, rows, gains, confidence, implied = [], [], [], [], []
    for k in range(int(rng.integers(0, 4))):
        i, j = (int(x) for x in rng.choice(n - 1, 2, replace=False))
        row = np.zeros(n)
        if rng.random() < 0.5:
            row[i], row[j], about = 1.0, -0.5, f"{names[i]} - 0.5*{names[j]}"
        else:
            one, two = (str(x) for x in rng.choice(CLASSES, 2, replace=False))
            row = np.where(masks[one], b, 0) / b[masks[one]].sum() - np.where(masks[two], b, 0) / b[masks[two]].sum()
            about = f"{one} - {two}"
        basis = str(rng.choice(["active", "excess", "total"]))
        gain, c = _size(rng, -0.05, 0.05), _size(rng, 0.05, 0.95)
        views.append(View(about, gain, c, basis=basis, id=f"v{k}"))
        rows.append(row), gains.append(gain), confidence.append(c)
        prior = draw.gamma * row @ draw.sigma @ b
        implied.append({"active": 0.0, "excess": prior, "total": prior}[basis])  # the cash rate of these markets is 0
    draw.alpha, draw.views = np.zeros(n), views
    if views:
        p, c = np.array(rows), np.array(confidence)
        spread = p @ draw.sigma @ p.T
        omega = np.diag((1 - c) / c * np.diag(spread))
        draw.alpha = draw.sigma @ p.T @ np.linalg.inv(spread + omega) @ (np.array(gains) - np.array(implied))
    draw.belief = tilt(views, draw.market, draw.policy.model(draw.account), ON)
    draw.shift, draw.m, draw.q = np.zeros(n), np.ones(n), 1.0
    if rng.random() < 0.3:
        size = _size(rng, 0.005, 0.03)
        draw.shift[0], draw.shift[1] = size, -size
        draw.belief += Tilt(target=draw.shift)
    if rng.random() < 0.3:
        draw.m = np.where(masks["equity"], _size(rng, 0.6, 1.8), 1.0)
        draw.belief += Tilt(risk=draw.m)
    if rng.random() < 0.3:
        draw.q = _size(rng, 0.6, 1.8)
        draw.belief += Tilt(aversion=draw.q)


def draw(seed: int) -> Draw:
    """Draw one mandate and one book."""
    rng = np.random.default_rng([20261120, seed])
    d = Draw(seed)
    d.market, d.sigma = _draw_market(rng)
    assets, n = d.market.universe.assets, len(d.market.universe)
    masks = {c: np.array([kind == c for kind in d.market.universe.classes]) for c in CLASSES}
    d.long_only = bool(rng.random() < 0.8)
    d.b = rng.dirichlet(np.ones(n) * 3)
    if rng.random() < 0.5:
        d.b[-1] = 0.0
    d.b = (d.b / d.b.sum()).round(4)
    d.b[0] += 1.0 - d.b.sum()
    if not d.long_only and rng.random() < 0.5:
        d.b[1], d.b[0] = d.b[1] - 0.1, d.b[0] + 0.1
    before = d.b * np.exp(rng.normal(size=n) * rng.choice([0.02, 0.15]))
    if rng.random() < 0.2:
        before = rng.dirichlet(np.ones(n))
    before /= before.sum()
    nav = float(10 ** rng.uniform(4, 8))
    flow = float(rng.choice([0.0, 0.0, 0.0, 0.08, -0.06]) * nav)
    d.gamma = _size(rng, 1.0, 15.0)
    d.account = Account.from_weights(str(seed), "m", dict(zip(assets, before, strict=True)), nav, d.market, flow)
    # The book after the flow, by hand: quantities times prices over the sum, the flow in cash.
    money = np.array([d.account.quantities.get(a, 0.0) for a in assets]) * d.market.prices
    money[-1] += flow
    after = float(money.sum())
    d.w0 = money / after
    flows = (max(flow, 0.0) / after, max(-flow, 0.0) / after)
    d.kappa = np.array(d.market.costs.proportional)
    if d.market.costs.impact:
        d.iota = d.market.costs.impact * np.sqrt(np.diag(d.sigma) / 252) * np.sqrt(after / d.market.costs.adv)
    else:
        d.iota = np.zeros(n)
    limits = _draw_limits(rng, d, masks, flows)
    d.horizon = _size(rng, 0.25, 2.0)
    restrictions = []
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.4 else 0):
        i, rule = int(rng.integers(n - 1)), str(rng.choice(["no_buy", "no_sell", "no_hold", "frozen"]))
        restrictions.append((assets[i], rule))
        d.plain.append(
            {
                "no_buy": lambda w, d, i=i: [w[i] <= d.w0[i]],
                "no_sell": lambda w, d, i=i: [w[i] >= d.w0[i]],
                "no_hold": lambda w, d, i=i: [w[i] == 0],
                "frozen": lambda w, d, i=i: [w[i] == d.w0[i]],
            }[rule]
        )
        d.kinds.append(f"account {rule}")
    own = {"risk_aversion": d.gamma} if rng.random() < 0.5 else {}
    d.policy = Policy(
        tuple(limits),
        {"m": dict(zip(assets, d.b, strict=True))},
        risk_aversion=7.5 if own else d.gamma,
        cost_horizon_years=d.horizon,
        long_only=d.long_only,
    )
    a = d.account
    d.account = Account(a.id, a.model, a.quantities, a.cash_flow, restrictions=tuple(restrictions), overrides=own)
    _draw_views(rng, d, masks)
    return d


@pytest.fixture(scope="session")
def draws() -> SimpleNamespace:
    """Random mandates: `draws.draw(seed)`."""
    return SimpleNamespace(draw=draw, ON=ON)


@pytest.fixture(scope="session")
def desk() -> SimpleNamespace:
    """Four assets, one model, one account: small enough to reason about."""
    assets = pd.DataFrame({"asset_class": ["equity", "equity", "bonds"]}, index=["SPY", "EFA", "IEF"])
    numbers = [[0.0256, 0.0224, -0.0030], [0.0224, 0.0289, -0.0028], [-0.0030, -0.0028, 0.0036]]
    covariance = pd.DataFrame(numbers, assets.index, assets.index)
    models = {"balanced": {"SPY": 0.4, "EFA": 0.2, "IEF": 0.4}}
    market = Market.from_frames(assets, covariance, costs=0.0005)
    free = Market.from_frames(assets, covariance)
    policy = Policy((Deviation("5%"), TrackingError("2%"), Turnover("10%")), models)
    linear = Policy((Deviation("5%"), Turnover("10%")), models)
    account = Account.from_weights("001", "balanced", {"SPY": 0.44, "EFA": 0.19, "IEF": 0.37}, 1_000_000, market)
    view = View("equity - bonds", gain="1.5%", confidence=0.6, author="equity desk", because="revisions")
    return SimpleNamespace(
        market=market, free=free, policy=policy, linear=linear, account=account, view=view, models=models, on=ON,
        covariance=covariance, assets=assets, no_tilt=NO_TILT,
    )  # fmt: skip
