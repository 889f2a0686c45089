"""What a rule would have done: the policy that trades, asked on every day of a history with what was known then.

:func:`backtest` is :func:`trimtab.optimizer.rebalance` asked again and again (:mod:`.walks` has the order of a day);
nothing in it knows how a policy trades, and nothing in a policy knows that it is tested.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import InputError
from ..models.accounts import Account, Model
from ..models.views import View
from ..signals.panels import ordinals, stamps
from ..units import basis_points, day, did_you_mean, percent
from .archives import Archive
from .bootstraps import bootstrap, bootstrap_all
from .chronicles import Chronicle
from .conducts import Conduct
from .performances import judge, tabulate_intervals
from .walks import Asked, Stance, Walk, tabulate

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_CONDUCT = Conduct()


@dataclass(frozen=True, eq=False)
class Backtest:
    """What became of an account, day by day.

    Parameters
    ----------
    days
        A row a session: ``opened`` (money at the close, before anything), ``gained`` (since the close before),
        ``flow``, ``cost`` (proportional, impact, fees), ``nav`` (opened + flow - cost), ``turnover`` (one-way,
        decimal), ``trades`` (how many), ``outcome``, ``cause`` (what asked), ``reason``,
        ``regime`` (that limits are chosen by).
    weights
        After trading, a column an asset.
    trades
        A row a trade: date, asset, side, quantity (units of total return), value, weight (signed), cost, reason.
    audit
        A row a session: ``as_of``, the day whose knowledge was used, and the newest day on which the ``prices`` traded
        at, the ``returns`` a covariance was estimated from, the ``signals`` and the ``views`` could be known.
    stance
        Where it ended: :func:`backtest` goes on from it.
    cash_returns
        What cash was paid over each period of :attr:`returns`.
    periods_per_year
        Sessions a year.
    asked
        The questions of the walk, where it was told to remember them: what attribution asks again.
    """

    days: pd.DataFrame
    weights: pd.DataFrame
    trades: pd.DataFrame
    audit: pd.DataFrame
    stance: Stance
    cash_returns: pd.Series
    periods_per_year: float
    asked: tuple[Asked, ...] = ()

    @cached_property
    def returns(self) -> pd.Series:
        """Return after costs of each period, indexed by its end; what the first day cost counts in the first period."""
        nav, flow = self.days["nav"].to_numpy(dtype=float), self.days["flow"].to_numpy(dtype=float)
        before = nav[:-1].copy()
        if len(before):
            before[0] = self.days["opened"].iloc[0] + flow[0]
        return pd.Series((nav[1:] - flow[1:]) / before - 1.0, index=self.days.index[1:], name="return")

    @property
    def turnover_per_year(self) -> float:
        """One-way turnover a year, the first day left out: it is what it takes to begin."""
        return float(self.days["turnover"].iloc[1:].mean() * self.periods_per_year) if len(self.days) > 1 else 0.0

    @property
    def cost_per_year(self) -> float:
        """What trading cost a year, decimal of NAV."""
        return float(self._costs.mean() * self.periods_per_year) if len(self.days) > 1 else 0.0

    @property
    def _costs(self) -> np.ndarray:
        """What trading cost in each period, decimal of NAV; what the first day cost counts in the first period."""
        share = (self.days["cost"] / (self.days["opened"] + self.days["flow"])).to_numpy(dtype=float)
        own = share[1:].copy()
        own[:1] += share[0]
        return own

    def to_frame(self) -> pd.DataFrame:
        """Return days and weights side by side."""
        return self.days.join(self.weights.add_prefix("weight:"))

    def history(self, benchmark: Backtest | None = None) -> pd.DataFrame:
        """Return its way, a row a session: ``growth`` (1 before the first day's costs), ``drawdown`` and ``turnover``.

        With another backtest of the same days also its growth, ``benchmark``, and ``ahead``, growth over it less one.
        """
        growth = _grown(self.returns, self.days.index)
        table = pd.DataFrame({"growth": growth, "drawdown": growth / growth.cummax() - 1.0})
        if benchmark is not None:
            table["benchmark"] = _grown(benchmark.returns, self.days.index)
            table["ahead"] = table["growth"] / table["benchmark"] - 1.0
        return table.assign(turnover=self.days["turnover"])

    def plot(self, benchmark: Backtest | None = None) -> Figure:
        """Draw growth, drawdown and turnover, beside those of another backtest where one is given."""
        from .plots import draw_history

        return draw_history(self.history(benchmark), f"{self.days.index[0]:%Y-%m-%d} to {self.days.index[-1]:%Y-%m-%d}")

    def judge(
        self,
        benchmark: Backtest | pd.Series | None = None,
        *,
        home: np.ndarray | None = None,
        draws: int = 2000,
        level: float = 0.90,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return its statistics with bootstrap intervals (:func:`.performances.judge`), and what they took to trade.

        Parameters
        ----------
        benchmark
            Another backtest, or returns of the same periods.
        home
            Weights that it leans away from, shape (n,); those of the benchmark where that is a backtest.
        draws, level, seed
            Of the bootstrap.

        Returns
        -------
        pandas.DataFrame
            Beside returns stand ``turnover`` and ``cost`` (a year, decimals) and, where there is a home,
            ``time_in_position``: the share of sessions on which weights are more than 0.1 % from it.
        """
        table = judge(
            self.returns,
            periods_per_year=self.periods_per_year,
            benchmark=benchmark.returns if isinstance(benchmark, Backtest) else benchmark,
            cash=self.cash_returns,
            draws=draws,
            level=level,
            seed=seed,
        )
        took = np.column_stack([self.days["turnover"].iloc[1:], self._costs])
        yearly = {
            "turnover": lambda h: h[..., 0].mean(-1) * self.periods_per_year,
            "cost": lambda h: h[..., 1].mean(-1) * self.periods_per_year,
        }
        found = bootstrap_all(took, yearly, draws=draws, level=level, seed=seed)
        rest = benchmark.weights.to_numpy() if isinstance(benchmark, Backtest) and home is None else home
        if rest is not None:
            away = (np.abs(self.weights.to_numpy() - rest).sum(axis=1) / 2.0 > 1e-3).astype(float)
            found["time_in_position"] = bootstrap(away, lambda h: h.mean(-1), draws=draws, level=level, seed=seed)
        return pd.concat([table, tabulate_intervals(found)])

    def __str__(self) -> str:
        """Say it in a few lines."""
        nav, asked = self.days["nav"], int((self.days["trades"].to_numpy() > 0).sum())
        years = max(len(self.returns), 1) / self.periods_per_year
        grown = float(np.expm1(np.log1p(self.returns).sum() / years)) if len(self.returns) else 0.0
        return (
            f"{self.days.index[0]:%Y-%m-%d} to {self.days.index[-1]:%Y-%m-%d}, {len(nav):,} sessions: "
            f"{percent(grown)} a year after costs; {len(self.trades):,} trades on {asked:,} of them, "
            f"turnover {percent(self.turnover_per_year)} and cost {basis_points(self.cost_per_year)} a year"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(str(self))}</p>" + self.days.to_html(max_rows=20)


def _grown(returns: pd.Series, index: pd.Index) -> pd.Series:
    """Return what a unit of money becomes, 1 on the first day; missing where there is no return."""
    grown = np.concatenate([[1.0], np.cumprod(1.0 + returns.reindex(index[1:]).to_numpy(dtype=float))])
    return pd.Series(grown, index)


def backtest(
    policy: Policy,
    chronicle: Chronicle,
    start: dt.date | str | None = None,
    end: dt.date | str | None = None,
    *,
    account: Account | str = "",
    nav: float = 1e6,
    views: Sequence[View] = (),
    flows: pd.Series | None = None,
    conduct: Conduct = _CONDUCT,
    after: Backtest | None = None,
    archive: Archive | None = None,
    remember: bool = False,
) -> Backtest:
    """Walk a policy through a history.

    Parameters
    ----------
    policy
        The one that trades, models and playbook included.
    chronicle
        What happened, and what was known when.
    start, end
        The first and the last day; sessions between them, both included. By default all that leave enough returns
        before them for a covariance.
    account
        Who is led through it, or the id of the model it follows (the only one by default): then it begins at its
        strategic weights with ``nav``.
    views
        Of people; those of signals come from the policy's playbook.
    flows
        Money that comes (positive) or goes, indexed by the session.
    conduct
        Lags and how often things are read: :class:`.conducts.Conduct`.
    after
        A backtest of the same to go on from, instead of ``start`` and ``account``: together they are what one run of
        the whole would be, bit by bit.
    archive
        What other walks through this history have already read and estimated.
    remember
        Keep the questions (:attr:`Backtest.asked`), so that decisions can be attributed; it takes memory.

    Raises
    ------
    InputError
        No session, an account without a model, an account that cannot be used, a history too short.

    Notes
    -----
    Costs are those of today, the universe is that of today and so are its survivors: a history knows its end. Orders
    are filled whole at the close.
    """
    archive = Archive(chronicle) if archive is None else archive
    if archive.chronicle is not chronicle:
        raise InputError("the archive is of another history", code="OTHER_HISTORY", field="archive")
    first, last = _span(chronicle, conduct, start, end, after)
    if after is not None:
        begun: Account | Stance = after.stance
    else:
        begun = account if isinstance(account, Account) else _account(policy, chronicle, first, account, nav)
    walk = Walk(archive, policy, views, _flows(flows, chronicle), conduct, remember)
    try:
        log, stance = walk.go(begun, first, last)
    except InputError as error:
        error.add_note(f"in the backtest from {chronicle.on(first)} to {chronicle.on(last)}")
        raise
    days = stamps(chronicle.dates[first : last + 1], "date")
    frame, weights, trades, audit = tabulate(log, days, chronicle.universe.assets)
    at = chronicle.values[:, chronicle.universe.cash]
    lead = first - 1 if after is not None else first
    cash = pd.Series(at[lead + 1 : last + 1] / at[lead:last] - 1.0, index=chronicle.days[lead + 1 : last + 1])
    made = Backtest(frame, weights, trades, audit, stance, cash, chronicle.periods_per_year, tuple(log.asked))
    return made if after is None else join(after, made)


def join(before: Backtest, after: Backtest) -> Backtest:
    """Return one backtest of two, the second of which went on from the first."""
    days, weights = pd.concat([before.days, after.days]), pd.concat([before.weights, after.weights])
    trades = [each.trades for each in (before, after) if len(each.trades)]
    joined = pd.concat(trades, ignore_index=True) if trades else before.trades
    audit = pd.concat([before.audit, after.audit])
    cash = pd.concat([before.cash_returns, after.cash_returns])
    asked = before.asked + after.asked
    return Backtest(days, weights, joined, audit, after.stance, cash, after.periods_per_year, asked)


def _span(
    chronicle: Chronicle,
    conduct: Conduct,
    start: dt.date | str | None,
    end: dt.date | str | None,
    after: Backtest | None,
) -> tuple[int, int]:
    if after is not None:
        gone = after.stance.session
        first = int(np.searchsorted(chronicle.dates, 0 if gone is None else gone.toordinal(), side="right"))
    elif start is not None:
        first = int(np.searchsorted(chronicle.dates, day(start).toordinal()))
    else:
        known = chronicle.dates - conduct.lag_days
        first = int(np.argmax(np.searchsorted(chronicle.dates, known, side="right") > chronicle.least))
    last = len(chronicle) - 1
    if end is not None:
        last = int(np.searchsorted(chronicle.dates, day(end).toordinal(), side="right")) - 1
    if not first <= last < len(chronicle):
        raise InputError(
            f"there is no session from {start or 'the start'} to {end or 'the end'}", code="NO_SESSION", field="start",
            value=start, mend=f"the history goes from {chronicle.on(0)} to {chronicle.on(len(chronicle) - 1)}",
        )  # fmt: skip
    return first, last


def _account(policy: Policy, chronicle: Chronicle, first: int, model: str, nav: float) -> Account:
    known = list(policy.models)
    name = known[0] if not model and len(known) == 1 else model
    if name not in policy.models:
        raise InputError(
            f"there is no model {name!r}" if name else f"the policy has {len(known)} models", code="UNKNOWN_MODEL",
            field="account", value=name, mend=did_you_mean(name, known) or f"name one: {', '.join(known)}",
        )  # fmt: skip
    weights = Model(name, policy.models[name], policy.risk_aversion).vector(chronicle.universe)
    units = weights * nav / chronicle.levels[first]
    return Account("backtest", name, {a: q for a, q in zip(chronicle.universe.assets, units, strict=True) if q})


def _flows(flows: pd.Series | None, chronicle: Chronicle) -> dict[int, float]:
    if flows is None:
        return {}
    days = ordinals(flows.index)
    strange = ~np.isin(days, chronicle.dates)
    if strange.any():
        on = dt.date.fromordinal(int(days[np.argmax(strange)]))
        raise InputError(
            f"money comes on {on}, which is no session", code="NO_SESSION", field="flows", value=on,
            mend="the next session",
        )  # fmt: skip
    return {int(d): float(x) for d, x in zip(days, flows.to_numpy(dtype=float), strict=True) if x}
