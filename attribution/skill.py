"""Were the decisions any good: what each source earned against its hurdle, and how sure that is.

With ``e_t`` what a source (a view, an author, a signal, a rule) added to the return of period t, P periods a year, and
h its hurdle, the annual gain fixed when it was approved::

    gain               mean(e) P
    information_ratio  (mean(e) P - h) / (std(e) sqrt(P))                       Grinold and Kahn (1999), chapter 5
    hit_rate           share of periods with e > h/P, those with e = 0 left out (no position)
    slugging           mean gain of the winning periods / mean loss of the losing ones
    t                  of mean(e) - h/P, Newey and West (1987)
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
from scipy.stats import t as student

from ..errors import InputError
from ..models.risks import Risk
from ..scenarios.bootstraps import Interval, block_length, bootstrap, resample
from ..scenarios.performances import hit_rate, sharpe
from ..signals.diagnostics import mean_coefficient
from .decisions import HELD, Attribution, By

Verdict = Literal["skill", "open", "none"]
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
    exact = float(student.ppf(1.0 - tail, waves.shape[1]))
    low, high = max(float(upper), exact) * error, min(float(lower), -exact) * error
    return Interval(mean, mean - low, mean - high, level)


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
        A row a source: periods with a position (the others are left out, so that a year is one in position), gain with
        low and high, hurdle, information_ratio with low and high,
        hit_rate with low and high, slugging, t, and the verdict: ``skill`` where the whole interval of the gain is
        above the hurdle, ``none`` where it is below, else ``open``.

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
    """Judge the sources of an attribution: by view, author, signal, rule, class; by regime, only its own periods."""
    series = found.series(by)
    return judge_sources(
        series, periods_per_year=periods_per_year, hurdles=hurdles, draws=draws, level=level, seed=seed
    )


def independent_bets(series: pd.DataFrame) -> float:
    """Return how many independent bets the sources are: the participation ratio of their correlations.

    >>> twice = pd.DataFrame({"a": [0.1, -0.1, 0.2], "b": [0.1, -0.1, 0.2]})
    >>> round(independent_bets(twice), 6)
    1.0
    """
    values = series.to_numpy(dtype=float)
    values = values[:, values.std(0) > 0]
    if not values.shape[1]:
        return 0.0
    spectrum = np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(values.T)))
    return float(spectrum.sum() ** 2 / (spectrum**2).sum())


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
        ("gain", "low", "high", "information_ratio", "ir_low", "ir_high", "hit_rate", "hit_low", "hit_high",
         "slugging", "t"), float("nan"),
    )  # fmt: skip
    if len(active) < LEAST:
        return {"periods": len(active), **nothing, "hurdle": hurdle, "verdict": "open"}
    beyond = active - hurdle / year
    whole = mean_interval(beyond, draws=draws, level=level, seed=seed)
    ratio = bootstrap(beyond, lambda h: sharpe(h, year), draws=draws, level=level, seed=seed)
    hits = bootstrap(beyond, hit_rate, draws=draws, level=level, seed=seed)
    won, lost = beyond[beyond > 0], beyond[beyond < 0]
    verdict: Verdict = "skill" if whole.low > 0 else "none" if whole.high < 0 else "open"
    return {
        "periods": len(active), "gain": hurdle + whole.value * year, "low": hurdle + whole.low * year,
        "high": hurdle + whole.high * year, "information_ratio": ratio.value, "ir_low": ratio.low,
        "ir_high": ratio.high, "hit_rate": hits.value, "hit_low": hits.low, "hit_high": hits.high,
        "slugging": float(won.mean() / -lost.mean()) if len(won) and len(lost) else float("nan"),
        "t": mean_coefficient(beyond).t, "hurdle": hurdle, "verdict": verdict,
    }  # fmt: skip


def _waves(periods: int) -> np.ndarray:
    """Return the cosines of the lowest frequencies of a history, shape (T, B), ``B = 0.41 T^(2/3)``, 4 at least."""
    count = min(max(4, int(0.41 * periods ** (2.0 / 3.0))), periods - 1)
    angles = np.pi * np.outer(np.arange(periods) + 0.5, np.arange(1, count + 1)) / periods
    return np.sqrt(2.0 / periods) * np.cos(angles)


def _errors(histories: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean of histories, shape (m, T) to (m,): B degrees of freedom each."""
    return np.sqrt(((histories @ waves) ** 2).mean(1) / histories.shape[1])
