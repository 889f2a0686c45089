"""Were the decisions any good: what each source earned against its hurdle, and how sure that is.

With ``e_t`` what a source (a view, an author, a signal, a rule) added to the return of period t, P periods a year, and
h its hurdle, the annual gain fixed when it was approved::

    gain               mean(e) P
    information_ratio  (mean(e) P - h) / (std(e) sqrt(P))                       Grinold and Kahn (1999), chapter 5
    hit_rate           share of periods with e > h/P, those with e = 0 left out (no position)
    slugging           mean gain of the winning periods / mean loss of the losing ones
    t                  of mean(e) - h/P, with the standard error below; its interval is the gain's in units of it
    breadth            (sum lambda)^2 / sum lambda^2, lambda the eigenvalues of the correlations of sources: how many
                       independent bets they are
    transfer           a'w / sqrt(a' S^-1 a  w' S w), w active weights, a forecasts    Clarke, de Silva, Thorley (2002)

The verdict is read from an interval of the mean that is wrong as often as it says. Its standard error is made of the B
lowest frequencies, each worth a degree of freedom (Lazarus, Lewis, Stock and Watson, JBES 36(4), 2018)::

    s^2 = (1/B) sum_j (sum_t e_t sqrt(2/T) cos(pi j (t - 1/2) / T))^2,    (mean - truth) sqrt(T) / s ~ t_B

and its quantiles are the farther of Student's and those of the same ratio in stationary-bootstrap histories (Politis
and Romano 1994; Hall 1988). Percentiles, or Newey and West with normal quantiles, are too narrow in short histories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from ..errors import InputError
from ..models.risks import Risk
from ..scenarios.bootstraps import Interval, block_length, bootstrap, bootstrap_all, resample
from ..scenarios.performances import hit_rate, sharpe
from .decisions import BELIEFS, GROUPS, HELD, Attribution, By

_FARTHEST = 3.0
"""Times Student's quantile: where few periods count, a resampled error may vanish, and its ratio says nothing."""
Verdict = Literal["skill", "open", "none"]
_RATIOS = ("information_ratio", "hit_rate", "slugging")
LEAST = 12
"""Periods with a position below which nothing is said."""


def mean_interval(values: np.ndarray, *, draws: int = 1000, level: float = 0.90, seed: int = 0) -> Interval:
    """Return the mean of a history with an interval that is wrong as often as it says, or less.

    The standard error is that of the lowest frequencies alone (:func:`_errors`), so what repeats itself is not taken
    for evidence. Each side of the interval is the farther of Student's t, exact for independent normal returns however
    short the history is, and the bootstrap's t, which knows how skewed they are.

    >>> found = mean_interval(np.array([0.01, 0.03, -0.01, 0.02] * 30))
    >>> bool(found.low < 0.0125 < found.high)
    True
    """
    x = np.asarray(values, dtype=float)
    waves = _waves(len(x))
    mean, error = float(x.mean()), float(_errors(x[None], waves)[0])
    if not error > 1e-12 * max(abs(mean), 1e-300):
        return Interval(mean, mean, mean, level)
    drawn = x[resample(len(x), draws, length=block_length(len(x)), seed=seed)]
    own = _errors(drawn, waves)
    t = (drawn.mean(1) - mean)[own > 0] / own[own > 0]
    tail = 0.5 * (1.0 - level)
    upper, lower = np.quantile(t, [1.0 - tail, tail])
    exact = float(stdtrit(waves.shape[1], 1.0 - tail))
    below, above = (min(max(float(q), exact), _FARTHEST * exact) * error for q in (upper, -lower))
    return Interval(mean, mean - below, mean + above, level)


