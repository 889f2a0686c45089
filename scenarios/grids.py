"""Many rules through one history, and how much of the best one is luck.

Whoever tries a hundred rules and shows the best one shows the luckiest. A :class:`Grid` keeps every rule that was
tried, and says of its best what remains once the trials are counted: the deflated Sharpe ratio, the probability that
the choice was overfitted, and what choosing on the past would have earned afterwards.
"""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from ..constraints.policies import Policy
from ..errors import InputError
from ..models.accounts import Account
from ..models.views import View
from ..units import FrozenMap, percent
from .archives import Archive
from .backtests import Backtest, backtest
from .chronicles import LEAST, Chronicle
from .conducts import Conduct
from .knobs import Knob, Setting
from .overfitting import deflated_sharpe, probability_of_overfitting
from .splits import walk_forward
from .sweeps import read_knobs, turn_all

_CONDUCT = Conduct()
_BLOCKS = 16


@dataclass(frozen=True, eq=False)
class Course:
    """What every rule of a grid is led through: as the arguments of :func:`.backtests.backtest`."""

    chronicle: Chronicle
    start: dt.date | str | None = None
    end: dt.date | str | None = None
    account: Account | str = ""
    nav: float = 1e6
    flows: pd.Series | None = None
    conduct: Conduct = _CONDUCT


@dataclass(frozen=True, eq=False)
class Trial:
    """One rule to be tried: a policy, the views of people, what costs are multiplied by, whether questions are kept."""

    policy: Policy
    views: tuple[View, ...] = ()
    costs: float = 1.0
    remember: bool = False


@dataclass(frozen=True, eq=False)
class Grid:
    """Every rule that was tried, by name, and what became of each.

    Parameters
    ----------
    tests
        By name, in the order in which they were asked.
    points
        The values of the knobs of each, where the rules are points of a grid: index name, a column a knob.
    """

    tests: Mapping[str, Backtest]
    points: pd.DataFrame

    @property
    def returns(self) -> pd.DataFrame:
        """Returns after costs, a column a rule."""
        return pd.DataFrame({name: each.returns for name, each in self.tests.items()})

    @property
    def excess(self) -> pd.DataFrame:
        """Returns over cash, a column a rule."""
        cash = next(iter(self.tests.values())).cash_returns
        return self.returns.sub(cash, axis=0)

    def to_frame(self, *, draws: int = 500, benchmark: str = "") -> pd.DataFrame:
        """Return the statistics of every rule with their intervals: index name; columns (statistic, value/low/high).

        ``benchmark`` is the name of the rule that active figures are measured from.
        """
        against = self.tests[benchmark] if benchmark else None
        rows = {name: each.judge(against, draws=draws).stack() for name, each in self.tests.items()}  # noqa: PD013
        return pd.DataFrame(rows).T.rename_axis("rule")


@dataclass(frozen=True)
class Doubt:
    """How much of the best rule is the number of rules.

    Parameters
    ----------
    best
        The rule with the highest Sharpe ratio.
    sharpe
        Its Sharpe ratio a year.
    trials
        How many were tried.
    deflated
        The chance that it is more than the best of so many rules without skill.
    overfitting
        The share of halvings of the history in which the best of one half was no better than the median in the other;
        not a number with one rule, or too short a history.
    forward_sharpe
        A year, of always choosing the best of the past and holding it for what follows; not a number where the history
        is too short.
    """

    best: str
    sharpe: float
    trials: int
    deflated: float
    overfitting: float
    forward_sharpe: float

    @property
    def warning(self) -> str:
        """What has to be said beside the best result, or nothing."""
        words = []
        if not self.deflated >= 0.95:
            words.append(
                f"the best of {self.trials} rules has a Sharpe ratio of {self.sharpe:.2f}, and the chance that this is "
                f"more than the best of {self.trials} without skill is {percent(self.deflated, 0)}: ordinary"
            )
        if self.overfitting >= 0.5:
            words.append(
                f"the rule that was best in one half of the history was no better than the median in the other in "
                f"{percent(self.overfitting, 0)} of cases: chosen by luck"
            )
        return "; ".join(words)


def try_all(
    trials: Mapping[str, Trial | Policy], course: Course, *, workers: int = 1, points: pd.DataFrame | None = None
) -> Grid:
    """Lead many rules through one history: the same, bit by bit, with one worker or several.

    Parameters
    ----------
    trials
        By name.
    workers
        Processes. One by one they share what was read and estimated; several each do it for themselves.

    Raises
    ------
    InputError
        No rule, or what :func:`.backtests.backtest` refuses.
    """
    if not trials:
        raise InputError("there is no rule to try", code="EMPTY", field="trials", mend="give one or more")
    named = {name: Trial(each) if isinstance(each, Policy) else each for name, each in trials.items()}
    if workers <= 1 or len(named) == 1:
        found = _try_some(list(named.values()), course)
    else:
        found = _spread(list(named.values()), course, min(workers, len(named)))
    empty = pd.DataFrame(index=pd.Index(list(named), name="rule"))
    return Grid(FrozenMap(dict(zip(named, found, strict=True))), empty if points is None else points)


