"""Scores of many series: a full run and one more day, beside plain rolling windows of pandas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from trimtab.signals.definitions import Signal
from trimtab.signals.panels import Panel
from trimtab.signals.scoring import scores

from .registry import Figure, case, percentile, ratio, timed

DAYS = 10_000

USUAL: dict[str, tuple[tuple[str, dict, tuple], Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "gap to 200-day average": (
        ("moving_average_gap", {}, ()),
        lambda p: p / p.rolling(200).mean() - 1,
    ),
    "50 over 200 days": (
        ("crossover", {}, ()),
        lambda p: p.rolling(50).mean() / p.rolling(200).mean() - 1,
    ),
    "momentum 12-1": (
        ("momentum", {}, ()),
        lambda p: p.shift(21) / p.shift(252) - 1,
    ),
    "momentum 6-1, z-score of a year": (
        ("momentum", {"lookback": 126}, (("zscore", {"window": 252, "least": 252}),)),
        lambda p: _zscore(p.shift(21) / p.shift(126) - 1, 252),
    ),
    "time-series momentum": (
        ("time_series_momentum", {}, ()),
        lambda p: np.log(p / p.shift(252)) / np.sqrt(252) / np.sqrt((np.log(p / p.shift(1)) ** 2).ewm(com=60).mean()),
    ),
    "drawdown of a year": (
        ("drawdown", {}, ()),
        lambda p: p / p.rolling(252).max() - 1,
    ),
    "channel of 100 days": (
        ("channel", {"window": 100}, ()),
        lambda p: 2 * (p - p.rolling(100).min()) / (p.rolling(100).max() - p.rolling(100).min()) - 1,
    ),
    "strength index": (
        ("strength_index", {}, ()),
        lambda p: _strength(p.diff()),
    ),
    "exponential crossover 16/48": (
        ("exponential_crossover", {}, ()),
        lambda p: p.ewm(com=15).mean() / p.ewm(com=47).mean() - 1,
    ),
    "realised volatility, 21 days": (
        ("realised_volatility", {}, ()),
        lambda p: np.sqrt(252) * np.log(p / p.shift(1)).rolling(21).std(),
    ),
    "exponential volatility": (
        ("exponential_volatility", {}, ()),
        lambda p: np.sqrt(252 * (np.log(p / p.shift(1)) ** 2).ewm(alpha=0.06).mean()),
    ),
    "volatility, 21 over 252 days": (
        ("volatility_ratio", {}, ()),
        lambda p: np.log(p / p.shift(1)).rolling(21).std() / np.log(p / p.shift(1)).rolling(252).std() - 1,
    ),
}
"""The usual dozen: as a signal, and as a desk would write it in pandas."""


def _zscore(x: pd.DataFrame, window: int) -> pd.DataFrame:
    return (x - x.rolling(window).mean()) / x.rolling(window).std()


def _strength(moves: pd.DataFrame) -> pd.DataFrame:
    up, down = (side.ewm(alpha=1 / 14).mean() for side in (moves.clip(lower=0), -moves.clip(upper=0)))
    return 100 * up / (up + down)


def make_prices(count: int, days: int = DAYS) -> pd.DataFrame:
    """Random walks of 1 % a day, made from a seed."""
    steps = np.random.default_rng(11).normal(0.0002, 0.01, (days, count))
    return pd.DataFrame(
        100.0 * np.exp(np.cumsum(steps, axis=0)),
        index=pd.bdate_range("1985-01-01", periods=days),
        columns=[f"S{k:03}" for k in range(count)],
    )


def make_signals(names: list[str]) -> list[tuple[str, list[Signal]]]:
    """Return one signal a series for each of the usual dozen."""
    return [
        (what, [Signal(f"{what} of {name}", kind, (name,), "", given, steps, stale_days=5) for name in names])
        for what, ((kind, given, steps), _) in USUAL.items()
    ]


@case("signals", f"the usual dozen scores of as many series over {DAYS:,} days, on one core", (50, 500), 4)
def signals(count: int, rounds: int) -> Iterator[Figure]:
    """Time all scores of all days, and those of one more day; compare both with pandas and with each other."""
    days = DAYS if count > 4 else 1500
    prices = make_prices(count, days)
    panel = Panel.from_series({name: prices[name] for name in prices})
    each = make_signals(list(prices))
    everything = [signal for _, some in each for signal in some]
    size, last, whole = f"k={count}", prices.index[-1], min(rounds, 3)
    full, furthest = scores(everything, panel, prices.index), 0.0
    for what, some in each:
        beside = USUAL[what][1]
        ours, theirs = timed(
            [lambda _, s=some: scores(s, panel, prices.index), lambda _, b=beside: b(prices)], whole, time.process_time
        )
        gap = np.abs(full[[signal.name for signal in some]].to_numpy()[400:] - beside(prices).to_numpy()[400:])
        furthest = max(furthest, float(np.nanmax(gap)))
        yield Figure(f"{what}, over pandas", size, ratio(ours, theirs), "x")
    ours, theirs = timed(
        [
            lambda _: scores(everything, panel, prices.index),
            lambda _: [beside(prices) for _, beside in USUAL.values()],
        ],
        whole,
        time.process_time,
    )
    yield Figure("all scores of all days, processor time", size, percentile(ours, 0.5), "s", "below 3 at k=500")
    yield Figure("all scores of all days, over pandas", size, ratio(ours, theirs), "x")
    yield Figure("largest distance from pandas (an index of 0 to 100)", size, furthest, "points")
    (one,) = timed([lambda _: scores(everything, panel, [last])], max(rounds, 5), time.process_time)
    yield Figure("one more day, processor time", size, 1e3 * percentile(one, 0.5), "ms", "below 50 at k=500")
    equal = np.array_equal(scores(everything, panel, [last]).to_numpy()[0], full.to_numpy()[-1])
    yield Figure("one more day equals the full run, bit by bit", size, 100.0 * equal, "%", "100")