def judge_sources(
    series: pd.DataFrame,
    *,
    periods_per_year: float,
    hurdles: Mapping[str, float] | None = None,
    draws: int = 1000,
    level: float = 0.90,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge every source by what it added in each period.

    Parameters
    ----------
    series
        Periods by sources (:meth:`.decisions.Attribution.series` by view, author, signal ...): decimals.
    periods_per_year
        252 for days, 12 for months.
    hurdles
        Annual gain each had to bring, fixed when it was approved; 0 by default.
    draws, level, seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row a source: periods with a position (the others are left out, so that a year is one in position), hurdle,
        gain, information_ratio, hit_rate, slugging, t, each with ``_low`` and ``_high`` (of the gain: low and high),
        and the verdict: ``skill`` where the whole interval of the gain is above the hurdle, ``none`` where it is below,
        else ``open``.

    Raises
    ------
    InputError
        A hurdle of nobody, a gap, fewer than three periods.
    """
    hurdles = dict(hurdles or {})
    strange = next((name for name in hurdles if name not in series.columns), None)
    if strange is not None:
        raise InputError(
            f"there is no source {strange!r}", code="UNKNOWN_SOURCE", field="hurdles", value=strange,
            mend=f"one of {', '.join(map(str, series.columns))}",
        )  # fmt: skip
    values = series.to_numpy(dtype=float)
    if len(values) < 3 or not np.isfinite(values).all():
        raise InputError("the history has a gap, or fewer than three periods", code="BAD_HISTORY", field="series")
    rows = {}
    for name, column in zip(series.columns, values.T, strict=True):
        active = column[column != 0.0]
        rows[name] = _judge(active, hurdles.get(str(name), 0.0), periods_per_year, draws, level, seed)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def cost_of_limits(
    found: Attribution, *, periods_per_year: float, draws: int = 1000, level: float = 0.90, seed: int = 0
) -> pd.DataFrame:
    """Return what each limit, waiting, phasing and lots cost in basis points a year, with intervals.

    A positive cost was paid: what was held back would have earned more.
    """
    groups = (HELD, "waiting", "phasing", "lots", "execution", "drift", "costs")
    rows = {}
    for e, (name, group) in enumerate(zip(found.names, found.groups, strict=True)):
        if group in groups:
            own = mean_interval(-found.effects[:, e].sum(-1), draws=draws, level=level, seed=seed)
            rows[name] = [1e4 * periods_per_year * each for each in (own.value, own.low, own.high)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["cost_bp", "low", "high"]).rename_axis("effect")


def judge_by(
    found: Attribution,
    by: By,
    *,
    periods_per_year: float,
    hurdles: Mapping[str, float] | None = None,
    draws: int = 1000,
    level: float = 0.90,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge the sources of an attribution: by view, author, signal, rule, class; by regime, only its own periods.

    What nobody meant to earn by (waiting, limits, lots, drift, costs) is no source: :func:`cost_of_limits` tells it.
    """
    series = found.series(by).loc[:, list(sources_of(found, by))]
    return judge_sources(
        series, periods_per_year=periods_per_year, hurdles=hurdles, draws=draws, level=level, seed=seed
    )


def sources_of(found: Attribution, by: By) -> tuple[str, ...]:
    """Return the labels of a split that are somebody's decision: all of assets, classes, regimes; else beliefs."""
    labels = tuple(map(str, found.series(by).columns))
    if by in ("asset", "class", "regime", "period"):
        return labels
    others = {found.label(name) for name, group in zip(found.names, found.groups, strict=True) if group != BELIEFS}
    return tuple(label for label in labels if label not in others and (label == BELIEFS or label not in GROUPS))


def independent_bets(series: pd.DataFrame) -> float:
    """Return how many independent bets the sources are: the participation ratio of their correlations.

    >>> twice = pd.DataFrame({"a": [0.1, -0.1, 0.2], "b": [0.1, -0.1, 0.2]})
    >>> round(independent_bets(twice), 6)
    1.0
    """
    values = series.to_numpy(dtype=float)
    values = values[:, values.std(0) > 0]
    return float(_bets(values[None])[0]) if values.shape[1] else 0.0


def breadth(series: pd.DataFrame, *, draws: int = 1000, level: float = 0.90, seed: int = 0) -> Interval:
    """Return :func:`independent_bets` with its bootstrap interval, corrected for the bias that resampling adds.

    Correlations of a short history scatter, and what scatters looks like fewer bets: in resampled histories once more.
    The basic interval ``2 x - quantile`` turns this round; it ends at 1 and at the number of sources.
    """
    values = series.to_numpy(dtype=float)
    values = values[:, values.std(0) > 0]
    if not values.shape[1]:
        return Interval(0.0, 0.0, 0.0, level)
    found = bootstrap(values, _bets, draws=draws, level=level, seed=seed)
    low, high = np.clip([2.0 * found.value - found.high, 2.0 * found.value - found.low], 1.0, values.shape[1])
    return Interval(found.value, float(min(low, found.value)), float(max(high, found.value)), level)


def transfer_coefficient(active: pd.Series, forecast: pd.Series, risk: Risk) -> float:
    """Return how much of the forecasts came through to the active weights, -1 to 1; 1 where nothing was in the way.

    Assets without risk (the cash) have no part in it. Not a number where there is no bet or no forecast.

    Parameters
    ----------
    active, forecast
        Active weights and annual forecasts of active return, by asset in the order of the risk.
    """
    w, a = active.to_numpy(dtype=float), forecast.reindex(active.index).to_numpy(dtype=float)
    sigma = np.asarray(risk.covariance, dtype=float)
    sure = np.diag(sigma) > 0
    w, a, sigma = w[sure], a[sure], sigma[np.ix_(sure, sure)]
    best = float(a @ np.linalg.lstsq(sigma, a, rcond=None)[0])
    size = np.sqrt(max(best, 0.0) * max(float(w @ sigma @ w), 0.0))
    return float(a @ w / size) if size > 0 else float("nan")


def _judge(active: np.ndarray, hurdle: float, year: float, draws: int, level: float, seed: int) -> dict[str, object]:
    nothing: dict[str, object] = dict.fromkeys(
        ("gain", "low", "high", *(f"{name}{end}" for name in (*_RATIOS, "t") for end in ("", "_low", "_high"))),
        float("nan"),
    )  # fmt: skip
    if len(active) < LEAST:
        return {"periods": len(active), **nothing, "hurdle": hurdle, "verdict": "open"}
    beyond = active - hurdle / year
    whole = mean_interval(beyond, draws=draws, level=level, seed=seed)
    verdict: Verdict = "skill" if whole.low > 0 else "none" if whole.high < 0 else "open"
    found: dict[str, object] = {
        "periods": len(active), "gain": hurdle + whole.value * year, "low": hurdle + whole.low * year,
        "high": hurdle + whole.high * year,
    }  # fmt: skip
    statistics = {"information_ratio": lambda h: sharpe(h, year), "hit_rate": hit_rate, "slugging": slugging}
    for name, told in bootstrap_all(beyond, statistics, draws=draws, level=level, seed=seed).items():
        found |= {name: told.value, f"{name}_low": told.low, f"{name}_high": told.high}
    error = float(_errors(beyond[None], _waves(len(beyond)))[0])
    ends = (whole.value, whole.low, whole.high)
    names = ("t", "t_low", "t_high")
    found |= {name: end / error if error > 0 else float("nan") for name, end in zip(names, ends, strict=True)}
    return {**found, "hurdle": hurdle, "verdict": verdict}


def slugging(active: np.ndarray) -> np.ndarray:
    """Return the mean gain of winning periods over the mean loss of losing ones, shape (..., T) to (...).

    Not a number where nothing was won or nothing lost.

    >>> float(slugging(np.array([0.02, -0.01, 0.0, 0.02])))
    2.0
    """
    values = np.asarray(active, dtype=float)
    won, lost = values > 0, values < 0
    gains, losses = (np.where(won, values, 0.0)).sum(-1), -(np.where(lost, values, 0.0)).sum(-1)
    both = won.any(-1) & lost.any(-1)
    return np.where(both, gains * lost.sum(-1) / np.where(both, losses * won.sum(-1), 1.0), np.nan)


def _bets(histories: np.ndarray) -> np.ndarray:
    """Return the participation ratio of the correlations of histories, shape (m, T, k) to (m,)."""
    away = histories - histories.mean(-2, keepdims=True)
    size = np.sqrt((away**2).sum(-2, keepdims=True))
    unit = away / np.where(size > 0, size, 1.0)
    alike = np.swapaxes(unit, -1, -2) @ unit
    # The eigenvalues sum to the trace, their squares to the squared entries.
    return np.trace(alike, axis1=-2, axis2=-1) ** 2 / (alike**2).sum((-2, -1))


def _waves(periods: int) -> np.ndarray:
    """Return the cosines of the lowest frequencies of a history, shape (T, B), ``B = 0.41 T^(2/3)``, 4 at least."""
    count = min(max(4, int(0.41 * periods ** (2.0 / 3.0))), periods - 1)
    angles = np.pi * np.outer(np.arange(periods) + 0.5, np.arange(1, count + 1)) / periods
    return np.sqrt(2.0 / periods) * np.cos(angles)


def _errors(histories: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean of histories, shape (m, T) to (m,): B degrees of freedom each."""
    return np.sqrt(((histories @ waves) ** 2).mean(1) / histories.shape[1])