def try_grid(
    policy: Policy,
    course: Course,
    knobs: Sequence[Knob] | Knob,
    *,
    views: Sequence[View] = (),
    workers: int = 1,
) -> Grid:
    """Try every combination of values of some knobs (:mod:`.knobs`; of the market ``costs`` alone can be turned).

    Raises
    ------
    InputError
        No knob, one named twice, an unknown one, a value that its owner refuses.
    """
    turned, chronicle = read_knobs(knobs), course.chronicle
    for knob in turned:
        if knob.name == "volatility" or knob.name.startswith("price."):
            raise InputError(
                f"knob {knob.name!r}: history cannot be turned", code="BAD_KNOB", field="knobs", value=knob.name,
                mend="a number of the policy or of views, or costs",
            )  # fmt: skip
    values = list(itertools.product(*(knob.values for knob in turned)))
    names = [", ".join(f"{k.name}={v:.6g}" for k, v in zip(turned, point, strict=True)) for point in values]
    # A knob is turned in a setting, which has a market: that of the last day will do, for none of it is kept.
    risk, _ = chronicle.estimate(int(chronicle.dates[-1]), policy.estimation, course.conduct.window)
    start = Setting(policy, chronicle.market(len(chronicle) - 1, risk), tuple(views))
    trials = {name: _turn(start, turned, point) for name, point in zip(names, values, strict=True)}
    points = pd.DataFrame(values, index=pd.Index(names, name="rule"), columns=[knob.name for knob in turned])
    return try_all(trials, course, workers=workers, points=points)


def _turn(start: Setting, knobs: Sequence[Knob], point: Sequence[float]) -> Trial:
    setting = turn_all(start, knobs, point)
    costs = next((value for knob, value in zip(knobs, point, strict=True) if knob.name == "costs"), 1.0)
    return Trial(setting.policy, setting.views, costs)


def _try_some(trials: Sequence[Trial], course: Course) -> list[Backtest]:
    """Try rules one after the other; those of one level of costs share what is made of the history."""
    archives: dict[float, Archive] = {}
    found = []
    for each in trials:
        if each.costs not in archives:
            chronicle = course.chronicle if each.costs == 1.0 else course.chronicle.scaled(each.costs)
            archives[each.costs] = Archive(chronicle)
        archive = archives[each.costs]
        found.append(
            backtest(
                each.policy, archive.chronicle, course.start, course.end, account=course.account, nav=course.nav,
                views=each.views, flows=course.flows, conduct=course.conduct, archive=archive,
                remember=each.remember,
            )
        )  # fmt: skip
    return found


def _spread(trials: Sequence[Trial], course: Course, workers: int) -> list[Backtest]:
    """Try rules in several processes; questions that are kept hold what is compiled, so those are tried in this one."""
    away = [i for i, each in enumerate(trials) if not each.remember]
    here = [i for i, each in enumerate(trials) if each.remember]
    shares = [own for k in range(workers) if (own := away[k::workers])]
    found: dict[int, Backtest] = {}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_work, pickle.dumps(([trials[i] for i in share], course))) for share in shares]
        found |= zip(here, _try_some([trials[i] for i in here], course), strict=True)
        for share, job in zip(shares, jobs, strict=True):
            found |= zip(share, job.result(), strict=True)
    return [found[i] for i in range(len(trials))]


def _work(payload: bytes) -> list[Backtest]:
    trials, course = pickle.loads(payload)  # noqa: S301  our own parent wrote it
    return _try_some(trials, course)


def doubt(grid: Grid, *, train_years: float = 5.0, test_years: float = 1.0, purge: int = 1, seed: int = 0) -> Doubt:
    """Say how much of the best rule of a grid is the number of rules tried.

    Parameters
    ----------
    train_years, test_years
        Of the walk forward: chosen on so many years, held for so many.
    purge
        Periods between the two that count for neither.

    Raises
    ------
    InputError
        Returns that do not vary.
    """
    excess = grid.excess
    values, periods = excess.to_numpy(), len(excess)
    per_year = next(iter(grid.tests.values())).periods_per_year
    spread = values.std(axis=0, ddof=1)
    if not (spread > 0).all():
        raise InputError(
            "a rule's returns do not vary", code="FLAT", field="grid", value=excess.columns[spread.argmin()]
        )
    each = values.mean(axis=0) / spread
    best = int(each.argmax())
    variance = float(each.var(ddof=1)) if len(each) > 1 else 0.0
    own = values[:, best]
    deflated = deflated_sharpe(
        float(each[best]),
        periods,
        len(each),
        variance,
        skew=_moment(own, 3),
        kurtosis=_moment(own, 4),
    )
    several = len(each) > 1
    overfitted = np.nan
    if several and periods >= 2 * _BLOCKS:
        overfitted = probability_of_overfitting(values, blocks=_BLOCKS, seed=seed).probability
    chosen = choose_forward(excess, round(train_years * per_year), round(test_years * per_year), purge)
    ahead = chosen["return"].to_numpy()
    forward = float(ahead.mean() / ahead.std(ddof=1) * np.sqrt(per_year)) if several and len(ahead) > LEAST else np.nan
    return Doubt(
        str(excess.columns[best]), float(each[best] * np.sqrt(per_year)), len(each), deflated, overfitted, forward
    )


def _moment(values: np.ndarray, order: int) -> float:
    """Return a central moment in units of the standard deviation: 3 is skewness, 4 is kurtosis (3 of a normal)."""
    away = values - values.mean()
    return float((away**order).mean() / (away**2).mean() ** (order / 2))


def choose_forward(returns: pd.DataFrame, train: int, test: int, purge: int = 1) -> pd.DataFrame:
    """Return what choosing the best of the past would have earned afterwards: index the period; columns rule, return.

    The rule with the highest Sharpe ratio over ``train`` periods is held for ``test``, after ``purge`` that count for
    neither; empty where the history is shorter than that.
    """
    parts = []
    if train + test + purge <= len(returns):
        for split in walk_forward(len(returns), train=train, test=test, purge=purge):
            past = returns.iloc[split.train]
            best = (past.mean() / past.std()).idxmax()
            ahead = returns[best].iloc[split.test]
            parts.append(pd.DataFrame({"rule": best, "return": ahead}))
    return pd.concat(parts) if parts else pd.DataFrame({"rule": [], "return": np.zeros(0)}, index=returns.index[:0])
