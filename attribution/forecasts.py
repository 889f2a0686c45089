"""What became of forecasts: what each promised over its life, and what its legs did.

A view promises ``gain * years`` from its beginning to ``until``; its legs earn ``sum_i p_i (L_i(end)/L_i(start) - 1)``.
Calibration compares the two by source, a row a forecast (:mod:`.promises`: those of one view do not overlap)::

    slope   sum promised realised / sum promised^2      1: as promised; 0: worth nothing      (through the origin)
    ic      rank correlation of promised with realised, with its t (:func:`trimtab.signals.diagnostics`)
    right   share of forecasts whose legs moved the way that was said
    days    median time until what was promised had been earned, of those that paid

Intervals are of the stationary bootstrap over forecasts, in the order in which they ended.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from ..models.universes import Universe
from ..models.views import View
from ..scenarios.bootstraps import Interval, bootstrap_all
from ..signals.diagnostics import information_coefficient
from ..signals.subjects import legs_row
from ..units import FrozenMap, day
from .promises import COLUMNS as PROMISED
from .promises import promise

COLUMNS = (
    *PROMISED, "promised", "realised", "right", "hurdle", "cleared", "days_to_pay_off",
)  # fmt: skip
Source = Literal["view_id", "about", "author", "regime", "class", "signal", "source"]
SOURCES: tuple[Source, ...] = ("view_id", "about", "author", "regime", "class", "signal", "source")
LEAST = 8
"""Forecasts below which no interval is told."""


def settle_views(
    views: Sequence[View],
    returns: pd.DataFrame,
    universe: Universe,
    strategic: np.ndarray,
    on: dt.date | str,
    *,
    regimes: pd.Series | None = None,
) -> pd.DataFrame:
    """Return a row a view that has ended by a day: what it promised over its life, and what came of it.

    Parameters
    ----------
    views, returns
        Views without ``since`` or ``until``, or still live, are left out. Returns are those of the assets, indexed by
        the end of each period; an asset without a column earns nothing.
    universe, strategic
        What legs mean; classes and groups in the mix of these weights.
    on
        The day on which it is asked: later returns are not looked at.
    regimes
        The state of each period, by its end: a view stands with the state it began in.

    Returns
    -------
    pandas.DataFrame
        As :func:`settle`.
    """
    classes, rows = dict(zip(universe.assets, universe.classes, strict=True)), []
    ends = pd.DatetimeIndex(pd.to_datetime(returns.sort_index().index))
    for view in views:
        if view.since is None or view.until is None:
            continue
        row = legs_row(view.about, universe, strategic, name=view.id)
        first = int(np.searchsorted(ends.to_numpy(), np.datetime64(view.since), side="right"))
        state = "" if regimes is None or first >= len(ends) else str(regimes.sort_index().get(ends[first], ""))
        legs = {asset: float(x) for asset, x in zip(universe.assets, row, strict=True) if x}
        rows.append(promise(view, legs, classes, regime=state))
    return settle(pd.DataFrame(rows, columns=list(PROMISED)), returns, on)


def settle(promised: pd.DataFrame, returns: pd.DataFrame, on: dt.date | str) -> pd.DataFrame:
    """Return the forecasts that have ended by a day, with what came of each.

    Parameters
    ----------
    promised, returns
        A row a forecast (:mod:`.promises`); and of the assets, decimals, indexed by the end of each period: an asset
        without a column earns nothing.
    on
        The day on which it is asked: later returns are not looked at.

    Returns
    -------
    pandas.DataFrame
        The same columns and: promised and realised, decimals over the forecast's life, both in favour of the legs as
        written; ``right`` whether they agree in sign (None where nothing moved); ``hurdle`` what had to be gained
        (annual decimals times years; 0 where none was fixed) and ``cleared`` whether it was; ``days_to_pay_off`` when
        what was promised had been earned for the first time, missing where it never was.
    """
    on, rows, frame = day(on), [], returns.sort_index()
    ends = pd.DatetimeIndex(pd.to_datetime(frame.index))
    frame = frame.loc[ends <= pd.Timestamp(on)]
    ends = ends[ends <= pd.Timestamp(on)]
    moves = {str(name): frame[name].fillna(0.0).to_numpy(dtype=float) for name in frame.columns}
    for row in promised.to_dict("records"):
        kept = np.zeros(len(ends), dtype=bool)
        if not pd.isna(row["until"]) and row["until"] <= on:
            kept = np.asarray((ends > pd.Timestamp(row["since"])) & (ends <= pd.Timestamp(row["until"])))
        if kept.any():
            rows.append({**row, **_outcome(row, moves, kept, ends)})
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("until", kind="stable", ignore_index=True)


def _outcome(
    row: Mapping, moves: Mapping[str, np.ndarray], kept: np.ndarray, ends: pd.DatetimeIndex
) -> dict[str, object]:
    legs, path = json.loads(row["legs"]), np.zeros(int(kept.sum()))
    for asset, weight in legs.items():
        path += weight * (np.cumprod(1.0 + moves.get(asset, np.zeros(len(ends)))[kept]) - 1.0)
    gain = float(row["gain"])
    promised, realised, sign = gain * (row["until"] - row["since"]).days / 365.25, float(path[-1]), np.sign(gain)
    paid = np.flatnonzero(sign * path >= abs(promised))
    begun = np.datetime64(row["since"])
    waited = float((ends[kept].to_numpy()[paid[0]] - begun) / np.timedelta64(1, "D")) if len(paid) else np.nan
    return {
        "promised": promised, "realised": realised,
        "right": None if realised == 0 or sign == 0 else bool(sign * realised > 0), "hurdle": 0.0,
        "cleared": bool(sign * realised > 0.0), "days_to_pay_off": waited,
    }  # fmt: skip


def against_hurdles(settled: pd.DataFrame, hurdles: pd.Series) -> pd.DataFrame:
    """Return the same with the hurdles fixed at approval, annual decimals by view: did what came of it clear them?"""
    lives = pd.to_datetime(settled["until"]).to_numpy() - pd.to_datetime(settled["since"]).to_numpy()
    fixed = hurdles.reindex(settled["view_id"].tolist()).fillna(0.0).to_numpy(dtype=float)
    least = fixed * (lives / np.timedelta64(1, "D")) / 365.25
    gained = np.sign(settled["promised"].to_numpy(dtype=float)) * settled["realised"].to_numpy(dtype=float)
    return settled.assign(hurdle=least, cleared=gained > least)


def by_signals(settled: pd.DataFrame) -> pd.DataFrame:
    """Return a row a signal of a forecast: it promised its share of the view's gain, against the view where negative.

    Forecasts that no signal had a part in are left out.
    """
    rows = []
    for row in settled.to_dict("records"):
        for signal, share in json.loads(row["shares"]).items():
            promised = share * row["promised"]
            agreed = None if row["right"] is None else bool(row["right"]) == (share > 0)
            cleared = bool(np.sign(promised) * row["realised"] > abs(row["hurdle"]))
            rows.append({**row, "signal": signal, "promised": promised, "right": agreed, "cleared": cleared})
    return pd.DataFrame(rows, columns=[*settled.columns, "signal"])


def calibrate(
    settled: pd.DataFrame, by: Source = "author", *, draws: int = 1000, level: float = 0.90, seed: int = 0
) -> pd.DataFrame:
    """Return a row a source: how many forecasts, right and wrong ones, and how promises compare with what came of them.

    Parameters
    ----------
    settled
        Of :func:`settle`.
    by
        ``view_id``, ``about``, ``author``, ``regime`` (the forecast began in), ``class`` (of its legs), ``signal``
        (each with its share of its view's promise), or ``source``: who the table ``confidences`` would name, an author
        of the people's views or an opinion.
    draws, level, seed
        Of the bootstrap; no interval with fewer than :data:`LEAST` forecasts.

    Returns
    -------
    pandas.DataFrame
        forecasts, right, wrong, promised and realised (means, in favour of what was said), confidence (the mean that
        was stated), and with ``_low`` and ``_high``: right_share, slope, ic, ic_t, cleared (share), days.
    """
    if by not in SOURCES:
        raise InputError(
            f"forecasts have no {by!r}", code="UNKNOWN_COLUMN", field="by", value=by, mend=", ".join(SOURCES)
        )
    table = by_signals(settled) if by == "signal" else settled
    table = settled.assign(source=_sources(settled)) if by == "source" else table
    rows = {name: _calibrated(own, draws, level, seed) for name, own in table.groupby(by, sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def _sources(settled: pd.DataFrame) -> list[str]:
    """Return the name under which each forecast's source is trusted: a person's, or an opinion's."""
    rows = zip(settled["source"], settled["author"], settled["view_id"], strict=True)
    return [author if source != "signals" and author else view for source, author, view in rows]


def _calibrated(own: pd.DataFrame, draws: int, level: float, seed: int) -> dict[str, float]:
    promised, realised = own["promised"].to_numpy(dtype=float), own["realised"].to_numpy(dtype=float)
    right = np.array([np.nan if x is None else float(x) for x in own["right"]])
    cleared, days = own["cleared"].to_numpy(dtype=float), own["days_to_pay_off"].to_numpy(dtype=float)
    found = {
        "forecasts": len(own), "right": int(np.nansum(right)), "wrong": int(np.nansum(1.0 - right)),
        "promised": float(np.abs(promised).mean()), "realised": float((np.sign(promised) * realised).mean()),
        "confidence": float(own["confidence"].to_numpy(dtype=float).mean()),
    }  # fmt: skip
    history = np.column_stack([promised, realised, right, cleared, days])
    history = np.where(np.isnan(history), _MISSING, history)
    if len(own) < LEAST:
        said = {n: Interval(float(f(history[None])[0]), np.nan, np.nan, level) for n, f in STATISTICS.items()}
    else:
        said = bootstrap_all(history, STATISTICS, draws=draws, level=level, seed=seed)
    for name, told in said.items():
        found |= {name: told.value, f"{name}_low": told.low, f"{name}_high": told.high}
    # The interval of t is that of the coefficient in units of its standard error.
    t = information_coefficient(promised, realised).t
    size = t / found["ic"] if found["ic"] else np.nan
    ends = sorted((found["ic_low"] * size, found["ic_high"] * size))
    return found | {"ic_t": t, "ic_t_low": ends[0], "ic_t_high": ends[1]}


_MISSING = -1.0
"""Of right and days, where there is none: the bootstrap takes no gaps."""


def _share(column: int) -> Callable[[np.ndarray], np.ndarray]:
    def share(h: np.ndarray) -> np.ndarray:
        known = h[..., column] >= 0.0
        count = known.sum(-1)
        return np.where(count > 0, (h[..., column] * known).sum(-1) / np.maximum(count, 1), np.nan)

    return share


def _slope(h: np.ndarray) -> np.ndarray:
    size = (h[..., 0] ** 2).sum(-1)
    return np.where(size > 0, (h[..., 0] * h[..., 1]).sum(-1) / np.where(size > 0, size, 1.0), np.nan)


def _rank_correlation(h: np.ndarray) -> np.ndarray:
    x, y = (pd.DataFrame(h[..., k]).rank(axis=1).to_numpy() for k in (0, 1))  # ties share the mean of theirs
    x, y = (each - each.mean(-1, keepdims=True) for each in (x, y))
    size = np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
    return np.where(size > 0, (x * y).sum(-1) / np.where(size > 0, size, 1.0), np.nan)


def _median_wait(h: np.ndarray) -> np.ndarray:
    waits = np.where(h[..., 4] >= 0.0, h[..., 4], np.inf)
    waits = np.sort(waits, axis=-1)
    count = np.isfinite(waits).sum(-1)
    low, high = (np.take_along_axis(waits, k[:, None], -1)[:, 0] for k in (np.maximum(count - 1, 0) // 2, count // 2))
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, 0.5 * (low + np.where(np.isfinite(high), high, low)), np.nan)


STATISTICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = FrozenMap(
    {"right_share": _share(2), "slope": _slope, "ic": _rank_correlation, "cleared": _share(3), "days": _median_wait}
)
"""Of histories of shape (m, forecasts, 5): promised, realised, right, cleared, days to pay off."""
