"""What a history of returns amounts to, each figure with its bootstrap interval.

All of them are functions of histories with the periods on the last axis, so that thousands of resampled histories are
read at once. Returns are decimals a period; P is periods a year::

    return            prod(1 + r)^(P/T) - 1
    volatility        std(r) sqrt(P)
    sharpe            mean(r - cash) / std(r - cash) sqrt(P)                              Sharpe (1994)
    drawdown          max over t of 1 - V_t / max_{s <= t} V_s
    excess            return of the portfolio less that of the benchmark
    tracking_error    std(r - b) sqrt(P)
    information_ratio mean(r - b) / std(r - b) sqrt(P)                                    Grinold and Kahn (2000)
    hit_rate          share of periods with r > b, those with r = b left out
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from ..errors import InputError
from .bootstraps import Interval, bootstrap_all


def annual_return(returns: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Return the compounded return a year of histories, shape (..., T) to (...); -1 once everything is lost."""
    values = np.maximum(np.asarray(returns, dtype=float), -1.0)
    with np.errstate(divide="ignore"):  # a total loss is minus infinity in logarithms, and -1 when taken back
        return np.expm1(np.log1p(values).mean(-1) * periods_per_year)


def volatility(returns: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Return the annual volatility of histories, shape (..., T) to (...)."""
    values = np.asarray(returns, dtype=float)
    return (
        values.std(-1, ddof=1) * np.sqrt(periods_per_year)
        if values.shape[-1] > 1
        else np.full(values.shape[:-1], np.nan)
    )


def sharpe(returns: np.ndarray, periods_per_year: float) -> np.ndarray:
    """Return the annual Sharpe ratio of excess returns (over cash, or over a benchmark: the information ratio).

    Not a number where nothing varies.

    >>> round(float(sharpe(np.array([0.02, -0.01, 0.03, 0.0]), 12)), 4)
    1.8974
    """
    values = np.asarray(returns, dtype=float)
    spread = volatility(values, periods_per_year)
    flat = ~(spread > 1e-12 * np.abs(values).max(-1, initial=0.0))
    return np.where(flat, np.nan, values.mean(-1) * periods_per_year / np.where(flat, 1.0, spread))


def drawdown(returns: np.ndarray) -> np.ndarray:
    """Return the deepest fall from a peak of histories, shape (..., T) to (...), a positive decimal.

    >>> round(float(drawdown(np.array([0.10, -0.20, 0.05, -0.10]))), 4)
    0.244
    """
    values = np.cumprod(1.0 + np.asarray(returns, dtype=float), axis=-1)
    start = np.ones((*values.shape[:-1], 1))
    path = np.concatenate([start, values], axis=-1)
    return (1.0 - path / np.maximum.accumulate(path, axis=-1)).max(-1)


def hit_rate(active: np.ndarray) -> np.ndarray:
    """Return the share of periods that won against the benchmark; those that neither won nor lost are left out."""
    values = np.asarray(active, dtype=float)
    won, lost = (values > 0).sum(-1), (values < 0).sum(-1)
    return np.where(won + lost > 0, won / np.maximum(won + lost, 1), np.nan)


def judge(
    portfolio: pd.Series,
    *,
    periods_per_year: float,
    benchmark: pd.Series | None = None,
    cash: pd.Series | float = 0.0,
    draws: int = 2000,
    level: float = 0.90,
    length: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the statistics of a return history with their bootstrap intervals.

    Parameters
    ----------
    portfolio, benchmark
        Returns a period, after costs; without a benchmark the active figures are left out.
    periods_per_year
        252 for days, 12 for months.
    cash
        What cash paid over each period: a series, or one number a period.
    draws, level, length, seed
        Of the bootstrap (:func:`.bootstraps.bootstrap`); portfolio, benchmark and cash are resampled together.

    Returns
    -------
    pandas.DataFrame
        Index statistic; columns value, low, high: decimals a year, ratios, or shares.

    Raises
    ------
    InputError
        Fewer than three periods, series of other periods, or gaps.
    """
    history = _history(portfolio, benchmark, cash)
    asked = _statistics(periods_per_year, active=benchmark is not None)
    return tabulate_intervals(bootstrap_all(history, asked, draws=draws, level=level, length=length, seed=seed))


def tabulate_intervals(found: Mapping[str, Interval]) -> pd.DataFrame:
    """Return statistics with their intervals as a table: index statistic; columns value, low, high."""
    table = {name: (each.value, each.low, each.high) for name, each in found.items()}
    return pd.DataFrame.from_dict(table, orient="index", columns=["value", "low", "high"]).rename_axis("statistic")


def _statistics(periods_per_year: float, *, active: bool) -> Mapping[str, Callable[[np.ndarray], np.ndarray]]:
    """Name the statistics of histories of shape (m, T, 3): portfolio, benchmark, cash."""
    p = periods_per_year
    own: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "return": lambda h: annual_return(h[..., 0], p),
        "volatility": lambda h: volatility(h[..., 0], p),
        "sharpe": lambda h: sharpe(h[..., 0] - h[..., 2], p),
        "drawdown": lambda h: drawdown(h[..., 0]),
    }
    against: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "excess": lambda h: annual_return(h[..., 0], p) - annual_return(h[..., 1], p),
        "tracking_error": lambda h: volatility(h[..., 0] - h[..., 1], p),
        "information_ratio": lambda h: sharpe(h[..., 0] - h[..., 1], p),
        "hit_rate": lambda h: hit_rate(h[..., 0] - h[..., 1]),
    }
    return own | against if active else own


def _history(portfolio: pd.Series, benchmark: pd.Series | None, cash: pd.Series | float) -> np.ndarray:
    columns = []
    for name, series in (("portfolio", portfolio), ("benchmark", benchmark), ("cash", cash)):
        if series is None:
            values = np.zeros(len(portfolio))
        elif isinstance(series, pd.Series):
            if not series.index.equals(portfolio.index):
                raise InputError(
                    f"the {name} has other periods than the portfolio", code="LENGTH", field=name, value=len(series),
                    mend="series with the same index",
                )  # fmt: skip
            values = series.to_numpy(dtype=float)
        else:
            values = np.full(len(portfolio), float(series))
        columns.append(values)
    history = np.stack(columns, axis=-1)
    gaps = ~np.isfinite(history).all(-1)
    if len(history) < 3 or gaps.any():
        where = f"a gap at {portfolio.index[int(np.argmax(gaps))]}" if gaps.any() else f"{len(history)} periods"
        raise InputError(
            f"the history has {where}",
            code="BAD_HISTORY",
            field="portfolio",
            mend="three periods or more, none missing",
        )
    return history
